"""How much each feature counts, in a model of trees."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nbtrack.autologging.training import Training

MOST = 40
_COLORS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#000000")
_MAX_LABEL = 40


def log_importance(session: Training, kind: str, scores: Mapping[str, Any]) -> None:
    """Log how much each feature counts: as JSON, and drawn.

    Parameters
    ----------
    session : Training
    kind : str
        What is counted, such as ``"gain"``.
    scores : mapping of str to float or list of float
        By feature; a list has one score for each class.
    """
    session.log_dict(dict(scores), f"feature_importance_{kind}.json")
    if scores:
        session.log_figure(drawn(scores, kind), f"feature_importance_{kind}.png")


def drawn(scores: Mapping[str, Any], kind: str) -> Any:
    """Return a figure with a bar for each feature, the largest on top.

    It is made without pyplot: nothing is shown or kept open.

    Parameters
    ----------
    scores : mapping of str to float or list of float
        By feature; a list has one score for each class.
    kind : str
        What is counted, such as ``"gain"``.

    Returns
    -------
    matplotlib.figure.Figure
    """
    import numpy as np
    from matplotlib.figure import Figure

    values = np.array([np.atleast_1d(each) for each in scores.values()], dtype=float)
    order = np.argsort(np.abs(values).sum(axis=1), kind="stable")[-MOST:]
    names, values = [list(scores)[i] for i in order], values[order]
    rows, classes = values.shape
    figure = Figure(
        figsize=(6.0, max(2.4, 0.9 + 0.24 * rows)), facecolor="white", layout="constrained"
    )
    axes = figure.add_subplot()
    height = 0.8 / classes
    for number in range(classes):
        places = np.arange(rows) + (classes - 1 - 2 * number) * height / 2
        label = f"Class {number}" if classes > 1 else None
        color = _COLORS[number % len(_COLORS)]
        axes.barh(places, values[:, number], height, color=color, label=label)
    axes.set_yticks(range(rows), [_shortened(name) for name in names])
    axes.tick_params(labelsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel("Importance", fontsize=9)
    shown = "" if len(scores) <= MOST else f", {MOST} of {len(scores)} features"
    axes.set_title(f"Feature importance ({kind}{shown})", fontsize=11)
    if classes > 1:
        axes.legend(fontsize=8)
    return figure


def _shortened(name: str) -> str:
    # a dollar would start a formula
    text = name if len(name) <= _MAX_LABEL else name[: _MAX_LABEL - 1] + "…"
    return text.replace("$", r"\$")
