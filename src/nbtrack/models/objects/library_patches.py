"""Functions of the user's own in the place of those of a library."""

from __future__ import annotations

import functools
import inspect
import sys
from collections.abc import Iterator
from types import FunctionType, ModuleType
from typing import Any

from nbtrack.models.objects.code_objects import globals_used, names_used
from nbtrack.models.objects.references import is_own

_REASON = (
    "was replaced in the library, which a process that loads the model does not do. Put the "
    "change into a subclass, or into a function that the model calls"
)
_HOOK = (
    "has a hook for all modules, which a process that loads the model does not have. Remove it "
    "(handle.remove()), or register it with the model"
)
_RUNS = ("forward", "__call__", "call")


def patches(value: Any, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    """Yield what the user has replaced in a class or a module of a library.

    Parameters
    ----------
    value : class or module
        Of a library; anything else has none.
    names : frozenset of str
        The attributes of a module that are used.

    Yields
    ------
    path, reason : str
    """
    if isinstance(value, type) and not is_own(value.__module__):
        for base in value.__mro__:
            if not is_own(base.__module__):
                yield from _in_class(base)
        for name in _RUNS:
            function = getattr(value, name, None)
            plain = inspect.unwrap(function) if callable(function) else None
            if isinstance(plain, FunctionType) and not _is_mine(plain):
                yield from _reached(plain)
    elif isinstance(value, ModuleType) and not is_own(value.__name__):
        yield from _in_module(value, names)


def _in_class(kind: type) -> Iterator[tuple[str, str]]:
    for name, attribute in list(vars(kind).items()):
        parts = (attribute, *(getattr(attribute, n, None) for n in ("__func__", "fget", "func")))
        if any(isinstance(part, FunctionType) and _is_mine(part) for part in parts):
            yield f"{kind.__module__}.{kind.__qualname__}.{name}", _REASON
    if kind.__module__ == "torch.nn.modules.module":
        for name in ("_global_forward_hooks", "_global_forward_pre_hooks"):
            hooks = getattr(sys.modules[kind.__module__], name, {})
            if any(
                _is_mine(inspect.unwrap(h)) for h in hooks.values() if isinstance(h, FunctionType)
            ):
                yield f"{kind.__module__}.{name}", _HOOK


def _reached(function: FunctionType) -> Iterator[tuple[str, str]]:
    names = names_used(function.__code__)
    for name in globals_used(function.__code__):
        value = function.__globals__.get(name)
        if isinstance(value, ModuleType):
            yield from _in_module(value, names)
        elif isinstance(value, FunctionType) and _is_mine(value):
            yield f"{function.__globals__.get('__name__')}.{name}", _REASON


def _in_module(module: ModuleType, names: frozenset[str]) -> Iterator[tuple[str, str]]:
    for name in names:
        value = vars(module).get(name)
        if isinstance(value, FunctionType) and _is_mine(value):
            yield f"{module.__name__}.{name}", _REASON


def _is_mine(function: FunctionType) -> bool:
    return _is_own(str(function.__globals__.get("__name__")))


@functools.lru_cache(maxsize=1024)
def _is_own(module: str) -> bool:
    return is_own(module)
