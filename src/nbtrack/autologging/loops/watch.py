"""What one thread's loop does: losses, backwards, steps and passes, put together."""

from __future__ import annotations

import sys
import threading
from contextlib import suppress
from types import FrameType
from typing import Any
from weakref import WeakSet

from nbtrack.autologging.loops import accuracy, facts, frames, graph, losses
from nbtrack.autologging.loops.backwards import Backward, Backwards, loss_of
from nbtrack.autologging.loops.fits import gradient_norm
from nbtrack.autologging.loops.graph import Loss
from nbtrack.autologging.loops.losses import Call
from nbtrack.autologging.loops.passes import Pass, Passes, phase_of, rows_of
from nbtrack.autologging.loops.record import Record, record_of
from nbtrack.autologging.loops.tally import Tally
from nbtrack.autologging.switches import report, settings_of
from nbtrack.autologging.training import is_first_process
from nbtrack.tracking import context

ACCURACY_EVERY = 10


class Watch:
    """The loop of one thread.

    Attributes
    ----------
    passes : Passes
    backwards : Backwards
    in_backward, is_stepping : bool
        Whether a backward goes on, or a step, which may call a closure.
    """

    def __init__(self) -> None:
        self.passes = Passes()
        self.backwards = Backwards()
        self.in_backward = False
        self.record: Record | None = None
        self.is_stepping = False
        self._inner_steps: list[Any] = []
        self._depth = 0
        self._loose: dict[str, Tally] = {}
        self._phases: dict[object, str | None] = {}
        self._right: accuracy.Right | None = None
        self._dtype: Any = None
        self._batch_size: int | None = None

    # losses

    def lost(self, call: Call, result: Any) -> None:
        """Take in what a loss function has returned."""
        if self.in_backward or not losses.is_plain(result):
            return
        has_grad = bool(result.requires_grad)
        inputs = call.args[0] if call.args else None
        shape: Any = getattr(inputs, "shape", ())
        rows = int(shape[0]) if len(shape) else 1
        frame = frames.user_frame(sys._getframe(2))
        name = frames.assigned_name(frame)
        value = losses.kept(result) if result.numel() == 1 else None
        loss = Loss(call.kind, name, value, rows, is_sum=call.is_sum)
        if has_grad:
            graph.mark(result, graph.LOSS, loss)
        if self._dtype is None:
            self._dtype = getattr(inputs, "dtype", None)
        current = self.passes.current
        if current is not None and not current.is_training:
            current.tally.add(loss, self._count(call))
        elif has_grad and current is not None and not current.is_gone:
            pass  # a backward is to follow
        elif value is not None:
            phase = self._phase_of_data(call, frame, has_grad=has_grad)
            if phase is None and not has_grad and (current is None or current.is_gone):
                phase = "val"
            if phase is not None:
                self.attach()
                right = None if has_grad else self._count(call)
                self._loose.setdefault(phase, Tally()).add(loss, right)
        if has_grad and self._is_accuracy_wanted():
            self._right = self._count(call)

    def _count(self, call: Call) -> accuracy.Right | None:
        return accuracy.count_right(call.function, call.args, call.kwargs)

    def _is_accuracy_wanted(self) -> bool:
        settings = settings_of("pytorch")
        if settings is None or not settings.more.get("log_training_accuracy"):
            return False
        record = self.record
        fit = None if record is None else record.current
        return fit is None or (fit.kind is not None and fit.step % ACCURACY_EVERY == 0)

    def _phase_of_data(self, call: Call, frame: FrameType | None, *, has_grad: bool) -> str | None:
        """Return which data a loss is of that no loader has given, as its variable says.

        With a gradient it is one to be trained with, mostly: then each call is looked at once.
        """
        at = frames.place(frame)
        if has_grad and at in self._phases:
            return self._phases[at]
        target = call.args[1] if len(call.args) > 1 else None
        phase = next(filter(None, map(phase_of, frames.names_of(target, frame))), None)
        if has_grad:
            phase = self._phases[at] = None if phase == "train_eval" else phase
        return phase

    # backwards

    def before_backward(self, root: Any) -> Backward | None:
        """Return what a backward is of; None for one that is none of a training."""
        root = graph.unscaled(root)
        if type(root).__name__ not in ("Tensor", "Parameter") or root.numel() != 1:
            return None
        if losses.is_captured(root):
            return None
        terms = graph.terms_of(root)
        place = frames.place(frames.user_frame(sys._getframe(2)))
        for loss in terms.losses:
            if loss.tally is not None:  # it is trained with: no evaluation
                loss.tally.take_back(loss)
        if not terms.losses:
            self._loose.clear()  # of a checkpoint, which computes its part twice
        only = terms.losses[0] if len(terms.losses) == 1 and not terms.others else None
        if only is not None and only.value is not None and not only.is_sum:
            return Backward(only.value, place, terms.losses, is_own=True)
        return Backward(losses.kept(root), place, terms.losses, graph.divisor(root))

    def after_backward(self, found: Backward | None) -> None:
        """Take in a backward that has been done."""
        steps, self._inner_steps = self._inner_steps, []
        if found is None:
            return
        if self.record is None or self.record.is_closed:
            self.attach()  # nothing else may come, of a loop that changes the weights itself
        self._close(self.passes.trains())
        self.backwards.add(found)
        if steps:
            self._step(steps[0])

    # steps

    def before_step(self) -> None:
        """Take note that an optimizer begins a step."""
        if self.is_stepping and _is_inside_step():
            self._depth += 1
            return
        self.is_stepping, self._depth = True, 0

    def after_step(self, optimizer: Any, *, has_closure: bool) -> None:
        """Take in the step of an optimizer; one inside of another is a part of it."""
        if self._depth:
            self._depth -= 1
            return
        self.is_stepping = False
        if self.in_backward:  # an optimizer for each parameter, as soon as its gradient is there
            self._inner_steps.append(optimizer)
            return
        self._step(optimizer, first=has_closure)

    def _step(self, optimizer: Any, *, first: bool = False) -> None:
        self._settle_loose()
        taken = self.backwards.take(optimizer, first=first)
        record = self.open_record()
        if record is None:
            return
        with record.lock:
            fit, member = record.member(optimizer, sys._getframe(3))
            loss = loss_of(taken)
            self._add_params(record, optimizer, taken)
            more: dict[str, Any] = {}
            if self._right is not None and fit.kind in (None, loss and loss.kind):
                right, total = self._right
                more["train_accuracy"] = right / total if total is not None else None
            self._right = None
            if record.settings.more.get("log_grad_norm"):
                norm = gradient_norm(optimizer)
                if norm is not None:
                    more["grad_norm"] = norm
            record.step(fit, member, loss, more)
            if member.steps == 1:
                record.suggest()

    def _add_params(self, record: Record, optimizer: Any, taken: list[Backward]) -> None:
        if "device" in record.params:
            return
        record.params.update(facts.precision(optimizer, self._dtype))
        current = self.passes.current
        loader = None if current is None else current.loader()
        size = getattr(loader, "batch_size", None) or self._batch_size
        size = size or max((each.rows for each in taken), default=0)
        if size:
            record.params["batch_size"] = size
        if len(taken) and taken[0].is_own:
            record.params["loss"] = taken[0].losses[0].kind
        with suppress(TypeError, AttributeError):
            record.params["train_examples"] = len(loader.dataset)  # type: ignore[union-attr]

    def _settle_loose(self) -> None:
        loose, self._loose = self._loose, {}
        if not any(loose.values()):
            return
        record = self.open_record()
        if record is not None:
            with record.lock:
                for phase, tally in loose.items():
                    if tally:
                        record.evaluated(tally, phase)

    # passes

    def begins(self, loader: Any, iterator: Any) -> None:
        """Take note of a new pass over the data of a loader."""
        self.attach()
        self._close(self.passes.begin(loader, self._phase(loader), iterator))

    def _phase(self, loader: Any) -> str | None:
        found = map(phase_of, frames.names_of(loader, sys._getframe(3)))
        return next(filter(None, found), None)

    def asks(self, iterator: Any) -> None:
        """Take note that the next batch of a pass is wanted."""
        found = self.passes.of(iterator)
        if found is not None and found is not self.passes.current:
            self._close(self.passes.resume(found))

    def gets(self, iterator: Any, batch: Any) -> None:
        """Take in a batch."""
        found = self.passes.of(iterator)
        if found is not None:
            rows = rows_of(batch)
            found.took(rows)
            self._batch_size = self._batch_size or rows

    def ends(self, iterator: Any) -> None:
        """Take note that a pass has no batch left."""
        found = self.passes.of(iterator)
        if found is not None:
            found.is_over = True

    def _close(self, passes: list[Pass]) -> None:
        for over in passes:
            if not over.is_training and not over.tally:
                continue
            record = self.open_record()
            if record is None:
                return
            with record.lock:
                if over.is_training:
                    self._make_own_steps(record)
                record.finished(over)

    def _make_own_steps(self, record: Record) -> None:
        """Log backwards that no optimizer has used: the code changes the weights itself."""
        fit = record.current
        if fit is None or not any(member.steps for member in fit.members.values()):
            for each in self.backwards.take_all():
                record.own_step(each)

    def close_all(self, record: Record) -> None:
        """Close what is open, at the end of a run."""
        self.record = record
        for over in self.passes.close(everything=True):
            if over.is_training:
                self._make_own_steps(record)
            if over.is_training or over.tally:
                record.finished(over)
        self._make_own_steps(record)
        loose, self._loose = self._loose, {}
        for phase, tally in loose.items():
            if tally:
                record.evaluated(tally, phase)
        self.record = None
        self.backwards.clear()

    def attach(self) -> Record | None:
        """Return the record of the open run, if there is one."""
        run = context.current()
        record = self.record
        if record is None or record.run is not run or record.is_closed:
            record = self.record = record_of(run) if is_first_process() else None
            if record is not None:
                record.watches.add(self)
        return record

    def open_record(self) -> Record | None:
        """Return the record of the open run; that there is none is said once."""
        record = self.attach()
        if record is None and context.current() is None and settings_of("pytorch") is not None:
            report(
                "pytorch",
                "A training loop is not logged, since no run is open: put it into "
                "`with nbtrack.start_run():`, or a cell of a notebook below `%%track`",
            )
        return record


def _is_inside_step() -> bool:
    """Return whether a step that was begun still goes on; one that has failed does not."""
    from torch.optim import Optimizer

    code = Optimizer.profile_hook_step(lambda self: None).__code__
    frame: FrameType | None = sys._getframe(2)
    count = 0
    while frame is not None:
        count += frame.f_code is code
        frame = frame.f_back
    return count > 1


class _Here(threading.local):
    watch: Watch | None = None


_here = _Here()
_watches: WeakSet[Watch] = WeakSet()


def here() -> Watch:
    """Return the watch of this thread; in one of autograd's, that of the thread it works for."""
    if _here.watch is None:
        if isinstance(threading.current_thread(), threading._DummyThread):
            for watch in list(_watches):
                if watch.in_backward:
                    return watch
        _here.watch = Watch()
        _watches.add(_here.watch)
    return _here.watch


def forget() -> None:
    """Begin anew: what was not logged is none of the next run's."""
    _watches.clear()
    _here.watch = None
