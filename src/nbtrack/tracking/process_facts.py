"""What of a process decides on the last digits of its numbers: threads, flags, order of hashes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any

_THREADS = (
    "OMP_NUM_THREADS",
    "MKL_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)


def process_facts() -> dict[str, Any]:
    """Return what of this process decides on numbers besides the code.

    Nothing is imported, and no GPU is initialized, for it.

    Returns
    -------
    dict
        ``hash_seed``: the variable ``PYTHONHASHSEED`` or None; ``hash_probe``: the hash of a text,
        equal where sets of texts have the same order; ``threads``: of PyTorch, of BLAS and OpenMP;
        ``flags``: of PyTorch, cuDNN and cuBLAS, and the devices.
    """
    threads: dict[str, Any] = {
        name: value for name in _THREADS if (value := os.environ.get(name)) is not None
    }
    flags: dict[str, Any] = {}
    multiprocessing = sys.modules.get("multiprocessing")
    if multiprocessing is not None:
        flags["start_method"] = multiprocessing.get_start_method(allow_none=True)
    if (config := os.environ.get("CUBLAS_WORKSPACE_CONFIG")) is not None:
        flags["CUBLAS_WORKSPACE_CONFIG"] = config
    if (torch := sys.modules.get("torch")) is not None:
        _add(threads, "torch", lambda: torch.get_num_threads())
        _add(threads, "torch_interop", lambda: torch.get_num_interop_threads())
        _add_torch(flags, torch)
    if (pools := sys.modules.get("threadpoolctl")) is not None:
        _add(threads, "pools", lambda: _pools(pools))
    return {
        "hash_seed": os.environ.get("PYTHONHASHSEED"),
        "hash_probe": hash("probe"),
        "threads": threads,
        "flags": flags,
    }


def _add_torch(flags: dict[str, Any], torch: Any) -> None:
    _add(flags, "default_dtype", lambda: str(torch.get_default_dtype()))
    _add(flags, "matmul_precision", lambda: torch.get_float32_matmul_precision())
    _add(flags, "deterministic", lambda: torch.are_deterministic_algorithms_enabled())
    _add(flags, "cudnn_benchmark", lambda: torch.backends.cudnn.benchmark)
    _add(flags, "cudnn_deterministic", lambda: torch.backends.cudnn.deterministic)
    if torch.cuda.is_initialized():
        count = torch.cuda.device_count()
        _add(flags, "devices", lambda: [torch.cuda.get_device_name(i) for i in range(count)])


def _pools(pools: Any) -> dict[str, int]:
    found = pools.threadpool_info()
    return {str(pool["internal_api"]): int(pool["num_threads"]) for pool in found}


def _add(facts: dict[str, Any], key: str, fact: Callable[[], Any]) -> None:
    """Add a fact, if this version of the library has it."""
    try:
        facts[key] = fact()
    except Exception:  # noqa: BLE001  a library says in its own way that it does not have it
        return
