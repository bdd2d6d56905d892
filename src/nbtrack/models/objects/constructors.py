"""What a description may call without consent, with which arguments: makers of plain values."""

from __future__ import annotations

import re
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import PurePath, PurePosixPath, PureWindowsPath
from typing import Any

_FRACTION = re.compile(r"-?\d+(/\d+)?")
_DTYPE = re.compile(r"[<>|=]?[?biufcmMSUV]\d*(\[\d*[a-zA-Z]+\])?")
_FACTORIES = (
    None, bool, int, float, complex, str, bytes, list, tuple, dict, set, frozenset, Counter,
    OrderedDict, deque,
)  # fmt: skip


class RefusedError(Exception):
    """A maker is called as none of the values is that nbtrack saves by it."""


def _of(kind: Callable[..., Any], *types: type | tuple[type, ...] | None) -> Callable[..., Any]:
    """Return a maker that takes up to so many arguments, of exactly these types.

    ``None`` stands for any type: the argument is kept and not looked at.
    """

    def make(*arguments: Any) -> Any:
        if len(arguments) > len(types):
            raise RefusedError
        for value, wanted in zip(arguments, types, strict=False):
            allowed = wanted if isinstance(wanted, tuple) else (wanted,)
            if wanted is not None and type(value) not in allowed:
                raise RefusedError
        return kind(*arguments)

    return make


def _texts(kind: Callable[..., Any]) -> Callable[..., Any]:
    def make(*arguments: Any) -> Any:
        if not all(type(value) is str for value in arguments):
            raise RefusedError
        return kind(*arguments)

    return make


def _defaultdict(factory: Any = None) -> Any:
    if not any(factory is known for known in _FACTORIES):
        raise RefusedError
    return defaultdict(factory)


def _fraction(*arguments: Any) -> Fraction:
    if len(arguments) == 2 and all(type(value) is int for value in arguments):
        return Fraction(*arguments)
    # an exponent would make numbers of any size
    if len(arguments) != 1 or type(arguments[0]) is not str or not _FRACTION.fullmatch(*arguments):
        raise RefusedError
    return Fraction(*arguments)


def _partial(function: Any, *rest: Any) -> Any:
    if rest or not callable(function):
        raise RefusedError
    return partial(function)


def _size(*arguments: Any) -> Any:
    import torch

    sizes: Any = arguments[0] if len(arguments) == 1 else None
    if type(sizes) not in (tuple, list) or not all(type(size) is int for size in sizes):
        raise RefusedError
    return torch.Size(sizes)


def _device(*arguments: Any) -> Any:
    import torch

    return _of(torch.device, str, int)(*arguments)


def _dtype(*arguments: Any) -> Any:
    import numpy as np

    if not arguments or arguments[1:] not in ((), (False, True)):
        raise RefusedError
    return np.dtype(dtype_text(arguments[0]))


def _ortho_map(*arguments: Any) -> Any:
    from torch.nn.utils import parametrizations

    return _of(parametrizations._OrthMaps, int)(*arguments)


def dtype_text(text: Any) -> str:
    """Return the text of a plain NumPy type: no objects in it, no fields.

    Raises
    ------
    RefusedError
        If it is something else.
    """
    if type(text) is not str or not _DTYPE.fullmatch(text):
        raise RefusedError
    return text


CONSTRUCTORS: Mapping[tuple[str, str], Callable[..., Any]] = {
    ("builtins", "slice"): _of(slice, *[(int, type(None))] * 3),
    ("builtins", "range"): _of(range, int, int, int),
    ("collections", "OrderedDict"): _of(OrderedDict),
    ("collections", "defaultdict"): _defaultdict,
    ("collections", "Counter"): _of(Counter, dict),
    ("collections", "deque"): _of(deque, (tuple, list), (int, type(None))),
    ("functools", "partial"): _partial,
    ("datetime", "datetime"): _of(datetime, bytes, timezone),
    ("datetime", "date"): _of(date, bytes),
    ("datetime", "time"): _of(time, bytes, timezone),
    ("datetime", "timedelta"): _of(timedelta, int, int, int),
    ("datetime", "timezone"): _of(timezone, timedelta, str),
    ("decimal", "Decimal"): _of(Decimal, str),
    ("fractions", "Fraction"): _fraction,
    ("pathlib", "PurePath"): _texts(PurePath),
    ("pathlib", "PurePosixPath"): _texts(PurePosixPath),
    ("pathlib", "PureWindowsPath"): _texts(PureWindowsPath),
    ("torch", "Size"): _size,
    ("torch", "device"): _device,
    ("numpy", "dtype"): _dtype,
    ("torch.nn.utils.parametrizations", "_OrthMaps"): _ortho_map,
}
