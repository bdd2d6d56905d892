"""A search for parameters: the best ones, a run for each of the best candidates, the table."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Number
from typing import TYPE_CHECKING, Any

from nbtrack.autologging.estimators.description import estimator_tags, readable
from nbtrack.autologging.training import AUTOLOGGING, Training
from nbtrack.entities import DatasetInput
from nbtrack.entities.runs import PARENT
from nbtrack.store import now_ms
from nbtrack.tracking.environment import quick_tags
from nbtrack.tracking.new_runs import create

if TYPE_CHECKING:
    import pandas as pd

_MAX_NAME = 100


def is_search(estimator: Any) -> bool:
    """Return whether an estimator looks for the best parameters of another one.

    Parameters
    ----------
    estimator : estimator
    """
    from sklearn.model_selection import _search

    return isinstance(estimator, _search.BaseSearchCV)


def log_search(
    session: Training, search: Any, base: Mapping[str, Any], dataset: DatasetInput | None
) -> None:
    """Log what a search has found.

    Parameters
    ----------
    session : Training
        Its run is that of the search.
    search : estimator
        Fitted.
    base : mapping
        The params of the estimator before the search.
    dataset : DatasetInput or None
        What each candidate was fitted with.
    """
    import pandas as pd

    best = getattr(search, "best_params_", None)
    if best is not None:
        session.log_params({f"best_{name}": value for name, value in readable(best).items()})
    if hasattr(search, "best_score_"):
        session.log_metrics({"best_cv_score": search.best_score_})
    found = getattr(search, "cv_results_", None)
    if found is None:
        return
    results = pd.DataFrame.from_dict(found)
    session.attempt("cv_results.csv", _log_table, session, results)
    session.attempt("The candidates", _log_candidates, session, search, results, base, dataset)


def _log_table(session: Training, results: pd.DataFrame) -> None:
    session.log_text(results.to_csv(index=False), "cv_results.csv")


def _log_candidates(
    session: Training,
    search: Any,
    results: pd.DataFrame,
    base: Mapping[str, Any],
    dataset: DatasetInput | None,
) -> None:
    most = session.settings.more.get("max_tuning_runs", 5)
    if most is not None:
        results = results.nsmallest(most, _rank(search, results))
    parent = session.run
    tags = {
        **quick_tags(),
        AUTOLOGGING: session.integration,
        **(session.settings.extra_tags or {}),
        **estimator_tags(search.estimator),
        PARENT: parent.info.run_id,
    }
    for _, row in results.iterrows():
        candidate = row.get("params", {})
        info, writer = create(
            parent.store,
            parent.info.experiment_id,
            run_name=_name(candidate),
            start_time=parent.info.start_time,
            tags=tags,
        )
        writer.log_params(readable({**base, **candidate}))
        writer.log_metrics(
            {
                str(key): value
                for key, value in row.items()
                if isinstance(value, Number) and not str(key).startswith(("param", "split"))
            }
        )
        if dataset is not None:
            writer.log_inputs([dataset])
        writer.finish("FINISHED", now_ms())
        parent.store.writers.forget(info.run_id)


def _rank(search: Any, results: pd.DataFrame) -> str:
    """Return the column that says which candidates are the best."""
    chosen = f"rank_test_{search.refit}" if isinstance(search.refit, str) else "rank_test_score"
    ranks = [str(name) for name in results.columns if str(name).startswith("rank_test_")]
    return chosen if chosen in ranks else ranks[0]


def _name(candidate: Mapping[str, Any]) -> str | None:
    """Return the params that are tried, as the name of a run."""
    text = ", ".join(f"{name}={value}" for name, value in readable(candidate).items())
    return text if len(text) <= _MAX_NAME else f"{text[: _MAX_NAME - 1]}…"
