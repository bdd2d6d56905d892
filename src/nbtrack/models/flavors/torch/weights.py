"""Tensors in a file of safetensors, named like the keys of a state dict.

The format is that of https://github.com/huggingface/safetensors: the length of the header as
eight bytes, the header as JSON, the tensors. It is written here and not by the package so that
the bytes go straight from the tensors into the file, hashed on the way; anyone reads it.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import torch

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.flavors.torch import blocks
from nbtrack.models.flavors.torch.dtypes import (
    codes,
    dtypes,
    held,
    named,
    regained,
    short_name,
)
from nbtrack.models.flavors.torch.staging import TensorSink, TensorSource, memory_key
from nbtrack.models.progress import Progress
from nbtrack.store.artifacts import artifact_errors

NOTES = "nbtrack"
_MAX_HEADER = 100_000_000  # as the package safetensors has it
_MAX_DIMENSIONS = 128


@dataclass(frozen=True)
class Entry:
    """One tensor of a file."""

    dtype: str
    shape: tuple[int, ...]
    start: int
    stop: int


@dataclass(frozen=True)
class Header:
    """What a file says of its tensors, in the order in which they lie there."""

    raw: bytes
    entries: dict[str, Entry]
    metadata: dict[str, str]
    notes: dict[str, Any] = field(default_factory=dict)

    @property
    def aliases(self) -> dict[str, str]:
        """Names that share the memory of another tensor, and the name of that one."""
        found: dict[str, str] = self.notes.get("aliases", {})
        return found


def save(
    path: Path,
    tensors: Mapping[str, torch.Tensor],
    notes: Mapping[str, Any] | None = None,
    title: str = "save weights",
    shown: bool = True,
) -> blocks.Digests:
    """Write tensors to a new file.

    Tensors that share their memory are written once. The strides of dense tensors
    (``channels_last``) and types that safetensors does not know are noted in the header.

    Parameters
    ----------
    path : Path
        The file, which must not exist yet.
    tensors : mapping of str to Tensor
        On any device.
    notes : mapping, optional
        Plain values to keep in the header.
    title, shown : str, bool
        Of the progress bar.

    Raises
    ------
    InvalidParameterError
        If a tensor has no plain memory: sparse, quantized, distributed, on ``meta``.
    """
    kept, aliases = _distinct(tensors)
    ordered = sorted(kept, key=lambda name: -held(kept[name].detach()).element_size())
    own_types = {
        name: short_name(kept[name].dtype) for name in ordered if kept[name].dtype not in codes()
    }
    strides = {name: list(kept[name].stride()) for name in ordered if _permuted(kept[name])}
    said: dict[str, Any] = {**(notes or {}), "aliases": aliases, "strides": strides}
    # the name of an alias with that of its tensor is what safetensors itself writes
    metadata = {"format": "pt", **aliases, NOTES: json.dumps({**said, "dtypes": own_types})}
    header: dict[str, Any] = {"__metadata__": metadata}
    segments: list[torch.Tensor] = []
    at = 0
    for name in ordered:
        tensor = held(kept[name].detach())
        size = tensor.numel() * tensor.element_size()
        header[name] = {
            "dtype": codes()[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [at, at + size],
        }
        segments.append(tensor)
        at += size
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    start = len(text).to_bytes(8, "little") + text
    sizes = [len(start), *(part.numel() * part.element_size() for part in segments)]
    source = TensorSource([start, *segments])
    with Progress(title, sum(sizes), shown) as progress, artifact_errors(path.name):
        try:
            return blocks.write(path, sizes, source, progress.add)
        except BaseException:
            path.unlink(missing_ok=True)
            raise


def read_header(path: Path) -> Header:
    """Return what a file says of its tensors.

    Raises
    ------
    NbtrackError
        If this is no file of safetensors, or not all of it.
    """
    with path.open("rb") as file:
        return parse_header(file, path.stat().st_size, path.name)


def parse_header(file: BinaryIO, size: int, title: str) -> Header:
    """Return what the beginning of a file of ``size`` bytes says; see ``read_header``."""
    length = int.from_bytes(file.read(8), "little")
    if not 2 <= length <= min(_MAX_HEADER, size - 8):
        raise _broken(title, "its header has no proper length")
    text = file.read(length)
    try:
        header = json.loads(text)
        metadata = header.pop("__metadata__", None) or {}
        entries = {name: _entry(values) for name, values in header.items()}
        notes = json.loads(metadata.get(NOTES, "{}"))
        _check_notes(notes, entries)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _broken(title, f"its header cannot be read ({error})") from error
    at = 0
    for name, entry in sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)):
        if entry.dtype not in dtypes():
            raise NbtrackError(
                f"{title}: the tensor {name!r} has the type {entry.dtype}, which this version "
                f"of PyTorch ({torch.__version__}) does not have. Load it with a newer one."
            )
        item = dtypes()[entry.dtype].itemsize
        if entry.start != at or entry.stop != at + item * math.prod(entry.shape):
            raise _broken(title, f"the tensor {name!r} is not where the header says")
        at = entry.stop
    if size != 8 + length + at:
        raise _broken(title, f"it has {size} bytes instead of {8 + length + at}")
    ordered = dict(sorted(entries.items(), key=lambda item: (item[1].start, item[1].stop)))
    return Header(length.to_bytes(8, "little") + text, ordered, metadata, notes)


def load(
    path: Path,
    device: torch.device | str | Callable[[str], torch.device] = "cpu",
    digests: blocks.Digests | None = None,
    title: str = "load weights",
    header: Header | None = None,
) -> dict[str, torch.Tensor]:
    """Read the tensors of a file straight to a device; those that shared memory share it again.

    Parameters
    ----------
    path : Path
        A file of safetensors, from here or from anywhere.
    device : torch.device, str or callable
        Where the tensors are made; a callable is asked for each name.
    digests : Digests, optional
        What the content must be; the very bytes that are loaded are checked.
    title : str
        Of the progress bar.
    header : Header, optional
        What ``read_header`` gave for this file.

    Raises
    ------
    NbtrackError
        If the file is damaged, or is not what was saved.
    """
    header = header or read_header(path)
    place = device if callable(device) else lambda _: torch.device(device)
    found = {
        name: torch.empty(entry.shape, dtype=dtypes()[entry.dtype], device=place(name))
        for name, entry in header.entries.items()
    }
    start = bytearray(len(header.raw))
    sizes = [len(start), *(entry.stop - entry.start for entry in header.entries.values())]
    total = sum(sizes)
    if digests is not None and digests.size != total:
        raise tampered(path, f"it has {total} bytes instead of {digests.size}")
    sink = TensorSink([start, *found.values()])
    with Progress(title, total) as progress:
        try:
            as_saved = blocks.read(path, sizes, sink, progress.add, digests)
        except EOFError as error:
            raise _broken(path.name, str(error)) from error
    if not as_saved or bytes(start) != header.raw:
        raise tampered(path, "its SHA-256 is another one than when it was saved")
    for name, stride in header.notes.get("strides", {}).items():
        shaped = torch.empty_strided(
            found[name].shape, stride, dtype=found[name].dtype, device=found[name].device
        )
        found[name] = shaped.copy_(found[name])
    for name, dtype in header.notes.get("dtypes", {}).items():
        found[name] = _regained(path, name, found[name], dtype)
    for alias, name in header.aliases.items():
        found[alias] = found[name]
    return found


def _regained(path: Path, name: str, tensor: torch.Tensor, dtype: str) -> torch.Tensor:
    wanted = named(dtype)
    if wanted is None:
        raise NbtrackError(
            f"{path.name}: the tensor {name!r} has the type {dtype[:80]!r}, which this version "
            f"of PyTorch ({torch.__version__}) does not have. Load it with a newer one."
        )
    try:
        return regained(tensor, wanted)
    except RuntimeError as error:  # other numbers than those that this type is held as
        raise _broken(path.name, f"the tensor {name!r} is not of the type {dtype}") from error


def _entry(values: Any) -> Entry:
    start, stop = values["data_offsets"]
    shape = tuple(values["shape"])
    whole = all(type(size) is int and size >= 0 for size in (*shape, start, stop))
    if not whole or len(shape) > _MAX_DIMENSIONS or math.prod(max(1, n) for n in shape) >> 62:
        raise ValueError("a tensor of no possible shape")
    return Entry(str(values["dtype"]), shape, start, stop)


def _check_notes(notes: Any, entries: Mapping[str, Entry]) -> None:
    aliases, strides, kinds = (notes.get(name, {}) for name in ("aliases", "strides", "dtypes"))
    known = all(type(name) is str and name in entries for name in (*aliases.values(), *kinds))
    if not known or not all(type(kind) is str for kind in kinds.values()):
        raise ValueError("it describes tensors that it does not have")
    for name, stride in strides.items():
        shape = entries[name].shape
        whole = all(type(step) is int and 0 <= step < 1 << 62 for step in stride)
        if not whole or len(stride) != len(shape) or not _is_dense(shape, stride):
            raise ValueError(f"the numbers of {name!r} lie in no order")


def tampered(path: Path, why: str) -> NbtrackError:
    """Return the error for a file that is not what was saved."""
    return NbtrackError(
        f"{path} was changed after it was saved: {why}. Nothing was loaded from it. "
        "Save the model again, or get the file from a backup.",
        "DATA_LOSS",
    )


def _distinct(
    tensors: Mapping[str, torch.Tensor],
) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    kept: dict[str, torch.Tensor] = {}
    aliases: dict[str, str] = {}
    seen: dict[Any, str] = {}
    for name, tensor in tensors.items():
        if not isinstance(name, str) or name == "__metadata__":
            raise InvalidParameterError(f"A tensor cannot have the name {name!r}; use a text.")
        check(name, tensor)
        first = seen.setdefault(memory_key(tensor), name)
        if first == name:
            kept[name] = tensor
        else:
            aliases[name] = first
    return kept, aliases


def check(name: str, tensor: torch.Tensor) -> None:
    """Raise if a tensor cannot be saved as it is, and say what helps."""
    from torch.nn.parameter import is_lazy

    if not isinstance(tensor, torch.Tensor):
        raise InvalidParameterError(
            f"{name!r} is {type(tensor).__name__}, not a tensor: only tensors can be saved as "
            "safetensors. Leave it out, or make it one with torch.as_tensor."
        )
    if is_lazy(tensor):
        raise InvalidParameterError(
            f"{name!r} has no shape yet: it belongs to a lazy module. Run the model once on an "
            "input, then save it."
        )
    kind = None
    if tensor.layout != torch.strided:
        kind, way = f"sparse ({_layout_name(tensor.layout)})", "tensor.to_dense() makes it dense"
    elif tensor.is_quantized:
        kind, way = (
            "quantized",
            "tensor.dequantize(), or save the model with serialization='pickle'",
        )
    elif tensor.device.type == "meta":
        kind, way = "on the device 'meta' and has no numbers", "model.to_empty, then load weights"
    elif _is_wrapper(tensor):
        kind = f"a {type(tensor).__name__}, which is spread over other tensors"
        way = "gather it first (full_tensor(), or get_model_state_dict with full_state_dict=True)"
    if kind is not None:
        raise InvalidParameterError(
            f"The tensor {name!r} is {kind}: it cannot be saved as it is. What helps: {way}."
        )


def _layout_name(layout: torch.layout) -> str:
    return str(layout).removeprefix("torch.")


def _is_wrapper(tensor: torch.Tensor) -> bool:
    from torch.utils._python_dispatch import is_traceable_wrapper_subclass

    return bool(is_traceable_wrapper_subclass(tensor))


def _permuted(tensor: torch.Tensor) -> bool:
    """Return whether a tensor is dense in another order than the row-major one."""
    if tensor.is_contiguous() or tensor.dtype not in codes():
        return False
    return _is_dense(tensor.shape, tensor.stride())


def _is_dense(shape: Sequence[int], strides: Sequence[int]) -> bool:
    expected = 1
    for stride, size in sorted(zip(strides, shape, strict=True)):
        if size != 1 and stride != expected:
            return False
        expected *= size
    return True


def _broken(title: str, why: str) -> NbtrackError:
    return NbtrackError(
        f"{title} is no complete file of safetensors: {why}. Get it anew, or save it again.",
        "DATA_LOSS",
    )
