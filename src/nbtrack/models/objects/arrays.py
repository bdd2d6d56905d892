"""The arrays of an object: kept as they are, under names that say where they belong."""

from __future__ import annotations

import base64
import contextlib
import sys
from collections.abc import Iterator
from typing import Any

from nbtrack.errors import InvalidParameterError

_FLAT = "biuf"


class Arrays:
    """Collects the arrays of one object, each storage once.

    Attributes
    ----------
    weights : dict of str to torch.Tensor
        Parameters and persistent buffers, under the names of the state dict.
    extra : dict of str to torch.Tensor or numpy.ndarray
        All others; their names begin with ``@``.
    """

    def __init__(self) -> None:
        self.weights: dict[str, Any] = {}
        self.extra: dict[str, Any] = {}
        self._names: dict[int, str] = {}
        self._storages: dict[tuple[Any, ...], str] = {}

    @contextlib.contextmanager
    def apart(self) -> Iterator[None]:
        """Collect what shares nothing with the arrays before it."""
        before = self._names, self._storages
        self._names, self._storages = {}, {}
        try:
            yield
        finally:
            self._names, self._storages = before

    def mark(self) -> tuple[int, ...]:
        """Return a point that ``forget`` goes back to."""
        return len(self.weights), len(self.extra), len(self._storages)

    def forget(self, mark: tuple[int, ...]) -> None:
        """Forget the arrays since a mark."""
        collected: list[dict[Any, Any]] = [self.weights, self.extra, self._storages]
        for found, size in zip(collected, mark, strict=True):
            while len(found) > size:
                found.popitem()

    def name_tensors(self, module: Any, where: str) -> None:
        """Give parameters and persistent buffers the names of the module's state dict."""
        if any(id(tensor) in self._names for tensor in module.parameters()):
            return
        base = f"{where}." if where else ""
        for name, tensor in module.named_parameters(remove_duplicate=False):
            self._names.setdefault(id(tensor), base + name)
        for prefix, part in module.named_modules(remove_duplicate=False):
            for name, tensor in part._buffers.items():
                full = f"{base}{prefix}.{name}" if prefix else base + name
                if tensor is not None:
                    hidden = name in part._non_persistent_buffers_set
                    self._names.setdefault(id(tensor), f"@{full}" if hidden else full)

    def fill(self, node: dict[str, Any], value: Any, where: str) -> bool:
        """Describe an array in a node and keep it; return whether the value is one."""
        numpy, torch = sys.modules.get("numpy"), sys.modules.get("torch")
        if numpy is not None and type(value) is numpy.ndarray:
            self._fill_numpy(node, value, where)
        elif numpy is not None and isinstance(value, numpy.generic):
            if value.dtype.hasobject:
                raise refused(value, where, "it is a NumPy scalar that holds an object")
            node.update({"~": "scalar", "dtype": value.dtype.str})
            node["value"] = base64.b64encode(value.tobytes()).decode("ascii")
        elif torch is not None and isinstance(value, torch.Tensor):
            self._fill_tensor(node, value, where)
        else:
            return False
        return True

    def _fill_numpy(self, node: dict[str, Any], value: Any, where: str) -> None:
        kind = value.dtype
        node.update({"~": "ndarray", "name": self._free_name(where), "dtype": kind.str})
        node["shape"] = list(value.shape)
        if kind.names is not None:
            node["dtype"] = [list(map(_listed, field)) for field in kind.descr]
        if value.flags.f_contiguous and not value.flags.c_contiguous:
            node["fortran"] = True  # compiled classes refuse the other order
        plain = kind.kind in _FLAT and kind.isnative and kind.itemsize <= 8
        self.extra[node["name"]] = value if plain else _as_bytes(value)

    def _fill_tensor(self, node: dict[str, Any], value: Any, where: str) -> None:
        import torch

        kind = type(value)
        if isinstance(value, torch.nn.parameter.UninitializedTensorMixin):  # type: ignore[attr-defined]
            raise refused(value, where, "its shape is not known yet; call the model once first")
        if kind not in (torch.Tensor, torch.nn.Parameter):
            raise refused(value, where, f"it is a tensor of the kind {kind.__name__}")
        if value.layout is not torch.strided or value.is_quantized or value.is_meta:
            what = "meta" if value.is_meta else str(value.layout).removeprefix("torch.")
            raise refused(value, where, f"it is a {what} tensor; make it dense first")
        name = self._names.get(id(value)) or self._free_name(where)
        key = (
            value.untyped_storage().data_ptr(), value.storage_offset(), tuple(value.shape),
            value.stride(), value.dtype, value.device,
        )  # fmt: skip
        same = self._storages.get(key) if value.numel() else None
        node.update({"~": "tensor", "name": name if same is None else same})
        if same is None:
            self._storages[key] = name
            (self.extra if name.startswith("@") else self.weights)[name] = value.detach()
        if kind is torch.nn.Parameter:
            node["kind"] = "parameter"
        if value.requires_grad and value.is_leaf:
            node["requires_grad"] = True
        node["device"] = str(value.device)

    def _free_name(self, where: str) -> str:
        base = where if where.startswith("@") else "@" + where
        name, number = base, 1
        while name in self.extra:
            number += 1
            name = f"{base}#{number}"
        return name


def objects_in(value: Any) -> list[Any] | None:
    """Return the items of a NumPy array of objects, None for everything else."""
    numpy = sys.modules.get("numpy")
    if numpy is None or type(value) is not numpy.ndarray or not value.dtype.hasobject:
        return None
    return list(value.flat)


class NoDataError(InvalidParameterError):
    """A part of an object is nothing that data can say."""


def refused(value: Any, where: str, why: str) -> NoDataError:
    """Return the error that names a value by its path and says why it cannot be saved."""
    name = where.lstrip("@") or "the object"
    return NoDataError(
        f"{name} ({type(value).__module__}.{type(value).__qualname__}) cannot be saved as data: "
        f"{why}."
    )


def _as_bytes(value: Any) -> Any:
    import numpy as np

    return np.frombuffer(np.ascontiguousarray(value).tobytes(), dtype=np.uint8)


def _listed(part: Any) -> Any:
    return list(part) if isinstance(part, tuple) else part


def equal_arrays(live: Any, made: Any) -> bool | None:
    """Return whether two arrays are equal; None where they are none."""
    import numpy as np

    torch = sys.modules.get("torch")
    try:
        if torch is not None and isinstance(live, torch.Tensor):
            if not isinstance(made, torch.Tensor) or live.shape != made.shape:
                return False
            if live.dtype != made.dtype or live.device != made.device:
                return False
            one, other = live.detach(), made.detach()
            if one.data_ptr() == other.data_ptr():
                return True  # it is the same memory; nothing is compared, no GPU is waited for
            return bool(((one == other) | ((one != one) & (other != other))).all())
        if isinstance(live, np.ndarray | np.generic):
            equal_nan = live.dtype.kind in "fc"
            return type(live) is type(made) and np.array_equal(live, made, equal_nan=equal_nan)
    except (TypeError, ValueError, RuntimeError, NotImplementedError):
        return True  # layouts without numbers, or without a comparison
    return None
