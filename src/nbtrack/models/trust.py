"""Whose code a model would run: the user's own, or a stranger's."""

from __future__ import annotations

import os
import re
from pathlib import Path

from nbtrack.config import env_flag
from nbtrack.errors import UntrustedError

_FORBIDDEN = ("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "MLFLOW_ALLOW_PICKLE_DESERIALIZATION")


def check_consent(
    what: str, place: str | os.PathLike[str], *, own: bool, trust: bool | None = None
) -> None:
    """Raise unless the code of a model may run.

    Parameters
    ----------
    what : str
        What would run: the source that came with the model, a pickle.
    place : path
        Where it lies.
    own : bool
        Whether the model is the user's own: of the store that is tracked to, or one that
        was saved by this user on this machine.
    trust : bool, optional
        What the caller says; None for nothing.

    Raises
    ------
    UntrustedError
        Without consent, or where the variable ``MLFLOW_ALLOW_MODEL_CODE_EXECUTION`` is false.
    """
    for name in _FORBIDDEN:
        if not env_flag(name, default=True):
            raise UntrustedError(
                f"Loading this model runs {what}, and the variable {name} forbids that. "
                "Unset it, or load what needs no code: an exported program, or the weights alone."
            )
    if trust or (own and trust is None):
        return
    why = "trust=False was passed" if trust is False else "it is not from your own store"
    raise UntrustedError(
        f"Loading the model in {os.fspath(place)} runs {what}, and {why}. Read it first; if you "
        "trust where it comes from, pass trust=True."
    )


def remember(digest: str) -> None:
    """Note that this user has saved a model, so that loading it again needs no consent.

    Parameters
    ----------
    digest : str
        The SHA-256 of the model's manifest: another content is another model.
    """
    note = _note(digest)
    try:
        note.parent.mkdir(parents=True, exist_ok=True)
        note.touch()
    except OSError:  # a home that cannot be written: then loading asks for trust=True
        return


def is_remembered(digest: str) -> bool:
    """Return whether this user has saved the model on this machine."""
    try:
        return _note(digest).is_file()
    except OSError:
        return False


def _note(digest: str) -> Path:
    import platformdirs

    name = re.sub(r"[^0-9a-f]", "", digest)
    return Path(platformdirs.user_state_dir("nbtrack")) / "saved_models" / name
