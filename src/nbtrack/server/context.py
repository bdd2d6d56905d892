"""What the endpoints serve: the stores that were found, who watches them, what is tracked to."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from nbtrack.server.catalog import Catalog
from nbtrack.server.messages import Request, Route
from nbtrack.server.mlflow.service import TrackingService
from nbtrack.server.slow_clients import SlowClientWatch
from nbtrack.server.store_events import Subscriptions

MAX_UPLOADS = 16
MAX_WRITERS = 4


def _threads(count: int, name: str) -> Callable[[], ThreadPoolExecutor]:
    return lambda: ThreadPoolExecutor(count, thread_name_prefix=f"nbtrack-{name}")


@dataclass
class ServerContext:
    """What one server has.

    Attributes
    ----------
    catalog : Catalog
        Its stores.
    subscriptions : Subscriptions
        The stores that somebody looks at now.
    open_service : callable
        Opens the store that clients of MLflow track to, when the first one asks.
    slow_clients : SlowClientWatch
        How slow its clients may be.
    uploads : ThreadPoolExecutor
        Where files that have arrived are put in their places, which may be far away.
    writers : ThreadPoolExecutor
        Where blocks of files that arrive are written, as long as a disk takes for one.
    """

    catalog: Catalog
    subscriptions: Subscriptions
    open_service: Callable[[], TrackingService]
    slow_clients: SlowClientWatch = field(default_factory=SlowClientWatch)
    uploads: ThreadPoolExecutor = field(default_factory=_threads(MAX_UPLOADS, "upload"))
    writers: ThreadPoolExecutor = field(default_factory=_threads(MAX_WRITERS, "writer"))
    _service: TrackingService | None = None
    _guard: threading.Lock = field(default_factory=threading.Lock)

    def service(self) -> TrackingService:
        """Return what clients of MLflow track to.

        Raises
        ------
        NbtrackError
            If it cannot be opened.
        """
        if self._service is None:
            with self._guard:
                if self._service is None:
                    self._service = self.open_service()
        return self._service

    def is_quick(self, route: Route, request: Request) -> bool:
        """Return whether a request is answered without a look at the database."""
        return (
            self._service is not None
            and route.is_quick is not None
            and route.is_quick(self._service, request)
        )

    def close(self) -> None:
        """Stop watching, and fold in what was logged."""
        self.subscriptions.close()
        self.uploads.shutdown(wait=False, cancel_futures=True)
        self.writers.shutdown(wait=False)
        if self._service is not None:
            self._service.store.close()
            self._service.registry.close()
