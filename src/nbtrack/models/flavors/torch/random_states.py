"""The generators of random numbers of a process, as they are now."""

from __future__ import annotations

import random
import sys
from collections.abc import Mapping
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError, NbtrackError


def capture(generators: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the states of Python, NumPy, PyTorch on every device, and further generators.

    Parameters
    ----------
    generators : mapping of str to generator, optional
        ``torch.Generator`` (or what has one as its ``generator``, such as a ``DataLoader``),
        ``numpy.random.Generator``, ``random.Random``.
    """
    found: dict[str, Any] = {"python": random.getstate(), "torch": torch.get_rng_state()}
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        found["numpy"] = numpy.random.get_state(legacy=False)
    cuda: Any = torch.cuda
    if cuda.is_available() and cuda.is_initialized():
        found["cuda"] = torch.cuda.get_rng_state_all()
    if torch.backends.mps.is_available():
        found["mps"] = torch.mps.get_rng_state()
    if generators:
        found["generators"] = {
            name: _state(name, generator) for name, generator in generators.items()
        }
    return found


def restore(states: Mapping[str, Any], generators: Mapping[str, Any] | None = None) -> None:
    """Put the generators into the states that ``capture`` returned.

    Raises
    ------
    InvalidParameterError
        If the states of a generator that is given were not captured, or are damaged.
    """
    try:
        _restore(states)
        kept = states.get("generators", {})
        for name, generator in (generators or {}).items():
            if name not in kept:
                raise InvalidParameterError(
                    f"The checkpoint has no generator {name!r}; it has {sorted(kept) or 'none'}. "
                    "Pass the same generators to log_checkpoint and load_checkpoint."
                )
            _set_state(generator, kept[name])
    except NbtrackError:
        raise
    except Exception as error:  # what a generator says to a state that is none
        raise InvalidParameterError(
            f"The random numbers of this checkpoint are damaged: {type(error).__name__}: {error}. "
            "Pass rng=False to go on without them."
        ) from error


def _restore(states: Mapping[str, Any]) -> None:
    random.setstate(states["python"])
    torch.set_rng_state(states["torch"])
    if "numpy" in states:
        import numpy as np

        _check_position(states["numpy"])
        np.random.set_state(states["numpy"])  # noqa: NPY002  whoever uses the old one needs it
    if "cuda" in states and torch.cuda.is_available():
        count = min(len(states["cuda"]), torch.cuda.device_count())
        torch.cuda.set_rng_state_all(states["cuda"][:count])
    if "mps" in states and torch.backends.mps.is_available():
        torch.mps.set_rng_state(states["mps"])


def _check_position(state: Any) -> None:
    """Raise if a state of NumPy points outside of its own numbers, which NumPy does not check."""
    for place, name, most in ((state.get("state"), "pos", 624), (state, "buffer_pos", 4)):
        if isinstance(place, Mapping) and not 0 <= place.get(name, 0) <= most:
            raise ValueError(f"{name} is {place[name]}")


def _state(name: str, generator: Any) -> Any:
    own = _own(generator)
    if isinstance(own, torch.Generator):
        return own.get_state()
    if isinstance(own, random.Random):
        return own.getstate()
    if hasattr(own, "bit_generator"):
        return own.bit_generator.state
    raise InvalidParameterError(
        f"generators[{name!r}] is {type(generator).__name__}, whose state cannot be kept. Use a "
        "torch.Generator, a DataLoader with one, a numpy.random.Generator or a random.Random."
    )


def _set_state(generator: Any, state: Any) -> None:
    own = _own(generator)
    if isinstance(own, torch.Generator):
        own.set_state(state)
    elif isinstance(own, random.Random):
        own.setstate(state)
    else:
        _check_position(state)
        own.bit_generator.state = state


def _own(generator: Any) -> Any:
    inner = getattr(generator, "generator", None)
    return inner if isinstance(inner, torch.Generator) else generator
