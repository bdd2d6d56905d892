"""Coerces values from JSON to the types of the signature."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any, cast

from nbtrack.models.scoring.expected import Expected, Field, bad_input

if TYPE_CHECKING:
    import pandas as pd

NUMPY = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
}
_NESTED = {"array", "object", "map", "any"}


def coerce_frame(frame: pd.DataFrame, expected: Expected) -> pd.DataFrame:
    """Return a data frame from JSON with the types of the signature.

    Columns that the signature does not know stay as they are, and missing ones are left to the
    model, which names them.

    Raises
    ------
    NbtrackError
        ``BAD_REQUEST`` where a column does not have its type.
    """
    named = expected.by_name
    if named:
        pairs = [(column, named[column]) for column in frame.columns if column in named]
    elif expected.tensors and len(expected.fields) == 1:
        pairs = [(column, expected.fields[0]) for column in frame.columns]
    else:
        pairs = list(zip(frame.columns, expected.fields, strict=False))
    changed: dict[Any, pd.Series[Any]] = {}
    for column, field in pairs:
        before = frame[column]
        try:
            found = _coerce_column(before, field)
        except Exception as error:  # noqa: BLE001  pandas fails in many ways, all the sender's
            raise bad_input(
                f"Column {column!r} cannot be read as {field.dtype or field.kind!r}, which the "
                f"model's signature asks for: {error}"
            ) from None
        if found is not before:
            changed[column] = found
    if not changed:
        return frame
    typed = frame.copy(deep=False)
    for column, values in changed.items():  # a name may be a number
        typed[column] = values
    return typed


def coerce_values(values: Any, field: Field | None) -> Any:
    """Return a value or a list of them from JSON as NumPy has them, typed by the signature.

    Raises
    ------
    NbtrackError
        ``BAD_REQUEST`` where they do not have their type.
    """
    import numpy as np

    try:
        if field is None:
            return np.array(values)
        if field.kind == "tensor":
            return _exact(np.array(values), field.dtype or "object")
        if field.kind in _NESTED:
            return np.array(values) if field.kind == "array" else values
        column = values if isinstance(values, list) else [values]
        found = _coerce_column_values(column, field)
        return found if isinstance(values, list) else found[0]
    except Exception as error:  # noqa: BLE001  NumPy fails in many ways, all the sender's
        wanted = "an array" if field is None else repr(field.dtype or field.kind)
        where = "" if field is None or field.name is None else f" for {field.name!r}"
        raise bad_input(f"What was sent{where} cannot be read as {wanted}: {error}") from None


def decoded(text: Any) -> bytes | None:
    """Return the bytes that a text has in base64."""
    if text is None or (isinstance(text, float) and text != text):
        return None
    if isinstance(text, bytes):
        return text
    try:
        return base64.b64decode("".join(str(text).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError(f"{str(text)[:40]!r} is no base64: {error}") from None


def _coerce_column(column: pd.Series[Any], field: Field) -> pd.Series[Any]:
    import pandas as pd

    if field.kind == "tensor":
        if len(column) and isinstance(column.iloc[0], list):
            return column
        return _whole(column, field.dtype or "object")
    if field.kind in _NESTED:
        return column
    if field.kind == "binary":
        return column.map(decoded)
    if field.kind == "datetime":
        return pd.to_datetime(column).dt.as_unit("ns")
    if field.kind == "string":
        return column if pd.api.types.is_string_dtype(column) else column.astype(object)
    if not field.required and column.isna().any():
        return column.astype("float64") if field.kind in ("integer", "long") else column
    return _whole(column, NUMPY[field.kind])


def _whole(column: pd.Series[Any], dtype: str) -> pd.Series[Any]:
    if column.dtype == dtype:
        return column
    changed: pd.Series[Any] = column.astype(cast("Any", dtype))
    _check_lossless(column, changed, dtype)
    return changed


def _coerce_column_values(values: list[Any], field: Field) -> Any:
    import numpy as np

    kind = field.kind
    if kind in NUMPY and not field.required and None in values:
        if kind == "boolean":
            return _objects(values)  # the model's signature looks at each
        return np.array([np.nan if value is None else value for value in values], "float64")
    if kind == "binary":
        return _objects([decoded(value) for value in values])
    if kind == "datetime":
        return np.array(values, dtype="datetime64[ns]")
    if kind == "string":
        missing = any(value is None for value in values)
        return _objects(values) if missing else np.array(values, dtype=str)
    return _exact(np.array(values), NUMPY[kind])


def _exact(values: Any, dtype: str) -> Any:
    changed = values.astype(dtype)
    _check_lossless(values, changed, dtype)
    return changed


def _objects(values: list[Any]) -> Any:
    import numpy as np

    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _check_lossless(before: Any, after: Any, dtype: str) -> None:
    """Refuse what lost something on the way to whole numbers or booleans."""
    import numpy as np

    target = np.dtype(dtype)
    if target.kind not in "iub" or before.dtype == target:
        return
    if before.dtype.kind in "iufb":
        if not np.asarray(before == after).all():
            raise ValueError("it has values that would be cut off")
    elif target.kind == "b":
        raise ValueError("it has values other than true and false")
