"""What an object in memory has that is not what its source would make again.

A class is changed after the cell that defines it: ``Net.forward = f``, ``Net.SCALE = 9``, a
decorator in a later cell, a constant that was bound anew after a default was taken from it. The
object that is saved is put together again as it would be loaded, and both are compared.
"""

from __future__ import annotations

import functools
import sys
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import FunctionType, MethodType, ModuleType
from typing import Any

from nbtrack.models.objects import library_patches, whole_modules
from nbtrack.models.objects.arrays import equal_arrays
from nbtrack.models.objects.code_objects import globals_used, names_used, same_code
from nbtrack.models.objects.references import is_own, is_whole
from nbtrack.models.objects.selection import DELETED
from nbtrack.models.objects.torch_modules import is_parametrized, plain_module

_SCALARS = (int, float, complex, str, bytes, bool, bytearray, type(None))
_NO_BEHAVIOUR = frozenset({
    "__module__", "__dict__", "__weakref__", "__doc__", "__qualname__", "__firstlineno__",
    "__static_attributes__", "__abstractmethods__", "_abc_impl", "__annotations__",
    "__annotate__", "__annotate_func__", "__annotations_cache__", "__orig_bases__",
    "__parameters__", "__classcell__", "__slotnames__", "__dataclass_fields__",
})  # fmt: skip


@dataclass(frozen=True)
class Difference:
    """One place where an object is not what its source defines.

    Attributes
    ----------
    path : str
        Named as the user knows it: ``Net.forward``.
    owner : type, function or None
        Whose attribute it is; None where nothing can be set to make them equal.
    target : str
        The Python expression of the place, with ``{}`` for the owner.
    value : object
        What is there in memory, or ``DELETED``.
    reason : str
        What a message says about it.
    """

    path: str
    owner: Any
    target: str
    value: Any
    reason: str = "is not what its source defines: it was changed after that had run"


@dataclass(frozen=True)
class _Place:
    """Where a value is: as a message names it, and as source can set it."""

    path: str
    owner: Any = None
    target: str = ""

    def inside(self, suffix: str) -> _Place:
        return _Place(f"{self.path}{suffix}", self.owner, f"{self.target}{suffix}")


class Comparison:
    """Compares an object with what was made of its saved form."""

    def __init__(self) -> None:
        self._found: list[Difference] = []
        self._seen: set[tuple[int, int]] = set()

    def differences(self, live: Any, made: Any) -> list[Difference]:
        """Return where the two differ in what they compute."""
        if not self._same(live, made, _Place("")):
            self._found.append(Difference(type(live).__name__, None, "", live))
        return self._found

    def _same(self, live: Any, made: Any, place: _Place) -> bool:
        """Return whether two values are the same, apart from what is noted already."""
        live, made = plain_module(live), plain_module(made)
        if live is made:
            self._shared(live, place)
            return True
        if (id(live), id(made)) in self._seen:
            return True
        self._seen.add((id(live), id(made)))
        if isinstance(live, type):
            return isinstance(made, type) and self._classes(live, made)
        kind = type(live)
        if kind in _SCALARS:
            return type(made) is kind and (live == made or live != live)
        if kind in (list, tuple, dict, OrderedDict, set, frozenset):
            return type(made) is kind and self._containers(live, made, place)
        if isinstance(live, ModuleType):
            return isinstance(made, ModuleType)
        if isinstance(live, FunctionType):
            return isinstance(made, FunctionType) and self._functions(live, made, place)
        parts = _parts_of(live)
        if parts is not None:
            return type(made) is kind and all(
                self._same(getattr(live, name), getattr(made, name), place.inside(f".{name}"))
                for name in parts
            )
        if (equal := equal_arrays(live, made)) is not None:
            return equal
        return self._instances(live, made, place)

    # -- classes and functions --------------------------------------------------------------

    def _classes(self, live: type, made: type) -> bool:
        if is_parametrized_class(live):
            return all(
                self._same(a, b, _Place(a.__qualname__))
                for a, b in zip(live.__bases__, made.__bases__, strict=False)
            )
        if len(live.__bases__) != len(made.__bases__):
            return False
        for one, other in zip(live.__bases__, made.__bases__, strict=True):
            if not self._same(one, other, _Place(one.__qualname__)):
                return False
        here, there = vars(live), vars(made)
        for name in sorted({*here, *there} - _NO_BEHAVIOUR):
            place = _Place(f"{live.__qualname__}.{name}", live, f"vars({{}})[{name!r}]")
            one, other = here.get(name, DELETED), there.get(name, DELETED)
            gone = one is DELETED or other is DELETED
            if gone and not _matters(name, other if one is DELETED else one):
                continue
            if gone or not self._same(one, other, place):
                self._found.append(Difference(place.path, live, f"{{}}.{name}", one))
        return True

    def _functions(self, live: FunctionType, made: FunctionType, place: _Place) -> bool:
        if not same_code(live.__code__, made.__code__):
            return False
        if place.owner is None and (live.__qualname__.isidentifier() or "<" in live.__qualname__):
            place = _Place(live.__qualname__, live, "{}")
        for name in ("__defaults__", "__kwdefaults__"):
            one, other = getattr(live, name), getattr(made, name)
            if not self._set(one, other, place.inside(f".{name}")):
                return False
        cells = zip(live.__closure__ or (), made.__closure__ or (), strict=True)
        for number, (one, other) in enumerate(cells):
            inner = place.inside(f".__closure__[{number}].cell_contents")
            if not self._set(_content(one), _content(other), inner):
                return False
        for name, value in vars(live).items():
            inner = place.inside(f".{name}")
            if name != "__wrapped__" and not self._set(value, vars(made).get(name), inner):
                return False
        here, there = live.__globals__, made.__globals__
        for name in sorted(globals_used(live.__code__)):
            if name not in here or name not in there:
                continue
            if not self._same(here[name], there[name], _Place(name)):
                user = live.__qualname__
                reason = f"which {user} uses, is another one in the source that would be saved"
                self._found.append(Difference(name, None, "", here[name], reason))
            self._library(here[name], live)
        return True

    def _set(self, live: Any, made: Any, place: _Place) -> bool:
        """Compare what can be set where it is; return False where it cannot."""
        if self._same(live, made, place):
            return True
        if place.owner is None:
            return False
        self._found.append(Difference(place.path, place.owner, place.target, live))
        return True

    # -- other values -----------------------------------------------------------------------

    def _containers(self, live: Any, made: Any, place: _Place) -> bool:
        if len(live) != len(made):
            return False
        if isinstance(live, set | frozenset):
            plain = all(type(item) in _SCALARS for item in live)
            return not plain or live == made
        if isinstance(live, Mapping):
            if [k for k in live if type(k) in _SCALARS] != [k for k in made if type(k) in _SCALARS]:
                return False
            pairs = [(f"[{key!r}]", live[key], made[key]) for key in live if key in made]
        else:
            pairs = [(f"[{n}]", a, b) for n, (a, b) in enumerate(zip(live, made, strict=True))]
        found = [self._same(a, b, place.inside(text)) for text, a, b in pairs]
        return all(found)

    def _instances(self, live: Any, made: Any, place: _Place) -> bool:
        kind = type(live)
        if isinstance(live, Enum):
            return isinstance(made, Enum) and live.name == made.name
        if not (_is_module(live) or is_own(kind.__module__)):
            return True  # an object of a library: what its state means is not known here
        if is_parametrized(live):
            self._library(kind.__bases__[0], None)
        elif type(made) is not kind and not is_own(kind.__module__):
            return False
        if not self._same(kind, type(made), _Place(kind.__qualname__)):
            return False
        if not _is_module(live) and hasattr(kind, "__getstate__") and _own_state(kind):
            return True
        here, there = getattr(live, "__dict__", {}), getattr(made, "__dict__", {})
        base = place if place.path else _Place(kind.__qualname__)
        other = []
        for name in here:
            if name not in there:
                continue  # what is left out was said
            one, two = here[name], there[name]
            if _is_module(live) and "_hooks" in name and isinstance(one, dict):
                one = {key: hook for key, hook in one.items() if key in two}
                two = dict(two)
            if not self._same(one, two, base.inside(f".{name}")):
                other.append(name)
        if place.owner is not None:
            return not other
        for name in other:
            reason = "would not be the same in the model that is loaded"
            self._found.append(Difference(f"{base.path}.{name}", None, "", here[name], reason))
        return True

    def _shared(self, live: Any, place: _Place) -> None:
        """Look at what both have in common: it is imported, and may not be as its file has it."""
        if (id(live), 0) in self._seen or not isinstance(live, type | FunctionType):
            return
        self._seen.add((id(live), 0))
        if isinstance(live, type) and not is_own(live.__module__):
            self._library(live, None)
        elif is_whole(live):
            for path, reason in whole_modules.changes(live):
                self._found.append(Difference(path, None, "", live, reason))
            for one in whole_modules.functions_of(live):
                for name in sorted(globals_used(one.__code__)):
                    if name in one.__globals__:
                        self._shared(one.__globals__[name], _Place(name))
                        self._library(one.__globals__[name], one)
            for base in live.__mro__[1:] if isinstance(live, type) else ():
                self._shared(base, place)

    def _library(self, value: Any, user: FunctionType | None) -> None:
        names = names_used(user.__code__) if user is not None else frozenset()
        for path, reason in library_patches.patches(value, names):
            if not any(found.path == path for found in self._found):
                self._found.append(Difference(path, None, "", value, reason))


def is_parametrized_class(kind: type) -> bool:
    """Return whether ``torch.nn.utils.parametrize`` has made a class for one module."""
    return kind.__module__ == "torch.nn.utils.parametrize" and kind.__name__.startswith("Parametr")


def _parts_of(value: Any) -> tuple[str, ...] | None:
    """Return the attributes that a wrapper of functions consists of."""
    if isinstance(value, staticmethod | classmethod):
        return ("__func__",)
    if isinstance(value, property):
        return ("fget", "fset", "fdel")
    if isinstance(value, MethodType):
        return ("__func__", "__self__")
    if isinstance(value, functools.partial):
        return ("func", "args", "keywords")
    if isinstance(value, functools.cached_property):
        return ("func",)
    if isinstance(value, functools._lru_cache_wrapper):
        return ("__wrapped__",)
    return None


def _is_module(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _own_state(kind: type) -> bool:
    names = ("__getstate__", "__setstate__", "__reduce__", "__reduce_ex__")
    return any(name in vars(base) for base in kind.__mro__[:-1] for name in names)


def _matters(name: str, value: Any) -> bool:
    """Return whether a class without this attribute is another one."""
    return not (name.startswith("__") and name.endswith("__")) or isinstance(value, FunctionType)


def _content(cell: Any) -> Any:
    try:
        return cell.cell_contents
    except ValueError:
        return None
