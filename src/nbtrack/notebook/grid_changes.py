"""Objects of earlier cells that a run of a grid has changed: the next run goes on with them."""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

MAX_NAMES = 2000
MAX_PARAMETERS = 5000


def states_of(names: Iterable[str], namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return what tells whether the objects of some names have been changed in place.

    Lists, dicts and sets are known by their length, modules and optimizers of PyTorch by the
    versions of their tensors, estimators of scikit-learn by what they have learned. Nothing of the
    user's code is called.

    Parameters
    ----------
    names : iterable of str
    namespace : mapping of str to object
    """
    found = {}
    for name in list(names)[:MAX_NAMES]:
        state = _state(namespace.get(name))
        if state is not None:
            found[name] = state
    return found


def changed_names(before: Mapping[str, Any], namespace: Mapping[str, Any]) -> list[str]:
    """Return those of the names whose object is still the same one, and has changed.

    Parameters
    ----------
    before : mapping
        From `states_of`.
    namespace : mapping of str to object
    """
    return sorted(
        name
        for name, state in before.items()
        if (now := _state(namespace.get(name))) is not None
        and now[0] == state[0]
        and now[1] != state[1]
    )


def reuse_message(names: Iterable[str]) -> str:
    """Return what to say about objects that runs go on with."""
    listed = list(names)
    shown = ", ".join(listed[:4]) + (" and others" if len(listed) > 4 else "")
    begins, makes = ("comes", "it") if len(listed) == 1 else ("come", "them")
    return (
        f"{shown} {begins} from an earlier cell and each run changes {makes}: the next run goes on "
        f"where this one has left {makes}. Make {makes} in this cell."
    )


def _state(value: Any) -> tuple[int, Any] | None:
    if type(value) in (list, dict, set, deque):
        return id(value), len(value)
    if _is_a(value, "torch.nn", "Module"):
        return id(value), _versions(value)
    if _is_a(value, "torch.optim", "Optimizer"):
        return id(value), len(vars(value).get("state", ()))
    if _is_a(value, "sklearn.base", "BaseEstimator"):
        return id(value), frozenset(
            (key, id(each)) for key, each in vars(value).items() if key.endswith("_")
        )
    return None


def _versions(module: Any) -> list[int]:
    """Return how often the tensors of a module were written to, without its own methods."""
    versions: list[int] = []
    waiting, seen = [module], {id(module)}
    while waiting and len(versions) < MAX_PARAMETERS:
        fields = vars(waiting.pop())
        versions += [
            each._version for each in fields.get("_parameters", {}).values() if each is not None
        ]
        inner = [m for m in fields.get("_modules", {}).values() if m is not None]
        waiting += [m for m in inner if id(m) not in seen]
        seen |= set(map(id, inner))
    return versions


def _is_a(value: Any, module: str, name: str) -> bool:
    kind = getattr(sys.modules.get(module), name, None)
    return isinstance(kind, type) and kind in type(value).__mro__
