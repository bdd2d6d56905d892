"""Passes over the data: which one goes on, and whether it is a training or an evaluation."""

from __future__ import annotations

import re
import time
from typing import Any
from weakref import WeakKeyDictionary, ref

from nbtrack.autologging.loops.tally import Tally

_PHASES = (
    ("val", re.compile(r"val(id(ation)?)?|dev", re.I)),
    ("test", re.compile(r"test", re.I)),
    ("train_eval", re.compile(r"train(ing)?", re.I)),
)
_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|\d+")


def phase_of(name: str) -> str | None:
    """Return which data a variable's name speaks of: ``val``, ``test``, ``train_eval`` or None.

    Parameters
    ----------
    name : str
        Such as ``val_loader`` or ``X_test``.
    """
    parts = _PARTS.findall(name)
    for phase, pattern in _PHASES:
        if any(pattern.fullmatch(part) for part in parts):
            return phase
    return None


class Pass:
    """One pass over the data of a loader.

    Attributes
    ----------
    loader : weakref.ref
    phase : str or None
        Which data the loader's name speaks of.
    is_training : bool
        Whether there was a backward in it.
    is_over : bool
        Whether the loader has no batch left. The last one may still be in use: ``accelerate``
        fetches one ahead.
    batches, rows : int
        How many it has given, and how many examples they have.
    tally : Tally
        What was evaluated in it.
    """

    def __init__(self, loader: Any, phase: str | None, iterator: Any) -> None:
        self.loader = ref(loader)
        self.phase = phase
        self._iterator = ref(iterator)
        self.is_training = False
        self.is_over = False
        self.batches = 0
        self.rows = 0
        self.tally = Tally()
        self.began = self.ended = time.monotonic()
        self.paused = 0.0

    @property
    def is_gone(self) -> bool:
        """Whether nobody can take another batch from it."""
        return self.is_over or self._iterator() is None

    @property
    def is_whole(self) -> bool:
        """Whether it counts as an epoch: a single batch that was looked at does not."""
        return self.is_over or self.batches > 1

    def took(self, rows: int) -> None:
        """Count a batch."""
        self.batches += 1
        self.rows += rows
        self.ended = time.monotonic()

    def examples_per_second(self) -> float | None:
        """Return how fast it went, without what was evaluated in between."""
        seconds = self.ended - self.began - self.paused
        return self.rows / seconds if self.rows and seconds > 0 and self.batches > 1 else None


class Passes:
    """The passes of one thread that are not closed yet, the one of the last batch at the end."""

    def __init__(self) -> None:
        self._by_iterator: WeakKeyDictionary[Any, Pass] = WeakKeyDictionary()
        self.open: list[Pass] = []

    @property
    def current(self) -> Pass | None:
        """The pass that the last batch is of."""
        return self.open[-1] if self.open else None

    def begin(self, loader: Any, phase: str | None, iterator: Any) -> list[Pass]:
        """Begin one; returns those that are closed by it."""
        again = self._by_iterator.get(iterator)  # persistent workers: one iterator for all
        if again is not None:
            again.is_over = True
        closed = self.close()
        self._by_iterator[iterator] = found = Pass(loader, phase, iterator)
        self.open.append(found)
        return closed

    def of(self, iterator: Any) -> Pass | None:
        """Return the pass of an iterator."""
        return self._by_iterator.get(iterator)

    def resume(self, found: Pass) -> list[Pass]:
        """Go on with one, which a batch is asked of; returns those that are closed by it."""
        closed = self.close(but=found)
        if found in self.open:
            self.open.remove(found)
        self.open.append(found)
        return closed

    def trains(self) -> list[Pass]:
        """Take note of a backward; returns the passes that are closed by it.

        One that is over, and has only been evaluated, is not the one that trains if there is
        another.
        """
        closed = []
        while len(self.open) > 1 and self.open[-1].is_gone and not self.open[-1].is_training:
            closed.append(self._drop(self.open[-1]))
        if self.open:
            self.open[-1].is_training = True
            self.open[-1].ended = time.monotonic()
        return closed

    def close(self, but: Pass | None = None, *, everything: bool = False) -> list[Pass]:
        """Close and return the passes that are over."""
        over = [each for each in self.open if each is not but and (everything or each.is_gone)]
        return [self._drop(each) for each in over]

    def _drop(self, over: Pass) -> Pass:
        self.open.remove(over)
        if not over.is_training:
            for outer in self.open:
                outer.paused += max(0.0, time.monotonic() - over.began)
        return over


def rows_of(batch: Any, depth: int = 3) -> int:
    """Return how many examples a batch has: the length of the first tensor in it.

    Parameters
    ----------
    batch : object
        What a loader has given.
    """
    if depth == 0:
        return 0
    shape = getattr(batch, "shape", None)
    if shape is not None:
        return int(shape[0]) if len(shape) else 0
    items = batch.values() if hasattr(batch, "values") and hasattr(batch, "keys") else batch
    if isinstance(batch, list | tuple) or items is not batch:
        for item in items:
            rows = rows_of(item, depth - 1)
            if rows:
                return rows
    return 0
