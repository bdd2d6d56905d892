"""Whether the code of a model may run: consent, and how to give it."""

from __future__ import annotations

import os
from pathlib import Path

from nbtrack.config import env_flag
from nbtrack.errors import UntrustedError
from nbtrack.models.trust_records import why_unknown
from nbtrack.tracking.model_locations import store_around

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
        Whether the model is the user's own: one that was saved by this user on this machine,
        or that the user has said to trust.
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
    path = os.fspath(place)
    if trust is False:
        raise UntrustedError(
            f"Loading the model in {path} runs {what}, and trust=False was passed. Leave it out, "
            "or load what needs no code."
        )
    reason = why_unknown()
    unknown = "" if reason is None else f" (yours cannot be told from others: {reason})"
    raise UntrustedError(
        f"Loading the model in {path} runs {what}, and you have not saved it on this machine"
        f"{unknown}. Read it first; if you trust where it comes from, pass trust=True. "
        f"{_whole_store(Path(path))}"
    )


def _whole_store(place: Path) -> str:
    store = store_around(place)
    if store is None:
        return "For all models of a store at once: nbtrack.trust(...), or the command nbtrack trust"
    return (
        f"For all models that its store has now: nbtrack.trust({str(store)!r}), or the command "
        f"nbtrack trust {store}"
    )
