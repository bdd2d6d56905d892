"""Tensors as they are now, to be written while training goes on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from nbtrack.models.flavors.torch.weights import memory_key


class Snapshot:
    """A copy of tensors in the memory of the processor.

    Tensors on a CUDA device are copied into pinned memory by a stream of their own. The
    caller's stream is told to wait for the copy before it goes on, so that no later step
    changes what is saved; the caller itself does not wait. The GPU needs no memory for it.

    Parameters
    ----------
    tensors : mapping of str to Tensor
        Those that share memory share it in the copy too.
    """

    def __init__(self, tensors: Mapping[str, torch.Tensor]) -> None:
        self._copied: list[Any] = []
        streams: dict[torch.device, Any] = {}
        copies: dict[Any, torch.Tensor] = {}
        found: dict[str, torch.Tensor] = {}
        cuda: Any = torch.cuda
        with torch.no_grad():
            for name, tensor in tensors.items():
                key = memory_key(tensor)
                if key not in copies:
                    copies[key] = _copy(tensor.detach(), streams)
                found[name] = copies[key]
        for device, stream in streams.items():
            event = cuda.Event()
            event.record(stream)
            torch.cuda.current_stream(device).wait_event(event)
            self._copied.append(event)
        self._tensors = found

    def tensors(self) -> dict[str, torch.Tensor]:
        """Return the copies once they are complete."""
        for event in self._copied:
            event.synchronize()
        return self._tensors


def _copy(tensor: torch.Tensor, streams: dict[torch.device, Any]) -> torch.Tensor:
    if tensor.device.type != "cuda":
        return tensor.to("cpu", copy=True)
    stream = streams.get(tensor.device)
    if stream is None:
        cuda: Any = torch.cuda
        stream = streams[tensor.device] = cuda.Stream(tensor.device)
        stream.wait_stream(torch.cuda.current_stream(tensor.device))
    target = torch.empty_like(tensor, device="cpu", pin_memory=True)
    with torch.cuda.stream(stream):
        target.copy_(tensor, non_blocking=True)
    tensor.record_stream(stream)
    return target
