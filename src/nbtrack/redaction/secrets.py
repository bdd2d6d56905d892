"""Secrets in texts: what they look like, what they are assigned to, and those of this process."""

from __future__ import annotations

import math
import os
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any

from nbtrack.redaction.names import (
    PRIVATE_WORD,
    has_known_form,
    is_secret,
    names_secret,
    secret_variables,
)
from nbtrack.variables import REDACT

HIDDEN = "•••"
"""What stands where a secret was."""

MIN_GIVEN = 6
LONG = 12  # a value that is so long is a secret also inside of a longer word

_TOKENS = re.compile(
    "|".join((
        r"\b(?:AKIA|ASIA|AGPA|AIDA|AROA)[A-Z0-9]{12,}",  # AWS
        r"\bhf_(?=[A-Za-z0-9]*[A-Z])[A-Za-z0-9]{12,}|\bhf_[A-Za-z0-9]{30,}",  # Hugging Face
        r"\bgh[pousr]_[A-Za-z0-9]{8,}|\bgithub_pat_[A-Za-z0-9_]{8,}",
        r"\bglpat-[\w-]{8,}|\bgl(?:sa|rt|dt)[_-][\w-]{20,}",  # GitLab, Grafana
        r"\bsk-(?:proj|ant|or|svcacct|admin)-[\w-]{8,}",  # OpenAI, Anthropic, OpenRouter
        r"\bsk-(?:(?=[\w-]*\d)(?=[\w-]*[A-Z])[\w-]{16,}|(?=[a-z]*\d)[A-Za-z0-9]{20,})",
        r"\b(?:gsk|r8|nvapi|pplx|xai|lsv2_pt|lsv2_sk|lin_api|ntn|dckr_pat|dop_v1)[_-][\w-]{20,}",
        r"\b[srp]k_(?:live|test)_[A-Za-z0-9]{8,}",  # Stripe
        r"\bxox[abeoprs]-[A-Za-z0-9-]{8,}|hooks\.slack\.com/services/[\w/]{12,}",
        r"\bAIza[\w-]{20,}|\bya29\.[\w-]{10,}|\bGOCSPX-[\w-]{20,}",  # Google
        r"\bpypi-Ag[\w-]{16,}|\bnpm_[A-Za-z0-9]{16,}",
        r"\bdapi[a-f0-9]{16,}",  # Databricks
        r"\bSG\.[\w-]{16,}\.[\w-]{16,}|\bSK[0-9a-f]{32}\b",  # SendGrid, Twilio
        r"\bhv[sb]\.[\w-]{20,}|\bAGE-SECRET-KEY-1[A-Z0-9]{20,}",  # Vault, age
        r"\b\d{8,10}:AA[\w-]{32,}",  # Telegram
        r"\beyJ[\w-]{6,}\.[\w-]{6,}(?:\.[\w-]*)?",  # JSON web token
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)",
    )),
    re.DOTALL,
)  # fmt: skip
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+(?=\S*[\d=])[\w.~+/=-]{8,}")
_URL_LOGIN = re.compile(
    r"(\b[A-Za-z][\w+.-]*://)(?:[^\s/@'\":]*:[^\s/'\"]+|[^\s/@'\":]{20,})@(?=[\w\[\ufffd])"
)
_URL_QUERY = re.compile(
    r"(?i)([?&](?:[\w.-]*(?:token|key|secret|signature|credential|password)|sig|auth|code)=)"
    r"(?!•)[^&\s'\"#]+"
)
_ASSIGNED = re.compile(
    rf"(?i)((?:{PRIVATE_WORD}\d*|\b(?:token|auth))['\"]?\]?\s*(?:=(?!=)|:(?!//|:))\s*)"
    r"(\"[^\"\n]*\"|'[^'\n]*'|[^\s,;)'\"\]}]+)"
)
_OPTION = re.compile(
    r"(?i)((?<![\w-])--?(?:[\w-]*[_-])?(?:passw(?:or)?d|passphrase|secret|token|api[_-]?key|"
    r"access[_-]?key|secret[_-]?key|private[_-]?key)\d*(?:=|\s+))"
    r"(\"[^\"\n]*\"|'[^'\n]*'|(?!-)\S+)"
)
_DENSE = re.compile(r"(?<![\w+/=.-])[A-Za-z0-9+/_-]{28,}={0,2}(?![\w+/=.-])")
_CAPITALIZED = re.compile(r"[A-Z][a-z]{3,}")
_NAME = re.compile(r"[\w.-]*$")
_WORD = re.compile(r"[\w.-]+")
_CODE = re.compile(r"[\w.]*[(\[{<].*|str|bytes|int|float|bool|None|True|False", re.DOTALL)


def is_wanted() -> bool:
    """Return whether secrets are taken out when something is captured; ``NBTRACK_REDACT``."""
    return REDACT.get()


class Secrets:
    """Takes secrets out of texts.

    The known forms of tokens and private keys, credentials in URLs, what is assigned to names such
    as ``password``, the values of this process's secret environment variables, and given values.

    Parameters
    ----------
    environment : mapping, optional
        By default that of this process.
    values : iterable of str
        Further secrets; those of less than six characters are left alone.
    dense : bool
        Whether long texts that are as dense as keys go, too.

    Examples
    --------
    >>> from nbtrack.redaction.secrets import Secrets
    >>> Secrets(environment={}).text("postgresql://me:hunter2@db/runs")
    'postgresql://•••@db/runs'
    """

    def __init__(
        self,
        environment: Mapping[str, str] | None = None,
        values: Iterable[str] = (),
        *,
        dense: bool = False,
    ) -> None:
        known = secret_variables(os.environ if environment is None else environment)
        known |= {value for value in values if len(value) >= MIN_GIVEN and value != HIDDEN}
        self._values = sorted(known, key=len, reverse=True)
        words = "|".join(re.escape(value) for value in self._values if len(value) < LONG)
        self._words = re.compile(rf"(?<!\w)(?:{words})(?!\w)") if words else None
        self._dense = dense

    def value(self, text: str) -> str:
        """Return a text without secrets that are known by their form, or by their value."""
        for value in self._values:
            if len(value) >= LONG:
                text = text.replace(value, HIDDEN)
        if self._words:
            text = self._words.sub(HIDDEN, text)
        if not has_known_form(text):
            return text
        text = _TOKENS.sub(HIDDEN, text)
        if "://" in text:
            text = _URL_LOGIN.sub(rf"\1{HIDDEN}@", text)
            text = _URL_QUERY.sub(rf"\1{HIDDEN}", text)
        return text

    def named(self, name: str, text: str) -> str:
        """Return the value of a param or a tag without secrets, those by its name included."""
        return HIDDEN if text != HIDDEN and is_secret(name, text) else self.text(text)

    def text(self, text: str) -> str:
        """Return a text without secrets, also those that names in it tell."""
        text = self.value(text)
        if names_secret(text):
            lines = text.splitlines(keepends=True)
            text = "".join(_without_named(line) if names_secret(line) else line for line in lines)
        return _DENSE.sub(_hide_dense, text) if self._dense else text


def _without_named(line: str) -> str:
    line = _BEARER.sub(rf"\1 {HIDDEN}", line)
    line = _URL_QUERY.sub(rf"\1{HIDDEN}", line)
    return _ASSIGNED.sub(_hide_assigned, _OPTION.sub(_hide_assigned, line))


def secrets_in_scope(namespace: Mapping[str, Any]) -> set[str]:
    """Return the texts of variables, and in dicts, whose names say that they are secrets.

    Parameters
    ----------
    namespace : mapping of str to object
        Variables, such as those of a notebook or of a frame.
    """
    found: set[str] = set()
    for name, value in list(namespace.items()):
        kind = type(value)  # isinstance would ask the object, which may answer with an error
        if issubclass(kind, dict) and dict.__len__(value) <= 100:
            items = list(dict.items(value))
        elif issubclass(kind, str):
            items = [(name, value)]
        else:
            continue
        for key, item in items:
            if issubclass(type(key), str) and issubclass(type(item), str):
                text = str.__str__(item)  # without the methods of a class that inherits from it
                if is_secret(str.__str__(key), text):
                    found.add(text)
    return found


def _hide_assigned(found: re.Match[str]) -> str:
    before, value = found[1], found[2]
    quote = value[0] if value[0] in "'\"" else ""
    bare = value.strip(quote) if quote else value
    start = _NAME.search(found.string, max(0, found.start() - 80), found.start())
    word = _WORD.search(before)
    name = (start[0] if start else "") + (word[0] if word else "")
    if not is_secret(name.rpartition(".")[2], bare) or bare.startswith(HIDDEN):
        return found[0]
    if not quote and _CODE.fullmatch(bare):
        return found[0]
    return f"{before}{quote}{HIDDEN}{quote}"


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
    words = sum(len(word) for word in _CAPITALIZED.findall(text))
    return HIDDEN if bits > 3.7 and switches > len(text) / 5 and words < len(text) / 2 else text
