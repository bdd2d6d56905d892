"""One checkpoint is one file: safetensors with the plain state in its header, and no pickle."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError, NbtrackError, UntrustedError
from nbtrack.models.flavors.torch import random_states, weights
from nbtrack.models.flavors.torch.blocks import Digests
from nbtrack.models.flavors.torch.unwrapped import inner

KIND = "checkpoint"
_MODEL = "model."
_FORM = 1


@dataclass(frozen=True)
class Checkpoint:
    """What a checkpoint says of itself.

    Attributes
    ----------
    path : str
        Its file among the artifacts.
    epoch, step : int or None
        Where the training was.
    metrics : dict
    extra : object
        Whatever else was given; only known once the checkpoint is loaded.
    saved : float
        When, in seconds since 1970.
    """

    path: str
    epoch: int | None = None
    step: int | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    extra: Any = None
    saved: float = 0.0

    @classmethod
    def of(cls, path: str, notes: Mapping[str, Any]) -> Checkpoint:
        """Return what the header of a file says.

        Parameters
        ----------
        path : str
            The file among the artifacts.
        notes : mapping
            The notes in its header.

        Raises
        ------
        InvalidParameterError
            If the file is no checkpoint.
        """
        known: dict[str, Any] = {
            name: notes.get(name) for name in ("epoch", "step", "metrics", "saved")
        }
        right = all(isinstance(known[name], int | None) for name in ("epoch", "step"))
        right = right and type(known["saved"]) in (int, float) and _is_numbers(known["metrics"])
        if notes.get("kind") != KIND or notes.get("form") != _FORM or not right:
            raise InvalidParameterError(
                f"{path!r} is no checkpoint that this version of nbtrack can read."
            )
        return cls(path, **known)


@dataclass(frozen=True)
class State:
    """What a training is made of, taken apart: tensors, and plain values for the header."""

    tensors: dict[str, torch.Tensor]
    notes: dict[str, Any]
    dropped: list[str]


def take(
    model: torch.nn.Module | None,
    others: Mapping[str, Any],
    *,
    epoch: int | None,
    step: int | None,
    metrics: Mapping[str, float] | None,
    generators: Mapping[str, Any] | None,
) -> State:
    """Return the state of a training; nothing is copied.

    Parameters
    ----------
    model : Module, optional
    others : mapping of str to object
        What has a ``state_dict``, lists and dictionaries of such, and plain values.
    epoch, step, metrics, generators
        As in ``log_checkpoint``.

    Raises
    ------
    InvalidParameterError
        If a state holds something that is no data.
    """
    from nbtrack.models.objects import serialize

    whole = {} if model is None else inner(model).state_dict()
    tensors = {name: value for name, value in whole.items() if isinstance(value, torch.Tensor)}
    plain = {name: state_of(value) for name, value in others.items() if value is not None}
    plain["model"] = {name: value for name, value in whole.items() if name not in tensors}
    plain["random"] = random_states.capture(generators)
    serialized = serialize(plain)
    if serialized.sources:
        raise InvalidParameterError(
            "A checkpoint holds data, not code, and there is something in it of a class or "
            f"function of yours ({', '.join(serialized.sources)}). Put plain values, lists, "
            "dictionaries and tensors into `extra` instead."
        )
    arrays = {name: torch.as_tensor(value) for name, value in serialized.extra.items()}
    notes = {
        "kind": KIND,
        "form": _FORM,
        "epoch": epoch,
        "step": step,
        "metrics": {name: float(value) for name, value in (metrics or {}).items()},
        "saved": time.time(),
        "has_model": model is not None,
        "tree": serialized.tree,
    }
    return State(
        {**{_MODEL + name: t for name, t in tensors.items()}, **arrays}, notes, serialized.notes
    )


def write(path: Path, state: State, shown: bool = True) -> Digests:
    """Write a checkpoint's file."""
    return weights.save(path, state.tensors, state.notes, "save checkpoint", shown)


def restore(
    path: Path,
    checkpoint: str,
    model: torch.nn.Module | None,
    others: Mapping[str, Any],
    *,
    digests: Digests | None,
    rng: bool,
    generators: Mapping[str, Any] | None,
    strict: bool,
    trusted: bool,
) -> Checkpoint:
    """Give a model and other objects the state that a file holds; see ``load_checkpoint``."""
    from nbtrack.models.objects import check_consent, deserialize

    header = weights.read_header(path)
    found = Checkpoint.of(checkpoint, header.notes)
    tree: Any = header.notes.get("tree")
    with _named(checkpoint):
        check_consent(tree, trusted=trusted, place=path)
    arrays = weights.load(path, "cpu", digests, "load checkpoint", header)
    whole = {
        name.removeprefix(_MODEL): arrays.pop(name)
        for name in list(arrays)
        if name.startswith(_MODEL)
    }
    with _named(checkpoint):
        state = deserialize(tree, arrays, {}, trusted=trusted, place=path)
    if not all(type(part) is dict for part in (state, *_parts(state, "model", "random"))):
        raise InvalidParameterError(f"{checkpoint!r} is no checkpoint, or it is damaged.")
    wanted = {name: value for name, value in others.items() if value is not None}
    missing = sorted(set(wanted) - set(state))
    if model is not None and not header.notes.get("has_model"):
        missing.insert(0, "model")
    if missing:
        raise InvalidParameterError(
            f"The checkpoint {checkpoint!r} has no state of {', '.join(missing)}. "
            "Load without, or log it with what you want to restore."
        )
    if model is not None:
        with _fitting(checkpoint, "model"):
            inner(model).load_state_dict({**whole, **state["model"]}, strict=strict)
    for name, value in wanted.items():
        with _fitting(checkpoint, name):
            give_state(value, state[name], name)
    if rng:
        random_states.restore(state["random"], generators)
    return Checkpoint(**{**vars(found), "extra": state.get("extra")})


def state_of(value: Any) -> Any:
    """Return the state of an object, of each one in a list or dictionary, or the plain value."""
    if isinstance(value, list | tuple):
        return [state_of(item) for item in value]
    if type(value) is dict:
        return {name: state_of(item) for name, item in value.items()}
    return value.state_dict() if hasattr(value, "state_dict") else value


def give_state(value: Any, state: Any, name: str) -> None:
    """Give objects the states that ``state_of`` returned."""
    if isinstance(value, list | tuple | dict):
        if len(value) != len(state):
            raise InvalidParameterError(
                f"The checkpoint has the state of {len(state)} objects for {name!r}, and "
                f"{len(value)} were passed."
            )
        keys = value if isinstance(value, dict) else range(len(value))
        for key in keys:
            give_state(value[key], state[key], name)
        return
    value.load_state_dict(state)


@contextmanager
def _named(checkpoint: str) -> Iterator[None]:
    try:
        yield
    except UntrustedError as error:
        raise UntrustedError(f"The checkpoint {checkpoint!r}: {error.message}") from None


@contextmanager
def _fitting(checkpoint: str, name: str) -> Iterator[None]:
    try:
        yield
    except NbtrackError:
        raise
    except Exception as error:  # what an object's own load_state_dict raises
        raise InvalidParameterError(
            f"The state in the checkpoint {checkpoint!r} does not fit the {name}: "
            f"{type(error).__name__}: {error}. Pass an object of the kind that was logged."
        ) from error


def _parts(state: Any, *names: str) -> list[Any]:
    return [state.get(name) for name in names] if isinstance(state, dict) else [None]


def _is_numbers(found: Any) -> bool:
    return type(found) is dict and all(type(value) in (int, float) for value in found.values())
