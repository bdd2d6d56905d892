"""What dev.py knows of releases: the version, the changelog, and where the project lives.

The version stands in ``src/nbtrack/__init__.py``, the address in ``[project.urls]`` of
``pyproject.toml``. Other files that need one of them carry a copy, which is written here and
compared by the tests.
"""

from __future__ import annotations

import json
import re
import subprocess
import time
from pathlib import Path

from dev_setup import ROOT, StepError

PLACEHOLDER = "OWNER"
VERSION = re.compile(r'^__version__ = "(.+)"$', re.MULTILINE)
ADDRESS = re.compile(r'^Repository = "(.+)"$', re.MULTILINE)
REPOSITORY = re.compile(r"https://github\.com/([\w-]+)/([\w.-]+?)/?")
RELEASE = re.compile(r"(\d+\.\d+\.\d+)(?:(a|b|rc)(\d+))?")
NPM_NAMES = {"a": "alpha", "b": "beta", "rc": "rc"}
UNRELEASED = "## [Unreleased]\n"


def version() -> str:
    """Return the version of this checkout."""
    return found(VERSION, ROOT / "src" / "nbtrack" / "__init__.py")


def set_version(new: str) -> list[Path]:
    """Write a version wherever it stands, and date the changelog; return the changed files."""
    if not RELEASE.fullmatch(new):
        raise StepError(f"{new} is no version such as 0.2.0, 0.2.0a1 or 0.2.0rc1.")
    source = ROOT / "src" / "nbtrack" / "__init__.py"
    changed = [source, *set_npm_version(npm_version(new)), ROOT / "CHANGELOG.md"]
    source.write_text(VERSION.sub(f'__version__ = "{new}"', source.read_text("utf-8")), "utf-8")
    log = changed[-1]
    text = log.read_text("utf-8")
    if f"\n## [{new}]" not in text:
        if UNRELEASED not in text:
            raise StepError(f"{log} has no line {UNRELEASED.strip()}.")
        dated = f"{UNRELEASED}\n## [{new}] - {time.strftime('%Y-%m-%d', time.gmtime())}\n"
        log.write_text(text.replace(UNRELEASED, dated, 1), "utf-8")
    return changed


def npm_version(python: str) -> str:
    """Return a version as npm writes it: 0.2.0rc1 is 0.2.0-rc.1 there."""
    parts = RELEASE.fullmatch(python)
    if not parts:
        raise StepError(f"{python} is no version such as 0.2.0, 0.2.0a1 or 0.2.0rc1.")
    number, kind, count = parts.groups()
    return f"{number}-{NPM_NAMES[kind]}.{count}" if kind else number


def set_npm_version(new: str) -> list[Path]:
    """Write a version into the front end's packages and their lock file."""
    js = ROOT / "js"
    root = json.loads((js / "package.json").read_text("utf-8"))
    changed = [js / "package.json", *(js / name / "package.json" for name in root["workspaces"])]
    for path in changed:
        package = json.loads(path.read_text("utf-8"))
        write_json(path, with_version(package, new))
    lock = js / "package-lock.json"
    locked = json.loads(lock.read_text("utf-8"))
    locked["version"] = new
    for name in ("", *root["workspaces"]):
        with_version(locked["packages"][name], new)
    write_json(lock, locked)
    return [*changed, lock]


def with_version(package: dict[str, object], new: str) -> dict[str, object]:
    """Set the version of a package, and of those in this repository that it needs."""
    package["version"] = new
    for kind in ("dependencies", "devDependencies"):
        needed = package.get(kind)
        if isinstance(needed, dict):
            needed.update({name: new for name in needed if name.startswith("@nbtrack/")})
    return package


def write_json(path: Path, value: object) -> None:
    """Write a file as npm does."""
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", "utf-8")


def address() -> str:
    """Return where the project's repository is."""
    return found(ADDRESS, ROOT / "pyproject.toml")


def places(url: str) -> dict[str, str]:
    """Return the forms of an address that files have: of the repository, Binder and the pages."""
    parts = REPOSITORY.fullmatch(url)
    if not parts:
        raise StepError(f"{url} is no address such as https://github.com/owner/name.")
    owner, name = parts.groups()
    return {
        "repository": f"github.com/{owner}/{name}",
        "binder": f"mybinder.org/v2/gh/{owner}/{name}",
        "pages": f"{owner}.github.io/{name}",
    }


def set_address(url: str) -> list[Path]:
    """Write where the repository is into all files that say it; return the changed ones."""
    before, after = places(address()), places(url)
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(listed, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    changed = []
    for path in (ROOT / name for name in names.split("\0") if name):
        try:
            text = new = path.read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            continue  # a picture, a link to a folder
        for kind, old in before.items():
            new = re.sub(rf"(?<![\w.-]){re.escape(old)}(?![\w-])", after[kind], new)
        if new != text:
            path.write_text(new, "utf-8")
            changed.append(path)
    return changed


def release_notes(tag: str) -> str:
    """Return what the changelog says of a release; raise for what is not ready."""
    log = (ROOT / "CHANGELOG.md").read_text("utf-8")
    number = tag[1:] if tag.startswith("v") else tag
    wrong = []
    if number != version():
        wrong.append(f"the tag {tag} is not v{version()}, the version of this checkout")
    if f"/{PLACEHOLDER}/" in address():
        wrong.append("the address is not set: python3 dev.py address https://github.com/...")
    pattern = rf"^## \[{re.escape(number)}\] - \d{{4}}-\d\d-\d\d\n(.*?)(?=^## \[|\Z)"
    part = re.search(pattern, log, re.MULTILINE | re.DOTALL)
    notes = part.group(1).strip() if part else ""
    if not notes:
        wrong.append(f"CHANGELOG.md says nothing below ## [{number}] - YYYY-MM-DD")
    if wrong:
        raise StepError("This is no release: " + "; ".join(wrong) + ".")
    return notes


def found(pattern: re.Pattern[str], path: Path) -> str:
    """Return what a pattern has found in a file that must have it."""
    match = pattern.search(path.read_text("utf-8"))
    if not match:
        raise StepError(f"{path} has no line like {pattern.pattern}.")
    return match.group(1)
