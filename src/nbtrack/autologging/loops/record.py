"""What the training loops of one run give it: points, params, and at its end the models."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from nbtrack.autologging.loops import facts
from nbtrack.autologging.loops.backwards import Backward, StepLoss, loss_of
from nbtrack.autologging.loops.fits import Fit, Member, changed_rates
from nbtrack.autologging.loops.frames import mentions
from nbtrack.autologging.loops.passes import Pass
from nbtrack.autologging.loops.points import Points
from nbtrack.autologging.settings import Settings
from nbtrack.autologging.switches import settings_of
from nbtrack.autologging.training import attempt, note
from nbtrack.store import now_ms
from nbtrack.tracking.run import ActiveRun

SOURCE = "training loop"
_KEYS = ("train_loss", "val_loss", "test_loss", "val_accuracy", "test_accuracy", "lr", "epoch")

_records: WeakKeyDictionary[ActiveRun, Record] = WeakKeyDictionary()


class Record:
    """What is known of the loops of one run; several threads may have one in it.

    Parameters
    ----------
    run : ActiveRun
    settings : Settings
    """

    def __init__(self, run: ActiveRun, settings: Settings) -> None:
        self.run = run
        self.settings = settings
        self.lock = threading.RLock()
        self.points = Points(run)
        self.fits: list[Fit] = []
        self.params: dict[str, Any] = {}
        self._models: dict[str, Any] = {}
        self._held: list[tuple[Fit, Member, dict[str, Any], int, int]] = []
        self._suggested: dict[str, Any] = {}
        self._places: dict[str, list[tuple[Any, Any]]] = {}
        self.watches: WeakSet[Any] = WeakSet()
        self.is_closed = False
        run.jobs.append(self.close)

    @property
    def current(self) -> Fit | None:
        """The training that has made the last step."""
        return self.fits[-1] if self.fits else None

    def member(self, optimizer: Any, frame: FrameType | None) -> tuple[Fit, Member]:
        """Return the training that an optimizer belongs to; a new one gets to know it.

        Parameters
        ----------
        optimizer : torch.optim.Optimizer
        frame : frame or None
            Where the step was called.
        """
        for index, fit in enumerate(self.fits):
            member = fit.member(optimizer)
            if member is not None:
                if index < len(self.fits) - 1:
                    self.fits.append(self.fits.pop(index))
                return fit, member
        found = facts.around(optimizer, frame)
        own = [name for name, each in found.optimizers.items() if each is optimizer]
        label = found.name or next(iter(own), type(optimizer).__name__)
        params = facts.optimizer_params(optimizer)
        if found.model is not None:
            params = {**facts.model_params(found.model), **params}
        if found.scheduler is not None:
            params["scheduler"] = found.scheduler
        member = Member(optimizer, label, params)
        others = [each for each in found.optimizers.values() if each is not optimizer]
        beside = (fit for fit in self.fits if any(fit.member(each) for each in others))
        fit = next(beside, None) or self._new_fit(label, frame)
        fit.add(optimizer, member)
        fit.expected = max(fit.expected, 1 + len(others))
        if self.settings.more.get("log_loop_models") and found.model is not None:
            self._models[label] = found.model
        return fit, member

    def _new_fit(self, label: str, frame: FrameType | None) -> Fit:
        if not self.fits:
            self.points.hold(_mentioned(mentions(frame)))
        names, name = {fit.name for fit in self.fits}, ""
        if self.fits:
            name, count = label, 2
            while name in names:
                name, count = f"{label}_{count}", count + 1
        fit = Fit(name, 0 if self.fits else self._last_step())
        self.fits.append(fit)
        return fit

    def _last_step(self) -> int:
        """Return the step that a run which goes on was at."""
        if not self.run.resumed:
            return 0
        points = attempt("pytorch", "The last step", lambda: self.run.data._metric_objs) or []
        return max((int(point.step) for point in points if point.key == "train_loss"), default=0)

    def step(
        self, fit: Fit, member: Member, loss: StepLoss | None, more: Mapping[str, Any]
    ) -> None:
        """Take in one step of an optimizer.

        Parameters
        ----------
        fit, member : Fit, Member
        loss : StepLoss or None
            None if another optimizer's step was of it, or it was computed in a compiled step.
        more : mapping
            Other metrics of the step.
        """
        member.steps += 1
        metrics: dict[str, Any] = dict(more)
        if loss is not None:
            member.has_loss = True
            fit.learns(loss)
            fit.rows += loss.rows
            fit.micro_batches = max(fit.micro_batches, loss.micro_batches)
            metrics["train_loss"] = loss.value
            metrics.update({f"train_{name}": value for name, value in loss.terms.items()})
        optimizer = member.optimizer()
        now, before = changed_rates(member, optimizer)
        step = fit.base + member.steps
        if before and step - member.rates_step > 1:  # no slope where there was a stair
            self._log(fit, member, before, step - 1)
        if now:
            member.rates_step = step
            metrics.update(now)
        self._log(fit, member, metrics, step)

    def own_step(self, found: Backward) -> None:
        """Take in a backward of a loop that changes the weights itself."""
        if not self.fits:
            self._new_fit("", None).add(self, Member(None, "", {}))
        fit = self.fits[-1]
        self.step(fit, next(iter(fit.members.values())), loss_of([found]), {})

    def _log(self, fit: Fit, member: Member, metrics: dict[str, Any], step: int) -> None:
        if not metrics:
            return
        if not fit.decides():
            self._held.append((fit, member, metrics, step, now_ms()))
            return
        if self._held:
            self.release()
        self.points.log(_named(fit, member, metrics), step)

    def release(self) -> None:
        """Log what has waited for the names of the series."""
        held, self._held = self._held, []
        for fit, member, metrics, step, time in held:
            fit.decides(now=True)
            self.points.log(_named(fit, member, metrics), step, time)

    def finished(self, over: Pass) -> None:
        """Take in a pass over the data that is closed.

        Parameters
        ----------
        over : Pass
        """
        if over.is_training:
            self._epoch(over)
        elif over.tally:
            self.evaluated(over.tally, self._phase(over))

    def _phase(self, over: Pass) -> str:
        """Return what the metrics of an evaluation begin with: ``val``, ``test``, ``val_2``.

        Loaders of the same data, and one that takes the place of another, are the same.
        """
        phase, loader = over.phase or "val", over.loader()
        data = getattr(loader, "dataset", None)
        places = self._places.setdefault(phase, [])
        for index, (known, of) in enumerate(places):
            if known() is None or known() is loader or (data is not None and of() is data):
                places[index] = (over.loader, _ref(data))
                return phase if index == 0 else f"{phase}_{index + 1}"
        places.append((over.loader, _ref(data)))
        return phase if len(places) == 1 else f"{phase}_{len(places)}"

    def evaluated(self, tally: Any, phase: str) -> None:
        """Log the means of an evaluation."""
        fit = self.current
        kind = None if fit is None else fit.kind
        metrics: dict[str, Any] = {}
        for name, (loss, accuracy) in tally.losses(kind).items():
            metrics[f"{phase}_{name or 'loss'}"] = loss
            if accuracy is not None:
                known = f"{phase}_accuracy"
                metrics[known if known not in metrics else f"{phase}_{name}_accuracy"] = accuracy
        if fit is not None:
            metrics = {fit.key(key): value for key, value in metrics.items()}
        if self._held:
            self.release()
        self.points.log(metrics, 0 if fit is None else fit.step)

    def _epoch(self, over: Pass) -> None:
        fit = self.current
        if fit is None or not over.is_whole:
            return
        self.points.settle()
        if self._held:
            self.release()
        fit.epochs += 1
        metrics: dict[str, Any] = {fit.key("epoch"): fit.epochs}
        speed = over.examples_per_second()
        if speed is not None:
            metrics[fit.key("examples_per_second")] = speed
        self.points.log(metrics, fit.step)
        if fit.epochs > 1:
            self.points.release()

    def suggest(self) -> None:
        """Keep the params for a run whose process is gone before it ends."""
        params = {**self.params}
        for fit in self.fits:
            params.update(fit.params())
        new = {key: value for key, value in params.items() if key not in self._suggested}
        if new:
            self._suggested.update(new)
            attempt("pytorch", "The params", self.run.writer.suggest_params, new)

    def close(self) -> None:
        """Log what waits, the params that the run has not, and the models if they are wanted."""
        with self.lock:
            if self.is_closed:
                return
            self.is_closed = True
            for watch in list(self.watches):
                watch.close_all(self)
            self.release()
            for fit in self.fits:
                self._last_rates(fit)
            self.points.close()
            self._log_params()
            note(self.run, "metric", self.points.keys, SOURCE)
            for label, model in self._models.items():
                attempt("pytorch", f"The model {label}", self._log_model, label, model)
            self._models.clear()
            _records.pop(self.run, None)

    def _last_rates(self, fit: Fit) -> None:
        for member in fit.members.values():
            step = fit.base + member.steps
            if member.rates and step > member.rates_step:
                rates = {key: kept for key, (_, kept) in member.rates.items()}
                self.points.log(_named(fit, member, rates), step)

    def _log_params(self) -> None:
        params = {**self.params}
        for fit in self.fits:
            params.update(fit.params())
        known = self.run.writer.params
        new = {key: value for key, value in params.items() if key not in known}
        for key, value in new.items():
            attempt("pytorch", f"The param {key}", self.run.writer.log_params, {key: value})
        note(self.run, "param", new, SOURCE)

    def _log_model(self, label: str, model: Any) -> None:
        from nbtrack.models.flavors.pytorch import log_model

        name = label if len(self._models) > 1 else "model"
        log_model(
            model,
            name=name,
            run_id=self.run.info.run_id,
            registered_model_name=self.settings.registered_model_name,
        )


def _named(fit: Fit, member: Member, metrics: Mapping[str, Any]) -> dict[str, Any]:
    names = member.names
    for key in metrics:
        if key not in names:
            own = key.partition("/")[0] in ("lr", "grad_norm")
            names[key] = fit.key(key, member, own=own)
    return {names[key]: value for key, value in metrics.items()}


def _mentioned(texts: frozenset[str]) -> set[str]:
    """Return the names of ours that the user's code has, whole or as a part of an f-string."""
    return {
        key
        for key in _KEYS
        if key in texts
        or any(text[:1] == "_" and len(text) > 1 and key.endswith(text) for text in texts)
        or any(text[-1:] == "_" and len(text) > 1 and key.startswith(text) for text in texts)
    }


def _ref(data: Any) -> Any:
    try:
        return ref(data)
    except TypeError:
        return lambda: None


def record_of(run: ActiveRun | None) -> Record | None:
    """Return the record of a run, made at its first use; None if it is not to be logged to.

    Parameters
    ----------
    run : ActiveRun or None
    """
    if run is None or run.ended:
        return None
    found = _records.get(run)
    if found is None:
        settings = settings_of("pytorch")
        if settings is None or settings.exclusive:
            return None
        found = _records[run] = Record(run, settings)
    return found


def close_of(run: ActiveRun) -> None:
    """Close the record of a run that is about to end, if there is one."""
    found = _records.get(run)
    if found is not None:
        found.close()


def close_all() -> None:
    """Close the records of all runs: nothing is watched any more."""
    for record in list(_records.values()):
        record.close()
