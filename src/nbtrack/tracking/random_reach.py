"""The generators that the variables of a notebook reach, each by a path such as ``dataset.rng``."""

from __future__ import annotations

import os
import sysconfig
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from types import (
    FunctionType,
    GetSetDescriptorType,
    MemberDescriptorType,
    MethodType,
    ModuleType,
)
from typing import Any

from nbtrack.tracking.random_generators import kind_of, module_of

MAX_OBJECTS = 3000
MAX_DEPTH = 3
MAX_ITEMS = 50
Path = tuple[str | int, ...]
_LEAVES = (str, bytes, bytearray, int, float, complex, bool, type, type(None))
_address = object.__hash__  # a class may say otherwise, and may have a class that does
_PLAIN = frozenset(map(_address, _LEAVES))
_MRO: Any = type.__dict__["__mro__"]
_CLASS_DICT: Any = type.__dict__["__dict__"]
_NOT_WALKED = frozenset({
    "builtins", "numpy", "pandas", "matplotlib", "plotly", "IPython", "ipykernel", "nbtrack",
    "traitlets", "polars", "pyarrow", "PIL", "logging", "threading", "re", "datetime", "pathlib",
})  # fmt: skip
_SHELL = frozenset({"In", "Out", "exit", "quit", "get_ipython", "open"})
_OF_KERAS = ("._layers", "._seed_generators")  # the layers in a layer, however deep they are
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


def generators_in_reach(
    namespace: Mapping[str, Any], names: Iterable[str] | None = None
) -> list[Found]:
    """Return the generators that variables reach in three steps, each once.

    Variables come first, then what is one step away; after 3,000 objects the search ends. No code
    of the objects runs: only what ``__dict__`` has is looked at.

    Parameters
    ----------
    namespace : mapping of str to object
    names : iterable of str, optional
        The variables to look at; all by default.
    """
    waiting: deque[tuple[Path, Any, int]] = deque(
        ((name,), namespace[name], 1)
        for name in list(namespace if names is None else names)
        if is_looked_at(name) and name in namespace
    )
    seen: set[int] = set()
    found: list[Found] = []
    room = MAX_OBJECTS
    while waiting and room:
        path, value, depth = waiting.popleft()
        here = _address(value)
        # a class may answer isinstance with code of its own, which may fail
        if issubclass(type(value), _LEAVES) or here in seen:
            continue
        room -= 1
        seen.add(here)
        if kind := kind_of(value):
            found.append(Found(path, kind, value))
        elif depth <= MAX_DEPTH:
            within = path[-1] in _OF_KERAS
            waiting += [
                ((*path, step), part, depth + (not within and step not in _OF_KERAS))
                for step, part in _parts(value)
                if _address(type(part)) not in _PLAIN
            ]
    return found


def is_looked_at(name: Any) -> bool:
    """Return whether a name is one of the user's variables that are looked at."""
    return type(name) is str and name[:1] != "_" and name not in _SHELL and name.isidentifier()


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
        for key, part in list(islice(value.items(), MAX_ITEMS)):
            if type(key) is str:
                yield f"[{key}", part
    elif kind is list or kind is tuple:
        yield from enumerate(value[:MAX_ITEMS])
    elif issubclass(kind, list):  # such as those of Keras, which know what is put into them
        yield from enumerate(list.__getitem__(value, slice(MAX_ITEMS)))
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
                if type(name) is str and not name.startswith("__"):
                    yield f".{name}", part
    elif (module := module_of(kind)) in ("torch", "torch.nn.parameter"):  # tensors
        return
    elif module.partition(".")[0] not in _NOT_WALKED:
        attributes = attributes_of(value)
        for step in _OF_KERAS:
            if step[1:] in attributes:
                yield step, attributes[step[1:]]
        for name, part in list(islice(attributes.items(), MAX_ITEMS)):
            if type(name) is str and f".{name}" not in _OF_KERAS:
                yield f".{name}", part


def attributes_of(value: Any) -> dict[Any, Any]:
    """Return what an object has as ``__dict__``; a property of that name is not called."""
    for base in _MRO.__get__(type(value)):
        found = _CLASS_DICT.__get__(base).get("__dict__")
        if type(found) in (GetSetDescriptorType, MemberDescriptorType):
            attributes = found.__get__(value)
            return attributes if type(attributes) is dict else {}
    return {}


def _is_users(module: ModuleType) -> bool:
    """Return whether a module is a file of the user's, such as one beside the notebook."""
    attributes = vars(module)
    file, name = attributes.get("__file__"), attributes.get("__name__")
    if type(file) is not str or type(name) is not str or name.partition(".")[0] == "nbtrack":
        return False
    return not _real(file).startswith(_LIBRARIES)


@lru_cache(2000)
def _real(file: str) -> str:
    return os.path.realpath(file)
