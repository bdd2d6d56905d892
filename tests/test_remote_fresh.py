"""Reads of a mirror say what must be fresh, and see what the server has."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.protocol import endpoints
from nbtrack.protocol.client import RestClient
from nbtrack.rpc.column_sets import remembered_sets
from nbtrack.store import experiments, history, logged_models, run_lookup
from nbtrack.store.frame import runs_frame
from nbtrack.store.opening import open_store
from nbtrack.store.reader import Reader
from nbtrack.store.remote.reader import RemoteReader
from nbtrack.store.run_entities import get_run
from nbtrack.store.search.experiments import search_experiments
from nbtrack.store.search.logged_models import search_logged_models
from nbtrack.store.search.registry import search_model_versions, search_registered_models
from nbtrack.store.search.runs import search_runs
from nbtrack.store.store import Store
from nbtrack.views.chart import query as chart_query
from nbtrack.views.comparison import query
from nbtrack.views.details import tree_query
from nbtrack.views.details.baselines import read_rank
from nbtrack.views.details.query import best_run, earlier_runs, previous_run, run_details
from nbtrack.views.models import query as models_query
from nbtrack.views.table import query as table_query
from nbtrack.views.table.group_query import grouped_runs
from nbtrack.views.table.run_query import Scope, TableQuery
from tracking_servers import TrackingServer


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    found = TrackingServer(tmp_path_factory.mktemp("server")).start()
    yield found
    found.stop()


@pytest.fixture
def mirror(server, workdir: Path, monkeypatch) -> Store:
    """A mirror that knows nothing yet."""
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "mirrors"))
    nbtrack.set_tracking_uri(server.url)
    return open_store(server.url)


def made(rest: RestClient, start: int, loss: float, parent: str = "") -> str:
    """Make a finished run at the server, as another machine does."""
    tags = [{"key": "mlflow.parentRunId", "value": parent}] if parent else []
    body = {"experiment_id": "0", "run_name": "run", "start_time": start, "tags": tags}
    run_id = str(rest.call(endpoints.CREATE_RUN, body)["run"]["info"]["run_id"])
    point = {"key": "loss", "value": loss, "timestamp": start, "step": 1}
    rest.call(endpoints.LOG_BATCH, {"run_id": run_id, "metrics": [point]})
    rest.call(endpoints.UPDATE_RUN, {"run_id": run_id, "status": "FINISHED", "end_time": start + 1})
    return run_id


def test_details_of_a_run_see_the_other_runs_of_its_experiment(server, mirror):
    rest = RestClient(server.url)
    before = made(rest, 1_000, 0.5)
    run_id = made(rest, 2_000, 0.7)
    child = made(rest, 3_000, 0.9, parent=run_id)
    with mirror.read() as reader:
        assert [link.run_id for link in run_details(reader, run_id).children] == [child]
    mirror.remote.refresher.forget()
    with mirror.read() as reader:
        info = run_details(reader, run_id).run.info
        assert previous_run(reader, info) == before
    better = made(rest, 1_500, 0.1)
    for read in (
        lambda reader: previous_run(reader, info),
        lambda reader: best_run(reader, info, "loss", "min"),
        lambda reader: next(iter(earlier_runs(reader, info, "loss", 1))),
    ):
        mirror.remote.refresher.forget()
        with mirror.read() as reader:
            assert read(reader) == better
        rest.call(endpoints.DELETE_RUN, {"run_id": better})
        better = made(rest, 1_500, 0.1)


def test_each_kind_of_read_is_checked(server, mirror):
    run_id = made(RestClient(server.url), 1_000, 0.5)
    queries = {
        "experiments": ("SELECT * FROM experiments", {}),
        "runs": ("SELECT * FROM runs WHERE run_id = $run_id", {"run_id": run_id}),
        "models": ("SELECT * FROM logged_models WHERE model_id = $model_id", {"model_id": "m"}),
        "registry": ("SELECT * FROM registered_models", {}),
    }
    for missing, (sql, values) in queries.items():
        with mirror.read() as reader:
            assert isinstance(reader, RemoteReader)
            with pytest.raises(AssertionError, match=missing):
                reader.rows(sql, **values)
            reader.refresh(runs=[run_id], models=["m"], registry=True)
            reader.rows(sql, **values)
            points = "SELECT * FROM points JOIN series USING (series) WHERE run_id = $run_id"
            with pytest.raises(AssertionError, match="history"):
                reader.rows(points, run_id=run_id)
            reader.refresh(runs=[run_id], history=None)
            assert len(reader.rows(points, run_id=run_id)) == 1


BY_METRIC = TableQuery(columns=["metrics.loss"], sort=[("metrics.loss", True)], stop=9)
IN_GROUPS = TableQuery(columns=["metrics.loss", "params.p", "status"], group=["params.p"], stop=9)


def grouped(reader: Reader, scope: Scope) -> None:
    with grouped_runs(reader, scope, IN_GROUPS) as groups:
        lines = groups.lines().lines
        groups.cells([line.group for line in lines if line.group])
        groups.members([line.group.key for line in lines if line.group])
        groups.best()


READS: dict[str, Callable[[Reader, str], Any]] = {
    "buckets": lambda r, run: history.buckets(r, run, "loss"),
    "columns of points": lambda r, run: history.metric_history_columns(r, [run]),
    "comparison": lambda r, run: query.compared_columns(r, [run], ["metrics.loss", "params.p"]),
    "compared keys": lambda r, run: query.compared_keys(r, [run]),
    "compared runs": lambda r, run: query.compared_runs(r, [run]),
    "counts": lambda r, run: chart_query.counts(r, [run]),
    "curves": lambda r, run: chart_query.stored_curves(r, [run]),
    "curves of a window": lambda r, run: chart_query.curves_of_window(
        r, [run], ["loss"], "step", {run: (0, 9)}, 100
    ),
    "details": run_details,
    "experiment": lambda r, run: experiments.get_experiment(r, "0"),
    "experiment by name": lambda r, run: experiments.find_experiment_by_name(r, "Default"),
    "experiments": lambda r, run: search_experiments(r, filter_string="tags.a = 'b'"),
    "files of a model": lambda r, run: models_query.files_of(r, "m"),
    "frame": lambda r, run: runs_frame(r, ["0"], "metrics.loss > 0", aggregates=["min"]),
    "groups": lambda r, run: grouped(r, Scope(["0"])),
    "groups of runs": lambda r, run: grouped(r, Scope(run_ids=[run])),
    "ids": lambda r, run: run_lookup.run_ids_starting(r, run[:6]),
    "latest values": lambda r, run: history.latest_values(r),
    "latest values of a run": lambda r, run: history.latest_values(r, [run]),
    "logged models": lambda r, run: search_logged_models(r, ["0"], "tags.a = 'b'"),
    "metric extents": lambda r, run: query.metric_extents(r, run),
    "model sizes": lambda r, run: models_query.sizes_of(r, ["m"]),
    "model tree": lambda r, run: models_query.model_tree(r, "metrics.loss > 0"),
    "models of a run": logged_models.model_ids_of_run,
    "hashes of a model": lambda r, run: logged_models.model_file_hashes(r, "m"),
    "names of models": logged_models.model_names_of_run,
    "page of points": lambda r, run: history.metric_history_page(r, run, "loss", 0, 9),
    "points": lambda r, run: history.metric_history(r, run, "loss"),
    "registered models": lambda r, run: search_registered_models(r, "name LIKE 'a%'"),
    "run": get_run,
    "run by name": lambda r, run: run_lookup.find_run(r, run, "0"),
    "run by name, no variation": lambda r, run: run_lookup.find_original(r, run, "0"),
    "run names": lambda r, run: run_lookup.latest_run_names(r, 9),
    "runs": lambda r, run: search_runs(r, ["0"], "metrics.loss > 0 OR params.p IN ('a', 'b')"),
    "runs everywhere": lambda r, run: search_runs(r, None, "tags.a = 'b'"),
    "sets of columns": lambda r, run: remembered_sets(r, ["0"]),
    "rank": lambda r, run: read_rank(r, get_run(r, run).info, "loss"),
    "table": lambda r, run: table_query.select_ids(r, Scope(["0"]), BY_METRIC),
    "table of runs": lambda r, run: table_query.select_ids(r, Scope(run_ids=[run]), BY_METRIC),
    "table's best": lambda r, run: table_query.best_values(
        r, Scope(["0"]), BY_METRIC, {"metrics.loss": "min"}
    ),
    "table's cells": lambda r, run: table_query.table_cells(
        r, [run], ["status", "metrics.loss", "params.p", "note"]
    ),
    "table's curves": lambda r, run: table_query.small_curves(r, [run], ["loss"], 10),
    "table's keys": lambda r, run: table_query.table_keys(r, Scope(["0"])),
    "table's keys of runs": lambda r, run: table_query.table_keys(r, Scope(run_ids=[run])),
    "tree": lambda r, run: tree_query.tree_page(r, "0", "run"),
    "tree's curves": lambda r, run: tree_query.sparks(r, tree_query.series_rows(r, [run])),
    "tree's experiments": lambda r, run: tree_query.experiment_rows(r),
    "tree's runs": lambda r, run: tree_query.run_rows(r, [run]),
    "versions": lambda r, run: search_model_versions(r, "name = 'a'"),
    "versions of models": lambda r, run: models_query.versions_of(r, ["m"]),
}


@pytest.mark.parametrize("name", READS)
def test_each_read_asks_for_what_it_looks_at(server, mirror, name):
    run_id = made(RestClient(server.url), 1_000, 0.5)
    with mirror.read() as reader:
        READS[name](reader, run_id)


def test_a_name_is_looked_for_in_other_experiments_only_where_it_must_be(
    server, mirror, monkeypatch
):
    rest = RestClient(server.url)
    made(rest, 1_000, 0.5)
    empty = str(rest.call(endpoints.CREATE_EXPERIMENT, {"name": "empty"})["experiment_id"])
    asked: list[list[str] | None] = []
    runs_of = mirror.remote.refresher.runs_of
    monkeypatch.setattr(
        mirror.remote.refresher, "runs_of", lambda ids: asked.append(ids) or runs_of(ids)
    )
    with mirror.read() as reader:
        newest = run_lookup.find_run(reader, "run", "0")
        assert asked == [["0"]]
        asked.clear()
        assert run_lookup.find_run(reader, "run", empty) == newest
        assert asked == [[empty], None]
