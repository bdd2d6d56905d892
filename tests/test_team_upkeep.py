"""A team's store stays small and quick, whoever logs to it and reads it meanwhile."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nbtrack
from nbtrack.store import Store, compact, open_store
from nbtrack.store.team import lake as lakes
from nbtrack.store.team import upkeep
from nbtrack.store.team.store import TeamStore
from team_services import Catalog

pytestmark = pytest.mark.team

WRITER = """
import sys, nbtrack
from nbtrack.store import open_store
nbtrack.set_tracking_uri(sys.argv[1])
with nbtrack.start_run():
    for step in range(4):
        for metric in ("a", "b"):
            nbtrack.log_metric(metric, step, step=step)
        nbtrack.set_tag("step", step)
        open_store(sys.argv[1]).fold()
"""


@pytest.fixture
def team(workdir: Path, catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> TeamStore:
    """A new store of a team; its data is in the folder ``data``."""
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(workdir / "data"))
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "spools"))
    nbtrack.set_tracking_uri(catalog.uri)
    store = open_store(catalog.uri)
    assert isinstance(store, TeamStore)
    return store


def folded_runs(store: Store, count: int) -> list[str]:
    """Log runs, each of which is folded by itself."""
    made = []
    for _ in range(count):
        with nbtrack.start_run() as run:
            nbtrack.log_metric("loss", 1.0)
            nbtrack.log_text("text", "table.parquet")
        store.fold()
        made.append(run.info.run_id)
    return made


def count(store: Store, what: str) -> int:
    with store.read() as reader:
        return int(reader.connection.execute(f"SELECT count(*) FROM {what}").fetchone()[0])


def test_compacting_beside_writers_and_a_reader_loses_and_doubles_nothing(
    team: TeamStore, catalog: Catalog
) -> None:
    assert count(team, "points") == 0
    writers = [
        subprocess.Popen([sys.executable, "-W", "error", "-c", WRITER, catalog.uri], stderr=-1)
        for _ in range(3)
    ]
    merged = 0
    while any(writer.poll() is None for writer in writers):
        merged += compact().merged
        assert count(team, "points") <= 24
    said = [writer.communicate()[1] for writer in writers]
    assert [writer.returncode for writer in writers] == [0, 0, 0], said
    # who waited for its turn, or in vain, says so; what is left is folded here
    known = (b"nbtrack: others write to", b"nbtrack: not all that was logged has reached")
    assert all(line.startswith(known) for each in said for line in each.splitlines()), said
    merged += compact().merged
    assert merged
    assert (count(team, "points"), count(team, "series"), count(team, "runs")) == (24, 6, 3)
    assert count(team, "(SELECT DISTINCT run_id, key, step FROM metrics)") == 24


def test_deleted_runs_go_a_few_at_a_time_and_parquet_files_of_others_stay(
    team: TeamStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(TeamStore, "purge_at_once", 1)
    monkeypatch.setattr(upkeep, "EXPIRE_S", 0.0)
    monkeypatch.setattr(upkeep, "CLEAN_UP_S", 0.0)
    monkeypatch.setattr(upkeep, "ORPHANS_S", 0.0)
    *gone, stays = folded_runs(team, 3)
    for run_id in gone:
        nbtrack.delete_run(run_id)
    lost = Path(team.lake.tables_path, "main", "points", "ducklake-lost.parquet")
    lost.write_bytes(b"of a commit that failed")
    report = compact()
    assert (report.runs, report.left, report.artifact_bytes > 0) == (2, (), True)
    assert report.states > 3
    assert report.files > 3
    assert not lost.exists()
    found = {file.parts[-3] for file in Path(team.lake.data_path).rglob("table.parquet")}
    assert found == {stays}
    assert (count(team, "points"), count(team, "runs")) == (1, 1)


def test_many_small_files_are_merged_by_one_who_folds(
    team: TeamStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    folded_runs(team, 2)
    assert team.upkeep.merge_if_due() == 0
    monkeypatch.setattr(upkeep, "MERGE_AT", 5)
    assert team.upkeep.merge_if_due() > 2
    files = team.upkeep.small_files()
    folded_runs(team, 2)
    assert team.upkeep.small_files() > files
    assert team.upkeep.merge_if_due() == 0  # it was somebody's turn a moment ago
    series = [row for row in team.upkeep.tables() if row[0] == "points"]
    assert series[0][1] == 3


def test_journals_of_machines_that_are_gone_are_forgotten(team: TeamStore) -> None:
    (run_id,) = folded_runs(team, 1)
    with team.write() as reader:
        for spool in ("gone", "new"):
            row = [f"{spool}/j", run_id]
            reader.connection.execute("INSERT INTO journals VALUES (?, ?, 1, 1, NULL)", row)
            row = [f"{spool}/j", 0, run_id, "loss"]
            reader.connection.execute("INSERT INTO journal_series VALUES (?, ?, ?, ?)", row)
    team.coordination.ask(
        "INSERT INTO nbtrack.heartbeats VALUES ('spool gone', now() - interval '31 days')"
    )
    compact()
    assert count(team, "journals WHERE starts_with(journal, 'gone/')") == 0
    assert count(team, "journal_series WHERE starts_with(journal, 'gone/')") == 0
    assert count(team, "journals WHERE starts_with(journal, 'new/')") == 1


def test_keys_of_object_storage_are_renewed_while_a_store_is_open(
    workdir: Path, catalog: Catalog, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_DATA_PATH", f"{bucket}/runs")
    store = open_store(catalog.uri)
    assert isinstance(store, TeamStore)
    assert count(store, "runs") == 0
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "another-key")
    monkeypatch.setattr(lakes, "_KEYS_S", 0.0)
    with store.lake.connection(read_only=True, files=False) as connection:
        shown = "SELECT secret_string FROM duckdb_secrets() WHERE name = 'team_data'"
        assert "key_id=another-key" in connection.execute(shown).fetchone()[0]
        assert connection.execute("SELECT count(*) FROM experiments").fetchone() == (1,)
