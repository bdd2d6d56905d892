"""Schemas found in data: frames, arrays, tensors, sparse matrices, lists, dictionaries, values."""

from __future__ import annotations

import datetime as dt
import decimal
import math
import sys
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.models.datatypes import AnyType, Array, DataType, Kind, Map, Object, Property
from nbtrack.models.schema import ColSpec, Schema, TensorSpec

SAMPLED_CELLS = 10_000
_BY_NUMPY = {
    "bool": DataType.boolean,
    "int8": DataType.integer,
    "int16": DataType.integer,
    "int32": DataType.integer,
    "uint8": DataType.integer,
    "uint16": DataType.integer,
    "int64": DataType.long,
    "uint32": DataType.long,
    "float16": DataType.float,
    "float32": DataType.float,
    "float64": DataType.double,
}


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


def infer_value(value: Any) -> Kind:
    """Return the type of one value.

    Raises
    ------
    InvalidParameterError
        If it has no type that a schema can say.
    """
    if _is_missing(value):
        return AnyType()
    array = as_array(value)
    if array is not None:
        value = array.tolist() if array.ndim else array[()]
    if isinstance(value, list | tuple):
        return Array(_common(infer_value(item) for item in value))
    if isinstance(value, Mapping):
        if not value:
            return AnyType()
        kinds = {str(key): infer_value(item) for key, item in value.items()}
        return Object([Property(k, v, not isinstance(v, AnyType)) for k, v in kinds.items()])
    for known, kind in _BY_PYTHON:
        if isinstance(value, known):
            return kind
    found = _BY_NUMPY.get(str(getattr(value, "dtype", "")))
    if found is None:
        raise InvalidParameterError(
            f"{value!r} ({type(value).__name__}) has no type that a signature can say. "
            "Use numbers, texts, dates, bytes, and lists and dictionaries of those."
        )
    return found


_BY_PYTHON: tuple[tuple[Any, DataType], ...] = (
    ((bool, np.bool_), DataType.boolean),
    (int, DataType.long),
    ((float, decimal.Decimal), DataType.double),
    (str, DataType.string),
    ((bytes, bytearray), DataType.binary),
    ((dt.date, np.datetime64), DataType.datetime),
)


def as_array(data: Any) -> np.ndarray[Any, Any] | None:
    """Return an array with the type and shape of data that is a tensor of some kind, else None.

    A tensor of torch is brought to the host; bfloat16 has no NumPy type and becomes float32.
    Of a sparse matrix only the type and the shape count.
    """
    if isinstance(data, np.ndarray):
        return None if data.dtype.kind == "O" and data.ndim == 0 else data
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(data, torch.Tensor):
        plain = data.detach()
        if plain.dtype is torch.bfloat16:
            plain = plain.float()
        array: np.ndarray[Any, Any] = plain.cpu().numpy()
        return array
    if is_sparse(data):
        return np.broadcast_to(np.zeros((), data.dtype), data.shape)
    if type(data).__module__.partition(".")[0] in ("tensorflow", "jax", "jaxlib"):
        return np.asarray(data)
    return None


def is_sparse(data: Any) -> bool:
    """Return whether data is a sparse matrix or array of SciPy."""
    sparse = sys.modules.get("scipy.sparse")
    return sparse is not None and bool(sparse.issparse(data))


def is_tensor(data: Any) -> bool:
    """Return whether data is a tensor of torch."""
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(data, torch.Tensor)


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
    if text in _BY_NUMPY or text == "boolean":
        kind = _BY_NUMPY.get(text, DataType.boolean)
    elif text.startswith(("datetime64", "timestamp", "date32")):
        kind = DataType.datetime
    elif text in ("str", "string", "large_string") or text.startswith("string["):
        kind = DataType.string
    elif text in ("object", "category"):
        cells = values.dropna()
        kind = _common(infer_value(cells.iloc[i]) for i in range(min(len(cells), SAMPLED_CELLS)))
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
    return Schema([ColSpec(k, n, required=not _is_missing(data[n])) for n, k in kinds.items()])


def _of_list(data: list[Any]) -> Schema:
    if not data:
        return Schema([ColSpec(DataType.string)])
    if not all(isinstance(item, Mapping) for item in data):
        return Schema([ColSpec(_common(infer_value(item) for item in data))])
    names = list(dict.fromkeys(name for item in data for name in item))
    return Schema(
        [
            ColSpec(
                _common(infer_value(item[name]) for item in data if name in item),
                name,
                required=all(not _is_missing(item.get(name)) for item in data),
            )
            for name in names
        ]
    )


def _common(kinds: Iterable[Kind]) -> Kind:
    """Return the type that all these values have."""
    found: Kind = AnyType()
    for kind in kinds:
        found = _merged(found, kind)
    return found


def _merged(one: Kind, two: Kind) -> Kind:
    if one == two or isinstance(two, AnyType):
        return one
    if isinstance(one, AnyType):
        return two
    if isinstance(one, Array) and isinstance(two, Array):
        return Array(_merged(one.dtype, two.dtype))
    if isinstance(one, Map) and isinstance(two, Map):
        return Map(_merged(one.value_type, two.value_type))
    if isinstance(one, Object) and isinstance(two, Object):
        left = {prop.name: prop for prop in one.properties}
        right = {prop.name: prop for prop in two.properties}
        return Object([_merged_property(left.get(n), right.get(n)) for n in {**left, **right}])
    raise InvalidParameterError(
        f"The values are of several types ({one!r} and {two!r}), and a signature can say only one. "
        "Make them one type, or pass a signature: ModelSignature(inputs=Schema([ColSpec('any')]))."
    )


def _merged_property(one: Property | None, two: Property | None) -> Property:
    if one is not None and two is not None:
        kind = _merged(one.dtype, two.dtype)
        return Property(one.name, kind, required=one.required and two.required)
    known: Any = one or two
    return Property(known.name, known.dtype, required=False)


def _is_missing(value: Any) -> bool:
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")
