"""What a ``fit`` of Keras is made of: its arguments, its optimizer, its data."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from nbtrack.autologging.params import flattened, readable
from nbtrack.tracking.datasets import from_numpy

_DATA = {"x", "y", "callbacks", "validation_data", "verbose"}
_ROWS = 5


def fit_params(given: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``fit`` that are no data.

    Parameters
    ----------
    given : dict
        All of them by name.
    """
    found = {
        key: value
        for key, value in given.items()
        if key not in _DATA and not hasattr(value, "shape")  # weights of each row
    }
    if found.get("batch_size") is None:
        found["batch_size"] = _batch_size(given["x"])
    return found


def _batch_size(data: Any) -> Any:
    size = getattr(data, "batch_size", None) or getattr(data, "_batch_size", None)
    if size is None and hasattr(data, "shape"):
        return 32  # what Keras takes
    return int(size) if size is not None else None


def optimizer_params(optimizer: Any) -> dict[str, Any]:
    """Return the settings of an optimizer; a schedule by its name and its own settings.

    Parameters
    ----------
    optimizer : keras.Optimizer
        None for a model without.
    """
    if optimizer is None:
        return {}
    found: dict[str, Any] = {}
    for key, value in optimizer.get_config().items():
        if key == "name":  # not adam_1 for the second one of the process
            value = re.sub(r"_\d+$", "", str(value))
        if isinstance(value, dict) and "class_name" in value:
            found |= flattened(value.get("config"), "_", f"optimizer_{key}_")
            value = value["class_name"]
        found[f"optimizer_{key}"] = readable(value)
    return found


def array_of(data: Any) -> Any:
    """Return arrays and tensors as an array of NumPy, None for what is something else.

    Parameters
    ----------
    data : object
        What ``fit`` was given.
    """
    if isinstance(data, np.ndarray):
        return data
    if hasattr(data, "detach"):
        return data.detach().cpu().numpy()
    if hasattr(data, "shape") and hasattr(data, "__array__"):
        return np.asarray(data)
    return None


def rows_of(data: Any) -> Any:
    """Return the first rows of data, None where they cannot be had without reading ahead.

    Parameters
    ----------
    data : object
        What ``fit`` was given.
    """
    found = array_of(data)
    return None if found is None or not found.ndim else found[:_ROWS]


def dataset_of(features: Any, targets: Any) -> Any:
    """Return the description of data, None for what is no array.

    Parameters
    ----------
    features, targets : object
        What ``fit`` was given.
    """
    found = array_of(features)
    return None if found is None else from_numpy(found, targets=array_of(targets))
