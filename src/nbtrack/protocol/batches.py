"""How much one request may carry, and how what is logged is split into such parts."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from json.encoder import encode_basestring_ascii
from typing import Any

from nbtrack.validation import MAX_BATCH, MAX_BATCH_PARAMS, MAX_BATCH_TAGS

Json = dict[str, Any]
MAX_BYTES = 1_000_000
"""Of a request of ``runs/log-batch``, as MLflow's server takes it."""

_MOST = {"metrics": MAX_BATCH, "params": MAX_BATCH_PARAMS, "tags": MAX_BATCH_TAGS}
_MOST_BYTES = 800_000
_ITEM_BYTES = 110  # of an item beside its texts: the names of its fields, numbers


def split(what: str, items: Sequence[Json]) -> Iterator[list[Json]]:
    """Yield what fits into one request after the other.

    Parameters
    ----------
    what : {"metrics", "params", "tags"}
    items : sequence of dict
        As they are sent.
    """
    part: list[Json] = []
    size = 0
    for item in items:
        length = _ITEM_BYTES
        for value in item.values():
            if isinstance(value, str):  # a character takes up to twelve bytes: JSON is ASCII here
                length += len(encode_basestring_ascii(value))
        if part and (len(part) >= _MOST[what] or size + length > _MOST_BYTES):
            yield part
            part, size = [], 0
        part.append(item)
        size += length
    if part:
        yield part
