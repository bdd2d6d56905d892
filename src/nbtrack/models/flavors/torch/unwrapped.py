"""The model inside its wrappers: compiled, data parallel, distributed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch

from nbtrack.errors import InvalidParameterError


@contextmanager
def plain(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    """Give the model as it is without wrappers, also around its parts, while the block runs.

    ``torch.compile``, ``DataParallel`` and ``DistributedDataParallel`` wrap a model that
    stays the same inside. The parts are put back at the end: the caller's model does not change.
    """
    root = inner(model)
    replaced: list[tuple[torch.nn.Module, str, torch.nn.Module]] = []
    try:
        for module in list(root.modules()):
            for name, child in list(module._modules.items()):
                if child is not None and inner(child) is not child:
                    replaced.append((module, name, child))
                    module._modules[name] = inner(child)
        yield root
    finally:
        for module, name, child in replaced:
            module._modules[name] = child


def inner(model: torch.nn.Module) -> torch.nn.Module:
    """Return what a wrapper holds, or the model itself where it is none.

    Raises
    ------
    InvalidParameterError
        If the weights are spread over several processes.
    """
    while True:
        kind = type(model)
        held: Any = model
        wrapped: torch.nn.Module
        if kind.__name__ == "OptimizedModule" and kind.__module__.startswith("torch._dynamo"):
            wrapped = held._orig_mod
        elif kind.__name__ in ("DataParallel", "DistributedDataParallel") and (
            kind.__module__.startswith("torch.nn.parallel")
        ):
            wrapped = held.module
        elif kind.__name__ == "FullyShardedDataParallel":
            raise InvalidParameterError(
                "The weights of a FullyShardedDataParallel model are spread over processes. Gather "
                "them (torch.distributed.checkpoint.state_dict.get_model_state_dict with "
                "full_state_dict=True), load them into a plain model and save that one."
            )
        else:
            return model
        model = wrapped
