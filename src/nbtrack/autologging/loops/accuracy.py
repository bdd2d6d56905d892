"""How many of a batch were right, from what its loss was computed from."""

from __future__ import annotations

from typing import Any, NamedTuple

CLASSES = ("cross_entropy_loss", "nll_loss_nd")
IGNORED = -100


class Right(NamedTuple):
    """How many were right, of how many; tensors while they are on a GPU."""

    right: Any
    total: Any


def count_right(function: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Right | None:
    """Return how many predictions were right; None for a loss that is not of a classification.

    Parameters
    ----------
    function : str
        The name of the loss function, beneath ``torch.nn.functional``.
    args, kwargs : tuple, dict
        What it was called with.
    """
    import torch

    if len(args) < 2 or kwargs.get("input") is not None:
        return None
    logits, target = args[0], args[1]
    if type(target) is not torch.Tensor or not isinstance(logits, torch.Tensor):
        return None
    with torch.no_grad():
        if function in CLASSES:
            return _classes(logits, target, args)
        if function == "binary_cross_entropy_with_logits":
            return _binary(logits, target, 0.0)
        if function == "binary_cross_entropy":
            return _binary(logits, target, 0.5)
    return None


def _classes(logits: Any, target: Any, args: tuple[Any, ...]) -> Right | None:
    classes = 0 if logits.dim() == 1 else 1
    found = logits.detach().argmax(classes)
    if target.is_floating_point():  # a probability for each class
        if target.shape != logits.shape:
            return None
        return _counted(found == target.argmax(classes), None)
    if found.shape != target.shape:
        return None
    # both functions have weight, reduction and ignore_index in this order
    ignored = args[4] if len(args) > 4 else IGNORED
    return _counted(found == target, target != ignored)


def _binary(logits: Any, target: Any, limit: float) -> Right | None:
    """Return the count for one answer per example: pixels and labels side by side are no answer."""
    if logits.dim() > 2 or (logits.dim() == 2 and logits.shape[1] != 1):
        return None
    if target.shape != logits.shape:
        return None
    return _counted((logits.detach() > limit) == (target > 0.5), None)


def _counted(right: Any, counts: Any) -> Right:
    if counts is None:
        right, total = right.sum(), right.numel()
    else:
        right, total = (right & counts).sum(), counts.sum()
    if right.is_cpu:
        return Right(right.item(), total if isinstance(total, int) else total.item())
    return Right(right, total)
