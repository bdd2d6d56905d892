"""What Binder does with this repository: an environment from ``binder/``, and JupyterLab in it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import tomllib
import venv
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from lab import CHROMIUM, PACKAGE, ROOT, Lab, Server, open_browser

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="binder/postBuild is a shell script"),
    pytest.mark.skipif(not (ROOT / ".git").exists(), reason="needs a checkout"),
    pytest.mark.timeout(900),
]

BASE_URL = "/user/someone-nbtrack-abc123/"


def copy_checkout(folder: Path) -> Path:
    """Copy what git has or would take, as Binder clones it, and the front end where it is built.

    Binder builds it with the commands that have built it here, which takes minutes.
    """
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, folder / name)
    for built in ("static", "labextension"):
        if (PACKAGE / built).is_dir():
            shutil.copytree(PACKAGE / built, folder / "src" / "nbtrack" / built, dirs_exist_ok=True)
    return folder


def closure(*names: str) -> set[str]:
    """Return distributions and all that they need, of those that are installed here."""
    seen: set[tuple[str, str]] = set()
    waiting = [(name, "") for name in names]
    while waiting:
        name, extra = asked = waiting.pop()
        if asked in seen:
            continue
        try:
            needs = [Requirement(need) for need in metadata.requires(name) or []]
        except metadata.PackageNotFoundError:
            continue
        seen.add(asked)
        for need in needs:
            if need.marker is None or need.marker.evaluate({"extra": extra}):
                waiting += [(canonicalize_name(need.name), each) for each in ("", *need.extras)]
    return {name for name, _ in seen}


def needed(repository: Path) -> set[str]:
    """Return what an installation of nbtrack as ``postBuild`` asks for it brings along."""
    project = tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))["project"]
    lists = [project["dependencies"]]
    lists += [project["optional-dependencies"][extra] for extra in ("examples", "jupyter", "plot")]
    return closure(*(Requirement(need).name for needs in lists for need in needs))


def of_jupyter(names: set[str]) -> set[str]:
    """Return those of the distributions that are commands of Jupyter or put files into its folders.

    These are what is tried here: pip installs them.
    """
    return {
        name
        for name in names
        for file in metadata.files(name) or []
        if file.parts[0] == ".." and any(part.startswith("jupyter") for part in file.parts)
    }


def lend_packages(names: set[str], site: Path, lent: Path) -> None:
    """Let the new environment find the gigabytes of PyTorch, and more, that the machine has.

    They lie outside of it: what pip installs there in another version goes beside them, and not
    through a link into the environment of the tests.
    """
    here = Path(sysconfig.get_path("purelib"))
    lent.mkdir()
    for name in names:
        for file in metadata.files(name) or []:
            top = file.parts[0]
            if top not in ("..", "__pycache__") and not (lent / top).exists():
                (lent / top).symlink_to(here / top)
    (site / "lent.pth").write_text(f"{lent}\n", "utf-8")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The repository in a clean folder and the environment that was built from it."""
    pytest.importorskip("torch", reason="the demo runs train with torch")
    folder = tmp_path_factory.mktemp("binder")
    repository = copy_checkout(folder / "home")
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    site = next(environment.glob("lib/python*/site-packages"))
    torch, packages = closure("torch", "torchvision"), needed(repository)
    lend_packages(torch | (packages - of_jupyter(packages)), site, folder / "lent")
    path = f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"
    env = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(environment), "PIP_RETRIES": "0"}
    env["PIP_NO_COMPILE"] = "1"  # most of what is installed is not imported here
    env.pop("PYTHONPATH", None)
    pip = [str(environment / "bin" / "python"), "-m", "pip", "install", "-q"]
    for command in ([*pip, "-r", "binder/requirements.txt"], ["binder/postBuild"]):
        done = subprocess.run(command, cwd=repository, env=env, capture_output=True, text=True)
        assert done.returncode == 0, (done.stdout + done.stderr)[-5000:]
    return repository, environment


@pytest.fixture(scope="module")
def lab(built: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """The page that the badge in the README opens."""
    if CHROMIUM is None:
        pytest.skip("needs Chromium or Chrome")
    repository, environment = built
    server = Server(
        tmp_path_factory.mktemp("server"),
        root=repository,
        python=environment / "bin" / "python",
        base_url=BASE_URL,
    )
    try:
        server.wait()
        with open_browser() as browser:
            lab = Lab(browser.new_page(viewport={"width": 1400, "height": 900}), server)
            lab.open(repository / "notebooks" / "00_tour.ipynb")
            yield lab
    finally:
        server.stop()


STATES = """
import nbtrack
print(*nbtrack.search_runs(experiment_names=["digits"])["status"])
"""


def test_demo_runs_are_there(built: tuple[Path, Path]) -> None:
    repository, environment = built
    python = environment / "bin" / "python"
    done = subprocess.run(
        [python, "-c", STATES], cwd=repository / "notebooks", capture_output=True, text=True
    )
    assert done.stdout.count("FINISHED") >= 30, done.stderr
    assert done.stdout.count("FAILED") >= 1


def test_the_badge_opens_the_tour_with_the_sidebar(lab: Lab) -> None:
    lab.page.locator(".nbt-sidebar").wait_for()
    lab.page.locator(".nbt-sidebar").get_by_text("digits").first.wait_for()
    assert lab.outside == []
    assert lab.problems == []


def test_the_tour_runs(lab: Lab) -> None:
    lab.run_all()
    assert lab.page.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0
    lab.page.locator(".nbt-card").first.wait_for()


def test_the_readme_has_the_badge() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    links = re.findall(
        r"https://mybinder\.org/v2/gh/[^/\s]+/[^/\s]+/HEAD\?urlpath=([^)\s]+)", readme
    )
    assert links == ["lab/tree/notebooks/00_tour.ipynb"]
