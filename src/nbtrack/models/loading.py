"""Opening a model's folder: found, read, and its files compared with their recorded digests."""

from __future__ import annotations

import hashlib
import inspect
import os
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from functools import cached_property, wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError, warn
from nbtrack.models.consent import check_consent
from nbtrack.models.manifest import (
    MANIFEST,
    file_of,
    files_below,
    links_below,
    read_manifest,
    sha256,
)
from nbtrack.models.model import MLMODEL, Model
from nbtrack.models.progress import Progress
from nbtrack.models.trust_records import digest_of, is_remembered
from nbtrack.tracking.model_places import ModelPlace, locate


class ChangedModelError(NbtrackError):
    """A file of a model is not the one that was saved."""

    code = "DATA_LOSS"


class UnreadableModelError(NbtrackError):
    """A model cannot be loaded: its files are damaged, or do not fit what is installed."""


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
    file = path / MLMODEL
    if not file.is_file():
        raise NotFoundError(f"{str(path)!r} is no model folder: there is no file {MLMODEL} in it.")
    content = file.read_bytes()
    unread = OpenedModel(path, Model(), place)
    if unread.recorded is not None:
        digest = hashlib.sha256(content).hexdigest()
        _check(unread, MLMODEL, unread.recorded.get(MLMODEL), digest)
    return OpenedModel(path, Model.parse(content, str(file)), place)


P = ParamSpec("P")
T = TypeVar("T")


def reads_model(function: Callable[P, T]) -> Callable[P, T]:
    """Let what reads a model raise errors of nbtrack only, whatever its files hold.

    The first argument of the function names the model. What frameworks raise for damaged files,
    and what code of the model raises, is the cause of an ``UnreadableModelError``; wrong
    arguments and a full GPU are not the model's fault and stay as they are.
    """
    known = inspect.signature(function)

    @wraps(function)
    def reading(*args: P.args, **kwargs: P.kwargs) -> T:
        known.bind(*args, **kwargs)
        try:
            return function(*args, **kwargs)
        except NbtrackError:
            raise
        except Exception as error:
            if type(error).__name__ == "OutOfMemoryError":
                raise
            model = args[0] if args else next(iter(kwargs.values()))
            name = model.place.uri if isinstance(model, OpenedModel) else model
            raise UnreadableModelError(
                f"The model {str(name)!r} cannot be loaded: {type(error).__name__}: {error}. Get "
                "it anew if its files are damaged; or the packages here are not those that its "
                "requirements.txt names."
            ) from error

    return reading


def check_files(
    opened: OpenedModel, names: Iterable[str] | None = None, *, later: Collection[str] = ()
) -> None:
    """Compare files of a model with the digests that were recorded when it was saved.

    Those of the store count, or else those in the folder itself; of a folder without any, such
    as one that MLflow wrote, it is said that damage cannot be noticed.

    Parameters
    ----------
    opened : OpenedModel
        The model.
    names : iterable of str, optional
        Files, or folders with all in them, relative to the model's folder; by default all.
    later : collection of str, optional
        Files whose content the caller compares while it is read; here they only must be there.

    Raises
    ------
    ChangedModelError
        If a file is not the one that was saved, is missing, or has been added.
    """
    recorded = opened.recorded
    if recorded is None:
        warn(
            f"Nothing records what the files of the model {opened.place.uri!r} were when it was "
            "saved, so damage to them cannot be noticed. Models that nbtrack saves have a record."
        )
        return
    present = set(files_below(opened.path))
    known = sorted({*recorded, *present, *links_below(opened.path)})
    wanted = known if names is None else list(names)
    paths = [p for name in wanted for p in known if p == name or p.startswith(f"{name}/")]
    read = [path for path in paths if path in recorded and path in present and path not in later]
    total = sum((opened.path / path).stat().st_size for path in read)
    with Progress("check model", total) as progress:
        for path in paths:
            found = recorded.get(path) if path in later and path in present else None
            if path in read:
                found = sha256(opened.path / path, progress.add)
            _check(opened, path, recorded.get(path), found)


def _check(opened: OpenedModel, path: str, digest: str | None, found: str | None) -> None:
    if found is not None and found == digest:
        return
    what = "has been changed since" if found is not None else "is gone; it was there when"
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
