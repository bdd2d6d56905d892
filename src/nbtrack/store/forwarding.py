"""Changes that a server has to make, when the store mirrors one."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

if TYPE_CHECKING:
    from nbtrack.store.store import Store

P = ParamSpec("P")
T = TypeVar("T")
Edit = Callable[Concatenate["Store", P], T]


def forwarded(name: str) -> Callable[[Edit[P, T]], Edit[P, T]]:
    """Let a change of a store be made by the server that it mirrors, if it mirrors one.

    Parameters
    ----------
    name : str
        What ``Remote.edits`` calls it: a method with the same parameters.
    """

    def choose(change: Edit[P, T]) -> Edit[P, T]:
        @functools.wraps(change)
        def made(store: Store, /, *args: P.args, **kwargs: P.kwargs) -> T:
            if store.remote is None:
                return change(store, *args, **kwargs)
            answer: Any = getattr(store.remote.edits, name)(*args, **kwargs)
            found: T = answer
            return found

        return made

    return choose
