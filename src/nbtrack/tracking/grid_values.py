"""What a grid varies: values and ranges, as they are written in a notebook and in Python."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from nbtrack.errors import InvalidParameterError

MAX_VALUES = 10_000
_STEPS = re.compile(r"(-?\d+)\.\.(-?\d+)(?:\.\.(-?\d+))?$")
_RANGE = re.compile(r"(log|uniform|int)\((.*)\)$")
_PATH = re.compile(r"[^\W\d]\w*(\.[^\W\d]\w*)*$")
_OPENING, _CLOSING = "([{", ")]}"


@dataclass(frozen=True)
class Range:
    """A range that a sampler draws from.

    Attributes
    ----------
    kind : {"log", "uniform", "int"}
        How it is drawn from: evenly in the logarithm, evenly, or whole numbers.
    low, high : float
        Both belong to it.
    """

    kind: Literal["log", "uniform", "int"]
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.kind}({self.low:g},{self.high:g})"


Values = list[Any] | Range


def parse_values(text: str) -> tuple[str, Values]:
    """Return the name and the values of ``lr=1e-3,1e-4``.

    Values are Python literals, else texts. ``0..4`` stands for 0, 1, 2, 3, 4 and ``0..10..5`` for
    0, 5, 10; ``log(1e-5,1e-1)``, ``uniform(0,1)`` and ``int(1,8)`` are ranges for a sampler.

    Parameters
    ----------
    text : str

    Raises
    ------
    InvalidParameterError
        If it cannot be read.
    """
    name, equals, listed = text.partition("=")
    name = name.strip()
    if not equals or not _PATH.match(name) or not listed.strip():
        raise InvalidParameterError(
            f"A grid is written name=value,value, such as lr=1e-3,1e-4 or seed=0..4; got {text!r}."
        )
    if match := _RANGE.match(listed.strip()):
        return name, _range(name, match[1], match[2])
    values: list[Any] = []
    for word in _split(listed):
        values += _steps(name, word) or [_literal(word)]
    return name, checked_values(name, values)


def checked_values(name: str, values: Any) -> Values:
    """Return the values of a name as a list, each once, or the range.

    Raises
    ------
    InvalidParameterError
        If there are none, or too many.
    """
    if isinstance(values, Range):
        return values
    if isinstance(values, str | bytes) or not isinstance(values, Iterable):
        raise InvalidParameterError(
            f"The grid of {name} is {values!r}; give a list of values, such as [{values!r}]."
        )
    found: list[Any] = []
    for value in values:
        if len(found) >= MAX_VALUES:
            raise InvalidParameterError(f"The grid of {name} has more than {MAX_VALUES:,} values.")
        if not any(type(value) is type(other) and value == other for other in found):
            found.append(value)
    if not found:
        raise InvalidParameterError(f"The grid of {name} has no values.")
    return found


def checked_space(space: Mapping[str, Any]) -> dict[str, Values]:
    """Return what a grid varies, by name.

    Raises
    ------
    InvalidParameterError
        If it is empty, or one of its names has no values.
    """
    if not space:
        raise InvalidParameterError("A grid varies something: grid(lr=[1e-3, 1e-4]), for example.")
    return {str(name): checked_values(str(name), values) for name, values in space.items()}


def combination_name(params: Mapping[str, Any], varied: Iterable[str]) -> str:
    """Return how a run of a grid is called: ``lr=0.001 seed=3``, with what varies."""
    parts = []
    for name in varied:
        value = params[name]
        text = f"{value:.4g}" if isinstance(value, float) else str(value)
        parts.append(f"{name}={text if len(text) <= 24 else text[:23] + '…'}")
    return " ".join(parts)[:200]


def _range(name: str, kind: str, inside: str) -> Range:
    bounds = [_literal(word) for word in _split(inside)]
    numbers = [b for b in bounds if isinstance(b, int | float) and not isinstance(b, bool)]
    if len(bounds) != 2 or len(numbers) != 2 or not all(map(math.isfinite, numbers)):
        raise InvalidParameterError(
            f"The range of {name} has two numbers, such as {kind}(1,10); got {kind}({inside})."
        )
    low, high = numbers
    if low >= high:
        raise InvalidParameterError(
            f"The range of {name}, {kind}({inside}), has its smaller number second."
        )
    if kind == "log" and low <= 0:
        raise InvalidParameterError(
            f"The range of {name}, log({inside}), begins at {low}; a logarithm needs more than 0."
        )
    if kind == "int" and not all(float(bound).is_integer() for bound in numbers):
        raise InvalidParameterError(
            f"The range of {name}, int({inside}), has bounds that are no whole numbers; "
            "use uniform(...) for others."
        )
    return Range(kind, float(low), float(high))  # type: ignore[arg-type]


def _steps(name: str, word: str) -> list[int]:
    match = _STEPS.match(word)
    if match is None:
        return []
    first, last, step = int(match[1]), int(match[2]), int(match[3] or 0)
    step = step or (1 if last >= first else -1)
    if (last - first) * step < 0:
        raise InvalidParameterError(
            f"The grid of {name} goes from {first} to {last} in steps of {step}: it never arrives."
        )
    if abs(last - first) // abs(step) >= MAX_VALUES:
        raise InvalidParameterError(f"The grid of {name} has more than {MAX_VALUES:,} values.")
    return list(range(first, last + (1 if step > 0 else -1), step))


def _split(text: str) -> list[str]:
    """Return the parts between commas that stand in no brackets and no quotes."""
    parts, depth, quote = [""], 0, ""
    for letter in text:
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        depth += 0 if quote else (letter in _OPENING) - (letter in _CLOSING)
        if letter == "," and depth == 0 and not quote:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def _literal(word: str) -> Any:
    try:
        return ast.literal_eval(word)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return word
