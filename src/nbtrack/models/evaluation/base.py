"""``evaluate``: how good a model, a function or a column of predictions is, on some data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from nbtrack._names import look_elsewhere
from nbtrack.entities import DatasetInput, InputTag, LoggedModelInput
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.models.evaluation import evaluators as registry
from nbtrack.models.evaluation.artifacts import EvaluationArtifact
from nbtrack.models.evaluation.dataset import EvaluationDataset, as_dataset
from nbtrack.models.evaluation.default_evaluator import CLASSIFIER, REGRESSOR, DefaultEvaluator
from nbtrack.models.evaluation.evaluators import ModelEvaluator, list_evaluators
from nbtrack.models.evaluation.extra_metrics import check_metrics
from nbtrack.models.evaluation.log import EvaluationLog
from nbtrack.models.evaluation.metric import EvaluationMetric, make_metric
from nbtrack.models.evaluation.predictor import Predictor, predictor_of
from nbtrack.models.evaluation.result import EvaluationResult
from nbtrack.models.serving import check_environment
from nbtrack.tracking import context
from nbtrack.tracking.dataset import Dataset
from nbtrack.tracking.model_metrics import check_exists, dataset_entity
from nbtrack.tracking.run import ActiveRun
from nbtrack.tracking.start import start_run

__all__ = [
    "EvaluationArtifact",
    "EvaluationDataset",
    "EvaluationMetric",
    "EvaluationResult",
    "ModelEvaluator",
    "evaluate",
    "list_evaluators",
    "make_metric",
]

look_elsewhere(__name__)

P = ParamSpec("P")
R = TypeVar("R")

_LANGUAGE = (
    "question-answering",
    "text",
    "text-summarization",
    "retriever",
    "databricks-agent",
    "genai",
)
_REMOVED = {
    "baseline_model": "Evaluate both models, and compare the results with "
    "nbtrack.validate_evaluation_results(thresholds, candidate_result, baseline_result).",
    "validation_thresholds": "Pass them to "
    "nbtrack.validate_evaluation_results(validation_thresholds, candidate_result).",
    "dataset_name": "A dataset has a name: nbtrack.data.from_pandas(df, targets=..., name=...).",
    "custom_metrics": "Pass extra_metrics=[nbtrack.models.make_metric(eval_fn=..., "
    "greater_is_better=...)].",
}


def _answers_removed(function: Callable[P, R]) -> Callable[P, R]:
    """Say what to do instead of the arguments that MLflow had once."""

    @wraps(function)
    def checked(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, instead in _REMOVED.items():
            if name in kwargs:
                raise TypeError(f"evaluate() has no argument {name!r} any more. {instead}")
        return function(*args, **kwargs)

    return checked


@_answers_removed
def evaluate(
    model: Any = None,
    data: Any = None,
    *,
    model_type: str | None = None,
    targets: Any = None,
    predictions: str | None = None,
    dataset_path: str | None = None,
    feature_names: Sequence[str] | None = None,
    evaluators: str | list[str] | None = None,
    evaluator_config: Mapping[str, Any] | None = None,
    extra_metrics: Sequence[EvaluationMetric] | None = None,
    custom_artifacts: Sequence[Any] | None = None,
    env_manager: str = "local",
    model_config: Mapping[str, Any] | None = None,
    inference_params: Mapping[str, Any] | None = None,
    model_id: str | None = None,
) -> EvaluationResult:
    """Evaluate a classifier or a regressor, and log what is found.

    Metrics and figures go to the active run, or to one that is started and ended here; the
    metrics of a logged model are the model's too.

    Parameters
    ----------
    model : str, PyFuncModel, ModelInfo or callable, optional
        The URI of a model, a loaded one, what ``log_model`` has returned, or a function of a frame
        of features. None where the data has the predictions.
    data : DataFrame, array, list or Dataset
        The features, and for a DataFrame also what ``targets`` and ``predictions`` name.
    model_type : {"classifier", "regressor"}, optional
        Without it only ``extra_metrics`` are computed.
    targets : str or array, optional
        The column with what is right; of an array, an array. A dataset says it itself.
    predictions : str, optional
        The column with the predictions: of the data, or of what the model returns.
    dataset_path : str, optional
        Where the data lies, for the tag ``mlflow.datasets``.
    feature_names : list of str, optional
        The columns that the model gets; for an array, what to call them.
    evaluators : str or list of str, optional
        Names of evaluators, see ``list_evaluators``.
    evaluator_config : dict, optional
        ``label_list``, ``pos_label``, ``average`` (``"weighted"``), ``sample_weights``,
        ``metric_prefix``, ``max_classes_for_multiclass_roc_pr`` (10), ``calibration_n_bins`` (10),
        ``calibration_classifier_name``, ``log_model_explainability`` (True where shap is
        installed), ``explainability_algorithm``, ``explainability_nsamples`` (2000),
        ``log_explainer``, ``col_mapping``; and whatever ``extra_metrics`` want.
    extra_metrics : list of EvaluationMetric, optional
        More metrics, of ``make_metric`` or of ``nbtrack.metrics``.
    custom_artifacts : list of callable, optional
        ``f(eval_df, builtin_metrics, artifacts_dir)``, each returns a dictionary: figures,
        frames, arrays, paths or JSON by name.
    env_manager : str
        Only ``"local"``.
    model_config, inference_params : dict, optional
        What the model is loaded with; what its ``predict`` gets.
    model_id : str, optional
        The logged model that predictions or a function are of.

    Returns
    -------
    EvaluationResult
        Metrics, artifacts and tables.

    Raises
    ------
    InvalidParameterError
        If something is missing, or does not go together: it is named.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"x": [0.0, 1.0, 2.0], "y": [0.0, 2.0, 5.0]})
    >>> result = nbtrack.evaluate(
    ...     lambda features: features["x"] * 2,
    ...     data,
    ...     targets="y",
    ...     model_type="regressor",
    ...     evaluator_config={"log_model_explainability": False},
    ... )
    >>> result.metrics["max_error"]
    1.0
    """
    if data is None:
        raise InvalidParameterError("The data argument cannot be None.")
    check_environment(env_manager)
    mapping = dict((evaluator_config or {}).get("col_mapping") or {})
    targets = mapping.get(targets, targets) if isinstance(targets, str) else targets
    predictions = mapping.get(predictions, predictions)
    _check_type(model_type, extra_metrics)
    _check_columns(model, data, model_type, targets, predictions)
    chosen = registry.chosen(evaluators, evaluator_config, model_type)
    check_metrics(extra_metrics or ())
    logged, dataset = as_dataset(
        data,
        targets=targets,
        predictions=predictions if model is None else None,
        path=dataset_path,
        feature_names=feature_names,
    )
    predictor = predictor_of(model, model_config, inference_params)
    from nbtrack.autologging.training import muted

    with _run() as run, muted():
        model_id = _model_id(model_id, predictor, run)
        prefix = next((config.get("metric_prefix") for _, config in chosen.values()), None) or ""
        log = EvaluationLog(run.info.run_id, str(prefix))
        _log_inputs(run, logged, model_id, log.prefix)
        if predictor is not None and predictor.metadata is not None:
            log.dataset_tag(dataset, predictor.metadata.model_uuid)
        answered = predictions if model is not None else None
        metrics, artifacts = {}, {}
        for evaluator, config in chosen.values():
            if evaluator is None:
                work = DefaultEvaluator(
                    dataset, predictor, model_type, config, log, model_id, answered
                )
                found = work.evaluate(extra_metrics or (), custom_artifacts or ())
            else:
                found = evaluator.evaluate(
                    model=None if predictor is None else predictor.model,
                    model_type=model_type,
                    model_id=model_id,
                    dataset=dataset,
                    run_id=run.info.run_id,
                    evaluator_config=config,
                    extra_metrics=extra_metrics,
                    custom_artifacts=custom_artifacts,
                    predictions=answered,
                )
            if found is not None:
                metrics.update(found.metrics)
                artifacts.update(found.artifacts)
        return EvaluationResult(metrics, artifacts, run.info.run_id)


def _check_type(model_type: str | None, extra_metrics: Any) -> None:
    if model_type in _LANGUAGE:
        raise InvalidParameterError(
            f"model_type={model_type!r} is for language models and traces, which nbtrack does not "
            "evaluate. model_type is 'classifier' or 'regressor'; without it, extra_metrics are "
            "computed."
        )
    if model_type is None:
        if not extra_metrics:
            raise InvalidParameterError(
                "The extra_metrics argument must be specified if model_type is None. model_type is "
                "'classifier' or 'regressor'."
            )
    elif model_type not in (CLASSIFIER, REGRESSOR):
        raise InvalidParameterError(
            f"model_type={model_type!r} is neither 'classifier' nor 'regressor'."
        )


def _check_columns(model: Any, data: Any, model_type: str | None, targets: Any, said: Any) -> None:
    if isinstance(data, Dataset):
        if targets is not None:
            raise InvalidParameterError(
                "A dataset says itself what its targets are: leave targets= out, and make it with "
                "nbtrack.data.from_pandas(df, targets='column')."
            )
        if model is None and said is not None:
            raise InvalidParameterError(
                "A dataset says itself what its predictions are: leave predictions= out, and make "
                "it with nbtrack.data.from_pandas(df, predictions='column')."
            )
        if model is not None and getattr(data, "predictions", None) is not None:
            raise InvalidParameterError(
                "The dataset has predictions, and a model is given, too. Leave one of them out."
            )
        targets = getattr(data, "targets", None)
    if targets is None and model_type is not None:
        raise InvalidParameterError(
            f"The targets argument must be specified for {model_type} models: the column with what "
            "is right, or an array."
        )


@contextmanager
def _run() -> Iterator[ActiveRun]:
    active = context.current()
    if active is not None:
        yield active
        return
    with start_run() as run:
        yield run


def _model_id(given: str | None, predictor: Predictor | None, run: ActiveRun) -> str | None:
    """Return the logged model that the metrics are of: one of the run's own store."""
    found = None if predictor is None else predictor.model_id
    if given is not None and found is not None and given != found:
        raise InvalidParameterError(
            f"The specified value of the 'model_id' parameter {given!r} contradicts the model_id "
            f"{found!r} associated with the model. Leave it out."
        )
    if given is not None:
        check_exists(run.store, given)
        return given
    if found is None:
        return context.active_model()
    try:
        check_exists(run.store, found)
    except NotFoundError:  # a folder from elsewhere
        return None
    return found


def _log_inputs(run: ActiveRun, dataset: Dataset, model_id: str | None, prefix: str) -> None:
    tags = [InputTag(DATA_CONTEXT, prefix)] if prefix else []
    inputs = [DatasetInput(dataset_entity(dataset), tags)]
    run.writer.log_inputs(inputs, [LoggedModelInput(model_id)] if model_id else [])
