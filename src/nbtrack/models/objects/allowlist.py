"""The allowlist: names that need no consent, looked up before anything is imported."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections import defaultdict
from pathlib import Path
from types import BuiltinFunctionType, FunctionType
from typing import Any

from nbtrack.models.objects import constructors, references
from nbtrack.models.objects.allowed_names import CONSTANTS, FUNCTIONS, LAYERS, PARTS

# classes are named by the shortest module that has them: torch.nn, not torch.nn.modules.linear
_CLASSES: dict[str, set[str]] = defaultdict(set)
for _table in (LAYERS, PARTS):
    for _module, _names in _table.items():
        for _name in _names.split():
            _CLASSES[_name].add(_module)
_VALUES = {
    (module, name)
    for table in (FUNCTIONS, CONSTANTS)
    for module, names in table.items()
    for name in names.split()
}


@functools.lru_cache(4096)
def is_class(module: str, name: str) -> bool:
    """Return whether objects of this class may be made without consent."""
    homes = _CLASSES.get(name, ())
    return any(home == module or home.startswith(f"{module}.") for home in homes)


def is_allowed(module: str, name: str) -> bool:
    """Return whether this may be named without consent; nothing is imported to find out."""
    known = (module, name) in _VALUES or (module, name) in constructors.CONSTRUCTORS
    return (known or is_class(module, name)) and is_here(module.partition(".")[0])


def is_data(cls: type, name: Any) -> bool:
    """Return whether an attribute may be data of an object: its class has nothing to run there."""
    if type(name) is not str or (name.startswith("__") and name.endswith("__")):
        return False
    return name not in _running(cls)


@functools.lru_cache(1024)
def _running(cls: type) -> frozenset[str]:
    """Return the names under which a class has methods and the like."""
    found: dict[str, Any] = {}
    for base in reversed(cls.__mro__):
        found.update(vars(base))
    return frozenset(
        name for name, held in found.items() if callable(held) or hasattr(type(held), "__get__")
    )


def resolve(module: str, name: str) -> Any:
    """Return what a known name stands for.

    Raises
    ------
    ImportError, AttributeError
        If it is not there, or something else is there under this name.
    """
    found = getattr(importlib.import_module(module), name)
    if (module, name) in constructors.CONSTRUCTORS or (module, name) in _VALUES:
        kinds: tuple[type, ...] = (FunctionType, BuiltinFunctionType, type)
        if module == "torch" and name in CONSTANTS["torch"].split():
            kinds = _constants()
        right = isinstance(found, kinds)
    else:
        right = isinstance(found, type) and found.__qualname__ == name
        right = right and found.__module__ in _CLASSES[name]
    if not right:
        raise AttributeError(f"{module}.{name} is not what it is in the versions that are known")
    return found


def _constants() -> tuple[type, ...]:
    import torch

    return torch.dtype, torch.memory_format, torch.layout


def is_here(top: str) -> bool:
    """Return whether a package may be imported: it is, or it lies where packages are installed.

    A folder of the same name beside a notebook comes first in Python's search, and holds
    whatever came with the notebook.
    """
    if top in sys.modules or top in sys.stdlib_module_names:
        return True
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        return True  # it is not here at all, and resolve says so
    if spec is None or spec.origin is None:
        return spec is None
    folder = Path(spec.origin).resolve().parent.parent
    return references.is_site(folder) or folder in map(_parent, ("torch", "numpy"))


def _parent(top: str) -> Path | None:
    file = getattr(sys.modules.get(top), "__file__", None)
    return None if file is None else Path(file).resolve().parent.parent
