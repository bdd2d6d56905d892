"""The whole examination: the installation, the environment, the store."""

from __future__ import annotations

import difflib
import os
import re
import sys
from collections.abc import Iterator

from nbtrack.config import default_uri
from nbtrack.environment import Variable
from nbtrack.errors import NbtrackError
from nbtrack.health import installation, state
from nbtrack.health.finding import Finding, note, problem
from nbtrack.variables import ALL

_OURS = ("NBTRACK_", "MLFLOW_")
_SECRET = re.compile(r"TOKEN|PASSWORD|SECRET|KEY|CREDENTIAL|USERNAME|AUTH", re.IGNORECASE)
_LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def variables(mask: bool = False) -> Iterator[Finding]:
    """Name the variables that are set, and those that lose against another one.

    Parameters
    ----------
    mask : bool
        Whether all values are left out; those of secrets always are.
    """
    for name in sorted(os.environ):
        if name.startswith(_OURS) and os.environ[name]:
            yield Finding("environment", f"{name}={_shown(name, mask)}")
    for variable in ALL:
        yield from _about(variable)
    yield from _misspelt()


def _about(variable: Variable[object]) -> Iterator[Finding]:
    """Name what cannot be read, and another name of the variable that loses."""
    first, ours = variable.found(), variable.text()
    others = variable.names[variable.names.index(first) + 1 :] if first else ()
    for second in others:
        if second.startswith(_OURS) and os.environ.get(second, ours) != ours:
            yield note(
                "environment",
                f"{first} and {second} differ: nbtrack uses {first}.",
                f"Unset {first} if {second} is what you mean.",
            )
    try:
        variable.get()
    except NbtrackError as error:
        yield problem("environment", str(error))


def _misspelt() -> Iterator[Finding]:
    """Name the variables that look like one that nbtrack reads, and are none."""
    known = [name for variable in ALL for name in variable.names]
    for name in sorted(os.environ):
        near = (
            difflib.get_close_matches(name, known, 1, 0.85) if name.startswith("NBTRACK_") else []
        )
        if near and name not in known:
            yield note("environment", f"{name} is set, and not read. Did you mean {near[0]}?")


def _shown(name: str, mask: bool) -> str:
    if mask or _SECRET.search(name):
        return "***"
    return _LOGIN.sub("***@", os.environ[name])


def examine(uri: str | os.PathLike[str] | None = None, *, mask: bool = False) -> list[Finding]:
    """Look at the installation, the environment and a store; change nothing.

    Parameters
    ----------
    uri : str or path, optional
        The store; by default the one that the process tracks to.
    mask : bool
        Whether the values of environment variables are left out.

    Returns
    -------
    list of Finding

    Examples
    --------
    >>> from nbtrack.health import examine
    >>> print([each.text for each in examine() if each.subject == "store"][0])
    There is no store at ...nbtrack.duckdb yet; the first run makes it.
    """
    found = [*installation.findings(), *variables(mask)]
    try:
        found += state.findings(uri or default_uri())
    except NbtrackError as error:
        found.append(problem("store", str(error)))
    return found


def doctor(mask_envs: bool = False) -> None:
    """Print what is wrong with the installation, the environment and the store, and what helps.

    Parameters
    ----------
    mask_envs : bool
        Whether the values of environment variables are left out; those of secrets always are.

    Examples
    --------
    >>> nbtrack.doctor()  # doctest: +SKIP
    """
    for each in examine(mask=mask_envs):
        sys.stdout.write(f"{each.level:<8} {each.subject}: {each.text}\n")
        if each.fix:
            sys.stdout.write(f"{'':<8} -> {each.fix}\n")
