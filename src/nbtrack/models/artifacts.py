"""Files that belong to a Python model (``artifacts={name: uri}``), copied beside it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.store import get_run
from nbtrack.store.artifacts import ArtifactFolder, folder_and_path
from nbtrack.tracking import context
from nbtrack.tracking.model_locations import locate, split_run_uri

FOLDER = "artifacts"


def copy_artifacts(folder: Path, artifacts: Mapping[str, str] | None) -> dict[str, dict[str, str]]:
    """Copy artifacts into a model's folder and return what the MLmodel file says about them.

    Parameters
    ----------
    folder : Path
        The model's folder.
    artifacts : mapping of str to str, optional
        Local paths, ``runs:/...``, ``models:/...``, and what fsspec knows, by name.

    Raises
    ------
    InvalidParameterError
        If it is no mapping of names.
    NotFoundError
        If one does not exist.
    """
    if artifacts is not None and not isinstance(artifacts, Mapping):
        raise InvalidParameterError(f"artifacts={artifacts!r} is no dictionary of names and URIs.")
    found = {}
    taken: set[str] = set()
    for name, given in (artifacts or {}).items():
        uri = os.fspath(given)
        source, path = _place(uri)
        base = (path or Path(uri.rstrip("/")).name).rpartition("/")[2]
        inside = base if base not in taken else f"{name}/{base}"
        taken.add(inside)
        target = folder / FOLDER / inside
        target.parent.mkdir(parents=True, exist_ok=True)
        local = Path(source.download(path))
        if local.is_dir():
            shutil.copytree(local, target)
        else:
            shutil.copyfile(local, target)
        found[name] = {"path": f"{FOLDER}/{inside}", "uri": uri}
    return found


def _place(uri: str) -> tuple[ArtifactFolder, str | None]:
    if uri.startswith("models:"):
        return locate(uri).folder, None
    if uri.startswith("runs:"):
        run_id, path = split_run_uri(uri)
        with context.store_of(run_id).read() as reader:
            return reader.access.folder(get_run(reader, run_id).info.artifact_uri), path or None
    return folder_and_path(uri)
