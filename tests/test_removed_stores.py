"""A store that is removed or replaced under a running training: nothing that it logs is lost."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import nbtrack
from nbtrack.errors import NbtrackWarning, StoreError
from nbtrack.store import open_store
from nbtrack.store.store import Store


def log(steps: range) -> None:
    for step in steps:
        nbtrack.log_metrics({"x": step, "y": -step}, step=step)
    nbtrack.set_tag("last", steps[-1])


def remove(workdir: Path, what: str) -> None:
    if what in ("all", "database"):
        (workdir / "nbtrack.duckdb").unlink(missing_ok=True)
    if what in ("all", "folder"):
        shutil.rmtree(workdir / "nbtrack.duckdb.d")
    if what == "journals":
        shutil.rmtree(workdir / "nbtrack.duckdb.d" / "journal")
    if what == "points":
        for file in (workdir / "nbtrack.duckdb.d" / "journal").glob("*.points"):
            file.unlink()


def check(run_id: str, steps: int, status: str) -> None:
    run = nbtrack.get_run(run_id)
    assert (run.info.status, run.info.run_name) == (status, "training")
    assert run.data.params == {"lr": "0.1"}
    assert run.data.tags["last"] == str(steps - 1)
    for key in ("x", "y"):
        history = nbtrack.MlflowClient().get_metric_history(run_id, key)
        assert sorted(m.step for m in history) == list(range(steps))


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
@pytest.mark.parametrize("what", ["all", "database", "folder", "journals", "points"])
@pytest.mark.parametrize("folded", [True, False])
def test_what_is_removed_under_a_run_is_made_again(workdir, what, folded):
    with nbtrack.start_run(run_name="training") as run:
        nbtrack.log_param("lr", 0.1)
        log(range(20))
        if folded:
            open_store(None).fold()
        remove(workdir, what)
        log(range(20, 40))
        check(run.info.run_id, 40, "RUNNING")
        remove(workdir, what)
        log(range(40, 50))
    check(run.info.run_id, 50, "FINISHED")
    with nbtrack.start_run(run_name="next"):
        nbtrack.log_metric("x", 1)
    assert nbtrack.search_runs(filter_string="attributes.run_name = 'next'").shape[0] == 1


def test_that_a_store_was_removed_is_said_once(workdir):
    store = open_store(None)
    with nbtrack.start_run(run_name="training"):
        log(range(3))
        remove(workdir, "all")
        with pytest.warns(NbtrackWarning, match="was deleted. It was written again") as said:
            store.restore_journals()
        store.restore_journals()  # a second warning would fail the test
        assert len(said) == 1
        assert "is made anew, too" in str(said[0].message)
        assert nbtrack.active_run().data.metrics == {"x": 2.0, "y": -2.0}


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
def test_the_experiment_of_a_run_is_there_after_its_database_was_removed(workdir):
    nbtrack.set_experiment("mnist")
    with nbtrack.start_run(run_name="training") as run:
        nbtrack.log_param("lr", 0.1)
        log(range(5))
        open_store(None).fold()
        remove(workdir, "all")
    check(run.info.run_id, 5, "FINISHED")
    experiment = nbtrack.get_experiment(run.info.experiment_id)
    assert experiment.name == "mnist"
    assert nbtrack.search_runs(experiment_names=["mnist"]).run_id.tolist() == [run.info.run_id]


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
@pytest.mark.parametrize("in_place", [True, False])
def test_an_older_store_put_in_place_gets_what_was_logged_since(workdir, tmp_path, in_place):
    """As ``git checkout`` does it, which replaces files, and ``cp``, which writes to them."""
    backup = tmp_path / "backup"
    with nbtrack.start_run(run_name="training") as run:
        nbtrack.log_param("lr", 0.1)
        log(range(10))
        open_store(None).fold()
        backup.mkdir()
        shutil.copy(workdir / "nbtrack.duckdb", backup)
        shutil.copytree(workdir / "nbtrack.duckdb.d", backup / "nbtrack.duckdb.d")
        log(range(10, 30))
        open_store(None).fold()
        if not in_place:
            remove(workdir, "all")
        shutil.copy(backup / "nbtrack.duckdb", workdir)
        if not in_place:
            shutil.copytree(backup / "nbtrack.duckdb.d", workdir / "nbtrack.duckdb.d")
        log(range(30, 40))
        check(run.info.run_id, 40, "RUNNING")
    check(run.info.run_id, 40, "FINISHED")


@pytest.mark.filterwarnings("ignore::nbtrack.errors.NbtrackWarning")
def test_where_nothing_can_be_made_again_it_waits(workdir, tmp_path):
    place = tmp_path / "place"
    place.mkdir()
    nbtrack.set_tracking_uri(place)
    run = nbtrack.start_run(run_name="training")
    nbtrack.log_param("lr", 0.1)
    log(range(10))
    shutil.rmtree(place)
    place.write_text("in the way")
    log(range(10, 20))
    store: Store = run.store
    store.restore_journals()
    with pytest.raises(StoreError, match="cannot use"):
        run.end()
    place.unlink()
    run.end()
    check(run.info.run_id, 20, "FINISHED")
    nbtrack.set_tracking_uri(None)


def test_a_store_that_was_moved_takes_its_runs_along(workdir):
    with nbtrack.start_run(run_name="training") as run:
        nbtrack.log_param("lr", 0.1)
        log(range(10))
        open_store(None).fold()
        (workdir / "new").mkdir()
        for name in ("nbtrack.duckdb", "nbtrack.duckdb.d"):
            (workdir / name).rename(workdir / "new" / name)
        log(range(10, 20))
    nbtrack.set_tracking_uri(workdir / "new")
    check(run.info.run_id, 20, "FINISHED")
    nbtrack.set_tracking_uri(None)
