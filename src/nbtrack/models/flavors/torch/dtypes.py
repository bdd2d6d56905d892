"""Types of numbers: what safetensors calls them, and how it holds the ones it does not know."""

from __future__ import annotations

from functools import cache

import torch

_NAMES = {
    "F64": "float64",
    "F32": "float32",
    "F16": "float16",
    "BF16": "bfloat16",
    "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2",
    "C64": "complex64",
    "I64": "int64",
    "I32": "int32",
    "I16": "int16",
    "I8": "int8",
    "U64": "uint64",
    "U32": "uint32",
    "U16": "uint16",
    "U8": "uint8",
    "BOOL": "bool",
}
_READ_ONLY_NAMES = {
    "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
    "F8_E8M0": "float8_e8m0fnu",
}


@cache
def codes() -> dict[torch.dtype, str]:
    """Return how safetensors names the types that every version of it can read."""
    return {dtype: code for code, dtype in _known(_NAMES).items()}


@cache
def dtypes() -> dict[str, torch.dtype]:
    """Return the types behind the names that may stand in a file of safetensors."""
    return _known({**_NAMES, **_READ_ONLY_NAMES})


def held(tensor: torch.Tensor) -> torch.Tensor:
    """Return a tensor over the same memory whose type safetensors has a name for.

    Complex numbers become pairs in a last dimension of their own, everything else bytes.
    """
    if tensor.dtype in codes():
        return tensor
    if tensor.is_complex():
        return torch.view_as_real(tensor)
    return tensor.view(torch.uint8)


def named(name: str) -> torch.dtype | None:
    """Return the type of plain numbers with this name, or None.

    The name may come from a stranger's file. It is not asked of PyTorch as an attribute, which
    imports what it does not have yet.
    """
    short = name.removeprefix("torch.")
    found = vars(torch).get(short)
    return found if isinstance(found, torch.dtype) and not short.startswith("q") else None


def regained(tensor: torch.Tensor, wanted: torch.dtype) -> torch.Tensor:
    """Return what ``held`` was given: the tensor with its own type."""
    return torch.view_as_complex(tensor) if wanted.is_complex else tensor.view(wanted)


def short_name(dtype: torch.dtype) -> str:
    """Return ``float32`` for ``torch.float32``."""
    return str(dtype).removeprefix("torch.")


def _known(names: dict[str, str]) -> dict[str, torch.dtype]:
    # older versions of PyTorch have fewer types
    return {code: getattr(torch, name) for code, name in names.items() if hasattr(torch, name)}
