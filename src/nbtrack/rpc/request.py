"""The parameters of a request, read as what they have to be, and the response to it."""

from __future__ import annotations

import functools
import math
import types
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass, fields
from typing import (
    Any,
    Generic,
    Literal,
    TypeAlias,
    TypedDict,
    TypeVar,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from nbtrack.errors import InvalidParameterError

Body = TypeVar("Body")
P = TypeVar("P")
#: How a request comes: a JSON object with a ``type`` such as ``"table.rows"`` and its parameters.
Fields: TypeAlias = Mapping[str, Any]

_KINDS: dict[Any, tuple[tuple[type, ...], str]] = {
    str: ((str,), "a text"),
    bool: ((bool,), "true or false"),
    int: ((int,), "a whole number"),
    float: ((int, float), "a number"),
}
_TEXTS = list[str]
_UNIONS = (Union, types.UnionType)


@dataclass(frozen=True)
class Response(Generic[Body]):
    """What is answered.

    Attributes
    ----------
    body : dict
        Plain JSON, without NaN and infinities.
    buffers : list of bytes
        Numbers, little-endian.
    """

    body: Body
    buffers: Sequence[bytes] = ()


class Done(TypedDict):
    """The body of a response that says nothing more."""


@dataclass(frozen=True)
class NoParams:
    """Of a request that needs none."""


def name_of(request: Fields) -> str:
    """Return the name of a request, such as ``"table.rows"``.

    Raises
    ------
    InvalidParameterError
        If it has none.
    """
    return cast(str, _read("type", request.get("type", MISSING), str, MISSING))


def parse(kind: type[P], request: Fields) -> P:
    """Return the parameters of a request.

    Parameters
    ----------
    kind : type
        A dataclass, or a union of them: then it is the one whose literal fields are those of the
        request, or the first whose fields without a default it has. A text, a number, a flag, a
        list of texts and a literal are checked, other lists only for being one; an optional field
        may be null. What the dataclass does not have is not looked at.
    request : mapping

    Raises
    ------
    InvalidParameterError
        If a field is missing, or something else than it has to be.
    """
    if get_origin(kind) in _UNIONS:
        return cast(P, parse(_member(get_args(kind), request), request))
    known = _fields(cast(Any, kind))
    return kind(
        **{
            name: _read(name, request.get(name, MISSING), hint, default)
            for name, (hint, default) in known.items()
        }
    )


@functools.cache
def _fields(kind: Any) -> dict[str, tuple[Any, Any]]:
    """Return the fields of a dataclass, each with its type and its default."""
    hints = get_type_hints(kind)
    return {
        each.name: (
            hints[each.name],
            each.default if each.default_factory is MISSING else each.default_factory(),
        )
        for each in fields(kind)
    }


def _member(members: Sequence[type], request: Fields) -> type:
    """Return which one of several dataclasses a request is."""
    tags = {
        name: tuple(word for each in members for word in get_args(_fields(each)[name][0]))
        for name, (hint, _) in _fields(members[0]).items()
        if get_origin(hint) is Literal
    }
    for name, words in tags.items():
        found = _one_of(name, _read(name, request.get(name, MISSING), str, MISSING), words)
        return next(each for each in members if found in get_args(_fields(each)[name][0]))
    for each in members[:-1]:
        needed = [name for name, (_, default) in _fields(each).items() if default is MISSING]
        if all(request.get(name) is not None for name in needed):
            return each
    return members[-1]


def _read(name: str, value: Any, hint: Any, default: Any) -> Any:
    parts = get_args(hint) if get_origin(hint) in _UNIONS else (hint,)
    if value is None and type(None) in parts:
        return None
    hint = next(part for part in parts if part is not type(None))
    choices = get_args(hint) if get_origin(hint) is Literal else ()
    kinds, meaning = _kind(str if choices else hint)
    if value is MISSING:
        if default is MISSING:
            raise InvalidParameterError(f"The question has no {name}; it needs {meaning}.")
        return default
    fits = isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))
    if not fits:
        raise InvalidParameterError(f"{name} is {value!r}; {meaning} is needed.")
    if choices:
        return _one_of(name, value, choices)
    if hint is float:
        return _finite(name, value)
    if hint == _TEXTS:
        for each in value:
            if not isinstance(each, str):
                raise InvalidParameterError(f"{name} has {each!r} in it; only texts are allowed.")
    return value


def _one_of(name: str, value: str, choices: Sequence[str]) -> str:
    if value not in choices:
        raise InvalidParameterError(f"{name} is {value!r}; use one of {', '.join(choices)}.")
    return value


def _kind(hint: Any) -> tuple[tuple[type, ...], str]:
    """Return what a value has to be an instance of, and how that is called."""
    if hint in _KINDS:
        return _KINDS[hint]
    if get_origin(hint) is list:
        return (list,), "a list of texts" if hint == _TEXTS else "a list"
    if get_origin(hint) is Mapping or hint is Mapping:
        return (Mapping,), "an object"
    return (object, bool), "a value"  # whoever answers looks at it


def _finite(name: str, value: float) -> float:
    if not math.isfinite(value):
        raise InvalidParameterError(f"{name} is {value}; a finite number is needed.")
    return float(value)
