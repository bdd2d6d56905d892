"""Scores requests that wait at the same time in one call, in the model's own thread."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from nbtrack.errors import NbtrackError
from nbtrack.models.scoring.expected import Scored
from nbtrack.models.scoring.groups import BatchDecisions, Group, Job
from nbtrack.models.scoring.payloads import Payload
from nbtrack.models.scoring.rows import agree, join, split

T = TypeVar("T")

MAX_QUEUE = 256
MAX_BATCH = 512
MAX_WAIT_MS = 2.0
TRIAL = 4  # so many requests are scored twice to find out whether rows are independent


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


class Batches(Generic[T]):
    """Scores payloads one batch after the other.

    Rows are joined only where that changes no response. With ``joining="auto"`` the first few
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
        self._decisions = BatchDecisions()
        self._waiting: deque[Job[T]] = deque()
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
        job: Job[T] = Job(payload, alone=not self._joining)
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
            if job.begin():
                job.future.set_exception(
                    NbtrackError("The server stopped.", "TEMPORARILY_UNAVAILABLE")
                )

    def _work(self) -> None:
        while group := self._next_group():
            alive = [job for job in group if job.begin()]
            self.counts.requests += len(alive)
            if len(alive) > 1:
                self._score_together(alive)
            else:
                for job in alive:
                    self._score_alone(job)

    def _next_group(self) -> list[Job[T]]:
        """Return requests of one kind; an empty list when all is done."""
        with self._changed:
            while not self._waiting:
                if self._closed:
                    return []
                self._changed.wait()
            first = self._waiting.popleft()
            decision = self._decision(first)
            if decision is False or (decision is None and not self._decisions.may_try(first.kind)):
                return [first]
            group = Group(first, self._max_rows, MAX_QUEUE if decision else TRIAL)
            until = time.monotonic() + self._max_wait
            while True:
                group.take_from(self._waiting)
                left = until - time.monotonic()
                if group.full or len(group.jobs) >= self._crowd or self._closed or left <= 0:
                    break
                self._changed.wait(left)
            # as many as came together last time are waited for next time
            self._crowd = max(len(group.jobs), len(self._waiting), 1)
            return group.jobs

    def _decision(self, job: Job[T]) -> bool | None:
        if job.kind is None:
            return False
        return True if self._trusted else self._decisions.of(job.kind)

    def _score_together(self, group: list[Job[T]]) -> None:
        kind, counts = group[0].kind, [job.rows for job in group]
        error: BaseException | None = None
        parts: list[object] | None = None
        try:
            joined = join([job.payload.data for job in group])
            parts = split(self._predict(Payload(joined, group[0].payload.params)), counts)
        except BaseException as raised:  # noqa: BLE001  each alone says what is wrong with it
            error = raised
        if parts is not None and self._decision(group[0]):
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
            self._decisions.remember(kind, joined=False)
        elif len(good) < len(group) or _all_alike(good):
            self._decisions.learned_nothing(kind)
        else:
            same = all(agree(one, part) for one, part in zip(good, parts, strict=True))
            self._decisions.remember(kind, joined=same)

    def _score_alone(self, job: Job[T]) -> tuple[object] | None:
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

    def _settle(self, job: Job[T], predictions: object) -> None:
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
