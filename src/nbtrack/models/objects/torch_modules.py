"""What is particular about the state of ``torch.nn.Module`` objects."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects.code_objects import returns_nothing
from nbtrack.models.objects.references import is_own

_HOOKS = "_hooks"


def state_of(
    module: Any, note: Callable[[str], None], why_not: Callable[[Any], str | None]
) -> tuple[type, Any]:
    """Return the class and the state of a module.

    A parametrized module has a class that was made for it alone: then it is the class
    below it. Hooks of PyTorch itself, such as those of ``torch.nn.utils.prune``, and the user's
    own belong to the state; those of other packages watched the training and are left out.

    Parameters
    ----------
    module : torch.nn.Module
    note : callable
        Told what is left out.
    why_not : callable
        Says of a hook why it cannot be saved.

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
            value = _hooks(name, value, state, cls, note, why_not)
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
    if isinstance(module, torch.fx.GraphModule):
        return "it is a graph of torch.fx, made of no source; save the model that was traced"
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


def number_hooks(module: Any) -> None:
    """Let hooks that are registered from now on not take the numbers of those of a module."""
    from torch.utils.hooks import RemovableHandle

    for name, value in module.__dict__.items():
        if _HOOKS in name and isinstance(value, dict) and value:
            numbers = [key for key in value if isinstance(key, int)]
            RemovableHandle.next_id = max(RemovableHandle.next_id, *(n + 1 for n in numbers))


def _hooks(
    name: str,
    hooks: Any,
    state: dict[str, Any],
    cls: type,
    note: Callable[[str], None],
    why_not: Callable[[Any], str | None],
) -> Any:
    """Return the hooks that are saved, and say which are not."""
    main = name.removesuffix("_with_kwargs").removesuffix("_always_called")
    known = state.get(main) or state.get(f"{main}s") or hooks
    left = [key for key in hooks if not _is_saved(known.get(key, hooks[key]))]
    for key in set(hooks) - set(left):
        hook = known.get(key)
        if not callable(hook) or type(hook).__module__.startswith("torch."):
            continue
        reason = why_not(hook)
        if reason is None:
            continue
        if main == name and not returns_nothing(hook):
            raise InvalidParameterError(
                f"One of the {name.strip('_')} of {cls.__name__} cannot be saved, and the model "
                f"may compute something else without it: {reason} Remove it (handle.remove()), or "
                "put what it does into forward()."
            )
        left.append(key)
    if not left:
        return hooks
    if main == name:
        note(f"{len(left)} of the {name.strip('_')} of {cls.__name__} are not saved.")
    return type(hooks)((key, value) for key, value in hooks.items() if key not in left)


def _is_saved(hook: Any) -> bool:
    if hook is True or hook is False:
        return True
    plain = getattr(hook, "hook", hook)
    owner = getattr(plain, "__self__", plain)
    homes = [str(getattr(plain, "__module__", None)), type(owner).__module__]
    if any(is_own(home) for home in homes):
        return True
    if not any(home.partition(".")[0] in ("torch", "functools") for home in homes):
        return False
    # one of PyTorch that was made inside of a function reads old checkpoints
    return "<locals>" not in getattr(plain, "__qualname__", "")
