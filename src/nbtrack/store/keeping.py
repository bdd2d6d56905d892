"""The part of a store that is made, and kept small."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import InvalidParameterError
from nbtrack.store.background import Background

if TYPE_CHECKING:
    from nbtrack.store.creation import NewStore, StoreReport
    from nbtrack.store.database import Rewritten
    from nbtrack.store.reader import Reader


class Keeping(Background):
    """What stores differ in when they are made and compacted; here as a file does it.

    Attributes
    ----------
    purge_at_once : int or None
        How many deleted runs go in one transaction; None for all.
    """

    purge_at_once: int | None = None
    uri: str
    artifacts: Path

    def write(self) -> contextlib.AbstractContextManager[Reader]:
        """Change the database in one transaction."""
        raise NotImplementedError

    def locked_for_writing(self) -> contextlib.AbstractContextManager[None]:
        """Keep every other process away from the database while several steps are done."""
        raise NotImplementedError

    def make(self, how: NewStore) -> StoreReport:
        """Make the store where it is not, and say how it was made."""
        from nbtrack.store.creation import StoreReport
        from nbtrack.store.inspection import schema_version, table_count

        if how.is_for_team:
            raise InvalidParameterError(
                f"{self.uri} is a file, which has its data in itself. A place of data and roles "
                "are for a team's store: postgresql://user@host/database."
            )
        is_new = not self.path.exists()
        with self.write() as reader:
            versions = {"schema": str(schema_version(reader))}
            tables = table_count(reader)
        place = getattr(self, "artifact_root", None) or str(self.artifacts)
        return StoreReport(self.uri, is_new, str(self.path), place, versions, tables=tables)

    def maintained(self) -> contextlib.AbstractContextManager[None]:
        """Keep others away, as far as it must be, while the store is compacted."""
        return self.locked_for_writing()

    def rewrite(self) -> Rewritten:
        """Write the database anew, small and sorted, under the lock."""
        from nbtrack.store import database

        return database.rewrite(self.path)

    def check_keeps_runs(self) -> None:
        """Raise unless the store itself removes for good what was deleted.

        Raises
        ------
        InvalidParameterError
            If that is a server's to do.
        """
