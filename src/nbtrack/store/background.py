"""The background thread of a store: it folds, touches and restores its journals."""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Sequence

from nbtrack.errors import StoreError, warn
from nbtrack.store.folding import Folding
from nbtrack.store.journal import Journal
from nbtrack.store.process_exit import ProcessExit
from nbtrack.store.writers import Writers

FOLD_EVERY_S = 1.0


class Background(Folding):
    """The part of a store that works in a thread of its own; the thread survives everything."""

    writers: Writers
    is_shared: bool
    _open_journals: dict[str, Journal]
    _guard: threading.Lock
    _folder_thread: threading.Thread | None
    _wake: threading.Event
    _stop: bool
    _beat: float
    _said: set[str]
    _pid: int

    @property
    def fold_every_s(self) -> float:
        """How long the thread waits from fold to fold."""
        return FOLD_EVERY_S

    def _start_folding(self) -> None:
        thread = self._folder_thread
        if ProcessExit.has_begun:
            return
        if (thread is None or not thread.is_alive()) and self._pid == os.getpid():
            self._folder_thread = threading.Thread(
                target=self._fold_in_turn, name="nbtrack-fold", daemon=True
            )
            self._folder_thread.start()

    def _fold_in_turn(self) -> None:
        self._beat = 0.0
        while not self._stop:
            self._wake.wait(self.fold_every_s)
            self._wake.clear()
            if self._stop:
                return
            try:
                self._work_in_background()
            except Exception as error:  # noqa: BLE001  the thread goes on, whatever happens
                self.warn_once(
                    f"nbtrack could not do its work in the background just now: {error!r}",
                    kind=f"background {type(error).__name__}",
                )

    def _work_in_background(self) -> None:
        from nbtrack.store.owner import HEARTBEAT_S

        self.writers.settle()
        self.restore_journals()
        with self._guard:
            journals = list(self._open_journals.values())
        for journal in journals:
            journal.flush()
        self._beat += self.fold_every_s
        if self._beat >= HEARTBEAT_S:
            self._beat = 0.0
            for journal in journals:
                with contextlib.suppress(OSError):  # of a file that is gone
                    journal.touch()
            self._show_life([journal.run_id for journal in journals])
        self.fold_quietly()

    def _show_life(self, ids: Sequence[str]) -> None:
        """Tell others, who do not see the journals, that these runs and models are written."""

    def restore_journals(self) -> None:
        """Write the journals again that somebody has deleted, while they are open here."""
        restored = []
        for run_id, journal in list(self._open_journals.items()):
            try:
                if journal.restore():
                    restored.append(run_id)
            except StoreError as error:
                self.warn_once(
                    f"The journal of run {run_id} in {self.journals} was deleted, and cannot be "
                    f"written again yet: {error} It is tried again until the run ends; what the "
                    "run logs is lost if this process ends before.",
                    kind=f"deleted {run_id}",
                )
        if restored:
            gone = (
                ""
                if self.is_shared or self.path.exists()
                else f" The database {self.path} is made anew, too."
            )
            self.warn_once(
                f"The journal of run {', '.join(restored)} in {self.journals} was deleted. It was "
                f"written again: nothing that this process has logged to it is lost.{gone}"
            )

    def warn_once(self, message: str, kind: str | None = None) -> None:
        """Warn the user once about something that happened in the background.

        Parameters
        ----------
        message : str
        kind : str, optional
            What is said once, whatever its words are each time; by default the message.
        """
        kind = message if kind is None else kind
        if kind not in self._said:
            self._said.add(kind)
            warn(message)
