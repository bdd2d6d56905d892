"""``NbtrackCallback``: trials of Optuna are logged where ``study.optimize`` is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from nbtrack.autologging.settings import Settings
from nbtrack.autologging.training import Training, attempt
from nbtrack.autologging.trials import NAME, OpenTrial, Trials, log_tags, log_trial, status_of
from nbtrack.entities.runs import PARENT
from nbtrack.tracking import context
from nbtrack.tracking.environment import quick_tags
from nbtrack.tracking.new_runs import create
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import active_experiment_id


class NbtrackCallback:
    """Logs each trial of a study of Optuna as a run, below the run that is open.

    The open run has the values as curves by trial, and the best trial in its tags. Without one,
    the trials stand alone. With ``nbtrack.optuna.autolog()`` no callback is needed.

    Parameters
    ----------
    metric_name : str, optional
        What the value of the objective is called, unless the study has names for its values.
        Several values are numbered: ``value_0``, ``value_1``.
    tag_study_user_attrs, tag_trial_user_attrs : bool, optional
        Whether attributes that were set on the study, and on the trial, are tags of the run.

    Examples
    --------
    >>> import nbtrack
    >>> import optuna
    >>> optuna.logging.set_verbosity(optuna.logging.ERROR)
    >>> callback = nbtrack.optuna.NbtrackCallback(metric_name="loss")
    >>> @callback.track  # what the objective logs goes to the run of its trial
    ... def objective(trial):
    ...     x = trial.suggest_float("x", -1, 1)
    ...     nbtrack.log_metric("x_squared", x * x)
    ...     return x * x
    >>> with nbtrack.start_run():
    ...     optuna.create_study().optimize(objective, n_trials=3, callbacks=[callback])
    """

    def __init__(
        self,
        metric_name: str = "value",
        *,
        tag_study_user_attrs: bool = False,
        tag_trial_user_attrs: bool = True,
    ) -> None:
        self._metric_name = metric_name
        self._study_attrs = tag_study_user_attrs
        self._trial_attrs = tag_trial_user_attrs
        self._guard = threading.Lock()
        self._found: Trials | None = None

    def track(self, objective: Callable[..., Any]) -> Callable[..., Any]:
        """Return an objective whose trials have their run open while it works.

        Parameters
        ----------
        objective : callable
            ``objective(trial)``.

        Examples
        --------
        >>> import optuna
        >>> optuna.logging.set_verbosity(optuna.logging.ERROR)
        >>> callback = nbtrack.optuna.NbtrackCallback()
        >>> @callback.track
        ... def objective(trial):
        ...     nbtrack.log_metric("guess", trial.suggest_float("x", -1, 1))
        ...     return 0.0
        >>> optuna.create_study().optimize(objective, n_trials=1, callbacks=[callback])
        """

        def begun(trial: Any) -> Any:
            return self._trials().objective(objective)(trial)

        return begun

    def __call__(self, study: Any, trial: Any) -> None:
        """Log a trial that has ended; Optuna calls it.

        Parameters
        ----------
        study : optuna.Study
        trial : optuna.trial.FrozenTrial
        """
        attempt(NAME, "A trial", self._log, study, trial)

    def _trials(self) -> Trials:
        """Return the trials below the open run; trials in other threads do not count as that."""
        with self._guard:
            found = self._found
            ended = found is not None and found.parent is not None and found.parent.ended
            if found is None or ended or (found.parent is None and found.is_idle()):
                parent = context.current()
                found = self._found = Trials(
                    Settings(), parent, self._metric_name, user_attrs=self._trial_attrs
                )
            return found

    def _log(self, study: Any, trial: Any) -> None:
        trials = self._trials()
        tags = study.user_attrs if self._study_attrs else {}
        if trials.is_open(trial.number):
            trials.finish(study, trial, tags)
        elif not trials.has_ended(trial.number):
            self._log_ended(study, trial, trials, tags)
        if trials.parent is not None:
            session = Training(NAME, Settings(), trials.parent, opened=False)
            trials.log_progress(session, study, trial)
            self._tag_best(session, study)

    def _log_ended(self, study: Any, trial: Any, trials: Trials, tags: dict[str, Any]) -> None:
        """Log a trial whose objective was not tracked, with the times that it had."""
        parent = trials.parent
        store = context.store() if parent is None else parent.store
        own = {} if parent is None else {PARENT: parent.info.run_id}
        experiment = active_experiment_id(store) if parent is None else parent.info.experiment_id
        info, writer = create(
            store,
            experiment,
            run_name=f"trial {trial.number}",
            start_time=int(trial.datetime_start.timestamp() * 1000),
            tags={**quick_tags(), "number": str(trial.number), **own},
        )
        run = ActiveRun(store, info, writer)
        session = Training(NAME, Settings(), run, opened=True)
        log_trial(OpenTrial(session), trial, trials.values(study, trial), self._trial_attrs)
        log_tags(session, {**tags, "state": trial.state.name})
        run.end(status_of(trial.state.name), int(trial.datetime_complete.timestamp() * 1000))
        store.writers.forget(info.run_id)

    def _tag_best(self, session: Training, study: Any) -> None:
        if len(study.directions) > 1:
            return
        try:
            best = study.best_trial
        except ValueError:  # none is complete
            return
        params = {f"best_{name}": value for name, value in best.params.items()}
        log_tags(session, {"best_trial": best.number, **params})
