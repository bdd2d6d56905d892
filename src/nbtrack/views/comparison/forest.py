"""Param importance by a small random forest, where scikit-learn is installed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nbtrack.views.comparison.query import ComparedColumn

MIN_RUNS = 20
MAX_RUNS = 500  # chosen at random from more: seconds, not minutes
TREES = 50
FOLDS = 5
REPEATS = 3

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class ForestResult:
    """What a forest found.

    Attributes
    ----------
    score, score_sd : float
        R² on runs that it has not seen.
    drops, drops_sd : float64 array
        For each param, how much R² falls when its values are shuffled.
    method : str
        In words.
    """

    score: float
    score_sd: float
    drops: Floats
    drops_sd: Floats
    method: str


def forest_importance(columns: Sequence[ComparedColumn], target: Floats) -> ForestResult | None:
    """Return the permutation importance of params; None without scikit-learn.

    Each of ``REPEATS`` times the runs are split into ``FOLDS`` parts; a forest learns from all
    but one and predicts that one, with the values of each param as they are and shuffled
    (Breiman 2001, on held-out runs). The parts of a category are shuffled together.

    Parameters
    ----------
    columns : sequence of ComparedColumn
        The params.
    target : float64 array
        What is predicted; the ranks of a metric, so that runs that diverged do not decide.
    """
    try:
        from sklearn.ensemble import RandomForestRegressor
        from sklearn.model_selection import KFold
    except ImportError:
        return None
    rng = np.random.default_rng(0)
    rows = np.arange(len(target))
    if len(rows) > MAX_RUNS:
        rows = np.sort(rng.choice(rows, MAX_RUNS, replace=False))
    y = target[rows]
    blocks = [_encoded(column, rows) for column in columns]
    x = np.hstack(blocks)
    ends = np.cumsum([block.shape[1] for block in blocks])
    parts = [slice(end - block.shape[1], end) for end, block in zip(ends, blocks, strict=True)]
    scores: list[float] = []
    drops: list[Floats] = []
    for repeat in range(REPEATS):
        predicted = np.zeros(len(y))
        shuffled = np.zeros((len(parts), len(y)))
        for train, test in KFold(FOLDS, shuffle=True, random_state=repeat).split(x):
            forest: Any = RandomForestRegressor(
                TREES, min_samples_leaf=2, max_features=0.5, random_state=repeat, n_jobs=1
            )
            forest.fit(x[train], y[train])
            held = x[test]
            predicted[test] = forest.predict(held)
            changed = np.repeat(held[None], len(parts), axis=0)
            order = rng.permutation(len(test))
            for place, part in enumerate(parts):
                changed[place][:, part] = held[order][:, part]
            shuffled[:, test] = forest.predict(changed.reshape(-1, x.shape[1])).reshape(
                len(parts), len(test)
            )
        scores.append(_r2(y, predicted))
        drops.append(np.array([scores[-1] - _r2(y, guess) for guess in shuffled]))
    of = f" ({MAX_RUNS} of them, chosen at random)" if len(target) > MAX_RUNS else ""
    method = (
        f"permutation importance of a random forest of {TREES} trees (scikit-learn) on runs held "
        f"out{of}: the fall of R² of the metric's ranks, mean ± sd of {REPEATS} times {FOLDS}-fold "
        "cross-validation"
    )
    return ForestResult(
        float(np.mean(scores)),
        float(np.std(scores, ddof=1)),
        np.mean(drops, axis=0),
        np.std(drops, axis=0, ddof=1),
        method,
    )


def _encoded(column: ComparedColumn, rows: NDArray[np.intp]) -> Floats:
    """Return a param as columns of numbers: categories one-hot, gaps marked in a column."""
    values = column.numbers[rows]
    gap = ~np.isfinite(values)
    if column.kind == "category":
        hot: Floats = (values[:, None] == np.unique(values[~gap])[None, :]).astype(np.float64)
        return hot
    filled = np.where(gap, np.median(values[~gap]) if (~gap).any() else 0.0, values)
    columns = [filled, gap] if gap.any() else [filled]
    return np.column_stack(columns).astype(np.float64)


def _r2(y: Floats, guess: Floats) -> float:
    total = float(((y - y.mean()) ** 2).sum())
    return 1 - float(((y - guess) ** 2).sum()) / total if total else 0.0
