"""Keeps a team's store small and quick, in short steps under its lock: others fold in between.

Never done here: flushing inlined data and CHECKPOINT, which break who is attached.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any

from nbtrack.store.database import Rewritten
from nbtrack.store.queries import SQL
from nbtrack.store.team.coordination import SCHEMA
from nbtrack.store.team.spool import sign_of

if TYPE_CHECKING:
    import duckdb

    from nbtrack.store.reader import Reader
    from nbtrack.store.team.coordination import Coordination

    Step = Callable[[], AbstractContextManager[duckdb.DuckDBPyConnection]]
    Change = Callable[[], AbstractContextManager[Reader]]

DAY_S = 86_400.0
EXPIRE_S, CLEAN_UP_S = DAY_S, 2 * DAY_S
"""How old a state of the database gets, and for how long a file is kept that no state has."""
ORPHANS_S = 7 * DAY_S
"""How old a file of data is that the catalog does not know and that no commit can be about."""
FORGET_DAYS = 30.0
MERGE_AT = 500
"""So many small files more than after the last merge make reading slow: 23 to 154 ms at 4,800."""
SMALL_BYTES = 16_000_000
MERGING_S = 600
DELETED_SHARE = 0.25
COMPACTED, MERGING, LEFT = "compacted", "merging", "small_files_left"

_LIVE = f"""
SELECT t.table_name, count(f.data_file_id),
       count(f.data_file_id) FILTER (WHERE f.file_size_bytes < {SMALL_BYTES}),
       coalesce(sum(f.file_size_bytes), 0)::bigint, count(d.data_file_id)
FROM {SCHEMA}.ducklake_table t
LEFT JOIN {SCHEMA}.ducklake_data_file f ON f.table_id = t.table_id AND f.end_snapshot IS NULL
LEFT JOIN (SELECT DISTINCT data_file_id FROM {SCHEMA}.ducklake_delete_file
           WHERE end_snapshot IS NULL) d ON d.data_file_id = f.data_file_id
WHERE t.end_snapshot IS NULL GROUP BY 1 ORDER BY 4 DESC, 1
"""  # noqa: S608
# who gets it merges; it ends by itself, so that nothing is left of one that has died
_CLAIM = f"""
INSERT INTO {SCHEMA}.settings VALUES ('{MERGING}', extract(epoch FROM now())::text)
ON CONFLICT (key) DO UPDATE SET value = excluded.value
WHERE settings.value::float8 < extract(epoch FROM now()) - {MERGING_S} RETURNING 1
"""  # noqa: S608
_NOW = "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI')"


class Upkeep:
    """What is done to the lake of a team so that it stays quick.

    Parameters
    ----------
    coordination : Coordination
    step : callable
        Gives a connection to the lake, under the team's lock; statements commit one by one.
    change : callable
        Gives a reader in one transaction, under that lock: ``TeamStore.write``.
    """

    def __init__(self, coordination: Coordination, step: Step, change: Change) -> None:
        self._coordination = coordination
        self._step = step
        self._change = change

    def tables(self) -> list[tuple[str, int, int, int, int]]:
        """Return name, files, small files, bytes, and files with deleted rows of each table."""
        return [tuple(row) for row in self._coordination.ask(_LIVE)]

    def small_files(self) -> int:
        """Return how many small files there are now."""
        return sum(small for _, _, small, _, _ in self.tables())

    def merge_if_due(self) -> int:
        """Merge small files when there are many new ones and nobody else does; return how many."""
        left = int(self._coordination.settings().get(LEFT, "0"))
        if self.small_files() - left < MERGE_AT or not self._coordination.ask(_CLAIM):
            return 0
        return self._merge()

    def compact(self) -> Rewritten:
        """Merge and rewrite files, drop old states of the database, and files that nobody needs."""
        before = self._bytes()
        self._forget_silent()
        for table, _, _, _, with_deletes in self.tables():
            if with_deletes:
                self._do("team.rewrite_files", table=table, share=DELETED_SHARE)
        merged = self._merge()
        states = self._do("team.expire_snapshots", seconds=EXPIRE_S)
        files = self._do("team.clean_up_files", seconds=CLEAN_UP_S)
        files += self._do("team.remove_orphans", seconds=ORPHANS_S)
        self._coordination.keep_setting(COMPACTED, self._coordination.ask(_NOW)[0][0])
        return Rewritten(before - self._bytes(), merged, states, files)

    def _bytes(self) -> int:
        return sum(size for _, _, _, size, _ in self.tables())

    def _merge(self) -> int:
        merged = 0
        for table, _, small, _, _ in self.tables():
            for _ in range(small // 2):
                with self._step() as connection:
                    found = _row(connection, "team.merge_files", table=table)
                merged += found[0]
                if found[0] <= found[1]:  # nothing was left, or nothing came of it
                    break
        self._coordination.keep_setting(LEFT, str(self.small_files()))
        return merged

    def _do(self, name: str, **values: Any) -> int:
        with self._step() as connection:
            return _row(connection, name, **values)[0]

    def _forget_silent(self) -> None:
        """Forget journals of machines that are gone, whose runs have ended, and old heartbeats."""
        seen = self._coordination.silence()
        with self._step() as connection:
            spools = [spool for (spool,) in connection.execute(SQL["team.spools"]).fetchall()]
        new = [sign_of(spool) for spool in spools if sign_of(spool) not in seen]
        if new:  # of older versions: their days are counted from now on
            self._coordination.beat(new)
        gone = [each for each in spools if seen.get(sign_of(each), 0.0) > FORGET_DAYS * DAY_S]
        if gone:
            with self._change() as reader:
                reader.named("team.forget_journals", spools=gone)
                reader.named("team.forget_series_numbers", spools=gone)
        self._coordination.forget_heartbeats(2 * FORGET_DAYS)


def _row(connection: duckdb.DuckDBPyConnection, name: str, **values: Any) -> tuple[int, ...]:
    # all of them: what is not read to its end is not committed
    rows = connection.execute(SQL[name], values).fetchall()
    return tuple(int(each) for each in rows[0])
