"""The types that a column or a parameter of a model may have, as MLflow names them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError


class DataType(Enum):
    """The type of a single value; the names are those of the schema's JSON.

    Examples
    --------
    >>> import numpy as np
    >>> from nbtrack.types import DataType
    >>> DataType.double.to_numpy(), DataType.double.to_pandas(), DataType.double.to_python()
    (dtype('float64'), dtype('float64'), <class 'float'>)
    >>> DataType.from_numpy_type(np.dtype("int64")), DataType.long.to_dict()
    (long, {'type': 'long'})
    >>> len(DataType.all_types())
    8
    """

    boolean = 1
    integer = 2
    long = 3
    float = 4
    double = 5
    string = 6
    binary = 7
    datetime = 8

    def __repr__(self) -> str:
        return self.name

    def to_numpy(self) -> np.dtype[Any]:
        """Return the NumPy type of an array of such values."""
        return np.dtype(_NUMPY[self.name])

    def to_pandas(self) -> np.dtype[Any]:
        """Return the type that a column of such values has in a frame given to a model."""
        return np.dtype(object) if self.name in ("string", "binary") else self.to_numpy()

    def to_python(self) -> type:
        """Return the Python type of one value."""
        return _PYTHON[self.name]

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{"type": "long"}``."""
        return {"type": self.name}

    @classmethod
    def all_types(cls) -> list[DataType]:
        """Return every type."""
        return list(cls)

    @classmethod
    def from_numpy_type(cls, np_type: Any) -> DataType | None:
        """Return the type whose arrays have exactly this NumPy type, or None.

        Parameters
        ----------
        np_type : numpy.dtype
            The type of an array.
        """
        return next((kind for kind in cls if kind.to_numpy() == np_type), None)


_NUMPY = {
    "boolean": "bool",
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "string": "str",
    "binary": "bytes",
    "datetime": "datetime64[ns]",
}
_PYTHON: dict[str, type] = {
    "boolean": bool,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "binary": bytes,
    "datetime": dt.date,
}


@dataclass(frozen=True, repr=False)
class AnyType:
    """A value that is not checked.

    Examples
    --------
    >>> from nbtrack.types.schema import AnyType
    >>> AnyType().to_dict()
    {'type': 'any'}
    """

    def __repr__(self) -> str:
        return "Any"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {"type": "any"}


@dataclass(frozen=True, repr=False)
class Array:
    """A list of values of one type.

    Parameters
    ----------
    dtype : DataType, Array, Object, Map, AnyType or str
        The type of the items.

    Examples
    --------
    >>> from nbtrack.types.schema import Array
    >>> Array("string").to_dict()
    {'type': 'array', 'items': {'type': 'string'}}
    """

    dtype: Kind

    def __init__(self, dtype: Kind | str) -> None:
        object.__setattr__(self, "dtype", as_kind(dtype))

    def __repr__(self) -> str:
        return f"Array({self.dtype!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{"type": "array", "items": ...}``."""
        return {"type": "array", "items": self.dtype.to_dict()}


@dataclass(frozen=True, repr=False)
class Map:
    """A dictionary with any names and values of one type.

    Parameters
    ----------
    value_type : DataType, Array, Object, Map, AnyType or str
        The type of the values.

    Examples
    --------
    >>> from nbtrack.types.schema import Map
    >>> Map("double").to_dict()
    {'type': 'map', 'values': {'type': 'double'}}
    """

    value_type: Kind

    def __init__(self, value_type: Kind | str) -> None:
        object.__setattr__(self, "value_type", as_kind(value_type))

    def __repr__(self) -> str:
        return f"Map(str -> {self.value_type!r})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{"type": "map", "values": ...}``."""
        return {"type": "map", "values": self.value_type.to_dict()}


@dataclass(frozen=True, repr=False)
class Property:
    """One named value of an :class:`Object`.

    Parameters
    ----------
    name : str
        The key.
    dtype : DataType, Array, Object, Map, AnyType or str
        The type of the value.
    required : bool, optional
        Whether it must be there.

    Examples
    --------
    >>> from nbtrack.types.schema import Property
    >>> one = Property("age", "long", required=False)
    >>> one.to_dict()
    {'age': {'type': 'long', 'required': False}}
    >>> Property.from_json_dict(**one.to_dict()) == one
    True
    """

    name: str
    dtype: Kind
    required: bool = True

    def __init__(self, name: str, dtype: Kind | str, required: bool = True) -> None:
        object.__setattr__(self, "name", name)
        object.__setattr__(self, "dtype", as_kind(dtype))
        object.__setattr__(self, "required", required)

    def __repr__(self) -> str:
        return f"{self.name}: {self.dtype!r} ({'required' if self.required else 'optional'})"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{name: {"type": ..., "required": ...}}``."""
        return {self.name: {**self.dtype.to_dict(), "required": self.required}}

    @classmethod
    def from_json_dict(cls, **given: Any) -> Property:
        """Read ``{name: {...}}``.

        Parameters
        ----------
        **given
            One key, the name.
        """
        ((name, value),) = given.items()
        return cls(name, kind_from_dict(value), bool(value.get("required", True)))


@dataclass(frozen=True, repr=False)
class Object:
    """A dictionary with known names.

    Parameters
    ----------
    properties : sequence of Property
        What is in it; kept in the order of the names.

    Examples
    --------
    >>> from nbtrack.types.schema import Object, Property
    >>> person = Object([Property("name", "string"), Property("age", "long", required=False)])
    >>> person.to_dict()["properties"]["age"]
    {'type': 'long', 'required': False}
    """

    properties: tuple[Property, ...]

    def __init__(self, properties: Sequence[Property]) -> None:
        names = [prop.name for prop in properties]
        if twice := {name for name in names if names.count(name) > 1}:
            raise InvalidParameterError(f"An Object has each property once, but has twice: {twice}")
        ordered = tuple(sorted(properties, key=lambda prop: prop.name))
        object.__setattr__(self, "properties", ordered)

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self.properties)) + "}"

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form: ``{"type": "object", "properties": ...}``."""
        known = {name: value for prop in self.properties for name, value in prop.to_dict().items()}
        return {"type": "object", "properties": known}


Kind = DataType | Array | Object | Map | AnyType


def as_kind(given: Kind | str) -> Kind:
    """Return a type; text names a :class:`DataType`.

    Raises
    ------
    InvalidParameterError
        If there is no such type.
    """
    if isinstance(given, Kind):
        return given
    if isinstance(given, str) and given in DataType.__members__:
        return DataType[given]
    if given == "any":
        return AnyType()
    raise InvalidParameterError(
        f"{given!r} is no type of a column. Use one of {', '.join(DataType.__members__)}, "
        "or nbtrack.types.schema.Array, Object, Map, AnyType."
    )


def kind_from_dict(given: Mapping[str, Any]) -> Kind:
    """Read the JSON form of a type.

    Raises
    ------
    InvalidParameterError
        If there is no such type.
    """
    name = given.get("type")
    if name == "array":
        return Array(kind_from_dict(given["items"]))
    if name == "map":
        return Map(kind_from_dict(given["values"]))
    if name == "object":
        return Object([Property.from_json_dict(**{k: v}) for k, v in given["properties"].items()])
    return as_kind(name if isinstance(name, str) else str(name))
