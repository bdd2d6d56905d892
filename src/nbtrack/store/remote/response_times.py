"""Responses of a server on their way to the mirror: an older one never replaces a newer one.

Several processes share a mirror. A process may send its request before something is made, and write
the response after another process has written a newer one.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nbtrack.store.reader import Reader

NAME = "answers.json"
KEPT_NS = 600 * 10**9


@dataclass(frozen=True)
class Response:
    """A response of the server, to be written to the mirror.

    Attributes
    ----------
    cache_key : str
        Which request it answers.
    requested_ns : int
        When the request was sent, in nanoseconds since the epoch.
    write : callable
        Writes it, given a reader that may change the mirror.
    """

    cache_key: str
    requested_ns: int
    write: Callable[[Reader], None]


class ResponseTimes:
    """When the responses that the mirror holds were requested; used under its lock only.

    Parameters
    ----------
    folder : Path
        That of the mirror.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def newer(self, responses: Sequence[Response]) -> list[Response]:
        """Return the responses that are not older than what the mirror holds."""
        known = self._read()
        return [each for each in responses if each.requested_ns >= known.get(each.cache_key, 0)]

    def note(self, responses: Sequence[Response]) -> None:
        """Remember when responses were requested that the mirror holds now."""
        now = time.time_ns()
        known = {key: when for key, when in self._read().items() if when > now - KEPT_NS}
        known |= {each.cache_key: each.requested_ns for each in responses}
        fresh = self._path.with_suffix(".new")
        fresh.write_text(json.dumps(known), "utf-8")
        fresh.replace(self._path)

    def _read(self) -> dict[str, int]:
        try:
            known = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError):  # none yet; or torn, and then the next response counts
            return {}
        now = time.time_ns()
        return {key: when for key, when in known.items() if when <= now}  # the clock was set back
