"""Waiting requests, groups of them that are scored in one call, and which kinds may be."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Hashable, MutableMapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from nbtrack.models.scoring.payloads import Payload
from nbtrack.models.scoring.rows import count_bytes, count_rows, kind_of

T = TypeVar("T")

MAX_BYTES = 16 * 1024 * 1024  # joining more would copy much, and one alone is enough work
MAX_KINDS = 256
UNTOLD = 8  # after so many trials that told nothing, only every so-manieth chance is taken


class Job(Generic[T]):
    """A payload that waits for the model.

    Parameters
    ----------
    payload : Payload
    alone : bool
        It is not to be joined with others.

    Attributes
    ----------
    future : Future
        For what becomes of it.
    kind : hashable or None
        Of its data; None: it is scored alone.
    """

    def __init__(self, payload: Payload, *, alone: bool) -> None:
        self.payload = payload
        self.future: Future[T] = Future()
        self.kind = None if alone or payload.bare else kind_of(payload.data)
        self.rows, self.bytes = 1, 0
        self.key: Hashable = None
        if self.kind is not None:
            self.rows, self.bytes = count_rows(payload.data), count_bytes(payload.data)
            params = payload.params
            self.key = (self.kind, params and json.dumps(params, sort_keys=True, default=repr))

    def begin(self) -> bool:
        """Return whether somebody still waits for it; then it can no longer be cancelled."""
        return self.future.set_running_or_notify_cancel()


class Group(Generic[T]):
    """Requests that are scored with one call.

    Parameters
    ----------
    first : Job
        The others have its key.
    max_rows, max_jobs : int
    """

    def __init__(self, first: Job[T], max_rows: int, max_jobs: int) -> None:
        self.jobs = [first]
        self._rows, self._bytes = first.rows, first.bytes
        self._max_rows, self._max_jobs = max_rows, max_jobs

    @property
    def full(self) -> bool:
        """Whether no other request fits in."""
        return (
            self._rows >= self._max_rows
            or self._bytes >= MAX_BYTES
            or len(self.jobs) >= self._max_jobs
        )

    def take_from(self, waiting: deque[Job[T]]) -> None:
        """Move the requests that fit from the queue to the group; the others keep their order."""
        if self.full:
            return
        for _ in range(len(waiting)):
            job = waiting.popleft()
            if self._fits(job):
                self.jobs.append(job)
                self._rows += job.rows
                self._bytes += job.bytes
            else:
                waiting.append(job)

    def _fits(self, job: Job[T]) -> bool:
        return (
            job.kind is not None
            and job.key == self.jobs[0].key
            and self._rows + job.rows <= self._max_rows
            and self._bytes + job.bytes <= MAX_BYTES
            and len(self.jobs) < self._max_jobs
        )


@dataclass
class BatchDecisions:
    """Which kinds of data can be scored together."""

    _known: dict[Hashable, bool] = field(default_factory=dict)
    _untold: dict[Hashable, int] = field(default_factory=dict)

    def of(self, kind: Hashable) -> bool | None:
        """Return whether data of a kind can be joined; None if that is to be found out."""
        return self._known.get(kind)

    def remember(self, kind: Hashable, *, joined: bool) -> None:
        """Keep what was found out."""
        _make_room(self._known)
        self._known[kind] = joined
        self._untold.pop(kind, None)

    def learned_nothing(self, kind: Hashable) -> None:
        """Keep that a trial did not tell, as with requests that are all the same."""
        _make_room(self._untold)
        self._untold[kind] = self._untold.get(kind, 0) + 1

    def may_try(self, kind: Hashable) -> bool:
        """Return whether the next chance to find out is taken; a trial costs twice the work."""
        tried = self._untold.get(kind, 0)
        if tried < UNTOLD:
            return True
        self._untold[kind] = tried + 1
        return tried % UNTOLD == 0


def _make_room(found: MutableMapping[Hashable, Any]) -> None:
    """Forget everything rather than grow: whoever sends requests chooses their kinds."""
    if len(found) >= MAX_KINDS:
        found.clear()
