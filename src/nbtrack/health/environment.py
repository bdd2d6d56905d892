"""What the environment says: the variables that nbtrack reads."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator

from nbtrack.health.finding import Finding, note

_OURS = ("NBTRACK_", "MLFLOW_")
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|KEY|CREDENTIAL|USERNAME|AUTH", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")
_SAME = (
    ("NBTRACK_URI", "MLFLOW_TRACKING_URI"),
    ("NBTRACK_REGISTRY_URI", "MLFLOW_REGISTRY_URI"),
    ("NBTRACK_RUN_ID", "MLFLOW_RUN_ID"),
)


def findings(mask: bool = False) -> Iterator[Finding]:
    """Name the variables that are set, and those that lose against another one.

    Parameters
    ----------
    mask : bool
        Whether all values are left out; those of secrets always are.
    """
    for name in sorted(os.environ):
        if name.startswith(_OURS) and os.environ[name]:
            yield Finding("environment", f"{name}={_shown(name, mask)}")
    for first, second in _SAME:
        ours, theirs = os.environ.get(first), os.environ.get(second)
        if ours and theirs and ours != theirs:
            yield note(
                "environment",
                f"{first} and {second} differ: nbtrack uses {first}.",
                f"Unset {first} if {second} is what you mean.",
            )


def _shown(name: str, mask: bool) -> str:
    if mask or _SECRET.search(name):
        return "***"
    return _LOGIN.sub("***@", os.environ[name])
