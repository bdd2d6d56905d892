"""What is known of objects, as long as they live: arrays and estimators have no hash."""

from __future__ import annotations

import weakref
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Weakly:
    """One object that is not kept alive.

    Parameters
    ----------
    thing : object
        One that takes no weak references, such as a list, is known by its place in memory.
    """

    def __init__(self, thing: Any) -> None:
        self._id = id(thing)
        try:
            self._reference: weakref.ref[Any] | None = weakref.ref(thing)
        except TypeError:
            self._reference = None

    def get(self) -> Any:
        """Return the object; None if it is gone, or takes no weak references."""
        return None if self._reference is None else self._reference()

    def is_same(self, thing: Any) -> bool:
        """Return whether an object is this one.

        Parameters
        ----------
        thing : object
        """
        return id(thing) == self._id if self._reference is None else self.get() is thing


class ByIdentity(Generic[T]):
    """Values by object; an object is not kept alive by it, and does not notice."""

    def __init__(self) -> None:
        self._held: dict[int, tuple[weakref.ref[Any], T]] = {}

    def __len__(self) -> int:
        return len(self._held)

    def set(self, thing: Any, value: T) -> None:
        """Remember a value for an object, in place of one before.

        Parameters
        ----------
        thing : object
            One that takes no weak references, such as a list, is not remembered.
        value : object
            Anything that does not hold the object.
        """
        key = id(thing)

        def forget(reference: weakref.ref[Any]) -> None:
            held = self._held.get(key)
            if held is not None and held[0] is reference:  # no other object has the id by now
                del self._held[key]

        try:
            self._held[key] = (weakref.ref(thing, forget), value)
        except TypeError:
            self._held.pop(key, None)

    def get(self, thing: Any) -> T | None:
        """Return the value of an object, None if it has none.

        Parameters
        ----------
        thing : object
        """
        held = self._held.get(id(thing))
        return held[1] if held is not None and held[0]() is thing else None

    def clear(self) -> None:
        """Forget all of them."""
        self._held.clear()
