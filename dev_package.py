"""What dev.py does with the package: it is built, looked at, and used where nothing else is."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from dev_setup import PYTHON, ROOT, VENV, StepError, environment, find_uv, install, run, say

DIST = ROOT / "dist"
CLEAN = ROOT / ".venv-package"
CLEAN_PYTHON = CLEAN / PYTHON.relative_to(VENV)
CONTENTS = (
    r"nbtrack/py\.typed",
    r"nbtrack/__init__\.pyi",
    r"nbtrack/static/views\.js",
    r"nbtrack/static/page/page\.js",
    r"nbtrack/store/sql/migrations/0001_initial\.sql",
    r"nbtrack-.*\.data/data/share/jupyter/labextensions/nbtrack/package\.json",
    r"nbtrack-.*\.data/data/share/jupyter/labextensions/nbtrack/install\.json",
    r"nbtrack-.*\.data/data/etc/jupyter/jupyter_server_config\.d/nbtrack\.json",
    r"nbtrack-.*\.dist-info/licenses/LICENSE",
)
EXAMPLE = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
# what the examples of the README need that is an extra, in the order in which it is installed
EXTRAS = {"plot": "nbtrack.plot("}
NOT_HERE = "import torch"
MOST_PACKAGES = 50  # that an installation without extras brings along


def build() -> None:
    """Build the sdist and, from it, the wheel; check both."""
    shutil.rmtree(DIST, ignore_errors=True)
    uv, settings = find_uv()
    run("build sdist and wheel", [uv, "build", "--out-dir", DIST, ROOT], extra=settings)
    (DIST / ".gitignore").unlink(missing_ok=True)  # uv puts it there; an upload would take it
    made = sorted(DIST.iterdir())
    checked: list[str | Path] = [uv, "tool", "run", "twine", "check", "--strict", *made]
    run("twine check", checked, extra=settings)
    with zipfile.ZipFile(wheel()) as archive:
        names = archive.namelist()
    missing = [part for part in CONTENTS if not any(re.fullmatch(part, name) for name in names)]
    if missing:
        raise StepError(f"The wheel has no {', '.join(missing)}.")
    stray = [name for name in names if re.search(r"\.py[co]$|node_modules|/tests?/", name)]
    if stray:
        raise StepError(f"The wheel has {', '.join(stray[:5])}, which nobody needs.")
    for path in made:
        say(f"    {path.name}: {path.stat().st_size / 1e6:.1f} MB")


def wheel() -> Path:
    """Return the wheel that was built."""
    found = list(DIST.glob("nbtrack-*.whl"))
    if len(found) != 1:
        raise StepError(f"{DIST} has {len(found)} wheels: python3 dev.py package builds one.")
    return found[0]


def try_out() -> None:
    """Install the wheel where nothing else is; run the examples of the README, and Jupyter."""
    uv, settings = find_uv()
    shutil.rmtree(CLEAN, ignore_errors=True)
    created: list[str | Path] = [uv, "venv", "--python", sys.executable, CLEAN]
    run(f"create {CLEAN}", created, extra=settings)
    install("install the wheel", wheel(), python=CLEAN_PYTHON)
    listed = [uv, "pip", "list", "--python", str(CLEAN_PYTHON), "--format", "freeze"]
    done = subprocess.run(listed, env=environment(), capture_output=True, text=True, check=True)
    count = len(done.stdout.splitlines())
    say(f"    {count} packages")
    if count > MOST_PACKAGES:
        raise StepError(f"An installation without extras takes {count} packages:\n{done.stdout}")
    say(said(["-m", "nbtrack", "--version"]))
    run_examples([*EXTRAS.values(), NOT_HERE])
    for extra, use in EXTRAS.items():
        install(f"install the extra {extra}", f"{wheel()}[{extra}]", python=CLEAN_PYTHON)
        run_examples([NOT_HERE], most=use)
    install("install the extra jupyter", f"{wheel()}[jupyter]", python=CLEAN_PYTHON)
    for kind in ("labextension", "server extension"):
        shown = said(["-m", "jupyter", *kind.split(), "list"])
        if not re.search(r"nbtrack.*OK", shown):
            raise StepError(f"jupyter {kind} list does not have nbtrack:\n{shown}")
        say(f"- jupyter {kind} list: nbtrack is there")


def run_examples(end: list[str], most: str = "") -> None:
    """Run the README's examples in Python, in an empty folder, until one has a text of ``end``."""
    parts = EXAMPLE.findall((ROOT / "README.md").read_text("utf-8"))
    last = next((i for i, part in enumerate(parts) if any(t in part for t in end)), len(parts))
    script = "\n".join(parts[:last])
    if not script or most not in script:
        raise StepError("README.md has no such examples any more: change dev_package.py.")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "readme.py"
        path.write_text(script, "utf-8")
        run(f"run {last} examples of the README", [CLEAN_PYTHON, path], cwd=Path(folder))


def said(options: list[str]) -> str:
    """Return what the clean environment's Python prints."""
    command = [str(CLEAN_PYTHON), *options]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    if done.returncode:
        raise StepError(f"{' '.join(options)}: {done.stderr[-2000:]}")
    return (done.stdout + done.stderr).strip()
