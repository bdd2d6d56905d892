"""What a fitted estimator says about its training data, each asked once."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from functools import partial
from typing import Any

from nbtrack.autologging.estimators.data import TrainingData, rows_of
from nbtrack.callables import parameters_of
from nbtrack.models.verification import same_random_numbers

MAX_SECONDS = 10.0
_PROBED, _FEW = 500, 5_000

_MOST = 10_000  # items of a list that are looked at

_asking: ContextVar[Answers | None] = ContextVar("nbtrack_sklearn_asking", default=None)


class Answers:
    """What an estimator answers about its training data.

    ``score`` predicts, and ``predict`` of many a classifier asks for probabilities first: what
    they compute on the way is kept, so that a forest goes through the data once.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    data : TrainingData
        What it was fitted with.
    """

    def __init__(self, estimator: Any, data: TrainingData) -> None:
        self.estimator = estimator
        self.data = data
        self._known: dict[str, Any] = {}
        self._settled: set[str] = set()
        self._same = set(map(id, _same_answers(estimator)))

    def has(self, method: str) -> bool:
        """Return whether the estimator has a method.

        Parameters
        ----------
        method : str
            Such as ``"predict_proba"``.
        """
        return callable(getattr(self.estimator, method, None))

    def score(self, weights: Any) -> float:
        """Return what ``score`` says.

        Parameters
        ----------
        weights : array-like or None
            Of the examples.
        """
        taken = parameters_of(self.estimator.score)
        more = {"sample_weight": weights} if "sample_weight" in taken else {}
        with self._listening():
            return float(self.estimator.score(self.data.fresh(), self.data.y, **more))

    def of(self, method: str) -> Any:
        """Return what a method answers about all examples.

        Parameters
        ----------
        method : str
            Such as ``"predict"``.
        """
        if method not in self._known:
            with self._listening():
                answer = getattr(self.estimator, method)(self.data.fresh())
            self._known[method] = answer
        return self._known[method]

    def first(self, method: str, sample: Any) -> Any:
        """Return what a method answers about the first examples.

        Parameters
        ----------
        method : str
        sample : object
            These examples; nobody is asked if the answer about all is known.
        """
        known = self._known.get(method)
        if known is None:
            return getattr(self.estimator, method)(sample)
        return known[: rows_of(sample)]

    def heard(self, estimator: Any, method: str, answer: Any) -> None:
        """Keep what an estimator has answered on the way.

        Parameters
        ----------
        estimator : estimator
            The estimator itself, or one that answers for it.
        method : str
        answer : object
        """
        # the last answer is that of the outermost call, whatever it has made of those inside
        if id(estimator) not in self._same or method in self._settled:
            return
        if hasattr(answer, "shape") and rows_of(answer) == rows_of(self.data.x):
            self._known[method] = answer

    def seconds(self) -> float:
        """Return about how long it takes to predict all examples, by a sample of them."""
        rows = rows_of(self.data.x)
        if rows <= _FEW or not self.has("predict"):
            return 0.0
        sample = self.data.first(_PROBED)
        started = time.perf_counter()
        self.estimator.predict(sample)
        return (time.perf_counter() - started) * rows / _PROBED

    @contextmanager
    def _listening(self) -> Iterator[None]:
        self._settled = set(self._known)
        token = _asking.set(self)
        try:
            yield
        finally:
            _asking.reset(token)


def hear(estimator: Any, method: str, answer: Any) -> None:
    """Let whoever asks an estimator now know what an estimator inside of it has answered.

    Parameters
    ----------
    estimator : estimator
    method : str
    answer : object
    """
    asking = _asking.get()
    if asking is not None:
        asking.heard(estimator, method, answer)


def _same_answers(estimator: Any) -> list[Any]:
    """Return the estimators whose answers are those of an estimator."""
    found = [estimator]
    while True:
        inner = getattr(found[-1], "best_estimator_", None)
        steps = getattr(found[-1], "steps", None)
        if inner is None and isinstance(steps, list) and steps:
            inner = steps[-1][1]
        if inner is None or isinstance(inner, str):
            return found
        found.append(inner)


@contextmanager
def unchanged_generators(estimator: Any, *, alone: bool) -> Iterator[None]:
    """Put generators of random numbers back to where they were, after a ``with`` block.

    Those of the process, and those that the estimator holds: some draw from them when they
    predict or transform, and the user's own calls shall get the same numbers as without us.

    Parameters
    ----------
    estimator : estimator
        The parts of it count, too.
    alone : bool
        Whether nothing else is fitted at the time: else those of the process go on, since
        another thread would draw the same numbers twice.
    """
    back = list(_states(estimator, set()))
    with same_random_numbers() if alone else nullcontext():
        try:
            yield
        finally:
            for put in back:
                put()


def _states(value: Any, seen: set[int]) -> Iterator[Callable[[], None]]:
    import numpy as np

    if isinstance(value, np.random.RandomState):
        yield partial(value.set_state, value.get_state())
    elif isinstance(value, np.random.Generator):
        yield partial(setattr, value.bit_generator, "state", value.bit_generator.state)
    elif isinstance(value, list | tuple):
        for each in value[:_MOST]:
            yield from _states(each, seen)
    elif isinstance(value, dict):
        for each in list(value.values())[:_MOST]:
            yield from _states(each, seen)
    elif hasattr(type(value), "get_params") and id(value) not in seen:
        seen.add(id(value))
        for each in list(getattr(value, "__dict__", {}).values()):
            yield from _states(each, seen)
