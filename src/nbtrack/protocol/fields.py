"""The fields of requests: what they are called, what they may be, and how they are read.

A request is JSON as protobuf writes it: a field may be spelled in snake or camel case, whole
numbers may come as text, numbers as ``"NaN"`` or ``"Infinity"``, unknown fields count for
nothing. In a query every value is text. Messages are MLflow's.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.validation import INT64_MAX, SEE_DOCS, missing

Read = Callable[[str, Any], Any]
"""Returns a value as it is used, or raises; gets the name of its field for the message."""

_SPECIAL = {"NaN": "nan", "Infinity": "inf", "-Infinity": "-inf"}


@dataclass(frozen=True)
class Field:
    """One field of a request.

    Attributes
    ----------
    name : str
    read : callable
    required : bool
        Whether it must be there and not be empty.
    also : str, optional
        Its older name.
    """

    name: str
    read: Read
    required: bool = False
    also: str | None = None

    @cached_property
    def camel(self) -> str:
        """The name in camel case."""
        first, *rest = self.name.split("_")
        return first + "".join(word.capitalize() for word in rest)


Fields = tuple[Field, ...]


def wrong_type(name: str, value: Any) -> InvalidParameterError:
    """Return the error for a value of the wrong type."""
    try:
        shown = json.dumps(value)
    except (ValueError, RecursionError):
        shown = "..."
    if len(shown) > 300:
        shown = f"{shown[:60]}..."
    return InvalidParameterError(
        f"Invalid value {shown} for parameter '{name}' supplied:  Hint: Value was of type "
        f"'{type(value).__name__}'. {SEE_DOCS}"
    )


def string(name: str, value: Any) -> str:
    """Read text."""
    if not isinstance(value, str):
        raise wrong_type(name, value)
    return value


def integer(name: str, value: Any) -> int:
    """Read a whole number of 64 bits, which may come as text."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        number = int(value)
        if number != (float(value) if isinstance(value, float) else number):
            raise ValueError
    except (ValueError, OverflowError):
        raise wrong_type(name, value) from None
    if not -INT64_MAX - 1 <= number <= INT64_MAX:
        raise wrong_type(name, value)
    return number


def double(name: str, value: Any) -> float:
    """Read a number, which may come as text, ``"NaN"`` and the infinities too."""
    try:
        if isinstance(value, bool) or not isinstance(value, int | float | str):
            raise ValueError
        return float(_SPECIAL.get(value, value) if isinstance(value, str) else value)
    except (ValueError, OverflowError):
        raise wrong_type(name, value) from None


def boolean(name: str, value: Any) -> bool:
    """Read true or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise InvalidParameterError(
        f"Invalid boolean value: {value!r} for parameter '{name}', must be 'true' or 'false'."
    )


@dataclass(frozen=True)
class OneOf:
    """Reads one of some names, which may come as its number; they count from ``start``."""

    names: tuple[str, ...]
    start: int

    def __call__(self, name: str, value: Any) -> str:
        """Return the name."""
        if isinstance(value, str) and value in self.names:
            return value
        if isinstance(value, str) and not value.isdecimal():
            raise wrong_type(name, value)
        place = integer(name, value) - self.start
        if not 0 <= place < len(self.names):
            raise wrong_type(name, value)
        return self.names[place]


@dataclass(frozen=True)
class Repeated:
    """Reads a list, one item after the other."""

    read: Read

    def __call__(self, name: str, value: Any) -> list[Any]:
        """Return the items."""
        if not isinstance(value, list):
            raise wrong_type(name, value)
        return [self.read(f"{name}[{index}]", item) for index, item in enumerate(value)]


@dataclass(frozen=True)
class Message:
    """Reads an object with fields of its own."""

    fields: Fields

    def __call__(self, name: str, value: Any) -> dict[str, Any]:
        """Return the fields by name."""
        if not isinstance(value, dict):
            raise wrong_type(name, value)
        return read_fields(self.fields, value, f"{name}.")


def one_of(*names: str, start: int = 1) -> OneOf:
    """Return what reads one of some names."""
    return OneOf(names, start)


def repeated(read: Read) -> Repeated:
    """Return what reads a list."""
    return Repeated(read)


def message(*fields: Field) -> Message:
    """Return what reads an object."""
    return Message(fields)


def read_fields(fields: Fields, given: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return the fields of an object by name; those that are not given are None.

    Raises
    ------
    InvalidParameterError
        If one is missing, of another type, or given twice in two spellings.
    """
    found: dict[str, Any] = {}
    for field in fields:
        name = field.name
        value = given.get(name)
        camel = field.camel
        if camel != name and camel in given:
            if name in given:
                raise InvalidParameterError(
                    f"Request specifies both '{name}' and '{camel}'; provide only one of them."
                )
            value = given[camel]
        if value in (None, "") and field.also is not None:
            value = given.get(field.also)
        if field.required and value in (None, ""):
            raise missing(f"{prefix}{name}")
        found[name] = None if value is None else field.read(f"{prefix}{name}", value)
    return found


def read_query(fields: Fields, given: Mapping[str, list[str]]) -> dict[str, Any]:
    """Return the fields of a query; a name that is there again makes a list where one is meant."""
    plain: dict[str, Any] = {}
    lists = {field.name for field in fields if field.read in LISTS}
    for name, values in given.items():
        plain[name] = values if name in lists else values[0]
    return read_fields(fields, plain)


strings = repeated(string)
LISTS = (strings,)
"""Fields of queries that may be there more than once."""

RUN_STATUSES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED")
VIEW_TYPES = ("ACTIVE_ONLY", "DELETED_ONLY", "ALL")
MODEL_STATUSES = {
    "UNSPECIFIED": "LOGGED_MODEL_STATUS_UNSPECIFIED",
    "PENDING": "LOGGED_MODEL_PENDING",
    "READY": "LOGGED_MODEL_READY",
    "FAILED": "LOGGED_MODEL_UPLOAD_FAILED",
}
MODEL_STATUS_NAMES = {wire: name for name, wire in MODEL_STATUSES.items()}
