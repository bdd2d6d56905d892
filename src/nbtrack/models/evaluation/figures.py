"""Figures of classifiers: confusion matrix, ROC, precision and recall, calibration, lift.

Each is a ``Figure`` of matplotlib, made without pyplot and without its settings: nothing is shown
or kept open, and threads may draw at the same time. Colours are those of Okabe and Ito, told apart
by colour-blind readers too; line styles tell apart what has the same colour.
"""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING, Any

from nbtrack.models.evaluation.scores import area, as_columns, indexes, position

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, Any]

COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_STYLES: tuple[Any, ...] = ("-", "--", ":", "-.")
INK, PALE = "#222222", "#b0b0b0"
_MAX_WRITTEN = 14  # more rows of a confusion matrix than this have no room for numbers
_MAX_LABEL = 24
_SIZE, _DPI = (6.0, 4.2), 150


def confusion_matrix(
    y_true: Any,
    y_pred: Any,
    labels: Any = None,
    *,
    sample_weights: Any = None,
    normalize: bool = True,
    title: str | None = None,
) -> Any:
    """Return a figure of how often each class is taken for each.

    Parameters
    ----------
    y_true, y_pred : array-like of shape (examples,)
        What is right, and what was predicted.
    labels : array-like of shape (classes,), optional
        The classes, in their order; by default all that there are, sorted.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example.
    normalize : bool, default True
        Divide each row by its sum; the counts stand below.
    title : str, optional
        Instead of what the figure shows.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np

    right, said = np.asarray(y_true), np.asarray(y_pred)
    classes = np.unique(np.concatenate([right, said])) if labels is None else np.asarray(labels)
    size = len(classes)
    counts = np.zeros((size, size))
    weights = 1.0 if sample_weights is None else np.asarray(sample_weights, dtype=float)
    np.add.at(counts, (indexes(right, classes), indexes(said, classes)), weights)
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)
    shown = shares if normalize else counts

    side = min(12.0, max(4.6, 0.62 * size + 2.2))
    figure, axes = new_figure((side + 1.0, side))
    image = axes.imshow(shown, cmap="Blues", vmin=0, vmax=1 if normalize else None)
    names = [_name(each) for each in classes]
    step = math.ceil(size / 40)
    ticks = range(0, size, step)
    slanted = size > 4 and max(map(len, names)) * size > 40
    axes.set_xticks(ticks, names[::step], **_slant(slanted))
    axes.set_yticks(ticks, names[::step])
    axes.set(xlabel="Predicted label", ylabel="True label")
    axes.set_title(title or ("Normalized confusion matrix" if normalize else "Confusion matrix"))
    if size <= _MAX_WRITTEN:
        middle = 0.5 if normalize else counts.max() / 2
        small = 10 if size <= 5 else 7
        for row, column in np.ndindex(size, size):
            text = f"{counts[row, column]:g}"
            if normalize:
                text = f"{shares[row, column]:.2f}\n({counts[row, column]:.4g})"
            ink = "white" if shown[row, column] > middle else INK
            axes.text(column, row, text, ha="center", va="center", color=ink, fontsize=small)
    bar = figure.colorbar(image, ax=axes, fraction=0.046, pad=0.04)
    bar.ax.tick_params(labelsize=8, labelcolor=INK)
    bar.set_label("Share of the true label" if normalize else "Count", fontsize=8, color=INK)
    return figure


def roc_curve(
    y_true: Any,
    y_prob: Any,
    labels: Any = (0, 1),
    *,
    pos_label: Any = None,
    sample_weights: Any = None,
    title: str = "ROC curve",
) -> Any:
    """Return a figure of true against false positives, at each threshold.

    Parameters
    ----------
    y_true : array-like of shape (examples,)
        What is right.
    y_prob : array-like of shape (examples, classes) or (examples,)
        Probabilities of the classes; with two classes those of the second are enough.
    labels : array-like of shape (classes,)
        The classes, in the order of the columns. Of more than two, each is compared with the rest.
    pos_label : label, optional
        The positive one of two classes; by default the second.
    sample_weights : array-like of shape (examples,), optional
        The weight of each example.
    title : str
        Of the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    from sklearn import metrics

    lines = []
    for name, right, score in _each(y_true, y_prob, labels, pos_label):
        value = area(metrics.roc_auc_score, right, score, sample_weights)
        if value is not None:
            x, y, _ = metrics.roc_curve(right, score, sample_weight=sample_weights)
            lines.append((_said(name, f"AUC = {value:.3f}"), x, y))
    axis = _of_positive(labels, pos_label)
    figure, axes = _curves(lines, "steps-post")
    axes.plot([0, 1], [0, 1], **_GUIDE, label="Chance")
    axes.set(xlabel=f"False positive rate{axis}", ylabel=f"True positive rate{axis}", title=title)
    return _finished(figure, axes, len(lines))


def precision_recall_curve(
    y_true: Any,
    y_prob: Any,
    labels: Any = (0, 1),
    *,
    pos_label: Any = None,
    sample_weights: Any = None,
    title: str = "Precision-recall curve",
) -> Any:
    """Return a figure of precision against recall, at each threshold.

    Parameters
    ----------
    y_true, y_prob, labels, pos_label, sample_weights, title
        As in ``roc_curve``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np
    from sklearn import metrics

    lines, share = [], math.nan
    for name, right, score in _each(y_true, y_prob, labels, pos_label):
        value = area(metrics.average_precision_score, right, score, sample_weights)
        if value is not None:
            y, x, _ = metrics.precision_recall_curve(right, score, sample_weight=sample_weights)
            lines.append((_said(name, f"AP = {value:.3f}"), x, y))
            share = float(np.average(right, weights=sample_weights))
    axis = _of_positive(labels, pos_label)
    figure, axes = _curves(lines, "steps-pre")
    if len(labels) == 2 and lines:
        axes.plot([0, 1], [share, share], **_GUIDE, label="Chance")
    axes.set(xlabel=f"Recall{axis}", ylabel=f"Precision{axis}", title=title)
    return _finished(figure, axes, len(lines))


def calibration_curve(
    y_true: Any,
    y_prob: Any,
    labels: Any = (0, 1),
    *,
    pos_label: Any = None,
    sample_weights: Any = None,
    n_bins: int = 10,
    name: str = "Classifier",
    title: str | None = None,
) -> Any:
    """Return a figure of how often what is predicted with some probability is so.

    Parameters
    ----------
    y_true, y_prob, labels, pos_label, sample_weights, title
        As in ``roc_curve``.
    n_bins : int, default 10
        The number of bins between 0 and 1.
    name : str
        What to call the classifier.

    Returns
    -------
    matplotlib.figure.Figure
    """
    lines = [
        (_said(label, "") or name, *_bins(right, score, sample_weights, n_bins))
        for label, right, score in _each(y_true, y_prob, labels, pos_label)
    ]
    axis = _of_positive(labels, pos_label)
    figure, axes = _curves(lines, "default", marker="o", markersize=4)
    axes.plot([0, 1], [0, 1], **_GUIDE, label="Perfectly calibrated")
    axes.set(
        xlabel=f"Mean predicted probability{axis}",
        ylabel=f"Fraction of positives{axis}",
        title=title or f"{name} calibration",
    )
    return _finished(figure, axes, len(lines))


def lift_curve(
    y_true: Any,
    y_prob: Any,
    labels: Any = (0, 1),
    *,
    pos_label: Any = None,
    sample_weights: Any = None,
    title: str = "Lift curve",
) -> Any:
    """Return a figure of how much more of a class there is among the highest probabilities.

    Parameters
    ----------
    y_true, y_prob, labels, pos_label, sample_weights, title
        As in ``roc_curve``; there are two classes.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np

    classes, probabilities = np.asarray(labels), as_columns(y_prob, labels)
    right = indexes(y_true, classes)
    counted = np.ones(len(right)) if sample_weights is None else np.asarray(sample_weights, float)
    lines = []
    for i, label in enumerate(classes):
        order = np.argsort(-probabilities[:, i], kind="stable")
        found = np.cumsum(counted[order] * (right[order] == i))
        seen = np.cumsum(counted[order])
        if found[-1] > 0:
            share = seen / seen[-1]
            marked = " (positive)" if pos_label is not None and label == pos_label else ""
            lines.append((f"Class {_name(label)}{marked}", share, found / found[-1] / share))
    figure, axes = _curves(lines, "default", square=False)
    axes.plot([0, 1], [1, 1], **_GUIDE, label="Baseline")
    axes.set(xlabel="Share of the examples", ylabel="Lift", title=title)
    axes.set_ylim(bottom=0)
    return _finished(figure, axes, len(lines))


def png(figure: Any) -> bytes:
    """Return a figure as the bytes of a PNG file, whatever the backend."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi="figure", facecolor="auto")
    return buffer.getvalue()


_GUIDE: dict[str, Any] = {"color": PALE, "linestyle": (0, (4, 3)), "linewidth": 1, "zorder": 1}


def new_figure(size: tuple[float, float]) -> tuple[Any, Any]:
    """Return a figure without pyplot, and its axes."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, dpi=_DPI, facecolor="white", layout="constrained")
    axes = figure.add_subplot(facecolor="white")
    axes.title.set(fontsize=11, color=INK)
    for axis in (axes.xaxis, axes.yaxis):
        axis.label.set(fontsize=9, color=INK)
        axis.set_tick_params(labelsize=8, labelcolor=INK, color=PALE)
    axes.spines[:].set_color(PALE)
    return figure, axes


def _curves(
    lines: list[tuple[str, Any, Any]], steps: str, square: bool = True, **how: Any
) -> tuple[Any, Any]:
    beside = len(lines) > 4
    figure, axes = new_figure((_SIZE[0] + 1.6, _SIZE[1]) if beside else _SIZE)
    for i, (label, x, y) in enumerate(lines):
        style = {
            "color": COLORS[i % len(COLORS)],
            "linestyle": _STYLES[i // len(COLORS) % len(_STYLES)],
            "drawstyle": steps,
            "linewidth": 1.8,
            "clip_on": False,
        }
        axes.plot(x, y, label=label, **style, **how)
    axes.grid(visible=True, color="#e8e8e8", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlim(0, 1)
    if square:
        axes.set_ylim(0, 1.02)
    return figure, axes


def _finished(figure: Any, axes: Any, lines: int) -> Any:
    where: dict[str, Any] = {"loc": "best"}
    if lines > 4:
        where = {"loc": "center left", "bbox_to_anchor": (1.01, 0.5)}
    axes.legend(
        fontsize=8, labelcolor=INK, facecolor="white", edgecolor="#dddddd", framealpha=0.9, **where
    )
    return figure


def _each(y_true: Any, y_prob: Any, labels: Any, pos_label: Any) -> list[tuple[Any, Array, Array]]:
    import numpy as np

    classes, probabilities = np.asarray(labels), as_columns(y_prob, labels)
    right = indexes(y_true, classes)
    if len(classes) == 2:
        column = 1 if pos_label is None else position(pos_label, classes)
        return [(None, right == column, probabilities[:, column])]
    return [(label, right == i, probabilities[:, i]) for i, label in enumerate(classes)]


def _bins(right: Array, score: Array, weights: Any, n_bins: int) -> tuple[Array, Array]:
    # as sklearn.calibration.calibration_curve, which takes no weights
    import numpy as np

    edges = np.linspace(0.0, 1.0, n_bins + 1)
    number = np.searchsorted(edges[1:-1], score)
    counted = np.ones(len(score)) if weights is None else np.asarray(weights, dtype=float)
    total, mean, hits = (
        np.bincount(number, weights=each, minlength=n_bins)
        for each in (counted, counted * score, counted * right)
    )
    some = total > 0
    return mean[some] / total[some], hits[some] / total[some]


def _of_positive(labels: Any, pos_label: Any) -> str:
    shown = len(labels) == 2 and pos_label is not None
    return f" (positive label: {_name(pos_label)})" if shown else ""


def _said(label: Any, score: str) -> str:
    return ", ".join(part for part in ("" if label is None else _name(label), score) if part)


def _name(label: Any) -> str:
    text = str(label).replace("$", r"\$")  # between two of them would be mathematics
    return text if len(text) <= _MAX_LABEL else text[: _MAX_LABEL - 1] + "…"


def _slant(slanted: bool) -> dict[str, Any]:
    if not slanted:
        return {}
    return {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
