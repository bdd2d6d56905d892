"""The lock file of a run: the packages that were installed when it was made, to install again."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

KERNEL = "ipykernel"
_TORCH = ("torch", "torchaudio", "torchvision")  # whose builds have an index of their own each
_BUILD = re.compile(r"^(cpu|cu\d+|rocm[\d.]+|xpu)$")
_LOCAL = "# from this machine"
_PIN = re.compile(r"^([A-Za-z0-9][\w.-]*)==([^\s;+]+)(?:\+(\S+))?$")


@dataclass(frozen=True)
class LockFile:
    """What an environment needs to be that of a run.

    Attributes
    ----------
    python : str or None
        The version of Python.
    lines : list of str
        Lines of a requirements file; nbtrack itself is not among them.
    indexes : list of str
        Addresses of package indexes beside PyPI, for builds that PyPI does not have.
    notes : list of str
        In which way the environment will not be the same, each a sentence.
    """

    python: str | None
    lines: list[str] = field(default_factory=list)
    indexes: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self, nbtrack: str) -> str:
        """Return it as a requirements file, with a version of nbtrack."""
        head = [f"# Python {self.python}"] if self.python else []
        head += [f"# {note}" for note in self.notes]
        head += [f"--extra-index-url {index}" for index in self.indexes]
        return "\n".join([*head, *self.lines, f"nbtrack=={nbtrack}"]) + "\n"


def lock_file(environment: Mapping[str, Any], installed: str | None) -> LockFile:
    """Return the lock file of a run.

    Parameters
    ----------
    environment : mapping
        What ``.nbtrack/environment.json`` of the run says.
    installed : str or None
        What ``.nbtrack/requirements.txt`` says: all packages. Runs of earlier versions have
        recorded only what they had imported; what that needs is not pinned then.
    """
    python = environment.get("python")
    version = python.get("version") if isinstance(python, Mapping) else None
    notes: list[str] = []
    if installed is not None:
        recorded = [line.strip() for line in installed.splitlines()]
        recorded = [line for line in recorded if line and not line.startswith("#")]
    else:
        packages = environment.get("packages")
        found = packages if isinstance(packages, Mapping) else {}
        recorded = [f"{name}=={number}" for name, number in found.items()]
        notes.append(
            "Only the packages that the run had imported were recorded; others get new versions."
        )
    lines: list[str] = []
    indexes: list[str] = []
    for line in recorded:
        _add(line, lines, indexes, notes)
    if not any(_name(line) == KERNEL for line in lines):
        lines.append(KERNEL)
    return LockFile(version if isinstance(version, str) else None, lines, indexes, notes)


def with_nbtrack_needs(lock: LockFile) -> list[str]:
    """Return its lines, and what this nbtrack needs where the lock file does not name it."""
    named = {_name(line) for line in lock.lines}
    try:
        needs = metadata.requires("nbtrack") or []
    except metadata.PackageNotFoundError:  # a source tree that nothing has installed
        needs = []
    return [*lock.lines, *(n for n in needs if "extra ==" not in n and _name(n) not in named)]


def own_version() -> str:
    """Return the version of this nbtrack."""
    return str(sys.modules["nbtrack"].__version__)


def _add(line: str, lines: list[str], indexes: list[str], notes: list[str]) -> None:
    pin, _, comment = line.partition("  ")
    name = _name(pin)
    if name == "nbtrack":
        return
    if comment.strip() == _LOCAL:
        shown = pin.replace("==", " ")
        notes.append(f"{shown} was installed from a folder or file of that machine: left out.")
        return
    found = _PIN.match(pin)
    if found is None and " @ " not in pin:
        notes.append(f"The line {pin!r} of the record names no version: left out.")
        return
    if found is None or found[3] is None:
        lines.append(pin)
    elif name in _TORCH and _BUILD.match(found[3]):
        index = f"https://download.pytorch.org/whl/{found[3]}"
        if index not in indexes:
            indexes.append(index)
        lines.append(pin)
    else:
        lines.append(f"{found[1]}=={found[2]}")
        notes.append(f"{found[1]} was the build +{found[3]}, which package indexes do not have.")


def _name(line: str) -> str:
    found = re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)
    return re.sub(r"[-_.]+", "-", found.group()).lower() if found else line
