"""Settings of a library as params: plain values with names, and numbers as they were written."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from types import SimpleNamespace
from typing import Any


def flattened(settings: Any, separator: str = "/", prefix: str = "") -> dict[str, Any]:
    """Return nested settings as one dictionary of values that can be read.

    Parameters
    ----------
    settings : mapping, namespace or dataclass
        The settings; None for none.
    separator : str, optional
        Between the name of a mapping and those in it.
    prefix : str, optional
        What all names begin with.
    """
    found: dict[str, Any] = {}
    for name, value in (_items(settings) or {}).items():
        key = f"{prefix}{name}"
        inner = _items(value)
        if inner:
            found |= flattened(inner, separator, f"{key}{separator}")
        else:
            found[key] = readable(value)
    return found


def _items(value: Any) -> Mapping[Any, Any] | None:
    if isinstance(value, Mapping):
        return value
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: getattr(value, each.name) for each in fields(value)}
    if isinstance(value, SimpleNamespace) or type(value).__name__ == "Namespace":
        return dict(vars(value))
    return None


def readable(value: Any) -> Any:
    """Return a value as it was written: float32 without noise, functions and layers by name.

    Parameters
    ----------
    value : object
        Any setting.
    """
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, float):
        return without_noise(value)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(value, torch.Tensor) and value.numel() == 1:
        return without_noise(value.item())
    if torch is not None and isinstance(value, torch.nn.Module):
        return type(value).__name__
    if isinstance(value, type) or callable(value):
        return getattr(value, "__name__", type(value).__name__)
    return value


def without_noise(value: Any) -> Any:
    """Return the shortest number that is the same in float32, if this one comes from there.

    Parameters
    ----------
    value : float
        Such as 0.009999999776482582, which is 0.01.
    """
    import numpy as np

    if isinstance(value, float) and abs(value) < 3e38 and float(np.float32(value)) == value:
        return float(str(np.float32(value)))
    return value
