"""The command of an entry point, with values put in so that a shell takes them as they are."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from nbtrack.errors import ProjectError

_PLACE = re.compile(r"\{\{|\}\}|(?<!\$)\{([A-Za-z_][\w.-]*)\}")
_IN_DOUBLE = re.compile(r'([\\"$`])')


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
