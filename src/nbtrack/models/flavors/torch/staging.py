"""Tensors on their way to files and back: copied while training goes on, through pinned buffers."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch

from nbtrack.models.flavors.torch.blocks import BLOCK, Spans


class TensorSource:
    """Gives the bytes of tensors: those of the processor in place, others in blocks.

    A tensor on a GPU is never copied as a whole: a block at a time goes through a pinned
    buffer, so the GPU needs no memory for saving. One that is not contiguous is copied while
    its bytes are written, one such tensor at a time.

    Parameters
    ----------
    segments : list of bytes or Tensor
        What the file is made of, in order.
    """

    def __init__(self, segments: Sequence[bytes | torch.Tensor]) -> None:
        self._segments = segments
        self._flat: tuple[int, memoryview | torch.Tensor] | None = None
        self._buffers = Buffers()

    def views(self, spans: Spans) -> tuple[list[memoryview], Callable[[], None]]:
        """Return the bytes of these spans; the second value gives the buffer back."""
        found: list[memoryview] = []
        buffer = None
        used = 0
        devices = set()
        for number, start, stop in spans:
            data = self._bytes_of(number)
            if isinstance(data, memoryview):
                found.append(data[start:stop])
                continue
            buffer = self._buffers.take(data.device) if buffer is None else buffer
            size = stop - start
            buffer[used : used + size].copy_(data[start:stop], non_blocking=True)
            devices.add(data.device)
            found.append(memory_of(buffer)[used : used + size])
            used += size
        if buffer is None:
            return found, _nothing
        taken = buffer
        synchronize(devices)
        return found, lambda: self._buffers.give(taken)

    def _bytes_of(self, number: int) -> memoryview | torch.Tensor:
        if self._flat is None or self._flat[0] != number:
            segment = self._segments[number]
            if isinstance(segment, bytes):
                self._flat = (number, memoryview(segment))
            else:
                flat = flat_bytes(segment.detach())
                self._flat = (number, memory_of(flat) if flat.device.type == "cpu" else flat)
        return self._flat[1]


class TensorSink:
    """Takes the bytes of tensors: into place, or through a pinned buffer to their device.

    Parameters
    ----------
    segments : list of bytearray or Tensor
        Contiguous memory for what the file is made of, in order.
    """

    def __init__(self, segments: Sequence[bytearray | torch.Tensor]) -> None:
        self._data = [
            memoryview(segment)
            if isinstance(segment, bytearray)
            else _in_place(flat_bytes(segment))
            for segment in segments
        ]
        self._buffers = Buffers()

    def views(self, spans: Spans) -> tuple[list[memoryview], Callable[[], None]]:
        """Return memory to fill; the second value sends it on its way once it is filled."""
        found: list[memoryview] = []
        waiting: list[tuple[torch.Tensor, torch.Tensor]] = []
        buffer = None
        used = 0
        for number, start, stop in spans:
            data = self._data[number]
            if isinstance(data, memoryview):
                found.append(data[start:stop])
                continue
            buffer = self._buffers.take(data.device) if buffer is None else buffer
            size = stop - start
            waiting.append((data[start:stop], buffer[used : used + size]))
            found.append(memory_of(buffer)[used : used + size])
            used += size
        if buffer is None:
            return found, _nothing
        taken = buffer

        def filled() -> None:
            for target, staged in waiting:
                target.copy_(staged, non_blocking=True)
            synchronize({target.device for target, _ in waiting})
            self._buffers.give(taken)

        return found, filled


class Buffers:
    """Blocks of host memory that are used again, pinned where the device is a CUDA one."""

    def __init__(self) -> None:
        self._free: list[torch.Tensor] = []
        self._lock = threading.Lock()

    def take(self, device: torch.device) -> torch.Tensor:
        """Return a buffer of one block that nobody else uses."""
        with self._lock:
            if self._free:
                return self._free.pop()
        return torch.empty(BLOCK, dtype=torch.uint8, pin_memory=device.type == "cuda")

    def give(self, buffer: torch.Tensor) -> None:
        """Take a buffer back."""
        with self._lock:
            self._free.append(buffer)


def flat_bytes(tensor: torch.Tensor) -> torch.Tensor:
    """Return the bytes of a tensor in row-major order; its own memory where it lies so."""
    dense = tensor.resolve_conj().resolve_neg().contiguous()
    return dense.reshape(-1).view(torch.uint8)


def memory_of(flat: torch.Tensor) -> memoryview:
    """Return the memory of a flat tensor of bytes on the processor."""
    memory: Any = flat.numpy()
    return memoryview(memory)


def synchronize(devices: set[torch.device]) -> None:
    """Wait until what was asked of these devices by this thread is done."""
    for device in devices:
        if device.type == "cuda":
            torch.cuda.current_stream(device).synchronize()
        elif device.type == "mps":
            torch.mps.synchronize()
        elif device.type == "xpu":
            torch.xpu.synchronize(device)


def _in_place(flat: torch.Tensor) -> memoryview | torch.Tensor:
    return memory_of(flat) if flat.device.type == "cpu" else flat


def _nothing() -> None:
    pass


def memory_key(tensor: torch.Tensor) -> Any:
    """Return what two tensors have in common that are the same numbers in the same memory."""
    if not tensor.numel():
        return id(tensor)
    where = (tensor.device, tensor.untyped_storage().data_ptr(), tensor.storage_offset())
    return (*where, tuple(tensor.shape), tensor.stride(), tensor.dtype, tensor.is_conj())


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
