"""Registers models: the files of a new version are found and checked first."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.entities import ModelVersion
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store import ModelSource, Store, get_model_version
from nbtrack.store.artifacts import local_path
from nbtrack.tracking.environment import user_name
from nbtrack.tracking.model_locations import (
    ModelLocation,
    locate,
    split_run_uri,
    version_and_location,
)
from nbtrack.tracking.model_uris import is_model_uri, parse_model_uri


@dataclass(frozen=True)
class Stores:
    """Where models are looked for, and where they are registered: mostly the same store."""

    models: Store
    registry: Store


def source_of(
    stores: Stores, uri: str | os.PathLike[str], run_id: str | None = None, *, checked: bool = True
) -> ModelSource:
    """Return what a version is made of that a URI names.

    Parameters
    ----------
    stores : Stores
    uri : str or path
    run_id : str, optional
    checked : bool
        Whether there must be files at a path or a ``runs:/`` URI.

    Raises
    ------
    NotFoundError
        If there is no such model, run, folder or object.
    """
    if not checked and (found := _promised(stores, os.fspath(uri), run_id)) is not None:
        return found
    place = locate(uri, stores.models, stores.registry)
    if not place.folder.list():
        raise NotFoundError(
            f"There are no files at {place.folder.uri}, which {os.fspath(uri)!r} names. Register "
            "the folder of a model, such as log_model or save_model has written."
        )
    shown = _shown_source(place)
    if not os.fspath(uri).startswith(("runs:", "models:")):
        stores.registry.access.choose(place.folder.uri)
    run_id = run_id or place.run_id
    return ModelSource(shown, _stored(stores.registry, place.folder.uri), run_id, place.model_id)


def _promised(stores: Stores, uri: str, run_id: str | None) -> ModelSource | None:
    """Return what a version is made of whose files, or whose run, may not be here."""
    if is_model_uri(uri):
        parsed = parse_model_uri(uri)
        if parsed.name is None:
            return None
        old, location = version_and_location(stores.registry, parsed)
        shown = f"models:/{old.name}/{old.version}"
        stored = _stored(stores.registry, location)
        return ModelSource(shown, stored, run_id or old.run_id, old.model_id)
    if uri.startswith("runs:"):
        try:
            return source_of(stores, uri, run_id)
        except NotFoundError:  # looked for again by whoever loads it
            return ModelSource(uri, uri, run_id or split_run_uri(uri)[0])
    if local_path(uri) is not None:
        try:
            return source_of(stores, uri, run_id)
        except NotFoundError:
            pass
    stores.registry.access.choose(uri)
    return ModelSource(uri, _stored(stores.registry, uri), run_id)


def _shown_source(place: ModelLocation) -> str:
    """Return a version's source as MLflow shows it."""
    if place.version is not None:
        return f"models:/{place.name}/{place.version}"
    if place.model_id is not None and not local_path_of(place.uri):
        return f"models:/{place.model_id}"
    return place.folder.uri


def local_path_of(uri: str) -> bool:
    """Return whether a URI is a path rather than the name of a run's or a registered model."""
    return not uri.startswith(("runs:", "models:")) and local_path(uri) is not None


def _stored(store: Store, uri: str) -> str:
    """Return a location as it is kept: relative to the store's folder where it is below it."""
    local = local_path(uri)
    if local is None:
        return uri
    folder = Path(os.path.realpath(store.folder))
    real = Path(os.path.realpath(local))
    return real.relative_to(folder).as_posix() if real.is_relative_to(folder) else str(local)


def _created(stores: Stores, name: str, source: ModelSource, **details: Any) -> ModelVersion:
    version = stores.registry.registry.create_version(name, source, user_id=user_name(), **details)
    if source.model_id is not None and stores.models is not stores.registry:
        stores.models.registry.record_registration(source.model_id, name, version.version)
    return version


def register_model(
    stores: Stores,
    uri: str | os.PathLike[str],
    name: str,
    *,
    tags: Mapping[str, Any] | None = None,
) -> ModelVersion:
    """Make the next version of a registered model, which is made too where there is none."""
    version = _created(stores, name, source_of(stores, uri), tags=tags, make_model=True)
    if version.version == 1:
        sys.stderr.write(f"Successfully registered model '{name}'.\n")
    sys.stderr.write(f"Created version '{version.version}' of model '{name}'.\n")
    return version


def create_model_version(
    stores: Stores,
    name: str,
    source: str | os.PathLike[str],
    run_id: str | None = None,
    tags: Mapping[str, Any] | None = None,
    run_link: str | None = None,
    description: str | None = None,
    model_id: str | None = None,
    *,
    checked: bool = True,
) -> ModelVersion:
    """Make the next version of a registered model that is there; ``checked`` as in `source_of`."""
    found = source_of(stores, source, run_id, checked=checked)
    if model_id is not None:
        if found.model_id not in (None, model_id):
            raise InvalidParameterError(
                f"source={os.fspath(source)!r} is the logged model {found.model_id}, but model_id "
                f"is {model_id!r}. Give only one of them."
            )
        made = source_of(stores, f"models:/{model_id}", run_id)
        found = ModelSource(found.uri, found.stored, made.run_id, model_id)
    return _created(stores, name, found, tags=tags, run_link=run_link, description=description)


def copy_model_version(stores: Stores, uri: str, name: str) -> ModelVersion:
    """Make a version of another registered model out of a version: same files, tags and text.

    Raises
    ------
    InvalidParameterError
        If the URI is no ``models:/`` one of a registered model.
    """
    if not is_model_uri(uri) or parse_model_uri(uri).name is None:
        raise InvalidParameterError(
            f"Unsupported source model URI: '{uri}'. The `copy_model_version` API only copies "
            "versions of registered models, such as 'models:/name/1' or 'models:/name@alias'."
        )
    place = locate(uri, stores.models, stores.registry)
    with stores.registry.read() as reader:
        old = get_model_version(reader, str(place.name), place.version)
    version = _created(
        stores,
        name,
        source_of(stores, uri, old.run_id),
        tags=old.tags,
        run_link=old.run_link,
        description=old.description,
        make_model=True,
    )
    sys.stderr.write(
        f"Copied version '{old.version}' of model '{old.name}' to version '{version.version}' of "
        f"model '{name}'.\n"
    )
    return version
