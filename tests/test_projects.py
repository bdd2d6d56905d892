"""Projects: MLproject files, scripts, repositories, environments, and how their runs end."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.entities import Run
from nbtrack.errors import MissingDependencyError, ProjectError
from nbtrack.projects import launch
from nbtrack.projects.entry_points import Parameter, fill_in
from nbtrack.projects.environments import make_environment, open_environment
from nbtrack.projects.process import Command
from nbtrack.projects.requirements import Requirements
from nbtrack.projects.sources import opened
from nbtrack.projects.specification import read_project

SRC = Path(__file__).parents[1] / "src"
MLPROJECT = """
name: demo
entry_points:
  main:
    parameters:
      lr: {type: float, default: 0.1}
      words: string
    command: "python train.py --lr {lr} --words {words}"
  broken:
    command: "exit 3"
"""
TRAIN = """
import json, sys
import nbtrack
with nbtrack.start_run() as run:
    nbtrack.log_metric("words", len(sys.argv))
    nbtrack.log_text(json.dumps(sys.argv[1:]), "argv.json")
"""


@pytest.fixture
def project(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    folder = workdir / "project"
    folder.mkdir()
    (folder / "MLproject").write_text(MLPROJECT)
    (folder / "train.py").write_text(TRAIN)
    return folder


def run_of(submitted: nbtrack.projects.SubmittedRun) -> Run:
    return nbtrack.get_run(submitted.run_id)


def argv(run: Run) -> list[str]:
    found: list[str] = nbtrack.artifacts.load_dict(f"runs:/{run.info.run_id}/argv.json")
    return found


def git(folder: Path, *words: str) -> str:
    who = ["-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main"]
    done = subprocess.run(
        ["git", *who, *words], cwd=folder, check=True, capture_output=True, text=True
    )
    return done.stdout.strip()


def wait_for(file: Path) -> str:
    for _ in range(1800):
        if file.exists() and file.read_text().strip():
            return file.read_text().strip()
        time.sleep(0.05)
    raise AssertionError(f"{file} never came")


def is_alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    return stat.exists() and stat.read_text().rpartition(")")[2].split()[0] != "Z"


def test_a_script_joins_the_run_and_gets_its_params(project: Path) -> None:
    nbtrack.set_experiment("digits")
    words = {"lr": 0.5, "words": 'two "words" $(touch no) `x`', "epochs": 3}
    run = run_of(nbtrack.run(str(project), parameters=words, run_name="first"))
    assert (run.info.status, run.info.run_name) == ("FINISHED", "first")
    assert run.data.metrics == {"words": 7.0}
    assert argv(run) == ["--lr", "0.5", "--words", words["words"], "--epochs", "3"]
    assert run.data.params == {"lr": "0.5", "words": words["words"], "epochs": "3"}
    assert not (project / "no").exists()
    assert [r.info.run_id for r in nbtrack.search_runs(output_format="list")] == [run.info.run_id]


def test_tags_say_what_was_run(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    run = run_of(nbtrack.run(str(project), parameters={"words": "a"}))
    tags = run.data.tags
    assert tags["mlflow.source.type"] == "PROJECT"
    assert tags["mlflow.source.name"].endswith("project")
    assert tags["mlflow.source.git.commit"] == git(project, "rev-parse", "HEAD")
    assert tags["mlflow.project.entryPoint"] == "main"
    assert (tags["mlflow.project.env"], tags["mlflow.project.backend"]) == ("local", "local")
    assert tags["nbtrack.project.command"] == "python train.py --lr 0.1 --words a"


def test_a_command_that_fails_makes_a_failed_run(project: Path) -> None:
    with pytest.raises(ProjectError, match="failed"):
        nbtrack.run(str(project), "broken")
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.info.status == "FAILED"
    assert run.data.tags["nbtrack.error"] == "The command ended with exit status 3."


def test_an_exception_in_the_script_is_the_error_of_the_run(project: Path) -> None:
    (project / "bad.py").write_text(
        "import nbtrack\nwith nbtrack.start_run():\n    raise ValueError('no data')\n"
    )
    with pytest.raises(ProjectError):
        nbtrack.run(str(project / "bad.py"))
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.data.tags["nbtrack.error"] == "ValueError: no data"
    assert "no data" in nbtrack.artifacts.load_text(f"runs:/{run.info.run_id}/traceback.txt")


def test_scripts_without_an_entry_point_take_params_as_options(project: Path) -> None:
    (project / "show.sh").write_text('echo "$@" > out.txt\n')
    run = run_of(nbtrack.run(str(project), "show.sh", parameters={"a b": "c d"}))
    assert (project / "out.txt").read_text() == "--a b c d\n"
    assert run.data.params == {"a b": "c d"}


def test_several_runs_of_a_script_belong_under_the_first(project: Path) -> None:
    (project / "sweep.py").write_text(
        "import nbtrack\nfor i in range(3):\n"
        "    with nbtrack.start_run(run_name=f'trial {i}'):\n        nbtrack.log_metric('i', i)\n"
    )
    started = nbtrack.run(str(project / "sweep.py"), run_name="sweep")
    runs = nbtrack.search_runs(output_format="list", order_by=["start_time"])
    parents = {run.data.metrics["i"]: run.data.tags.get("mlflow.parentRunId") for run in runs}
    assert parents == {0.0: None, 1.0: started.run_id, 2.0: started.run_id}


def test_a_run_can_be_gone_on_with_and_nests_in_an_active_one(project: Path) -> None:
    with nbtrack.start_run() as outer:
        first = nbtrack.run(str(project), parameters={"words": "a"})
    assert run_of(first).data.tags["mlflow.parentRunId"] == outer.info.run_id
    again = nbtrack.run(str(project / "train.py"), run_id=first.run_id, parameters={"more": 1})
    assert again.run_id == first.run_id
    assert run_of(again).data.params == {"lr": "0.1", "words": "a", "more": "1"}


def test_cancel_ends_all_that_was_started(project: Path) -> None:
    # the inner shell ignores both polite signals
    (project / "long.sh").write_text(
        "trap '' INT TERM\n(trap '' INT TERM; echo $BASHPID > inner; sleep 300) &\nwait\n"
    )
    from nbtrack.projects import process

    patience, process.PATIENCE_S = process.PATIENCE_S, 0.3
    try:
        started = nbtrack.projects.run(str(project / "long.sh"), synchronous=False)
        inner = int(wait_for(project / "inner"))
        assert started.get_status() == "RUNNING"
        started.cancel()
    finally:
        process.PATIENCE_S = patience
    assert started.get_status() == "KILLED"
    for _ in range(600):
        if not is_alive(inner):
            break
        time.sleep(0.05)
    assert not is_alive(inner)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_the_command_line_passes_signals_on(project: Path, number: int) -> None:
    (project / "long.py").write_text(
        "import os, time, nbtrack\nwith nbtrack.start_run():\n    nbtrack.log_metric('x', 1)\n"
        "    open('pid', 'w').write(str(os.getpid()))\n    time.sleep(300)\n"
    )
    caller = subprocess.Popen(
        [sys.executable, "-m", "nbtrack", "run", "long.py"], cwd=project, stderr=subprocess.PIPE
    )
    inner = int(wait_for(project / "pid"))
    caller.send_signal(number)
    caller.communicate(timeout=90)
    assert caller.returncode == 130
    assert not is_alive(inner)
    nbtrack.set_tracking_uri(project / "nbtrack.duckdb")
    (run,) = nbtrack.search_runs(output_format="list", search_all_experiments=True)
    assert (run.info.status, run.data.metrics) == ("KILLED", {"x": 1.0})


@pytest.mark.parametrize("moment", ["Command", "SubmittedRun"])
def test_a_signal_while_the_command_starts_stops_it(
    project: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    (project / "long.py").write_text("import time; time.sleep(300)")
    commands: list[Command] = []

    def interrupted(make: Any) -> Any:
        def made(*arguments: Any) -> Any:
            found = make(*arguments)
            commands.extend(each for each in (found, *arguments) if isinstance(each, Command))
            signal.raise_signal(signal.SIGINT)
            return found

        return made

    monkeypatch.setattr(launch, moment, interrupted(getattr(launch, moment)))
    with pytest.raises(KeyboardInterrupt):
        nbtrack.run("project/long.py", env_manager="local")
    assert commands[0].process.poll() is not None
    (run,) = nbtrack.search_runs(output_format="list", search_all_experiments=True)
    assert run.info.status == "KILLED"


def test_the_command_line_says_how_it_went(project: Path) -> None:
    words = ["run", "project", "-P", "words=a b", "--experiment-name", "digits", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "nbtrack", *words], capture_output=True, text=True, check=True
    )
    assert '"experiment_id": "1"' in done.stdout
    assert '"words": "a b"' in done.stdout
    failed = subprocess.run(
        [sys.executable, "-m", "nbtrack", "run", "project", "-e", "broken"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert failed.returncode == 1
    assert "FAILED" in failed.stderr


@pytest.mark.parametrize("version", ["main", "v1", "commit", "short"])
def test_repositories_are_fetched_at_a_version(project: Path, version: str) -> None:
    sub = project / "deep" / "er"
    sub.mkdir(parents=True)
    shutil.move(project / "train.py", sub / "train.py")
    shutil.move(project / "MLproject", sub / "MLproject")
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    git(project, "tag", "v1")
    commit = git(project, "rev-parse", "HEAD")
    name = {"commit": commit, "short": commit[:8]}.get(version, version)
    if version != "main":
        (sub / "train.py").write_text("raise SystemExit('the wrong version')")
        git(project, "commit", "-qam", "second")
    uri = f"{project.as_uri()}#deep/er"
    run = run_of(nbtrack.run(uri, version=name, parameters={"words": "a"}))
    assert run.data.tags["mlflow.source.git.commit"] == commit
    assert run.data.tags["mlflow.source.name"].endswith("#deep/er")
    assert argv(run) == ["--lr", "0.1", "--words", "a"]


def test_a_bare_repository_needs_no_version(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    git(project.parent, "clone", "-q", "--bare", "project", "shared.git")
    run = run_of(nbtrack.run("shared.git", parameters={"words": "a"}))
    assert run.data.tags["mlflow.source.git.commit"] == git(project, "rev-parse", "HEAD")


def test_a_version_that_is_not_there_is_said(project: Path) -> None:
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    with pytest.raises(ProjectError, match="no branch, tag or commit 'v9'"):
        nbtrack.run(str(project), version="v9", parameters={"words": "a"})
    with pytest.raises(ProjectError, match="no version"), opened(str(project), "--upload-pack=x"):
        pass


def test_a_remote_helper_is_no_way_to_run_a_command(workdir: Path) -> None:
    with (
        pytest.raises(ProjectError, match=r"git fetch failed|no project"),
        opened(f"git+ssh://ext::sh%20-c%20touch%20{workdir}/no"),
    ):
        pass
    assert not (workdir / "no").exists()


def test_archives_are_unpacked(project: Path) -> None:
    with zipfile.ZipFile("project.zip", "w") as archive:
        for file in project.iterdir():
            archive.write(file, f"inner/{file.name}")
    run = run_of(nbtrack.run("project.zip#inner", parameters={"words": "a"}))
    assert argv(run) == ["--lr", "0.1", "--words", "a"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("entry_points: [a]", "no mapping of names to entry points"),
        ("entry_points: {main: {parameters: {}}}", "'main' has no command"),
        ("entry_points: {main: {command: x, parameters: {a: 3}}}", "declared as 3"),
        ("python_env: nowhere.yaml", "'nowhere.yaml', which is not there"),
        ("a: [", "no YAML"),
        ("conda_env: a\npython_env: b", "several environments"),
    ],
)
def test_what_is_wrong_in_a_project_file_is_said(project: Path, text: str, message: str) -> None:
    (project / "MLproject").write_text(text)
    with pytest.raises(ProjectError, match=message):
        nbtrack.run(str(project))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"parameters": {}}, "needs values for: 'words'"),
        ({"parameters": {"words": "a", "lr": "fast"}}, "'fast', which is no number"),
        ({"entry_point": "other"}, "no entry point 'other'. There are: main, broken"),
        ({"version": "v1", "parameters": {"words": "a"}}, "no git repository"),
        ({"env_manager": "pip"}, "no environment manager 'pip'"),
    ],
)
def test_what_cannot_be_run_makes_no_run(
    project: Path, arguments: dict[str, object], message: str
) -> None:
    with pytest.raises(ProjectError, match=message):
        nbtrack.run(str(project), **arguments)  # type: ignore[arg-type]
    assert nbtrack.search_runs(output_format="list") == []


def test_paths_and_uris_of_params_are_resolved(workdir: Path) -> None:
    (workdir / "project").mkdir()
    for file in ("here.csv", "project/there.csv"):
        (workdir / file).write_text("1")
    path = Parameter("data", "path")
    assert path.value_of("here.csv", workdir / "project", None) == str(workdir / "here.csv")
    there = str(workdir / "project" / "there.csv")
    assert path.value_of("there.csv", workdir / "project", None) == there
    with pytest.raises(ProjectError, match="no such file"):
        path.value_of("no.csv", workdir / "project", None)
    assert Parameter("u", "uri").value_of("s3://b/k", workdir, None) == "s3://b/k"
    assert Parameter("u", "uri").value_of("here.csv", workdir, None) == str(workdir / "here.csv")


@pytest.mark.parametrize("value", ["a b", "it's", '"', "$(id)", "`id`", "a;b|c&d", "\\", "*", ""])
@pytest.mark.parametrize("template", ["printf %s {v}", 'printf %s "{v}"', "printf %s '{v}'"])
def test_values_reach_a_shell_as_they_are(value: str, template: str) -> None:
    command = fill_in(template, {"v": value})
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stdout == value


def test_braces_of_the_shell_stay() -> None:
    assert fill_in("echo ${HOME} {{a}} {b}", {"b": "1"}) == "echo ${HOME} {a} 1"
    with pytest.raises(ProjectError, match=r"names \{c\}"):
        fill_in("echo {c}", {})


def needs_uv() -> None:
    if not shutil.which("uv"):
        pytest.skip("uv is not installed")


@pytest.mark.parametrize("manager", ["uv", "virtualenv"])
def test_an_environment_is_made_once_and_used(
    project: Path, manager: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    if manager == "uv":
        needs_uv()
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(project.parent / "envs"))
    (project / "python_env.yaml").write_text("dependencies: []\n")
    (project / "where.py").write_text("import sys; open('where', 'w').write(sys.prefix)")
    for _ in range(2):
        run = run_of(nbtrack.run(str(project), "where.py", env_manager=manager))
    assert run.data.tags["mlflow.project.env"] == manager
    assert Path((project / "where").read_text()).parent == project.parent / "envs"
    assert capfd.readouterr().err.count("Making the environment") == 1


def test_what_uv_has_locked_is_installed(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    needs_uv()
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(project.parent / "envs"))
    (project / "pyproject.toml").write_text(
        "[project]\nname = 'p'\nversion = '1'\nrequires-python = '>=3.11'\ndependencies = []\n"
    )
    subprocess.run(["uv", "lock", "-q", "--offline"], cwd=project, check=True)
    (project / "where.py").write_text("import sys; open('where', 'w').write(sys.prefix)")
    again = shutil.copytree(project, project.parent / "again")
    (again / "MLproject").unlink()
    found = set()
    for folder, manager in ((project, None), (again, "uv")):
        run = run_of(nbtrack.run(str(folder), "where.py", env_manager=manager))
        assert run.data.tags["mlflow.project.env"] == "uv"
        found.add((folder / "where").read_text())
    assert len(found) == 1


def test_packages_of_this_machine_are_installed_again(workdir: Path) -> None:
    (workdir / "requirements.txt").write_text("nothing==1")
    file = Requirements(workdir, packages=["-r requirements.txt"])
    before = file.digest("uv")
    (workdir / "requirements.txt").write_text("nothing==2")
    assert file.digest("uv") != before
    assert not file.is_local
    assert Requirements(workdir, packages=["-e ."]).is_local


def test_an_environment_that_cannot_be_made_says_why(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs_uv()
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(project.parent / "envs"))
    (project / "python_env.yaml").write_text("dependencies: ['-r missing.txt']\n")
    with pytest.raises(ProjectError, match=r"(?s)could not be made.*missing\.txt"):
        nbtrack.run(str(project), parameters={"words": "a"}, env_manager="uv")


def test_conda_and_docker_are_refused_with_the_way_out(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    for name in ("CONDA_EXE", "MAMBA_EXE"):
        monkeypatch.delenv(name, raising=False)
    (project / "conda.yaml").write_text("dependencies: [python]")
    with pytest.raises(MissingDependencyError, match="--env-manager local"):
        open_environment(read_project(project), "conda", lambda text: None)
    (project / "MLproject").write_text("docker_env: {image: a}")
    with pytest.raises(ProjectError, match="container"):
        nbtrack.run(str(project))


def test_conda_is_used_where_it_is_installed(
    project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """The real one is large: this one makes an environment of Python's own, as it is told to."""
    tools = project.parent / "tools"
    tools.mkdir()
    (tools / "conda").write_text(
        f'#!/bin/sh\ntest "$1 $2 $3 $5" = "env create --prefix --file" || exit 2\n'
        f'exec "{sys.executable}" -m venv --without-pip "$4"\n'
    )
    (tools / "conda").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(project.parent / "envs"))
    (project / "conda.yaml").write_text("dependencies: [python=3]")
    (project / "where.py").write_text("import sys; open('where', 'w').write(sys.prefix)")
    for _ in range(2):
        run = run_of(nbtrack.run(str(project), "where.py"))
    assert run.data.tags["mlflow.project.env"] == "conda"
    assert Path((project / "where").read_text()).parent == project.parent / "envs"
    assert capfd.readouterr().err.count("Making the environment") == 1


def test_a_project_process_leaves_no_folder_behind(project: Path) -> None:
    place = Path(os.environ.get("TMPDIR", "/tmp"))
    before = set(place.glob("nbtrack-project-*"))
    git(project, "init", "-q")
    git(project, "add", "-A")
    git(project, "commit", "-qm", "first")
    nbtrack.run(str(project), version="HEAD", parameters={"words": "a"})
    assert set(place.glob("nbtrack-project-*")) <= before


@pytest.mark.skipif(os.name == "nt", reason="commands are no scripts there")
@pytest.mark.parametrize("is_there", [False, True])
def test_a_python_that_does_not_start_is_no_other_python(
    workdir: Path, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    monkeypatch.setenv("NBTRACK_ENV_ROOT", str(workdir / "envs"))
    monkeypatch.setenv("PATH", str(workdir))
    if is_there:  # as pyenv leaves it
        Path("python3.99").write_text("#!/bin/sh\nexit 127\n")
        Path("python3.99").chmod(0o755)
    wanted = Requirements(workdir, "3.99", packages=["six"])
    with pytest.raises(ProjectError, match=r"no python3\.99 on the PATH starts.*pip install uv"):
        make_environment(wanted, "virtualenv", lambda _text: None)
