"""The whole examination: the installation, the environment, the store."""

from __future__ import annotations

import os
import sys

from nbtrack.config import default_uri
from nbtrack.errors import NbtrackError
from nbtrack.health import environment, installation, state
from nbtrack.health.finding import Finding, problem


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
    """
    found = [*installation.findings(), *environment.findings(mask)]
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
    """
    for each in examine(mask=mask_envs):
        sys.stdout.write(f"{each.level:<8} {each.subject}: {each.text}\n")
        if each.fix:
            sys.stdout.write(f"{'':<8} -> {each.fix}\n")
