"""The GPUs of this machine, by NVIDIA's management library or a PyTorch that is loaded."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any


class Nvml:
    """A session with NVIDIA's management library.

    Raises
    ------
    Exception
        Whatever the library raises where there is no driver; ``open_nvml`` gives None then.
    """

    def __init__(self) -> None:
        import pynvml

        self._nvml: Any = pynvml
        pynvml.nvmlInit()
        self._handles = [
            pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())
        ]

    def close(self) -> None:
        """End the session."""
        with suppress(Exception):
            self._nvml.nvmlShutdown()

    def describe(self) -> dict[str, Any]:
        """Return driver, CUDA version, and the name and memory (bytes) of each GPU."""
        found: dict[str, Any] = {"gpus": []}
        with suppress(Exception):
            found["driver"] = _text(self._nvml.nvmlSystemGetDriverVersion())
        with suppress(Exception):
            version = self._nvml.nvmlSystemGetCudaDriverVersion_v2()
            found["cuda"] = f"{version // 1000}.{version % 1000 // 10}"
        for handle in self._handles:
            gpu: dict[str, Any] = {"name": _text(self._nvml.nvmlDeviceGetName(handle))}
            with suppress(Exception):
                gpu["memory"] = int(self._nvml.nvmlDeviceGetMemoryInfo(handle).total)
            found["gpus"].append(gpu)
        return found

    def sensors(self) -> dict[str, Callable[[], dict[str, float]]]:
        """Return what tells what each GPU does, in MLflow's names; energy counts from now on.

        What a GPU does not support is left out.
        """
        found: dict[str, Callable[[], dict[str, float]]] = {}
        for number, handle in enumerate(self._handles):
            gpu = _Gpu(self._nvml, handle, f"gpu_{number}_")
            for what in (gpu.memory, gpu.load, gpu.power, gpu.energy):
                found[f"{what.__name__} of GPU {number}"] = _supported(self._nvml, what)
        return found


class _Gpu:
    """One GPU, whose metrics begin with a prefix."""

    def __init__(self, nvml: Any, handle: Any, prefix: str) -> None:
        self._nvml = nvml
        self._handle = handle
        self._prefix = prefix
        self._power: tuple[float, float] | None = None
        self._integrated = 0.0
        self._begin: float | None = None
        with suppress(Exception):  # then it is found out from the power
            self._begin = nvml.nvmlDeviceGetTotalEnergyConsumption(handle)
        if self._begin is None:
            with suppress(Exception):
                self._add_power()

    def memory(self) -> dict[str, float]:
        memory = self._nvml.nvmlDeviceGetMemoryInfo(self._handle)
        return {
            self._prefix + "memory_usage_percentage": 100 * memory.used / memory.total,
            self._prefix + "memory_usage_megabytes": memory.used / 1e6,
        }

    def load(self) -> dict[str, float]:
        use = self._nvml.nvmlDeviceGetUtilizationRates(self._handle)
        return {self._prefix + "utilization_percentage": float(use.gpu)}

    def power(self) -> dict[str, float]:
        watts = self._watts()
        found = {self._prefix + "power_usage_watts": watts}
        with suppress(Exception):  # some laptops have no limit
            limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(self._handle) / 1000
            found[self._prefix + "power_usage_percentage"] = 100 * watts / limit
        return found

    def energy(self) -> dict[str, float]:
        """Return what was used since the start: by the GPU's own counter, else from its power."""
        if self._begin is None:
            hours = self._add_power()
        else:
            now = self._nvml.nvmlDeviceGetTotalEnergyConsumption(self._handle)
            hours = max(0.0, now - self._begin) / 3.6e6  # it counts millijoules
        return {self._prefix + "energy_watt_hours": hours}

    def _add_power(self) -> float:
        now, watts = time.monotonic(), self._watts()
        if self._power is not None:
            self._integrated += (watts + self._power[1]) / 2 * (now - self._power[0]) / 3600
        self._power = (now, watts)
        return self._integrated

    def _watts(self) -> float:
        return float(self._nvml.nvmlDeviceGetPowerUsage(self._handle)) / 1000


def _supported(nvml: Any, sensor: Callable[[], dict[str, float]]) -> Callable[[], dict[str, float]]:
    """Return a sensor that tells nothing where the GPU has no such thing."""
    names = ("NVMLError_NotSupported", "NVMLError_FunctionNotFound")
    unsupported = tuple(getattr(nvml, name) for name in names if hasattr(nvml, name))

    def sample() -> dict[str, float]:
        try:
            return sensor()
        except unsupported:
            return {}

    return sample


def open_nvml() -> Nvml | None:
    """Return a session with NVIDIA's library, or None where there is no such GPU."""
    try:
        return Nvml()
    except Exception:  # noqa: BLE001 - no package, no driver, no permission: no GPU to speak of
        return None


def describe_gpus() -> dict[str, Any]:
    """Return what is known of the GPUs; empty where there are none.

    PyTorch is asked only when it is loaded already and uses the GPU already: asking
    earlier would start CUDA, which breaks worker processes that are forked later.
    """
    session = open_nvml()
    found = {} if session is None else session.describe()
    if session is not None:
        session.close()
    torch = sys.modules.get("torch")
    if torch is None:
        return found
    with suppress(Exception):
        if torch.version.cuda:
            found["torch_cuda"] = str(torch.version.cuda)
    with suppress(Exception):
        if not found.get("gpus") and torch.cuda.is_initialized():
            found["gpus"] = [_by_torch(torch, i) for i in range(torch.cuda.device_count())]
    with suppress(Exception):
        if torch.backends.mps.is_available():
            found["gpus"] = [{"name": "Apple GPU (MPS)"}]
    return found


def _by_torch(torch: Any, index: int) -> dict[str, Any]:
    properties = torch.cuda.get_device_properties(index)
    return {"name": str(properties.name), "memory": int(properties.total_memory)}


def _text(value: str | bytes) -> str:
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value
