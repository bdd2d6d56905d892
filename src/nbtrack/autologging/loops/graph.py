"""From the tensor that a backward starts at to the losses that it is made of."""

from __future__ import annotations

from typing import Any, NamedTuple

LOSS = "nbtrack.loss"
UNSCALED = "nbtrack.unscaled"
MAX_NODES = 2000
_NAMES = (
    "Add Sub Mul Div Neg Mean Sum Stack Cat Squeeze Unsqueeze View Select ReshapeAlias Expand "
    "ToCopy Clone Alias Unbind"
)
_THROUGH = frozenset(f"{name}Backward0" for name in _NAMES.split())


class Loss:
    """What a loss function has returned: no part of the graph.

    Attributes
    ----------
    kind : str
        Such as ``cross_entropy``.
    name : str or None
        The variable that the user's code assigns it to.
    value : float or torch.Tensor or None
        A number, or a detached tensor where it is on a GPU; None for losses of single examples.
    rows : int
        How many examples it is of.
    is_sum : bool
        Whether it is their sum, not their mean.
    tally : Tally or None
        Where it was counted as an evaluation; a backward takes it out.
    """

    __slots__ = ("is_sum", "kind", "name", "rows", "tally", "value")

    def __init__(
        self,
        kind: str,
        name: str | None,
        value: Any,
        rows: int,
        *,
        is_sum: bool,
    ) -> None:
        self.kind = kind
        self.name = name
        self.value = value
        self.rows = rows
        self.is_sum = is_sum
        self.tally: Any = None


class Terms(NamedTuple):
    """What a backward is of.

    Attributes
    ----------
    losses : list of Loss
        Those that were found.
    others : bool
        Whether there is something besides.
    """

    losses: list[Loss]
    others: bool


def mark(tensor: Any, key: str, value: Any) -> None:
    """Leave something at the place of a tensor in its graph; it lives as long as the graph.

    Whoever keeps ``grad_fn`` itself keeps all activations that the graph has saved.

    Parameters
    ----------
    tensor : torch.Tensor
        With a ``grad_fn``.
    key : str
        ``LOSS`` or ``UNSCALED``.
    value : object
        Has no reference to the graph.
    """
    tensor.grad_fn.metadata[key] = value


def unscaled(root: Any) -> Any:
    """Return what a ``GradScaler`` has multiplied, or the tensor itself.

    Parameters
    ----------
    root : torch.Tensor
        Where a backward starts.
    """
    node = root.grad_fn
    return root if node is None else node.metadata.get(UNSCALED, root)


def terms_of(root: Any) -> Terms:
    """Return the losses that a tensor is a sum, a mean or a multiple of.

    Parameters
    ----------
    root : torch.Tensor
        Where a backward starts.
    """
    losses: list[Loss] = []
    others, seen = False, 0
    nodes = [root.grad_fn]
    known: set[int] = set()
    while nodes and seen < MAX_NODES:
        node = nodes.pop()
        seen += 1
        loss = None if node is None else node.metadata.get(LOSS)
        if loss is not None:
            if id(loss) not in known:
                known.add(id(loss))
                losses.append(loss)
        elif node is None or node.name() not in _THROUGH:
            others = True
        else:
            nodes.extend(each for each, _ in node.next_functions if each is not None)
    return Terms(losses, others or bool(nodes))


def divisor(root: Any) -> float:
    """Return the number that a tensor was divided by last, 1 if it was not.

    Parameters
    ----------
    root : torch.Tensor
        Where a backward starts.
    """
    node = root.grad_fn
    if node is not None and UNSCALED in node.metadata:
        node = node.next_functions[0][0]
    name = "" if node is None else node.name()
    if name not in ("DivBackward0", "MulBackward0"):
        return 1.0
    number = node._saved_other
    # numbers are tensors of the CPU: asking one for its value waits for nothing
    if number is None or number.dim() or not number.is_cpu or number.requires_grad:
        return 1.0
    value = float(number)
    return value if name == "DivBackward0" or value == 0 else 1 / value
