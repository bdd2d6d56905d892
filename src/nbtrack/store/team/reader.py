"""A connection to the lake of a team that looks at one consistent state of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.store import journal_reader
from nbtrack.store.reader import Reader

if TYPE_CHECKING:
    import duckdb

    from nbtrack.store.artifacts.access import ArtifactAccess
    from nbtrack.store.team.coordination import Coordination


class TeamReader(Reader):
    """Runs SQL on the lake; signs of life come from the whole team.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
    folder : Path
        The folder of this machine's journals and lock.
    access : ArtifactAccess, optional
    spool : str
        Tells this machine's journals from those of others.
    coordination : Coordination
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        folder: Path,
        access: ArtifactAccess | None,
        spool: str,
        coordination: Coordination,
    ) -> None:
        super().__init__(connection, folder, access)
        self.spool = spool
        self._coordination = coordination
        self._silence: dict[str, float] | None = None

    def idle_seconds(self, run_id: str) -> float:
        """Return the seconds since any process last gave a sign of life of a run."""
        if any((self.folder / "journal").glob(f"{run_id}.*")):
            return journal_reader.idle_seconds(self.folder / "journal", run_id)
        if self._silence is None:
            self._silence = self._coordination.silence()
        return self._silence.get(run_id, float("inf"))

    def announce(self) -> None:
        """Let a change be refused that is made at the same time, by who has lost the lock.

        The catalog refuses one of two transactions that change the same table, but for those that
        only add rows. A fold that takes away the rows of its journals is refused by any other.
        """
        self.named("team.touch_guard")

    def commit(self) -> None:
        """End the transaction, if the lock is still held; it is not waited for here."""
        self._coordination.check_held()
        super().commit()
