"""Cutting a filter into tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

from nbtrack.errors import InvalidParameterError

KEYWORDS = frozenset({"AND", "OR", "NOT", "IN", "IS", "NULL", "LIKE", "ILIKE", "ASC", "DESC"})

_QUOTED = r'`(?:[^`]|``)*`|"(?:[^"]|"")*"'
_TOKEN = re.compile(
    rf"""
    (?P<space>\s+)
  | (?P<number>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?(?![\w.]))
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>{_QUOTED})
  | (?P<operator>[=<>!]+)
  | (?P<mark>[(),])
  | (?P<path>[^\W\d]\w*\.(?:(?:{_QUOTED})(?:\.\w+)?|[\w./:\-]+))
  | (?P<word>[^\W\d]\w*)
    """,
    re.VERBOSE,
)
_QUOTED_KEY = re.compile(rf"({_QUOTED})(?:\.(\w+))?")


@dataclass(frozen=True)
class Token:
    """A piece of a filter: ``kind`` is a group of the pattern above, or ``keyword``."""

    kind: str
    text: str
    start: int


def tokenize(text: str) -> list[Token]:
    """Return the tokens of a filter or of an ``order_by`` entry.

    Raises
    ------
    InvalidParameterError
        At the first character that begins no token.
    """
    check_text(text)
    tokens = []
    position = 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise InvalidParameterError(
                f"Invalid clause(s) in filter string: {text[position:]!r}. "
                f"Nothing can begin with {text[position]!r} here; is a quote not closed?"
            )
        kind = match.lastgroup or ""
        piece = match.group()
        if kind == "word" and piece.upper() in KEYWORDS:
            tokens.append(Token("keyword", piece.upper(), position))
        elif kind != "space":
            tokens.append(Token(kind, piece, position))
        position = match.end()
    return tokens


def check_text(text: object) -> None:
    """Refuse what is no text, or text that no database can hold."""
    if not isinstance(text, str):
        raise InvalidParameterError(
            f"A filter or order is text, not {type(text).__name__}: {text!r}"
        )
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        raise InvalidParameterError(
            f"Invalid clause(s) in filter string: {text!r} is not valid Unicode."
        ) from None


def unquote(text: str) -> str:
    """Return quoted text without its quotes; a doubled quote inside stands for one."""
    quote = text[0]
    return text[1:-1].replace(quote * 2, quote)


def split_path(text: str) -> tuple[str, str, str | None, bool]:
    """Return entity, key, suffix and whether the key was quoted, of ``entity.key``."""
    entity, _, key = text.partition(".")
    if quoted := _QUOTED_KEY.fullmatch(key):
        return entity, unquote(quoted[1]), quoted[2], True
    return entity, key, None, False
