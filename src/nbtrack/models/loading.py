"""Opening a model: its folder is found, and its MLmodel file read."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.folder import ModelFolder, find_model
from nbtrack.models.manifest import MLMODEL
from nbtrack.models.model import Model


class UnreadableModelError(NbtrackError):
    """A model cannot be loaded: its files are damaged, or do not fit what is installed."""


@dataclass(frozen=True)
class OpenedModel(ModelFolder):
    """A model whose folder is here.

    Attributes
    ----------
    model : Model
        What its MLmodel file says.
    """

    model: Model

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
    folder, content = find_model(uri, dst_path)
    return OpenedModel(folder.path, folder.place, Model.parse(content, str(folder.path / MLMODEL)))


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
