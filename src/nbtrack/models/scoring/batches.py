"""Requests that come together are scored together, in a thread of the model's own."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Generic, Literal, TypeVar

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.expected import Scored
from nbtrack.models.scoring.payloads import Payload
from nbtrack.models.scoring.rows import agree, count_rows, join, kind_of, split

T = TypeVar("T")

MAX_QUEUE = 256
MAX_BATCH = 64
MAX_WAIT_MS = 2.0
TRIAL = 4  # so many requests are scored twice to find out whether rows are independent
MAX_KINDS = 256


@dataclass
class _Job(Generic[T]):
    payload: Payload
    kind: Hashable | None
    future: Future[T]
    rows: int = 1
    key: Hashable = None

    @property
    def dropped(self) -> bool:
        """Whether nobody waits for it any more; if somebody does, it can no longer be cancelled."""
        return not self.future.set_running_or_notify_cancel()


@dataclass
class Counts:
    """What a model's thread has done.

    Attributes
    ----------
    requests, calls : int
        How many requests were scored, and with how many calls of ``predict``.
    """

    requests: int = 0
    calls: int = 0


@dataclass
class _Verdicts:
    """Which kinds of data can be scored together."""

    known: dict[Hashable, bool] = field(default_factory=dict)

    def remember(self, kind: Hashable, joined: bool) -> None:
        if len(self.known) >= MAX_KINDS:
            self.known.clear()
        self.known[kind] = joined


class Batches(Generic[T]):
    """Scores payloads one batch after the other.

    Rows are joined only where that changes no answer. With ``joining="auto"`` the first few
    requests that could be joined are scored both ways, and answered from the calls of their own:
    one prediction for each row, equal but for rounding, and from then on requests of that kind are
    joined; anything else, and they are scored one by one for good.

    Parameters
    ----------
    model : Scored
    finish : callable
        Makes the result of a future from a payload and its predictions, in the model's thread.
    joining : {"auto", True, False}
        True: the model is known to treat rows independently. False: every request alone.
    max_batch : int
        Rows; a request with more is scored alone.
    max_wait_ms : float
        How long a request waits for others, while others come at all.
    max_queue : int
        Requests that may wait.
    """

    def __init__(
        self,
        model: Scored,
        finish: Callable[[Payload, object], T],
        *,
        joining: Literal["auto"] | bool = "auto",
        max_batch: int = MAX_BATCH,
        max_wait_ms: float = MAX_WAIT_MS,
        max_queue: int = MAX_QUEUE,
    ) -> None:
        self._model = model
        self._finish = finish
        self._joining = joining and max_batch > 1
        self._trusted = joining is True
        self._max_rows = max_batch
        self._max_wait = max_wait_ms / 1000
        self._max_queue = max_queue
        self._verdicts = _Verdicts()
        self._waiting: deque[_Job[T]] = deque()
        self._changed = threading.Condition()
        self._crowd = 1
        self._closed = False
        self.counts = Counts()
        self._thread = threading.Thread(target=self._work, name="nbtrack-scoring", daemon=True)
        self._thread.start()

    def submit(self, payload: Payload) -> Future[T]:
        """Let a payload be scored; its future has the result or the error.

        Raises
        ------
        NbtrackError
            ``TEMPORARILY_UNAVAILABLE`` if too many wait already, or the server stops.
        """
        kind = kind_of(payload.data) if self._joining and not payload.bare else None
        job: _Job[T] = _Job(payload, kind, Future())
        if kind is not None:
            job.rows = count_rows(payload.data)
            params = json.dumps(payload.params, sort_keys=True, default=repr)
            job.key = (kind, params)
        with self._changed:
            if self._closed:
                raise NbtrackError("The server is stopping.", "TEMPORARILY_UNAVAILABLE")
            if len(self._waiting) >= self._max_queue:
                raise NbtrackError(
                    f"{len(self._waiting)} requests wait already; try again in a moment.",
                    "TEMPORARILY_UNAVAILABLE",
                )
            self._waiting.append(job)
            self._changed.notify_all()
        return job.future

    def close(self, timeout: float | None = 5.0) -> None:
        """Refuse new payloads, and wait until those that came are scored.

        Those still waiting after ``timeout`` seconds fail.
        """
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        self._thread.join(timeout)
        with self._changed:
            left, self._waiting = list(self._waiting), deque()
        for job in left:
            if not job.dropped:
                job.future.set_exception(
                    NbtrackError("The server stopped.", "TEMPORARILY_UNAVAILABLE")
                )

    def _work(self) -> None:
        while group := self._next_group():
            alive = [job for job in group if not job.dropped]
            self.counts.requests += len(alive)
            if len(alive) > 1:
                self._score_together(alive)
            else:
                for job in alive:
                    self._score_alone(job)

    def _next_group(self) -> list[_Job[T]]:
        """Return requests of one kind; an empty list when all is done."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            first = self._waiting.popleft()
            group, rows = [first], first.rows
            verdict = self._verdict(first)
            if verdict is False:
                return group
            most = self._max_rows if verdict else min(self._max_rows, TRIAL)
            until = time.monotonic() + self._max_wait
            while True:
                rows += self._take_alike(first, group, most - rows)
                left = until - time.monotonic()
                full = rows >= most or len(group) >= self._crowd or self._closed
                if full or left <= 0:
                    break
                self._changed.wait(left)
            # as many as came together last time are waited for next time
            self._crowd = max(len(group), min(len(self._waiting), self._max_rows), 1)
            return group

    def _verdict(self, job: _Job[T]) -> bool | None:
        if job.kind is None:
            return False
        return True if self._trusted else self._verdicts.known.get(job.kind)

    def _take_alike(self, first: _Job[T], group: list[_Job[T]], room: int) -> int:
        """Move requests like the first one from the queue to its group; return their rows."""
        if room <= 0 or not self._waiting:
            return 0
        taken, rest = 0, deque[_Job[T]]()
        for job in self._waiting:
            if job.key == first.key and job.kind is not None and job.rows <= room - taken:
                group.append(job)
                taken += job.rows
            else:
                rest.append(job)
        self._waiting = rest
        return taken

    def _score_together(self, group: list[_Job[T]]) -> None:
        kind, counts = group[0].kind, [job.rows for job in group]
        error: BaseException | None = None
        parts: list[object] | None = None
        try:
            joined = join([job.payload.data for job in group])
            parts = split(self._predict(Payload(joined, group[0].payload.params)), counts)
        except BaseException as raised:  # noqa: BLE001  each alone says what is wrong with it
            error = raised
        if parts is not None and self._verdict(group[0]):
            for job, part in zip(group, parts, strict=True):
                self._settle(job, part)
            return
        answers = [self._score_alone(job) for job in group]
        good = [answer[0] for answer in answers if answer is not None]
        if error is not None and _is_out_of_memory(error):
            self._max_rows = max(1, sum(counts) // 2)
        elif error is not None and len(good) < len(group):
            pass  # one of them is bad, which says nothing about the others
        elif parts is None:
            self._verdicts.remember(kind, joined=False)
        elif len(good) == len(group) and not _all_alike(good):
            same = all(agree(one, part) for one, part in zip(good, parts, strict=True))
            self._verdicts.remember(kind, joined=same)

    def _score_alone(self, job: _Job[T]) -> tuple[object] | None:
        try:
            predictions = self._predict(job.payload)
        except BaseException as error:  # noqa: BLE001  whatever a model raises, the thread goes on
            job.future.set_exception(_contained(error))
            return None
        self._settle(job, predictions)
        return (predictions,)

    def _predict(self, payload: Payload) -> object:
        self.counts.calls += 1
        if payload.params is None:
            return self._model.predict(payload.data)
        return self._model.predict(payload.data, params=payload.params)

    def _settle(self, job: _Job[T], predictions: object) -> None:
        try:
            result = self._finish(job.payload, predictions)
        except BaseException as error:  # noqa: BLE001  as above
            job.future.set_exception(_contained(error))
        else:
            job.future.set_result(result)


def _all_alike(answers: list[object]) -> bool:
    """Return whether all answers are one: such say nothing about the independence of rows."""
    return all(agree(answers[0], answer) for answer in answers[1:])


def _is_out_of_memory(error: BaseException) -> bool:
    return isinstance(error, MemoryError) or "OutOfMemory" in type(error).__name__


def _contained(error: BaseException) -> Exception:
    """Return an error that ends nothing but a request: a model may call `sys.exit`."""
    if isinstance(error, Exception):
        return error
    return RuntimeError(f"{type(error).__name__}: {error}")
