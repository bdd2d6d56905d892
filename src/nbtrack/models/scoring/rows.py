"""Rows of data: which requests can be scored as one, and whose predictions are whose."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any


def kind_of(data: Any) -> Hashable | None:
    """Return what data of other requests must share to be scored together; None: it is alone.

    Data frames share columns and types, arrays the type and all lengths but the first,
    dictionaries of equally long arrays both for each name.
    """
    import numpy as np
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        if not isinstance(data.index, pd.RangeIndex) or not data.columns.is_unique or data.empty:
            return None
        return ("frame", tuple(data.columns), tuple(map(str, data.dtypes)))
    if isinstance(data, np.ndarray):
        return _array(data)
    if isinstance(data, dict) and data:
        kinds = [_array(item) for item in data.values()]
        if None in kinds or len({len(item) for item in data.values()}) != 1:
            return None
        return ("arrays", tuple(data), tuple(kinds))
    return None


def _array(data: Any) -> Hashable | None:
    import numpy as np

    if not isinstance(data, np.ndarray) or data.ndim == 0 or len(data) == 0:
        return None
    dtype = data.dtype.kind if data.dtype.kind in "US" else data.dtype.str
    return ("array", dtype, data.shape[1:])


def count_rows(data: Any) -> int:
    """Return how many rows data has that has a kind."""
    return len(next(iter(data.values()))) if isinstance(data, dict) else len(data)


def count_bytes(data: Any) -> int:
    """Return about how much memory data takes that has a kind."""
    if isinstance(data, dict):
        return sum(count_bytes(item) for item in data.values())
    nbytes = getattr(data, "nbytes", None)
    return int(data.size * 8 if nbytes is None else nbytes)


def join(parts: Sequence[Any]) -> Any:
    """Return the rows of data of one kind, one after the other."""
    import numpy as np

    first = parts[0]
    if isinstance(first, dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in first}
    if isinstance(first, np.ndarray):
        return np.concatenate(parts)
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def split(predictions: Any, counts: Sequence[int]) -> list[Any] | None:
    """Return each request's predictions; None if there is not one for each row."""
    total = sum(counts)
    if _length(predictions) != total:
        return None
    ends: list[int] = []
    for count in counts:
        ends.append((ends[-1] if ends else 0) + count)
    return [_cut(predictions, end - count, end) for end, count in zip(ends, counts, strict=True)]


def _length(predictions: Any) -> int | None:
    if isinstance(predictions, dict):
        lengths = {_length(item) for item in predictions.values()}
        return lengths.pop() if len(lengths) == 1 else None
    shape = getattr(predictions, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else None
    return len(predictions) if isinstance(predictions, list) else None


def _cut(predictions: Any, start: int, end: int) -> Any:
    if isinstance(predictions, dict):
        return {name: _cut(item, start, end) for name, item in predictions.items()}
    if hasattr(predictions, "iloc"):
        return predictions.iloc[start:end]
    return predictions[start:end]


def agree(one: Any, other: Any) -> bool:
    """Return whether two responses of a model are the same but for rounding."""
    import numpy as np

    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(agree(one[name], other[name]) for name in one)
    if hasattr(one, "columns") and hasattr(other, "columns"):
        return list(one.columns) == list(other.columns) and all(
            agree(one[name], other[name]) for name in one.columns
        )
    if hasattr(one, "detach") and hasattr(other, "detach"):
        one, other = (item.detach().float().cpu() for item in (one, other))
    try:
        first, second = np.asarray(one), np.asarray(other)
    except (ValueError, TypeError):  # lists of lists of several lengths
        return bool(one == other)
    if first.shape != second.shape:
        return False
    if first.dtype.kind == "f" and second.dtype.kind == "f":
        coarse = min(first.dtype.itemsize, second.dtype.itemsize) < 4
        tolerance = 2e-2 if coarse else 1e-3
        return np.allclose(first, second, rtol=tolerance, atol=tolerance / 10, equal_nan=True)
    return bool(np.array_equal(first, second))
