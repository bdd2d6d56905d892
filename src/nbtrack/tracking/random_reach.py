"""The generators that the variables of a notebook reach, each by a path such as ``dataset.rng``."""

from __future__ import annotations

import os
import sysconfig
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType, ModuleType
from typing import Any

from nbtrack.tracking.random_generators import kind_of

MAX_OBJECTS = 3000
MAX_DEPTH = 3
MAX_ITEMS = 50
Path = tuple[str | int, ...]
_LEAVES = (str, bytes, bytearray, int, float, complex, bool, type, type(None))
_PLAIN = frozenset(_LEAVES)
_NOT_WALKED = frozenset({
    "builtins", "numpy", "pandas", "matplotlib", "plotly", "IPython", "ipykernel", "nbtrack",
    "traitlets", "polars", "pyarrow", "PIL", "logging", "threading", "re", "datetime", "pathlib",
})  # fmt: skip
_SHELL = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
_LIBRARIES = tuple({
    os.path.realpath(sysconfig.get_path(name)) for name in ("stdlib", "purelib", "platlib")
})  # fmt: skip


@dataclass(frozen=True)
class Found:
    """A generator in reach.

    Attributes
    ----------
    path : tuple
        The variable, then ``".name"`` for an attribute, ``"[key"`` for a key, a number for a place.
    kind : str
    value : object
    """

    path: Path
    kind: str
    value: Any


def generators_in_reach(namespace: Mapping[str, Any]) -> list[Found]:
    """Return the generators that variables reach in three steps, each once.

    Variables come first, then what is one step away; after 3,000 objects the search ends.
    Properties are not called: only what ``__dict__`` has is looked at.
    """
    waiting: deque[tuple[Path, Any]] = deque(
        ((name,), value)
        for name, value in list(namespace.items())
        if name.isidentifier() and not name.startswith("_") and name not in _SHELL
    )
    seen: set[int] = set()
    found: list[Found] = []
    room = MAX_OBJECTS
    while waiting and room:
        path, value = waiting.popleft()
        # a class may answer isinstance with code of its own, which may fail
        if issubclass(type(value), _LEAVES) or id(value) in seen:
            continue
        room -= 1
        seen.add(id(value))
        if kind := kind_of(value):
            found.append(Found(path, kind, value))
        elif len(path) <= MAX_DEPTH:
            waiting.extend(
                ((*path, step), part) for step, part in _parts(value) if type(part) not in _PLAIN
            )
    return found


def at_path(namespace: Mapping[str, Any], path: Path) -> Any:
    """Return what a path leads to; raise ``LookupError`` where there is nothing."""
    value = namespace[str(path[0])]
    for step in path[1:]:
        value = dict(_parts(value))[step]
    return value


def path_text(path: Path) -> str:
    """Return a path as one would write it: ``parts[0].rng``."""
    text = str(path[0])
    for step in path[1:]:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += step if step.startswith(".") else f"[{step[1:]!r}]"
    return text


def _parts(value: Any) -> Iterator[tuple[str | int, Any]]:
    kind = type(value)
    if kind is dict:
        for key, part in list(value.items())[:MAX_ITEMS]:
            if type(key) is str:
                yield f"[{key}", part
    elif kind in (list, tuple):
        yield from enumerate(value[:MAX_ITEMS])
    elif kind is FunctionType:
        for place, cell in enumerate(value.__closure__ or ()):
            try:
                yield f".{value.__code__.co_freevars[place]}", cell.cell_contents
            except ValueError:  # it has no value yet
                continue
        for place, default in enumerate(value.__defaults__ or ()):
            yield f"[default {place}", default
    elif kind is MethodType:
        yield ".__self__", value.__self__
    elif kind is ModuleType:
        if _is_users(value):
            for name, part in list(vars(value).items()):
                if not name.startswith("__"):
                    yield f".{name}", part
    elif kind.__module__ in ("torch", "torch.nn.parameter"):  # tensors
        return
    elif kind.__module__.partition(".")[0] not in _NOT_WALKED:
        try:
            attributes = object.__getattribute__(value, "__dict__")
        except AttributeError:
            return
        if type(attributes) is dict:
            for name, part in list(attributes.items())[:MAX_ITEMS]:
                if type(name) is str:
                    yield f".{name}", part


def _is_users(module: ModuleType) -> bool:
    """Return whether a module is a file of the user's, such as one beside the notebook."""
    file = getattr(module, "__file__", None)
    if not isinstance(file, str) or module.__name__.partition(".")[0] == "nbtrack":
        return False
    return not os.path.realpath(file).startswith(_LIBRARIES)
