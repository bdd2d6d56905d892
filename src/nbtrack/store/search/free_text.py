"""Distinguishes free text, searched for in names, from a filter expression."""

from __future__ import annotations

import re

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


def is_filter_expression(text: str) -> bool:
    """Return whether a filter is an expression of the grammar, rather than words to look for.

    It is one when it has an operator, or a name with its prefix; "warm and cold", "not in use"
    are words.
    """
    return _EXPRESSION.search(text) is not None
