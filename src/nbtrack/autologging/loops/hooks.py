"""The places where PyTorch calls us: each is left alone after the first error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from nbtrack.autologging.loops import graph, losses
from nbtrack.autologging.loops.record import close_all
from nbtrack.autologging.loops.watch import forget, here
from nbtrack.autologging.patches import Patches
from nbtrack.autologging.switches import report
from nbtrack.autologging.training import is_muted


class Hooks:
    """Puts them in place.

    Parameters
    ----------
    patches : Patches
    """

    def __init__(self, patches: Patches) -> None:
        self._patches = patches
        self._broken: set[str] = set()

    def install(self) -> None:
        """Watch losses, backwards, steps and passes."""
        self._patches.add_undo(forget)
        losses.watch_losses(self._patches, self._lost)
        self._watch_backwards()
        self._watch_steps()
        self._watch_passes()
        self._patches.add_undo(close_all)

    def _safely(self, what: str, work: Callable[..., Any], *args: Any) -> Any:
        """Do our part; whatever goes wrong is said once, and this place is left alone then."""
        if what in self._broken or is_muted():
            return None
        try:
            return work(*args)
        except Exception as error:  # noqa: BLE001  the user's training goes on
            self._broken.add(what)
            report("pytorch", f"{what} of the training loop are logged no longer", error)
            return None

    def _lost(self, call: losses.Call, result: Any) -> None:
        self._safely("The losses", _lost, call, result)

    def _watch_backwards(self) -> None:
        import torch

        original = torch.autograd.backward

        @functools.wraps(original)
        def backward(tensors: Any, *args: Any, **kwargs: Any) -> None:
            if is_muted():
                original(tensors, *args, **kwargs)
                return
            watch = here()
            if watch.in_backward:
                original(tensors, *args, **kwargs)
                return
            root = tensors[0] if isinstance(tensors, tuple | list) and tensors else tensors
            found = self._safely("The backwards", watch.before_backward, root)
            watch.in_backward = True
            try:
                original(tensors, *args, **kwargs)
            finally:
                watch.in_backward = False
            self._safely("The backwards", watch.after_backward, found)

        def scale(original: Any, scaler: Any, outputs: Any) -> Any:
            scaled = original(scaler, outputs)
            self._safely("The scaled losses", _scaled, outputs, scaled)
            return scaled

        def update(original: Any, scaler: Any, *args: Any, **kwargs: Any) -> Any:
            self._safely("The skipped steps", _updated)
            return original(scaler, *args, **kwargs)

        # in a compiled step a backward runs as it is; to compile this would only warn
        not_compiled: Callable[..., Any] = getattr(torch, "_disable_dynamo", lambda f: f)
        self._patches.replace(torch.autograd, "backward", not_compiled(backward))
        self._patches.around(torch.amp.GradScaler, "scale", scale)
        self._patches.around(torch.amp.GradScaler, "update", update)

    def _watch_steps(self) -> None:
        import torch
        from torch.optim import optimizer as steps

        def before(optimizer: Any, args: Any, kwargs: Any) -> None:
            if not torch.compiler.is_compiling():
                self._safely("The steps", _before_step)

        def after(optimizer: Any, args: Any, kwargs: Any) -> None:
            if not torch.compiler.is_compiling():
                closure = args[1] if len(args) > 1 else kwargs.get("closure")
                self._safely("The steps", _after_step, optimizer, closure is not None)

        def zero_grad(original: Any, optimizer: Any, *args: Any, **kwargs: Any) -> Any:
            if not torch.compiler.is_compiling():
                self._safely("The steps", _discarded, optimizer)
            return original(optimizer, *args, **kwargs)

        for register, hook in (
            (steps.register_optimizer_step_pre_hook, before),
            (steps.register_optimizer_step_post_hook, after),
        ):
            self._patches.add_undo(register(hook).remove)
        self._patches.around(steps.Optimizer, "zero_grad", zero_grad)

    def _watch_passes(self) -> None:
        from torch.utils.data import DataLoader, dataloader

        def begin(original: Any, loader: Any) -> Any:
            iterator = original(loader)
            self._safely("The passes", _begins, loader, iterator)
            return iterator

        def following(original: Any, iterator: Any) -> Any:
            self._safely("The passes", _asks, iterator)
            try:
                batch = original(iterator)
            except StopIteration:
                self._safely("The passes", _ends, iterator)
                raise
            self._safely("The passes", _gets, iterator, batch)
            return batch

        self._patches.around(DataLoader, "__iter__", begin)
        self._patches.around(dataloader._BaseDataLoaderIter, "__next__", following)


def _lost(call: losses.Call, result: Any) -> None:
    here().lost(call, result)


def _scaled(outputs: Any, scaled: Any) -> None:
    if getattr(scaled, "grad_fn", None) is not None:
        graph.mark(scaled, graph.UNSCALED, outputs.detach())


def _updated() -> None:
    here().backwards.clear()


def _before_step() -> None:
    here().before_step()


def _after_step(optimizer: Any, has_closure: bool) -> None:
    here().after_step(optimizer, has_closure=has_closure)


def _discarded(optimizer: Any) -> None:
    watch = here()
    if len(watch.backwards) and not watch.is_stepping:
        watch.backwards.discard(optimizer)


def _begins(loader: Any, iterator: Any) -> None:
    here().begins(loader, iterator)


def _asks(iterator: Any) -> None:
    here().asks(iterator)


def _gets(iterator: Any, batch: Any) -> None:
    here().gets(iterator, batch)


def _ends(iterator: Any) -> None:
    here().ends(iterator)
