"""Which params a metric depends on, by methods that are named and say how unsure they are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from nbtrack.errors import InvalidParameterError
from nbtrack.store import Reader, Store
from nbtrack.store.search import Direction
from nbtrack.suggestions import did_you_mean
from nbtrack.views.comparison.data import MAX_CATEGORIES, Scope, compare_runs, primary_column
from nbtrack.views.comparison.forest import MIN_RUNS as MIN_FOREST
from nbtrack.views.comparison.forest import ForestResult, forest_importance
from nbtrack.views.comparison.query import ComparedColumn, Kind, compared_columns

if TYPE_CHECKING:
    import pandas as pd

MIN_RUNS = 8
RESAMPLES = 300
CORRELATION = (
    "Spearman's rank correlation with a 95 % interval (Fisher's z, Bonett and Wright 2000); "
    "for categories the correlation ratio of the ranks, with a bootstrap interval"
)

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class ParamImportance:
    """What one param has to do with the metric.

    Attributes
    ----------
    name : str
        The param.
    kind : {"number", "category"}
    values, runs : int
        How many values it has, in how many runs.
    correlation, low, high : float or None
        Rank correlation and its 95 % interval, from -1 to 1; of a category from 0 to 1.
        None where there are too few runs that have it.
    importance, importance_sd : float or None
        By the forest: how much worse it predicts runs that it has not seen when the values of
        this param are shuffled, as a share of the spread of the metric's ranks.
    """

    name: str
    kind: Kind
    values: int
    runs: int
    correlation: float | None
    low: float | None
    high: float | None
    importance: float | None = None
    importance_sd: float | None = None


@dataclass(frozen=True)
class Importance:
    """The params of a metric, the most important first.

    Attributes
    ----------
    metric : str
    direction : {"min", "max"} or None
    runs : int
        Runs with a finite value of the metric.
    excluded : int
        Those without one.
    message : str
        What keeps the methods from a response, or what to bear in mind.
    methods : list of str
        How it was found out.
    score, score_sd : float or None
        How well the forest predicts runs that it has not seen (R² of ranks: 1 is perfect, 0 is
        no better than the mean).
    params : list of ParamImportance
    """

    metric: str
    direction: Direction | None
    runs: int
    excluded: int
    message: str
    methods: list[str]
    score: float | None
    score_sd: float | None
    params: list[ParamImportance]

    def as_json(self) -> dict[str, Any]:
        """Return it as plain JSON."""
        return asdict(self)

    def frame(self) -> pd.DataFrame:
        """Return a row per param; ``frame.attrs`` says how it was found out."""
        import pandas as pd

        names = list(ParamImportance.__dataclass_fields__)
        frame = pd.DataFrame([asdict(param) for param in self.params], columns=names)
        frame.attrs |= {key: value for key, value in asdict(self).items() if key != "params"}
        return frame


def find_importance(
    store: Store, scope: Scope, metric: str | None = None, *, forest: bool = True
) -> Importance:
    """Return how much the params of some runs have to do with a metric.

    Parameters
    ----------
    store : Store
    scope : Scope
    metric : str, optional
        Such as ``val_loss`` or ``metrics.val_loss``; by default the primary one.
    forest : bool
        Whether a forest may be grown, which takes seconds.

    Raises
    ------
    InvalidParameterError
        If no run has the metric.
    """
    with store.read() as reader:
        read = _read(reader, scope, metric)
    # a forest takes seconds; nobody waits for the store meanwhile
    return read if isinstance(read, Importance) else rank_params(*read, forest=forest)


def _read(
    reader: Reader, scope: Scope, metric: str | None
) -> Importance | tuple[ComparedColumn, list[ComparedColumn], Direction | None]:
    data = compare_runs(reader, scope, [])
    known = {key.name: key for key in data.available}
    if metric is None:
        metric = primary_column(data.available)
        if metric is None:
            return Importance("", None, 0, len(data.runs), "The runs have no metrics.", [], *_NO)
    name = metric if metric.startswith("metrics.") else f"metrics.{metric}"
    if name not in known:
        names = [key.removeprefix("metrics.") for key in known if key.startswith("metrics.")]
        key = name.removeprefix("metrics.")
        hint = did_you_mean(key, names, f"There are {', '.join(names[:10]) or 'none'}.")
        raise InvalidParameterError(f"No run has the metric {key!r}. {hint}")
    params = [
        key.name
        for key in data.available
        if key.name.startswith("params.") and key.differs and key.values > 1
    ]
    columns = compared_columns(reader, data.run_ids, [name, *params])
    return columns[0], columns[1:], known[name].direction


_NO: tuple[None, None, list[ParamImportance]] = (None, None, [])


def rank_params(
    metric: ComparedColumn,
    params: Sequence[ComparedColumn],
    direction: Direction | None = None,
    *,
    forest: bool = True,
) -> Importance:
    """Return how much params have to do with a metric."""
    key = metric.name.removeprefix("metrics.")
    usable = np.isfinite(metric.numbers)
    runs, excluded = int(usable.sum()), int((~usable).sum())
    if runs < MIN_RUNS:
        few = f"Not enough runs: {runs} have a value of {key}, and it takes {MIN_RUNS}."
        return Importance(key, direction, runs, excluded, few, [], *_NO)
    target = metric.numbers[usable]
    kept = [_part(column, usable) for column in params]
    kept = [column for column in kept if _is_choice(column)]
    found = [_correlate(column, target) for column in kept]
    enough = runs >= MIN_FOREST and bool(kept) and forest
    grown = forest_importance(kept, _ranks(target)) if enough else None
    methods = [CORRELATION]
    score = score_sd = None
    if grown is not None:
        methods.append(grown.method)
        score, score_sd = grown.score, grown.score_sd
        found = [_with_forest(param, grown, place) for place, param in enumerate(found)]
    found.sort(key=_rank, reverse=True)
    message = _message(runs, excluded, grown, found, asked=forest)
    return Importance(key, direction, runs, excluded, message, methods, score, score_sd, found)


def _with_forest(param: ParamImportance, forest: ForestResult, place: int) -> ParamImportance:
    drop, sd = forest.drops[place], forest.drops_sd[place]
    return ParamImportance(
        **{**asdict(param), "importance": float(drop), "importance_sd": float(sd)}
    )


def _message(
    runs: int,
    excluded: int,
    forest: ForestResult | None,
    params: list[ParamImportance],
    *,
    asked: bool,
) -> str:
    parts = []
    if not params:
        parts.append("No param has more than one value.")
    elif forest is None and runs < MIN_FOREST:
        parts.append(f"{runs} runs are few: wide intervals, and no forest below {MIN_FOREST}.")
    elif forest is None and asked:
        parts.append("Install scikit-learn for importances by a random forest.")
    elif forest is not None and forest.score < 0.1:
        parts.append(
            "The forest hardly predicts runs that it has not seen: do not trust its importances."
        )
    if excluded:
        verb = "run has" if excluded == 1 else "runs have"
        parts.append(f"{excluded} {verb} no finite value of the metric and were left out.")
    return " ".join(parts)


def _rank(param: ParamImportance) -> tuple[float, float]:
    size = abs(param.correlation) if param.correlation is not None else -1.0
    return (param.importance if param.importance is not None else size), size


def _part(column: ComparedColumn, rows: NDArray[np.bool_]) -> ComparedColumn:
    return ComparedColumn(column.name, column.kind, column.numbers[rows], column.categories, [])


def _is_choice(column: ComparedColumn) -> bool:
    """Leave out what is the same everywhere, and texts that differ in nearly every run."""
    present = column.numbers[np.isfinite(column.numbers)]
    different = len(np.unique(present))
    if different < 2 and len(present) == len(column.numbers):
        return False
    many = different > min(MAX_CATEGORIES, max(2, len(present) // 2))
    return different >= 1 and not (column.kind == "category" and many)


def _correlate(column: ComparedColumn, target: Floats) -> ParamImportance:
    here = np.isfinite(column.numbers)
    x, y = column.numbers[here], target[here]
    name, values, n = column.name.removeprefix("params."), len(np.unique(x)), len(x)
    nothing = ParamImportance(name, column.kind, values, n, None, None, None)
    if n < MIN_RUNS or values < 2 or len(np.unique(y)) < 2:
        return nothing
    if column.kind == "number" or values == 2:
        found = spearman(x, y)
        if column.kind == "category":  # which of two categories comes first says nothing
            low, high = found[1:]
            ends = sorted((abs(low), abs(high)))
            found = (abs(found[0]), 0.0 if low <= 0 <= high else ends[0], ends[1])
    else:
        found = correlation_ratio(x.astype(np.intp), y)
    return ParamImportance(name, column.kind, values, n, *(float(part) for part in found))


def spearman(x: Floats, y: Floats) -> tuple[float, float, float]:
    """Return Spearman's rank correlation and its 95 % interval.

    Fisher's z with the standard error of Bonett and Wright (Psychometrika 65, 2000).
    """
    a, b = _ranks(x), _ranks(y)
    rho = float(np.corrcoef(a, b)[0, 1])
    z = math.atanh(min(max(rho, -0.999999), 0.999999))
    half = 1.959964 * math.sqrt((1 + rho**2 / 2) / (len(x) - 3))
    return rho, math.tanh(z - half), math.tanh(z + half)


def correlation_ratio(groups: NDArray[np.intp], y: Floats) -> tuple[float, float, float]:
    """Return how much of the spread of ranks groups explain, and its 95 % interval.

    The square root of Kelley's epsilon squared of the ranks: 0 for groups that are alike, even
    where there are many of them; the interval is the bootstrap's.
    """
    ranks = _ranks(y)
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(y), (RESAMPLES, len(y)))
    spread = [_epsilon(groups[draw], ranks[draw]) for draw in draws]
    low, high = np.quantile(spread, [0.025, 0.975])
    return _epsilon(groups, ranks), float(low), float(high)


def _epsilon(groups: NDArray[np.intp], ranks: Floats) -> float:
    counts = np.bincount(groups)
    sums = np.bincount(groups, weights=ranks)
    filled = counts > 0
    total = float(((ranks - ranks.mean()) ** 2).sum())
    if total == 0:
        return 0.0
    between = float((counts[filled] * (sums[filled] / counts[filled] - ranks.mean()) ** 2).sum())
    n, k = len(ranks), int(filled.sum())
    explained = 1 - (1 - between / total) * (n - 1) / max(1, n - k)
    return math.sqrt(max(0.0, explained))


def _ranks(values: Floats) -> Floats:
    """Return ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    return ((2 * last - counts + 1) / 2)[inverse]
