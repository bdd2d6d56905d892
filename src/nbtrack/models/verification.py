"""Whether a saved model answers as the one in memory does."""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import InvalidParameterError

OUTPUTS = "outputs"
"""The model that would be loaded has answered the input example as the one in memory did."""

STRUCTURE = "structure"
"""Its parts were put together again and compared with the one in memory."""

_LIMIT_S = 2.0
_TOLERANCES = {2: 2e-2, 4: 1e-3}  # by the bytes of a number


class UnfaithfulModelError(InvalidParameterError):
    """A model would be loaded as something else than it is in memory."""


@dataclass(frozen=True)
class Answer:
    """What a model has answered to an example.

    Attributes
    ----------
    value : object
        None where it failed.
    error : Exception or None
    seconds : float
    """

    value: Any
    error: Exception | None
    seconds: float


def ask(predict: Callable[[], Any]) -> Answer:
    """Return what a model answers; random numbers are afterwards where they were."""
    start = time.perf_counter()
    value: Any = None
    failed: Exception | None = None
    with same_random_numbers():
        try:
            value = predict()
        except Exception as error:  # noqa: BLE001  whatever the user's own model raises
            failed = error
    return Answer(value, failed, time.perf_counter() - start)


def verify(expected: Answer, loaded: Callable[[], Any], again: Callable[[], Any]) -> str:
    """Compare the answer of a model with that of the one that would be loaded.

    Parameters
    ----------
    expected : Answer
        Of the model in memory.
    loaded, again : callable
        Ask the model that would be loaded, and the one in memory once more.

    Returns
    -------
    str
        ``"outputs"``, or ``"structure"`` where they cannot be compared: the model fails on the
        example, takes more than two seconds for it, or never answers the same.

    Raises
    ------
    UnfaithfulModelError
        If the answers are not the same.
    """
    if expected.error is not None or expected.seconds > _LIMIT_S:
        return STRUCTURE
    found = ask(loaded)
    if found.error is None and same_outputs(expected.value, found.value):
        return OUTPUTS
    second = ask(again)
    if second.error is not None or not same_outputs(expected.value, second.value):
        return STRUCTURE
    what = (
        f"fails on the input example ({type(found.error).__name__}: {found.error})"
        if found.error is not None
        else "gives other outputs for the input example"
    )
    raise UnfaithfulModelError(
        f"The model is not saved: what would be loaded {what}, and the model in memory does not. "
        "Something that it computes with is not in its class, its weights or its attributes. Pass "
        "that to the constructor and keep it as an attribute."
    )


def same_outputs(one: Any, other: Any) -> bool:
    """Return whether two answers are the same, up to the rounding of their numbers."""
    if isinstance(one, Mapping):
        return (
            isinstance(other, Mapping)
            and list(one) == list(other)
            and all(same_outputs(one[key], other[key]) for key in one)
        )
    if isinstance(one, list | tuple):
        return (
            isinstance(other, list | tuple)
            and len(one) == len(other)
            and all(same_outputs(a, b) for a, b in zip(one, other, strict=True))
        )
    if hasattr(one, "iloc") or hasattr(one, "detach") or hasattr(one, "dtype"):
        return type(one) is type(other) and _same_arrays(_array(one), _array(other))
    if isinstance(one, float) and isinstance(other, float):
        return one == other or one != one or abs(one - other) <= 1e-6 * max(abs(one), abs(other))
    if type(one) is not type(other):
        return getattr(type(one), "__qualname__", "") == getattr(type(other), "__qualname__", "")
    try:
        equal = one == other
        compares: Any = type(one).__eq__
        return bool(equal) or compares is object.__eq__
    except (TypeError, ValueError):
        return True  # answers of this kind cannot be compared


@contextmanager
def same_random_numbers() -> Iterator[None]:
    """Put the generators of random numbers back to where they were."""
    import numpy as np

    torch = sys.modules.get("torch")
    kept, ours = random.getstate(), np.random.get_state()  # noqa: NPY002  others use it
    theirs = None if torch is None else torch.get_rng_state()
    gpu = torch.cuda.get_rng_state_all() if torch and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(kept)
        np.random.set_state(ours)  # noqa: NPY002
        if torch is not None:
            torch.set_rng_state(theirs)
        if torch is not None and gpu is not None:
            torch.cuda.set_rng_state_all(gpu)


def _array(value: Any) -> Any:
    import numpy as np

    if hasattr(value, "detach"):
        tensor = value.detach().cpu()
        value = tensor.float() if tensor.is_floating_point() and tensor.itemsize < 4 else tensor
    return np.asarray(value)


def _same_arrays(one: Any, other: Any) -> bool:
    import numpy as np

    if one.shape != other.shape:
        return False
    if one.dtype.kind not in "fc" or other.dtype.kind not in "fc":
        return bool(np.array_equal(one, other))
    tolerance = _TOLERANCES.get(min(one.dtype.itemsize, other.dtype.itemsize), 1e-6)
    scale = float(np.nanmax(np.abs(one), initial=0.0, where=np.isfinite(one)))
    return bool(
        np.allclose(one, other, rtol=tolerance, atol=tolerance * max(scale, 1e-6), equal_nan=True)
    )
