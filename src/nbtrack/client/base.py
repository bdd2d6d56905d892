"""What every part of the client needs: the store, and the writers of runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbtrack.store.opening import open_store
from nbtrack.store.store import Store
from nbtrack.tracking import context
from nbtrack.validation import check_run_id

if TYPE_CHECKING:
    from nbtrack.store.writer import RunWriter


class ClientBase:
    """Knows its store: the one that was tracked to when it was made, or another."""

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ) -> None:
        self._is_given = tracking_uri is not None
        # what it works on is settled now: neither chdir nor set_tracking_uri changes it
        self._store = context.store() if tracking_uri is None else open_store(tracking_uri)
        if registry_uri is not None:
            self._registry = open_store(registry_uri)
        else:
            self._registry = context.registry() if tracking_uri is None else self._store

    def _store_of(self, run_id: str) -> Store:
        """Return the store of a run: that of the client, or of a run that is open here."""
        return self._store if self._is_given else context.store_of(run_id, self._store)

    def _store_of_model(self, model_id: str) -> Store:
        return self._store if self._is_given else context.store_of_model(model_id, self._store)

    def _writer(self, run_id: str) -> RunWriter:
        return self._store_of(run_id).writer(check_run_id(run_id))

    @property
    def tracking_uri(self) -> str:
        """The store's URI."""
        return self._store.uri
