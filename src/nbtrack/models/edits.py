"""What is changed of a model that is saved: its signature, its requirements."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

from nbtrack.errors import InvalidParameterError, InvalidStateError
from nbtrack.models.environment import (
    CONDA,
    REQUIREMENTS,
    name_of,
    read_requirements,
    with_requirements,
)
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, open_model, reads_model
from nbtrack.models.manifest import MANIFEST, MLMODEL, manifest_text, text_digest
from nbtrack.models.signature import ModelSignature
from nbtrack.models.trust_records import digest_of, is_remembered, remember
from nbtrack.store import Store, model_file_hashes
from nbtrack.store.artifacts import local_path
from nbtrack.tracking import context, model_edits


@reads_model
def get_model_info(model_uri: str | os.PathLike[str]) -> ModelInfo:
    """Return information about a saved model, without loading it.

    Parameters
    ----------
    model_uri : str or path
        ``runs:/<run>/<name>``, ``models:/...``, or a folder.

    Raises
    ------
    NotFoundError
        If there is no such model.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> info = nbtrack.sklearn.log_model(LinearRegression(), name="line")
    >>> sorted(nbtrack.models.get_model_info(info.model_uri).flavors)
    ['python_function', 'sklearn']
    """
    opened = open_model(model_uri)
    known: dict[str, Any] = {
        "registered_model_version": opened.place.version,
        "name": opened.place.name,
    }
    model_id = opened.place.model_id
    store = context.store() if model_id is None else context.store_of_model(model_id)
    if model_id is not None and (opened.place.tracked or store.server is not None):
        logged = model_edits.get(store, model_id)
        known |= {
            "model_id": model_id,
            "name": logged.name,
            "params": logged.params,
            "metrics": logged.metrics,
            "tags": logged.tags,
            "creation_timestamp": logged.creation_timestamp,
        }
    uri = f"models:/{model_id}" if model_id else os.fspath(model_uri)
    return ModelInfo.of(opened.model, uri, **known)


def set_signature(model_uri: str | os.PathLike[str], signature: ModelSignature) -> None:
    """Replace the signature of a saved model.

    Parameters
    ----------
    model_uri : str or path
        A logged model (``models:/<model id>``, ``runs:/<run>/<name>``) or a folder.
    signature : ModelSignature
        The new one.

    Raises
    ------
    InvalidParameterError
        If it is no signature.
    InvalidStateError
        If it is a version of a registered model, which stays as it was registered.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> info = nbtrack.sklearn.log_model(LinearRegression(), name="line")
    >>> signature = nbtrack.models.infer_signature([[1.0, 2.0]], [3.0])
    >>> nbtrack.models.set_signature(info.model_uri, signature)
    >>> nbtrack.models.get_model_info(info.model_uri).signature == signature
    True
    """
    if not isinstance(signature, ModelSignature):
        raise InvalidParameterError(
            f"signature={signature!r} is no ModelSignature. infer_signature(x, y) makes one."
        )
    opened = _changeable(model_uri)
    opened.model.signature = signature
    _write(opened, {MLMODEL: opened.model.to_yaml() or ""})


def update_model_requirements(
    model_uri: str | os.PathLike[str],
    operation: Literal["add", "remove"],
    requirement_list: Iterable[str],
) -> None:
    """Add requirements to a saved model, or remove some.

    Parameters
    ----------
    model_uri : str or path
        A logged model or a folder.
    operation : {"add", "remove"}
        What to do.
    requirement_list : list of str
        Requirements as pip has them; to remove them, their names are enough.

    Raises
    ------
    InvalidParameterError
        If there is no such operation.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> info = nbtrack.sklearn.log_model(LinearRegression(), name="line")
    >>> nbtrack.models.update_model_requirements(info.model_uri, "add", ["rich>=13"])
    """
    if operation not in ("add", "remove") or isinstance(requirement_list, str):
        raise InvalidParameterError(
            "update_model_requirements takes 'add' or 'remove' and a list of requirements, not "
            f"{operation!r} and {requirement_list!r}."
        )
    opened = _changeable(model_uri)
    given = list(requirement_list)
    named = {name_of(line) for line in given}
    lines = [line for line in read_requirements(opened.path) if name_of(line) not in named]
    if operation == "add":
        lines += given
    changed = {REQUIREMENTS: "".join(f"{line}\n" for line in lines)}
    conda = opened.path / CONDA
    if conda.is_file():
        changed[CONDA] = with_requirements(conda.read_text("utf-8"), lines)
    _write(opened, changed)


@contextmanager
def keep_trust(store: Store, model_id: str) -> Iterator[None]:
    """Have files added to a logged model by this user: if it was the user's own, it still is."""
    own = is_remembered(_content(store, model_id))
    yield
    if own:
        remember(_content(store, model_id))


def _content(store: Store, model_id: str) -> str:
    with store.read() as reader:
        return digest_of(model_file_hashes(reader, model_id))


def _changeable(model_uri: str | os.PathLike[str]) -> OpenedModel:
    opened = open_model(model_uri)
    place = opened.place
    if place.version is not None:
        raise InvalidStateError(
            f"{place.uri!r} is a version of a registered model, which stays as it was registered. "
            "Change the logged model and register it again."
        )
    if place.tracked and place.model_id is None:
        raise InvalidStateError(
            f"{place.uri!r} is an artifact of a run, whose files stay as they were logged. "
            "Download it, change the copy, and log that."
        )
    if local_path(place.folder.uri) is None and place.model_id is None:
        raise InvalidStateError(f"{place.uri!r} is not on this machine: download it first.")
    return opened


def _write(opened: OpenedModel, changed: Mapping[str, str]) -> None:
    """Replace files of a model, and what is recorded of them; the user's own stays that."""
    own = opened.own  # a model of somebody else does not become the user's by this
    digests = {name: text_digest(text) for name, text in changed.items()}
    recorded = {**(opened.recorded or {}), **digests}
    if (opened.path / MANIFEST).is_file():
        changed = {**changed, MANIFEST: manifest_text(recorded)}
    if opened.place.tracked and opened.place.model_id is not None:
        model_id = opened.place.model_id
        files = model_edits.files(context.store_of_model(model_id), model_id)
        for name, text in changed.items():
            files.put_bytes(name, text.encode("utf-8"))
    else:
        for name, text in changed.items():
            (opened.path / name).write_bytes(text.encode("utf-8"))
    if own and opened.recorded is not None:
        remember(digest_of(recorded))
