"""What GitHub runs agrees with what the package says, and may do no more than it needs."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from source_tree import ROOT

SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
FOLDER = ROOT / ".github"
WORKFLOWS = sorted((FOLDER / "workflows").glob("*.yml"))
SCHEMAS = {
    "vendor.github-workflows": WORKFLOWS,
    "vendor.github-issue-forms": sorted(FOLDER.glob("ISSUE_TEMPLATE/[!c]*.yml")),
    "vendor.github-issue-config": [FOLDER / "ISSUE_TEMPLATE" / "config.yml"],
    "vendor.dependabot": [FOLDER / "dependabot.yml"],
}
# more than reading the code, by job: what it is needed for stands in the workflow
MAY = {
    ("docs", "publish"): {"pages": "write", "id-token": "write"},
    ("nightly", "report"): {"issues": "write"},
    ("release", "pypi"): {"id-token": "write"},
    ("release", "github"): {"contents": "write"},
}

pytestmark = pytest.mark.skipif(not FOLDER.exists(), reason="needs a checkout")


def read(path: Path) -> dict[str, Any]:
    return yaml.load(path.read_text("utf-8"), Loader=yaml.BaseLoader)


def jobs() -> dict[tuple[str, str], dict[str, Any]]:
    return {(p.stem, name): job for p in WORKFLOWS for name, job in read(p)["jobs"].items()}


def test_the_python_versions_are_the_same_everywhere() -> None:
    named = [re.fullmatch(r"Programming Language :: Python :: (3\.\d+)", each)
             for each in SETTINGS["project"]["classifiers"]]  # fmt: skip
    versions = [match[1] for match in named if match]
    first, last = versions[0], versions[-1]
    tested = jobs()["test", "units"]["strategy"]["matrix"]
    assert tested["python"] == versions
    assert tested["os"] == ["ubuntu-latest", "macos-latest", "windows-latest"]
    assert jobs()["package", "install"]["strategy"]["matrix"]["python"] == [first, last]
    assert SETTINGS["project"]["requires-python"] == f">={first}"
    assert SETTINGS["tool"]["mypy"]["python_version"] == first
    assert SETTINGS["tool"]["ruff"]["target-version"] == f"py{first.replace('.', '')}"
    assert f"OLDEST = {tuple(map(int, first.split('.')))}\n" in (ROOT / "dev_setup.py").read_text()
    binder = (ROOT / "binder" / "runtime.txt").read_text().strip().removeprefix("python-")
    steps = [step.get("with", {}) for job in jobs().values() for step in job.get("steps", [])]
    asked = {step["python-version"] for step in steps if "python-version" in step}
    assert {binder, *asked} - {"${{ matrix.python }}"} <= set(versions)
    assert f"Python {first} to {last}" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")


def test_the_oldest_versions_that_are_tried_alone_are_those_that_are_allowed() -> None:
    project = SETTINGS["project"]
    allowed = " ".join([*project["dependencies"], *project["optional-dependencies"]["jupyter"]])
    tried = jobs()["test", "versions"]["strategy"]["matrix"]["include"]
    pinned = [re.findall(r"([a-z]+)==([\d.]+)\.\*", each["packages"]) for each in tried]
    names = {name for each in pinned for name, _ in each}
    assert names == {"duckdb", "pandas", "jupyterlab", "notebook"}
    for name, version in (pair for each in pinned for pair in each):
        assert re.search(rf"\b{name}>={re.escape(version)}\b", allowed), name


def test_actions_are_pinned_to_a_commit_and_say_its_version() -> None:
    for path in WORKFLOWS:
        for line in path.read_text("utf-8").splitlines():
            if "uses:" in line and "./" not in line:
                assert re.search(r"uses: [\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), line


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_a_workflow_may_do_no_more_than_it_needs(path: Path) -> None:
    workflow = read(path)
    assert workflow["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow["on"]
    assert workflow["concurrency"]["group"].startswith(path.stem.split("_")[0][:4])
    for name, job in workflow["jobs"].items():
        assert job.get("permissions", {}) == MAY.get((path.stem, name), {}), name
        assert "timeout-minutes" in job or "uses" in job, name
        for step in job.get("steps", []):
            # what others write (titles, names of branches) is no part of a command
            assert "github.event" not in step.get("run", "")
            assert "github.head_ref" not in step.get("run", "")
            if "actions/checkout@" in step.get("uses", ""):
                assert step["with"]["persist-credentials"] == "false"


def test_commands_of_workflows_are_there() -> None:
    runs = [step.get("run", "") for job in jobs().values() for step in job.get("steps", [])]
    called = {name for run in runs for name in re.findall(r"python3? dev\.py (\w+)", run)}
    done = subprocess.run(
        [sys.executable, "dev.py", "--help"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert called >= {"test", "package", "docs", "release"}
    assert {name for name in called if not re.search(rf"^    {name}\b", done.stdout, re.M)} == set()
    paths = {each for run in runs for each in re.findall(r"tests/\w+\.py", run)}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    extras = {name for run in runs for each in re.findall(r"-e \"\.\[([^]]+)", run)
              for name in each.split(",")}  # fmt: skip
    assert extras <= set(SETTINGS["project"]["optional-dependencies"])


@pytest.mark.parametrize("schema", SCHEMAS)
def test_files_for_github_are_such_as_github_reads(schema: str) -> None:
    main = pytest.importorskip("check_jsonschema", reason="has the schemas").main
    asked = ["--builtin-schema", schema, *map(str, SCHEMAS[schema])]
    done = CliRunner().invoke(main, asked)
    assert done.exit_code == 0, done.output


def test_the_pages_for_contributors_name_files_that_are_there() -> None:
    for name in ("CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md"):
        text = (ROOT / name).read_text("utf-8")
        links = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
        paths = re.findall(r"`((?:src|tests|js|docs|benchmarks|notebooks)/[\w./-]+)`", text)
        made = {"docs/_build/html", "src/nbtrack/static", "src/nbtrack/labextension"}
        missing = [path for path in [*links, *paths] if not (ROOT / path).exists()]
        assert set(missing) <= made, name
    flows = re.findall(r"^\| `(\w+\.yml)`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"), re.M)
    assert sorted(flows) == [path.name for path in WORKFLOWS]
