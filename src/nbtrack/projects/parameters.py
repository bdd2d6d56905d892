"""The typed parameters of an entry point."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.errors import ProjectError

_URI = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")


@dataclass(frozen=True)
class Parameter:
    """A parameter as an ``MLproject`` file declares it.

    Attributes
    ----------
    name : str
    kind : str
        ``string``, ``float``, ``path`` or ``uri``; another one is taken as text.
    default : object
        None where it must be given.
    """

    name: str
    kind: str = "string"
    default: Any = None

    @staticmethod
    def of(name: str, declared: Any) -> Parameter:
        """Return the parameter of a line such as ``lr: float`` or ``lr: {type: float, ...}``.

        Raises
        ------
        ProjectError
            If the line is neither.
        """
        if declared is None:
            return Parameter(name)
        if isinstance(declared, str):
            return Parameter(name, declared.strip().lower())
        if isinstance(declared, Mapping):
            kind = str(declared.get("type") or "string").strip().lower()
            return Parameter(name, kind, declared.get("default"))
        raise ProjectError(
            f"The parameter {name!r} is declared as {declared!r}; write its type, such as "
            f"'{name}: float', or '{name}: {{type: float, default: 0.1}}'.",
            "INVALID_PARAMETER_VALUE",
        )

    def value_of(self, given: Any, folder: Path, storage: Path | None) -> str:
        """Return a value as text, checked.

        Parameters
        ----------
        given : object
        folder : Path
            The project: where paths that are not in the working directory are looked for.
        storage : Path or None
            Where files are downloaded to that a parameter of the type ``path`` names by a URI.

        Raises
        ------
        ProjectError
            If it is not of the type.
        """
        text = str(given)
        if self.kind == "float":
            self._check_number(text)
        elif self.kind == "path":
            return self._path(text, folder, storage)
        elif self.kind == "uri" and not _URI.match(text):
            return str(self._local(text, folder))
        return text

    def _check_number(self, text: str) -> None:
        try:
            float(text)
        except ValueError:
            raise self._error(f"is {text!r}, which is no number (its type is float).") from None

    def _path(self, text: str, folder: Path, storage: Path | None) -> str:
        if not _URI.match(text) or (os.name == "nt" and re.match(r"^[A-Za-z]:[\\/]", text)):
            return str(self._local(text, folder))
        if text.startswith("file:"):
            from urllib.parse import unquote, urlsplit

            return str(self._local(unquote(urlsplit(text).path), folder))
        if storage is None:
            raise self._error(f"is {text!r}, and there is no folder to download it to.")
        from nbtrack.store.artifacts import folder_and_path

        source, path = folder_and_path(text)
        place = storage / self.name
        place.mkdir(parents=True, exist_ok=True)
        return source.download(path, place)

    def _local(self, text: str, folder: Path) -> Path:
        for place in (Path.cwd(), folder):
            found = Path(os.path.abspath(place / os.path.expanduser(text)))
            if found.exists():
                return found
        raise self._error(f"is {text!r}, but there is no such file or folder.")

    def _error(self, what: str) -> ProjectError:
        return ProjectError(f"The parameter {self.name!r} {what}", "INVALID_PARAMETER_VALUE")
