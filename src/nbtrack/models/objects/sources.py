"""Source files made of what cells and modules define, so that it can be made again."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

from nbtrack.models.objects import statements
from nbtrack.models.objects.closure import closure_values
from nbtrack.models.objects.references import is_whole
from nbtrack.models.objects.selection import Selection
from nbtrack.models.objects.source_files import Serialize, SourceFile, SourceFiles


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
        self._files = SourceFiles(serialize, note)
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
            return self._files.add_module(sys.modules[module]), value.__qualname__
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
        return self._files.add_module(module)

    def finish(self) -> dict[str, SourceFile]:
        """Return the files, complete."""
        for piece in self._selections:
            self._files.set_text(piece.file, piece.text())
        return self._files.by_name

    def _selection_for(self, value: Any, *, nested: bool = False) -> Selection:
        name = "" if nested else value.__qualname__.partition(".")[0]
        for piece in self._selections:
            if nested or piece.owner_of(name, value) in (None, value):
                return piece
        taken = len(self._selections)
        file = SourceFile(f"notebook_{taken + 1}" if taken else "notebook", "__main__")
        self._files.by_name[file.name] = file
        self._selections.append(Selection(self._files, file))
        return self._selections[-1]
