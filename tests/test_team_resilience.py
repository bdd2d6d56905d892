"""What holds whatever happens to the network, to PostgreSQL, or to another member of the team."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest

from nbtrack.errors import (
    DiskFullError,
    NbtrackError,
    NbtrackWarning,
    ServerUnreachableError,
    StoreError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.postgres_address import parse_address
from nbtrack.store.team import coordination, silence, store
from nbtrack.store.team.coordination import Coordination
from nbtrack.store.team.errors import meaning
from nbtrack.store.team.store import TeamStore
from tcp_proxy import Proxy
from team_members import Team, log, team_of
from team_services import PASSWORD, Catalog

pytestmark = pytest.mark.team

POINTS = "SELECT s.run_id, p.step, p.value FROM points p JOIN series s USING (series) ORDER BY ALL"
NAMES = "SELECT name FROM experiments WHERE lifecycle_stage = 'active' ORDER BY 1"


@pytest.fixture
def team(catalog: Catalog, workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Team]:
    with team_of(catalog, workdir, monkeypatch) as found:
        yield found


Robbery = Callable[[TeamStore, Callable[[], object]], None]


@pytest.fixture
def rob(monkeypatch: pytest.MonkeyPatch, catalog: Catalog) -> Robbery:
    """Take the lock from a store when it was just looked at, and let another do something."""
    plans: dict[Coordination, Callable[[], object]] = {}
    check = Coordination.check_held

    def checked(self: Coordination) -> None:
        check(self)
        if meanwhile := plans.pop(self, None):
            with catalog.server.administer() as connection:
                sql = "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'"
                connection.execute(sql)
            other = threading.Thread(target=meanwhile)
            other.start()
            other.join()

    monkeypatch.setattr(Coordination, "check_held", checked)
    return lambda store, meanwhile: plans.update({store.coordination: meanwhile})


def test_one_process_of_a_machine_folds_for_all(team: Team) -> None:
    first, second = team.member("machine"), team.member("machine")
    run = log(first, 0.5)
    log(second, 0.25)
    second.fold()
    before = team.rows("SELECT max(snapshot_id) FROM ducklake_snapshots('store')")
    with first.read() as reader:
        assert (run, 0, 0.5) in reader.rows(POINTS)
    assert team.rows("SELECT max(snapshot_id) FROM ducklake_snapshots('store')") == before


def test_a_run_that_has_just_begun_elsewhere_is_not_silent(team: Team) -> None:
    member, other = team.member("machine"), team.member("elsewhere")
    run = log(member, 0.5)
    member.fold()
    with other.look() as reader:
        assert reader.rows("SELECT status FROM runs") == [("RUNNING",)]
        assert reader.idle_seconds(run) < 60


def test_a_name_is_given_once_though_the_lock_was_lost_before_the_commit(
    team: Team, rob: Robbery
) -> None:
    slow, quick = team.member("slow"), team.member("quick")
    slow.experiments.create("first")
    rob(slow, lambda: quick.experiments.create("wanted"))
    with pytest.raises(StoreLockedError, match="changed by somebody else"):
        slow.experiments.create("wanted")
    assert team.rows(NAMES) == [("Default",), ("first",), ("wanted",)]


def test_two_folds_never_make_the_same_series(team: Team, rob: Robbery) -> None:
    slow, quick = team.member("slow"), team.member("quick")
    slow.experiments.create("first")
    runs = [log(slow, 1.0, 2.0), log(quick, 3.0, 4.0)]
    rob(slow, quick.fold)
    with pytest.raises(StoreLockedError):
        slow.fold()
    slow.fold()
    points = [(runs[0], 0, 1.0), (runs[0], 1, 2.0), (runs[1], 0, 3.0), (runs[1], 1, 4.0)]
    assert team.rows(POINTS) == sorted(points)
    assert team.rows("SELECT count(*), count(DISTINCT series) FROM series") == [(2, 2)]


def test_a_stopped_process_loses_the_lock_and_changes_nothing(
    team: Team, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = team.member("stopped"), team.member("other")
    store.experiments.create("first")
    monkeypatch.setattr(coordination, "_LOCK_IDLE_MS", 500)  # its keeper speaks every 10 s
    with pytest.raises(StoreLockedError, match="broke in the middle"), store.write() as reader:  # noqa: PT012
        reader.rows("UPDATE experiments SET name = 'late' WHERE name = 'first'")
        made = threading.Thread(target=other.experiments.create, args=("second",))
        made.start()
        made.join()
    assert team.rows(NAMES) == [("Default",), ("first",), ("second",)]


def test_what_is_logged_outlives_a_crash_of_postgresql(team: Team) -> None:
    store = team.member("machine")
    run = log(store, 1.0)
    store.fold()
    writer = store.writers.get(run)
    team.catalog.server.stop("immediate")
    writer.log_metrics({"loss": 2.0}, step=1)
    with pytest.raises(ServerUnreachableError, match="Logging goes on in the journals"):
        store.fold()
    team.catalog.server.start()
    store.fold()
    assert team.rows(POINTS) == [(run, 0, 1.0), (run, 1, 2.0)]


def test_runs_start_while_the_catalog_is_away_and_arrive(team: Team, network: Proxy) -> None:
    uri = team.catalog.through(network)
    with team.member("machine", uri).look():  # the place of the data is noted beside the journals
        pass
    network.refuse()
    fresh = team.member("machine", uri)
    with pytest.warns(NbtrackWarning, match="nothing is lost.*cannot be reached") as said:  # noqa: PT031
        run = log(fresh, 1.0)
        fresh.fold_quietly()
        fresh.fold_quietly()
    assert len(said) == 1
    network.restore()
    fresh.fold()
    assert team.rows(POINTS) == [(run, 0, 1.0)]
    assert team.rows("SELECT artifact_uri FROM runs") == [
        (f"{team.data}/artifacts/0/{run}/artifacts",)
    ]


def test_a_process_that_ends_waits_for_its_turn(
    team: Team, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(store, "_END_S", 0.3)
    ending, other = team.member("container"), team.member("machine")
    log(other, 0.25)
    other.fold()
    run = log(ending, 0.5)
    has_it, may_go = threading.Event(), threading.Event()

    def hold() -> None:
        with other.coordination.locked(10):
            has_it.set()
            may_go.wait(30)

    holder = threading.Thread(target=hold)
    holder.start()
    has_it.wait(30)
    answers = Coordination.answers
    # asked once the first try has failed: the other goes on its way only then
    monkeypatch.setattr(Coordination, "answers", lambda self: may_go.set() or answers(self))
    ending.close()
    holder.join()
    assert "others write to" in capsys.readouterr().err
    assert (run, 0, 0.5) in team.rows(POINTS)


def test_a_statement_ends_when_the_server_falls_silent(
    team: Team, network: Proxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(silence, "LOOK_AFTER_S", 0.2)
    monkeypatch.setattr(coordination, "CONNECT_S", 2)
    store = team.member("machine", team.catalog.through(network))
    run = log(store, 1.0)
    store.fold()
    start = time.monotonic()
    with pytest.raises(ServerUnreachableError), store.look() as reader:  # noqa: PT012
        reader.rows(POINTS)
        network.hang()
        while time.monotonic() - start < 60:
            reader.rows(POINTS)
    network.restore()
    monkeypatch.setattr(store.coordination, "_silent_until", 0.0)
    with store.look() as reader:
        assert reader.rows(POINTS) == [(run, 0, 1.0)]


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        ('Could not write file "/data/a.parquet": No space left on device', DiskFullError, "full"),
        ('Failed to create directory "/data/t": Read-only file system', StoreReadOnlyError, "here"),
        ('Cannot open file "/data/a.parquet": Permission denied', StoreReadOnlyError, "here"),
    ],
)
def test_a_data_folder_that_cannot_be_written_is_said_by_name(
    text: str, kind: type[StoreError], said: str
) -> None:
    error = meaning(duckdb.IOException(f"IO Error: {text}"), parse_address("postgresql://u:pw@h/d"))
    assert isinstance(error, kind)
    assert f"{said} (/data/" in str(error)
    assert "postgresql://u@h/d" in str(error)


def test_a_newer_store_is_refused_and_the_journals_wait(team: Team) -> None:
    store = team.member("machine")
    writer = store.writers.get(log(store, 1.0))
    with team.catalog.connect() as connection:
        connection.execute("UPDATE nbtrack.settings SET value = '999' WHERE key = 'schema_version'")
    writer.log_metrics({"loss": 2.0}, step=1)
    with pytest.raises(StoreError, match=r"newer nbtrack \(schema 999.*journals.*Upgrade"):
        store.fold()
    assert list(store.journals.glob("*.points"))


CREATE = """
import sys
import nbtrack
from nbtrack.errors import AlreadyExistsError
nbtrack.set_tracking_uri(sys.argv[1])
for number in range(4):
    try:
        print(nbtrack.create_experiment(f"experiment {number}"))
    except AlreadyExistsError:
        print(0)
"""


def test_processes_that_come_at_once_make_one_store_and_each_name_once(team: Team) -> None:
    command = [sys.executable, "-c", CREATE, team.catalog.uri]
    made = [
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    said = [process.communicate(timeout=120) for process in made]
    assert [process.returncode for process in made] == [0, 0, 0], said
    numbers = sorted(int(line) for out, _ in said for line in out.split() if line != "0")
    assert numbers == [1, 2, 3, 4]
    assert [name for (name,) in team.rows(NAMES)][1:] == [f"experiment {n}" for n in range(4)]


def test_the_password_is_in_no_error_and_no_file(team: Team) -> None:
    store = team.member("machine")
    log(store, 1.0)
    store.fold()
    texts = [store.uri, repr(store), repr(store.address), repr(store.__dict__)]
    wrong = team.catalog.uri.replace("made-up", "canary")
    for uri in (wrong, wrong.replace(f"/{team.catalog.name}", "/nowhere"), team.catalog.uri):
        failing = team.member("other", uri)
        with pytest.raises(NbtrackError) as caught, failing.read(files=True) as reader:
            reader.rows("SELECT no_such_function(1)")
        texts += [str(caught.value), repr(caught.value.__cause__)]
    with store.read(files=True) as reader:
        for name in ("duckdb_secrets()", "duckdb_databases()", "duckdb_settings()"):
            texts += [str(reader.rows(f"SELECT * FROM {name}"))]
    texts += [file.read_bytes().decode("utf-8", "replace") for file in _files(store.folder.parent)]
    for secret in (PASSWORD, "p@ss", "p%40ss", "canary"):
        assert not [text for text in texts if secret in text]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
