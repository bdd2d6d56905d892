"""What a run has kept, for reading: its artifacts, and the models that it has logged by name."""

from __future__ import annotations

import functools
import os
from pathlib import Path

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError
from nbtrack.store import (
    Reader,
    Store,
    get_logged_models,
    model_file_hashes,
    model_names_of_run,
    run_file_digests,
)
from nbtrack.store.artifacts import ArtifactFolder, check_artifact_path, local_path


class RunArtifacts:
    """The artifacts of a run, among which each of its logged models shows as a folder.

    A model that is called ``models/classifier`` shows in the folder ``models``.

    A file or folder of the run comes before a model of the same name; of several models of one
    name the one of the greatest step is meant.

    Parameters
    ----------
    own : ArtifactFolder
    models : dict of str to ArtifactFolder
        The files of the logged models, by their names.
    """

    def __init__(self, own: ArtifactFolder, models: dict[str, ArtifactFolder]) -> None:
        self.own = own
        self.models = models

    def list(self, path: str | os.PathLike[str] | None = None) -> list[FileInfo]:
        """Return the files and folders in a folder, by path; a file has none in it."""
        folder, inner, name = self._at(path)
        found = folder.list(inner)
        if name:
            return [FileInfo(f"{name}/{f.path}", f.is_dir, f.file_size) for f in found]
        above = f"{inner}/" if inner else ""
        below = [model.removeprefix(above) for model in self.models if model.startswith(above)]
        shown = {f"{above}{model.partition('/')[0]}" for model in below}
        shown -= {entry.path for entry in found}
        found += [FileInfo(each, True) for each in shown]
        return sorted(found, key=lambda entry: entry.path)

    def read_bytes(self, path: str | os.PathLike[str]) -> bytes:
        """Return the content of a file."""
        folder, inner, _ = self._at(path)
        if inner is None:
            raise InvalidParameterError(f"Artifact {str(path)!r} is a folder; name a file in it.")
        return folder.read_bytes(inner)

    def download(
        self, path: str | os.PathLike[str] | None = None, dst: str | os.PathLike[str] | None = None
    ) -> str:
        """Return a local path of a file or a folder; see ``ArtifactFolder.download``.

        All artifacts of a run, copied to ``dst``, come with its models.
        """
        folder, inner, name = self._at(path)
        if name:
            return folder.download(inner, None if dst is None else Path(dst, name))
        if path or dst is None or not self.models:
            return folder.download(inner, dst)
        Path(dst).mkdir(parents=True, exist_ok=True)
        if folder.list():
            folder.download(None, dst)
        for model, files in self.models.items():
            if not folder.exists(model):
                files.download(None, Path(dst, model))
        return os.path.abspath(dst)

    def _at(self, path: str | os.PathLike[str] | None) -> tuple[ArtifactFolder, str | None, str]:
        """Return the folder that has a path, the path in it, and the name of the model it is."""
        if path is None or path == "":
            return self.own, None, ""
        text = check_artifact_path(path)
        parts = text.split("/")
        for end in range(len(parts), 0, -1):
            name = "/".join(parts[:end])
            if name in self.models and not self.own.exists(text):
                return self.models[name], "/".join(parts[end:]) or None, name
        return self.own, text, ""


def artifacts_of(store: Store, run_id: str) -> RunArtifacts:
    """Return the artifacts of a run, for reading.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    from nbtrack.store import get_run

    with store.read() as reader:
        location = get_run(reader, run_id).info.artifact_uri
        known = run_file_digests(reader, run_id) if _is_far(location) else {}
        hashes = {path: sha256 for path, (_, sha256) in known.items()}
        own = reader.access.folder(location, recorded=lambda: hashes)
        return RunArtifacts(own, _models(reader, run_id))


def _models(reader: Reader, run_id: str) -> dict[str, ArtifactFolder]:
    names = model_names_of_run(reader, run_id)
    folders = {}
    for model in get_logged_models(reader, list(names.values())):
        location, model_id = model.artifact_location, model.model_id
        hashes = model_file_hashes(reader, model_id) if _is_far(location) else {}
        opened = reader.access.folder(location, recorded=functools.partial(dict, hashes))
        folders[model.name] = opened
    return folders


def _is_far(location: str) -> bool:
    """Return whether files are fetched from a location, and compared with what was recorded."""
    return local_path(location) is None
