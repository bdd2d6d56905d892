"""The type of one value, and values as the types of parameters."""

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

BY_NUMPY = {
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
_WIDER = {
    # what is taken for what, as MLflow takes it
    DataType.long: {DataType.integer},
    DataType.integer: {DataType.long},
    DataType.float: {DataType.integer, DataType.long, DataType.double},
    DataType.double: {DataType.integer, DataType.long, DataType.float},
}


def infer_value(value: Any) -> Kind:
    """Return the type of one value.

    Raises
    ------
    InvalidParameterError
        If it has no type that a schema can say.
    """
    if is_missing(value):
        return AnyType()
    array = as_array(value)
    if array is not None:
        value = array.tolist() if array.ndim else array[()]
    if isinstance(value, list | tuple):
        return Array(common_type(infer_value(item) for item in value))
    if isinstance(value, Mapping):
        if not value:
            return AnyType()
        kinds = {str(key): infer_value(item) for key, item in value.items()}
        return Object([Property(k, v, not isinstance(v, AnyType)) for k, v in kinds.items()])
    for known, kind in _BY_PYTHON:
        if isinstance(value, known):
            return kind
    found = BY_NUMPY.get(str(getattr(value, "dtype", "")))
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


def common_type(kinds: Iterable[Kind]) -> Kind:
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


def is_missing(value: Any) -> bool:
    """Return whether a value stands for none: None, NaN, what pandas has for it."""
    if value is None:
        return True
    if isinstance(value, float | np.floating):
        return math.isnan(value)
    return type(value).__name__ in ("NAType", "NaTType")


def param_value(name: str, kind: Kind, shape: tuple[int, ...] | None, value: Any) -> Any:
    """Return the value of a parameter as the parameter's type.

    Raises
    ------
    InvalidParameterError
        If it has another one.
    """
    if value is None:
        return None
    if shape is None:
        return _single(name, kind, value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise _wrong(name, value, f"a list of {kind!r}")
    return [_single(name, kind, one) for one in value]


def _single(name: str, kind: Kind, value: Any) -> Any:
    if isinstance(kind, AnyType):
        return value
    if isinstance(kind, Object):
        if not isinstance(value, Mapping):
            raise _wrong(name, value, "a dictionary")
        missing = [p.name for p in kind.properties if p.required and p.name not in value]
        if missing:
            raise _wrong(name, value, f"a dictionary with {', '.join(map(repr, missing))}")
        return dict(value)
    if not isinstance(kind, DataType):
        return value
    if kind is DataType.datetime:
        return _date(name, value)
    found = param_type(name, value)
    if found is not kind and found not in _WIDER.get(kind, ()):
        raise _wrong(name, value, repr(kind))
    return kind.to_python()(value)


def _date(name: str, value: Any) -> np.datetime64:
    try:
        return np.datetime64(value)
    except (ValueError, TypeError):
        raise _wrong(name, value, "a date") from None


def param_type(name: str, value: Any) -> Kind:
    """Return the type of a parameter that has this value, or of the items where it is a list."""
    if isinstance(value, Mapping):
        return infer_value(dict(value))
    if isinstance(value, dt.date | np.datetime64):
        return DataType.datetime
    found = None if value is None else infer_value(value)
    if not isinstance(found, DataType):
        raise InvalidParameterError(
            f"Parameter {name!r} is {value!r}. A parameter is a number, a text, a date, a boolean, "
            "a list of such, or a dictionary."
        )
    return found


def _wrong(name: str, value: Any, wanted: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"Parameter {name!r} is {value!r} ({type(value).__name__}), but the model takes {wanted}."
    )
