"""Params, tags, paths: what may be kept or shown of a value that holds a secret."""

from __future__ import annotations

import os

from nbtrack.errors import warn
from nbtrack.redaction.names import (
    MIN_VALUE,
    has_known_form,
    is_private,
    names_secret,
    secret_variables,
)
from nbtrack.variables import REDACT


def without_secret(key: str, text: str, what: str) -> str:
    """Return what may be kept of a value, and warn where that is less than it was.

    Parameters
    ----------
    key : str
        Its name.
    text : str
    what : str
        How the warning calls it: ``"Param"``, ``"Tag"``.
    """
    if not _may_be_secret(key, text):
        return text
    from nbtrack.redaction.secrets import Secrets, is_wanted

    kept = Secrets().named(key, text) if is_wanted() else text
    if kept != text:
        shown = kept if len(kept) <= 80 else kept[:79] + "…"
        warn(
            f"{what} '{key}' looks like a secret, which nbtrack does not keep: it is stored as "
            f"{shown!r}. The environment variable {REDACT.name}=false keeps such values.",
            stacklevel=5,
        )
    return kept


def _may_be_secret(key: str, text: str) -> bool:
    """Return whether a value has to be looked at more closely; most do not."""
    if is_private(key):
        return True
    if len(text) < MIN_VALUE:
        return False
    if has_known_form(text) or names_secret(text):
        return True
    return any(value in text for value in secret_variables(os.environ))


def display_path(path: str | os.PathLike[str]) -> str:
    """Return a path with ``~`` for the home folder, so that it can be shown to others."""
    text = os.fspath(path)
    home = os.path.expanduser("~").rstrip(os.sep)
    if home and (text == home or text.startswith(home + os.sep)):
        return "~" + text[len(home) :]
    return text
