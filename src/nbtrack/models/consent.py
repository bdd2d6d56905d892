"""Whether the code of a model may run: consent, how it is asked for, and how it is given."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from nbtrack import variables
from nbtrack.config import resolve
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError, UntrustedError, warn
from nbtrack.models import trust_records
from nbtrack.models.manifest import MANIFEST, MLMODEL, files_below, links_below, manifest_of, sha256
from nbtrack.models.trust_records import why_unknown
from nbtrack.store import Store, all_model_uris, open_store
from nbtrack.store.artifacts import local_path
from nbtrack.tracking.model_locations import ModelLocation, locate, store_around

_FORBIDDEN = (variables.ALLOW_MODEL_CODE_EXECUTION, variables.ALLOW_PICKLE_DESERIALIZATION)


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
    for variable in _FORBIDDEN:
        if not variable.get():
            raise UntrustedError(
                f"Loading this model runs {what}, and the variable {variable.name} forbids that. "
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


def trust(place: str | os.PathLike[str], *, forget: bool = False) -> list[str]:
    """Let code of somebody else's models run on this machine without asking for each.

    Read the models first: loading them runs what is in them. Only what they are now is trusted,
    by their content: models that are added or changed later ask again, and the same models need
    no consent wherever they are copied to.

    Parameters
    ----------
    place : str or path
        A store: its database file, the folder that it is in, the URL of a tracking server. Or
        one model: its folder, ``models:/...`` or ``runs:/...``.
    forget : bool, optional
        True to trust it no more; what you have saved yourself stays yours.

    Returns
    -------
    list of str
        The models that are trusted now; empty where they are forgotten.

    Raises
    ------
    NotFoundError
        If there is no such store or model, or nothing of it is trusted that could be forgotten.
    """
    if forget:
        if not sum(trust_records.forget(name) for name in _names(place)):
            raise NotFoundError(
                f"{os.fspath(place)!r} is nothing that you trust; see nbtrack trust --list."
            )
        return []
    name = _names(place)[0]
    if _is_model(place):
        trust_records.remember(digest_at(locate(place)), name)
        return [os.fspath(place)]
    store = _store(place)
    with store.read() as reader:
        uris = all_model_uris(reader)
    found = []
    for uri in uris:
        try:
            trust_records.remember(digest_at(locate(uri, store, store)), name)
            found.append(uri)
        except NbtrackError as error:
            warn(f"The model {uri} of {name} cannot be trusted: {error.message}")
    return found


def digest_at(place: ModelLocation) -> str:
    """Return the digest of a model's content, as it is recorded, or else as its files are."""
    if place.hashes is not None:
        return trust_records.digest_of(place.hashes)
    if place.folder.exists(MANIFEST):
        text = place.folder.read_bytes(MANIFEST).decode("utf-8", "replace")
        return trust_records.digest_of(manifest_of(text, f"{place.folder.uri}/{MANIFEST}"))
    with tempfile.TemporaryDirectory(prefix="nbtrack-") as copy:
        remote = local_path(place.folder.uri) is None
        folder = Path(place.folder.download(None, copy if remote else None))
        if links := links_below(folder):
            raise InvalidParameterError(
                f"{folder / links[0]} is a link to another folder, which may change at any time. "
                "Copy its files into the model's folder."
            )
        return trust_records.digest_of(
            {path: sha256(folder / path) for path in files_below(folder)}
        )


def _is_model(place: str | os.PathLike[str]) -> bool:
    return os.fspath(place).startswith(("models:", "runs:")) or Path(place, MLMODEL).is_file()


def _store(place: str | os.PathLike[str]) -> Store:
    location = resolve(place)
    if location.server is None and not location.path.is_file():
        raise NotFoundError(f"There is no store and no model at {os.fspath(place)!r}.")
    return open_store(place)


def _names(place: str | os.PathLike[str]) -> list[str]:
    """Return what a place may be noted by: the name that is used for it, and others it may have."""
    text = os.fspath(place)
    if text.startswith(("models:", "runs:")):
        return [text]
    if _is_model(place):
        return [os.path.realpath(text)]
    return [resolve(place).uri, os.path.realpath(os.path.expanduser(text)), text]
