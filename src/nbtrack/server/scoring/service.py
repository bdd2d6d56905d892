"""What a scoring server serves, and within which limits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any, Literal

from nbtrack.models.scoring.batches import MAX_BATCH, MAX_QUEUE, MAX_WAIT_MS, Batches
from nbtrack.models.scoring.expected import Expected, Scored
from nbtrack.models.scoring.payloads import Payload
from nbtrack.models.scoring.responses import response_text
from nbtrack.server.slow_clients import ClientLimits, SlowClientWatch
from nbtrack.views.redaction import Redaction

TIMEOUT_S = 60.0
MAX_BODY = 100 * 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """What a request may take.

    Attributes
    ----------
    timeout_s : float
        From the body's arrival to the response.
    max_body : int
        Bytes.
    max_queue : int
        Requests that wait for the model.
    max_batch : int
        Rows that are scored at once; 1: no request is joined with another.
    max_wait_ms : float
        How long a request waits for others to be joined with.
    joining : {"auto", True, False}
        See `Batches`.
    clients : ClientLimits
        How slow clients may be.
    """

    timeout_s: float = TIMEOUT_S
    max_body: int = MAX_BODY
    max_queue: int = MAX_QUEUE
    max_batch: int = MAX_BATCH
    max_wait_ms: float = MAX_WAIT_MS
    joining: Literal["auto"] | bool = "auto"
    clients: ClientLimits = field(default_factory=ClientLimits)


@dataclass
class Service:
    """One model and the thread that scores for it.

    Attributes
    ----------
    model : Scored
    limits : Limits
    shows_traces : bool
        Whether errors of the model come with a stack trace.
    open_requests : int
        How many are not answered yet; counted in the loop's thread.
    """

    model: Scored
    limits: Limits = field(default_factory=Limits)
    shows_traces: bool = True
    open_requests: int = 0

    def __post_init__(self) -> None:
        self.expected = Expected.of(self.model)
        self.redaction = Redaction()
        self.slow_clients = SlowClientWatch(self.limits.clients)
        self.batches: Batches[str] = Batches(
            self.model,
            _finish,
            joining=self.limits.joining,
            max_batch=self.limits.max_batch,
            max_wait_ms=self.limits.max_wait_ms,
            max_queue=self.limits.max_queue,
        )
        self._closing = threading.Lock()

    def close(self, timeout: float | None = 5.0) -> None:
        """Score what has come, and refuse more."""
        with self._closing:
            self.batches.close(timeout)


def _finish(payload: Payload, predictions: Any) -> str:
    return response_text(predictions, bare=payload.bare)
