"""Who is alive: nobody loses what was acknowledged because somebody else takes him for dead."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack
import programs
from nbtrack.store import open_store, owner
from nbtrack.store.journal import Journal
from nbtrack.store.liveness import silent_runs
from nbtrack.store.owner import Owner
from nbtrack.views.details.query import run_details
from nbtrack.views.details.tree_run import ending

CALLS = """
    import sys, nbtrack
    if len(sys.argv) > 1:  # a machine that is not this one
        from nbtrack.store import owner
        owner.host = lambda: sys.argv[1]
        owner._place = lambda: sys.argv[2]
    run = nbtrack.start_run(run_name="elsewhere")
    print(run.info.run_id, flush=True)
    for step, line in enumerate(sys.stdin):
        if line == "log\\n":
            nbtrack.log_metric("x", step, step=step)
            nbtrack.set_tag("last", step)
        if line == "beat\\n":
            for journal in run.store._open_journals.values():
                journal.touch()
        if line == "end\\n":
            nbtrack.end_run()
        print("done", flush=True)
"""
ELSEWHERE = ("laptop", "abc@laptop/1111-22/4026531836")


def tell(process: subprocess.Popen[str], word: str) -> None:
    process.stdin.write(f"{word}\n")
    process.stdin.flush()
    assert process.stdout.readline() == "done\n"


def journals(workdir: Path) -> Path:
    return workdir / "nbtrack.duckdb.d" / "journal"


def silence(workdir: Path, seconds: float = 3600.0) -> None:
    """Let the journals look as if nobody had touched them for long."""
    for file in journals(workdir).glob("*.events"):
        found = file.stat()
        os.utime(file, (found.st_atime - seconds, found.st_mtime - seconds))


def steps(run_id: str) -> list[int]:
    return [m.step for m in nbtrack.MlflowClient().get_metric_history(run_id, "x")]


def in_namespace(workdir: Path) -> subprocess.Popen[str] | None:
    """Start the program in a PID namespace of its own, the host's name being the same."""
    if shutil.which("unshare") is None:
        return None
    for rights in ((), ("--user", "--map-root-user")):
        command = ["unshare", *rights, "--pid", "--fork", "--mount-proc", "--kill-child"]
        if subprocess.run([*command, "true"], check=False, capture_output=True).returncode == 0:
            code = "\n".join(line[4:] for line in CALLS.splitlines())
            return subprocess.Popen(
                [*command, sys.executable, "-c", code],
                cwd=workdir,
                env={**os.environ, "PYTHONPATH": str(programs.SRC)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
    return None


def test_a_run_in_another_pid_namespace_is_not_declared_dead(workdir):
    process = in_namespace(workdir)
    if process is None:
        pytest.skip("this machine allows no PID namespace")
    run_id = process.stdout.readline().strip()
    for step in range(12):
        tell(process, "log")
        assert nbtrack.get_run(run_id).info.status == "RUNNING", step
        open_store(None).fold()
    silence(workdir)
    assert nbtrack.get_run(run_id).info.status == "RUNNING"
    tell(process, "end")
    process.communicate(timeout=30)
    assert steps(run_id) == list(range(12))
    found = nbtrack.get_run(run_id)
    assert (found.info.status, found.data.tags["last"]) == ("FINISHED", "11")
    assert list(journals(workdir).iterdir()) == []


def test_a_run_on_another_machine_that_is_silent_is_only_marked(workdir):
    process = programs.start(CALLS, *ELSEWHERE, cwd=workdir)
    run_id = process.stdout.readline().strip()
    for _ in range(3):
        for _ in range(4):
            tell(process, "log")
        assert nbtrack.get_run(run_id).info.status == "RUNNING"
        silence(workdir)
        assert nbtrack.get_run(run_id).info.status == "RUNNING"
        with open_store(None).read() as reader:
            assert silent_runs(reader)[run_id] > 3000
    tell(process, "beat")
    with open_store(None).read() as reader:
        assert silent_runs(reader) == {}
    tell(process, "end")
    process.communicate(timeout=30)
    assert steps(run_id) == list(range(12))
    assert nbtrack.get_run(run_id).info.status == "FINISHED"


@pytest.mark.parametrize("harm", ["interrupt", "both"])
def test_a_run_that_was_taken_for_dead_speaks_again(workdir, harm):
    """What a version that judges by silence does to it: INTERRUPTED, and its journal unlinked."""
    process = programs.start(CALLS, *ELSEWHERE, cwd=workdir)
    run_id = process.stdout.readline().strip()
    tell(process, "log")
    open_store(None).fold()
    with open_store(None).write() as reader:
        reader.named("fold.interrupt", runs=[run_id])
    assert nbtrack.get_run(run_id).info.status == "INTERRUPTED"
    if harm == "both":
        for file in journals(workdir).iterdir():
            file.unlink()
    for _ in range(5):
        tell(process, "log")
    if harm == "interrupt":
        assert nbtrack.get_run(run_id).info.status == "RUNNING"
    tell(process, "end")
    process.communicate(timeout=30)
    assert steps(run_id) == list(range(6))
    found = nbtrack.get_run(run_id)
    assert (found.info.status, found.data.tags["last"]) == ("FINISHED", "5")


def test_a_process_that_is_stopped_is_alive(workdir):
    process = programs.start(CALLS, cwd=workdir)
    run_id = process.stdout.readline().strip()
    tell(process, "log")
    process.send_signal(signal.SIGSTOP)
    silence(workdir)
    with open_store(None).read() as reader:
        assert silent_runs(reader) == {}
    assert nbtrack.get_run(run_id).info.status == "RUNNING"
    process.send_signal(signal.SIGCONT)
    process.kill()
    process.communicate()
    assert nbtrack.get_run(run_id).info.status == "INTERRUPTED"
    assert list(journals(workdir).iterdir()) == []


def run_elsewhere(workdir: Path) -> str:
    """Make a running run whose owner is on another machine."""
    nbtrack.search_runs()
    run_id = "e" * 32
    journal = Journal(journals(workdir), run_id)
    journal.event(
        "run", experiment_id="0", run_name="elsewhere", user_id="", status="RUNNING",
        start_time=5, artifact_uri=None, host=ELSEWHERE[0], pid=7, started=7, place=ELSEWHERE[1],
    )  # fmt: skip
    journal.points({"x": 0.0}, 0, 5)
    journal.close()
    (workdir / "nbtrack.duckdb.d" / "lock").touch()
    file = next(journals(workdir).glob("*.events"))
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[1:-1]))
    return run_id


def test_a_silent_run_is_gone_on_with_by_its_id(workdir):
    run_id = run_elsewhere(workdir)
    with nbtrack.start_run(run_id=run_id) as run:
        assert run.joined
    silence(workdir)
    with nbtrack.start_run(run_id=run_id) as run:
        assert not run.joined
        nbtrack.log_metric("x", 7, step=7)
    assert nbtrack.get_run(run_id).info.status == "FINISHED"
    assert steps(run_id) == [0, 7]


@pytest.mark.parametrize("action", ["keep", "discard"])
def test_a_silent_run_is_declared_dead_by_hand(workdir, action):
    run_id = run_elsewhere(workdir)
    with pytest.raises(nbtrack.NbtrackError, match="nothing to"):
        open_store(None).runs.act(action, [run_id])
    silence(workdir)
    with open_store(None).read() as reader:
        silent_s = run_details(reader, run_id).silent_s
    assert ending("RUNNING", 0, None, silent_s) == "no sign of life for 1 hour"
    assert open_store(None).runs.act(action, [run_id]) == [run_id]
    found = nbtrack.get_run(run_id)
    assert found.info.status == "INTERRUPTED"
    assert found.info.lifecycle_stage == ("deleted" if action == "discard" else "active")


HERE = "abc@vm/boot-2/4026531836"


@pytest.mark.parametrize(
    ("place", "gone"),
    [
        (HERE, True),
        ("abc@vm/boot-1/4026531836", True),
        ("abc@vm/boot-2/4026532000", False),
        ("/boot-2/4026532000", False),
        ("/boot-1/4026532000", False),
        ("xyz@vm/boot-1/4026531836", False),
        ("xyz@other/boot-1/4026531836", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_an_owner_is_gone_only_when_that_is_certain(monkeypatch, place, gone):
    monkeypatch.setattr(owner, "_this", lambda pid: Owner("vm", pid, 1, HERE))
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    dead = Owner("vm", process.pid, 5, place)
    assert dead.is_gone() is gone
    assert not dead.is_alive()


def test_a_pid_that_was_given_again_is_another_process():
    this = Owner.this()
    assert this.is_alive()
    assert not this.is_gone()
    later = Owner(this.host, this.pid, this.started + 1000, this.place)
    assert later.is_gone()
    for pid in (0, -1, 2**40):
        assert not Owner(this.host, pid, 1, this.place).is_alive()


def test_what_an_older_version_says_of_its_process_is_believed_late(workdir):
    this = Owner.this()
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    old = Owner(owner.host(), process.pid, 5)
    assert not old.is_gone(idle_s=600)
    assert old.is_gone(idle_s=7200)
    assert not Owner("another", process.pid, 5).is_gone(idle_s=10**6)
    assert not Owner(owner.host(), this.pid, this.started).is_gone(idle_s=10**6)
    with nbtrack.start_run() as run:
        run.store.fold()
        (file,) = journals(workdir).glob("*.events")
        said = json.loads(file.read_bytes().splitlines()[0])
    assert said["place"] == this.place


def test_a_child_of_a_fork_is_an_owner_of_its_own(workdir):
    out = programs.run(
        """
        import os
        from nbtrack.store.owner import Owner
        parent = Owner.this()
        pid = os.fork()
        if pid == 0:
            child = Owner.this()
            print(child != parent, child.pid == os.getpid(), child.is_alive(), flush=True)
            os._exit(0)
        os.waitpid(pid, 0)
        print(Owner(parent.host, pid, parent.started, parent.place).is_gone())
        """,
        cwd=workdir,
    )
    assert out.split() == ["True", "True", "True", "True"]


def test_a_journal_set_aside_under_its_writer_is_written_again(tmp_path):
    folder = tmp_path / "journal"
    journal = Journal(folder, "a" * 32)
    journal.points({"x": 1.0}, 0, 5)
    (folder / "damaged").mkdir()
    for file in list(folder.glob("*.*")):
        file.replace(folder / "damaged" / file.name)
    assert journal.restore()
    assert not journal.restore()
    journal.points({"x": 2.0}, 1, 5)
    journal.close()
    assert sorted(len(file.read_bytes()) for file in folder.glob("*.points")) == [96]
