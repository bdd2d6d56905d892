"""Compiled functions: whether two are the same, and which names they use."""

from __future__ import annotations

import dis
import inspect
from collections.abc import Iterator
from functools import lru_cache
from types import CodeType, FunctionType
from typing import Any

_NESTED = 0x10
_FUTURES = 0x1FF0000  # from __future__ import ...
_REWRITTEN = "@py_"  # what pytest's rewritten assert statements name their variables
_SHAPE = (
    "co_argcount", "co_posonlyargcount", "co_kwonlyargcount", "co_names", "co_varnames",
    "co_freevars", "co_cellvars",
)  # fmt: skip


def same_code(one: CodeType, other: CodeType) -> bool:
    """Return whether two functions compute the same; where their source stands does not matter."""
    if is_rewritten(one) or is_rewritten(other):
        return one.co_name == other.co_name and one.co_argcount == other.co_argcount
    if any(getattr(one, name) != getattr(other, name) for name in _SHAPE):
        return False
    ignored = _NESTED | _FUTURES
    if (one.co_flags | ignored) != (other.co_flags | ignored):
        return False
    if one.co_code != other.co_code and _steps(one) != _steps(other):
        return False
    return len(one.co_consts) == len(other.co_consts) and all(
        _same_constant(a, b) for a, b in zip(one.co_consts, other.co_consts, strict=True)
    )


def is_rewritten(code: CodeType) -> bool:
    """Return whether pytest has rewritten the assert statements of a function."""
    names = (*code.co_names, *code.co_varnames)
    return any(name.startswith(_REWRITTEN) or name == "@pytest_ar" for name in names)


def all_codes(code: CodeType) -> Iterator[CodeType]:
    """Yield a code object, and those of the functions inside of it."""
    yield code
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from all_codes(constant)


@lru_cache(maxsize=2048)
def names_used(code: CodeType) -> frozenset[str]:
    """Return the names of globals and attributes in a function and in those inside of it."""
    return frozenset(name for each in all_codes(code) for name in each.co_names)


@lru_cache(maxsize=2048)
def globals_used(code: CodeType) -> frozenset[str]:
    """Return the global names in a function and in those inside of it."""
    return frozenset(
        step.argval
        for each in all_codes(code)
        for step in dis.get_instructions(each)
        if step.opname in ("LOAD_GLOBAL", "LOAD_NAME")
    )


def _steps(code: CodeType) -> list[tuple[str, object]]:
    """Return what a function does, step by step.

    Methods of names that the same file imports are called by other instructions than those of
    names that another cell has imported.
    """
    found: list[tuple[str, object]] = []
    places: dict[int, int] = {}
    jumps = {*dis.hasjrel, *dis.hasjabs}
    for step in dis.get_instructions(code):
        places[step.offset] = len(found)
        if step.opname in ("PUSH_NULL", "PRECALL", "CACHE", "NOP", "EXTENDED_ARG"):
            continue
        name = "LOAD_ATTR" if step.opname == "LOAD_METHOD" else step.opname
        value = ("jump", step.argval) if step.opcode in jumps else step.argval
        found.append((name, "code" if isinstance(value, CodeType) else value))
    return [
        (
            name,
            places.get(value[1]) if isinstance(value, tuple) and value[:1] == ("jump",) else value,
        )
        for name, value in found
    ]


def attributes_used(kind: type, name: str) -> set[str]:
    """Return the attributes that a method uses, with those of methods that it calls."""
    found: set[str] = set()
    waiting = [name]
    while waiting:
        method = inspect.getattr_static(kind, waiting.pop(), None)
        plain = inspect.unwrap(method) if callable(method) else getattr(method, "fget", None)
        if isinstance(plain, FunctionType):
            used = {
                str(step.argval)
                for each in all_codes(plain.__code__)
                for step in dis.get_instructions(each)
                if step.opname in ("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER_ATTR")
            }
            waiting += used - found
            found |= used
    return found


def returns_nothing(function: Any) -> bool:
    """Return whether a function gives back None only, as far as its instructions tell."""
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    if not isinstance(code, CodeType):
        return False
    before, steps = None, list(dis.get_instructions(code))
    for step in steps:
        if step.opname == "RETURN_VALUE" and not (
            before is not None and before.opname == "LOAD_CONST" and before.argval is None
        ):
            return False
        if step.opname == "RETURN_CONST" and step.argval is not None:
            return False
        before = step
    return True


def _same_constant(one: object, other: object) -> bool:
    if isinstance(one, CodeType) and isinstance(other, CodeType):
        return same_code(one, other)
    return type(one) is type(other) and repr(one) == repr(other)
