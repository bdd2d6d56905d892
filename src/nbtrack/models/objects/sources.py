"""Source files made of what cells and modules define, so that it can be made again."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbtrack.models.objects import statements
from nbtrack.models.objects.closure import closure_values
from nbtrack.models.objects.references import is_file, is_own, is_whole, original_name
from nbtrack.models.objects.selection import Selection
from nbtrack.models.objects.source_file import SourceFile
from nbtrack.redaction.secrets import Secrets, is_wanted
from nbtrack.redaction.source import clean_source

Serialize = Callable[[Any, str], Any]


class Sources:
    """Collects the source of functions and classes that no installed package has.

    Parameters
    ----------
    serialize : callable
        ``serialize(value, where)`` returns the serialized form of a value that is no literal.
    note : callable
        Told what had to be left out.
    """

    def __init__(self, serialize: Serialize, note: Callable[[str], None]) -> None:
        self.files: dict[str, SourceFile] = {}
        self._serialize = serialize
        self._note = note
        self._selections: list[Selection] = []

    def add(self, value: Any) -> tuple[str, str]:
        """Keep the source of a function or a class; return its file and its name there.

        Raises
        ------
        InvalidParameterError
            If its source is not known.
        """
        module = str(getattr(value, "__module__", "__main__"))
        if not statements.is_nested(value) and is_whole(value):
            return self.add_module(sys.modules[module]), value.__qualname__
        return self._selection_for(value).add(value)

    def add_factory(self, value: Any) -> tuple[str, str, dict[str, Any]]:
        """Keep a lambda, or what was defined inside of a function.

        Returns
        -------
        file, name : str
            A function there makes it anew from the variables around it.
        variables : dict
            Their values now.
        """
        free = statements.free_values(value)
        free |= closure_values(value, free)
        file, name = self._selection_for(value, nested=True).add_factory(value, free)
        return file, name, free

    def add_module(self, module: ModuleType) -> str:
        """Keep a module of the user's own as it is, with those that it imports; return its file."""
        name = original_name(module.__name__)
        if name in self.files:
            return name
        package = hasattr(module, "__path__")
        kept = self.files[name] = SourceFile(name, name, package, whole=True)
        kept.text, left_out = without_secrets(statements.text_of(module))
        self._note_secrets(left_out)
        parent = module.__name__.rpartition(".")[0]
        if getattr(sys.modules.get(parent), "__file__", None):
            self.add_module(sys.modules[parent])
        for other in _imports_of(kept.text, module.__name__, package=package):
            if is_own(other) and is_file(other):
                self.add_module(sys.modules[other])
        return name

    def finish(self) -> dict[str, SourceFile]:
        """Return the files, complete."""
        for piece in self._selections:
            piece.file.text, left_out = without_secrets(piece.text())
            self._note_secrets(left_out)
        return self.files

    def _note_secrets(self, names: tuple[str, ...]) -> None:
        if names:
            self._note(
                f"secrets in its source ({', '.join(names)}): loading reads the environment "
                "variables of these names, or asks"
            )

    def _selection_for(self, value: Any, *, nested: bool = False) -> Selection:
        name = "" if nested else value.__qualname__.partition(".")[0]
        for piece in self._selections:
            if nested or piece.owner_of(name, value) in (None, value):
                return piece
        taken = len(self._selections)
        file = SourceFile(f"notebook_{taken + 1}" if taken else "notebook", "__main__")
        self.files[file.name] = file
        self._selections.append(Selection(self, file))
        return self._selections[-1]

    def serialize(self, value: Any, where: str) -> Any:
        """Return the serialized form of a value."""
        return self._serialize(value, where)

    def note(self, text: str) -> None:
        """Say what had to be left out."""
        self._note(text)


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
