from __future__ import annotations

import sqlite3
import warnings
from pathlib import Path

import pytest

import nbtrack
import programs
from nbtrack.config import resolve
from nbtrack.errors import InvalidParameterError, NbtrackWarning


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        (None, "nbtrack.duckdb"),
        ("", "nbtrack.duckdb"),
        ("runs.duckdb", "runs.duckdb"),
        (Path("runs.duckdb"), "runs.duckdb"),
        ("file:runs.duckdb", "runs.duckdb"),
        ("duckdb:///runs.duckdb", "runs.duckdb"),
        ("duckdb:///deep/runs.duckdb", "deep/runs.duckdb"),
        ("folder", "folder/nbtrack.duckdb"),
        ("folder/", "folder/nbtrack.duckdb"),
        ("file:./folder", "folder/nbtrack.duckdb"),
        ("my%20runs.duckdb", "my%20runs.duckdb"),
        ("file:my%20runs.duckdb", "my runs.duckdb"),
    ],
)
def test_paths_of_our_own(workdir, uri, name):
    location = resolve(uri)
    assert (location.path, location.notice) == (workdir / name, None)


def test_absolute_paths(workdir):
    place = workdir / "x" / "runs.duckdb"
    for uri in (str(place), f"file://{place}", f"file://localhost{place}", f"duckdb:///{place}"):
        assert resolve(uri).path == place


@pytest.mark.parametrize(
    ("uri", "name"),
    [
        ("sqlite:///mlflow.db", "mlflow.duckdb"),
        ("sqlite:///deep/mlflow.db?timeout=5", "deep/mlflow.duckdb"),
        ("sqlite+pysqlite:///mlflow.db", "mlflow.duckdb"),
        ("sqlite://", "mlflow.duckdb"),
        ("sqlite:///:memory:", "mlflow.duckdb"),
        ("./mlruns", "mlruns.duckdb"),
        ("mlruns", "mlruns.duckdb"),
        ("mlruns/", "mlruns.duckdb"),
        ("file:./mlruns", "mlruns.duckdb"),
        ("file:mlruns", "mlruns.duckdb"),
    ],
)
def test_another_local_store_gets_one_of_ours_beside_it(workdir, uri, name):
    location = resolve(uri)
    assert location.path == workdir / name
    assert "can be imported" in location.notice


def test_absolute_places_of_other_stores(workdir):
    assert resolve(f"sqlite:///{workdir}/mlflow.db").path == workdir / "mlflow.duckdb"
    assert resolve(f"file://{workdir}/mlruns").path == workdir / "mlruns.duckdb"


def test_a_folder_of_mlflow_is_known_by_what_it_holds(workdir):
    (workdir / "runs" / "0").mkdir(parents=True)
    (workdir / "runs" / "0" / "meta.yaml").write_text("name: Default")
    assert resolve("runs").path == workdir / "runs.duckdb"


def test_the_other_store_is_left_as_it_is_and_that_is_said_once(workdir):
    with sqlite3.connect(workdir / "mlflow.db") as connection:
        connection.execute("CREATE TABLE runs (run_uuid TEXT)")
    connection.close()
    before = (workdir / "mlflow.db").read_bytes()
    with pytest.warns(NbtrackWarning, match=r"mlflow\.duckdb.*can be imported"):
        nbtrack.set_tracking_uri("sqlite:///mlflow.db")
    nbtrack.set_tracking_uri("sqlite:///mlflow.db")
    nbtrack.log_metric("m", 1)
    nbtrack.end_run()
    assert nbtrack.get_tracking_uri() == str(workdir / "mlflow.duckdb")
    assert (workdir / "mlflow.db").read_bytes() == before
    assert len(nbtrack.search_runs()) == 1


def test_the_environment_of_mlflow_is_enough(workdir):
    (workdir / "mlruns").mkdir()
    code = "import nbtrack\nnbtrack.log_metric('m', 1)\nprint(nbtrack.get_tracking_uri())"
    process = programs.start(code, cwd=workdir, MLFLOW_TRACKING_URI="./mlruns")
    out, err = process.communicate(timeout=60)
    assert out.strip() == str(workdir / "mlruns.duckdb")
    assert err.count("can be imported") == 1
    assert list((workdir / "mlruns").iterdir()) == []


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        ("mysql+pymysql://me:secret@db/runs", "keeps runs in a DuckDB file"),
        ("mssql://db/runs", "keeps runs in a DuckDB file"),
        ("databricks", "keeps runs in a DuckDB file"),
        ("databricks://profile", "keeps runs in a DuckDB file"),
        ("databricks-uc", "keeps runs in a DuckDB file"),
        ("s3://bucket/runs", "keeps runs in a DuckDB file"),
        ("http://", "no URL of a tracking server"),
        ("https://me:secret@:99999/", "no URL of a tracking server"),
        ("file://other-host/runs", "names another machine"),
    ],
)
def test_what_nobody_can_serve_from_here_gets_the_way_out(workdir, uri, why):
    for use in (nbtrack.set_tracking_uri, nbtrack.MlflowClient):
        with pytest.raises(InvalidParameterError, match=why) as caught:
            use(uri)
        assert "secret" not in str(caught.value)
        assert "path" in str(caught.value)
    assert list(workdir.iterdir()) == []


def test_the_nearest_store_above_is_the_default(workdir, monkeypatch):
    nbtrack.log_metric("m", 1)
    nbtrack.end_run()
    below = workdir / "a" / "b"
    below.mkdir(parents=True)
    monkeypatch.chdir(below)
    assert nbtrack.get_tracking_uri() == str(workdir / "nbtrack.duckdb")
    nbtrack.set_tracking_uri("here.duckdb")
    assert nbtrack.get_tracking_uri() == str(below / "here.duckdb")
    nbtrack.set_tracking_uri(None)
    assert nbtrack.get_tracking_uri() == str(workdir / "nbtrack.duckdb")


def test_our_own_variable_comes_first(workdir, monkeypatch):
    assert not nbtrack.is_tracking_uri_set()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "theirs.duckdb")
    assert nbtrack.get_tracking_uri() == str(workdir / "theirs.duckdb")
    monkeypatch.setenv("NBTRACK_URI", "ours.duckdb")
    assert nbtrack.get_tracking_uri() == str(workdir / "ours.duckdb")
    assert nbtrack.is_tracking_uri_set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert nbtrack.tracking.get_tracking_uri() == str(workdir / "ours.duckdb")
