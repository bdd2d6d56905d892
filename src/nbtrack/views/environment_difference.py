"""What is different between the environment that a run had and the one that is there now."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from importlib import metadata
from typing import Any


@dataclass(frozen=True)
class EnvironmentChange:
    """One thing that is different.

    Attributes
    ----------
    kind : str
        ``"python"``, ``"package"``, ``"platform"``, ``"processors"``, ``"GPU"`` or ``"driver"``.
    name : str
        That of a package; else as ``kind``.
    then, now : str or None
        A version or a name; None where there is none.
    """

    kind: str
    name: str
    then: str | None
    now: str | None

    def __str__(self) -> str:
        return f"{self.name}: {self.then or 'none'}, now {self.now or 'none'}"


@dataclass(frozen=True, repr=False)
class EnvironmentDifference:
    """All that is different; false where nothing is, or nothing was kept.

    Attributes
    ----------
    known : bool
        Whether the environment of the run was kept.
    changes : list of EnvironmentChange
    """

    known: bool
    changes: list[EnvironmentChange] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.changes)

    def __repr__(self) -> str:
        if not self.known:
            return "The environment of the run was not kept."
        return "\n".join(map(str, self.changes)) or "The environment is the same."

    def to_dictionary(self) -> dict[str, Any]:
        """Return it as plain values, such as JSON takes."""
        return {"known": self.known, "changes": [asdict(each) for each in self.changes]}


def environment_difference(
    then: Mapping[str, Any], gpus: Mapping[str, Any] | None = None
) -> EnvironmentDifference:
    """Return what differs between the environment of a run and that of this process.

    Of packages, only those count that the run had imported.

    Parameters
    ----------
    then : mapping
        What was kept of the environment of the run.
    gpus : mapping, optional
        GPUs and driver of this machine; when not given, they are not compared.
    """
    python = _mapping(then.get("python"))
    system = _mapping(then.get("platform"))
    pairs = [
        ("python", "Python", python.get("version"), platform.python_version()),
        ("python", "implementation", python.get("implementation"), _implementation()),
        ("platform", "system", system.get("system"), platform.system()),
        ("platform", "release", system.get("release"), platform.release()),
        ("platform", "machine", system.get("machine"), platform.machine()),
        ("processors", "processors", then.get("cpu_count"), os.cpu_count()),
    ]
    changes = [
        EnvironmentChange(kind, name, str(old), str(new))
        for kind, name, old, new in pairs
        if old is not None and str(old) != str(new)
    ]
    if gpus is not None:
        changes += _gpu_changes(then, gpus)
    for name, version in _mapping(then.get("packages")).items():
        if (now := _version(name)) != version:
            changes.append(EnvironmentChange("package", name, str(version), now))
    return EnvironmentDifference(bool(then), changes)


def _gpu_changes(then: Mapping[str, Any], now: Mapping[str, Any]) -> list[EnvironmentChange]:
    found = []
    if (old := _gpu_names(then)) != (new := _gpu_names(now)):
        found.append(EnvironmentChange("GPU", "GPU", old, new))
    before, after = then.get("driver"), now.get("driver")
    if before is not None and before != after:
        driver = None if after is None else str(after)
        found.append(EnvironmentChange("driver", "GPU driver", str(before), driver))
    return found


def _gpu_names(known: Mapping[str, Any]) -> str | None:
    gpus = known.get("gpus")
    names = [str(_mapping(each).get("name")) for each in (gpus if isinstance(gpus, list) else ())]
    return ", ".join(names) or None


def _implementation() -> str:
    return platform.python_implementation()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except (metadata.PackageNotFoundError, ValueError):
        return None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
