"""Frameworks are imported when a model of theirs is saved or loaded, and missed by name."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from nbtrack.errors import MissingDependencyError

_BACKENDS = ("tensorflow", "jax", "torch")


def framework(module: str, package: str | None = None) -> Any:
    """Return a module of a framework.

    Parameters
    ----------
    module : str
        Such as ``"xgboost"`` or ``"skops.io"``.
    package : str, optional
        What pip calls it, where that is another name.

    Raises
    ------
    MissingDependencyError
        If it, or what it needs, is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        name = package or module.partition(".")[0]
        if name == "keras" and error.name in _BACKENDS:
            raise MissingDependencyError(
                f"Keras cannot start: its backend {error.name} is not installed. Set the variable "
                "KERAS_BACKEND to one that is, before keras is imported: "
                "os.environ['KERAS_BACKEND'] = 'torch'."
            ) from error
        raise MissingDependencyError(
            f"This needs the package {name}, which cannot be used here ({error}): pip install "
            f"{name}. The requirements.txt of a model names the version that it was made with."
        ) from error
