"""The runs of the trials of a study of Optuna, and what is logged of each."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any
from weakref import WeakKeyDictionary

from nbtrack.autologging.settings import Settings
from nbtrack.autologging.training import Training, attempt, unmuted
from nbtrack.tracking import context
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import start_run
from nbtrack.validation import MAX_TAG_VALUE

NAME = "optuna"
REPORTED = "intermediate_value"

# with which trial which run goes: for the trial's own methods, whatever thread they are called in
open_trials: WeakKeyDictionary[Any, OpenTrial] = WeakKeyDictionary()


@dataclass
class OpenTrial:
    """A trial that goes on, and where it is logged."""

    session: Training
    reported: set[int] = field(default_factory=set)

    def report(self, value: float, step: int) -> None:
        """Log what the trial says of itself while it goes on."""
        if step not in self.reported:  # Optuna keeps the first, too
            self.reported.add(step)
            self.session.log_metrics({REPORTED: value}, step)


class Trials:
    """The trials of one study, each with a run; the runs below that of the study, if it has one.

    Parameters
    ----------
    settings : Settings
        What is logged.
    parent : ActiveRun or None
        The run of the study.
    metric_name : str
        What the value of the objective is called, unless the study has a name for it.
    user_attrs : bool
        Whether the attributes that the user has set are tags of the trial's run.
    """

    def __init__(
        self,
        settings: Settings,
        parent: ActiveRun | None,
        metric_name: str = "value",
        *,
        user_attrs: bool = True,
    ) -> None:
        self.parent = parent
        self._settings = settings
        self._metric_name = metric_name
        self._user_attrs = user_attrs
        self._open: dict[int, Any] = {}
        self._ended: set[int] = set()
        self._guard = threading.Lock()

    def objective(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return an objective whose trials have a run each, that what it logs goes to.

        Parameters
        ----------
        function : callable
            ``function(trial)``.
        """

        @functools.wraps(function, updated=())
        def tracked(trial: Any) -> Any:
            from optuna.exceptions import TrialPruned

            begun = attempt(NAME, "The run of a trial", self._begin, trial)
            if begun is None:
                return function(trial)
            try:
                with unmuted():
                    return function(trial)
            except TrialPruned:
                raise  # how it has gone is known when Optuna has been told
            except BaseException as error:
                self._end(trial, begun, "FAIL", error)
                raise

        return tracked

    def finish(self, study: Any, frozen: Any, tags: Mapping[str, Any] | None = None) -> None:
        """End the run of a trial as Optuna says that it went.

        Parameters
        ----------
        study : optuna.Study
        frozen : optuna.trial.FrozenTrial
        tags : mapping, optional
            More for its run.
        """
        with self._guard:
            trial = self._open.get(frozen.number)
        begun = None if trial is None else open_trials.get(trial)
        if begun is not None:
            log_tags(begun.session, tags or {})
            self._end(frozen, begun, frozen.state.name, values=self.values(study, frozen))

    def is_open(self, number: int) -> bool:
        """Return whether a trial has a run that goes on; by its number."""
        return number in self._open

    def has_ended(self, number: int) -> bool:
        """Return whether a trial had a run that has ended; by its number."""
        return number in self._ended

    def is_idle(self) -> bool:
        """Return whether no trial goes on."""
        return not self._open

    def close(self, error: BaseException | None) -> None:
        """End the runs that have been left open, where Optuna itself has failed.

        Parameters
        ----------
        error : BaseException or None
            Why.
        """
        for trial in list(self._open.values()):
            self._end(trial, open_trials[trial], "FAIL", error)

    def values(self, study: Any, frozen: Any) -> dict[str, float]:
        """Return the values of a trial that is complete, by name.

        Parameters
        ----------
        study : optuna.Study
        frozen : optuna.trial.FrozenTrial
        """
        if frozen.state.name != "COMPLETE":
            return {}
        names = study.metric_names
        if names is None:
            one = len(frozen.values) == 1
            count = range(len(frozen.values))
            names = [self._metric_name if one else f"{self._metric_name}_{i}" for i in count]
        return dict(zip(names, frozen.values, strict=True))

    def log_progress(self, session: Training, study: Any, frozen: Any) -> None:
        """Log to the run of the study how far it is: its curves grow with each trial.

        Parameters
        ----------
        session : Training
            That of the study.
        study : optuna.Study
        frozen : optuna.trial.FrozenTrial
        """
        values = self.values(study, frozen)
        if len(values) == 1:
            with suppress(ValueError):  # of constraints that no trial keeps to
                values["best_value"] = study.best_value
        if values:
            session.log_metrics(values, frozen.number)

    def _begin(self, trial: Any) -> OpenTrial:
        run = start_run(
            run_name=f"trial {trial.number}",
            tags={"number": str(trial.number)},
            **below(self.parent),
        )
        begun = open_trials[trial] = OpenTrial(Training(NAME, self._settings, run, opened=True))
        with self._guard:
            self._open[trial.number] = trial
        return begun

    def _end(
        self,
        trial: Any,
        begun: OpenTrial,
        state: str,
        error: BaseException | None = None,
        values: Mapping[str, float] | None = None,
    ) -> None:
        with self._guard:
            opened = self._open.pop(trial.number, None)
            self._ended.add(trial.number)
        if opened is None:
            return
        open_trials.pop(opened, None)
        session = begun.session
        session.attempt("A trial", log_trial, begun, trial, values or {}, self._user_attrs)
        session.attempt("A tag", session.run.writer.set_tags, {"state": state})
        if error is None:
            session.attempt("The end of a trial", session.run.end, status_of(state))
        else:
            session.end(error)


def status_of(state: str) -> str:
    """Return the status of the run of a trial; one that is pruned was stopped before its end."""
    return {"COMPLETE": "FINISHED", "PRUNED": "KILLED"}.get(state, "FAILED")


def below(parent: ActiveRun | None) -> dict[str, Any]:
    """Return the arguments of ``start_run`` for a run below another, also in a thread of its own.

    Parameters
    ----------
    parent : ActiveRun or None
    """
    if parent is None:
        return {}
    found: dict[str, Any] = {"nested": True, "experiment_id": parent.info.experiment_id}
    if context.parent() is not parent:  # to name it costs a look into the store
        found["parent_run_id"] = parent.info.run_id
    return found


def log_trial(
    begun: OpenTrial, trial: Any, values: Mapping[str, float], user_attrs: bool = True
) -> None:
    """Log what a trial was and gave.

    Parameters
    ----------
    begun : OpenTrial
    trial : optuna.trial.BaseTrial
        It may go on still.
    values : mapping of str to float
        Those of the objective, by name.
    user_attrs : bool
        Whether attributes of the user become tags.
    """
    session = begun.session
    session.log_params(trial.params)
    for step, value in getattr(trial, "intermediate_values", {}).items():
        begun.report(value, step)
    if values:
        session.log_metrics(values)
    tags = {f"{name}_distribution": str(kind) for name, kind in trial.distributions.items()}
    log_tags(session, {**tags, **(trial.user_attrs if user_attrs else {})})


def log_tags(session: Training, tags: Mapping[str, Any]) -> None:
    """Set tags; what is too long for one is cut.

    Parameters
    ----------
    session : Training
    tags : mapping of str to object
    """
    for key, value in tags.items():
        text = str(value)
        short = text if len(text) <= MAX_TAG_VALUE else text[: MAX_TAG_VALUE - 1] + "…"
        session.attempt(f"The tag {key}", session.run.writer.set_tags, {key: short})
