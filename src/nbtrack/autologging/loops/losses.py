"""The loss functions of PyTorch: what they return is noticed, and goes on as it is.

The functions of ``torch.nn.functional`` stay as they are: the user's modules have imported them,
pickled losses name them and TorchScript compiles them. Those beneath, in ``torch._C._nn``, are
looked up at each call.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from nbtrack.autologging.patches import Patches

BENEATH = {
    "cross_entropy_loss": ("cross_entropy", 3),
    "nll_loss_nd": ("nll_loss", 3),
    "binary_cross_entropy": ("binary_cross_entropy", 3),
    "mse_loss": ("mse", 2),
    "l1_loss": ("l1", 2),
    "smooth_l1_loss": ("smooth_l1", 2),
    "huber_loss": ("huber", 2),
    "soft_margin_loss": ("soft_margin", 2),
    "multi_margin_loss": ("multi_margin", 5),
    "multilabel_margin_loss": ("multilabel_margin", 2),
}
"""Functions of ``torch._C._nn``: what a loss of each is called, and which argument reduces it."""

IN_TORCH = {
    "binary_cross_entropy_with_logits": ("binary_cross_entropy", 4),
    "ctc_loss": ("ctc", 5),
    "kl_div": ("kl_div", 2),
    "poisson_nll_loss": ("poisson_nll", 5),
    "hinge_embedding_loss": ("hinge_embedding", 3),
    "cosine_embedding_loss": ("cosine_embedding", 4),
    "margin_ranking_loss": ("margin_ranking", 4),
    "triplet_margin_loss": ("triplet_margin", 7),
}
"""Functions of ``torch``."""

SUM = 2

Heard = Callable[["Call", Any], None]


class Call(NamedTuple):
    """A call of a loss function.

    Attributes
    ----------
    kind : str
        Such as ``cross_entropy``.
    function : str
        The function's name.
    args, kwargs : tuple, dict
        What it was called with.
    is_sum : bool
        Whether the losses of the examples are added up.
    """

    kind: str
    function: str
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    is_sum: bool


def watch_losses(patches: Patches, heard: Heard) -> None:
    """Call back for what each loss function returns.

    Parameters
    ----------
    patches : Patches
    heard : callable
        Gets the call and its result.
    """
    import torch

    for owner, names in ((torch._C._nn, BENEATH), (torch, IN_TORCH)):
        for name, (kind, place) in names.items():
            original = getattr(owner, name, None)
            if original is not None:
                wrapper = _wrapper(original, kind, place, heard)
                patches.replace(owner, name, wrapper)
                _let_script_know(patches, original, wrapper)


def _wrapper(original: Any, kind: str, place: int, heard: Heard) -> Any:
    import torch

    is_compiling = torch.compiler.is_compiling
    function = original.__name__

    def loss(*args: Any, **kwargs: Any) -> Any:
        result = original(*args, **kwargs)
        if not is_compiling():
            is_sum = len(args) > place and args[place] == SUM
            heard(Call(kind, function, args, kwargs, is_sum), result)
        return result

    loss.__name__ = loss.__qualname__ = original.__name__
    loss.__doc__ = original.__doc__
    loss.__module__ = original.__module__
    loss.__wrapped__ = original  # type: ignore[attr-defined]
    return loss


def _let_script_know(patches: Patches, original: Any, wrapper: Any) -> None:
    """Let TorchScript compile a call of the wrapper as one of the function."""
    from torch.jit import _builtins

    table = _builtins._get_builtin_table()  # type: ignore[no-untyped-call]
    operator = table.get(id(original))
    if operator is not None:
        table[id(wrapper)] = operator
        patches.add_undo(lambda: table.pop(id(wrapper), None))


def is_plain(result: Any) -> bool:
    """Return whether a result is a number of an ordinary call, not of a trace or a transformation.

    Parameters
    ----------
    result : object
        What a loss function has returned.
    """
    import torch

    if type(result) is not torch.Tensor:
        return False
    if torch._C._get_tracing_state() is not None or torch._C._len_torch_dispatch_stack():
        return False
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return False
    return not is_captured(result)


def is_captured(tensor: Any) -> bool:
    """Return whether a CUDA graph is being captured: nothing may be asked of the GPU then."""
    import torch

    return bool(tensor.is_cuda) and torch.cuda.is_current_stream_capturing()


def kept(tensor: Any) -> Any:
    """Return the value of a tensor: a number, or a detached copy while it is on another device.

    A copy, because the tensor may be divided in place later.

    Parameters
    ----------
    tensor : torch.Tensor
        Of one element.
    """
    return tensor.item() if tensor.is_cpu else tensor.detach().clone()
