"""Predictions as JSON that every parser reads."""

from __future__ import annotations

import base64
import dataclasses
import datetime as dt
import decimal
import enum
import json
import math
import uuid
from collections.abc import Iterable, Mapping, Set
from pathlib import PurePath
from typing import Any

from nbtrack.errors import NbtrackError

PREDICTIONS = "predictions"


def response_text(predictions: Any, *, bare: bool = False) -> str:
    """Return the JSON text of a response.

    NaN, the infinities and missing values are ``null``: JSON has no other word for them. Data
    frames and series are lists of records, arrays and tensors nested lists, bytes base64, times ISO
    8601.

    Parameters
    ----------
    predictions : object
        What a model returned.
    bare : bool
        Without ``{"predictions": ...}`` around them.

    Raises
    ------
    NbtrackError
        If something in them has no form in JSON.
    """
    try:
        found = _native(predictions)
        answer = found if bare else {PREDICTIONS: found}
        try:
            return json.dumps(answer, default=_native, allow_nan=False)
        except (ValueError, TypeError):  # a NaN, or a key that is no text: every value is looked at
            return json.dumps(plain(answer), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise NbtrackError(
            f"What the model returned has no form in JSON: {error}. Let predict return arrays, "
            "data frames, or lists and dictionaries of plain values."
        ) from None


def plain(value: Any) -> Any:
    """Return a value with nothing in it but what JSON has."""
    if value is None or isinstance(value, (bool, str)):
        return value if not isinstance(value, enum.Enum) else plain(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_key(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return plain(_native(value))


def _key(key: Any) -> str:
    found = key if isinstance(key, str) else plain(key)
    return found if isinstance(found, str) else json.dumps(found)


def _native(value: Any) -> Any:
    """Return what JSON has, or lists and dictionaries of more, for one value."""
    if value is None or type(value) in (bool, int, float, str, list, dict, tuple):
        return value
    library = type(value).__module__.partition(".")[0]
    if library == "numpy":
        return _from_numpy(value)
    if library == "pandas":
        return _from_pandas(value)
    if library == "torch" and hasattr(value, "detach"):
        return _from_torch(value)
    return _from_standard(value)


def _from_numpy(value: Any) -> Any:
    import numpy as np

    if getattr(value, "dtype", None) is None:
        raise TypeError(f"{type(value).__name__} has none")
    if value.dtype.kind in "mM":
        return _from_times(value)
    if value.dtype.kind == "c":
        raise TypeError("complex numbers have none; return real and imaginary parts")
    if isinstance(value, np.generic):
        return _native(value.item())
    return value.tolist()


def _from_times(value: Any) -> Any:
    import numpy as np

    if value.ndim:
        return [_from_times(item) for item in value]
    if np.isnat(value):
        return None
    if value.dtype.kind == "M":
        return str(np.datetime_as_string(value))
    import pandas as pd

    return pd.Timedelta(value).isoformat()


def _from_pandas(value: Any) -> Any:
    import pandas as pd

    if value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, pd.Series):
        return value.to_frame().to_dict(orient="records")
    if isinstance(value, pd.DataFrame):
        return value.to_dict(orient="records")
    if isinstance(value, (pd.Timestamp, pd.Timedelta)):
        return value.isoformat()
    if isinstance(value, (pd.Index, pd.api.extensions.ExtensionArray)):
        return value.tolist()
    return str(value)  # periods and intervals


def _from_torch(value: Any) -> Any:
    import torch

    found = value.detach().to("cpu")
    if found.layout != torch.strided:
        found = found.to_dense()
    if found.is_quantized:
        found = found.dequantize()
    if found.dtype.is_complex:
        raise TypeError("complex numbers have none; return real and imaginary parts")
    return found.tolist()


def _from_standard(value: Any) -> Any:
    if isinstance(value, (bytes, bytearray, memoryview)):
        return base64.b64encode(value).decode("ascii")
    if isinstance(value, (dt.datetime, dt.date, dt.time)):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        import pandas as pd

        return pd.Timedelta(value).isoformat()
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, decimal.Decimal):
        return float(value)
    if isinstance(value, (uuid.UUID, PurePath)):
        return str(value)
    if isinstance(value, Mapping):
        return dict(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    for name in (
        "model_dump",
        "toarray",
        "to_pylist",
        "to_dicts",
    ):  # pydantic, SciPy, Arrow, Polars
        if callable(convert := getattr(value, name, None)) and not isinstance(value, type):
            return convert()
    if callable(getattr(value, "__array__", None)):
        import numpy as np

        return np.asarray(value)
    if isinstance(value, (Set, Iterable)):
        return list(value)
    raise TypeError(f"{type(value).__module__}.{type(value).__qualname__} has none")
