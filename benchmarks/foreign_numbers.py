"""Logs the numbers of variables: used in the kernel, below cells that have logged none."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

import nbtrack

MOST = 40


def log(**variables: Any) -> None:
    """Log each variable that is a number, or made of numbers: a model by what it has learned."""
    found: dict[str, float] = {}
    for name, value in variables.items():
        for key, number in _numbers(name, value, 3).items():
            if len(found) < MOST:
                found[key] = number
    nbtrack.log_metrics(found)


def _numbers(name: str, value: Any, depth: int) -> dict[str, float]:
    if isinstance(value, bool | str | bytes | type) or (callable(value) and not _is_model(value)):
        return {}
    if hasattr(value, "state_dict"):  # of torch
        return _parts(name, value.state_dict(), depth)
    if hasattr(value, "detach"):
        value = value.detach().cpu().numpy()
    if _is_model(value):
        learned = {k: v for k, v in vars(value).items() if k.endswith("_") and k[:1] != "_"}
        return _parts(name, learned, depth)
    if isinstance(value, dict):
        return _parts(name, value, depth)
    if isinstance(value, list | tuple) and value and not isinstance(value[0], int | float):
        return _parts(name, dict(enumerate(value)), depth)
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        return {}
    if array.size == 0:
        return {}
    if array.size == 1:
        return {name: float(array.ravel()[0])}
    with np.errstate(all="ignore"):
        weights = np.cos(np.arange(array.size))  # another order of the same values is another sum
        total = float(np.nansum(array.ravel() * weights))
    return {name: total} if math.isfinite(total) else {}


def _parts(name: str, values: dict[Any, Any], depth: int) -> dict[str, float]:
    found: dict[str, float] = {}
    if depth:
        for key, value in list(values.items())[:MOST]:
            if "time" not in str(key):
                found |= _numbers(f"{name}.{key}", value, depth - 1)
    return found


def _is_model(value: Any) -> bool:
    return hasattr(value, "get_params") and not isinstance(value, type)
