"""What must not be given away: secrets, home folders, names of people and hosts."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nbtrack.redaction.names import is_private
from nbtrack.redaction.secrets import HIDDEN, Secrets

_HOME = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/))[^/\\\s:'\"<>|,;)\]}]+"
    r"|(?<![\w/.])/root(?=[/\s:'\"]|$)"
)
_URL_LOGIN = re.compile(r"(\b[A-Za-z][\w+.-]*://)[^\s/@'\"]+@")

# names of accounts that say nothing about a person and stand in many texts
_NOBODY = frozenset({
    "admin", "administrator", "codespace", "coder", "default", "docker", "guest", "jovyan",
    "jupyter", "mambauser", "none", "null", "nobody", "notebook", "python", "root", "runner",
    "system", "test", "ubuntu", "unknown", "user", "vscode", "work", "worker", "local", "localhost",
})  # fmt: skip


class Redaction:
    """Takes out of texts what must not be given away.

    Known forms of tokens, what is assigned to names such as ``password``, credentials in URLs,
    long texts that are as dense as keys, home folders, the values of this process's secret
    environment variables, and the given names of people and hosts.

    Parameters
    ----------
    names : iterable of str
        Users and hosts.
    environment : mapping, optional
        By default that of this process.
    """

    def __init__(
        self, names: Iterable[str] = (), environment: Mapping[str, str] | None = None
    ) -> None:
        variables = os.environ if environment is None else environment
        self._secrets = Secrets(variables, dense=True)
        homes = {str(Path.home()), variables.get("HOME", ""), variables.get("USERPROFILE", "")}
        self._homes = sorted((h for h in homes if len(h) > 3), key=len, reverse=True)
        known = {name for name in names if len(name) >= 3 and name.lower() not in _NOBODY}
        parts = sorted({*known, *_short_hosts(known)}, key=len, reverse=True)
        words = "|".join(map(re.escape, parts))
        self._names = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])") if words else None

    def text(self, text: str) -> str:
        """Return a text without what must not be given away."""
        text = _URL_LOGIN.sub(rf"\1{HIDDEN}@", self._secrets.text(text))
        for home in self._homes:
            text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
        text = _HOME.sub("~", text)
        return self._names.sub(HIDDEN, text) if self._names else text

    def json(self, value: Any) -> Any:
        """Return plain JSON without what must not be given away.

        What belongs to a private name, as the value of a dict or the second of a pair, is
        hidden whatever it is.
        """
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {
                self.text(str(key)): self._hidden(item) if is_private(str(key)) else self.json(item)
                for key, item in value.items()
            }
        if isinstance(value, (list, tuple)):
            if len(value) == 2 and isinstance(value[0], str) and is_private(value[0]):
                return [self.text(value[0]), self._hidden(value[1])]
            return [self.json(item) for item in value]
        return value

    def _hidden(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self._hidden(item) for item in value]
        if value is None or value == "" or isinstance(value, (bool, dict)):
            return self.json(value)
        return HIDDEN


def _short_hosts(names: Iterable[str]) -> set[str]:
    """Return the first parts of hosts' full names."""
    firsts = {name.split(".")[0] for name in names if "." in name}
    return {first for first in firsts if len(first) >= 3 and first.lower() not in _NOBODY}
