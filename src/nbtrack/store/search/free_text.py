"""Free text, searched for in names, or a filter; and a filter, or the beginning of one."""

from __future__ import annotations

import re
from collections.abc import Iterator

from nbtrack.errors import InvalidParameterError
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.tokens import KEYWORDS
from nbtrack.store.search.vocabulary import RUNS

_PREFIXED = r"(?:metrics?|params?|parameters?|tags?|attributes?|datasets?)\."
_ATTRIBUTE = "|".join(map(re.escape, sorted(RUNS.attributes, key=len, reverse=True)))
_WORDED = r"(?:(?:not\s+)?in\s*\(|i?like\s+['\"]|is\s+(?:not\s+)?null\b)"
_EXPRESSION = re.compile(
    rf"""
    [=<>]                                        # an operator
  | (?:^|[\s(]){_PREFIXED}\S                     # metrics.loss, params.`x`
  | (?:^|[\s(.])(?:{_ATTRIBUTE})\s+{_WORDED}  # status in (...)
    """,
    re.IGNORECASE | re.VERBOSE,
)

_LONGEST = 1000
_WORD = re.compile(r"[^\W\d]\w*$")
_BEGUN_KEY = re.compile(rf"(?:^|[\s(])(?:{'|'.join(RUNS.entities)})\.[`\"]?$", re.IGNORECASE)
_KEYS = {"attribute": "status", "dataset": "name"}
_TOKEN_ENDS = ("", "x", *_KEYS.values(), "0", "=", "'", '"', "`")
_RESTS = ("", " = 0", " = '0'", " 0", " '0'", " ('0')", " IN ('0')", " NULL", " metrics.x = 0")


def is_filter_expression(text: str) -> bool:
    """Return whether a filter is an expression of the grammar, rather than words to look for.

    It is one when it has an operator, or a name with its prefix; "warm and cold", "not in use"
    are words.
    """
    return _EXPRESSION.search(text) is not None


def is_unfinished(text: str) -> bool:
    """Return whether a filter of runs cannot be read, and may be the beginning of one that can.

    That is tried: with the rest of its last word, the rest of a comparison, and parentheses.

    Parameters
    ----------
    text : str
        As it stands in a field while somebody types, such as ``metrics.loss > 0.3 and``.
    """
    if len(text) > _LONGEST:
        return False
    if not is_filter_expression(text):
        return _BEGUN_KEY.search(text) is not None
    return not _is_read(text) and any(map(_is_read, _continued(text)))


def _continued(text: str) -> Iterator[str]:
    last = _WORD.search(text)
    begun = last.group() if last else ""
    entities = (f"{name}.{_KEYS.get(kind, 'x')}" for name, kind in RUNS.entities.items())
    words = [*KEYWORDS, *RUNS.attributes, *RUNS.dataset_keys, *entities]
    ends = [each[len(begun) :] for each in words if each.lower().startswith(begun.lower())]
    opened = max(0, text.count("(") - text.count(")"))
    for end in (*_TOKEN_ENDS, *(ends if begun else ())):
        for rest in _RESTS:
            yield f"{text}{end}{rest}{')' * opened}"


def _is_read(text: str) -> bool:
    try:
        parse_filter(text, RUNS)
    except InvalidParameterError:
        return False
    return True
