"""The set-up script starts with any Python 3 and needs nothing but the standard library."""

from __future__ import annotations

import ast
import importlib.util
import os
import subprocess
import sys
import textwrap
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).parents[1] / "dev.py"
SCRIPTS = sorted(SCRIPT.parent.glob("dev*.py"))


@pytest.fixture
def dev(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(SCRIPT.parent)
    monkeypatch.delitem(sys.modules, "dev_setup", raising=False)
    spec = importlib.util.spec_from_file_location("dev", SCRIPT)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def setup(dev: ModuleType) -> ModuleType:
    return sys.modules["dev_setup"]


def test_old_pythons_can_read_it_and_get_a_clear_answer(
    dev: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for script in SCRIPTS:
        ast.parse(script.read_text("utf-8"), feature_version=(3, 7))
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    assert dev.main() == 2
    assert "needs Python 3.11 or later; this is Python 3.9.18" in capsys.readouterr().out


def test_it_needs_the_standard_library_only() -> None:
    nodes = [node for each in SCRIPTS for node in ast.walk(ast.parse(each.read_text("utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {str(node.module) for node in nodes if isinstance(node, ast.ImportFrom)}
    ours = {script.stem for script in SCRIPTS}
    assert {name.split(".")[0] for name in names} <= sys.stdlib_module_names | ours


def test_its_commands_are_named_in_its_help() -> None:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), "--help"], capture_output=True, text=True, check=True
    )
    assert all(command in done.stdout for command in ("demo", "test", "check", "version"))


def test_a_failing_step_says_which_and_shows_its_output(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "VENV", tmp_path)
    with pytest.raises(setup.StepError, match=r"bake a cake: failed with exit status 3\nno flour"):
        setup.run("bake a cake", [sys.executable, "-c", "print('no flour'); raise SystemExit(3)"])


def test_the_digest_of_sources_changes_with_them(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "ROOT", tmp_path)
    source = tmp_path / "js" / "chart.ts"
    source.parent.mkdir()
    source.write_text("let a = 1;", "utf-8")
    before = setup.digest(list(setup.front_end()))
    source.write_text("let a = 2;", "utf-8")
    assert setup.digest(list(setup.front_end())) != before


def test_its_end_says_which_tests_have_failed_and_why(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "VENV", tmp_path)
    monkeypatch.setattr(dev, "ROOT", tmp_path)
    monkeypatch.setattr(dev, "PYTHON", sys.executable)
    (tmp_path / "test_a.py").write_text(
        "def test_good():\n    pass\n\n"
        "def test_bad():\n    assert 1 == 2, 'one is not two'\n\n"
        "def test_left_behind():\n    raise OSError('no room')\n"
    )
    failures: list[str] = []
    dev.run_pytest(["-q", "test_a.py", "-p", "no:cacheprovider"], dict(os.environ), failures)
    with pytest.raises(dev.StepError) as raised:
        dev.report(failures)
    said = str(raised.value).splitlines()
    assert said[:2] == ["failed:", "pytest -q test_a.py: exit status 1"]
    assert "test_a::test_bad: AssertionError: one is not two" in said[2]
    assert "test_a::test_left_behind: OSError: no room" in said[3]
    dev.run_pytest(["-q", "-k", "none_such"], dict(os.environ), failures := [])
    dev.report(failures)


def test_its_end_is_short_however_much_has_failed(dev: ModuleType) -> None:
    with pytest.raises(dev.StepError) as raised:
        dev.report([f"step {number}\n  why" for number in range(50)])
    assert len(str(raised.value).splitlines()) < 30
    assert "75 more lines" in str(raised.value)


def test_checks_side_by_side_keep_apart_what_they_say(
    dev: ModuleType, setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setup, "VENV", tmp_path)
    code = "import sys; print('fault', sys.argv[1]); sys.exit(int(sys.argv[1]))"
    checks = {f"check {n}": [sys.executable, "-c", code, str(n)] for n in (1, 0, 2)}
    dev.run_checks(checks, failures := [])
    said = [f"check {n}: failed with exit status {n}\n  fault {n}" for n in (1, 2)]
    assert failures == said


def test_what_a_process_compiles_is_kept_for_the_next(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONDONTWRITEBYTECODE", "1")
    assert "PYTHONDONTWRITEBYTECODE" not in setup.environment()


def test_files_with_a_marker_are_known_although_their_tests_were_left_out(
    dev: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dev, "MARKED", tmp_path / "marked.json")
    assert dev.marked("team") == []
    files = ["tests/test_team_services.py", "tests/test_points.py"]
    options = ["--collect-only", "-m", "not team", "--note-markers", str(dev.MARKED), *files]
    command = [sys.executable, "-m", "pytest", *options, "-p", "no:cacheprovider"]
    done = subprocess.run(command, cwd=SCRIPT.parent, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout
    assert dev.marked("team") == files[:1]
    assert dev.marked("team", "older_duckdb") == sorted(files)


def test_an_installation_of_the_older_duckdb_that_has_failed_is_made_again(
    setup: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[list[str]] = []

    def install(title: str, *packages: str | Path) -> None:
        asked.append([str(part) for part in packages])
        Path(asked[-1][asked[-1].index("--target") + 1]).mkdir()
        if len(asked) == 1:
            raise setup.StepError("no network")

    monkeypatch.setattr(setup, "OLDER_DUCKDB", tmp_path / "duckdb-1.5.5")
    monkeypatch.setattr(setup, "install", install)
    with pytest.raises(setup.StepError):
        setup.install_older_duckdb()
    setup.install_older_duckdb()
    setup.install_older_duckdb()
    assert len(asked) == 2
    assert asked[1][-4:] == [
        "duckdb==1.5.5",
        "duckdb-extension-ducklake==1.5.5",
        "duckdb-extension-httpfs==1.5.5",
        "duckdb-extension-postgres-scanner==1.5.5",
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["duckdb-1.5.5"]


@pytest.mark.skipif(os.name != "posix", reason="there is no apt")
def test_apt_installs_what_is_missing_for_root_on_debian(
    setup: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr(setup, "run", lambda title, command, extra: asked.append(" ".join(command)))
    monkeypatch.setattr(setup.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(setup, "find_chromium", lambda: "/usr/bin/chromium")
    monkeypatch.setattr(setup, "is_debian", lambda: True)
    for user, found in ((1000, False), (0, True), (0, False)):
        monkeypatch.setattr(setup.os, "geteuid", lambda user=user: user)
        monkeypatch.setattr(setup, "find_postgres", lambda found=found: found)
        setup.install_programs()
    assert asked == [
        "apt-get update",
        "apt-get install -y --no-install-recommends postgresql",
    ]


def test_uv_finds_packages_where_pip_would(setup: ModuleType) -> None:
    listed = r"""
    :env:.default-timeout='180'
    :env:.find-links='/wheels'
    global.constraint='/etc/constraints.txt'
    global.extra-index-url='https://one/simple\nhttps://two/simple'
    global.find-links='/elsewhere'
    install.find-links='/here /there'
    global.progress-bar='off'
    download.index-url='https://other/simple'
    """
    assert setup.settings_of_pip(textwrap.dedent(listed)) == {
        "UV_INDEX_STRATEGY": "unsafe-best-match",
        "UV_HTTP_TIMEOUT": "180",
        "UV_FIND_LINKS": "/wheels",
        "UV_CONSTRAINT": "/etc/constraints.txt",
        "UV_INDEX": "https://one/simple https://two/simple",
    }
