"""Computing the user's metrics, each once that which it needs is there."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.evaluation.metric import (
    EvaluationMetric,
    MetricValue,
    as_metric_value,
    flattened,
)

if TYPE_CHECKING:
    import pandas as pd

_MISSING = object()
_WAITING = object()
_VARIABLE = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)


class ExtraMetrics:
    """What metric functions can get, by the names of their parameters.

    Parameters
    ----------
    table : DataFrame
        With the columns ``prediction`` and, where there are targets, ``target``.
    features, outputs : DataFrame, optional
        The features, and the model's other outputs.
    names : mapping of str to str
        Other names of ``predictions`` and ``targets``: those of the columns.
    values : dict of str to MetricValue
        The metrics that are known; those that are computed are added.
    config, defaults : mapping
        What ``evaluator_config`` says, and what is found where nothing says otherwise.
    """

    def __init__(
        self,
        table: pd.DataFrame,
        features: pd.DataFrame | None,
        outputs: pd.DataFrame | None,
        *,
        names: Mapping[str, str],
        values: dict[str, MetricValue],
        config: Mapping[str, Any],
        defaults: Mapping[str, Any],
    ) -> None:
        self._table = table
        self._frames = [frame for frame in (features, outputs) if frame is not None]
        self._outputs = outputs
        self._names = names
        self._config = config
        self._defaults = defaults
        self.values = values
        self.used_outputs: dict[str, Any] = {}

    def compute(self, metrics: Sequence[EvaluationMetric]) -> None:
        """Compute metrics, those first that others need.

        Parameters
        ----------
        metrics : list of EvaluationMetric
            In any order.

        Raises
        ------
        InvalidParameterError
            If something is no metric, or a parameter is neither a column nor a metric.
        NbtrackError
            If a metric fails: it is named.
        """
        check_metrics(metrics)
        waiting = list(metrics)
        while waiting:
            names = {metric.name for metric in waiting}
            ready = []
            for metric in waiting:
                given = self._arguments(metric, names - {metric.name})
                if all(value is not _WAITING and value is not _MISSING for value in given.values()):
                    ready.append(metric)
                    self._add(metric, list(given.values()))
            if not ready:
                raise self._incomplete(waiting)
            waiting = [metric for metric in waiting if metric not in ready]

    def _add(self, metric: EvaluationMetric, given: list[Any]) -> None:
        try:
            found = as_metric_value(metric.eval_fn(*given), metric.name)
        except NbtrackError:
            raise
        except Exception as error:
            raise NbtrackError(
                f"The metric {metric.name!r} failed: {type(error).__name__}: {error}", "BAD_REQUEST"
            ) from error
        if found is None:
            return
        for what in (found.scores, found.justifications):
            if what is not None and len(what) != len(self._table):
                raise InvalidParameterError(
                    f"The metric {metric.name!r} returned {len(what)} scores or justifications for "
                    f"{len(self._table)} examples; there is one for each, None where it has none."
                )
        self.values[metric.key] = found

    def _arguments(self, metric: EvaluationMetric, others: set[str]) -> dict[str, Any]:
        parameters = [
            each for each in parameters_of(metric.eval_fn).values() if each.kind not in _VARIABLE
        ]
        names = [each.name for each in parameters]
        if len(names) == 2 and not {"predictions", "targets"} & set(names):
            # MLflow's older way: (eval_df, builtin_metrics), by any names
            return {names[0]: self._table.copy(), names[1]: flattened(self.values)}
        return {each.name: self._argument(each, others) for each in parameters}

    def _argument(self, parameter: inspect.Parameter, others: set[str]) -> Any:
        wanted = (self._config.get("col_mapping") or {}).get(parameter.name, parameter.name)
        if not isinstance(wanted, str):
            return wanted  # the values themselves
        name = self._names.get(wanted, wanted)
        if name == "predictions":
            return self._table["prediction"].copy()
        if name == "targets" and "target" in self._table:
            return self._table["target"].copy()
        if name == "metrics":
            return copy.deepcopy(self.values)
        for frame in self._frames:
            if name in frame.columns:
                if frame is self._outputs:
                    self.used_outputs[name] = frame[name].array
                return frame[name].copy()
        if name in self._config:
            return self._config[name]
        if name in others:
            return _WAITING
        known = next((v for k, v in self.values.items() if k.split("/")[0] == name), None)
        if known is not None:
            return copy.deepcopy(known)
        if name in self._defaults:
            return self._defaults[name]
        return _MISSING if parameter.default is inspect.Parameter.empty else parameter.default

    def _incomplete(self, waiting: Sequence[EvaluationMetric]) -> InvalidParameterError:
        said = []
        for metric in waiting:
            given = self._arguments(metric, {each.name for each in waiting} - {metric.name})
            missing = [name for name, value in given.items() if value is _MISSING]
            circular = [name for name, value in given.items() if value is _WAITING]
            if missing:
                said.append(
                    f"Metric {metric.name!r} needs {', '.join(missing)}, which nothing has."
                )
            elif circular:
                said.append(f"Metric {metric.name!r} waits for {', '.join(circular)}.")
        columns = [str(name) for frame in self._frames for name in frame.columns]
        return InvalidParameterError(
            "Error: Metric calculation failed for the following metrics: "
            f"{' '.join(said)} A parameter is predictions, targets, metrics, another metric, a "
            f"column ({', '.join(columns[:20])}) or an entry of evaluator_config; "
            "evaluator_config={'col_mapping': {<parameter>: <column>}} says what else it is."
        )


def check_metrics(metrics: Sequence[Any]) -> None:
    """Raise unless all are metrics.

    Raises
    ------
    InvalidParameterError
        With what one has to be made with.
    """
    needed: tuple[str, ...] = ("eval_fn", "name", "greater_is_better")
    for metric in metrics:
        if not all(hasattr(metric, name) for name in needed):
            what: Callable[..., Any] | Any = metric
            raise InvalidParameterError(
                f"extra_metrics has {what!r}, which is no metric: "
                "make_metric(eval_fn=..., greater_is_better=...) makes one of a function."
            )
