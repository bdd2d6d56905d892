"""The most memory that the process, and its GPUs, held during a cell."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

PROCESS_KEY = "system/process_peak_memory_megabytes"
GPU_KEY = "system/gpu_peak_memory_megabytes"
MEMORY_KEYS = frozenset({PROCESS_KEY, GPU_KEY})

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


class PeakMemory:
    """Measures from ``start`` to ``metrics``."""

    def __init__(self) -> None:
        self._known_peak = 0.0
        self._was_reset = False

    def start(self) -> None:
        """Begin to measure."""
        try:
            _RESET.write_text("5")  # Linux: the high-water mark begins anew
            self._was_reset = True
        except OSError:
            self._known_peak = _lifetime_peak()
        cuda = _cuda()
        if cuda is not None:
            for device in range(cuda.device_count()):
                cuda.reset_peak_memory_stats(device)

    def metrics(self) -> dict[str, float]:
        """Return the peaks in megabytes; what cannot be known is left out."""
        found = {}
        process = _high_water() if self._was_reset else self._grown()
        if process:
            found[PROCESS_KEY] = process
        cuda = _cuda()
        if cuda is not None:
            peaks = [cuda.max_memory_allocated(d) / 1e6 for d in range(cuda.device_count())]
            if peaks:
                found[GPU_KEY] = round(max(peaks), 1)
        return found

    def _grown(self) -> float | None:
        peak = _lifetime_peak()
        if peak > self._known_peak:
            return peak
        try:
            import psutil
        except ImportError:
            return None
        return round(psutil.Process().memory_info().rss / 1e6, 1)


def _high_water() -> float | None:
    for line in _STATUS.read_text("ascii", "replace").splitlines():
        if line.startswith("VmHWM:"):
            return round(int(line.split()[1]) * 1024 / 1e6, 1)
    return None


def _lifetime_peak() -> float:
    try:
        import resource
    except ImportError:  # Windows
        return 0.0
    unit = 1 if sys.platform == "darwin" else 1024
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def _cuda() -> Any:
    torch = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    return cuda if cuda is not None and cuda.is_initialized() else None
