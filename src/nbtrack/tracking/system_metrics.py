"""What the machine does while a run trains: processor, memory, disk, network, GPUs."""

from __future__ import annotations

import os
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from nbtrack.config import env, env_flag
from nbtrack.errors import InvalidParameterError, MissingDependencyError, NbtrackWarning
from nbtrack.tracking.gpu import Nvml, open_nvml

_ENABLED = "ENABLE_SYSTEM_METRICS_LOGGING"
_INTERVAL = "SYSTEM_METRICS_SAMPLING_INTERVAL"
_SAMPLES = "SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING"
_NODE = "SYSTEM_METRICS_NODE_ID"


class SystemMetrics:
    """A thread that measures the machine and logs means.

    Parameters
    ----------
    log : callable
        Called as ``log(metrics, step)``; the names start with ``system/``.
    interval : float
        Seconds from one measurement to the next.
    samples : int
        Measurements that make one point, their mean.
    node_id : str, optional
        Put behind ``system/``, to tell the machines of one run apart.
    first_step : int
        Where the steps begin: one more than the last when a run is resumed.

    Raises
    ------
    MissingDependencyError
        If psutil is not installed.
    InvalidParameterError
        If the interval or the number of samples is not positive.
    """

    def __init__(
        self,
        log: Callable[[dict[str, float], int], None],
        interval: float = 10.0,
        samples: int = 1,
        node_id: str | None = None,
        first_step: int = 0,
    ) -> None:
        if interval <= 0 or samples < 1:
            raise InvalidParameterError(
                f"System metrics need an interval above 0 s and at least 1 sample; "
                f"got interval={interval}, samples={samples}."
            )
        self._log = log
        self._interval = interval
        self._samples = samples
        self._prefix = f"system/{node_id}/" if node_id else "system/"
        self._step = first_step
        self._collected: list[dict[str, float]] = []
        self._machine = _Machine()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._owner = 0

    def start(self) -> None:
        """Begin to measure, in a background thread; nothing if it is running."""
        if self._thread is not None and self._owner == os.getpid():
            return
        self._owner = os.getpid()
        self._stopping.clear()
        self._thread = threading.Thread(target=self._run, name="nbtrack-system", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Measure a last time, so that a short run has a point too, and end the thread."""
        thread, self._thread = self._thread, None
        if thread is None or self._owner != os.getpid():
            return
        self._stopping.set()
        thread.join(timeout=5.0)

    def _run(self) -> None:
        gpus = open_nvml()
        try:
            while not self._stopping.wait(self._interval):
                self._collect(gpus)
                if len(self._collected) >= self._samples:
                    self._publish()
            self._collect(gpus)
            self._publish()
        except Exception as error:  # noqa: BLE001 - said once, by name; the run goes on
            warnings.warn(
                f"System metrics stopped: {type(error).__name__}: {error}",
                NbtrackWarning,
                stacklevel=1,
            )
        finally:
            if gpus is not None:
                gpus.close()

    def _collect(self, gpus: Nvml | None) -> None:
        found = self._machine.sample()
        if gpus is not None:
            found.update(gpus.sample())
        self._collected.append(found)

    def _publish(self) -> None:
        collected, self._collected = self._collected, []
        names = dict.fromkeys(name for sample in collected for name in sample)
        means = {}
        for name in names:
            values = [sample[name] for sample in collected if name in sample]
            means[self._prefix + name] = round(sum(values) / len(values), 1)
        self._log(means, self._step)
        self._step += 1


class _Machine:
    """Measures all but the GPUs; network counts from when it was made."""

    def __init__(self) -> None:
        try:
            import psutil
        except ImportError:
            raise MissingDependencyError(
                "System metrics need psutil, which is not installed. Run: pip install psutil"
            ) from None
        self._psutil: Any = psutil
        self._network = psutil.net_io_counters()
        # the first answer is about no time at all
        psutil.cpu_percent()

    def sample(self) -> dict[str, float]:
        memory = self._psutil.virtual_memory()
        disk = self._psutil.disk_usage(os.sep)
        found = {
            "cpu_utilization_percentage": self._psutil.cpu_percent(),
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": memory.percent,
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / 1e6,
            "disk_available_megabytes": disk.free / 1e6,
        }
        now = self._psutil.net_io_counters()
        if now is not None and self._network is not None:
            received = now.bytes_recv - self._network.bytes_recv
            sent = now.bytes_sent - self._network.bytes_sent
            found["network_receive_megabytes"] = received / 1e6
            found["network_transmit_megabytes"] = sent / 1e6
        return found


@dataclass(frozen=True)
class Settings:
    """Whether and how a run measures its machine when ``start_run`` does not say."""

    enabled: bool = False
    interval: float = 10.0
    samples: int = 1
    node_id: str | None = None


def settings() -> Settings:
    """Return the settings that the environment holds.

    ``NBTRACK_`` or ``MLFLOW_`` before ``ENABLE_SYSTEM_METRICS_LOGGING``,
    ``SYSTEM_METRICS_SAMPLING_INTERVAL``, ``SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING``,
    ``SYSTEM_METRICS_NODE_ID``.
    """
    return Settings(
        enabled=env_flag(*_names(_ENABLED), default=False),
        interval=_number(_INTERVAL, 10.0),
        samples=int(_number(_SAMPLES, 1.0)),
        node_id=env(*_names(_NODE)),
    )


def set_enabled(enabled: bool) -> None:
    """Let the runs that start from now on measure their machine, or not."""
    _set(_ENABLED, str(enabled).lower())


def set_interval(interval: float | None) -> None:
    """Set the seconds between measurements; None for 10."""
    _set(_INTERVAL, None if interval is None else str(interval))


def set_samples(samples: int | None) -> None:
    """Set how many measurements make one point; None for 1."""
    _set(_SAMPLES, None if samples is None else str(samples))


def set_node_id(node_id: str | None) -> None:
    """Set the name of this machine within a run; None for no name."""
    _set(_NODE, node_id)


def _names(name: str) -> tuple[str, str]:
    return f"NBTRACK_{name}", f"MLFLOW_{name}"


def _set(name: str, value: str | None) -> None:
    # processes that training starts see the settings too
    for variable in _names(name):
        os.environ.pop(variable, None)
    if value is not None:
        os.environ[_names(name)[0]] = value


def _number(name: str, default: float) -> float:
    text = env(*_names(name))
    if text is None:
        return default
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if number <= 0:
        raise InvalidParameterError(
            f"The environment variable {' or '.join(_names(name))} must be a number above 0; "
            f"got {text!r}."
        )
    return number
