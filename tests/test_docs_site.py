"""The documentation is built without a warning, and has everything that users can call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack
from programs import python_path
from public_api import public_modules

ROOT = Path(__file__).parents[1]
DOCUMENTED = re.compile(r'<dt class="sig[^"]*" id="([\w.]+)"')


pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]  # the first test waits for the site


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, of a copy of the sources: what is generated is written beside them."""
    pytest.importorskip("sphinx")
    pytest.importorskip("myst_nb")
    folder = tmp_path_factory.mktemp("docs")
    shutil.copytree(
        ROOT / "docs", folder / "docs", ignore=shutil.ignore_patterns("_build", "_gen*")
    )
    for name in ("notebooks", "benchmarks", "tests", "js", "CHANGELOG.md", "pyproject.toml"):
        (folder / name).symlink_to(ROOT / name)
    command = [sys.executable, "-m", "sphinx", "-b", "html", "-W", "--keep-going", "-q", "-j", "2"]
    env = {
        **os.environ,
        "PYTHONPATH": python_path(),
        "NBTRACK_DOCS_EXECUTE": "off",  # test_notebooks.py executes them
    }
    done = subprocess.run(
        [*command, str(folder / "docs"), str(folder / "site")],
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder / "site"


def test_every_public_name_is_in_the_reference(site: Path) -> None:
    pages = (site / "_generated" / "api").glob("*.html")
    documented = {name for page in pages for name in DOCUMENTED.findall(page.read_text("utf-8"))}
    names = {f"nbtrack.{name}" for name in set(nbtrack.__all__) - public_modules()}
    assert sorted(name for name in names if "__" not in name and name not in documented) == []
    assert "nbtrack.pytorch.log_model" in documented
    assert "nbtrack.artifacts.load_text" in documented


def test_magics_commands_and_endpoints_are_in_the_reference(site: Path) -> None:
    reference = {
        "_generated/magics.html": [
            "--resume",
            "--nested",
            "--quiet",
            "%track status",
            "%track off",
        ],
        "reference/commands.html": ["nbtrack-rerun", "nbtrack-runs-list", "data-below"],
        "_generated/variables.html": ["NBTRACK_REDACT", "MLFLOW_TRACKING_URI"],
        "_generated/settings.html": ["openAtStart", "NbtrackApp.artifact_roots", "Ctrl+Shift+Y"],
        "_generated/endpoints.html": ["/api/2.0/mlflow/runs/search", "run_id", "next_page_token"],
        "_generated/messages.html": ["is not opened", "Another process has worked on the store"],
    }
    for page, words in reference.items():
        text = (site / page).read_text("utf-8")
        assert [word for word in words if word not in text] == [], page


def test_no_page_shows_the_text_of_a_directive(site: Path) -> None:
    raw = re.compile(r">\s*\.\. [\w:-]+::|>\s*(?:```|:::)\{")
    found = {page.name for page in site.rglob("*.html") if raw.search(page.read_text("utf-8"))}
    assert found == set()


def test_nothing_of_the_site_is_fetched_from_elsewhere(site: Path) -> None:
    fetched = re.compile(r'<(?:script|img|iframe|link)[^>]*(?:src|href)="(https?:[^"]+)"')
    found = {
        url for page in site.rglob("*.html") for url in fetched.findall(page.read_text("utf-8"))
    }
    assert found == set()
