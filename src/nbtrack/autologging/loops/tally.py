"""The losses and the right answers of one pass over the data."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.autologging.loops.accuracy import Right
from nbtrack.autologging.loops.graph import Loss

Group = tuple[str, str | None]
FOLD = 512


class Tally:
    """What a pass has given; each mean is one over its examples.

    Attributes
    ----------
    groups : dict
        Losses by kind and name, with their weights.
    """

    def __init__(self) -> None:
        self.groups: dict[Group, list[tuple[Any, float]]] = {}
        self._right: dict[Group, list[Right]] = {}

    def __bool__(self) -> bool:
        return bool(self.groups)

    def add(self, loss: Loss, right: Right | None) -> None:
        """Take in one loss of a batch."""
        if loss.value is None:
            return
        loss.tally = self
        group = (loss.kind, loss.name)
        value = loss.value / loss.rows if loss.is_sum and loss.rows else loss.value
        values = self.groups.setdefault(group, [])
        values.append((value, float(loss.rows or 1)))
        if len(values) > FOLD:
            values[:] = [(weighted_mean(values), sum(weight for _, weight in values))]
        if right is not None:
            self._right.setdefault(group, []).append(right)

    def take_back(self, loss: Loss) -> None:
        """Leave out the loss that came last: a backward of another pass is of it."""
        group, loss.tally = (loss.kind, loss.name), None
        if group in self.groups:
            self.groups[group].pop()
            if not self.groups[group]:
                del self.groups[group]
            if self._right.get(group):
                self._right[group].pop()

    def losses(self, kind: str | None) -> dict[str | None, tuple[Any, Any]]:
        """Return the mean loss and the accuracy, None where there is none, by name.

        Parameters
        ----------
        kind : str or None
            That of the loss that is trained with: its mean has no name of its own.
        """
        groups = list(self.groups)
        main = [group for group in groups if group[0] == kind] if kind else []
        if len(main) > 1 or (not main and len(groups) == 1):
            main = groups[:1] if len(groups) == 1 else []
        found: dict[str | None, tuple[Any, Any]] = {}
        for group in groups:
            name = None if group in main else group[1] or f"{group[0]}_loss"
            right = self._right.get(group)
            found[name] = (weighted_mean(self.groups[group]), right and _share(right))
        return found


def weighted_mean(values: Sequence[tuple[Any, float]]) -> Any:
    """Return the mean of numbers, or of tensors of one element, with their weights."""
    if len(values) == 1:
        return values[0][0]
    whole = sum(weight for _, weight in values)
    if all(isinstance(value, float | int) for value, _ in values):
        return sum(value * weight for value, weight in values) / whole
    import torch

    with torch.no_grad():
        tensors = [torch.as_tensor(value).float() for value, _ in values]
        on_device = (tensor.device for tensor in tensors if not tensor.is_cpu)
        where = next(on_device, tensors[0].device)
        stacked = torch.stack([tensor.to(where) for tensor in tensors])
        weights = torch.tensor([weight / whole for _, weight in values])
        return (stacked * weights.to(where, non_blocking=True)).sum()


def _share(counted: Sequence[Right]) -> Any:
    right, total = (_sum([each[i] for each in counted]) for i in (0, 1))
    if isinstance(total, int):
        return right / total if total else None
    return right / total


def _sum(values: Sequence[Any]) -> Any:
    if all(isinstance(value, int) for value in values):
        return sum(values)
    import torch

    with torch.no_grad():
        first = next(value for value in values if not isinstance(value, int))
        return torch.stack([torch.as_tensor(value, device=first.device) for value in values]).sum()
