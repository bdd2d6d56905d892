"""What every part of the client needs: the store, and the writers of runs."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from nbtrack.limits import check_run_id
from nbtrack.store.store import Store, open_store

if TYPE_CHECKING:
    from nbtrack.store.writer import RunWriter


class ClientBase:
    """Knows the store that the client works on."""

    def __init__(
        self,
        tracking_uri: str | os.PathLike[str] | None = None,
        registry_uri: str | None = None,
        workspace_store_uri: str | None = None,
    ) -> None:
        self._uri = tracking_uri
        self._registry_uri = registry_uri
        for uri in (tracking_uri, registry_uri):
            if uri is not None:
                open_store(uri)  # an error now is better than at the first use

    @property
    def _store(self) -> Store:
        if self._uri is not None:
            return open_store(self._uri)
        from nbtrack.tracking import context

        return context.store()

    @property
    def _registry(self) -> Store:
        if self._registry_uri is not None:
            return open_store(self._registry_uri)
        if self._uri is not None:
            return self._store
        from nbtrack.tracking import context

        return context.registry()

    def _writer(self, run_id: str) -> RunWriter:
        return self._store.writer(check_run_id(run_id))

    @property
    def tracking_uri(self) -> str:
        """The store's URI."""
        return self._store.uri
