"""What must not be given away: secrets, home folders, names of people and hosts."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

HIDDEN = "•••"

_HOME = re.compile(
    r"(?:/home/|/Users/|[A-Za-z]:(?:\\{1,2}|/)Users(?:\\{1,2}|/))[^/\\\s:'\"<>|,;)\]}]+"
    r"|(?<![\w/.])/root(?=[/\s:'\"]|$)"
)
_TOKENS = re.compile(
    "|".join((
        r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{12,}",  # AWS
        r"\bhf_[A-Za-z0-9]{8,}",  # Hugging Face
        r"\bgh[pousr]_[A-Za-z0-9]{8,}|\bgithub_pat_[A-Za-z0-9_]{8,}",
        r"\bglpat-[\w-]{8,}",  # GitLab
        r"\bsk-[A-Za-z0-9_-]{8,}",  # OpenAI, Anthropic
        r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{8,}",  # Stripe
        r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}",  # Slack
        r"\bAIza[\w-]{20,}|\bya29\.[\w-]{10,}",  # Google
        r"\bpypi-[\w-]{16,}|\bnpm_[A-Za-z0-9]{16,}",
        r"\bdapi[a-f0-9]{16,}",  # Databricks
        r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?",  # JSON web token
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    )),
    re.DOTALL,
)  # fmt: skip
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}")
_URL_LOGIN = re.compile(r"(\b[A-Za-z][\w+.-]*://)[^\s/@'\"]+@")
_URL_QUERY = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:token|key|secret|signature|credential|password)|sig|auth|code)=)[^&\s'\"#]+"
)
_PRIVATE_WORD = (
    r"(?:passw(?:or)?d|passphrase|pwd|secret|credentials?|api[_-]?key|access[_-]?key|"
    r"private[_-]?key|account[_-]?key|auth[_-]?key|[_-]token|(?:access|auth|api|hf|github|bot)token)"
)
_PRIVATE_NAME = re.compile(rf"(?i)(?:{_PRIVATE_WORD}(?:[_-]?id)?$|^(?:token|auth|pwd|pass)$)")
_ASSIGNED = re.compile(
    rf"(?i)((?:\b[\w.-]*{_PRIVATE_WORD}|\b(?:token|auth))['\"]?\]?\s*(?:=(?!=)|:(?!//))\s*)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;)'\"\]}]+)"
)
_DENSE = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{28,}={0,2}(?![\w+/=.-])")
_WORDS = re.compile(r"[A-Z][a-z]{3,}")
_PRIVATE_VARIABLE = re.compile(
    r"(?i)(?:token|secret|passw|passphrase|api_?key|access_?key|credential)"
)

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
        values = {
            value
            for name, value in variables.items()
            if _PRIVATE_VARIABLE.search(name) and len(value) >= 8 and not value.isdigit()
        }
        self._values = sorted(values, key=len, reverse=True)
        homes = {str(Path.home()), variables.get("HOME", ""), variables.get("USERPROFILE", "")}
        self._homes = sorted((h for h in homes if len(h) > 3), key=len, reverse=True)
        known = {name for name in names if len(name) >= 3 and name.lower() not in _NOBODY}
        parts = sorted({*known, *_short_hosts(known)}, key=len, reverse=True)
        words = "|".join(map(re.escape, parts))
        self._names = re.compile(rf"(?<![A-Za-z0-9])(?:{words})(?![A-Za-z0-9])") if words else None

    def text(self, text: str) -> str:
        """Return a text without what must not be given away."""
        for value in self._values:
            text = text.replace(value, HIDDEN)
        for home in self._homes:
            text = re.sub(rf"{re.escape(home)}(?![\w.-])", "~", text)
        text = _HOME.sub("~", text)
        text = _TOKENS.sub(HIDDEN, text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        text = _URL_LOGIN.sub(rf"\1{HIDDEN}@", text)
        text = _URL_QUERY.sub(rf"\1{HIDDEN}", text)
        text = _ASSIGNED.sub(_hide_assigned, text)
        text = _DENSE.sub(_hide_dense, text)
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


def is_private(name: str) -> bool:
    """Return whether a name, such as that of a param, says that its value is a secret."""
    return bool(_PRIVATE_NAME.search(name))


def _hide_assigned(found: re.Match[str]) -> str:
    quote = found[2][0] if found[2][0] in "'\"" else ""
    return f"{found[1]}{quote}{HIDDEN}{quote}"


def _hide_dense(found: re.Match[str]) -> str:
    """Hide what is as dense as a key: names and paths are not, and digests have no capitals."""
    text = found[0]
    mixed = all(
        any(test(sign) for sign in text) for test in (str.isupper, str.islower, str.isdigit)
    )
    if not mixed:
        return text
    counts = Counter(text)
    bits = -sum(n / len(text) * math.log2(n / len(text)) for n in counts.values())
    switches = sum(a.isupper() != b.isupper() for a, b in pairwise(text))
    words = sum(len(word) for word in _WORDS.findall(text))
    return HIDDEN if bits > 3.7 and switches > len(text) / 5 and words < len(text) / 2 else text


def _short_hosts(names: Iterable[str]) -> set[str]:
    """Return the first parts of hosts' full names."""
    firsts = {name.split(".")[0] for name in names if "." in name}
    return {first for first in firsts if len(first) >= 3 and first.lower() not in _NOBODY}
