"""A user's SQL over a tracking server: what it looks at is fetched first, however it is written."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
from nbtrack.protocol import endpoints
from nbtrack.protocol.client import RestClient
from nbtrack.store import opening as stores
from nbtrack.store.opening import open_store
from nbtrack.store.store import Store
from tracking_servers import TrackingServer

RUNS, KEYS, POINTS = 4, 3, 2


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    found = TrackingServer(tmp_path_factory.mktemp("server")).start()
    rest = RestClient(found.url)
    for number in range(RUNS):
        made = rest.call(endpoints.CREATE_RUN, {"experiment_id": "0", "run_name": f"run {number}"})
        run_id = made["run"]["info"]["run_id"]
        points = [
            {"key": f"m{key}", "value": step, "timestamp": 1000 + step, "step": step}
            for key in range(KEYS)
            for step in range(POINTS)
        ]
        params = [{"key": "p", "value": str(number)}]
        rest.call(endpoints.LOG_BATCH, {"run_id": run_id, "metrics": points, "params": params})
    yield found
    found.stop()


@pytest.fixture
def mirror(server, workdir: Path, monkeypatch) -> Store:
    """A mirror that knows nothing yet."""
    monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(workdir / "mirrors"))
    nbtrack.set_tracking_uri(server.url)
    return open_store(server.url)


@pytest.fixture
def calls(mirror, monkeypatch) -> list[str]:
    found: list[str] = []
    call = RestClient.call

    def counted(self, endpoint, fields, **options):
        found.append(endpoint.path)
        return call(self, endpoint, fields, **options)

    monkeypatch.setattr(RestClient, "call", counted)
    return found


COUNTS = {
    "FROM runs": "SELECT count(*) AS n FROM runs",
    "qualified": "SELECT count(*) AS n FROM store.runs",
    "fully qualified": 'SELECT count(*) AS n FROM store.main."RUNS"',
    "comment": "SELECT count(*) AS n FROM /* all */ runs",
    "line comment": "SELECT count(*) AS n FROM -- these\n runs",
    "text": "SELECT count(*) AS n FROM 'runs'",
    "quotes": 'SELECT count(*) AS n FROM"runs"',
    "shorthand": "FROM/**/runs SELECT count(*) AS n",
    "table": "SELECT count(*) AS n FROM (TABLE/**/runs)",
    "subquery": "SELECT (SELECT count(*) FROM store.runs) AS n",
    "with": "WITH a AS (FROM store.runs) SELECT count(*) AS n FROM a",
    "union": "SELECT count(*) AS n FROM (SELECT 1 WHERE false UNION ALL SELECT 1 FROM store.runs)",
    "comma": "SELECT count(*) AS n FROM range(1) ,/**/runs",
    "exists": f"SELECT count(*) FILTER (EXISTS (FROM store.runs)) * {RUNS} AS n FROM range(1)",
    "summarize": "SELECT max(count) AS n FROM (SUMMARIZE store.runs)",
    "query": "SELECT count(*) AS n FROM query('FROM store.runs')",
    "query_table": "SELECT count(*) AS n FROM query_table('runs')",
    "pivot": "PIVOT (SELECT 'a' AS x, 1 AS y FROM store.runs) ON x USING sum(y)",
    "statements": "SELECT 1; SELECT count(*) AS n FROM store.runs",
    "macro": "CREATE OR REPLACE TEMP MACRO every() AS TABLE FROM store.runs; "
    "SELECT count(*) AS n FROM every()",
    "view": "CREATE OR REPLACE TEMP VIEW v AS FROM store.runs; SELECT count(*) AS n FROM v",
    "params": "SELECT count(*) AS n FROM store.params",
    "latest": f"SELECT count(*) // {KEYS} AS n FROM store.latest",
    "metrics": f"SELECT count(*) // {KEYS * POINTS} AS n FROM store.metrics",
    "points": f"SELECT count(*) // {KEYS * POINTS} AS n FROM store.points",
}


@pytest.mark.parametrize("form", COUNTS)
def test_every_way_to_name_a_table_is_seen(mirror, form):
    found = nbtrack.sql(COUNTS[form])
    assert found[found.columns[0]].iloc[0] == RUNS


def test_views_and_macros_of_an_earlier_query_are_seen(mirror):
    nbtrack.sql("CREATE OR REPLACE TEMP VIEW seen AS FROM store.runs")
    nbtrack.sql("CREATE OR REPLACE TEMP MACRO c() AS (SELECT count(*) FROM seen)")
    mirror.remote.refresher.rewrite_all()
    assert nbtrack.sql("SELECT count(*) AS n FROM seen").n[0] == RUNS
    mirror.remote.refresher.rewrite_all()
    assert nbtrack.sql("SELECT c() AS n").n[0] == RUNS


RUN = "(SELECT run_id FROM runs ORDER BY run_name LIMIT 1)"
CURVES = {
    "one curve": ("FROM metrics WHERE run_id = '{a}' AND key = 'm1'", 1, 1),
    "one run": ("FROM metrics WHERE run_id = '{a}'", 1, KEYS),
    "two runs": ("FROM metrics WHERE run_id IN ('{a}', '{b}') AND key = 'm0'", 2, 2),
    "joined": ("FROM metrics JOIN runs USING (run_id) WHERE runs.run_id = '{a}'", 1, KEYS),
    "in a CTE": ("WITH m AS (FROM metrics) FROM m WHERE run_id = '{a}' AND key = 'm2'", 1, 1),
    "both sides": (
        "FROM metrics WHERE run_id = '{a}' AND key = 'm0' UNION FROM metrics WHERE run_id = '{b}'",
        2,
        2 * KEYS,
    ),
    "one key": ("FROM metrics WHERE key = 'm0'", RUNS, RUNS),
    "by another table": (f"FROM metrics WHERE run_id = {RUN}", 1, RUNS * KEYS),
    "a variable": ("FROM metrics WHERE run_id = coalesce(getvariable('v'), '{a}')", 1, KEYS),
    "or": ("FROM metrics WHERE run_id = '{a}' OR step < 0", 1, RUNS * KEYS),
    "not": ("FROM metrics WHERE run_id != '{a}'", RUNS - 1, RUNS * KEYS),
    "a half": ("FROM metrics WHERE run_id = '{a}' UNION ALL FROM metrics", RUNS, RUNS * KEYS),
    "the view itself": ("FROM store.metrics WHERE run_id = '{a}'", 1, RUNS * KEYS),
    "a wish": ("FROM metrics WHERE key = 'x\n(run_id = ''{a}'')\n' OR true", RUNS, RUNS * KEYS),
}


@pytest.mark.parametrize("form", CURVES)
def test_a_curve_fetches_the_histories_that_can_matter(mirror, calls, form):
    query, runs, histories = CURVES[form]
    ids = nbtrack.sql("SELECT run_id FROM runs ORDER BY run_name").run_id
    assert calls.count(endpoints.GET_HISTORY.path) == 0
    found = nbtrack.sql(query.format(a=ids[0], b=ids[1]))
    assert found.run_id.nunique() == runs
    assert found.groupby(["run_id", "key"]).size().eq(POINTS).all() or "UNION" in query
    assert calls.count(endpoints.GET_HISTORY.path) == histories
    assert len(calls) <= histories + 8


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
@pytest.mark.parametrize("chosen", [False, True])
def test_a_mirror_is_for_its_user_alone(server, workdir, monkeypatch, chosen):
    state = workdir / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))
    root = workdir / "chosen" if chosen else state / "nbtrack" / "remote"
    if chosen:
        monkeypatch.setenv("NBTRACK_REMOTE_DIR", str(root))
    before = os.umask(0)
    try:
        for _ in range(2):
            nbtrack.set_tracking_uri(server.url)
            mirror = open_store(server.url)
            with nbtrack.start_run() as run:
                nbtrack.log_metric("m", 1)
                nbtrack.log_text("text", "text.txt")
            run.fetch()
            assert stat.S_IMODE(mirror.path.parent.stat().st_mode) == 0o700
            mirror.close()
            places = [mirror.path.parent, *mirror.path.parent.rglob("*")]
            places += [] if chosen else [state / "nbtrack", root]
            assert [p for p in places if p.stat().st_mode & 0o077] == []
            for place in places:  # as an earlier version has left them
                place.chmod(0o777 if place.is_dir() else 0o666)
            del stores._stores[mirror.path]
    finally:
        os.umask(before)
