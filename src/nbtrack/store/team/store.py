"""A team's store: journals on this machine, which are folded into a DuckLake."""

from __future__ import annotations

import contextlib
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from nbtrack.config import keep_private
from nbtrack.errors import (
    DiskFullError,
    NbtrackError,
    ServerUnreachableError,
    StoreLockedError,
    StoreReadOnlyError,
)
from nbtrack.store import journal_reader, time_limits
from nbtrack.store.journal import RECORD_SIZE
from nbtrack.store.journal_reader import Sizes
from nbtrack.store.lock import hold_lock
from nbtrack.store.reader import Reader
from nbtrack.store.store import WAIT_S
from nbtrack.store.team.coordination import SCHEMA
from nbtrack.store.team.places import PlacedStore
from nbtrack.store.team.reader import TeamReader
from nbtrack.store.team.spool import folded, note, note_folded, sign_of

if TYPE_CHECKING:
    import duckdb

    from nbtrack.config import StoreLocation
    from nbtrack.store.creation import NewStore, StoreReport
    from nbtrack.store.database import Rewritten
    from nbtrack.store.fold import FoldReport
    from nbtrack.store.journal import Journal
    from nbtrack.store.team.inspection import TeamInspection
    from nbtrack.store.team.lake import Lake
    from nbtrack.store.team.upkeep import Upkeep

FOLD_EVERY_S = 2.0
_REST_S = 1.0
_READ_S = 5.0
_DEAD_EVERY_S = 20.0
_LOOK_EVERY_S = 1.0
_TIDY_EVERY_S = 60.0
_END_S = 10.0
_TURN_S = 60.0


class _Reading(threading.local):
    """What a thread looks at."""

    reader: Reader | None = None


class TeamStore(PlacedStore):
    """A store whose database is a DuckLake; get it with ``open_store("postgresql://...")``.

    What runs log goes to journals on this machine, at the same cost and as safely as with a
    file. All processes of a user on a machine share them: whichever folds takes what the others
    have logged along, so that the catalog sees one writer for each machine.

    Parameters
    ----------
    location : StoreLocation
        With the address of the team's database.
    lake : Lake

    Attributes
    ----------
    address : PostgresAddress
    coordination : Coordination
    lake : Lake
    """

    is_shared = True
    purge_at_once = 200

    def __init__(self, location: StoreLocation, lake: Lake) -> None:
        self.connect(lake)
        self._reading = _Reading()
        super().__init__(location)
        self._last_fold_s = 0.0
        self._looked_for_dead = -_DEAD_EVERY_S
        self._shown: set[str] = set()
        self._state = (0, 0)
        self._looked = -_LOOK_EVERY_S
        self._ends = self._is_stuck = False
        self._tidied = -_TIDY_EVERY_S

    def __repr__(self) -> str:
        return f"TeamStore({self.uri!r})"

    _patience_s = WAIT_S
    _rest_s = _END_S

    # -- writing what runs log -----------------------------------------------------------------

    def journal(self, run_id: str) -> Journal:
        """Return this process's journal of a run, opened where it is not."""
        if not self.folder.exists():
            note(self.folder, self.uri)
            keep_private(self.path.parent)
        return super().journal(run_id)

    @property
    def fold_every_s(self) -> float:
        """From the begin of a fold to that of the next one; what waits is folded all at once."""
        return max(FOLD_EVERY_S - self._last_fold_s, _REST_S)

    def _show_life(self, ids: Sequence[str]) -> None:
        if ids:
            with contextlib.suppress(NbtrackError):  # the fold says it
                self.coordination.beat(ids)

    def _fold_now(self, writable: bool) -> int:
        note(self.folder, self.uri)
        total = super()._fold_now(writable)
        note_folded(self.folder, self._folded)
        return total

    def _fold_if_behind(self, timeout_s: float) -> None:
        """Fold what the journals of this machine hold by now, unless somebody else has done it.

        All processes of the machine wait for the same lock: whoever gets it folds for all.
        """
        wanted = journal_reader.sizes(self.journals)
        if not self._lacks(wanted):
            return
        if self.coordination.is_held:
            self._fold_now(writable=True)
            return
        start = time.monotonic()
        with hold_lock(self.folder, timeout_s) as writable:
            if self._lacks(wanted):
                self.lake.open()  # what can be done before the others are kept waiting
                waited = time.monotonic() - start
                with self.coordination.locked(max(timeout_s - waited, 1.0)):
                    self._fold_now(writable)
        self._last_fold_s = time.monotonic() - start

    def _lacks(self, wanted: Sizes) -> bool:
        """Return whether something of what the journals held is not in the database."""
        done, _ = folded(self.folder)
        left = wanted.keys() & journal_reader.sizes(self.journals).keys()  # others are done
        return any(
            wanted[name][0] > done.get(name, (0, 0))[0]
            or wanted[name][1] - done.get(name, (0, 0))[1] >= RECORD_SIZE
            for name in left
        ) or any(name not in done for name in left)

    def _is_behind(self) -> bool:
        return self._lacks(journal_reader.sizes(self.journals))

    def fold_quietly(self) -> None:
        """Fold what there is, unless that was done a moment ago for all of this machine."""
        if self._ends and self._is_stuck:
            return
        if self._ends or not 0 <= folded(self.folder)[1] < FOLD_EVERY_S / 2:
            super().fold_quietly()

    def _fold_into(self, reader: Reader) -> FoldReport:
        from nbtrack.store.fold import fold

        now = time.monotonic()
        present = {name.partition(".")[0] for name in journal_reader.sizes(self.journals)}
        self._show_life(sorted(present - self._shown))  # else a new run would look silent
        self._shown = present
        due = now - self._looked_for_dead >= _DEAD_EVERY_S
        if due:
            self._looked_for_dead = now
        return fold(reader, self.journals, look_for_dead=due)

    def _file(self) -> tuple[int, int]:
        return 0, 0  # nobody puts another catalog in its place

    def _has_dead(self, reader: Reader) -> bool:
        return False  # the folds look for them, now and then

    # -- reading and writing the database ------------------------------------------------------

    @contextlib.contextmanager
    def read(self, *, files: bool = False) -> Iterator[Reader]:
        """Look at the store with everything that this machine has logged so far.

        What others have logged is there when they have folded it, within seconds. Threads read at
        the same time: what one of them waits for, mostly the network, is no reason to keep the
        others. See `Store.read`.
        """
        self.writers.flush()
        self.restore_journals()
        if self._reading.reader is None and not self.coordination.is_held:
            self._catch_up()
        with self._read_as_it_is(files) as reader:
            yield reader

    def look(self) -> contextlib.AbstractContextManager[Reader]:
        """Look at what no journal has: nothing is waited for, and nothing folded."""
        return self._read_as_it_is(files=False)

    @contextlib.contextmanager
    def _read_as_it_is(self, files: bool) -> Iterator[Reader]:
        if self._reading.reader is not None:
            yield self._reading.reader
            return
        with contextlib.ExitStack() as stack:
            self._reading.reader = self._attach(stack, files=files)
            try:
                yield self._reading.reader
            finally:
                self._reading.reader = None

    def _catch_up(self) -> None:
        """Fold what waits on this machine, unless somebody else has done so meanwhile."""
        try:
            self._fold_if_behind(_READ_S)
        except (StoreLockedError, StoreReadOnlyError, DiskFullError) as error:
            self.warn_once(
                f"What was logged in the last seconds is not shown yet. {error}",
                kind="reading while others write",
            )

    def _attach(
        self, stack: contextlib.ExitStack, *, read_only: bool = True, files: bool = False
    ) -> Reader:
        connection = stack.enter_context(self.lake.connection(read_only=read_only, files=files))
        spool = note(self.folder, self.uri, self.lake.data_path).id
        return TeamReader(connection, self.folder, self.access, f"{spool}/", self.coordination)

    @contextlib.contextmanager
    def write(self) -> Iterator[Reader]:
        """Change the database in one transaction, under the team's lock.

        Raises
        ------
        StoreLockedError
            If others have the lock, or it was lost: then nothing is changed.
        ServerUnreachableError, ServerDeniedError, StoreError
        """
        self.writers.flush()
        self.restore_journals()
        self.lake.open()
        with contextlib.ExitStack() as stack:
            writable = stack.enter_context(self._locked())
            if self._is_behind():
                self._fold_now(writable)
            reader = self._attach(stack, read_only=False)
            reader.connection.execute("BEGIN")
            reader.announce()
            yield reader
            reader.commit()

    @contextlib.contextmanager
    def _locked(self, timeout_s: float = WAIT_S) -> Iterator[bool]:
        if self.coordination.is_held:
            yield True
            return
        with hold_lock(self.folder, timeout_s) as writable, self.coordination.locked(timeout_s):
            yield writable

    # -- making it, and keeping it quick ---------------------------------------------------

    def make(self, how: NewStore) -> StoreReport:
        """Make the store where it is not, share it with roles, and say how it was made."""
        from nbtrack.store.team.rights import check_data, give

        if how.data_path is not None:
            self.lake.want(how.data_path)
        check_data(self.lake.data_path)  # the catalog remembers the place for good
        is_new = self.lake.prepare()
        give(self.coordination, how.writers, how.readers)
        return self.inspection().report(how, is_new=is_new)

    def inspection(self) -> TeamInspection:
        """Return what looks at the store, and changes nothing."""
        from nbtrack.store.team.inspection import TeamInspection

        return TeamInspection(self.lake, self.upkeep, self._attach)

    @property
    def upkeep(self) -> Upkeep:
        """What keeps the lake small, in short steps."""
        from nbtrack.store.team.upkeep import Upkeep

        return Upkeep(self.coordination, self._step, self.write)

    @contextlib.contextmanager
    def _step(self) -> Iterator[duckdb.DuckDBPyConnection]:
        self.lake.open()  # what can be done before the others are kept waiting
        # PostgreSQL gives its lock in turn; that of the journals would be taken from who folds
        with (
            self.coordination.locked(WAIT_S),
            self.lake.connection(read_only=False, files=False) as connection,
        ):
            yield connection

    def maintained(self) -> contextlib.AbstractContextManager[None]:
        """Keep nobody away: each step takes the lock for itself."""
        return contextlib.nullcontext()

    def rewrite(self) -> Rewritten:
        """Merge files, and remove what nobody needs, while others go on."""
        note(self.folder, self.uri)
        return self.upkeep.compact()

    def _work_in_background(self) -> None:
        super()._work_in_background()
        now = time.monotonic()
        if now - self._tidied >= _TIDY_EVERY_S:
            self._tidied = now
            with contextlib.suppress(NbtrackError):  # the folds say it
                self.coordination.beat([sign_of(note(self.folder, self.uri).id)])
                self.upkeep.merge_if_due()

    def database_state(self) -> tuple[int, int]:
        """Return the number of the last change of the database, asked for now and then."""
        now = time.monotonic()
        if now - self._looked >= _LOOK_EVERY_S:
            self._looked = now
            with contextlib.suppress(NbtrackError):
                sql = f"SELECT max(snapshot_id), count(*) FROM {SCHEMA}.ducklake_snapshot"  # noqa: S608
                self._state = tuple(self.coordination.ask(sql)[0])
        return self._state

    # -- the process ---------------------------------------------------------------------------

    def rest(self) -> None:
        """Stop the background thread, unless it waits in a queue that is too long."""
        thread = self._folder_thread
        super().rest()
        self._is_stuck = thread is not None and thread.is_alive()

    def close(self) -> None:
        """Fold what is left, if the store answers; else say where it waits."""
        self._ends = True
        try:
            with time_limits.time_limit(_END_S):
                super().close()
            self._wait_for_turn(time.monotonic() + _TURN_S)
        finally:
            self._ends = False
            if self.folder.exists() and self._is_behind():
                sys.stderr.write(
                    f"nbtrack: not all that was logged has reached {self.uri} yet. It is kept in "
                    f"{self.folder}; `nbtrack sync --uri {self.uri}` or the next process that "
                    "tracks there moves it in.\n"
                )
            if not self._is_stuck:
                self.lake.close()
            self.coordination.abandon()

    def _wait_for_turn(self, until: float) -> None:
        """Wait for the others who write, as long as the server answers.

        What is left in a container is lost with its disk, and a queue of others comes to an end.
        """
        said = False
        while self.folder.exists() and self._is_behind() and time.monotonic() < until:
            if not said:
                said = True
                sys.stderr.write(
                    f"nbtrack: others write to {self.uri}; what this process has logged follows "
                    f"within {_TURN_S:.0f} s, or is kept in {self.folder} ...\n"
                )
            if not self.coordination.answers():
                return
            try:
                with time_limits.time_limit(max(1.0, until - time.monotonic())):
                    self.fold(timeout_s=_END_S)
            except StoreLockedError:
                continue
            except ServerUnreachableError:  # it has just come back, and answers
                time.sleep(0.5)
            except NbtrackError:  # said by the fold that was tried before
                return

    def _after_fork(self) -> None:
        super()._after_fork()
        self._reading = _Reading()
        self._ends = self._is_stuck = False
