"""Pages of a search: how many results, and where the next page starts."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

from nbtrack.entities import LifecycleStage, ViewType
from nbtrack.errors import InvalidParameterError
from nbtrack.validation import INT64_MAX, MAX_SEARCH_RESULTS

_STAGES = {
    ViewType.ACTIVE_ONLY: [LifecycleStage.ACTIVE],
    ViewType.DELETED_ONLY: [LifecycleStage.DELETED],
    ViewType.ALL: [LifecycleStage.ACTIVE, LifecycleStage.DELETED],
}


def check_max_results(max_results: Any, limit: int = MAX_SEARCH_RESULTS) -> int:
    """Return ``max_results`` when it is between 1 and ``limit``."""
    if isinstance(max_results, bool) or not isinstance(max_results, int) or max_results < 1:
        raise InvalidParameterError(
            f"Invalid value {max_results!r} for parameter 'max_results' supplied. "
            "It must be a positive integer."
        )
    if max_results > limit:
        # MLflow's tracking says it in other words than its registry
        raise InvalidParameterError(
            f"Invalid value {max_results} for parameter 'max_results' supplied. It must be at most "
            f"{limit}. Use the page token to get more."
            if limit == MAX_SEARCH_RESULTS
            else "Invalid value for request parameter max_results. It must be at most "
            f"{limit}, but got value {max_results}. Use the page token to get more."
        )
    return max_results


def stages(view_type: int) -> list[str]:
    """Return the lifecycle stages that a view type looks at."""
    if view_type not in _STAGES:
        raise InvalidParameterError(
            f"Invalid view type {view_type!r}: use ViewType.ACTIVE_ONLY (1), "
            "ViewType.DELETED_ONLY (2) or ViewType.ALL (3)."
        )
    return _STAGES[view_type]


def make_page_token(offset: int, query: Mapping[str, Any] | None = None) -> str:
    """Return the token of the page that starts at ``offset``, of this query if one is given."""
    return base64.b64encode(json.dumps({**(query or {}), "offset": offset}).encode()).decode()


def read_page_token(token: str | None, query: Mapping[str, Any] | None = None) -> int:
    """Return where the page of a token starts: 0 without one.

    Parameters
    ----------
    token : str or None
    query : mapping, optional
        What is searched for: the token must be of the same.

    Raises
    ------
    InvalidParameterError
        If the token comes from no earlier search, or from another one.
    """
    if not token:
        return 0
    try:
        decoded = base64.b64decode(token, validate=True)
    except (TypeError, ValueError, binascii.Error):
        raise InvalidParameterError("Invalid page token, could not base64-decode") from None
    try:
        parsed = json.loads(decoded)
    except (ValueError, RecursionError):
        raise InvalidParameterError(
            f"Invalid page token, decoded value={decoded.decode('utf-8', 'replace')}"
        ) from None
    if not isinstance(parsed, dict) or "offset" not in parsed:
        raise InvalidParameterError(f"Invalid page token, parsed value={parsed}")
    for name, value in (query or {}).items():
        if parsed.get(name) != value:
            raise InvalidParameterError(
                f"Invalid page token: it belongs to a search with {name}={parsed.get(name)!r}, not "
                f"{value!r}. Use it with the same arguments."
            )
    try:
        offset = int(parsed["offset"])
    except (TypeError, ValueError, OverflowError):
        offset = -1
    if not 0 <= offset <= INT64_MAX:
        raise InvalidParameterError(f"Invalid page token, not stringable {parsed['offset']}")
    return offset
