"""Labels: which there are, which is the positive one, and the probabilities that go with them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.evaluation.scores import as_columns, position

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

_ROUNDING = 1e-3


@dataclass(frozen=True)
class Classes:
    """What a classifier has said, and what is right.

    Attributes
    ----------
    y_true, y_pred : ndarray of shape (examples,)
        Labels.
    y_prob : ndarray of shape (examples, labels) or None
        Probabilities.
    labels : ndarray
        In the order of the columns.
    pos_label : label or None
        The positive one, where there are two.
    """

    y_true: Array
    y_pred: Array
    y_prob: Array | None
    labels: Array
    pos_label: Any

    @property
    def is_binary(self) -> bool:
        """Whether there are two labels."""
        return len(self.labels) == 2

    @property
    def shown_labels(self) -> list[Any]:
        """The labels, the positive one of two last."""
        if not self.is_binary:
            return list(self.labels)
        return sorted(self.labels, key=lambda label: bool(label == self.pos_label))


def classes_of(
    y_true: Array,
    y_pred: Array,
    y_prob: Array | None,
    config: Mapping[str, Any],
    known: list[Any] | None = None,
) -> Classes:
    """Return the labels of a classifier and what goes with them.

    Parameters
    ----------
    y_true : ndarray
        What is right.
    y_pred : ndarray
        Labels; of shape (examples, classes), with rows that sum to 1, probabilities.
    y_prob : ndarray, optional
        Probabilities.
    config : mapping
        ``label_list`` and ``pos_label`` as in ``evaluator_config``.
    known : list, optional
        The labels that the model knows, in the order of its probabilities.

    Raises
    ------
    InvalidParameterError
        If labels and predictions do not go together, or there is but one label.
    """
    import numpy as np

    given = config.get("label_list")
    right = np.asarray(y_true)
    if y_pred.ndim == 2:
        y_pred, y_prob, known = _of_probabilities(y_pred, right, given)
    columns = None if known is None or y_prob is None else known
    _check_kinds(right, y_pred, given)
    if given is not None:
        labels = _sorted(list(given))
        for what, values in (("targets", right), ("predictions", y_pred)):
            _check_known(values, labels, what)
    else:
        found = set(right.tolist()) | set(y_pred.tolist()) | set(known or ())
        labels = _sorted(list(found))
    if len(labels) < 2:
        raise InvalidParameterError(
            "Evaluation dataset for classification must contain at least two unique labels, but "
            f"only {len(labels)} unique labels were found: {labels}. Provide all that there can "
            "be: evaluator_config={'label_list': [0, 1]}."
        )
    positive = config.get("pos_label")
    if positive is not None and positive not in labels:
        raise InvalidParameterError(
            f"'pos_label' {positive} must exist in 'label_list' {labels[:20]}."
        )
    if len(labels) == 2 and positive is None:
        positive = labels[1]
    if y_prob is not None:
        y_prob = _ordered(y_prob, labels, columns)
    return Classes(right, y_pred, y_prob, np.array(labels), positive if len(labels) == 2 else None)


def _of_probabilities(answer: Array, right: Array, given: Any) -> tuple[Array, Array, list[Any]]:
    import numpy as np

    labels = _sorted(list(given)) if given is not None else _sorted(list(set(right.tolist())))
    if given is None and right.dtype.kind in "iu" and set(labels) <= set(range(answer.shape[1])):
        labels = list(range(answer.shape[1]))  # class numbers, of which the data may lack some
    sums = answer.sum(axis=1) if answer.dtype.kind == "f" else np.zeros(len(answer))
    if answer.shape[1] != len(labels) or answer.min() < 0 or abs(sums - 1).max() > _ROUNDING:
        raise InvalidParameterError(
            f"The model returns {answer.shape[1]} columns for each example, which are neither "
            f"labels nor probabilities of the {len(labels)} labels {labels[:10]}. Evaluate a "
            "function that returns labels, or probabilities; evaluator_config={'label_list': [...]}"
            " says which label each column is."
        )
    return np.array(labels)[answer.argmax(axis=1)], answer, labels


def _ordered(y_prob: Array, labels: list[Any], columns: list[Any] | None) -> Array:
    """Return probabilities with one column for each label, in their order."""
    import numpy as np

    if columns is None or y_prob.ndim == 1:
        return as_columns(y_prob, labels)
    extra = [label for label in columns if label not in labels]
    if extra:
        raise InvalidParameterError(
            f"'label_list' is {labels[:20]}, but the model also has probabilities of {extra[:20]}. "
            "Name all labels of the model."
        )
    found = np.zeros((len(y_prob), len(labels)), dtype=y_prob.dtype)
    for column, label in enumerate(columns):
        found[:, position(label, labels)] = y_prob[:, column]
    return found  # what the model does not know has probability 0


def _check_kinds(right: Array, said: Array, given: Any) -> None:
    """Raise if targets are text and predictions numbers, or predictions are no labels."""
    kinds = [_is_text(values) for values in (right, said)]
    if kinds[0] != kinds[1]:
        words = ["text" if kind else "numbers" for kind in kinds]
        raise InvalidParameterError(
            f"The targets are {words[0]}, such as {_plain(right[0])!r}, and the predictions "
            f"{words[1]}, such as {_plain(said[0])!r}. Both are labels: evaluate a function that "
            "returns those of the targets."
        )
    if said.dtype.kind != "f" or given is not None:
        return
    fractions = said[said != said.round()]
    if len(fractions) and (right.dtype.kind != "f" or (right == right.round()).all()):
        raise InvalidParameterError(
            f"The predictions are numbers such as {float(fractions[0])!r}, and none of the labels: "
            "probabilities or scores, it seems. Evaluate a function that returns labels: "
            "lambda data: (predict(data) > 0.5).astype(int)."
        )


def _is_text(values: Array) -> bool:
    return values.dtype.kind not in "biuf" and any(isinstance(each, str) for each in values)


def _check_known(values: Array, labels: list[Any], what: str) -> None:
    known = set(labels)
    unknown = _sorted(list({each for each in values.tolist() if each not in known}))
    if unknown:
        raise InvalidParameterError(
            f"The {what} have labels that 'label_list' {labels[:20]} does not name: {unknown[:5]}."
        )


def _sorted(labels: list[Any]) -> list[Any]:
    plain = list(dict.fromkeys(_plain(each) for each in labels))
    try:
        return sorted(plain)
    except TypeError:  # of several types
        return sorted(plain, key=lambda label: (type(label).__name__, str(label)))


def _plain(label: Any) -> Any:
    return label.item() if hasattr(label, "item") else label
