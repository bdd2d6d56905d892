"""A question and its answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from nbtrack.errors import InvalidParameterError

T = TypeVar("T")
_MISSING: Any = object()


@dataclass(frozen=True)
class Answer:
    """What is answered.

    Attributes
    ----------
    body : dict
        Plain JSON, without NaN and infinities.
    buffers : list of bytes
        Numbers, little-endian.
    """

    body: dict[str, Any]
    buffers: Sequence[bytes] = ()


class Question:
    """The fields of a question, each read as what it has to be.

    Every method raises ``InvalidParameterError`` where the field is something else, or is
    missing and has no default.

    Attributes
    ----------
    fields : mapping
        All of them, as they came.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def text(self, name: str, default: str = _MISSING) -> str:
        """Return a text."""
        return self._get(name, (str,), "a text", default)

    def flag(self, name: str, default: bool = _MISSING) -> bool:
        """Return true or false."""
        return self._get(name, (bool,), "true or false", default)

    def integer(self, name: str, default: int = _MISSING) -> int:
        """Return a whole number."""
        return self._get(name, (int,), "a whole number", default)

    def number(self, name: str, default: float = _MISSING) -> float:
        """Return a finite number."""
        value = self._get(name, (int, float), "a number", default)
        if not math.isfinite(value):
            raise InvalidParameterError(f"{name} is {value}; a finite number is needed.")
        return float(value)

    def texts(self, name: str, default: list[str] = _MISSING) -> list[str]:
        """Return a list of texts."""
        values: list[Any] = self._get(name, (list,), "a list of texts", default)
        for value in values:
            if not isinstance(value, str):
                raise InvalidParameterError(f"{name} has {value!r} in it; only texts are allowed.")
        return values

    def items(self, name: str, default: list[Any] = _MISSING) -> list[Any]:
        """Return a list of anything."""
        return self._get(name, (list,), "a list", default)

    def optional(self, name: str) -> Any:
        """Return a field as it is, or None."""
        return self.fields.get(name)

    def _get(self, name: str, kinds: tuple[type[T], ...], meaning: str, default: Any) -> T:
        value = self.fields.get(name, default)
        if value is _MISSING:
            raise InvalidParameterError(f"The question has no {name}; it needs {meaning}.")
        wrong = not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds)
        if wrong and value is not default:
            raise InvalidParameterError(f"{name} is {value!r}; {meaning} is needed.")
        return cast(T, value)
