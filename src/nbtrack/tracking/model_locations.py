"""Where a model is that a URI names, and what is recorded of its files."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.entities import ModelVersion
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.store import (
    Reader,
    Store,
    get_latest_model_version,
    get_logged_model,
    get_logged_models,
    get_model_version,
    get_model_version_by_alias,
    get_model_version_location,
    get_registered_models,
    model_file_hashes,
    model_ids_of_run,
    model_names_of_run,
    open_store,
    run_file_digests,
)
from nbtrack.store.artifacts import ArtifactFolder, check_artifact_path, local_path
from nbtrack.suggestions import did_you_mean
from nbtrack.tracking import context
from nbtrack.tracking.model_uris import ModelUri, is_model_id, is_model_uri, parse_model_uri
from nbtrack.untrusted_files import read_yaml
from nbtrack.validation import check_run_id

MODEL_FILE = "MLmodel"
MANIFEST = "nbtrack-files.json"  # where a model's folder has a record of its own


@dataclass(frozen=True)
class ModelLocation:
    """The folder of a model.

    Attributes
    ----------
    uri : str
        As it was asked for.
    folder : ArtifactFolder
        The model's files; ``folder.download()`` gives a local path, in place where it is local.
    tracked : bool
        Whether the files belong to the store that this process tracks to, and that is no
        server. Whether the model is the user's own is another question.
    hashes : dict of str to str or None
        The recorded SHA-256 of files by path below the folder, where the store knows them.
    model_id, run_id, name : str or None
    version : int or None
        For a version of a registered model, whose name is then ``name``.
    """

    uri: str
    folder: ArtifactFolder
    tracked: bool
    hashes: dict[str, str] | None = None
    model_id: str | None = None
    run_id: str | None = None
    name: str | None = None
    version: int | None = None


def locate(
    uri: str | os.PathLike[str], store: Store | None = None, registry_store: Store | None = None
) -> ModelLocation:
    """Return where the model is that a URI names.

    Parameters
    ----------
    uri : str or path
        ``runs:/<run>/<name>``, ``models:/<name>/<version, stage or latest>``,
        ``models:/<name>@<alias>``, ``models:/<model id>``, ``file:`` and plain paths, and any
        that fsspec knows.
    store : Store, optional
        By default that of ``store_of``.
    registry_store : Store, optional
        Whose registry is asked; by default that of ``store``, or the one that was set.

    Raises
    ------
    InvalidParameterError
        If the URI names nothing.
    NotFoundError
        If there is no such run, model or folder.
    """
    text = os.fspath(uri)
    where = store or store_of(text)
    if text.startswith("runs:"):
        with where.read() as reader:
            return _of_run(reader, where, text)
    if is_model_uri(text):
        return _of_models_uri(
            where, registry_store or store or context.registry_store(), text, parse_model_uri(text)
        )
    return _of_path(where, text)


def store_of(uri: str | os.PathLike[str], other: Store | None = None) -> Store:
    """Return the store of the run or logged model that a URI names, whatever was chosen since.

    That is the run's own while it is open here, the model's own if it was made here, and else
    ``other``, by default the one that the process tracks to.
    """
    text = os.fspath(uri)
    if text.startswith("runs:"):
        return context.store_of(split_run_uri(text)[0], other)
    model_id = parse_model_uri(text).model_id if is_model_uri(text) else None
    if model_id is not None:
        return context.store_of_model(model_id, other)
    return other or context.store()


def split_run_uri(uri: str) -> tuple[str, str]:
    """Return the run and the path of a ``runs:/`` URI; the path may be empty.

    Raises
    ------
    InvalidParameterError
        If it is none.
    """
    scheme, _, rest = uri.partition(":")
    run_id, _, path = rest.lstrip("/").partition("/")
    if scheme != "runs" or not rest.startswith("/") or rest.startswith("//") or not run_id:
        raise InvalidParameterError(
            f"Not a proper runs:/ URI: {uri}. Use the form runs:/<run_id>/<path>."
        )
    return run_id, path.rstrip("/")


def _is_tracked(store: Store) -> bool:
    """Return whether a store is the one that is tracked to, with files that are here."""
    return store is context.store() and store.server is None


def _of_run(reader: Reader, store: Store, uri: str) -> ModelLocation:
    from nbtrack.store import get_run

    run_id, path = split_run_uri(uri)
    run = get_run(reader, check_run_id(run_id))
    artifacts = reader.access.folder(run.info.artifact_uri)
    if path and artifacts.exists(f"{path}/{MODEL_FILE}"):
        return ModelLocation(
            uri,
            reader.access.folder(artifacts.uri_of(path)),
            _is_tracked(store),
            _below(_run_hashes(reader, run_id), path),
            run_id=run_id,
            name=path.rpartition("/")[2],
        )
    found = model_ids_of_run(reader, run_id, path or None)
    if not found or not path:
        names = sorted(model_names_of_run(reader, run_id))
        has = f"It has {', '.join(map(repr, names))}." if names else "It has none."
        has = did_you_mean(path, names, has)
        raise NotFoundError(
            f"Unable to find a logged_model with artifact_path {path!r} under run {run_id}. {has}"
        )
    return _logged(reader, store, uri, found[-1])


def _of_models_uri(store: Store, names: Store, uri: str, parsed: ModelUri) -> ModelLocation:
    if parsed.model_id is not None:
        _check_no_version_is_meant(names, parsed.model_id)
        with store.read() as reader:
            return _logged(reader, store, uri, parsed.model_id)
    version, location = version_and_location(names, parsed)
    place = _of_version(store, names, version, location)
    known = {"uri": uri, "name": version.name, "version": version.version}
    return ModelLocation(**{**vars(place), **known, "run_id": place.run_id or version.run_id})


def version_and_location(names: Store, parsed: ModelUri) -> tuple[ModelVersion, str]:
    """Return the version of a registered model that a URI names, and where its files should be.

    Raises
    ------
    NotFoundError
        If there is no such version.
    """
    name = str(parsed.name)
    with names.read() as reader:
        if parsed.alias is not None:
            version = get_model_version_by_alias(reader, name, parsed.alias)
        elif parsed.version is not None:
            version = get_model_version(reader, name, parsed.version)
        else:
            version = get_latest_model_version(reader, name, parsed.stage)
        return version, get_model_version_location(reader, name, version.version)


def _of_version(store: Store, names: Store, version: ModelVersion, location: str) -> ModelLocation:
    if version.model_id is not None:
        own = context.store_of_model(version.model_id) if store is context.store() else store
        with own.read() as reader:
            if get_logged_models(reader, [version.model_id], deleted=True):
                return _logged(reader, own, location, version.model_id, deleted=True)
    if location.startswith("runs:"):
        return locate(location, store)
    return _of_path(store, location, names.access.folder)


def _check_no_version_is_meant(names: Store, model_id: str) -> None:
    if is_model_id(model_id):
        return
    with names.read() as reader:
        if get_registered_models(reader, [model_id]):
            raise NotFoundError(
                f"Logged model with ID '{model_id}' not found. A registered model needs a version: "
                f"models:/{model_id}/latest, models:/{model_id}/<version> or @<alias>."
            )


def _logged(
    reader: Reader, store: Store, uri: str, model_id: str, *, deleted: bool = False
) -> ModelLocation:
    model = get_logged_model(reader, model_id, deleted=deleted)
    return ModelLocation(
        uri,
        reader.access.folder(model.artifact_location),
        _is_tracked(store),
        model_file_hashes(reader, model_id) or None,
        model_id,
        model.source_run_id,
        model.name,
    )


def store_around(place: Path) -> Path | None:
    """Return the file of the store that a path lies in; None where it lies in none."""
    for folder in Path(os.path.abspath(place)).parents:
        if folder.name == "artifacts" and folder.parent.suffix == ".d":
            database = folder.parent.with_suffix("")
            return database if database.is_file() else None
    return None


def _of_path(
    store: Store, uri: str, opened: Callable[[str], ArtifactFolder] = ArtifactFolder
) -> ModelLocation:
    """Return the place of a path; what is below the folder of a store has that store's record.

    What the user names is opened as it is; what a row of a store names, as the store allows.
    """
    local = local_path(uri)
    if local is None:
        return ModelLocation(uri, opened(uri), tracked=False)
    real = Path(os.path.realpath(local))
    own = _is_tracked(store) and real.is_relative_to(os.path.realpath(store.artifacts))
    if not local.exists():
        named = _logged_below(store, real) if own else None
        if named is not None:
            return named
        raise NotFoundError(f"There is no model at {uri}: no such folder (in {Path.cwd()}).")
    if own:
        known = _recorded(store, real)
        return ModelLocation(uri, opened(str(real)), tracked=True, **known)
    folder = opened(str(local))
    around = store_around(real)
    if around is None or (local / MANIFEST).is_file():
        return ModelLocation(uri, folder, tracked=False)
    try:
        hashes = _recorded(open_store(around), real).get("hashes")
    except NbtrackError:  # damaged, or held by somebody: then nobody knows
        hashes = None
    return ModelLocation(uri, folder, tracked=False, hashes=hashes)


def _logged_below(store: Store, folder: Path) -> ModelLocation | None:
    """Return the logged model that ``get_artifact_uri(name)`` of its run names, or None."""
    parts = folder.relative_to(os.path.realpath(store.artifacts)).parts
    try:
        return locate(f"runs:/{'/'.join(parts[1:])}", store)
    except NbtrackError:
        return None


def _recorded(store: Store, folder: Path) -> dict[str, Any]:
    """Return what a store knows of a folder below its artifacts: hashes, and whose they are."""
    parts = folder.relative_to(os.path.realpath(store.artifacts)).parts
    with store.read() as reader:
        if len(parts) >= 4 and parts[1] == "models":
            known = _below(model_file_hashes(reader, parts[2]), "/".join(parts[4:]))
            return {"hashes": known or None, "model_id": parts[2]}
        if len(parts) >= 2:
            known = _below(_run_hashes(reader, parts[1]), "/".join(parts[2:]))
            return {"hashes": known or None, "run_id": parts[1]}
    return {}


def _run_hashes(reader: Reader, run_id: str) -> dict[str, str]:
    found = run_file_digests(reader, run_id)
    return {path: sha256 for path, (_, sha256) in found.items()}


def _below(hashes: dict[str, str], path: str) -> dict[str, str]:
    if not path:
        return hashes
    prefix = f"{check_artifact_path(path)}/"
    return {p.removeprefix(prefix): s for p, s in hashes.items() if p.startswith(prefix)}


def written_ids(place: ModelLocation) -> tuple[str | None, str | None]:
    """Return the logged model and the run that the MLmodel file of a folder names, if it does."""
    try:
        known = read_yaml(place.folder.read_bytes(MODEL_FILE), MODEL_FILE)
    except (NbtrackError, OSError):
        return None, None
    fields = known if isinstance(known, dict) else {}
    model_id, run_id = fields.get("model_id"), fields.get("run_id")
    return None if model_id is None else str(model_id), None if run_id is None else str(run_id)
