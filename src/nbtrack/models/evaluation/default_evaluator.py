"""The evaluator of classifiers and regressors: metrics, figures, tables."""

from __future__ import annotations

import copy
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError, NbtrackError, warn
from nbtrack.models.evaluation import figures, scores
from nbtrack.models.evaluation.artifacts import encoded
from nbtrack.models.evaluation.classes import Classes, classes_of
from nbtrack.models.evaluation.dataset import EvaluationDataset
from nbtrack.models.evaluation.explanation import explain
from nbtrack.models.evaluation.extra_metrics import ExtraMetrics
from nbtrack.models.evaluation.log import EvaluationLog
from nbtrack.models.evaluation.metric import EvaluationMetric, MetricValue, flattened
from nbtrack.models.evaluation.predictor import Predictor, column_of
from nbtrack.models.evaluation.result import EvaluationResult

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

Draw = Callable[[Any, dict[str, float], str], Any]
CLASSIFIER, REGRESSOR = "classifier", "regressor"
_MAX_CURVES = 10


class DefaultEvaluator:
    """One evaluation: of a model, or of predictions, on one dataset.

    Parameters
    ----------
    dataset : EvaluationDataset
        The data.
    predictor : Predictor or None
        The model; None where the data has predictions.
    model_type : str or None
        ``"classifier"``, ``"regressor"``; None for the user's metrics alone.
    config : mapping
        As ``evaluator_config``.
    log : EvaluationLog
        Where to.
    model_id : str, optional
        The logged model that the metrics are of.
    predictions : str, optional
        Which column of the model's answer has the predictions.
    """

    def __init__(
        self,
        dataset: EvaluationDataset,
        predictor: Predictor | None,
        model_type: str | None,
        config: Mapping[str, Any],
        log: EvaluationLog,
        model_id: str | None = None,
        predictions: str | None = None,
    ) -> None:
        self.dataset = dataset
        self.predictor = predictor
        self.model_type = model_type
        self.config = config
        self.log = log
        self.model_id = model_id
        self.predictions = predictions
        self.weights = _weights(config.get("sample_weights"), len(dataset.features_data))
        self.values: dict[str, MetricValue] = {}
        self.outputs: pd.DataFrame | None = None

    def evaluate(
        self,
        extra_metrics: Sequence[EvaluationMetric] = (),
        custom_artifacts: Sequence[Draw] = (),
    ) -> EvaluationResult:
        """Compute all and log it.

        Parameters
        ----------
        extra_metrics : list of EvaluationMetric
            More metrics.
        custom_artifacts : list of callable
            Each returns a dictionary of artifacts: ``f(eval_df, builtin_metrics, artifacts_dir)``.
        """
        y_pred, y_prob = self._predicted()
        found: Classes | None = None
        if self.model_type == CLASSIFIER:
            known = None if self.predictor is None else self.predictor.classes
            found = classes_of(self._targets(), y_pred, y_prob, self.config, known)
            y_pred = found.y_pred
            self._add(self._class_scores(found))
        elif self.model_type == REGRESSOR:
            _check_numbers(self._targets(), "targets")
            _check_numbers(y_pred, "predictions")
            self._add(self._number_scores(y_pred))
        if self.model_type is not None:
            self._add_score()
        extra = self._extra(y_pred, found)
        extra.compute(extra_metrics)
        prefix = self.log.prefix
        metrics = {f"{prefix}{name}": value for name, value in flattened(self.values).items()}
        self.log.metrics(metrics, self.model_id, self.dataset)
        self._log_table(y_pred, extra.used_outputs)
        if found is not None:
            self._draw(found)
        for number, function in enumerate(custom_artifacts):
            self._log_custom(function, number, y_pred)
        if self.model_type is not None:
            explain(self.predictor, self.dataset, found, self.config, self.log)
        return EvaluationResult(metrics, self.log.artifacts, self.log.run_id)

    def _predicted(self) -> tuple[Array, Array | None]:
        y_prob, count = None, len(self.dataset.features_data)
        if count == 0:
            raise InvalidParameterError("The data has no rows, so there is nothing to evaluate.")
        if self.predictor is None:
            y_pred = self.dataset.predictions_data
            if y_pred is None:
                raise InvalidParameterError(
                    "Either a model or set of predictions must be specified: pass model=, or "
                    "predictions= with the name of the column that has them, or a dataset that "
                    "names it: nbtrack.data.from_pandas(df, predictions='column')."
                )
        else:
            features = self.predictor.features(self.dataset)
            answer = self.predictor.predict(copy.copy(features))
            y_pred, self.outputs, self.predictions = column_of(answer, self.predictions)
            if self.model_type == CLASSIFIER:
                y_prob = self.predictor.predict_probabilities(copy.copy(features))
        if y_pred.ndim == 0 or len(y_pred) != count:
            raise InvalidParameterError(
                f"The model returned {1 if y_pred.ndim == 0 else len(y_pred)} predictions for "
                f"{count} examples; it has to return one for each."
            )
        if self.model_type is not None:
            _check_complete(y_pred, "predictions")
        return y_pred, y_prob

    def _targets(self) -> Array:
        found = self.dataset.labels_data
        if found is None:
            raise InvalidParameterError(
                f"The targets argument must be specified for {self.model_type} models."
            )
        _check_complete(found, "targets")
        return found[:, 0] if found.ndim == 2 and found.shape[1] == 1 else found

    def _number_scores(self, y_pred: Array) -> scores.Scores:
        try:
            return scores.regression_scores(self._targets(), y_pred, self.weights)
        except ValueError as error:  # of scikit-learn, such as an infinite prediction
            raise InvalidParameterError(f"The regressor cannot be scored: {error}") from error

    def _class_scores(self, found: Classes) -> scores.Scores:
        given = (found.y_true, found.y_pred, found.y_prob)
        try:
            if found.is_binary:
                return scores.binary_scores(
                    *given,
                    labels=found.labels,
                    pos_label=found.pos_label,
                    sample_weights=self.weights,
                )
            return scores.multiclass_scores(
                *given, labels=found.labels, average=self._average, sample_weights=self.weights
            )
        except ValueError as error:  # of scikit-learn, such as a probability above 1
            raise InvalidParameterError(f"The classifier cannot be scored: {error}") from error

    @property
    def _average(self) -> str:
        return str(self.config.get("average", "weighted"))

    def _add(self, found: Mapping[str, float]) -> None:
        for name, value in found.items():
            self.values[name] = MetricValue(aggregate_results={name: value})

    def _add_score(self) -> None:
        if self.predictor is None:
            return
        features = self.predictor.features(self.dataset)
        score = self.predictor.score(features, self._targets(), self.weights)
        if score is not None:
            self._add({"score": score})

    def _table(self, y_pred: Array) -> pd.DataFrame:
        import pandas as pd

        table = pd.DataFrame({"prediction": _one_each(y_pred)})
        if self.dataset.labels_data is not None:
            table["target"] = _one_each(self.dataset.labels_data)
        return table

    def _extra(self, y_pred: Array, found: Classes | None) -> ExtraMetrics:
        names = {self.predictions: "predictions", self.dataset.predictions_name: "predictions"}
        names[self.dataset.targets_name] = "targets"
        defaults: dict[str, Any] = {}
        if self.weights is not None:
            defaults["sample_weight"] = self.weights
        if found is not None:
            defaults["average"] = "binary" if found.is_binary else self._average
            defaults["pos_label"] = found.pos_label if found.is_binary else 1
        return ExtraMetrics(
            self._table(y_pred),
            self.dataset.frame(),
            self.outputs,
            names={name: what for name, what in names.items() if name is not None},
            values=self.values,
            config=self.config,
            defaults=defaults,
        )

    def _log_table(self, y_pred: Array, more: Mapping[str, Any]) -> None:
        """Log the examples with what metrics say of each, if one says something."""
        import pandas as pd

        columns = {}
        for name, value in self.values.items():
            for what, each in (("score", value.scores), ("justification", value.justifications)):
                if each:
                    columns[f"{self.log.prefix}{name}/{what}"] = each
        if not columns:
            return
        known = self._table(y_pred)
        features = self.dataset.frame()
        frame = pd.DataFrame() if features is None else features.reset_index(drop=True)
        if "target" in known:
            frame[self.dataset.targets_name or "target"] = known["target"]
        output = self.dataset.predictions_name or self.predictions
        frame[output if output and "target" in known else "outputs"] = known["prediction"]
        self.log.table(frame.assign(**more, **columns))

    def _draw(self, found: Classes) -> None:
        log, weights = self.log, self.weights
        right = (found.y_true, found.y_pred)
        how = {"pos_label": found.pos_label, "sample_weights": weights}
        if found.y_prob is not None:
            given = (found.y_true, found.y_prob, found.labels)
            most = self.config.get("max_classes_for_multiclass_roc_pr", _MAX_CURVES)
            if len(found.labels) <= most:
                log.figure("roc_curve_plot", lambda: figures.roc_curve(*given, **how))
                log.figure(
                    "precision_recall_curve_plot",
                    lambda: figures.precision_recall_curve(*given, **how),
                )
            else:
                warn(
                    f"There are {len(found.labels)} classes, more than {most}: no ROC and "
                    "precision-recall curves are drawn. evaluator_config="
                    "{'max_classes_for_multiclass_roc_pr': ...} allows more."
                )
            if found.is_binary:
                log.figure("lift_curve_plot", lambda: figures.lift_curve(*given, **how))
            bins = self.config.get("calibration_n_bins", 10)
            name = self.config.get("calibration_classifier_name", "Classifier")
            log.figure(
                "calibration_curve_plot",
                lambda: figures.calibration_curve(*given, **how, n_bins=bins, name=name),
            )
        if not found.is_binary:
            table = scores.per_class_scores(
                *right, found.y_prob, labels=found.labels, sample_weights=weights
            )
            log.put("per_class_metrics", ".csv", table.to_csv(index=False).encode())
        log.figure(
            "confusion_matrix",
            lambda: figures.confusion_matrix(*right, found.shown_labels, sample_weights=weights),
        )

    def _log_custom(self, function: Draw, number: int, y_pred: Array) -> None:
        name = getattr(function, "__name__", repr(function))
        with tempfile.TemporaryDirectory() as folder:
            try:
                found = function(self._table(y_pred), flattened(self.values), folder)
            except NbtrackError:
                raise
            except Exception as error:
                raise NbtrackError(
                    f"The function {name!r} of custom_artifacts failed: {type(error).__name__}: "
                    f"{error}",
                    "BAD_REQUEST",
                ) from error
            if not isinstance(found, Mapping) or not all(isinstance(key, str) for key in found):
                warn(
                    f"The function {name!r} at index {number} of custom_artifacts returned "
                    f"{type(found).__name__}; return a dictionary of artifacts by name."
                )
                return
            for key, value in found.items():
                if key in self.log.artifacts:
                    raise InvalidParameterError(
                        f"The function {name!r} of custom_artifacts returned an artifact {key!r}, "
                        "and there is one of that name. Give it another."
                    )
                self.log.put(key, *encoded(key, value))


def _weights(given: Any, count: int) -> Array | None:
    import numpy as np

    if given is None:
        return None
    try:
        found = np.asarray(given, dtype=float)
    except ValueError:
        found = np.empty(0)
    if found.shape != (count,) or not np.isfinite(found).all():
        raise InvalidParameterError(
            f"'sample_weights' has to have one number for each of the {count} examples; got "
            f"{len(given) if hasattr(given, '__len__') else 1}: {str(given)[:60]}."
        )
    return found


def _check_complete(values: Array, what: str) -> None:
    import numpy as np
    import pandas as pd

    missing = np.asarray(pd.isna(values)).reshape(len(values), -1).any(axis=1)
    if missing.any():
        raise InvalidParameterError(
            f"{int(missing.sum())} of {len(values)} {what} are missing (NaN or None), the first in "
            f"row {int(missing.argmax())}. Leave those rows out, or fill them in."
        )


def _check_numbers(values: Array, what: str) -> None:
    if values.dtype.kind in "biuf":
        return
    try:
        values.astype(float)
    except (TypeError, ValueError):
        raise InvalidParameterError(
            f"The {what} of a regressor are numbers; got {values.tolist()[0]!r}. For labels use "
            "model_type='classifier'."
        ) from None


def _one_each(values: Array) -> Any:
    return values if values.ndim == 1 else list(values)
