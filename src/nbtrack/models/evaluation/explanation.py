"""Why a model predicts what it does: SHAP values, where the package shap is installed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError, MissingDependencyError, warn
from nbtrack.models.evaluation import explanation_figures as drawn
from nbtrack.models.evaluation import figures
from nbtrack.models.evaluation.classes import Classes
from nbtrack.models.evaluation.dataset import EvaluationDataset, array_of
from nbtrack.models.evaluation.log import EvaluationLog
from nbtrack.models.evaluation.predictor import Predictor
from nbtrack.tracking import context
from nbtrack.tracking.start import start_run

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

ALGORITHMS = ("exact", "permutation", "partition", "kernel")
_LINKS = ("identity", "logit")
_ROWS = 2_000
_MAX_BACKGROUND = 100
_FOLDER = "model_explanations_shap"


def explain(
    predictor: Predictor | None,
    dataset: EvaluationDataset,
    found: Classes | None,
    config: Mapping[str, Any],
    log: EvaluationLog,
) -> None:
    """Log figures of SHAP values; what cannot be explained is said, and stops nothing.

    Parameters
    ----------
    predictor : Predictor or None
        The model; predictions alone cannot be explained.
    dataset : EvaluationDataset
        The data.
    found : Classes or None
        The labels of a classifier.
    config : mapping
        ``log_model_explainability``, ``explainability_algorithm``, ``explainability_nsamples``,
        ``explainability_kernel_link``, ``log_explainer``, ``ignore_exceptions``.
    log : EvaluationLog
        Where to.
    """
    wanted = config.get("log_model_explainability")
    algorithm = config.get("explainability_algorithm")
    if algorithm is not None and algorithm not in ALGORITHMS:
        raise InvalidParameterError(
            f"Specified explainer algorithm {algorithm} is unsupported: it is one of "
            f"{', '.join(ALGORITHMS)}."
        )
    if wanted is False or predictor is None:
        return
    reason = _why_not(dataset, found, algorithm)
    if reason is not None:
        if wanted:
            warn(f"The model is not explained: {reason}")
        return
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of shap and numba, about themselves
            _explain(predictor, dataset, found, config, log)
    except Exception as error:
        if not config.get("ignore_exceptions", True):
            raise
        warn(f"The model is not explained: {type(error).__name__}: {error}")


def _why_not(dataset: EvaluationDataset, found: Classes | None, algorithm: Any) -> str | None:
    frame = dataset.frame()
    if find_spec("shap") is None:
        return "the package shap is not installed (pip install shap)."
    if frame is None:
        return "its features are no table."
    if found is not None and found.labels.dtype.kind not in "biuf":
        return "its labels are no numbers."
    if algorithm != "kernel" and not all(dtype.kind in "biuf" for dtype in frame.dtypes):
        return "not all of its features are numbers."
    return None


def _explain(
    predictor: Predictor,
    dataset: EvaluationDataset,
    found: Classes | None,
    config: Mapping[str, Any],
    log: EvaluationLog,
) -> None:
    import numpy as np
    import pandas as pd

    frame = dataset.frame()
    assert frame is not None  # noqa: S101  _why_not has looked
    rows = int(config.get("explainability_nsamples", _ROWS))
    sample = _filled(frame, rows)
    were_array = isinstance(dataset.features_data, np.ndarray)
    many = found is not None and not found.is_binary
    asks_probabilities = (
        many
        and predictor.predict_probabilities(predictor.shaped(sample.head(1), were_array=were_array))
        is not None
    )

    of_several_types = sample.dtypes.nunique() > 1  # else the array has the type of all columns

    def answer(rows: Any) -> Array:
        given = pd.DataFrame(np.asarray(rows), columns=sample.columns)
        if of_several_types:
            given = given.astype(sample.dtypes)
        data = predictor.shaped(given, were_array=were_array)
        if asks_probabilities:
            found = predictor.predict_probabilities(data)
            assert found is not None  # noqa: S101  asked above
            return found
        return array_of(predictor.predict(data), "predictions")

    explainer, explained = _explainer(predictor, sample, answer, config, many=many)
    values = np.asarray(explained.values)
    names, features = list(frame.columns), sample.to_numpy()
    if config.get("log_explainer"):
        _log_explainer(explainer)
    if values.ndim == 3 and values.shape[2] == 2 and found is not None and found.is_binary:
        values = values[:, :, list(found.labels).index(found.pos_label)]
    one, what = values, ""
    if values.ndim == 3:
        one = np.take_along_axis(values, answer(features).argmax(axis=1)[:, None, None], axis=2)[
            :, :, 0
        ]
        what = " (for the predicted class)"
    classes = list(found.labels) if found is not None and values.ndim == 3 else []
    log.figure(
        "shap_beeswarm_plot", lambda: drawn.beeswarm(one, features, names, most=10, what=what)
    )
    log.figure(
        "shap_summary_plot", lambda: drawn.beeswarm(one, features, names, most=20, what=what)
    )
    log.figure(
        "shap_feature_importance_plot", lambda: drawn.importance(values, names, classes=classes)
    )


def _explainer(
    predictor: Predictor,
    sample: pd.DataFrame,
    answer: Any,
    config: Mapping[str, Any],
    *,
    many: bool,
) -> tuple[Any, Any]:
    import shap

    algorithm, names = config.get("explainability_algorithm"), list(sample.columns)
    if algorithm == "kernel":
        link = config.get("explainability_kernel_link", "identity")
        if link not in _LINKS:
            raise InvalidParameterError(
                f"explainability_kernel_link is 'identity' or 'logit', not {link!r}."
            )
        background = shap.sample(sample, min(_MAX_BACKGROUND, len(sample)), random_state=3)
        explainer = shap.KernelExplainer(answer, background, link=link)
        return explainer, explainer(sample, silent=True)
    native = predictor.native
    is_pipeline = hasattr(native, "steps")
    if algorithm is None and native is not None and not many and not is_pipeline:
        explainer = shap.Explainer(native, sample, feature_names=names)
    else:
        how = {} if algorithm is None else {"algorithm": algorithm}
        explainer = shap.Explainer(answer, sample, feature_names=names, **how)
    return explainer, explainer(sample)


def _filled(frame: pd.DataFrame, rows: int) -> pd.DataFrame:
    """Return a sample of the rows without gaps: means of numbers, else the most frequent value."""
    found = frame.sample(rows, random_state=0) if len(frame) > rows else frame
    usual = {
        name: column.mean() if column.dtype.kind == "f" else column.mode().iloc[0]
        for name, column in frame.items()
        if column.isna().any() and column.notna().any()
    }
    return found.fillna(usual).reset_index(drop=True)


def _log_explainer(explainer: Any) -> None:
    from importlib import import_module

    try:
        import_module("nbtrack.models.flavors.shap").log_explainer(explainer, name="explainer")
    except Exception as error:  # noqa: BLE001  the figures are there without it
        warn(f"The explainer is not logged: {type(error).__name__}: {error}")


def log_explanation(predict_function: Any, features: Any, artifact_path: str | None = None) -> str:
    """Log the SHAP values of a function that predicts, and a figure of them.

    The files ``base_values.npy``, ``shap_values.npy`` and ``summary_bar_plot.png`` go to the
    active run, or to one that is started.

    Parameters
    ----------
    predict_function : callable
        Such as ``model.predict`` or ``model.predict_proba``: gets an array like ``features``.
    features : DataFrame or array of shape (examples, features)
        What to explain. The background are at most 100 means of its clusters.
    artifact_path : str, optional
        The folder among the artifacts; ``"model_explanations_shap"`` by default.

    Returns
    -------
    str
        The URI of the folder.

    Raises
    ------
    MissingDependencyError
        If shap is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> import shap
    >>> with nbtrack.start_run():
    ...     folder = nbtrack.shap.log_explanation(lambda x: x[:, 0] * 2, np.eye(4))
    >>> folder
    '...model_explanations_shap'
    """
    import numpy as np

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import shap
    except ImportError:
        raise MissingDependencyError(
            "log_explanation needs shap, which is not installed. Run: pip install shap."
        ) from None
    from nbtrack.autologging.training import muted

    names = [str(name) for name in getattr(features, "columns", range(np.shape(features)[1]))]
    with warnings.catch_warnings(), muted():
        warnings.simplefilter("ignore")
        background = shap.kmeans(features, min(_MAX_BACKGROUND, len(features)))
        explainer = shap.KernelExplainer(predict_function, background)
        values = np.asarray(explainer.shap_values(features, silent=True))
    writer = (context.current() or start_run()).writer
    folder = _FOLDER if artifact_path is None else artifact_path
    for name, array in (("base_values", explainer.expected_value), ("shap_values", values)):
        buffer = io.BytesIO()
        np.save(buffer, np.asarray(array), allow_pickle=False)
        writer.artifacts.put_bytes(f"{folder}/{name}.npy", buffer.getvalue())
    classes = list(range(values.shape[2])) if values.ndim == 3 else []
    figure = drawn.importance(values, names, classes=classes, most=20)
    writer.artifacts.put_bytes(f"{folder}/summary_bar_plot.png", figures.png(figure))
    return writer.artifacts.uri_of(folder)
