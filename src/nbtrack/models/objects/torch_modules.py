"""What is particular about the state of ``torch.nn.Module`` objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbtrack.models.objects.references import is_own

_HOOKS = "_hooks"


def state_of(module: Any, note: Callable[[str], None]) -> tuple[type, Any]:
    """Return the class and the state of a module.

    A parametrized module has a class that was made for it alone: then it is the class
    below it. Hooks of PyTorch itself, such as those of ``torch.nn.utils.prune``, belong to
    the state; others watched the training and are left out.

    Returns
    -------
    cls : type
    state : dict, or whatever the class's own ``__getstate__`` returns
    """
    cls = type(module)
    if is_parametrized(module):
        cls = cls.__bases__[0]
        state: Any = dict(module.__dict__)
    else:
        reduced = module.__reduce_ex__(4)
        state = reduced[2] if len(reduced) > 2 else None
    if not isinstance(state, dict):
        return cls, state
    kept = {}
    for name, value in state.items():
        if name == "_flat_weight_refs":
            continue  # weak references, which RNNs make anew
        if name == "_compiled_call_impl":
            value = None
        elif _HOOKS in name and isinstance(value, dict) and value:
            others = sum(not _is_torch(hook) for hook in value.values())
            if others:
                note(f"{others} of the {name.strip('_')} of {cls.__name__} are not saved.")
            value = type(value)((k, v) for k, v in value.items() if _is_torch(v) and _is_data(v))
        kept[name] = value
    return cls, kept


def plain_module(value: Any) -> Any:
    """Return the module that ``torch.compile`` has wrapped, or the value itself."""
    if type(value).__name__ == "OptimizedModule" and hasattr(value, "_orig_mod"):
        return value._orig_mod
    return value


def why_not(module: Any) -> str | None:
    """Return why a module cannot be saved as data, or None."""
    import torch

    if isinstance(module, torch.jit.ScriptModule):
        return "it is TorchScript; save it alone, as a model of its own"
    kind = type(module).__module__
    if kind.startswith(("torch.ao.nn.quantized", "torch.ao.nn.intrinsic.quantized")):
        return "its weights are quantized and packed; save the model before it is quantized"
    return None


def is_parametrized(module: Any) -> bool:
    """Return whether a module has the class that ``torch.nn.utils.parametrize`` makes."""
    return (
        type(module).__module__ == "torch.nn.utils.parametrize"
        and type(module).__name__.startswith("Parametrized")
        and "parametrizations" in module._modules
    )


def parametrize(module: Any) -> None:
    """Give a module whose state is that of a parametrized one its class."""
    from torch.nn.utils import parametrize as torch_parametrize

    torch_parametrize._inject_new_class(module)
    for name in module._modules["parametrizations"]._modules:
        torch_parametrize._inject_property(module, name)


def _is_torch(hook: Any) -> bool:
    hook = getattr(hook, "hook", hook)
    owner = getattr(hook, "__self__", hook)
    names = (getattr(hook, "__module__", None), type(owner).__module__)
    if any(name is not None and is_own(name) for name in names):
        return False
    return any(str(name).partition(".")[0] == "torch" for name in names)


def _is_data(hook: Any) -> bool:
    """Return whether a hook of PyTorch can be saved; one that is not reads old checkpoints."""
    return "<locals>" not in getattr(getattr(hook, "hook", hook), "__qualname__", "")
