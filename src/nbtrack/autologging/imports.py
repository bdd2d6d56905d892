"""Calling back when a package is imported, now or later, without importing it."""

from __future__ import annotations

import importlib.util
import sys
import threading
from collections.abc import Callable
from importlib.abc import Loader
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

Callback = Callable[[], None]

_waiting: dict[str, dict[str, Callback]] = {}
_looking = threading.local()


def when_imported(package: str, key: str, callback: Callback) -> None:
    """Call back once a package has been imported to its end; at once if it has been already.

    Parameters
    ----------
    package : str
        Its name, such as ``"sklearn"``.
    key : str
        Who asks: one that asks again replaces what it has asked for before.
    callback : callable
        Called without arguments.
    """
    if is_imported(package):
        callback()
        return
    _waiting.setdefault(package, {})[key] = callback
    if not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def no_more(key: str) -> None:
    """Forget what somebody has asked for."""
    for package in list(_waiting):
        _waiting[package].pop(key, None)
        if not _waiting[package]:
            del _waiting[package]


def is_imported(package: str) -> bool:
    """Return whether a package has been imported, to its end."""
    module = sys.modules.get(package)
    spec = getattr(module, "__spec__", None)
    return module is not None and not getattr(spec, "_initializing", False)


class _Finder:
    """Finds the packages that somebody waits for as Python would, and says when they are there."""

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if name not in _waiting or getattr(_looking, "name", None) == name:
            return None
        _looking.name = name
        try:
            spec = importlib.util.find_spec(name)
        finally:
            _looking.name = None
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(Loader):
    """Loads a package with its own loader, which it gives back, and calls back then."""

    def __init__(self, loader: Loader) -> None:
        self._own = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        spec = module.__spec__
        if spec is not None:  # resources and sources are asked of the package's own loader
            spec.loader = module.__loader__ = self._own
        self._own.exec_module(module)
        for callback in _waiting.pop(module.__name__, {}).values():
            callback()
