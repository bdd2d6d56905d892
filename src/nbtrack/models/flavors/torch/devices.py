"""On which device a model was trained, and on which one it is loaded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError
from nbtrack.models.flavors.torch.dtypes import short_name


def facts(tensors: Iterable[torch.Tensor], parameters: Iterable[torch.Tensor]) -> dict[str, Any]:
    """Return what is recorded of a model: device, GPU, precision, size, versions.

    Parameters
    ----------
    tensors : iterable of Tensor
        Parameters and buffers, each once.
    parameters : iterable of Tensor
        The parameters among them.

    Returns
    -------
    dict
        ``device`` (where most of the bytes are), ``gpu`` (name), ``gpu_memory`` (bytes),
        ``precision`` (type of most of the parameters), ``dtypes`` (numbers by type),
        ``parameters`` (numbers in all), ``trainable``, ``bytes``, ``torch``, ``cuda``.
    """
    on: Counter[torch.device] = Counter()
    types: Counter[str] = Counter()
    for tensor in tensors:
        on[tensor.device] += tensor.numel() * tensor.element_size()
        types[short_name(tensor.dtype)] += tensor.numel()
    precisions: Counter[str] = Counter()
    count = trainable = 0
    for parameter in parameters:
        precisions[short_name(parameter.dtype)] += parameter.numel()
        count += parameter.numel()
        trainable += parameter.numel() if parameter.requires_grad else 0
    device = on.most_common(1)[0][0] if on else torch.device("cpu")
    common = (precisions or types).most_common(1)
    found: dict[str, Any] = {
        "device": str(device),
        "precision": common[0][0] if common else None,
        "dtypes": dict(types.most_common()),
        "parameters": count,
        "trainable": trainable,
        "bytes": sum(on.values()),
        "torch": str(torch.__version__),
        "cuda": torch.version.cuda if device.type == "cuda" else None,
    }
    if len(on) > 1:
        found["devices"] = sorted(map(str, on))
    if device.type == "cuda":
        properties = torch.cuda.get_device_properties(device)
        found |= {"gpu": str(properties.name), "gpu_memory": int(properties.total_memory)}
    return {key: value for key, value in found.items() if value is not None}


def choose(
    asked: torch.device | str | int | None, recorded: str | None
) -> tuple[torch.device, str | None]:
    """Return the device to load on, and what to say if it is not the one of before.

    Parameters
    ----------
    asked : torch.device, str or int, optional
        What the caller wants; then nothing needs to be said.
    recorded : str, optional
        Where the model was when it was saved.

    Raises
    ------
    InvalidParameterError
        If the device that was asked for is not there.
    """
    if asked is not None:
        try:
            device = torch.device(asked)
        except (RuntimeError, TypeError) as error:
            raise InvalidParameterError(
                f"{asked!r} is no device: {error}. Use 'cpu', 'cuda' or 'cuda:0', or leave it out."
            ) from error
        if not available(device):
            raise InvalidParameterError(
                f"There is no device {str(device)!r} here. {_there_is()} Leave `device` out to "
                "load on the best one."
            )
        return device, None
    before = named(recorded or "cpu")
    if before is not None and available(before):
        return before, None
    device = best()
    return (
        device,
        f"The model was saved on {recorded}, which is not here; it is loaded on {device}.",
    )


def named(recorded: Any) -> torch.device | None:
    """Return the device that a file names, or None if it is none that holds numbers."""
    try:
        device = torch.device(str(recorded))
    except RuntimeError:
        return None
    return None if device.type == "meta" else device


def available(device: torch.device) -> bool:
    """Return whether tensors can be made on a device."""
    if device.type in ("cpu", "meta"):
        return True
    if device.type == "mps":
        return bool(torch.backends.mps.is_available())
    backend: Any = getattr(torch, device.type, None)
    if backend is None or not hasattr(backend, "is_available") or not backend.is_available():
        return False
    return device.index is None or device.index < int(backend.device_count())


def best() -> torch.device:
    """Return the fastest device that is here."""
    for kind in ("cuda", "xpu", "mps"):
        if available(torch.device(kind)):
            return torch.device(kind)
    return torch.device("cpu")


def _there_is() -> str:
    if torch.cuda.is_available():
        return f"There are {torch.cuda.device_count()} CUDA devices and the CPU."
    return "There is no GPU that PyTorch can use."
