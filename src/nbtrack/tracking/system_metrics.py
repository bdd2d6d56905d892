"""What the machine does while a run trains: processor, memory, disk, network, GPUs."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress

from nbtrack.entities import Metric
from nbtrack.entities.run_data import CELL_PEAKS
from nbtrack.tracking.sensors import Sensors, is_total
from nbtrack.tracking.system_settings import Settings

_END_S = 2.0
_LEAST_S = 0.1  # over less time the load of a processor says nothing


class SystemMetrics:
    """A thread that measures the machine and logs means.

    The first point stands one interval after the start, the last one at the end: a short run has
    one, too. Network and energy are no means: they count from when the run began.

    Parameters
    ----------
    log : callable
        Called as ``log(metrics, step)``; the names start with ``system/``.
    say : callable
        Called as ``say(message, kind)`` with what went wrong; one kind is to be said once.
    settings : Settings
        How often, and under which names.
    earlier : iterable of Metric
        The last points of a run that is resumed: its steps and its energy go on.
    """

    def __init__(
        self,
        log: Callable[[dict[str, float], int], None],
        say: Callable[[str, str], None],
        settings: Settings,
        earlier: Iterable[Metric] = (),
    ) -> None:
        self._log = log
        self._say = say
        self._settings = settings
        own = [
            metric
            for metric in earlier
            if metric.key.startswith(settings.prefix) and metric.key not in CELL_PEAKS
        ]
        self._step = max((metric.step + 1 for metric in own), default=0)
        self._used = {m.key: m.value for m in own if m.key.endswith("_energy_watt_hours")}
        self._collected: list[dict[str, float]] = []
        self._collected_at = 0.0
        self._stopping = threading.Event()
        self._has_ended = False
        self._thread: threading.Thread | None = None
        self._owner = 0

    @property
    def prefix(self) -> str:
        """What stands before the names of the metrics."""
        return self._settings.prefix

    def start(self) -> None:
        """Begin to measure, in a background thread; nothing if it is running."""
        if self._thread is not None:
            return
        self._owner = os.getpid()
        self._thread = threading.Thread(target=self._run, name="nbtrack-system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Measure a last time, and end the thread; in a process that was forked there is none."""
        thread, self._thread = self._thread, None
        if thread is None or self._owner != os.getpid():
            return
        self._stopping.set()
        thread.join(timeout=_END_S)
        # a driver that does not answer keeps the thread, but nothing is logged after the end
        self._has_ended = True

    def _run(self) -> None:
        try:
            sensors = Sensors(self._say)
            try:
                self._measure(sensors)
            finally:
                sensors.close()
        except Exception as error:  # noqa: BLE001  a thread has no caller: it is said, by name
            with suppress(Exception):
                self._say(
                    f"System metrics stopped: {type(error).__name__}: {error}", "system metrics"
                )

    def _measure(self, sensors: Sensors) -> None:
        while not self._stopping.wait(self._settings.interval):
            self._collect(sensors)
            if len(self._collected) >= self._settings.samples:
                self._publish()
        if time.monotonic() - self._collected_at >= _LEAST_S:
            self._collect(sensors)
        self._publish()

    def _collect(self, sensors: Sensors) -> None:
        self._collected.append(sensors.sample())
        self._collected_at = time.monotonic()

    def _publish(self) -> None:
        collected, self._collected = self._collected, []
        metrics = {}
        for name in dict.fromkeys(name for sample in collected for name in sample):
            key = self.prefix + name
            values = [sample[name] for sample in collected if name in sample]
            metrics[key] = (
                values[-1] + self._used.get(key, 0.0)
                if is_total(name)
                else round(sum(values) / len(values), 1)
            )
        if not metrics or self._has_ended:
            return
        try:
            self._log(metrics, self._step)
        except Exception as error:  # noqa: BLE001  the next point may be taken again
            self._say(
                f"System metrics of step {self._step} were not logged: "
                f"{type(error).__name__}: {error}",
                "system metrics log",
            )
        self._step += 1
