"""How well an estimator fits its training data: scores and figures, under MLflow's names."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from nbtrack.autologging.estimators.answers import Answers
from nbtrack.autologging.training import Training
from nbtrack.models.evaluation import figures, scores

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

PREFIX = "training_"
_REGRESSION = ("mean_squared_error", "mean_absolute_error", "root_mean_squared_error", "r2_score")
_MAX_CLASSES = 50  # pairs of classes: the area under the curve is averaged over all of them
_MAX_DRAWN = 200

# what an estimator has found out while it was fitted, and what it is called here
_FOUND = {
    "n_iter_": "n_iter",
    "inertia_": "inertia",
    "oob_score_": "oob_score",
    "lower_bound_": "lower_bound",
    "kl_divergence_": "kl_divergence",
    "stress_": "stress",
    "reconstruction_err_": "reconstruction_err",
}
_CURVES = {
    "loss_curve_": "loss",
    "validation_scores_": "validation_score",
    "train_score_": "loss",  # of gradient boosting
    "oob_scores_": "oob_score",
}


def training_scores(session: Training, answers: Answers, pos_label: Any) -> scores.Scores:
    """Return the scores on the training data, by MLflow's names.

    Parameters
    ----------
    session : Training
        Told of what cannot be computed.
    answers : Answers
        Of the fitted estimator.
    pos_label : label or None
        The positive one of two classes; without it precision, recall and F1 are averaged.
    """
    from sklearn.base import is_classifier, is_regressor

    y, weights = answers.data.y, answers.data.weights
    found: scores.Scores = {}
    if y is None:
        return found
    if answers.has("score"):
        score = session.attempt("The training score", answers.score, weights)
        if score is not None:
            found["score"] = score
    if answers.has("predict"):
        kind: Callable[..., scores.Scores] | None = None
        if is_classifier(answers.estimator):
            kind = _of_classifier
        elif is_regressor(answers.estimator):
            kind = _of_regressor
        if kind is not None:
            more = session.attempt("The training metrics", kind, answers, pos_label)
            found = {**(more or {}), **found}
    return {f"{PREFIX}{name}": value for name, value in found.items()}


def _of_regressor(answers: Answers, pos_label: Any) -> scores.Scores:
    import numpy as np

    y, predicted = np.asarray(answers.data.y), np.asarray(answers.of("predict"))
    if y.ndim == 2 and predicted.ndim == 1:
        y = y.ravel()
    found = scores.regression_scores(y, predicted.reshape(y.shape), answers.data.weights)
    return {name: found[name] for name in _REGRESSION if name in found}


def _of_classifier(answers: Answers, pos_label: Any) -> scores.Scores:
    from sklearn import metrics
    from sklearn.utils.multiclass import type_of_target

    kind = type_of_target(answers.data.y)
    if kind == "multiclass-multioutput":
        return {}  # the metrics of scikit-learn do not know it either
    average = "weighted" if pos_label is None else "binary"
    if kind == "multilabel-indicator":
        predicted = answers.of("predict")
        return scores.class_scores(
            answers.data.y, predicted, average="weighted", sample_weights=answers.data.weights
        )
    known = Labelled(answers)
    found = scores.class_scores(
        known.y, known.predicted, average=average, pos_label=pos_label, sample_weights=known.weights
    )
    probabilities = known.probabilities()
    classes = known.classes
    two = len(classes) == 2
    if probabilities is not None:
        positive = pos_label if two else None
        more = scores.probability_scores(
            known.y,
            probabilities,
            classes,
            average="none",
            pos_label=positive,
            sample_weights=known.weights,
        )
        found |= {name: more[name] for name in ("log_loss", "roc_auc") if name in more}
        if 2 < len(classes) <= _MAX_CLASSES and known.weights is None and known.has_all_classes():
            found["roc_auc"] = float(
                metrics.roc_auc_score(
                    scores.indexes(known.y, classes),
                    probabilities,
                    average="weighted",
                    multi_class="ovo",  # as MLflow's autologging has it
                )
            )
    elif two and (ranks := known.ranks()) is not None:
        column = 1 if pos_label is None else scores.position(pos_label, classes)
        right = scores.indexes(known.y, classes) == column
        value = scores.area(
            metrics.roc_auc_score, right, ranks if column else -ranks, known.weights
        )
        if value is not None:
            found["roc_auc"] = value
    return found


def training_figures(answers: Answers, pos_label: Any) -> Iterator[tuple[str, Callable[[], Any]]]:
    """Yield figures of a classifier by their file names, each drawn when it is called.

    Parameters
    ----------
    answers, pos_label
        As in :func:`training_scores`.
    """
    from sklearn.base import is_classifier
    from sklearn.utils.multiclass import type_of_target

    y = answers.data.y
    if y is None or not is_classifier(answers.estimator) or not answers.has("predict"):
        return
    if type_of_target(y) not in ("binary", "multiclass"):
        return
    known = Labelled(answers)
    weights: dict[str, Any] = {"sample_weights": known.weights}
    if len(known.classes) <= _MAX_DRAWN:
        yield (
            f"{PREFIX}confusion_matrix.png",
            lambda: figures.confusion_matrix(known.y, known.predicted, known.classes, **weights),
        )
    if len(known.classes) != 2:
        return
    probabilities = known.probabilities()
    ranked = known.ranks() if probabilities is None else probabilities
    if ranked is not None:
        how = {"labels": known.classes, "pos_label": pos_label, **weights}
        yield (
            f"{PREFIX}roc_curve.png",
            lambda: figures.roc_curve(known.y, ranked, **how),
        )
        yield (
            f"{PREFIX}precision_recall_curve.png",
            lambda: figures.precision_recall_curve(known.y, ranked, **how),
        )


class Labelled:
    """The labels of a classifier's examples, and its answers; without examples of no class.

    Parameters
    ----------
    answers : Answers
        Of a classifier with one label for each example.
    """

    def __init__(self, answers: Answers) -> None:
        import numpy as np

        self._answers = answers
        y, predicted = np.asarray(answers.data.y).ravel(), np.asarray(answers.of("predict")).ravel()
        classes = getattr(answers.estimator, "classes_", None)
        self.classes = np.unique(y) if classes is None else np.asarray(classes)
        self._kept = np.isin(y, self.classes)  # semi-supervised: -1 says that nothing is known
        self.y, self.predicted = y[self._kept], predicted[self._kept]
        weights = answers.data.weights
        self.weights = None if weights is None else np.asarray(weights)[self._kept]

    def has_all_classes(self) -> bool:
        """Return whether there is an example of each class."""
        import numpy as np

        return len(np.unique(self.y)) == len(self.classes)

    def probabilities(self) -> Array | None:
        """Return the probability of each class, None if the classifier gives none."""
        import numpy as np

        if not self._answers.has("predict_proba"):
            return None
        found = np.asarray(self._answers.of("predict_proba"))
        return scores.as_columns(found[self._kept], self.classes)

    def ranks(self) -> Array | None:
        """Return what ranks the examples where there are no probabilities, for two classes."""
        import numpy as np

        if not self._answers.has("decision_function"):
            return None
        found = np.asarray(self._answers.of("decision_function"))
        return found[self._kept] if found.ndim == 1 else None


def fitted_numbers(estimator: Any) -> tuple[scores.Scores, dict[str, list[float]]]:
    """Return what an estimator knows of its own fit: numbers, and curves by iteration.

    Parameters
    ----------
    estimator : estimator
        Fitted; of a pipeline or a search the estimator at its end counts.
    """
    import numpy as np

    while True:
        steps = getattr(estimator, "steps", None)
        inner = getattr(estimator, "best_estimator_", None)
        if isinstance(steps, list) and steps and not isinstance(steps[-1][1], str):
            estimator = steps[-1][1]
        elif inner is not None:
            estimator = inner
        else:
            break
    held = vars(estimator) if hasattr(estimator, "__dict__") else {}
    numbers: scores.Scores = {}
    for name, called in _FOUND.items():
        value = held.get(name)
        if isinstance(value, np.ndarray) and value.size:
            value = value.max()  # one for each class
        if isinstance(value, int | float | np.number) and np.isfinite(value):
            numbers[f"{PREFIX}{called}"] = float(value)
    ratio = held.get("explained_variance_ratio_")
    if isinstance(ratio, np.ndarray):
        numbers[f"{PREFIX}explained_variance_ratio"] = float(ratio.sum())
    curves = {}
    for name, called in _CURVES.items():
        values = held.get(name)
        if name == "train_score_" and "init_" not in held:
            continue  # boosting by histograms has scores there
        if isinstance(values, list | np.ndarray) and np.ndim(values) == 1 and len(values) > 1:
            curves[f"{PREFIX}{called}"] = [float(value) for value in values]
    return numbers, curves | _history(held.get("history_", held.get("history")))


def _history(epochs: Any) -> dict[str, list[float]]:
    """Return the curves that skorch keeps: an entry for each epoch."""
    import numpy as np

    if not isinstance(epochs, list) or not epochs or not isinstance(epochs[0], dict):
        return {}
    found = {}
    for name in epochs[0].keys() - {"dur"}:
        values = [each.get(name) for each in epochs]
        if all(isinstance(each, float | np.floating) for each in values):
            found[name] = [float(each) for each in values]
    return found
