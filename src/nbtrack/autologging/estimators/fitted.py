"""Which run an estimator was fitted in, which predictions it has made since, and their scores."""

from __future__ import annotations

from collections import Counter
from typing import Any

from nbtrack.autologging.estimators.callers import Caller
from nbtrack.autologging.estimators.data import described
from nbtrack.autologging.estimators.identity import ByIdentity, Weakly
from nbtrack.autologging.switches import report, settings_of
from nbtrack.autologging.training import attempt
from nbtrack.entities import DatasetInput, InputTag
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.tracking import artifacts
from nbtrack.tracking.model_metrics import dataset_entity, log_model_metrics
from nbtrack.tracking.run import ActiveRun

NAME = "sklearn"
MAX_CALLS = 50
_UNKNOWN = "unknown_dataset"


class Fitted:
    """The run that an estimator was fitted in, and what has been logged to it since.

    Parameters
    ----------
    run : ActiveRun
        It may have ended.
    model_id : str or None
        The model that was logged of the estimator.
    """

    def __init__(self, run: ActiveRun, model_id: str | None) -> None:
        self.store, self.run_id, self.model_id = run.store, run.info.run_id, model_id
        self._calls: Counter[str] = Counter()
        self._written: dict[str, str] = {}
        self._names: dict[str, list[Weakly]] = {}
        self._described: dict[str, tuple[str, str]] = {}

    def name_of(self, x: Any, caller: Caller, position: int = 0, keyword: str = "X") -> str:
        """Return what the data is called; other data of the same name gets a number.

        Parameters
        ----------
        x : object
            The examples.
        caller : Caller
            Who has passed it.
        position, keyword : optional
            Where it is among the arguments.
        """
        name = caller.name_of(x, position, keyword) or _UNKNOWN
        known = self._names.setdefault(name, [])
        for index, held in enumerate(known):
            if held.is_same(x):
                return numbered(name, index)
        known.append(Weakly(x))
        return numbered(name, len(known) - 1)

    def log(self, metric: str, value: float, name: str, x: Any, call: str) -> None:
        """Log a score.

        Parameters
        ----------
        metric : str
            Its name.
        value : float
        name : str
            That of the data.
        x : object
            The examples, None if they are gone.
        call : str
            How it was computed.
        """
        self._calls[metric] += 1
        count = self._calls[metric]
        if count > MAX_CALLS:
            report(NAME, f"{metric} was computed {MAX_CALLS} times, and is not logged any more")
            return
        key = f"{numbered(metric, count - 1)}_{name}"
        writer = self.store.writer(self.run_id)
        if x is not None and name not in self._described:
            self._describe(writer, x, name)
        if self.model_id is None:
            writer.log_metrics({key: value}, 0)
        else:
            about = self._described.get(name)
            log_model_metrics(writer, {key: value}, 0, None, self.model_id, about)
        self._written[key] = call
        written = dict(sorted(self._written.items()))
        artifacts.log_dict(writer, written, "metric_info.json")

    def _describe(self, writer: Any, x: Any, name: str) -> None:
        settings = settings_of(NAME)
        if settings is None or not settings.log_datasets:
            return
        dataset = attempt(NAME, "The data of a score", described, x, None, name)
        if dataset is not None:
            entity = dataset_entity(dataset)
            writer.log_inputs([DatasetInput(entity, [InputTag(DATA_CONTEXT, "eval")])])
            self._described[name] = (str(entity.name), str(entity.digest))


class Prediction:
    """Which estimator has predicted, and for which data."""

    def __init__(self, fitted: Fitted, name: str, x: Any) -> None:
        self.fitted, self.name, self.x = fitted, name, Weakly(x)


_fitted: ByIdentity[Fitted] = ByIdentity()
_predicted: ByIdentity[Prediction] = ByIdentity()


def remember(estimator: Any, fitted: Fitted) -> None:
    """Let scores of an estimator be logged to a run from now on, even after its end.

    Parameters
    ----------
    estimator : estimator
        Nothing is written into it.
    fitted : Fitted
        The run.
    """
    _fitted.set(estimator, fitted)


def run_of(estimator: Any) -> Fitted | None:
    """Return the run of an estimator, None if it has none.

    Parameters
    ----------
    estimator : estimator
    """
    return _fitted.get(estimator)


def remember_answer(fitted: Fitted, answer: Any, x: Any, caller: Caller) -> None:
    """Remember where predictions are from, as long as they live.

    Parameters
    ----------
    fitted : Fitted
        The run of the estimator that has made them.
    answer : object
        The predictions.
    x : object
        The examples.
    caller : Caller
        Who has asked for them.
    """
    if x is None or answer is x:
        return
    prediction = Prediction(fitted, fitted.name_of(x, caller), x)
    _predicted.set(answer, prediction)
    # probabilities[:, 1] says whose view it is; a view of what was given is no prediction
    base = getattr(answer, "base", None)
    if base is not None and base is not x and base is not getattr(x, "base", None):
        _predicted.set(base, prediction)


def prediction_among(values: Any) -> Prediction | None:
    """Return the predictions that are among the arguments of a call, None if there are none.

    Parameters
    ----------
    values : iterable
        The arguments; a part of predictions, such as a column, counts.
    """
    if not _predicted:
        return None
    found = (_predicted.get(each) or _predicted.get(getattr(each, "base", None)) for each in values)
    return next((each for each in found if each is not None), None)


def numbered(name: str, index: int) -> str:
    """Return a name, with a number from the second on.

    Parameters
    ----------
    name : str
    index : int
        From 0 on.
    """
    return f"{name}-{index + 1}" if index else name
