"""The GPUs of this machine, by NVIDIA's management library or a PyTorch that is loaded."""

from __future__ import annotations

import sys
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

    def sample(self) -> dict[str, float]:
        """Return what each GPU does now, by MLflow's names; what it cannot say is left out."""
        found: dict[str, float] = {}
        for number, handle in enumerate(self._handles):
            prefix = f"gpu_{number}_"
            with suppress(Exception):
                memory = self._nvml.nvmlDeviceGetMemoryInfo(handle)
                found[prefix + "memory_usage_percentage"] = 100 * memory.used / memory.total
                found[prefix + "memory_usage_megabytes"] = memory.used / 1e6
            with suppress(Exception):
                use = self._nvml.nvmlDeviceGetUtilizationRates(handle)
                found[prefix + "utilization_percentage"] = float(use.gpu)
            with suppress(Exception):
                watts = self._nvml.nvmlDeviceGetPowerUsage(handle) / 1000
                found[prefix + "power_usage_watts"] = watts
                limit = self._nvml.nvmlDeviceGetEnforcedPowerLimit(handle) / 1000
                found[prefix + "power_usage_percentage"] = 100 * watts / limit
        return found


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
