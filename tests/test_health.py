"""What `nbtrack doctor` finds, with real locks, journals and processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import nbtrack
from nbtrack.cli.program import program
from nbtrack.health import Finding, Level, examine
from nbtrack.health import state as health_state
from nbtrack.health.disk import network
from nbtrack.health.installation import extensions, front_end, unmet
from nbtrack.store.queries import migrations
from tracking_servers import TrackingServer

SRC = Path(__file__).parents[1] / "src"


def about(subject: str, found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.subject == subject]


def matters(found: list[Finding]) -> list[Finding]:
    return [each for each in found if each.level in (Level.WARNING, Level.PROBLEM)]


def python(code: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    return subprocess.run(
        [sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False
    )


@contextmanager
def held(code: str) -> Iterator[int]:
    """Run a process that holds something and says so."""
    process = subprocess.Popen(
        [sys.executable, "-c", f"{code}\nprint('held', flush=True)\ninput()"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process.pid
        process.kill()


@pytest.fixture
def store(workdir: Path) -> Path:
    with nbtrack.start_run():
        nbtrack.log_metric("x", 1.0)
    nbtrack.store.open_store(None).close()
    return workdir / "nbtrack.duckdb"


def test_a_healthy_store_has_nothing_that_matters(store: Path) -> None:
    found = [each for each in examine() if "extension" not in each.subject]
    assert matters(found) == []
    assert about("runs", found)[0].text == "1 finished"
    assert str(store) in about("store", found)[0].text


def test_nothing_is_made_where_there_is_no_store(workdir: Path) -> None:
    assert "There is no store" in about("store", examine())[0].text
    assert list(workdir.iterdir()) == []


def test_journals_of_dead_processes_are_named_and_left_as_they_are(store: Path) -> None:
    done = python(
        "import os, nbtrack\nnbtrack.start_run()\nnbtrack.log_metric('x', 1)\nos._exit(1)"
    )
    assert done.returncode == 1
    before = sorted((store.parent / "nbtrack.duckdb.d" / "journal").iterdir())
    (found,) = matters(about("journals", examine()))
    assert "processes that have ended" in found.text
    assert found.fix == "nbtrack sync"
    assert sorted((store.parent / "nbtrack.duckdb.d" / "journal").iterdir()) == before
    assert nbtrack.store.sync() > 0
    assert matters(about("journals", examine())) == []
    assert "1 were interrupted" in about("runs", examine())[1].text


def test_records_that_make_no_sense_are_counted(store: Path) -> None:
    journal = store.parent / "nbtrack.duckdb.d" / "journal" / f"{'a' * 32}.host-1-abc.events"
    journal.write_text("{}\nnonsense\n")
    assert "2 lines or records make no sense" in matters(about("journals", examine()))[-1].text


def test_who_holds_the_file_is_named(store: Path) -> None:
    with held(f"import duckdb; c = duckdb.connect({str(store)!r})") as pid:
        (found,) = matters(about("lock", examine()))
    assert f"process {pid}" in found.text
    assert "logging goes on" in found.fix


def test_who_holds_the_lock_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health_state, "PATIENCE_S", 0.05)
    lock = store.parent / "nbtrack.duckdb.d" / "lock"
    with held(f"import filelock; l = filelock.FileLock({str(lock)!r}); l.acquire()") as pid:
        (found,) = matters(about("lock", examine()))
    assert f"process {pid}" in found.text
    assert found.level is Level.PROBLEM


def test_a_file_of_a_newer_version_or_that_is_damaged_is_a_problem(store: Path) -> None:
    import duckdb

    with duckdb.connect(str(store)) as connection:
        connection.execute("INSERT INTO migrations VALUES (999, 'later', now()::TIMESTAMP)")
    (found,) = matters(about("store", examine()))
    assert "newer nbtrack (schema 999" in found.text
    store.write_bytes(b"no database" * 1000)
    (found,) = matters(about("store", examine()))
    assert "damaged or is no DuckDB file" in found.text


def test_a_store_of_an_older_version_is_no_problem(store: Path) -> None:
    import duckdb

    store.unlink()
    with duckdb.connect(str(store)) as connection:
        connection.execute(migrations()[0][2])
        connection.execute("INSERT INTO migrations VALUES (1, 'initial', now()::TIMESTAMP)")
    found = examine()
    assert matters(about("store", found) + about("lock", found) + about("journals", found)) == []
    assert "has schema 1 and must be brought to" in about("store", found)[1].text


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs", "lustre", "9p"])
def test_a_network_disk_is_named(kind: str) -> None:
    mounted = [("/", "ext4"), ("/home", kind), ("/homework", "ext4")]
    (found,) = network(Path("/home/ada/runs"), mounted)
    assert f"({kind}, mounted at /home)" in found.text
    assert list(network(Path("/homework/ada"), mounted)) == []


def test_a_folder_that_is_copied_elsewhere_is_named() -> None:
    (found,) = network(Path("/home/ada/Dropbox (Work)/runs"), [("/", "ext4")])
    assert "Dropbox copies" in found.text


def write(file: Path, value: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(value))


def test_extensions_that_are_missing_old_or_disabled_are_named(tmp_path: Path) -> None:
    data, config = tmp_path / "share", tmp_path / "etc"
    missing = list(extensions([data], [config]))
    assert [each.subject for each in matters(missing)] == ["lab extension", "server extension"]
    package = data / "labextensions" / "nbtrack" / "package.json"
    server = config / "jupyter_server_config.d" / "nbtrack.json"
    write(server, {"ServerApp": {"jpserver_extensions": {"nbtrack": True}}})
    write(package, {"version": "0.0.1"})
    (old,) = matters(list(extensions([data], [config])))
    assert "extension of nbtrack 0.0.1" in old.text
    write(package, {"version": nbtrack.__version__})
    assert matters(list(extensions([data], [config]))) == []
    write(config / "labconfig" / "page_config.json", {"disabledExtensions": {"nbtrack": True}})
    write(server, {"ServerApp": {"jpserver_extensions": {"nbtrack": False}}})
    assert [each.text for each in matters(list(extensions([data], [config])))] == [
        f"It is disabled in {config / 'labconfig'}.",
        "The Jupyter server extension is disabled: no sidebar, and no tracking server.",
    ]


def test_requirements_that_are_not_met_are_named() -> None:
    found = list(
        unmet(
            [
                "numpy>=1000",
                "numpy>=1",
                "nothing-of-that-name>=2",
                "absent>=1; extra == 'a'",
                "pandas>=1000; extra == 'a'",
                "pytest>=1000; extra == 'dev'",
                "click>=1000; python_version < '3'",
            ]
        )
    )
    assert [(each.level, each.fix) for each in found] == [
        (Level.PROBLEM, "pip install 'numpy>=1000'"),
        (Level.PROBLEM, "pip install 'nothing-of-that-name>=2'"),
        (Level.WARNING, "pip install 'pandas>=1000'"),
    ]


def test_a_missing_front_end_is_a_problem(tmp_path: Path) -> None:
    (found,) = front_end(tmp_path / "views.js")
    assert found.level is Level.PROBLEM


def test_variables_are_shown_without_secrets(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "abc123")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", "https://ada:hidden@host/x")
    monkeypatch.setenv("NBTRACK_URI", "a.duckdb")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "b.duckdb")
    text = "\n".join(each.text for each in about("environment", examine()))
    assert "MLFLOW_TRACKING_TOKEN=***" in text
    assert "https://***@host/x" in text
    assert "nbtrack uses NBTRACK_URI" in text
    masked = "\n".join(each.text for each in examine(mask=True))
    assert "NBTRACK_URI=***" in masked


def test_a_server_is_asked_and_what_waits_for_it_is_named(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "remote"))
    (workdir / "served").mkdir()
    server = TrackingServer(workdir / "served", token="right").start()
    try:
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "right")
        (found,) = about("server", examine(server.url))
        assert (found.level, found.text) == (Level.OK, f"{server.url} answers.")
        monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", "wrong")
        (found,) = about("server", examine(server.url))
        assert found.level is Level.PROBLEM
        assert "MLFLOW_TRACKING_TOKEN" in found.fix
    finally:
        server.stop()
    code = "import nbtrack\nwith nbtrack.start_run(): nbtrack.log_metric('x', 1)"
    monkeypatch.setenv("NBTRACK_URI", server.url)
    assert python(code).returncode == 0
    away, waiting = about("server", examine(server.url))
    assert "Logging goes on" in away.text
    assert "1 journals hold what the server has not got" in waiting.text


def test_the_command_prints_what_was_found_and_fails_for_a_problem(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    done = CliRunner().invoke(program, ["doctor", "--json"])
    found = json.loads(done.stdout)
    assert {"subject", "text", "level", "fix"} == set(found[0])
    assert done.exit_code == int(any(each["level"] == "problem" for each in found))
    store.write_bytes(b"no database" * 1000)
    refused = CliRunner().invoke(program, ["doctor", "--uri", str(store)])
    assert refused.exit_code == 1
    assert "problem   store:" in refused.stdout
    nbtrack.doctor()
    assert "problem  store:" in capsys.readouterr().out
