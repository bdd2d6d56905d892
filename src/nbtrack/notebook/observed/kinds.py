"""Which kind of object something is, by its type alone: nothing of the object is called."""

from __future__ import annotations

import sys
import sysconfig
import types
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The address of an object: ``id`` would raise an audit event for each.
address: Callable[[Any], int] = object.__hash__

MRO: Any = type.__dict__["__mro__"]
_CLASS_DICT: Any = type.__dict__["__dict__"]
_MODULE: Any = type.__dict__["__module__"]
_MODULE_DICT: Any = vars(types.ModuleType)["__dict__"]
_NATIVE = (
    types.MethodDescriptorType,
    types.WrapperDescriptorType,
    types.ClassMethodDescriptorType,
    types.GetSetDescriptorType,
)
_NO_STATE = frozenset({"typing", "_typing", "abc", "_abc"})
_NBTRACK = str(Path(__file__).parents[2])  # also where it is developed
_LIBRARIES = tuple(
    {
        path
        for path in (*sysconfig.get_paths().values(), sys.prefix, sys.base_prefix, _NBTRACK)
        if len(path) > len("/usr")
    }
)


@dataclass(frozen=True)
class Layout:
    """How the instances of a class keep their state.

    Attributes
    ----------
    kind : type
    root : str
        The package that defines it, such as ``"torch"``.
    own : bool
        Whether the user has written it, in a cell or a module beside the notebook.
    dictionary : object or None
        Reads the dictionary of an instance.
    slots : tuple of object
        Read its slots.
    native : frozenset of str
        The names of those of its bases that are no Python, such as ``"builtins.list"``.
    bases : frozenset of str
        The names of all its bases, and of itself.
    """

    kind: type
    root: str
    own: bool
    dictionary: Any
    slots: tuple[Any, ...]
    native: frozenset[str]
    bases: frozenset[str]


def layout_of(kind: type) -> Layout:
    """Return how the instances of a class keep their state."""
    dictionary, slots, native, bases = None, [], set(), set()
    for base in MRO.__get__(kind):
        if base is object:
            continue
        name = f"{module_of(base)}.{name_of(base)}"
        bases.add(name)
        for key, value in list(_CLASS_DICT.__get__(base).items()):
            what = type(value)
            if what is types.GetSetDescriptorType and key in ("__dict__", "__weakref__"):
                dictionary = value if key == "__dict__" and dictionary is None else dictionary
            elif what is types.MemberDescriptorType:
                slots.append(value)
            elif (what in _NATIVE and value.__objclass__ is base) or (
                what is types.BuiltinFunctionType and key == "__new__" and value.__self__ is base
            ):
                native.add(name)
    module = module_of(kind)
    native = {name for name in native if name.partition(".")[0] not in _NO_STATE}
    return Layout(
        kind,
        module.partition(".")[0],
        is_own(module),
        dictionary,
        tuple(slots),
        frozenset(native),
        frozenset(bases),
    )


def module_of(kind: type) -> str:
    """Return the name of the module that defines a class; empty where it does not say."""
    try:
        module = _MODULE.__get__(kind)
    except AttributeError:
        return ""
    return module if type(module) is str else ""


def name_of(kind: type) -> str:
    """Return the name of a class, whatever its own class says."""
    return str(type.__dict__["__name__"].__get__(kind))


def package_of(value: Any) -> str:
    """Return the package of a module, class or function of a library; empty for all else."""
    kind = type(value)
    if types.ModuleType in MRO.__get__(kind):
        module = module_items(value).get("__name__")
    elif type in MRO.__get__(kind):
        module = module_of(value)
    elif kind is types.FunctionType or kind is types.BuiltinFunctionType:
        module = value.__module__
    else:
        return ""
    return "" if type(module) is not str or is_own(module) else module.partition(".")[0]


def class_items(kind: type) -> dict[str, Any]:
    """Return the attributes of a class."""
    return dict(_CLASS_DICT.__get__(kind))


def module_items(module: types.ModuleType) -> dict[str, Any]:
    """Return the attributes of a module; one that is imported lazily stays so."""
    found = _MODULE_DICT.__get__(module)
    return dict(found) if type(found) is dict else {}


def is_own(module: str) -> bool:
    """Return whether a module is the user's own: the notebook, or a file that is no library."""
    if module == "__main__":
        return True
    if module.partition(".")[0] in ("nbtrack", "builtins", ""):
        return False
    loaded = sys.modules.get(module)
    if not issubclass(type(loaded), types.ModuleType):
        return False
    path = _MODULE_DICT.__get__(loaded).get("__file__")
    if type(path) is not str:
        return False
    return is_own_file(path)


def is_own_file(path: str) -> bool:
    """Return whether a file of code is the user's own, and of no library."""
    if "site-packages" in path or "dist-packages" in path or path.startswith("<frozen"):
        return False
    return not path.startswith(_LIBRARIES)
