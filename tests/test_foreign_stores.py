"""Database files of other people: data, or refused by name; nothing in them runs."""

from __future__ import annotations

import contextlib
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import duckdb
import pytest
from click.testing import CliRunner

import nbtrack
from nbtrack.cli.program import program
from nbtrack.config import StoreLocation
from nbtrack.errors import NbtrackError, StoreCorruptError, StoreError
from nbtrack.server.catalog import Catalog
from nbtrack.store import compact, database, open_store, time_limits
from nbtrack.store.queries import migrations
from nbtrack.store.store import Store

SECRET = "canary-5f0c"
ENDLESS = "SELECT count(*) FROM range(1000000000) a, range(1000000000) b"
READS = "(SELECT content FROM read_text('{canary}'))"

SERIES = """
    SELECT run_id, key, last_step AS step, last_value AS value, now() AS timestamp,
           min_value AS min, min_step, max_value AS max, max_step, count, nan_count
    FROM series
"""

#: What may have been done to a store, and what is said about it.
ATTACKS = {
    "view for a table": (
        [
            "ALTER TABLE runs RENAME TO r",
            f"CREATE VIEW runs AS SELECT * REPLACE ({READS} AS run_name) FROM r",
        ],
        "runs in it is a view",
    ),
    "view that never ends": (
        ["DROP TABLE tags", f"CREATE VIEW tags AS SELECT n AS key FROM ({ENDLESS}) t(n)"],
        "tags in it is a view",
    ),
    "migrations that are a view": (
        [
            "DROP TABLE migrations",
            f"CREATE VIEW migrations AS SELECT 3 AS version, {READS} AS name",
        ],
        "migrations in it is a view",
    ),
    "another view": (
        [
            f"CREATE OR REPLACE VIEW latest AS SELECT * REPLACE ({READS} AS key) FROM ({SERIES})",
        ],
        "its view latest is another one",
    ),
    "table for a view": (
        ["DROP VIEW metrics", "CREATE TABLE metrics (run_id VARCHAR)"],
        "metrics in it is a table",
    ),
    "missing table": (["DROP TABLE params"], "it has no table params"),
    "missing column": (["ALTER TABLE runs DROP COLUMN host"], "its table runs is another one"),
    "further column": (
        ["ALTER TABLE tags ADD COLUMN more VARCHAR DEFAULT ('x')"],
        "its table tags is another one",
    ),
    "other type": (["ALTER TABLE runs ALTER pid TYPE VARCHAR"], "its table runs is another one"),
    "enum": (
        [
            "CREATE TYPE e AS ENUM ('a')",
            "DROP TABLE tags",
            "CREATE TABLE tags (run_id e, key e, value e)",
        ],
        "its table tags is another one",
    ),
    "generated column": (
        [
            "DROP TABLE tags",
            "CREATE TABLE tags (key VARCHAR, value VARCHAR AS (current_setting('TimeZone')))",
        ],
        "its table tags is another one",
    ),
    "macro": ([f"CREATE MACRO make_timestamp(x) AS {READS}"], "hides DuckDB's make_timestamp"),
    "table macro": (
        ["CREATE MACRO duckdb_tables() AS TABLE FROM read_text('{canary}')"],
        "hides DuckDB's duckdb_tables",
    ),
    "macro that lies": (["CREATE MACRO MAX(x) AS 42"], "hides DuckDB's MAX"),
    "not a store": (["DROP TABLE migrations"], "none of nbtrack"),
}


@pytest.fixture(scope="module")
def usual(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A store with a run, as a file."""
    path = tmp_path_factory.mktemp("usual") / "nbtrack.duckdb"
    client = nbtrack.MlflowClient(str(path))
    run = client.create_run("0", run_name="mine")
    client.log_param(run.info.run_id, "lr", "0.1")
    for step in range(50):
        client.log_metric(run.info.run_id, "loss", 1 / (step + 1), step=step)
    client.set_terminated(run.info.run_id)
    open_store(path).close()
    return path.read_bytes()


@pytest.fixture
def canary(workdir: Path) -> Path:
    """A file of the user that no store may show."""
    (workdir / "canary.txt").write_text(SECRET)
    return workdir / "canary.txt"


def changed(path: Path, usual: bytes, statements: list[str]) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(usual)
    with duckdb.connect(str(path)) as connection:
        for statement in statements:
            connection.execute(statement)
    return path


def uses(path: Path) -> Iterator[Callable[[], object]]:
    """Yield what one does with a store."""
    store = Store(StoreLocation(path, str(path)))

    def look() -> object:
        with store.read() as reader:
            reader.named("tree.running")
            return [reader.rows(f"FROM {name}") for name in ("runs", "tags", "latest")]

    def write() -> object:
        with store.write() as reader:
            return reader.rows("SELECT * FROM metrics LIMIT 3")

    def ask() -> object:
        with store.read(files=True) as reader:
            return reader.table("SELECT max(run_name), count(*) FROM runs, metrics")

    yield from (look, ask, write)


@pytest.mark.parametrize("attack", ATTACKS)
def test_what_is_not_ours_is_refused_by_name(workdir, canary, usual, attack):
    statements, why = ATTACKS[attack]
    path = changed(workdir / "x.duckdb", usual, [s.format(canary=canary) for s in statements])
    for use in uses(path):
        with pytest.raises(StoreCorruptError, match=why) as caught:
            use()
        assert str(path) in str(caught.value)
        assert SECRET not in str(caught.value)


def test_functions_of_a_file_that_came_later_do_not_run(workdir, canary, usual):
    path = changed(workdir / "x.duckdb", usual, [])
    look, ask, _ = uses(path)
    assert "mine" in str(look())
    with duckdb.connect(str(path)) as connection:
        connection.execute(f"CREATE MACRO max(x) AS {READS.format(canary=canary)}")
        connection.execute("CREATE MACRO count(x) AS (" + ENDLESS + ")")
    store = open_store(path)
    with store.read() as reader:
        assert reader.rows("SELECT max(run_name), count(status) FROM runs") == [("mine", 1)]
    with pytest.raises(StoreCorruptError, match=r"hides DuckDB's (max|count)"):
        ask()


def test_an_older_file_is_checked_before_it_is_brought_up_to_date(workdir, canary):
    with duckdb.connect(str(workdir / "nbtrack.duckdb")) as old:
        old.execute(migrations()[0][2])
        old.execute("INSERT INTO migrations VALUES (1, 'initial', now()::TIMESTAMP)")
        old.execute("DROP TABLE points")
        old.execute(f"CREATE VIEW points AS SELECT {READS.format(canary=canary)} AS series")
    with pytest.raises(StoreCorruptError, match="points in it is a view"):
        nbtrack.search_runs()


def test_our_own_look_reaches_nothing_but_the_store(workdir, canary):
    nbtrack.create_experiment("e")
    with open_store(None).read() as reader:
        for sql in (
            f"FROM read_text('{canary}')",
            "FROM glob('*')",
            f"ATTACH '{workdir / 'other.duckdb'}' AS other",
            f"COPY (SELECT 1) TO '{workdir / 'out.csv'}'",
            "SET enable_external_access = true",
            "LOAD httpfs",
        ):
            with pytest.raises(duckdb.Error, match=r"Permission Error|locked|already been"):
                reader.rows(sql)
    made = sorted(path.name for path in workdir.iterdir())
    assert made == ["canary.txt", "nbtrack.duckdb", "nbtrack.duckdb.d"]


def test_the_sql_of_a_user_reads_the_users_files(workdir):
    (workdir / "x.csv").write_text("a\n1\n2\n")
    nbtrack.create_experiment("e")
    assert nbtrack.sql("SELECT sum(a) AS s FROM 'x.csv'").s[0] == 3
    result = CliRunner().invoke(program, ["sql", "SELECT sum(a) AS s FROM read_csv('x.csv')"])
    assert result.exit_code == 0, result.output
    assert "3" in result.output


def test_what_users_have_put_into_their_file_stays_through_a_compaction(workdir, usual):
    (workdir / "x.csv").write_text("a\n1\n")
    extras = [
        "CREATE SCHEMA mine",
        'CREATE TABLE mine."my ""notes""" (run_id VARCHAR PRIMARY KEY, note VARCHAR)',
        'INSERT INTO mine."my ""notes""" VALUES (\'r\', \'good\')',
        "CREATE VIEW files AS FROM read_csv('x.csv')",
        "CREATE MACRO twice(x) AS 2 * x",
    ]
    path = changed(workdir / "nbtrack.duckdb", usual, extras)
    assert nbtrack.search_runs()["tags.mlflow.runName"].tolist() == ["mine"]
    compact(path)
    found = nbtrack.sql('SELECT twice(a) AS b, note FROM files, mine."my ""notes"""')
    assert found.values.tolist() == [[2, "good"]]
    assert nbtrack.sql("SELECT count(*) AS n FROM metrics").n[0] == 50


def test_an_endless_question_is_given_up_and_stops_no_other_store(workdir, usual):
    slow, quick = (open_store(changed(workdir / name / "x.duckdb", usual, [])) for name in "ab")
    problems: list[NbtrackError] = []
    begun = threading.Event()

    def ask() -> None:
        try:
            with time_limits.time_limit(1.0), slow.read() as reader:
                begun.set()
                reader.rows(ENDLESS)
        except NbtrackError as error:
            problems.append(error)

    asking = threading.Thread(target=ask)
    asking.start()
    assert begun.wait(30)
    with quick.read() as reader:
        assert reader.rows("SELECT run_name FROM runs") == [("mine",)]
    asking.join(30)
    assert problems[0].error_code == "TEMPORARILY_UNAVAILABLE"
    assert "takes too long to answer" in str(problems[0])
    with slow.read() as reader:
        assert reader.rows("SELECT run_name FROM runs") == [("mine",)]


def test_who_asks_about_a_busy_file_waits_only_a_moment(workdir, usual, monkeypatch):
    monkeypatch.setattr(time_limits, "BUSY_S", 0.05)
    store = open_store(changed(workdir / "nbtrack.duckdb", usual, []))
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        with database.exclusive(store.path):
            held.set()
            done.wait(30)

    holding = threading.Thread(target=hold)
    holding.start()
    assert held.wait(30)
    with (
        pytest.raises(StoreError, match="takes too long"),
        time_limits.time_limit(5.0),
        store.read(),
    ):
        pass
    done.set()
    holding.join(30)


def flipped(rng: random.Random, usual: bytes) -> bytes:
    data = bytearray(usual)
    for _ in range(rng.choice([1, 1, 2, 10, 500])):
        place = rng.choice([rng.randrange(12288), rng.randrange(len(data))])
        data[place] ^= 1 << rng.randrange(8)
    return bytes(data)


def cut(rng: random.Random, usual: bytes) -> bytes:
    return usual[: rng.choice([0, 1, 8, 4096, 12288, rng.randrange(len(usual))])]


def garbage(rng: random.Random, usual: bytes) -> bytes:
    start = rng.choice([b"", b"SQLite format 3\0", usual[:12], usual[:4096]])
    return start + rng.randbytes(rng.choice([10, 5000, 20000]))


SPECIAL = [
    "folder",
    "pipe",
    "nowhere",
    "circle",
    "wal pipe",
    "wal link",
    "lock link",
    "folder link",
]


def special(rng: random.Random, path: Path, usual: bytes, canary: Path) -> None:
    """Put something that is no file in the place of one."""
    kind = rng.choice(SPECIAL)
    path.write_bytes(usual)
    if kind in ("folder", "pipe", "nowhere", "circle"):
        path.unlink()
    beside = path.with_name(path.name + ".wal")
    match kind:
        case "folder":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "nowhere":
            path.symlink_to(path.parent / "nothing" / "x.duckdb")
        case "circle":
            path.symlink_to(path)
        case "wal pipe":
            os.mkfifo(beside)
        case "wal link":
            beside.symlink_to(canary)
        case "lock link":
            path.with_name(path.name + ".d").mkdir()
            path.with_name(path.name + ".d").joinpath("lock").symlink_to(canary)
        case "folder link":
            path.with_name(path.name + ".d").symlink_to(canary)


ODD_ROWS = [
    "UPDATE runs SET status = 'no such', lifecycle_stage = 'x', end_time = 'infinity'::TIMESTAMP",
    "UPDATE runs SET status = 'RUNNING', host = 'h', pid = -1, process_start = 9223372036854775807",
    "INSERT INTO tags SELECT run_id, repeat('k', 100000), repeat('v', 3000000) FROM runs",
    "INSERT INTO runs SELECT r.* FROM runs r, range(2000)",
    "UPDATE experiments SET artifact_location = '{canary}', name = chr(0) || '<b>'",
    "INSERT INTO series SELECT * FROM series",
    "UPDATE migrations SET version = -5",
    "INSERT INTO migrations VALUES (2000000000, 'x', now()::TIMESTAMP)",
    "CREATE INDEX i ON runs (run_id)",
    "CREATE SCHEMA information_schema2; CREATE SCHEMA system; CREATE TABLE system.runs (x INTEGER)",
    "CREATE VIEW batch AS FROM read_text('{canary}')",
    "CREATE SEQUENCE runs_seq",
]  # fmt: skip


@pytest.mark.slow
def test_two_hundred_damaged_and_hostile_stores(workdir, canary, usual):
    rng = random.Random(20261129)
    statements = [[*s] for s, _ in ATTACKS.values()] + [[s] for s in ODD_ROWS]
    made: list[Path] = []
    for number in range(200):
        path = workdir / ("shown" if number < 20 else "more") / f"s{number}" / "nbtrack.duckdb"
        path.parent.mkdir(parents=True)
        kind = number % 5
        if kind == 4:
            special(rng, path, usual, canary)
        elif kind == 3:
            chosen = rng.sample(statements, rng.choice([1, 1, 2]))
            with contextlib.suppress(duckdb.Error):  # two that do not go together
                changed(path, usual, [s.format(canary=canary) for part in chosen for s in part])
        else:
            path.write_bytes((flipped, cut, garbage)[kind](rng, usual))
        made.append(path)
    changed(workdir / "good.duckdb", usual, [])
    seen = []
    for path in made:
        try:
            look, _, write = uses(path)
        except NbtrackError as error:
            seen.append(str(error))
            continue
        for use in (look, write) if number % 5 > 2 else (look,):
            try:
                seen.append(str(use()))
            except NbtrackError as error:
                seen.append(str(error))
    assert SECRET not in str(seen)
    assert canary.read_text() == SECRET
    listing = Catalog(workdir / "shown").listing()
    assert len(listing) > 15
    assert SECRET not in str(listing)
    nbtrack.set_tracking_uri(workdir / "good.duckdb")
    assert nbtrack.search_runs()["tags.mlflow.runName"].tolist() == ["mine"]
