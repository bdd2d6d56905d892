"""What a project can run: the entry points of its ``MLproject``, and its scripts and notebooks."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbtrack.errors import ProjectError

_URI = re.compile(r"^[A-Za-z][A-Za-z0-9+.-]+:")
_PROGRAMS = {".py": "python", ".sh": "bash", ".R": "Rscript", ".r": "Rscript"}
NOTEBOOK = ".ipynb"
RUNNABLE = (*_PROGRAMS, NOTEBOOK)
_PLACE = re.compile(r"\{\{|\}\}|(?<!\$)\{([A-Za-z_][\w.-]*)\}")
_IN_DOUBLE = re.compile(r'([\\"$`])')


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


@dataclass(frozen=True)
class EntryPoint:
    """One thing that a project can run.

    Attributes
    ----------
    name : str
    command : str
        With ``{name}`` where values belong; the path of a notebook for one.
    parameters : dict of str to Parameter
    """

    name: str
    command: str
    parameters: dict[str, Parameter] = field(default_factory=dict)

    @property
    def notebook(self) -> str | None:
        """The path of the notebook that it is, or None."""
        words = self.command.strip()
        return words if words.endswith(NOTEBOOK) and "{" not in words else None

    def values(
        self, given: Mapping[str, Any], folder: Path, storage: Path | None
    ) -> dict[str, str]:
        """Return the values of all parameters: declared ones in their order, then others.

        Raises
        ------
        ProjectError
            If one is missing, or not of its type.
        """
        missing = [
            name
            for name, known in self.parameters.items()
            if known.default is None and given.get(name) is None
        ]
        if missing:
            names = ", ".join(map(repr, missing))
            raise ProjectError(
                f"The entry point {self.name!r} needs values for: {names}. Give each with "
                f"-P NAME=VALUE.",
                "INVALID_PARAMETER_VALUE",
            )
        found = {}
        for name, known in self.parameters.items():
            value = given.get(name)
            value = known.default if value is None else value
            found[name] = known.value_of(value, folder, storage)
        return {**found, **{k: str(v) for k, v in given.items() if k not in found}}

    def command_for(self, values: Mapping[str, str]) -> str:
        """Return the command for a shell; what is not declared follows as ``--name value``."""
        filled = fill_in(self.command, values)
        extra = {k: v for k, v in values.items() if k not in self.parameters}
        named = {k for k in extra if f"{{{k}}}" in self.command}
        words = extra_words({k: v for k, v in extra.items() if k not in named})
        return f"{filled} {words}" if words else filled


def script(path: str) -> EntryPoint | None:
    """Return the entry point that a script or a notebook is, or None where it is none."""
    if path.endswith(NOTEBOOK):
        return EntryPoint(path, path)
    program = _PROGRAMS.get(Path(path).suffix)
    if program is None:
        return None
    # braces in a file's name are no places for values
    name = shlex.quote(path).replace("{", "{{").replace("}", "}}")
    return EntryPoint(path, f"{program} {name}")


def scripts_in(folder: Path) -> list[str]:
    """Return the scripts and notebooks that lie in a folder, for messages."""
    return sorted(p.name for p in folder.iterdir() if p.is_file() and p.suffix in RUNNABLE)


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """Return a command with ``{name}`` replaced by values.

    A value is one word for the shell wherever it stands, also inside quotes of the template; it
    is never a command. ``{{`` and ``}}`` are braces, and ``${name}`` stays the shell's.

    Raises
    ------
    ProjectError
        If the template names something that has no value.
    """
    parts: list[str] = []
    at = 0
    quote = ""
    for found in _PLACE.finditer(template):
        text = template[at : found.start()]
        quote = _quote_after(text, quote)
        parts.append(text)
        at = found.end()
        name = found.group(1)
        if name is None:
            parts.append(found.group()[0])
        elif name in values:
            parts.append(_quoted(values[name], quote))
        else:
            raise ProjectError(
                f"The command {template!r} names {{{name}}}, which is no parameter of the entry "
                "point and was not given. Give it with -P, or write {{ and }} for braces.",
                "INVALID_PARAMETER_VALUE",
            )
    parts.append(template[at:])
    return "".join(parts)


def extra_words(values: Mapping[str, str]) -> str:
    """Return params that a command does not name as ``--name value`` words."""
    return " ".join(f"{_word(f'--{name}')} {_word(value)}" for name, value in values.items())


def _word(text: str) -> str:
    return shlex.quote(text)


def _quote_after(text: str, quote: str) -> str:
    """Return the quote that is open after a piece of shell text; ``""`` where none is."""
    place = 0
    while place < len(text):
        char = text[place]
        if char == "\\" and quote != "'":
            place += 1
        elif not quote and char in "'\"":
            quote = char
        elif char == quote:
            quote = ""
        place += 1
    return quote


def _quoted(value: str, quote: str) -> str:
    if quote == '"':
        return _IN_DOUBLE.sub(r"\\\1", value)
    if quote == "'":
        return value.replace("'", "'\\''")
    return _word(value)
