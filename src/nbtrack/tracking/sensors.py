"""What can be measured of this machine, by MLflow's names; what fails does not stop the rest."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from nbtrack.tracking.gpu import open_nvml

Sensor = Callable[[], dict[str, float]]


def is_total(name: str) -> bool:
    """Return whether a metric counts from the beginning: of several samples, the last one holds."""
    return name.startswith("network_") or name.endswith("_energy_watt_hours")


class Sensors:
    """Measures this machine; network and energy count from when it was made.

    Make and use it in one thread: the load of the processor is that since the thread asked last.

    Parameters
    ----------
    say : callable
        Called as ``say(message, kind)`` with what cannot be measured; one kind is to be said once.
    """

    def __init__(self, say: Callable[[str, str], None]) -> None:
        self._say = say
        self._sensors: dict[str, Sensor] = {}
        self._gpus = open_nvml()
        makers: tuple[tuple[str, Callable[[Any], Sensor]], ...] = (
            ("processor", _processor),
            ("memory", _memory),
            ("disk", _disk),
            ("network", _network),
        )
        try:
            import psutil
        except ImportError:
            makers = ()
            say(
                "System metrics of processor, memory, disk and network need psutil, which is not "
                "installed. Run: pip install psutil",
                "system metrics psutil",
            )
        for name, make in makers:
            try:
                self._sensors[name] = make(psutil)
            except Exception as error:  # noqa: BLE001  a container may hide any of them
                self._tell(name, error)
        if self._gpus is not None:
            self._sensors |= self._gpus.sensors()

    def sample(self) -> dict[str, float]:
        """Return what can be measured now, by name."""
        found: dict[str, float] = {}
        for name, sensor in self._sensors.items():
            try:
                found |= sensor()
            except Exception as error:  # noqa: BLE001  it is tried again the next time
                self._tell(name, error)
        return found

    def close(self) -> None:
        """End the session with the GPUs' library."""
        if self._gpus is not None:
            self._gpus.close()

    def _tell(self, name: str, error: Exception) -> None:
        self._say(
            f"System metrics: the {name} of this machine cannot be measured "
            f"({type(error).__name__}: {error}). The others are logged.",
            f"system metrics {name}",
        )


def _processor(psutil: Any) -> Sensor:
    psutil.cpu_percent()  # the first answer of a thread is about no time at all
    return lambda: {"cpu_utilization_percentage": psutil.cpu_percent()}


def _memory(psutil: Any) -> Sensor:
    def sample() -> dict[str, float]:
        memory = psutil.virtual_memory()
        return {
            "system_memory_usage_megabytes": memory.used / 1e6,
            "system_memory_usage_percentage": 100 * memory.used / memory.total,
        }

    return sample


def _disk(psutil: Any) -> Sensor:
    def sample() -> dict[str, float]:
        disk = psutil.disk_usage(os.sep)
        return {
            "disk_usage_percentage": disk.percent,
            "disk_usage_megabytes": disk.used / 1e6,
            "disk_available_megabytes": disk.free / 1e6,
        }

    return sample


def _network(psutil: Any) -> Sensor:
    begin = psutil.net_io_counters()

    def sample() -> dict[str, float]:
        now = psutil.net_io_counters()
        if begin is None or now is None:  # there is no network
            return {}
        return {
            "network_receive_megabytes": (now.bytes_recv - begin.bytes_recv) / 1e6,
            "network_transmit_megabytes": (now.bytes_sent - begin.bytes_sent) / 1e6,
        }

    return sample
