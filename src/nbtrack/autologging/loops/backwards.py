"""The backwards since the last step of an optimizer, and what they say of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.autologging.loops.graph import Loss
from nbtrack.autologging.loops.tally import weighted_mean

MAX_KEPT = 2000


@dataclass
class Backward:
    """One backward.

    Attributes
    ----------
    value : float or torch.Tensor
        The loss that it was of.
    place : object
        The line of the user's code.
    losses : list of Loss
        Those that it was of.
    divisor : float
        What the loss was divided by last.
    is_own : bool
        Whether the value is the one that a loss function has returned.
    discarded : set of int
        The ids of the optimizers whose gradients were set to zero since.
    """

    value: Any
    place: object
    losses: list[Loss]
    divisor: float = 1.0
    is_own: bool = False
    discarded: set[int] = field(default_factory=set)

    @property
    def rows(self) -> int:
        """How many examples it was of."""
        return max((loss.rows for loss in self.losses), default=0)


@dataclass
class StepLoss:
    """The loss of one step.

    Attributes
    ----------
    value : float or torch.Tensor
    terms : dict
        What it is the sum of, by name, if it has several.
    kind : str or None
        The loss function that it is the result of, None if it is none's alone.
    micro_batches : int
        How many batches it is the mean of.
    rows : int
        How many examples.
    """

    value: Any
    terms: dict[str, Any]
    kind: str | None
    micro_batches: int
    rows: int


class Backwards:
    """Those that no step has used yet."""

    def __init__(self) -> None:
        self._kept: list[Backward] = []

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, found: Backward) -> None:
        """Keep one; of a code that makes no steps at all only the last ones."""
        self._kept.append(found)
        if len(self._kept) > MAX_KEPT:
            del self._kept[0]

    def clear(self) -> None:
        """Forget all: a step with them was skipped."""
        self._kept.clear()

    def discard(self, optimizer: Any) -> None:
        """Take note that the gradients of an optimizer were set to zero."""
        for each in self._kept:
            each.discarded.add(id(optimizer))

    def take(self, optimizer: Any, *, first: bool = False) -> list[Backward]:
        """Return what a step of an optimizer was of.

        Parameters
        ----------
        optimizer : torch.optim.Optimizer
        first : bool, optional
            Whether the step has called a closure, maybe several times: the first counts.
        """
        taken = [each for each in self._kept if id(optimizer) not in each.discarded]
        self._kept.clear()
        return taken[:1] if first else taken

    def take_all(self) -> list[Backward]:
        """Return all, for a loop that makes its steps itself."""
        taken, self._kept = self._kept, []
        return taken


def loss_of(backwards: Sequence[Backward]) -> StepLoss | None:
    """Return the loss of a step: the mean over the batches of each line, and their sum.

    Parameters
    ----------
    backwards : sequence of Backward
        Those of one step.
    """
    if len(backwards) == 1:
        (one,) = backwards
        kind = one.losses[0].kind if one.is_own else None
        return StepLoss(one.value, {} if one.is_own else _terms(backwards), kind, 1, one.rows)
    lines: dict[object, list[Backward]] = {}
    for each in backwards:
        lines.setdefault(each.place, []).append(each)
    if not lines:
        return None
    values = [_of_line(line) for line in lines.values()]
    kinds = {each.losses[0].kind if each.is_own else None for each in backwards}
    only = kinds.pop() if len(lines) == 1 and len(kinds) == 1 else None
    return StepLoss(
        value=_sum(values),
        terms=_terms(backwards),
        kind=only,
        micro_batches=max(map(len, lines.values())),
        rows=max(sum(each.rows for each in line) for line in lines.values()),
    )


def _of_line(line: Sequence[Backward]) -> Any:
    mean = weighted_mean([(each.value, 1.0) for each in line])
    count = len(line)
    # divided by the number of batches already, as a user does that adds gradients up
    is_divided = count > 1 and all(abs(each.divisor - count) < 1e-6 * count for each in line)
    return mean * count if is_divided else mean


def _terms(backwards: Sequence[Backward]) -> dict[str, Any]:
    """Return the losses of each name, where there are several names or something besides."""
    named: dict[str, list[tuple[Any, float]]] = {}
    for each in backwards:
        for loss in each.losses if not each.is_own else ():
            if loss.value is not None and not loss.is_sum:
                named.setdefault(loss.name or f"{loss.kind}_loss", []).append((loss.value, 1.0))
    return {name: weighted_mean(values) for name, values in named.items()}


def _sum(values: Sequence[Any]) -> Any:
    if len(values) == 1:
        return values[0]
    return weighted_mean([(value, 1.0) for value in values]) * len(values)
