from __future__ import annotations

import duckdb
import pytest

import nbtrack
from nbtrack.errors import NbtrackError
from nbtrack.store import database, open_store
from nbtrack.store.queries import migrations
from nbtrack.views.chart.query import extents

pytestmark = pytest.mark.older_duckdb

ADD_COLUMN = "ALTER TABLE runs ADD COLUMN note VARCHAR; UPDATE runs SET note = 'migrated';"
NEXT = len(migrations()) + 1
BROKEN = "ALTER TABLE runs ADD COLUMN half VARCHAR; ALTER TABLE no_such_table ADD COLUMN x VARCHAR;"


def columns() -> list[tuple[str, str, str]]:
    with open_store(None).read() as reader:
        return reader.rows(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE database_name = 'store' AND NOT internal ORDER BY ALL"
        )


def test_a_store_that_was_migrated_is_like_a_fresh_one(workdir, monkeypatch):
    with nbtrack.start_run(run_name="old"):
        nbtrack.log_metric("x", 1)
    open_store(None).close()
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: [*migrations(), (NEXT, "notes", ADD_COLUMN)])
        open_store(None).fold()
        migrated = columns()
        assert nbtrack.sql("SELECT note FROM runs").note.tolist() == ["migrated"]
        assert nbtrack.sql("SELECT version, name FROM migrations").values.tolist() == [
            *([version, name] for version, name, _ in migrations()),
            [NEXT, "notes"],
        ]
        nbtrack.set_tracking_uri(workdir / "fresh")
        open_store(None).fold()
        assert columns() == migrated


def test_a_store_without_the_bounds_of_series_gets_them(workdir):
    with duckdb.connect(str(workdir / "nbtrack.duckdb")) as old:
        old.execute(migrations()[0][2])
        old.execute("INSERT INTO migrations VALUES (1, 'initial', now()::TIMESTAMP)")
        old.execute("INSERT INTO series VALUES (1, 'a', 'x', 2, 0, 9, 70, 1, 1, 5, 1, 5, 80)")
        old.execute("INSERT INTO points VALUES (1, 5, 80, 1), (1, 9, 70, 1)")
    with open_store(None).read() as reader:
        (found,) = extents(reader, ["a"])
    assert (found.steps, found.times) == ((5, 9), (70, 80))


def test_a_migration_that_fails_changes_nothing(workdir, monkeypatch):
    with nbtrack.start_run(run_name="old"):
        nbtrack.log_metric("x", 1)
    open_store(None).close()
    before = columns()
    with monkeypatch.context() as patch:
        patch.setattr(database, "migrations", lambda: [*migrations(), (NEXT, "broken", BROKEN)])
        with pytest.raises(NbtrackError, match="no_such_table"):
            open_store(None).fold()
    assert columns() == before
    assert nbtrack.search_runs()["metrics.x"].tolist() == [1.0]


def test_the_schema_has_nothing_that_ducklake_refuses(workdir):
    open_store(None).fold()
    with open_store(None).read() as reader:
        kinds = reader.rows("SELECT DISTINCT constraint_type FROM duckdb_constraints()")
        assert {kind for (kind,) in kinds} <= {"NOT NULL"}
        assert reader.rows("SELECT * FROM duckdb_indexes()") == []
        assert reader.rows("SELECT * FROM duckdb_sequences()") == []
        types = {data_type.partition("(")[0] for _, _, data_type in columns()}
        assert not types & {"ENUM", "UNION"}


def test_the_public_tables_and_views_are_there(workdir):
    open_store(None).fold()
    public = ["experiments", "runs", "params", "metrics", "latest", "tags", "artifacts", "datasets"]
    for name in public:
        assert nbtrack.sql(f"SELECT count(*) AS n FROM {name}").n[0] >= 0
