"""Names that say that their value is a secret."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

MIN_VALUE = 8  # characters of a variable's value; shorter ones stand in many texts by chance

PRIVATE_WORD = (
    r"(?:passw(?:or)?ds?|passphrase|pwd|secrets?|credentials?|api[_-]?keys?|access[_-]?keys?|"
    r"private[_-]?keys?|account[_-]?key|auth[_-]?key|secret[_-]?keys?|connection[_-]?string|"
    r"[_-]token|(?:access|auth|api|hf|github|bot)token)"
)
# what a text has in it, in small letters, that holds a secret of a known form, or names one
_SIGNS = (
    "://", "akia", "asia", "agpa", "aida", "aroa", "hf_", "ghp_", "gho_", "ghu_", "ghs_", "ghr_",
    "github_pat_", "glpat-", "glsa", "glrt", "gldt", "sk-", "gsk", "r8_", "nvapi", "pplx", "xai-",
    "lsv2", "lin_api", "ntn_", "dckr_pat", "dop_v1", "k_live_", "k_test_", "xox", "hooks.slack.com",
    "aiza", "ya29.", "gocspx-", "pypi-ag", "npm_", "dapi", "sg.", "hvs.", "hvb.", "age-secret-key",
    ":aa", "eyj", "private key",
)  # fmt: skip
_HINTS = ("passw", "passphrase", "pwd", "secret", "credential", "key", "token", "auth", "string",
          "bearer", "basic", "sig=", "code=")  # fmt: skip


def has_known_form(text: str) -> bool:
    """Return whether a text may hold a secret that is known by its form; quick, and never wrong."""
    small = text.lower()
    return any(sign in small for sign in _SIGNS)


def names_secret(text: str) -> bool:
    """Return whether a text may name a secret that it holds; quick, and never wrong."""
    small = text.lower()
    return any(hint in small for hint in _HINTS)


# a number or "id" behind it changes nothing: password2, aws_access_key_id
_PRIVATE = re.compile(
    rf"(?i)(?:{PRIVATE_WORD}(?:[_-]?id|[_-]?\d+)?$|^(?:token|auth|pwd|pass)[_-]?\d*$)"
)
_WEAK = re.compile(r"(?i)(?:token|auth)[_-]?(?:id|\d+)?$")
_STRONG_TOKEN = re.compile(r"(?i)access|auth.|api|bearer|bot|refresh|session|hf|git|hub")
_VOCABULARY = re.compile(r"<[^>]*>|\[[A-Za-z0-9_ ]*\]|\W*")
_PASSWORD_OF_URL = re.compile(r"^[A-Za-z][\w+.-]*://[^\s/@:]*:([^\s/]{6,})@")
_VARIABLE = re.compile(
    r"(?i)(?:token(?!iz)|secret|passw|passphrase|(?:^|_)pwd(?:$|_)|api_?key|access_?key|"
    r"private_?key|credential)"
)


@lru_cache(maxsize=4096)
def is_private(name: str) -> bool:
    """Return whether a name, such as that of a param, says that its value is a secret."""
    return bool(_PRIVATE.search(name))


def is_secret(name: str, value: Any) -> bool:
    """Return whether a value is a secret because of its name.

    None, truth values and empty texts are none. A token may be one of a vocabulary, as in
    ``pad_token = "<pad>"`` and ``if token == "else"``: it is a secret where it looks like one.
    """
    if value is None or isinstance(value, bool) or value == "" or not is_private(name):
        return False
    if not _WEAK.search(name) or _STRONG_TOKEN.search(name):
        return True
    text = str(value).strip()
    is_word = text.isalpha() and text[1:].islower()
    return (
        len(text) >= 8
        and " " not in text
        and not (is_word or text.replace(".", "", 1).isdigit() or _VOCABULARY.fullmatch(text))
    )


@lru_cache(maxsize=4096)
def is_private_variable(name: str) -> bool:
    """Return whether an environment variable of this name holds a secret."""
    return bool(_VARIABLE.search(name))


def secret_variables(variables: Mapping[str, str]) -> set[str]:
    """Return the values of secret variables, and the passwords in those that are URLs."""
    found = set()
    for name, value in variables.items():
        if is_private_variable(name):
            if len(value) >= MIN_VALUE and not value.isdigit() and not Path(value).exists():
                found.add(value)
        elif "://" in value and (match := _PASSWORD_OF_URL.match(value)):
            found.add(match[1])
    return found
