"""Parts of files, as HTTP asks for them (RFC 9110, section 14)."""

from __future__ import annotations

import re

_RANGE = re.compile(r"bytes=(\d*)-(\d*)")


class NoSuchPartError(Exception):
    """The part that is wanted lies behind the end of the file."""


def part_of(wanted: str | None, size: int | None) -> tuple[int, int] | None:
    """Return where a part begins and how long it is; None for the whole file.

    Several parts at once, and what makes no sense, count as the whole.

    Raises
    ------
    NoSuchPartError
        If nothing of the part is there.
    """
    match = _RANGE.fullmatch((wanted or "").strip())
    if match is None or size is None or not any(match.groups()):
        return None
    first, last = match.groups()
    if any(len(number) > 18 for number in (first, last)):
        raise NoSuchPartError
    if not first:
        start, end = max(0, size - int(last)), size - 1
        if int(last) == 0:
            raise NoSuchPartError
    else:
        start, end = int(first), min(int(last) if last else size - 1, size - 1)
        if last and int(last) < start:
            return None
    if start >= size:
        raise NoSuchPartError
    return start, end - start + 1
