"""Opening a model's folder: found, read, and its files compared with their recorded digests."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.manifest import MANIFEST, files_below, read_manifest, sha256
from nbtrack.models.model import MLMODEL, Model
from nbtrack.models.progress import Progress
from nbtrack.models.trust import check_consent, is_remembered
from nbtrack.tracking.model_places import ModelPlace, locate


class ChangedModelError(NbtrackError):
    """A file of a model is not the one that was saved."""

    code = "DATA_LOSS"


@dataclass(frozen=True)
class OpenedModel:
    """A model whose folder is here.

    Attributes
    ----------
    path : Path
        The folder.
    model : Model
        What its MLmodel file says.
    place : ModelPlace
        Where it was found.
    """

    path: Path
    model: Model
    place: ModelPlace

    @property
    def own(self) -> bool:
        """Whether it is the user's own: of the store that is tracked to, or saved by this user."""
        manifest = self.path / MANIFEST
        return self.place.own or (manifest.is_file() and is_remembered(sha256(manifest)))

    def ask(self, what: str, trust: bool | None) -> None:
        """Raise unless code of the model may run; its files are compared before.

        Parameters
        ----------
        what : str
            What would run: a pickle, the source that came with the model.
        trust : bool, optional
            What the user says.

        Raises
        ------
        UntrustedError
            Without consent.
        ChangedModelError
            If a file is not the one that was saved.
        """
        check_files(self)
        check_consent(what, self.path, own=self.own, trust=trust)

    def flavor(self, name: str) -> dict[str, Any]:
        """Return what a flavor says about its files.

        Raises
        ------
        InvalidParameterError
            If the model does not have this flavor.
        """
        if name not in self.model.flavors:
            has = ", ".join(f"nbtrack.{n}" for n in self.model.flavors).replace(
                "python_function", "pyfunc"
            )
            raise InvalidParameterError(
                f"The model {self.place.uri!r} cannot be loaded as {name!r}: it was saved as "
                f"{', '.join(self.model.flavors) or 'nothing'}. Use load_model of {has}."
            )
        return self.model.flavors[name]


def as_opened(path: str | os.PathLike[str] | OpenedModel) -> OpenedModel:
    """Return an opened model; MLflow hands its loaders a path in the model's folder."""
    if isinstance(path, OpenedModel):
        return path
    folder = Path(path)
    while not (folder / MLMODEL).is_file() and folder != folder.parent:
        folder = folder.parent
    return open_model(folder if (folder / MLMODEL).is_file() else path)


def locate_folder(uri: str | os.PathLike[str]) -> Path:
    """Return the local folder of a model; a remote one is downloaded."""
    return open_model(uri).path


def open_model(
    uri: str | os.PathLike[str], dst_path: str | os.PathLike[str] | None = None
) -> OpenedModel:
    """Find a model and read its MLmodel file.

    Parameters
    ----------
    uri : str or path
        ``runs:/<run>/<name>``, ``models:/<name>/<version>``, ``models:/<name>@<alias>``,
        ``models:/<model id>``, a folder, or a remote URI, which is downloaded.
    dst_path : str or path, optional
        The folder to copy the model to.

    Raises
    ------
    NotFoundError
        If there is no such model.
    ChangedModelError
        If the MLmodel file is not the one that was saved.
    """
    place = locate(uri)
    path = Path(place.folder.download(None, dst_path))
    opened = OpenedModel(path, Model.load(path), place)
    check_files(opened, [MLMODEL])
    return opened


def check_files(opened: OpenedModel, names: Iterable[str] | None = None) -> None:
    """Compare files of a model with the digests that were recorded when it was saved.

    Those of the store count, or else those in the folder itself; a folder without any, such
    as one that MLflow wrote, is taken as it is.

    Parameters
    ----------
    opened : OpenedModel
        The model.
    names : iterable of str, optional
        Files, or folders with all in them, relative to the model's folder; by default all.

    Raises
    ------
    ChangedModelError
        If a file is not the one that was saved, is missing, or has been added.
    """
    recorded = opened.place.hashes or read_manifest(opened.path)
    if recorded is None:
        return
    recorded = {path: digest for path, digest in recorded.items() if path != MANIFEST}
    present = set(files_below(opened.path))
    wanted = sorted(set(recorded) | present) if names is None else list(names)
    known = sorted(set(recorded) | present)
    paths = [p for name in wanted for p in known if p == name or p.startswith(f"{name}/")]
    total = sum((opened.path / path).stat().st_size for path in paths if path in present)
    with Progress("check model", total) as progress:
        for path in paths:
            found = sha256(opened.path / path, progress.add) if path in present else None
            _check(opened, path, recorded.get(path), found)


def _check(opened: OpenedModel, path: str, digest: str | None, found: str | None) -> None:
    present = found is not None
    if present and found == digest:
        return
    what = "has been changed since" if present and digest else "is gone; it was there when"
    if digest is None:
        what = "has been added since"
    way_out = (
        "Log the model again, or load another version of it."
        if opened.place.hashes
        else f"Get the model anew. If the change is meant, delete {MANIFEST} in its folder."
    )
    raise ChangedModelError(
        f"The file {path!r} of the model {opened.place.uri!r} {what} the model was saved "
        f"(in {opened.path}), so it is not loaded. {way_out}"
    )
