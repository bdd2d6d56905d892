"""The most memory that the process, and its GPUs, held during a cell."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from nbtrack.entities.run_data import GPU_PEAK, PROCESS_PEAK

_RESET = Path("/proc/self/clear_refs")
_STATUS = Path("/proc/self/status")


# How PyTorch's functions are called with which somebody measures the peak for themselves.
_OWN_MEASURES = ("max_memory_", "reset_peak_memory", "memory_stats", "memory_summary")


class PeakMemory:
    """Measures from ``start`` to ``metrics``."""

    def __init__(self) -> None:
        self._known_peak = 0.0
        self._was_reset = False
        self._gpu_before: list[int] = []

    def start(self, cells: Iterable[str] = ()) -> None:
        """Begin to measure; CUDA is not started for it.

        Parameters
        ----------
        cells : iterable of str
            The code of the notebook so far. PyTorch has one peak for each GPU: where the code asks
            for it, it is not begun anew here, and that of the cell is known where it is higher.
        """
        try:
            _RESET.write_text("5")  # Linux: the high-water mark begins anew
            self._was_reset = True
        except OSError:
            self._known_peak = _lifetime_peak()
        cuda = _cuda()
        if cuda is not None:
            devices = range(cuda.device_count())
            if any(word in cell for cell in cells for word in _OWN_MEASURES):
                self._gpu_before = [cuda.max_memory_allocated(device) for device in devices]
            else:
                for device in devices:
                    cuda.reset_peak_memory_stats(device)

    def metrics(self) -> dict[str, float]:
        """Return the peaks in megabytes; what cannot be known is left out."""
        found = {}
        process = _high_water() if self._was_reset else self._grown()
        if process:
            found[PROCESS_PEAK] = process
        gpu = self._gpu_peak()
        if gpu is not None:
            found[GPU_PEAK] = round(gpu / 1e6, 1)
        return found

    def _gpu_peak(self) -> int | None:
        """Return the bytes of the GPU that had most; None where that may be of an earlier cell."""
        cuda = _cuda()
        if cuda is None:
            return None
        peaks = [cuda.max_memory_allocated(device) for device in range(cuda.device_count())]
        before = max(self._gpu_before, default=0)
        return max((peak for peak in peaks if peak > before), default=None)

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
