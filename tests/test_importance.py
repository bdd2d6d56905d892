"""Which params a metric depends on, and how sure that is."""

from __future__ import annotations

import builtins
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.views.comparison.forest import forest_importance
from nbtrack.views.comparison.importance import correlation_ratio, rank_params, spearman
from nbtrack.views.comparison.query import ComparedColumn
from sweeps import log_runs

RNG = np.random.default_rng(3)


def column(name: str, numbers: Any, categories: list[str] | None = None) -> ComparedColumn:
    kind = "category" if categories else "number"
    return ComparedColumn(name, kind, np.asarray(numbers, dtype=float), categories or [], [])


def sweep(n: int = 60) -> tuple[ComparedColumn, list[ComparedColumn]]:
    lr, noise = 10 ** RNG.uniform(-4, 0, n), RNG.uniform(0, 1, n)
    kind = RNG.integers(0, 3, n)
    loss = (np.log10(lr) + 2) ** 2 + 1.5 * (kind == 1) + 0.1 * RNG.normal(size=n)
    params = [
        column("params.noise", noise),
        column("params.lr", lr),
        column("params.kind", kind, ["a", "b", "c"]),
    ]
    return column("metrics.loss", loss), params


@pytest.mark.parametrize("n", [8, 40, 300])
def test_the_correlation_is_spearmans(n: int) -> None:
    x, y = RNG.integers(0, 6, n).astype(float), RNG.normal(size=n)
    rho, low, high = spearman(x, y + x / 4)
    assert rho == pytest.approx(stats.spearmanr(x, y + x / 4).statistic)
    assert low < rho < high


def test_the_interval_holds_no_correlation_in_95_of_100_cases() -> None:
    rng = np.random.default_rng(0)
    found = [spearman(rng.normal(size=25), rng.normal(size=25)) for _ in range(600)]
    covered = np.mean([low <= 0 <= high for _, low, high in found])
    assert 0.92 <= covered <= 0.98


def test_groups_that_are_alike_explain_nothing() -> None:
    groups = np.arange(90) % 9
    assert correlation_ratio(groups, RNG.normal(size=90))[0] < 0.45
    assert correlation_ratio(groups, groups + 0.01 * RNG.normal(size=90))[0] > 0.95


def test_a_forest_finds_what_no_correlation_shows() -> None:
    found = rank_params(*sweep())
    by_name = {param.name: param for param in found.params}
    assert found.params[0].name == "lr"
    assert abs(by_name["lr"].correlation) < 0.5  # the best is in the middle
    assert by_name["lr"].importance > 5 * abs(by_name["noise"].importance)
    assert by_name["kind"].importance > 0.05
    assert found.score > 0.5
    assert "random forest" in found.methods[1]


def test_params_that_do_nothing_get_nothing_and_it_is_said() -> None:
    n = 40
    params = [column(f"params.p{i}", RNG.uniform(size=n)) for i in range(4)]
    found = rank_params(column("metrics.loss", RNG.normal(size=n)), params)
    assert max(param.importance for param in found.params) < 0.25
    assert "do not trust" in found.message


def test_few_runs_are_not_enough() -> None:
    metric, params = sweep(7)
    found = rank_params(metric, params)
    assert found.params == []
    assert "Not enough runs: 7" in found.message
    assert "no forest below 20" in rank_params(*sweep(12)).message


def test_runs_that_diverged_are_left_out_and_counted() -> None:
    metric, params = sweep(30)
    metric.numbers[:4] = [np.nan, np.inf, -np.inf, np.nan]
    found = rank_params(metric, params)
    assert (found.runs, found.excluded) == (26, 4)
    assert "4 runs have no finite value" in found.message


def test_names_that_differ_in_every_run_are_no_params_to_rank() -> None:
    metric, params = sweep(30)
    names = [f"checkpoint-{i}" for i in range(30)]
    found = rank_params(metric, [*params, column("params.name", np.arange(30), names)])
    assert "name" not in {param.name for param in found.params}


def test_gaps_and_categories_are_encoded_together() -> None:
    gaps = np.where(np.arange(60) % 2, np.nan, 1.0)
    target = np.nan_to_num(gaps) * 10 + RNG.normal(size=60) * 0.1
    found = forest_importance([column("params.a", gaps)], target)
    assert found is not None
    assert found.drops[0] > 1


def test_without_scikit_learn_the_correlation_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any) -> Any:
        if name.startswith("sklearn"):
            raise ImportError(name)
        return real(name, *args)

    monkeypatch.setattr(builtins, "__import__", without)
    found = rank_params(*sweep())
    assert found.params[0].correlation is not None
    assert found.score is None
    assert "scikit-learn" in found.message


def test_importing_it_imports_no_scikit_learn() -> None:
    code = "import sys, nbtrack.views.comparison.importance; print('sklearn' in sys.modules)"
    src = str(Path(__file__).parents[1] / "src")
    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": src}, capture_output=True, text=True
    )
    assert done.stdout.strip() == "False", done.stderr


def test_a_frame_says_how_it_was_found_out(workdir: Path) -> None:
    log_runs(24, lambda i: ({"lr": i, "kind": "ab"[i % 2]}, {"val_loss": i + (i % 5)}))
    frame = nbtrack.param_importance("val_loss")
    assert frame["name"].tolist()[0] == "lr"
    assert frame["correlation"].iloc[0] > 0.9
    assert frame.attrs["metric"] == "val_loss"
    assert "Spearman" in frame.attrs["methods"][0]
    with pytest.raises(InvalidParameterError, match="val_loss"):
        nbtrack.param_importance("val_los")
