"""One column of ``predict``'s input, as the type that the signature says."""

from __future__ import annotations

import datetime as dt
import decimal
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.models.datatypes import AnyType, Array, DataType, Kind, Map, Object

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.models.schema import ColSpec

EXACT = 2**53
"""Integers up to here are exact in float64."""

_EXACT_SINGLE = 2**24


CATEGORIES = "categories"
"""What nbtrack's part of an MLmodel file calls the categories of columns."""


def categories_of(frame: Any) -> dict[str, Any]:
    """Return the categories of the columns of a frame that have some; none for other data.

    Returns
    -------
    dict of str to dict
        By the column's name, its ``values`` and whether they are ``ordered``. Only texts, numbers
        and booleans are told.
    """
    frame = frame[0] if isinstance(frame, tuple) and frame else frame
    if not (type(frame).__name__ == "DataFrame" and hasattr(frame, "dtypes")):
        return {}
    found = {}
    for name, kind in zip(frame.columns, frame.dtypes, strict=True):
        values = kind.categories.tolist() if str(kind) == "category" else []
        if values and all(isinstance(value, str | int | float) for value in values):
            found[str(name)] = {"values": values, "ordered": bool(kind.ordered)}
    return found


def as_categories(data: Any, categories: Mapping[str, Any] | None) -> Any:
    """Return a frame whose columns have the categories that the model was saved with.

    Raises
    ------
    InvalidParameterError
        If a value is none of them.
    """
    if not categories or not hasattr(data, "columns"):
        return data
    import pandas as pd

    data = data.copy(deep=False)
    for name in data.columns:
        if (known := categories.get(str(name))) is None:
            continue
        present, values = data[name].dropna(), known["values"]
        if unknown := present[~present.isin(values)].unique().tolist():
            raise InvalidParameterError(
                f"Column {name!r} has {', '.join(map(repr, unknown[:5]))}, which is none of the "
                f"categories that the model has: {', '.join(map(repr, values[:20]))}."
            )
        data[name] = data[name].astype(pd.CategoricalDtype(values, bool(known.get("ordered"))))
    return data


def fits_type(dtype: Any, kind: Kind) -> bool:
    """Return whether all values of a column's type are of a signature's type as they are."""
    if isinstance(kind, AnyType):
        return True
    if kind is DataType.string:
        return dtype == "str" or str(dtype) == "string"
    if not isinstance(kind, DataType) or kind is DataType.binary:
        return False
    return bool(dtype == kind.to_numpy())


def enforce_column(column: pd.Series[Any], spec: ColSpec) -> Any:
    """Return a column as the type of its spec.

    Raises
    ------
    InvalidParameterError
        If a value would be lost or changed: the column, both types and a way out are named.
    """
    kind = spec.type
    if isinstance(kind, AnyType):
        return column
    if not isinstance(kind, DataType):
        for row, cell in enumerate(column):
            check_value(cell, kind, f"row {row} of {_name(spec, column)}", spec.required)
        return column
    if kind is DataType.string:
        return _texts(column, spec)
    if kind is DataType.datetime:
        return _dates(column, spec)
    if kind is DataType.binary:
        return _bytes(column, spec)
    return _numbers(column, spec, kind)


def check_value(value: Any, kind: Kind, where: str, required: bool = True) -> None:
    """Raise unless a nested value is of its type; ``where`` names it in the error."""
    if isinstance(kind, AnyType):
        return
    if _is_missing(value):
        if required:
            raise InvalidParameterError(f"The value of {where} is missing; it must be {kind!r}.")
        return
    if isinstance(kind, Array):
        if not isinstance(value, list | tuple | np.ndarray):
            raise _wrong(value, where, "a list")
        for number, item in enumerate(value):
            check_value(item, kind.dtype, f"item {number} of {where}")
    elif isinstance(kind, Map | Object):
        if not isinstance(value, dict):
            raise _wrong(value, where, "a dictionary")
        if isinstance(kind, Map):
            for key, item in value.items():
                check_value(item, kind.value_type, f"{key!r} of {where}")
            return
        known = {prop.name: prop for prop in kind.properties}
        if unknown := sorted(set(value) - set(known)):
            raise InvalidParameterError(
                f"{where} has {', '.join(map(repr, unknown))}, which the model does not take: "
                f"only {', '.join(map(repr, known))}."
            )
        for name, prop in known.items():
            check_value(value.get(name), prop.dtype, f"{name!r} of {where}", prop.required)
    elif not isinstance(value, _TAKEN[kind]) or (
        isinstance(value, bool) and kind is not DataType.boolean
    ):
        raise _wrong(value, where, repr(kind))


_NUMBER = (int, float, np.integer, np.floating)
_TAKEN: dict[DataType, tuple[type, ...]] = {
    DataType.boolean: (bool, np.bool_),
    DataType.integer: (int, np.integer),
    DataType.long: (int, np.integer),
    DataType.float: _NUMBER,
    DataType.double: _NUMBER,
    DataType.string: (str,),
    DataType.binary: (bytes, bytearray),
    DataType.datetime: (dt.date, np.datetime64),
}


def _numbers(column: pd.Series[Any], spec: ColSpec, kind: DataType) -> Any:
    wanted = kind.to_numpy()
    if column.dtype == wanted:
        return column
    values = _unpacked(column)
    missing = column.isna()
    if wanted.kind == "b":
        if values.dtype.kind == "b" or (missing.all() and not spec.required):
            return column.astype(bool) if not missing.any() else column
        raise _unsafe(column, spec, wanted, "Make it boolean: df[name].astype(bool).")
    if values.dtype.kind == "b" or values.dtype.kind not in "iuf":
        raise _unsafe(column, spec, wanted, f"Make it a number: df[name].astype('{wanted}').")
    present = values[~missing.to_numpy()]
    if wanted.kind == "i":
        return _integers(column, spec, wanted, present, bool(missing.any()))
    if values.dtype.kind == "f":
        if values.dtype.itemsize > wanted.itemsize:
            raise _unsafe(column, spec, wanted, f"Round it: df[name].astype('{wanted}').")
        return column.astype(wanted)
    limit = EXACT if wanted.itemsize == 8 else _EXACT_SINGLE
    if len(present) and np.abs(present.astype(object)).max() > limit:
        raise _unsafe(column, spec, wanted, f"It has integers above {limit}, which would change.")
    return column.astype(wanted)


def _integers(
    column: pd.Series[Any], spec: ColSpec, wanted: np.dtype[Any], present: Any, gaps: bool
) -> Any:
    whole = np.isfinite(present) & (present == np.trunc(present))
    if not whole.all():
        advice = "It has fractions. Round it, or use a signature in which the column is a double."
        raise _unsafe(column, spec, wanted, advice)
    bounds = np.iinfo(wanted)
    if len(present) and (present.min() < bounds.min or present.max() > bounds.max):
        raise _unsafe(column, spec, wanted, f"It has numbers outside of {bounds.min}..{bounds.max}")
    if not gaps:
        return column.astype(wanted)
    if spec.required and column.dtype.kind not in "f":
        raise _unsafe(column, spec, wanted, "Values are missing, and the model has seen none such.")
    return column.astype("float64")  # the only plain type that has integers and gaps


def _texts(column: pd.Series[Any], spec: ColSpec) -> Any:
    import pandas as pd

    if isinstance(column.dtype, pd.CategoricalDtype):
        column = column.astype(column.cat.categories.dtype)
    if isinstance(column.dtype, pd.StringDtype):
        return column
    found = pd.api.types.infer_dtype(column, skipna=True)
    if column.dtype.kind in "iufbM" or found not in ("string", "empty"):
        raise _unsafe(column, spec, np.dtype("str"), "Make it text: df[name].astype(str).")
    return column


def _bytes(column: pd.Series[Any], spec: ColSpec) -> Any:
    if all(isinstance(cell, bytes | bytearray) for cell in column.dropna()):
        return column
    raise _unsafe(column, spec, np.dtype("bytes"), "Encode it: df[name].str.encode('utf-8').")


def _dates(column: pd.Series[Any], spec: ColSpec) -> Any:
    import pandas as pd

    dates = (dt.date, np.datetime64)
    if column.dtype.kind == "M" or all(isinstance(cell, dates) for cell in column.dropna()):
        found = pd.to_datetime(column)
        return found if found.dt.tz is not None else found.astype("datetime64[ns]")
    raise _unsafe(column, spec, np.dtype("datetime64[ns]"), "Read it: pd.to_datetime(df[name]).")


def _unpacked(column: pd.Series[Any]) -> np.ndarray[Any, Any]:
    """Return the values as NumPy has them: nullable columns and objects of numbers too."""
    values = column.to_numpy()
    if values.dtype.kind != "O":
        return values
    cells = [cell for cell in values if not _is_missing(cell)]
    kinds = {type(cell) for cell in cells}
    if kinds <= {bool, np.bool_}:
        flat = np.array([not _is_missing(cell) and bool(cell) for cell in values])
        return flat if cells else np.full(len(values), np.nan)
    if all(isinstance(cell, int | np.integer) and not isinstance(cell, bool) for cell in cells):
        return np.array([0 if _is_missing(cell) else int(cell) for cell in values], dtype="int64")
    if all(isinstance(cell, (*_NUMBER, decimal.Decimal)) for cell in cells):
        return np.array([np.nan if _is_missing(c) else float(c) for c in values], dtype="float64")
    return values


def _is_missing(value: Any) -> bool:
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float | np.floating) and bool(np.isnan(value))


def _name(spec: ColSpec, column: pd.Series[Any]) -> str:
    return f"column {spec.name if spec.name is not None else column.name!r}"


def _unsafe(
    column: pd.Series[Any], spec: ColSpec, wanted: np.dtype[Any], way_out: str
) -> InvalidParameterError:
    name = spec.name if spec.name is not None else column.name
    got = column.dtype
    kinds = {type(cell).__name__ for cell in column.dropna()} if got.kind == "O" else set()
    seen = f"{got} ({', '.join(sorted(kinds))})" if kinds else str(got)
    text = {"U": "str", "S": "bytes"}.get(wanted.kind, str(wanted))
    return InvalidParameterError(
        f"Incompatible input types for column {name}. Can not safely convert {seen} to {text}. "
        f"The model takes {spec.type!r} there. {way_out.replace('df[name]', f'df[{name!r}]')}"
    )


def _wrong(value: Any, where: str, wanted: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"The value of {where} is {value!r} ({type(value).__name__}); it must be {wanted}."
    )
