"""Modules made of a model's saved source, in a process where the originals are not."""

from __future__ import annotations

import builtins
import importlib
import importlib.abc
import importlib.machinery
import linecache
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

from nbtrack.models.objects.source_files import VALUE

Value = Callable[[str, str], Any]


class SavedModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The modules of one model: imported below a package that is named after their content.

    Parameters
    ----------
    name : str
        The package, such as ``nbtrack_model_1f2e3d``.
    files : dict of str to dict
        The record of each file, by its dotted name: ``path``, ``package``, ``whole``.
    texts : dict of str to str
        The sources, by path.
    place : str
        Where the sources lie, for tracebacks.
    value : callable
        ``value(file, name)`` returns what ``saved_value(name)`` is in a file.
    """

    def __init__(
        self,
        name: str,
        files: dict[str, Any],
        texts: dict[str, str],
        place: str,
        value: Value,
    ) -> None:
        self.name = name
        self._files = files
        self._texts = texts
        self._place = place.rstrip("/")
        self._value = value
        self._tops = {file.partition(".")[0] for file in files}

    def install(self) -> None:
        """Let Python's import find the modules."""
        if self.name in sys.modules:
            return  # a model with the same source is here already
        sys.meta_path.append(self)
        package = ModuleType(self.name, "The source that a saved model came with.")
        package.__path__ = []
        sys.modules[self.name] = package

    def forget(self) -> None:
        """Take the modules out of the process; what was made of them lives on."""
        if self in sys.meta_path:
            sys.meta_path.remove(self)
        for name in [n for n in sys.modules if n == self.name or n.startswith(f"{self.name}.")]:
            del sys.modules[name]
        for record in self._files.values():
            linecache.cache.pop(f"{self._place}/{record['path']}", None)

    def module(self, file: str) -> ModuleType:
        """Return the module of a file, executed at its first use."""
        return importlib.import_module(f"{self.name}.{file}")

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the spec of one of the modules; see ``importlib.abc.MetaPathFinder``."""
        first, _, file = fullname.partition(".")
        if first != self.name or not file:
            return None
        record = self._files.get(file)
        if record is None:
            if not any(known.startswith(file + ".") for known in self._files):
                return None
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        place = f"{self._place}/{record['path']}"
        spec = importlib.machinery.ModuleSpec(
            fullname, self, origin=place, is_package=bool(record["package"])
        )
        spec.has_location = True
        return spec

    def exec_module(self, module: ModuleType) -> None:
        """Execute the saved source in a module."""
        file = module.__name__.partition(".")[2]
        record = self._files.get(file)
        if record is None:
            return
        text = self._texts[record["path"]]
        place = f"{self._place}/{record['path']}"
        # kept, so that tracebacks and a later save find it when the folder is gone
        linecache.cache[place] = (len(text), None, text.splitlines(keepends=True), place)
        namespace = vars(module)
        namespace["__nbtrack_whole__"] = bool(record["whole"])
        namespace["__builtins__"] = {**vars(builtins), "__import__": self._import}
        if not record["whole"]:
            namespace[VALUE] = lambda name: self._value(file, name)
        exec(compile(text, place, "exec", dont_inherit=True), namespace)  # noqa: S102  trust was asked for

    def _import(
        self,
        name: str,
        globals: Any = None,
        locals: Any = None,
        fromlist: Any = (),
        level: int = 0,
    ) -> Any:
        """Import for the saved source: its own modules come before those of the process."""
        top = name.partition(".")[0]
        if level or top not in self._tops:
            return builtins.__import__(name, globals, locals, fromlist, level)
        inner = importlib.import_module(f"{self.name}.{name}")
        if not fromlist:
            return importlib.import_module(f"{self.name}.{top}")
        for attribute in fromlist:
            if f"{name}.{attribute}" in self._files and not hasattr(inner, attribute):
                importlib.import_module(f"{self.name}.{name}.{attribute}")
        return inner
