"""`nbtrack init`, `doctor` and other commands on a team's store."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from click.testing import CliRunner, Result

import nbtrack
from nbtrack.cli.program import program
from nbtrack.errors import NotFoundError, ServerDeniedError
from nbtrack.store import create_store, open_store
from team_services import PASSWORD, Catalog

pytestmark = pytest.mark.team


@pytest.fixture(autouse=True)
def _own_spools(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "spools"))


def run(*words: str, status: int = 0) -> Result:
    """Run a command; its password is nowhere."""
    result = CliRunner().invoke(program, list(words))
    assert result.exit_code == status, result.output
    assert PASSWORD not in result.output
    assert quote(PASSWORD, "") not in result.output
    return result


def reader_of(catalog: Catalog) -> str:
    """Return the URI of the store for another role, which is made where it is missing."""
    with catalog.server.administer() as connection:
        if not connection.execute("SELECT FROM pg_roles WHERE rolname = 'reader'").fetchall():
            text = PASSWORD.replace("'", "''")
            connection.execute(f"CREATE ROLE reader LOGIN PASSWORD '{text}'")
    return catalog.server.uri(catalog.name, "reader")


def test_a_store_is_made_once_and_says_how_others_come_to_it(
    workdir: Path, catalog: Catalog
) -> None:
    run("init", catalog.uri, status=3)
    place = str(workdir / "data")
    made = run("init", catalog.uri, "--data-path", place).output
    assert "is made" in made
    assert f"{place}/artifacts" in made
    assert "GRANT SELECT ON ALL TABLES IN SCHEMA nbtrack TO ROLE;" in made
    again = json.loads(run("init", catalog.uri, "--json").stdout)
    assert (again["is_new"], again["data"], again["schema"]) == (False, f"{place}/", "nbtrack")
    run("init", catalog.uri, "--data-path", str(workdir / "other"), status=2)
    assert list(Path(place).iterdir()) == [Path(place, "tables")]


def test_a_role_with_no_more_than_select_reads_and_says_why_it_does_not_write(
    workdir: Path, catalog: Catalog
) -> None:
    uri = reader_of(catalog)
    create_store(catalog.uri, data_path=str(workdir / "data"), readers=["reader"])
    nbtrack.set_tracking_uri(catalog.uri)
    with nbtrack.start_run(run_name="seen"):
        nbtrack.log_metric("loss", 1.0)
    open_store(catalog.uri).fold()
    assert "seen" in run("runs", "list", "--uri", uri).output
    found = json.loads(run("doctor", "--json", "--uri", uri).stdout)
    assert any("may read, and not write" in each["text"] for each in found)
    with pytest.raises(ServerDeniedError, match="permission denied for table"):
        open_store(uri).experiments.create("not allowed")


def test_the_doctor_looks_at_everything_and_changes_nothing(
    workdir: Path, catalog: Catalog
) -> None:
    found = json.loads(run("doctor", "--json", "--uri", catalog.uri).stdout)
    assert any("There is no store of nbtrack" in each["text"] for each in found)
    create_store(catalog.uri, data_path=str(workdir / "data"))
    store = open_store(catalog.uri)
    before = store.database_state()
    found = json.loads(run("doctor", "--json", "--uri", catalog.uri).stdout)
    assert not [each for each in found if each["level"] == "problem"]
    subjects = {each["subject"] for each in found}
    wanted = {"extensions", "postgresql", "store", "rights", "data", "clock", "lock", "files"}
    assert wanted | {"journals", "runs"} <= subjects
    (workdir / "data").rename(workdir / "moved")
    (workdir / "data").write_text("in the way", "utf-8")
    texts = run("doctor", "--uri", catalog.uri, status=1).output
    assert "cannot be written" in texts
    store._looked = -10.0
    assert store.database_state() == before


def test_commands_work_on_a_team_store(workdir: Path, catalog: Catalog) -> None:
    create_store(catalog.uri, data_path=str(workdir / "data"))
    nbtrack.set_tracking_uri(catalog.uri)
    with nbtrack.start_run(run_name="ours") as made:
        nbtrack.log_metric("loss", 1.0)
        nbtrack.log_text("text", "notes.txt")
    shown = f"postgresql://team@127.0.0.1:{catalog.server.port}/{catalog.name}"
    assert nbtrack.get_registry_uri() == nbtrack.get_tracking_uri() == shown
    uri = ("--uri", catalog.uri)
    assert "points moved into the database" in run("sync", *uri).output
    assert "loss" in run("show", "ours", *uri).output
    assert "notes.txt" in run("artifacts", "list", "-r", "ours", *uri).output
    assert "1" in run("sql", "SELECT count(*) AS n FROM points", *uri).output
    run("runs", "delete", "-r", made.info.run_id, *uri)
    assert "1 would go" in run("gc", "--dry-run", *uri).output
    assert "Gone for good: 1 runs" in run("gc", *uri).output


def test_without_a_place_for_its_data_a_store_is_not_made(workdir: Path, catalog: Catalog) -> None:
    with pytest.raises(NotFoundError, match="--data-path"):
        create_store(catalog.uri)
    assert not create_store(workdir / "runs.duckdb").database
    with catalog.connect() as connection:
        assert connection.execute("SELECT to_regnamespace('nbtrack')").fetchone() == (None,)
