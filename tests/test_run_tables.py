"""The table of a store's runs, and the chart of some of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc.column_sets import remember_set
from nbtrack.store import open_store
from nbtrack.views.table.page import default_columns
from nbtrack.views.table.run_query import TableQuery
from nbtrack.views.widgets.store_run_table import StoreTable
from programs import python_path


def make_runs(count: int) -> list[str]:
    ids = []
    for i in range(count):
        with nbtrack.start_run(run_name=f"run-{i}") as run:
            nbtrack.log_params({"lr": 10.0**-i, "same": 1, "kind": "ab"[i % 2]})
            nbtrack.log_metrics({"loss": float(i), "acc": 1.0 - i / 10})
            ids.append(run.info.run_id)
    return ids


@pytest.fixture
def ids(workdir: Path) -> list[str]:
    return make_runs(4)


def names(source: StoreTable, filter: str = "", *order: tuple[str, bool]) -> list[object]:
    page = source.page(TableQuery(columns=["run_name"], filter=filter, sort=order))
    assert page.total == len(page.run_ids)
    return list(page.columns["run_name"])


def test_columns_tell_kind_direction_and_difference(ids: list[str]) -> None:
    found = {column.name: column for column in StoreTable(open_store()).columns()}
    assert found["metrics.loss"].direction == "min"
    assert found["metrics.acc"].direction == "max"
    assert (found["params.lr"].kind, found["params.kind"].kind) == ("number", "text")
    assert found["params.lr"].differs
    assert not found["params.same"].differs
    assert found["status"].kind == "state"
    assert "experiment" not in found


def test_rows_are_sorted_where_they_are_stored(ids: list[str]) -> None:
    source = StoreTable(open_store())
    rising = ["run-0", "run-1", "run-2", "run-3"]
    assert names(source) == rising[::-1]
    assert names(source, "", ("metrics.loss", True)) == rising
    assert names(source, "", ("params.lr", False)) == rising
    assert names(source, "", ("params.kind", True), ("metrics.loss", False)) == [
        "run-2",
        "run-0",
        "run-3",
        "run-1",
    ]


def test_rows_are_filtered_by_the_grammar_and_by_plain_words(ids: list[str]) -> None:
    source = StoreTable(open_store())
    assert names(source, "metrics.loss > 1.5") == ["run-3", "run-2"]
    assert names(source, "RUN-3") == ["run-3"]
    with pytest.raises(InvalidParameterError):
        names(source, "metrics.loss >")


def test_a_table_without_runs_says_which_experiments_have_some(ids: list[str]) -> None:
    other = nbtrack.create_experiment("other")
    hint = 'Runs are in Default (4): choose with experiment_names=["Default"].'
    for query in (TableQuery(), TableQuery(group=["params.kind"])):
        assert StoreTable(open_store(), [other]).page(query).hint == hint
    assert StoreTable(open_store(), [other]).page(TableQuery(stage="deleted")).hint == ""
    assert StoreTable(open_store(), ["0"]).page(TableQuery()).hint == ""


def test_pages_hold_values_and_gaps(ids: list[str]) -> None:
    with nbtrack.start_run(run_name="bare"):
        pass
    query = TableQuery(
        columns=["metrics.loss", "params.lr", "duration"],
        sort=[("metrics.loss", True)],
        start=3,
        stop=5,
    )
    page = StoreTable(open_store()).page(query)
    assert (page.total, len(page.run_ids)) == (5, 2)
    assert list(page.columns["metrics.loss"]) == [3.0, None]
    assert list(page.columns["params.lr"]) == ["0.001", None]


def test_the_table_shows_runs_and_gives_what_is_selected(ids: list[str]) -> None:
    table = nbtrack.runs("metrics.loss < 2.5", columns=["run_name", "metrics.loss"])
    data, _ = table.finished_bundle()
    assert "run-2" in data["text/plain"]
    assert "run-3" not in data["text/plain"]
    table.selected_ids = [ids[2], ids[0]]
    assert table.selected["run_id"].tolist() == [ids[2], ids[0]]
    assert table.selected["metrics.loss"].tolist() == [2.0, 0.0]
    table.selected_ids = []
    assert len(table.selected) == 0
    table.close()


def test_a_bad_filter_or_column_is_an_error(ids: list[str]) -> None:
    with pytest.raises(InvalidParameterError, match="value is expected"):
        nbtrack.runs("metrics.loss <")
    with pytest.raises(InvalidParameterError, match=r"Did you mean 'metrics\.loss'"):
        nbtrack.runs(columns=["metric.loss"])
    with pytest.raises(NotFoundError, match="no experiment"):
        nbtrack.runs(experiment_names=["nope"])


def test_new_metrics_get_columns_unless_columns_were_chosen(workdir: Path) -> None:
    table, chosen = nbtrack.runs(), nbtrack.runs(columns=["run_name"])
    make_runs(2)
    for each in (table, chosen):
        each.refresh()
    assert {"metrics.loss", "params.lr"} <= set(table.columns)
    assert table._last_page.columns["metrics.loss"] is not None
    assert chosen.columns == ["run_name"]
    table.close()
    chosen.close()


def test_the_columns_by_default_are_what_varies_and_what_runs_are_judged_by(workdir: Path) -> None:
    for lr in (0.1, 0.2):
        with nbtrack.start_run(run_name=f"lr {lr}"):
            nbtrack.log_params({f"a{i}": 1 for i in range(20)} | {"seed": lr, "zeta": lr})
            nbtrack.log_metrics({f"a{i}": 1.0 for i in range(20)} | {"val_loss": 1.0, "zz": lr})
    shown = default_columns(StoreTable(open_store()).columns())
    assert shown[:6] == ["run_name", "status", "metrics.val_loss", "metrics.zz", *shown[4:6]]
    assert {"params.zeta", "params.seed"} < set(shown)
    assert shown.index("params.zeta") < shown.index("params.seed")
    assert len(shown) == 12
    assert sum(name.startswith("params.") for name in shown) == 4


def test_changed_columns_are_kept_and_new_keys_still_appear(ids: list[str]) -> None:
    table = nbtrack.runs()
    hidden = [name for name in table.columns if name != "status"]
    table.set_state(
        {"columns": [*hidden, "user_id"], "preferences": _layout(["status"], ["user_id"])}
    )
    with nbtrack.start_run():
        nbtrack.log_param("later", 1)
    table.refresh()
    assert "params.later" in table.columns
    assert "status" not in table.columns
    assert table.columns[-1] == "user_id"
    table.close()
    last = {"hidden": ["status"], "added": ["user_id"], "columns": ["run_name"]}
    remember_set(open_store(), ["0"], None, last)
    again = nbtrack.runs()
    assert again.columns == table.columns
    again.close()


def _layout(hidden: list[str], added: list[str]) -> dict[str, Any]:
    layout = {"hidden": hidden, "added": added, "order": [], "pinned": ["run_name"]}
    return {**layout, "widths": {}, "directions": {}, "differing": False}


def test_an_open_table_follows_the_store(ids: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbtrack.views.watch.LOOK_EVERY_S", 0.05)
    table = nbtrack.runs()
    table._watcher.start()
    make_runs(1)
    until = time.monotonic() + 10
    while table._last_page.total < 5 and time.monotonic() < until:
        time.sleep(0.05)
    assert table._last_page.total == 5
    table.close()
    table._watcher.join(timeout=5)
    assert not table._watcher.is_alive()


def test_a_run_whose_process_was_killed_is_interrupted(workdir: Path) -> None:
    code = (
        "import nbtrack, os, signal\n"
        "nbtrack.start_run(run_name='dead'); nbtrack.log_metric('a', 1)\n"
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    env = {**os.environ, "PYTHONPATH": python_path()}
    subprocess.run([sys.executable, "-c", code], cwd=workdir, env=env, check=False)
    table = nbtrack.runs()
    assert "INTERRUPTED" in table.finished_bundle()[0]["text/plain"]
    table.close()


def test_the_chart_takes_names_ids_frames_and_filters(ids: list[str]) -> None:
    frame = nbtrack.search_runs(filter_string="metrics.loss < 1.5")
    for runs, count in ((["run-1", ids[2]], 2), ("run-1", 1), (frame, 2), ("metrics.loss > 2", 1)):
        chart = nbtrack.chart(runs, keys=["loss"])
        assert len(chart.runs) == count
        assert {curve.key for curve in chart.snapshot()} == {"loss"}
        chart.close()
    with pytest.raises(NotFoundError, match="Did you mean 'run-1'"):
        nbtrack.chart(["run-1x"])


def test_a_long_curve_is_summed_up_with_its_spike(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbtrack.views.chart.query.LONG", 1000)
    with nbtrack.start_run(run_name="long"):
        for i in range(5000):
            nbtrack.log_metric("loss", 99.0 if i == 2345 else 1.0, step=i)
    (curve,) = nbtrack.chart("long").snapshot()
    assert len(curve) < 2100
    assert curve.values.max() == 99.0
    assert (curve.steps[0], curve.steps[-1]) == (0, 4999)
    assert np.all(np.diff(curve.steps) >= 0)
