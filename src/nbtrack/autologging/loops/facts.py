"""What is constant about a training: the model, the optimizer and its settings, the precision."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import FrameType
from typing import Any, NamedTuple

from nbtrack.autologging.loops.frames import user_frames, variables

_NO_SETTINGS = ("params", "initial_lr", "name", "param_names", "decoupled_weight_decay")
_FLAGS = ("foreach", "capturable", "differentiable", "fused", "maximize")
_WRAPPERS = ("_orig_mod", "module")  # torch.compile; DataParallel and its kin


class Around(NamedTuple):
    """What the user's code has around a step of an optimizer.

    Attributes
    ----------
    optimizers : dict
        Those that it names, by name.
    model : object or None
        The module that has the parameters of the optimizer.
    name : str or None
        Its variable.
    scheduler : str or None
        The class of the optimizer's scheduler.
    """

    optimizers: dict[str, Any]
    model: Any
    name: str | None
    scheduler: str | None


def around(optimizer: Any, frame: FrameType | None) -> Around:
    """Return what the user's code names around a step.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        The one that has made a step.
    frame : frame or None
        Where to begin.
    """
    import torch

    found: dict[str, Any] = {}
    for each in user_frames(frame):
        for name, value in variables(each).items():
            found.setdefault(name, value)
    optimizers: dict[str, Any] = {}
    modules: dict[str, Any] = {}
    scheduler = None
    for name, value in found.items():
        for label, item in _spread(name, value):
            if isinstance(item, torch.nn.Module):
                modules[label] = item
                continue
            inner = inner_optimizer(item)
            if isinstance(inner, torch.optim.Optimizer):
                if all(inner is not other for other in optimizers.values()):
                    optimizers[label] = inner
            elif (
                isinstance(item, torch.optim.lr_scheduler.LRScheduler)
                and inner_optimizer(item.optimizer) is optimizer
            ):
                scheduler = type(item).__name__
    own = {id(p) for group in optimizer.param_groups for p in group["params"]}
    holder = _holder(own, modules)
    if holder is None:
        return Around(optimizers, None, None, scheduler)
    return Around(optimizers, *holder, scheduler)


def _spread(name: str, value: Any) -> Iterable[tuple[str, Any]]:
    """Yield a value, and what is in a small list or dictionary."""
    yield name, value
    if type(value) in (list, tuple) and len(value) <= 10:
        yield from ((f"{name}_{i}", item) for i, item in enumerate(value))
    elif type(value) is dict and len(value) <= 10:
        yield from ((str(key), item) for key, item in value.items())


def inner_optimizer(item: Any) -> Any:
    """Return the optimizer that ``accelerate`` has wrapped, or what was given."""
    space = getattr(item, "__dict__", {})
    return space["optimizer"] if type(item).__name__ == "AcceleratedOptimizer" else item


def bare(model: Any) -> Any:
    """Return a model without the wrappers of ``torch.compile`` and ``DataParallel``."""
    for _ in range(4):
        if type(model).__name__ not in _CLASSES:
            return model
        model = next(m for m in map(model._modules.get, _WRAPPERS) if m is not None)
    return model


_CLASSES = ("OptimizedModule", "DataParallel", "DistributedDataParallel")


def _holder(own: set[int], modules: Mapping[str, Any]) -> tuple[Any, str] | None:
    """Return the module that has the most of some parameters and the fewest others."""
    ranked: list[tuple[int, int, int, str]] = []
    for name, module in modules.items():
        parameters = {id(parameter) for parameter in module.parameters()}
        shared = len(parameters & own)
        if shared:
            ranked.append((shared, -len(parameters), len(ranked), name))
    if not ranked:
        return None
    most, fewest = max(ranked)[:2]
    # of several that are the same but for a wrapper, the one that comes first
    at = next(each for each in ranked if each[:2] == (most, fewest))
    return bare(modules[at[3]]), at[3]


def optimizer_params(optimizer: Any) -> dict[str, Any]:
    """Return the settings of an optimizer, as they were before schedulers changed them.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer

    Returns
    -------
    dict
        ``optimizer_name`` and what stands in its first group; of further groups what differs.
    """
    params: dict[str, Any] = {"optimizer_name": type(optimizer).__name__}
    first = _settings(optimizer.param_groups[0])
    params.update(first)
    for index, group in enumerate(optimizer.param_groups[1:10], 1):
        for key, value in _settings(group).items():
            if first.get(key) != value:
                params[f"group_{index}.{key}"] = value
    return params


def _settings(group: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in group.items():
        if key in _NO_SETTINGS or (key in _FLAGS and not value):
            continue
        if key == "lr":
            value = group.get("initial_lr", value)
        if getattr(value, "numel", None) is not None:  # a learning rate may be a tensor
            value = float(value)
        if isinstance(value, float | int | str) or _are_numbers(value):
            found[key] = value
    return found


def _are_numbers(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(isinstance(v, float | int) for v in value)


def model_params(model: Any) -> dict[str, Any]:
    """Return the class of a model, and how many parameters it has.

    Parameters
    ----------
    model : torch.nn.Module
    """
    parameters = list(model.parameters())
    whole = sum(_size(each) for each in parameters)
    trained = sum(_size(each) for each in parameters if each.requires_grad)
    params = {"model": type(model).__name__, "num_parameters": whole}
    if trained != whole:
        params["num_trainable_parameters"] = trained
    return params


def _size(parameter: Any) -> int:
    try:
        return int(parameter.numel())
    except (ValueError, RuntimeError):  # one that gets its shape with the first batch
        return 0


def precision(optimizer: Any, logits: Any) -> dict[str, str]:
    """Return the device, and the type of the numbers that it computes with.

    Parameters
    ----------
    optimizer : torch.optim.Optimizer
        Whose parameters say it.
    logits : torch.dtype or None
        The type of what the loss was computed from: under ``autocast`` a smaller one.
    """
    parameter = optimizer.param_groups[0]["params"][0]
    own, found = _name(parameter.dtype), None if logits is None else _name(logits)
    text = own
    if own == "float32" and found in ("float16", "bfloat16"):
        text = f"{found} autocast"
    return {"device": str(parameter.device), "precision": text}


def _name(dtype: Any) -> str:
    return str(dtype).removeprefix("torch.")
