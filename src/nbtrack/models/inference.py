"""Schemas found in data: frames, arrays, tensors, sparse matrices, lists, dictionaries, values."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.models.datatypes import Array, DataType, Kind
from nbtrack.models.schema import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from nbtrack.models.value_types import (
    BY_NUMPY,
    as_array,
    common_type,
    infer_value,
    is_missing,
    param_type,
)

SAMPLED_CELLS = 10_000


def infer_schema(data: Any) -> Schema:
    """Return the schema of model input or output.

    Arrays, tensors of torch, sparse matrices and dictionaries of those give tensors, of which
    the first dimension may have any size; everything else gives columns.

    Raises
    ------
    InvalidParameterError
        If the data, or a column of it, has no type that a schema can say.
    """
    tensor = as_array(data)
    if tensor is not None:
        return Schema([_tensor(tensor)])
    if _is_frame(data):
        return Schema([_column(data[name], name) for name in data.columns])
    if _is_series(data):
        return Schema([_column(data, data.name)])
    if isinstance(data, Mapping):
        return _of_dictionary(data)
    if isinstance(data, tuple) and data and all(as_array(item) is not None for item in data):
        # several outputs of a model, or several arguments of its forward
        named = {f"input_{i}": item for i, item in enumerate(data)}
        return _of_dictionary(named) if len(data) > 1 else infer_schema(data[0])
    if isinstance(data, list | tuple):
        return _of_list(list(data))
    return Schema([ColSpec(infer_value(data))])


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Return the types of parameters, with the given values as their defaults.

    Raises
    ------
    InvalidParameterError
        If a value is no number, text, date, list of such, or dictionary.
    """
    specs = []
    for name, value in params.items():
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.tolist()
        if isinstance(value, list | tuple):
            specs.append(ParamSpec(name, _items(name, value), list(value), (-1,)))
        else:
            specs.append(ParamSpec(name, param_type(name, value), value))
    return ParamSchema(specs)


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_series(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


def _tensor(array: np.ndarray[Any, Any], name: str | None = None) -> TensorSpec:
    if array.dtype.kind == "O":
        raise InvalidParameterError(
            f"An array of objects{'' if name is None else f' ({name!r})'} has no type that a "
            "signature can say. Give it one: array.astype('float32'), or use a DataFrame."
        )
    shape = (-1, *array.shape[1:]) if array.ndim else ()
    kind = {"U": "str", "S": "bytes"}.get(array.dtype.kind, array.dtype)
    return TensorSpec(np.dtype(kind), shape, name)


def _column(values: Any, name: Any) -> ColSpec:
    text = str(values.dtype).lower()
    text = text.removesuffix("[pyarrow]").replace("double", "float64")
    required = not bool(values.isna().any())
    kind: Kind
    if text in BY_NUMPY or text == "boolean":
        kind = BY_NUMPY.get(text, DataType.boolean)
    elif text.startswith(("datetime64", "timestamp", "date32")):
        kind = DataType.datetime
    elif text in ("str", "string", "large_string") or text.startswith("string["):
        kind = DataType.string
    elif text in ("object", "category"):
        cells = values.dropna()
        kind = common_type(
            infer_value(cells.iloc[i]) for i in range(min(len(cells), SAMPLED_CELLS))
        )
    else:
        raise InvalidParameterError(
            f"Column {name!r} is of the type {values.dtype}, which a signature cannot say. "
            "Change it with df.astype(...), or leave the column out."
        )
    return ColSpec(kind, name, required)


def _of_dictionary(data: Mapping[Any, Any]) -> Schema:
    if any(not isinstance(key, str) for key in data):
        raise InvalidParameterError(f"The keys must be texts, not {list(data)!r}.")
    arrays = {name: as_array(value) for name, value in data.items()}
    tensors = [_tensor(array, name) for name, array in arrays.items() if array is not None]
    if data and len(tensors) == len(data):
        return Schema(tensors)
    kinds = {name: infer_value(value) for name, value in data.items()}
    return Schema([ColSpec(k, n, required=not is_missing(data[n])) for n, k in kinds.items()])


def _of_list(data: list[Any]) -> Schema:
    if not data:
        return Schema([ColSpec(DataType.string)])
    if not all(isinstance(item, Mapping) for item in data):
        return Schema([ColSpec(common_type(infer_value(item) for item in data))])
    names = list(dict.fromkeys(name for item in data for name in item))
    return Schema(
        [
            ColSpec(
                common_type(infer_value(item[name]) for item in data if name in item),
                name,
                required=all(not is_missing(item.get(name)) for item in data),
            )
            for name in names
        ]
    )


def _items(name: str, value: list[Any] | tuple[Any, ...]) -> Kind:
    kinds = {param_type(name, one) for one in value}
    if len(kinds) != 1 or any(isinstance(kind, Array) for kind in kinds):
        raise InvalidParameterError(
            f"Parameter {name!r} is {value!r}. A list needs items, all of one type."
        )
    return kinds.pop()
