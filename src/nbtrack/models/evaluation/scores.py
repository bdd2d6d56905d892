"""Scores of classifiers and regressors under the names that MLflow gives them.

The columns of probabilities are in the order of the labels. Scores that are not defined (the area
under a curve where one class is missing) are left out.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]

Scores = dict[str, float]
_AREAS = {"roc_auc": "roc_auc_score", "precision_recall_auc": "average_precision_score"}


def regression_scores(y_true: Any, y_pred: Any, sample_weights: Any = None) -> Scores:
    """Return the scores of a regressor.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (examples,) or (examples, outputs)
        What is right, and what was predicted.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example. ``max_error`` does not use them.
    """
    import numpy as np
    from sklearn import metrics

    y, weights = np.asarray(y_true), sample_weights
    squared = metrics.mean_squared_error(y, y_pred, sample_weight=weights)
    counted = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
    total = float((y.T * counted).sum())
    found = {
        "example_count": len(y),
        "mean_absolute_error": metrics.mean_absolute_error(y, y_pred, sample_weight=weights),
        "mean_squared_error": squared,
        "root_mean_squared_error": math.sqrt(squared),
        "sum_on_target": total,
        "mean_on_target": total / float(counted.sum()),
        "r2_score": _defined(metrics.r2_score, y, y_pred, sample_weight=weights),
        "max_error": None if y.ndim > 1 else metrics.max_error(y, y_pred),
        "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(
            y, y_pred, sample_weight=weights
        ),
    }
    return _numbers(found)


def class_scores(
    y_true: Any,
    y_pred: Any,
    *,
    average: str = "weighted",
    pos_label: Any = None,
    sample_weights: Any = None,
) -> Scores:
    """Return accuracy, recall, precision and F1 of predicted classes.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (examples,)
        What is right, and what was predicted.
    average : str
        Over the classes: ``"weighted"``, ``"macro"`` or ``"micro"``; ``"binary"`` is for the
        positive class alone.
    pos_label : label, optional
        The positive class, for ``"binary"``.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example.
    """
    from sklearn import metrics

    weights = {"sample_weight": sample_weights}
    # what has no positives is 0, as in MLflow, but without the warning
    how = {"average": average, "zero_division": 0.0, **weights}
    if average == "binary":
        how["pos_label"] = pos_label
    return _numbers(
        {
            "accuracy_score": metrics.accuracy_score(y_true, y_pred, **weights),
            "recall_score": metrics.recall_score(y_true, y_pred, **how),
            "precision_score": metrics.precision_score(y_true, y_pred, **how),
            "f1_score": metrics.f1_score(y_true, y_pred, **how),
        }
    )


def probability_scores(
    y_true: Any,
    y_prob: Any,
    labels: Any,
    *,
    average: str = "weighted",
    pos_label: Any = None,
    sample_weights: Any = None,
) -> Scores:
    """Return log loss and areas under the curves of predicted probabilities.

    Parameters
    ----------
    y_true : array-like of shape (examples,)
        What is right.
    y_prob : array-like of shape (examples, classes)
        Of each class; with two classes also of shape (examples,), the second one's.
    labels : array-like of shape (classes,)
        The classes, in the order of the columns.
    average : str
        Over the classes, when there are more than two: ``"weighted"`` or ``"macro"``; with any
        other there is no ``roc_auc``.
    pos_label : label, optional
        The positive class of two; by default the second.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example.
    """
    import numpy as np
    from sklearn import metrics

    y, classes, weights = np.asarray(y_true), np.asarray(labels), sample_weights
    probabilities = as_columns(y_prob, classes)
    loss = metrics.log_loss(
        indexes(y, classes), probabilities, sample_weight=weights, labels=range(len(classes))
    )
    found: dict[str, Any] = {"log_loss": loss}
    if len(classes) == 2:
        positive = classes[1] if pos_label is None else pos_label
        right, score = y == positive, probabilities[:, position(positive, classes)]
        found["roc_auc"] = area(metrics.roc_auc_score, right, score, weights)
        found["precision_recall_auc"] = area(metrics.average_precision_score, right, score, weights)
    elif average in ("weighted", "macro"):
        areas = [
            area(metrics.roc_auc_score, y == label, probabilities[:, i], weights)
            for i, label in enumerate(classes)
        ]
        counted = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=float)
        share = [counted[y == each].sum() if average == "weighted" else 1.0 for each in classes]
        known = [i for i, value in enumerate(areas) if value is not None]
        if known and sum(share[i] for i in known) > 0:
            values, shares = [areas[i] for i in known], [share[i] for i in known]
            found["roc_auc"] = np.average(np.array(values, dtype=float), weights=shares)
    return _numbers(found)


def binary_scores(
    y_true: Any,
    y_pred: Any,
    y_prob: Any = None,
    *,
    labels: Any = (0, 1),
    pos_label: Any = None,
    sample_weights: Any = None,
) -> Scores:
    """Return the scores of a classifier of two classes, as ``nbtrack.evaluate`` logs them.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (examples,)
        What is right, and what was predicted.
    y_prob : array-like of shape (examples, 2) or (examples,), optional
        Probabilities of both classes, or of the second.
    labels : array-like of length 2
        The classes, in the order of the columns.
    pos_label : label, optional
        The positive class; by default the second.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example. The four counts do not use them.
    """
    import numpy as np

    classes = np.asarray(labels)
    positive = classes[1] if pos_label is None else pos_label
    right, said = np.asarray(y_true) == positive, np.asarray(y_pred) == positive
    found: dict[str, Any] = {
        "example_count": len(right),
        "true_negatives": (~right & ~said).sum(),
        "false_positives": (~right & said).sum(),
        "false_negatives": (right & ~said).sum(),
        "true_positives": (right & said).sum(),
    }
    scores = class_scores(
        right, said, average="binary", pos_label=True, sample_weights=sample_weights
    )
    # with a label that is neither of the two, right and said may agree where the labels do not
    same = np.asarray(y_true) == np.asarray(y_pred)
    scores["accuracy_score"] = float(np.average(same, weights=sample_weights))
    found.update(scores)
    if y_prob is not None:
        found.update(
            probability_scores(
                y_true, y_prob, classes, pos_label=positive, sample_weights=sample_weights
            )
        )
    return _numbers(found)


def multiclass_scores(
    y_true: Any,
    y_pred: Any,
    y_prob: Any = None,
    *,
    labels: Any,
    average: str = "weighted",
    sample_weights: Any = None,
) -> Scores:
    """Return the scores of a classifier of more than two classes, as ``nbtrack.evaluate`` does.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (examples,)
        What is right, and what was predicted.
    y_prob : array-like of shape (examples, classes), optional
        Probabilities.
    labels : array-like of shape (classes,)
        The classes, in the order of the columns.
    average : str
        As in ``class_scores``.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example.
    """
    how: dict[str, Any] = {"average": average, "sample_weights": sample_weights}
    found: Scores = {"example_count": len(y_true), **class_scores(y_true, y_pred, **how)}
    if y_prob is not None:
        found |= probability_scores(y_true, y_prob, labels, **how)
    return _numbers(found)


def per_class_scores(
    y_true: Any, y_pred: Any, y_prob: Any = None, *, labels: Any, sample_weights: Any = None
) -> pd.DataFrame:
    """Return a table with the scores of each class against all others.

    Parameters
    ----------
    y_true, y_pred, y_prob, labels, sample_weights
        As in ``multiclass_scores``.
    """
    import numpy as np
    import pandas as pd
    from sklearn import metrics

    rows = []
    right, said = np.asarray(y_true), np.asarray(y_pred)
    probabilities = None if y_prob is None else as_columns(y_prob, labels)
    for i, label in enumerate(labels):
        is_label = right == label
        row = binary_scores(
            is_label, said == label, labels=[False, True], sample_weights=sample_weights
        )
        if probabilities is not None:
            for name, score in _AREAS.items():
                value = area(getattr(metrics, score), is_label, probabilities[:, i], sample_weights)
                row[name] = math.nan if value is None else value
        rows.append({"positive_class": label, **row})
    found = pd.DataFrame(rows)
    found.insert(5, "example_count", found.pop("example_count"))  # where MLflow has it
    return found


def as_columns(y_prob: Any, labels: Any) -> Array:
    """Return probabilities with one column for each label.

    Raises
    ------
    InvalidParameterError
        If there is not one column for each label.
    """
    import numpy as np

    found = np.asarray(y_prob)
    if found.dtype.kind != "f":  # float32 stays: scikit-learn is as strict as the type is exact
        found = found.astype(float)
    if found.ndim == 2 and found.shape[1] == 1:
        found = found[:, 0]
    if found.ndim == 1 and len(labels) == 2:
        found = np.column_stack([1.0 - found, found])
    if found.ndim != 2 or found.shape[1] != len(labels):
        raise InvalidParameterError(
            f"The model gives probabilities of shape {list(found.shape)}, but there are "
            f"{len(labels)} labels: {list(labels)[:20]}. Say which label each column is: "
            "evaluator_config={'label_list': [...]}."
        )
    return found


def position(label: Any, labels: Any) -> int:
    """Return where a label is among the labels.

    Raises
    ------
    InvalidParameterError
        If it is not there.
    """
    found = [i for i, each in enumerate(labels) if each == label]
    if not found:
        raise InvalidParameterError(
            f"'pos_label' {label!r} is none of the labels {list(labels)[:20]}."
        )
    return found[0]


def indexes(y: Any, labels: Any) -> Array:
    """Return the position of each value among the labels.

    Raises
    ------
    InvalidParameterError
        If a value is none of them.
    """
    import numpy as np

    where = {label: i for i, label in enumerate(np.asarray(labels).tolist())}
    values = np.asarray(y).tolist()
    unknown = sorted({str(value) for value in values if value not in where})
    if unknown:
        raise InvalidParameterError(
            f"The data has labels that are none of {list(where)[:20]}: {unknown[:5]}."
        )
    return np.array([where[value] for value in values], dtype=int)


def area(score: Callable[..., Any], right: Array, y_score: Array, weights: Any) -> float | None:
    """Return the area under a curve, None if the data has but one of the two classes."""
    if right.all() or not right.any():
        return None
    return float(score(right, y_score, sample_weight=weights))


def _defined(score: Callable[..., Any], *given: Any, **options: Any) -> float | None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of fewer than two examples; the answer is NaN
        value = float(score(*given, **options))
    return None if math.isnan(value) else value


def _numbers(found: dict[str, Any]) -> Scores:
    return {
        name: value if type(value) is int else float(value)
        for name, value in found.items()
        if value is not None
    }
