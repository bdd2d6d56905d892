"""A model's folder: found, and its files compared with their recorded digests."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from nbtrack.errors import NbtrackError, NotFoundError, warn
from nbtrack.models.consent import check_consent
from nbtrack.models.manifest import (
    MANIFEST,
    MLMODEL,
    file_of,
    files_below,
    links_below,
    read_manifest,
    sha256,
)
from nbtrack.models.progress import Progress
from nbtrack.models.trust_records import digest_of, is_remembered
from nbtrack.tracking.model_locations import ModelLocation, locate


class ChangedModelError(NbtrackError):
    """A file of a model is not the one that was saved."""

    code = "DATA_LOSS"


@dataclass(frozen=True)
class ModelFolder:
    """The folder of a model that is here.

    Attributes
    ----------
    path : Path
        The folder.
    place : ModelLocation
        Where it was found.
    """

    path: Path
    place: ModelLocation

    @cached_property
    def recorded(self) -> dict[str, str] | None:
        """The SHA-256 of the files as they were saved, by path; None where nobody knows.

        The store's record counts, or else the one in the folder itself.
        """
        found = self.place.hashes or read_manifest(self.path)
        if found is None:
            return None
        return {path: digest for path, digest in found.items() if path != MANIFEST}

    @cached_property
    def own(self) -> bool:
        """Whether it is the user's own: saved on this machine, or said to be trusted.

        It says so for the files that are recorded: they are still to be compared with the record.
        """
        files = self.recorded
        if files is None:
            if links_below(self.path):
                return False
            files = {path: sha256(self.path / path) for path in files_below(self.path)}
        return is_remembered(digest_of(files))

    def ask(self, what: str, trust: bool | None) -> None:
        """Raise unless code of the model may run; then its files are compared.

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
        check_consent(what, self.path, own=trust is None and self.own, trust=trust)
        check_files(self)

    def file(self, name: object) -> Path:
        """Return the path of a file or a folder that the MLmodel file names.

        Raises
        ------
        InvalidParameterError
            If it is outside of the model's folder, where nothing is recorded.
        """
        return file_of(self.path, name)


def find_model(
    uri: str | os.PathLike[str], dst_path: str | os.PathLike[str] | None = None
) -> tuple[ModelFolder, bytes]:
    """Return the folder of a model and what its MLmodel file holds; a remote one is downloaded.

    Parameters
    ----------
    uri : str or path
        What names the model, as ``open_model`` takes it.
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
    file = path / MLMODEL
    if not file.is_file():
        raise NotFoundError(f"{str(path)!r} is no model folder: there is no file {MLMODEL} in it.")
    content = file.read_bytes()
    folder = ModelFolder(path, place)
    if folder.recorded is not None:
        digest = hashlib.sha256(content).hexdigest()
        _check(folder, MLMODEL, folder.recorded.get(MLMODEL), digest)
    return folder, content


def check_files(
    folder: ModelFolder, names: Iterable[str] | None = None, *, later: Collection[str] = ()
) -> None:
    """Compare files of a model with the digests that were recorded when it was saved.

    Those of the store count, or else those in the folder itself; of a folder without any, such
    as one that MLflow wrote, it is said that damage cannot be noticed.

    Parameters
    ----------
    folder : ModelFolder
        The model's.
    names : iterable of str, optional
        Files, or folders with all in them, relative to the model's folder; by default all.
    later : collection of str, optional
        Files whose content the caller compares while it is read; here they only must be there.

    Raises
    ------
    ChangedModelError
        If a file is not the one that was saved, is missing, or has been added.
    """
    recorded = folder.recorded
    if recorded is None:
        warn(
            f"Nothing records what the files of the model {folder.place.uri!r} were when it was "
            "saved, so damage to them cannot be noticed. Models that nbtrack saves have a record."
        )
        return
    present = set(files_below(folder.path))
    known = sorted({*recorded, *present, *links_below(folder.path)})
    wanted = known if names is None else list(names)
    paths = [p for name in wanted for p in known if p == name or p.startswith(f"{name}/")]
    read = [path for path in paths if path in recorded and path in present and path not in later]
    total = sum((folder.path / path).stat().st_size for path in read)
    with Progress("check model", total) as progress:
        for path in paths:
            found = recorded.get(path) if path in later and path in present else None
            if path in read:
                found = sha256(folder.path / path, progress.add)
            _check(folder, path, recorded.get(path), found)


def _check(folder: ModelFolder, path: str, digest: str | None, found: str | None) -> None:
    if found is not None and found == digest:
        return
    what = "has been changed since" if found is not None else "is gone; it was there when"
    if digest is None:
        what = "has been added since"
    way_out = (
        "Log the model again, or load another version of it."
        if folder.place.hashes
        else f"Get the model anew. If the change is meant, delete {MANIFEST} in its folder."
    )
    raise ChangedModelError(
        f"The file {path!r} of the model {folder.place.uri!r} {what} the model was saved "
        f"(in {folder.path}), so it is not loaded. {way_out}"
    )
