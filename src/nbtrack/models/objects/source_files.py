"""Files of captured source: modules as they are, and what is chosen of a notebook."""

from __future__ import annotations

import ast
import contextlib
import importlib.util
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from nbtrack.models.objects import statements
from nbtrack.models.objects.references import is_file, is_own, original_name
from nbtrack.redaction.secrets import Secrets, is_wanted
from nbtrack.redaction.source import clean_source

Serialize = Callable[[Any, str], Any]

VALUE = "saved_value"
"""The function by which a file asks for a value that is no literal."""


@dataclass
class SourceFile:
    """One file of captured source.

    Attributes
    ----------
    name : str
        The dotted name under which it is imported again, such as ``notebook``.
    origin : str
        The module that it was taken from.
    package : bool
    whole : bool
        Whether it is a module's file as it is, not a choice of statements.
    text : str
        Without secrets.
    written : str
        As it was written.
    values : dict
        Serialized values of names that the text asks for by ``saved_value("name")``.
    """

    name: str
    origin: str
    package: bool = False
    whole: bool = False
    text: str = ""
    written: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The relative path of the file."""
        folder = self.name.replace(".", "/")
        return f"{folder}/__init__.py" if self.package else f"{folder}.py"


class SourceFiles:
    """Collects files of source.

    Parameters
    ----------
    serialize : callable
        ``serialize(value, where)`` returns the serialized form of a value that is no literal.
    note : callable
        Told what had to be left out.
    """

    def __init__(self, serialize: Serialize, note: Callable[[str], None]) -> None:
        self.by_name: dict[str, SourceFile] = {}
        self.serialize = serialize
        self.note = note

    def add_module(self, module: ModuleType) -> str:
        """Keep a module of the user's own as it is, with those that it imports; return its file."""
        name = original_name(module.__name__)
        if name in self.by_name:
            return name
        package = hasattr(module, "__path__")
        kept = self.by_name[name] = SourceFile(name, name, package, whole=True)
        self.set_text(kept, statements.text_of(module))
        parent = module.__name__.rpartition(".")[0]
        if getattr(sys.modules.get(parent), "__file__", None):
            self.add_module(sys.modules[parent])
        for other in _imports_of(kept.text, module.__name__, package=package):
            if is_own(other) and is_file(other):
                self.add_module(sys.modules[other])
        return name

    def set_text(self, file: SourceFile, text: str) -> None:
        """Set the text of a file, without secrets, and note what was taken out."""
        file.written = text
        file.text, left_out = without_secrets(text)
        if left_out:
            self.note(
                f"secrets in its source ({', '.join(left_out)}): loading reads the environment "
                "variables of these names, or asks"
            )


def imported_files(text: str) -> list[str]:
    """Return the files and packages of the user's own that source imports, also indirectly."""
    found = SourceFiles(lambda value, where: None, lambda note: None)
    for name in sorted(_imports_of(text, "__main__", package=False)):
        with contextlib.suppress(ImportError):
            if importlib.util.find_spec(name) is not None:
                importlib.import_module(name)
        if is_own(name) and is_file(name):
            found.add_module(sys.modules[name])
    tops = {name.partition(".")[0]: sys.modules[name.partition(".")[0]] for name in found.by_name}
    files = [str(module.__file__) for module in tops.values()]
    return [str(Path(file).parent) if file.endswith("__init__.py") else file for file in files]


def without_secrets(text: str) -> tuple[str, tuple[str, ...]]:
    """Return source as it may be kept, and what was taken out of it."""
    if not is_wanted():
        return text, ()
    clean = clean_source(text, Secrets())
    return clean.text, clean.left_out


def _imports_of(text: str, name: str, *, package: bool) -> set[str]:
    """Return the modules that a module's source imports, by their full names."""
    try:
        tree = ast.parse(text)
    except SyntaxError:
        return set()
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parts = name.split(".")
                parts = parts[: len(parts) - node.level + (1 if package else 0)]
                base = ".".join([*parts, *([base] if base else [])])
            found |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
    return {module for whole in found for module in _with_parents(whole)}


def _with_parents(name: str) -> set[str]:
    parts = name.split(".")
    return {".".join(parts[: end + 1]) for end in range(len(parts))}
