"""Who has called a wrapped function: the user, or a library; and what the user calls its data.

The variables of a function are not asked for: before Python 3.13 ``frame.f_locals`` keeps all of
them alive until the function ends, and changes what the user has got from ``locals()``. There the
source of the call says the names.
"""

from __future__ import annotations

import ast
import dis
import inspect
import linecache
import sys
from functools import lru_cache
from itertools import islice
from types import CodeType, FrameType
from typing import Any

# what they fit, predict and score on the way is not the user's
_LIBRARIES = {"sklearn", "imblearn", "skorch", "skopt", "optuna_integration", "mlxtend"}
_LIBRARIES |= {"shap", "lime", "eli5", "yellowbrick", "nbtrack"}
# between the caller and what it has called
_BETWEEN = ("joblib.", "sklearn.utils.parallel.", "functools.", "contextlib.")


class Caller:
    """The place that has called what is wrapped."""

    def __init__(self) -> None:
        frame: FrameType | None = sys._getframe(1)
        while frame is not None and f"{_module(frame)}.".startswith("nbtrack.autologging."):
            frame = frame.f_back
        self._direct = frame
        while frame is not None and f"{_module(frame)}.".startswith(_BETWEEN):
            frame = frame.f_back
        self._frame = frame  # None at the start of a thread

    @property
    def is_library(self) -> bool:
        """Whether it is a library that fits and scores on its own account."""
        return self._frame is not None and _module(self._frame).partition(".")[0] in _LIBRARIES

    def call(self) -> ast.Call | None:
        """Return the call as it is written, None where there is no source."""
        return None if self._direct is not self._frame else _call(self._frame)

    def name_of(self, value: Any, position: int, keyword: str) -> str | None:
        """Return what the user calls an argument, None if it is the value of an expression.

        What was passed on by a function has the name that it had outside.

        Parameters
        ----------
        value : object
            The argument itself.
        position : int
            Its place among those without a name.
        keyword : str
            Its name.
        """
        frame, found = self._frame, None
        if self._direct is not frame:
            return None
        while frame is not None:
            name = _name_at(_call(frame), position, keyword)
            if not frame.f_code.co_flags & inspect.CO_OPTIMIZED:  # a module or a cell
                space = frame.f_locals
                known = name is not None and space.get(name) is value
                return name if known else _name_in(space, value) or found
            if name is None:
                return found
            found, code = name, frame.f_code
            if name not in _unchanged_arguments(code):
                return found
            keyword = name
            position = code.co_varnames.index(name) - (code.co_varnames[0] in ("self", "cls"))
            frame = frame.f_back
        return found


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", ""))


def _name_in(space: dict[str, Any], value: Any) -> str | None:
    # IPython keeps results under _, _3 and __
    found = (name for name, held in list(space.items()) if held is value and name[0] != "_")
    return next((name for name in found if name.isidentifier()), None)


def _name_at(call: ast.Call | None, position: int, keyword: str) -> str | None:
    if call is None or any(isinstance(each, ast.Starred) for each in call.args[: position + 1]):
        return None
    given = next((each.value for each in call.keywords if each.arg == keyword), None)
    if given is None and position < len(call.args):
        given = call.args[position]
    return given.id if isinstance(given, ast.Name) else None


def _call(frame: FrameType | None) -> ast.Call | None:
    """Return the call that a frame is in."""
    if frame is None:
        return None
    code = frame.f_code
    where = next(islice(code.co_positions(), frame.f_lasti // 2, None), None)
    if where is None or None in where:
        return None
    return _parsed(code.co_filename, *where, lines=tuple(_lines(frame, where)))


def _lines(frame: FrameType, where: tuple[Any, ...]) -> list[str]:
    lines = linecache.getlines(frame.f_code.co_filename, frame.f_globals)
    return lines[where[0] - 1 : where[1]]


@lru_cache(maxsize=256)
def _parsed(
    file: str, first: int, last: int, start: int, end: int, lines: tuple[str, ...]
) -> ast.Call | None:
    if len(lines) != last - first + 1:
        return None
    encoded = [line.encode() for line in lines]  # positions are those of bytes
    encoded[-1] = encoded[-1][:end]
    encoded[0] = encoded[0][start:]
    try:
        tree = ast.parse(b"(" + b"".join(encoded) + b")", mode="eval").body
    except (SyntaxError, ValueError):  # the file has changed since
        return None
    return tree if isinstance(tree, ast.Call) else None


@lru_cache(maxsize=256)
def _unchanged_arguments(code: CodeType) -> frozenset[str]:
    """Return the arguments of a function that it gives no other value."""
    arguments = set(code.co_varnames[: code.co_argcount + code.co_kwonlyargcount])
    stored = {
        each.argval
        for each in dis.get_instructions(code)
        if each.opname.startswith(("STORE_FAST", "STORE_DEREF", "DELETE_FAST"))
    }
    for several in [each for each in stored if isinstance(each, tuple)]:  # since Python 3.13
        stored |= set(several)
    return frozenset(arguments - stored)
