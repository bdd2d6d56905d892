"""Figures of SHAP values: how much each feature moves the prediction, and which way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nbtrack.models.evaluation.figures import COLORS, INK, PALE, new_figure

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

    Array = np.ndarray[Any, Any]

_MAX_NAME = 28
_MAX_POINTS = 2_000  # in a row; more cannot be told apart


def importance(
    values: Array, names: Sequence[str], *, classes: Sequence[Any] = (), most: int = 10
) -> Any:
    """Return a figure of the mean absolute SHAP value of each feature.

    Parameters
    ----------
    values : ndarray of shape (examples, features) or (examples, features, classes)
        SHAP values.
    names : list of str
        Of the features.
    classes : list, optional
        What the last dimension is; the bars are stacked then.
    most : int, default 10
        How many features are shown; the others are summed.
    """
    import numpy as np

    means = np.abs(values).mean(axis=0)
    means = means[:, None] if means.ndim == 1 else means
    order = np.argsort(-means.sum(axis=1), kind="stable")
    shown, rest = order[:most], order[most:]
    labels = [_name(names[i]) for i in shown]
    bars = means[shown]
    if len(rest):
        labels.append(f"sum of {len(rest)} others")
        bars = np.vstack([bars, means[rest].sum(axis=0)])
    figure, axes = new_figure((6.4, 0.36 * len(labels) + 1.3))
    left = np.zeros(len(labels))
    for column in range(bars.shape[1]):
        named = str(classes[column]) if column < len(classes) and bars.shape[1] > 1 else None
        color = COLORS[column % len(COLORS)]
        axes.barh(range(len(labels)), bars[:, column], left=left, color=color, label=named)
        left += bars[:, column]
    for row, total in enumerate(left):
        axes.text(total, row, f" {total:.3g}", va="center", fontsize=8, color=INK)
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel="Mean |SHAP value|", title="Feature importance (SHAP)")
    if bars.shape[1] > 1 and len(classes):
        axes.legend(fontsize=8, labelcolor=INK, title="Class", title_fontsize=8, loc="lower right")
    return figure


def beeswarm(
    values: Array, features: Array, names: Sequence[str], *, most: int = 10, what: str = ""
) -> Any:
    """Return a figure with a point for each example and feature, coloured by the feature's value.

    Parameters
    ----------
    values : ndarray of shape (examples, features)
        SHAP values.
    features : ndarray of shape (examples, features)
        What the features were.
    names : list of str
        Of the features.
    most : int, default 10
        How many features are shown.
    what : str, optional
        What is explained, for the axis.
    """
    import numpy as np
    from matplotlib.cm import ScalarMappable

    order = np.argsort(-np.abs(values).mean(axis=0), kind="stable")[:most]
    figure, axes = new_figure((7.2, 0.42 * len(order) + 1.4))
    axes.axvline(0, color=PALE, linewidth=1, zorder=0)
    reach = float(np.abs(values).max()) or 1.0
    for row, feature in enumerate(order):
        x = values[:_MAX_POINTS, feature]
        places = row + _spread(x, reach)
        shade = _between(features[:_MAX_POINTS, feature])
        axes.scatter(x, places, c=shade, cmap="cividis", vmin=0, vmax=1, s=11, linewidths=0)
    axes.set_yticks(range(len(order)), [_name(names[i]) for i in order])
    axes.set_ylim(len(order) - 0.5, -0.5)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set(xlabel=f"SHAP value{what}", title="Impact of the features (SHAP)")
    bar = figure.colorbar(
        ScalarMappable(cmap="cividis"), ax=axes, ticks=[0, 1], pad=0.02, aspect=30
    )
    bar.ax.set_yticklabels(["low", "high"], fontsize=8, color=INK)
    bar.set_label("Feature value", fontsize=8, color=INK)
    bar.outline.set_visible(False)
    return figure


def _spread(x: Array, reach: float) -> Array:
    """Return how far each point goes up or down, so that points of one place lie side by side."""
    import numpy as np

    bins = np.floor(x / (2 * reach) * 120).astype(int)
    places = np.zeros(len(x))
    for each in np.unique(bins):
        inside = np.flatnonzero(bins == each)
        rank = np.arange(len(inside))
        places[inside] = (rank + 1) // 2 * np.where(rank % 2, 1, -1)
    step: float = min(0.07, 0.38 / max(1.0, float(np.abs(places).max())))
    return np.asarray(places * step)


def _between(values: Array) -> Array:
    """Return values between 0 and 1, so that few extreme ones do not take all the colours."""
    import numpy as np

    known = values.astype(float)
    low, high = np.nanpercentile(known, [5, 95])
    if low == high:
        low, high = np.nanmin(known), np.nanmax(known)
    return np.asarray(np.clip((known - low) / ((high - low) or 1.0), 0, 1))


def _name(name: str) -> str:
    text = str(name).replace("$", r"\$")
    return text if len(text) <= _MAX_NAME else text[: _MAX_NAME - 1] + "…"
