"""The environment of a run: git, notebook, versions, and nothing that is secret."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
from nbtrack.redaction.values import display_path
from nbtrack.tracking import environment
from nbtrack.tracking.git import git_state, without_credentials
from tcp_proxy import free_port

SRC = str(Path(nbtrack.__file__).parents[1])


@pytest.fixture(autouse=True)
def own_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_RUN_CONTEXT", "JPY_SESSION_NAME"):
        monkeypatch.delenv(name, raising=False)
    for role in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{role}_NAME", "a")
        monkeypatch.setenv(f"GIT_{role}_EMAIL", "a@example.org")


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "repo"
    folder.mkdir()
    git(folder, "init", "-q", "-b", "main")
    (folder / "train.py").write_text("import nbtrack\n")
    (folder / "old name.py").write_text("x = 1\n" * 20)
    git(folder, "add", ".")
    git(folder, "commit", "-q", "-m", "first")
    return folder


def test_a_clean_tree_is_clean(repo: Path) -> None:
    state = git_state(repo)
    assert state is not None
    assert state.root == os.path.realpath(repo)
    assert (state.branch, state.repo_url, state.dirty) == ("main", None, False)
    assert state.tags() == {
        "mlflow.source.git.commit": git(repo, "rev-parse", "HEAD"),
        "mlflow.source.git.branch": "main",
        "mlflow.source.git.dirty": "false",
    }


def test_changed_files_are_named_and_unknown_ones_counted(repo: Path) -> None:
    (repo / "train.py").write_text("changed")
    git(repo, "mv", "old name.py", "new name.py")
    (repo / "scratch.py").write_text("")
    (repo / "nbtrack.duckdb").write_text("")
    (repo / "nbtrack.duckdb.d").mkdir()
    (repo / "nbtrack.duckdb.d" / "lock").write_text("")
    state = git_state(repo)
    assert state is not None
    assert state.dirty
    assert sorted(state.changed) == ["new name.py", "train.py"]
    assert state.untracked_count == 1


def test_the_list_of_changed_files_is_cut(repo: Path) -> None:
    for number in range(60):
        (repo / f"{number}.py").write_text("")
    git(repo, "add", ".")
    state = git_state(repo)
    assert state is not None
    assert (len(state.changed), state.changed_count) == (50, 60)


def test_no_commit_no_branch_and_no_repository(repo: Path, tmp_path: Path) -> None:
    git(repo, "checkout", "-q", "--detach")
    detached = git_state(repo)
    assert detached is not None
    assert detached.branch is None
    assert detached.commit
    (tmp_path / "empty").mkdir()
    git(tmp_path / "empty", "init", "-q", "-b", "main")
    fresh = git_state(tmp_path / "empty")
    assert fresh is not None
    assert fresh.commit is None
    assert git_state(tmp_path) is None
    assert git_state(tmp_path / "missing") is None


def test_the_commit_is_known_even_where_git_cannot_compare_the_files(repo: Path) -> None:
    (repo / ".git" / "index").write_bytes(b"damaged")
    state = git_state(repo)
    assert state is not None
    assert (state.commit, state.branch) == (git(repo, "rev-parse", "HEAD"), "main")
    assert state.dirty is None
    assert "mlflow.source.git.dirty" not in state.tags()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:token@github.com/a/b.git", "https://github.com/a/b.git"),
        ("https://token@github.com/a/b?access_token=x", "https://github.com/a/b"),
        ("ssh://git:secret@host:22/a.git", "ssh://git@host:22/a.git"),
        ("git@github.com:a/b.git", "git@github.com:a/b.git"),
        ("https://github.com/a/b", "https://github.com/a/b"),
    ],
)
def test_remotes_lose_their_credentials(url: str, expected: str, repo: Path) -> None:
    assert without_credentials(url) == expected
    git(repo, "remote", "add", "upstream", url)
    state = git_state(repo)
    assert state is not None
    assert state.repo_url == expected


def test_home_becomes_a_tilde(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    assert display_path(tmp_path / "a" / "b.py") == str(Path("~", "a", "b.py"))
    assert display_path(tmp_path) == "~"
    assert display_path(f"{tmp_path}-other") == f"{tmp_path}-other"


def test_quick_tags_name_user_host_and_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["train.py"])
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", '{"team": "vision", "n": 1}')
    tags = environment.quick_tags()
    assert tags["mlflow.source.type"] == "LOCAL"
    assert tags["mlflow.source.name"].endswith("train.py")
    assert (tags["team"], tags["n"]) == ("vision", "1")
    assert (tags["nbtrack.pid"], tags["nbtrack.host"]) == (str(os.getpid()), socket.gethostname())
    assert tags["mlflow.user"]


@pytest.mark.parametrize("context", ["not json", "[1]", ""])
def test_a_broken_run_context_is_passed_over(context: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_RUN_CONTEXT", context)
    assert set(environment.quick_tags()) == {
        "mlflow.user",
        "mlflow.source.name",
        "mlflow.source.type",
        "nbtrack.host",
        "nbtrack.pid",
    }


def test_quick_tags_start_no_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "Popen", None)
    assert environment.quick_tags()["mlflow.user"]


def test_describe_knows_python_packages_and_git(
    repo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(repo / "train.py")])
    tags, found = environment.describe()
    assert tags["mlflow.source.git.commit"] == found["git"]["commit"]
    assert found["python"]["version"] == ".".join(map(str, sys.version_info[:3]))
    assert found["packages"]["pytest"] == pytest.__version__
    assert found["cpu_count"] == os.cpu_count()
    assert found["memory"] > 1e8
    json.dumps(found)


def test_what_is_found_out_later_leaves_the_users_tags(
    repo: Path, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", [str(repo / "train.py")])
    with nbtrack.start_run() as run:
        nbtrack.set_tag("mlflow.source.git.commit", "mine")
    tags = nbtrack.get_run(run.info.run_id).data.tags
    assert tags["mlflow.source.git.commit"] == "mine"
    assert tags["mlflow.source.git.branch"] == "main"


def test_describe_holds_no_secret_and_no_home(repo: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    git(repo, "remote", "add", "origin", "https://me:t0ken@example.org/r.git")
    monkeypatch.setenv("HOME", str(repo.parent))
    monkeypatch.setenv("USERPROFILE", str(repo.parent))
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
    monkeypatch.setattr(sys, "argv", [str(repo / "train.py"), "--password", "s3cret"])
    text = json.dumps([environment.describe(), environment.quick_tags()])
    assert "https://example.org/r.git" in text
    assert "~/repo/train.py" in text
    for secret in ("t0ken", "s3cret", str(repo.parent)):
        assert secret not in text


@pytest.mark.skipif(os.name == "nt", reason="Windows keeps a working directory that is in use")
def test_a_working_directory_that_is_gone_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "gone").mkdir()
    monkeypatch.chdir(tmp_path / "gone")
    (tmp_path / "gone").rmdir()
    monkeypatch.setattr(sys, "argv", ["train.py"])
    assert environment.quick_tags()["mlflow.source.name"] == "train.py"
    assert environment.describe()[1]["folder"] is None


def test_describe_never_imports_torch() -> None:
    code = "import sys; from nbtrack.tracking import environment as e; e.describe(); e.quick_tags()"
    code += "; assert not {'torch', 'numpy', 'pandas', 'IPython'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], env=os.environ | {"PYTHONPATH": SRC}, check=True)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Run a real Jupyter server, and yield its URL and the folder it serves."""
    pytest.importorskip("jupyter_server")
    runtime = tmp_path / "runtime"
    root = tmp_path / "work"
    (root / "deep").mkdir(parents=True)
    (root / "deep" / "train.ipynb").write_text("{}")
    home = {"HOME": str(tmp_path), "JUPYTER_RUNTIME_DIR": str(runtime), "PYTHONPATH": SRC}
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
    process = subprocess.Popen(
        [
            *command,
            f"--ServerApp.root_dir={root}",
            f"--port={free_port()}",
            "--IdentityProvider.token=abc",
        ],
        env=os.environ | home,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        files: list[Path] = []
        until = time.monotonic() + 60
        while not files and time.monotonic() < until:
            time.sleep(0.1)
            files = list(runtime.glob("jpserver-*.json"))
        time.sleep(0.3)
        yield json.loads(files[0].read_text())["url"], runtime
    finally:
        process.terminate()
        process.wait(30)


def test_a_kernel_finds_its_notebook_through_the_server(server: tuple[str, Path]) -> None:
    client_module = pytest.importorskip("jupyter_client")
    url, runtime = server
    wanted = {"path": "deep/train.ipynb", "name": "other.ipynb", "type": "notebook"}
    request = urllib.request.Request(
        f"{url}api/sessions",
        data=json.dumps({**wanted, "kernel": {"name": "python3"}}).encode(),
        headers={"Authorization": "token abc"},
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        kernel = json.load(answer)["kernel"]["id"]
    client = client_module.BlockingKernelClient()
    client.load_connection_file(str(runtime / f"kernel-{kernel}.json"))
    client.start_channels()
    printed: list[str] = []
    try:
        client.wait_for_ready(timeout=60)
        client.execute_interactive(
            "import json; from nbtrack.tracking import environment as e\n"
            "print(json.dumps([e.quick_tags(), e.describe()[0]]))",
            timeout=60,
            output_hook=lambda message: printed.append(message["content"].get("text", "")),
        )
    finally:
        client.stop_channels()
    quick, tags = json.loads("".join(printed))
    assert quick["mlflow.source.type"] == "NOTEBOOK"
    assert tags["mlflow.source.name"] == "~/work/deep/train.ipynb"


def test_packages_are_looked_through_again_when_one_was_installed_and_not_for_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", ["", *sys.path])  # as in a notebook
    before = environment.installed_packages()
    looks = environment._installed.cache_info().misses
    Path("results.csv").write_text("made by a run")
    assert environment.installed_packages() == before
    assert environment._installed.cache_info().misses == looks
    installed = Path("brand_new-1.5.dist-info")
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: brand-new\nVersion: 1.5\n")
    assert "brand-new==1.5\n" in environment.installed_packages()
