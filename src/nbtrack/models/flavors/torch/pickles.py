"""Models as pickles, for those who ask for them by name: ``torch.save`` with cloudpickle.

This module is what ``torch.save`` and ``torch.load`` want as ``pickle_module``: what pickles
classes of a notebook by value, and the standard library's reader.
"""

from __future__ import annotations

import importlib
import pickle
import sys
from pathlib import Path
from pickle import PickleError, UnpicklingError, load, loads
from types import ModuleType
from typing import Any

from nbtrack.errors import MissingDependencyError, NotFoundError

FILE = "model.pth"
INFO = "pickle_module_info.txt"
MLFLOW = "mlflow.pytorch.pickle_module"  # what this module is called in MLflow

Unpickler = pickle.Unpickler

__all__ = [  # noqa: F822  some are looked up when they are asked for
    "PickleError",
    "Pickler",
    "Unpickler",
    "UnpicklingError",
    "dump",
    "dumps",
    "load",
    "loads",
]


def __getattr__(name: str) -> Any:
    if name not in ("Pickler", "dump", "dumps"):
        raise AttributeError(f"{__name__} has no attribute {name!r}")
    try:
        import cloudpickle
    except ImportError:
        raise MissingDependencyError(
            "serialization='pickle' needs cloudpickle, which is not installed. Run: pip install "
            "cloudpickle; or leave it out: models are saved without pickle by default."
        ) from None
    return getattr(cloudpickle, name)


def save(model: Any, folder: Path, pickle_module: ModuleType | None, **options: Any) -> None:
    """Write a model's pickle as MLflow does, and which module reads it."""
    import torch

    module = pickle_module or sys.modules[__name__]
    name = MLFLOW if pickle_module is None else module.__name__
    (folder / INFO).write_text(name, "utf-8")
    torch.save(model, folder / FILE, pickle_module=module, **options)


def load_model(folder: Path, device: Any, pickle_module: ModuleType | None, **options: Any) -> Any:
    """Read a model's pickle, which runs whatever code it holds: the caller asks for consent.

    Raises
    ------
    NotFoundError
        If the module that read pickles where it was saved is not here.
    """
    import torch

    module = pickle_module
    if module is None:
        info = folder / INFO
        name = info.read_text("utf-8").strip() if info.is_file() else MLFLOW
        try:
            own = name in (MLFLOW, "cloudpickle", __name__)
            module = sys.modules[__name__] if own else importlib.import_module(name)
        except ImportError:
            raise NotFoundError(
                f"The model was pickled with the module {name!r}, which is not here. Install it, "
                "or pass pickle_module=."
            ) from None
    options.setdefault("map_location", device)
    options.setdefault("weights_only", False)
    return torch.load(folder / FILE, pickle_module=module, **options)
