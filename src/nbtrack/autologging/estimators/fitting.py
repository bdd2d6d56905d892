"""A call of ``fit``, and what is logged of it before and after."""

from __future__ import annotations

import threading
import time
from typing import Any

from nbtrack.autologging.estimators.answers import MAX_SECONDS, Answers, unchanged_generators
from nbtrack.autologging.estimators.callers import Caller
from nbtrack.autologging.estimators.classes import is_trained
from nbtrack.autologging.estimators.cross_validation import run_of_same
from nbtrack.autologging.estimators.data import TrainingData
from nbtrack.autologging.estimators.description import (
    estimator_tags,
    log_model,
    log_page,
    readable,
)
from nbtrack.autologging.estimators.fitted import Fitted, remember
from nbtrack.autologging.estimators.scoring import (
    fitted_numbers,
    training_figures,
    training_scores,
)
from nbtrack.autologging.estimators.search import is_search, log_search
from nbtrack.autologging.switches import report
from nbtrack.autologging.training import Training, is_muted, muted, training
from nbtrack.entities import DatasetInput, InputTag
from nbtrack.entities.runs import DATA_CONTEXT

NAME = "sklearn"
_fitting: set[int] = set()  # the threads that fit


def fitted(original: Any, estimator: Any, *args: Any, **kwargs: Any) -> Any:
    """Fit an estimator and log it, if it is the user who fits.

    Parameters
    ----------
    original : callable
        ``fit``, ``fit_transform`` or ``fit_predict`` of the estimator's class.
    estimator : estimator
    *args, **kwargs
        Its arguments.
    """
    caller = None if is_muted() else Caller()
    if caller is None or caller.is_library or not hasattr(estimator, "get_params"):
        return original(estimator, *args, **kwargs)
    if not is_trained(estimator):
        with muted():  # what it fits inside is no training of the user's either
            return original(estimator, *args, **kwargs)
    again = run_of_same(estimator)
    with training(NAME, type(estimator).__name__, again=again) as session:
        if session is None:
            return original(estimator, *args, **kwargs)
        fit = session.attempt("The training", _Fit, session, original, estimator, args, kwargs)
        if fit is not None:
            session.attempt("The training", fit.before, caller)
        started, thread = time.perf_counter(), threading.get_ident()
        _fitting.add(thread)
        try:
            answer = original(estimator, *args, **kwargs)
            if fit is not None:
                session.attempt("The training", fit.after, time.perf_counter() - started)
        finally:
            _fitting.discard(thread)
        return answer


class _Fit:
    """What is logged of one fit."""

    def __init__(
        self, session: Training, original: Any, estimator: Any, args: Any, kwargs: Any
    ) -> None:
        self.session = session
        self.estimator = estimator
        self.is_search = is_search(estimator)
        self.data = TrainingData(original, estimator, args, kwargs)
        self.inputs: DatasetInput | None = None
        # those of the estimator before a search; while it is fitted params may change
        self.base: dict[str, Any] = {}

    def before(self, caller: Caller) -> None:
        """Log params, tags and data, which are there should the fit fail."""
        session, estimator = self.session, self.estimator
        session.run.writer.set_tags(estimator_tags(estimator))
        session.attempt("The params", self._log_params)
        if self.is_search:
            inner = estimator.estimator
            self.base = inner.get_params(deep=not is_search(inner))
        if session.settings.log_datasets:
            session.attempt("The training data", self._log_data, caller)

    def _log_params(self) -> None:
        params = self.estimator.get_params(deep=not self.is_search)
        self.session.log_params(readable(params))

    def _log_data(self, caller: Caller) -> None:
        name = caller.name_of(self.data.given_x, 0, self.data.x_name)
        dataset = self.data.dataset(name)
        if dataset is not None:
            entity = dataset.to_entity()
            self.inputs = DatasetInput(entity, [InputTag(DATA_CONTEXT, "train")])
            self.session.run.writer.log_inputs([self.inputs])

    def after(self, seconds: float) -> None:
        """Log scores, figures and models."""
        session, estimator = self.session, self.estimator
        settings = session.settings
        answers = Answers(estimator, self.data)
        model_id = None
        with unchanged_generators(estimator, alone=len(_fitting) == 1):
            found: dict[str, Any] = {}
            if self._is_quick(answers, seconds):
                positive = settings.more.get("pos_label")
                found = training_scores(session, answers, positive)
                session.attempt("The figures", self._log_figures, answers, positive)
            if settings.log_models and self._predicts(answers):
                name = settings.registered_model_name
                model_id = session.attempt(
                    "The model", log_model, session, estimator, answers, "model", name
                )
                best = getattr(estimator, "best_estimator_", None) if self.is_search else None
                if best is not None:
                    session.attempt(
                        "The best estimator", log_model, session, best, answers, "best_estimator"
                    )
            numbers, curves = fitted_numbers(estimator)
            session.log_metrics({**found, **numbers})
            for name, values in curves.items():
                for step, value in enumerate(values):
                    session.log_metrics({name: value}, step)
            session.attempt("estimator.html", log_page, session, estimator)
            if self.is_search:
                session.attempt(
                    "The search", log_search, session, estimator, self.base, self.inputs
                )
        remember(estimator, Fitted(session.run, model_id))
        if self.is_search and hasattr(estimator, "best_estimator_"):
            remember(estimator.best_estimator_, Fitted(session.run, model_id))

    def _is_quick(self, answers: Answers, seconds: float) -> bool:
        """Return whether the training data can be predicted in a time that nobody minds."""
        if self.data.y is None:
            return True
        expected = self.session.attempt("The training metrics", answers.seconds)
        if expected is None or expected <= max(MAX_SECONDS, seconds):
            return True
        report(
            NAME,
            f"The training metrics of {type(self.estimator).__name__} are left out: to predict "
            f"all of its training data would take about {expected:.0f} s",
        )
        return False

    def _predicts(self, answers: Answers) -> bool:
        """Return whether there is a model; a search without refit has none."""
        return not self.is_search or hasattr(self.estimator, "best_estimator_")

    def _log_figures(self, answers: Answers, pos_label: Any) -> None:
        for name, draw in training_figures(answers, pos_label):
            figure = self.session.attempt(name, draw)
            if figure is not None:
                self.session.attempt(name, self.session.log_figure, figure, name)
