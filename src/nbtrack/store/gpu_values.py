"""Metrics whose values are on a GPU: copied to the CPU without stopping the training.

Asking a CUDA tensor for its value makes Python wait until the GPU has done all that was
launched before. Instead the value is copied to pinned memory behind the work that
computes it, and the point, with the step and the time of the call, is written once the
copy is there: by the next call that logs a tensor, by the background thread within about
a second, or, at the latest, when somebody reads the store or the run ends.

Points of one run that are fetched this way keep their order among each other. A point of
plain numbers does not wait for them; steps and timestamps say what came first. A killed
process loses the values that were still on the GPU, and only those.
"""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.validation import check_key, metric_value

AT_ONCE = 64
"""How many waiting calls a call that logs writes down at most."""

Write = Callable[[Mapping[str, float], int, int], None]


@dataclass(frozen=True)
class _Call:
    metrics: dict[str, Any]
    step: int
    time_ms: int
    events: tuple[Any, ...]

    def is_ready(self) -> bool:
        return all(event.query() for event in self.events)

    def wait(self) -> None:
        for event in self.events:
            event.synchronize()

    def values(self) -> dict[str, float]:
        return {key: metric_value(key, value) for key, value in self.metrics.items()}


class GpuValues:
    """The calls of one run whose values are on their way from a GPU.

    Parameters
    ----------
    write : callable
        Gets the metrics, the step and the time of a call when its values are there.
    say : callable
        Told, once by name, when values could not be fetched.
    """

    def __init__(self, write: Write, say: Callable[[str], None]) -> None:
        self._write = write
        self._say = say
        self._calls: deque[_Call] = deque()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, metrics: Mapping[str, Any], step: int, time_ms: int) -> None:
        """Begin to fetch the values of a call; keys and sizes are checked now.

        Raises
        ------
        InvalidParameterError
            If a key or a value cannot be used; then nothing of the call is kept.
        """
        fetched: dict[str, Any] = {}
        one_of_each_gpu: dict[Any, Any] = {}
        for index, (key, value) in enumerate(metrics.items()):
            check_key(key, "name" if len(metrics) == 1 else f"metrics[{index}].name")
            if is_on_gpu(value) and value.numel() == 1:
                # with non_blocking, memory on the host is pinned and nobody waits
                fetched[key] = value.detach().to("cpu", non_blocking=True)
                one_of_each_gpu[value.device] = value
            else:
                fetched[key] = metric_value(key, value)
        events = tuple(_mark(value) for value in one_of_each_gpu.values())
        with self._lock:
            self._calls.append(_Call(fetched, step, time_ms, events))
        self.settle(AT_ONCE)

    def settle(self, limit: int | None = None) -> None:
        """Write the calls whose values have arrived, the oldest first; never waits for a GPU."""
        with self._lock:
            for _ in range(len(self._calls) if limit is None else limit):
                if not self._calls:
                    return
                call = self._calls[0]
                try:
                    if not call.is_ready():
                        return
                    values = call.values()
                except Exception as error:  # noqa: BLE001  whatever the GPU's library raises
                    self._give_up(error)
                    return
                self._calls.popleft()
                try:
                    self._write(values, call.step, call.time_ms)
                except NbtrackError as error:
                    self._say(f"A point of {', '.join(values)} could not be written: {error}")

    def flush(self) -> None:
        """Wait for the values of all calls so far, and write them."""
        with self._lock:
            waiting = list(self._calls)
        try:
            for call in waiting:
                call.wait()
        except Exception as error:  # noqa: BLE001  whatever the GPU's library raises
            with self._lock:
                self._give_up(error)
        self.settle()

    def _give_up(self, error: Exception) -> None:
        count = len(self._calls)
        self._calls.clear()
        self._say(
            f"The values of the last {count} calls that logged CUDA tensors are lost: the GPU did "
            f"not give them ({error}). Log numbers, with .item(), to see where it fails."
        )


def is_on_gpu(value: Any) -> bool:
    """Return whether a value is a CUDA tensor; no framework is imported for it."""
    return bool(getattr(value, "is_cuda", False))


def _mark(value: Any) -> Any:
    """Return an event behind all that the GPU of a tensor was given to do so far."""
    framework = sys.modules[type(value).__module__.partition(".")[0]]
    return framework.cuda.current_stream(value.device).record_event()
