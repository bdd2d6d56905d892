"""Whether the state that a description gives a module of PyTorch is that of a module."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import torch

from nbtrack.models.objects.allowed_names import PARTS
from nbtrack.models.objects.allowlist import is_data
from nbtrack.models.objects.constructors import RefusedError
from nbtrack.models.objects.form import damaged

_DICTS = (dict, OrderedDict)
_HOOKS = tuple(home for home in PARTS if home.startswith("torch.nn."))
_MAX_MODULES = 1_000_000


def check_module(cls: type, state: Mapping[str, Any]) -> None:
    """Check the state of a module.

    Raises
    ------
    InvalidParameterError
        If it is not that of a module: its layers are no layers, its weights no tensors.
    RefusedError
        If there are hooks in it that are not those of PyTorch itself.
    """
    kinds: dict[str, type] = {
        "_parameters": torch.nn.Parameter,
        "_buffers": torch.Tensor,
        "_modules": torch.nn.Module,
    }
    for group, kind in kinds.items():
        found: Any = state.get(group)
        if type(found) not in _DICTS or not all(
            type(name) is str and (part is None or isinstance(part, kind))
            for name, part in found.items()
        ):
            raise damaged(f"the {group} of a {cls.__name__} are not what they must be")
    hidden = state.get("_non_persistent_buffers_set", set())
    if type(hidden) is not set or not all(type(name) is str for name in hidden):
        raise damaged(f"a {cls.__name__} has no proper set of names of buffers")
    if state.get("_compiled_call_impl") is not None:
        raise RefusedError
    for group, found in state.items():
        if "_hooks" in group and found is not None:
            _check_hooks(cls, found)
    if issubclass(cls, torch.nn.RNNBase):
        _check_names(cls, state)


def check_parametrized(module: torch.nn.Module) -> None:
    """Check that a module has parametrizations, each in the place of a tensor of its own."""
    from torch.nn.utils.parametrize import ParametrizationList

    found = module._modules.get("parametrizations")
    if type(found) is not torch.nn.ModuleDict:
        raise damaged(f"a {type(module).__name__} has no parametrizations")
    for name, part in found._modules.items():
        free = is_data(type(module), name) and not hasattr(module, name)
        if not free or not isinstance(part, ParametrizationList):
            raise damaged(f"{name[:80]!r} of a {type(module).__name__} cannot be parametrized")


def check_tree(modules: Iterable[torch.nn.Module]) -> None:
    """Check that modules are a tree: walking it ends, and before long."""
    sizes: dict[int, int] = {}
    for root in modules:
        waiting = [(root, False)]
        while waiting:
            module, done = waiting.pop()
            parts = [part for part in module._modules.values() if part is not None]
            if done:
                size = sizes[id(module)] = 1 + sum(sizes[id(part)] for part in parts)
                if size > _MAX_MODULES:
                    raise damaged(f"it has more than {_MAX_MODULES} layers")
            elif id(module) not in sizes:
                sizes[id(module)] = _MAX_MODULES  # while it is open: who holds it, is it held by
                waiting.append((module, True))
                waiting += [(part, False) for part in parts]


def _check_hooks(cls: type, found: Any) -> None:
    if type(found) not in _DICTS or not all(type(key) is int for key in found):
        raise damaged(f"the hooks of a {cls.__name__} are not what they must be")
    for hook in found.values():
        if hook is not True and type(hook).__module__ not in _HOOKS:
            raise RefusedError


def _check_names(cls: type, state: Mapping[str, Any]) -> None:
    """Check the names by which a recurrent layer finds its weights."""
    layers = state.get("_all_weights")
    flat = state.get("_flat_weights_names")
    if not isinstance(layers, list) or not isinstance(flat, list) or not layers:
        raise damaged(f"a {cls.__name__} does not name its weights")
    names = [name for layer in layers if isinstance(layer, list) for name in layer]
    if not names or not all(is_data(cls, name) for name in [*names, *flat]):
        raise damaged(f"a {cls.__name__} does not name its weights")
