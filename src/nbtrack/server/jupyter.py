"""nbtrack as an extension of a Jupyter server; nothing else here imports ``jupyter_server``."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import traitlets as t
from jupyter_server.base.handlers import APIHandler
from jupyter_server.extension.application import ExtensionApp
from jupyter_server.utils import ensure_async
from tornado import web

from nbtrack.config import default_uri
from nbtrack.errors import NbtrackError
from nbtrack.server.adapter import AUTH_RESOURCE, EndpointHandler, handlers
from nbtrack.server.catalog import Catalog
from nbtrack.server.context import ServerContext
from nbtrack.server.messages import STORE, Action
from nbtrack.server.mlflow.service import TrackingService
from nbtrack.server.slow_clients import ClientLimits, SlowClientWatch
from nbtrack.server.store_events import STORE_CHANGED, STORE_CHANGED_SCHEMA, Subscriptions

THREADS = 4


class JupyterHandler(EndpointHandler, APIHandler):
    """Serves who is logged in to the Jupyter server, as its authorizer allows."""

    auth_resource = AUTH_RESOURCE

    async def allows(self, action: Action) -> bool:
        """Ask the server's authorizer.

        What a page asks by itself, as long as it is open, keeps no server of a hub alive.
        """
        self._track_activity = action != "read"
        asked = [(action, AUTH_RESOURCE)]
        if action == "execute":  # who may not use kernels gets no code to run by way of a store
            asked = [("write", AUTH_RESOURCE), ("execute", "kernels")]
        for what, resource in asked:
            allowed = self.authorizer.is_authorized(self, self.current_user, what, resource)
            if not await ensure_async(allowed):
                return False
        return True

    async def may_look(self) -> bool:
        """Return whether the user may run code on this machine, which can look itself."""
        user, kernels = self.current_user, "kernels"
        allowed = self.authorizer.is_authorized(self, user, "execute", kernels)
        return await ensure_async(allowed)

    async def prepare(self, **options: Any) -> None:
        """Find out who asks before anything of the body is taken."""
        try:
            waiting: Any = super().prepare(**options)
            await ensure_async(waiting)
            if not self._finished:
                if self.current_user is None:
                    raise web.HTTPError(403)
                more = self.begin()
                if more is not None:
                    await more
        except web.HTTPError as error:
            self.refuse(error)


class NbtrackApp(ExtensionApp):
    """The extension: finds stores, answers questions about them, announces their changes.

    Attributes
    ----------
    stores : list of str
        Paths of stores that lie elsewhere than below the server's root.
    tracking : str
        The store that clients of MLflow track to.
    client_timeout, min_rate, body_timeout : float
        How slow clients may be.
    artifact_roots : list of str
        Places of artifacts, beside the folders of the stores, that may be used.
    """

    name = "nbtrack"
    app_name = "nbtrack"
    description = "Experiment tracking in the notebook"
    extension_url = "/lab"
    load_other_extensions = True

    stores = t.List(
        t.Unicode(),
        help="Paths of stores to show beside those below the server's root, such as "
        '["~/shared/team.duckdb"]. NBTRACK_URI names one more.',
    ).tag(config=True)

    tracking = t.Unicode(
        help="The store that clients of MLflow track to, at <server>/nbtrack; by default "
        "NBTRACK_URI, else nbtrack.duckdb in the server's root or above it.",
    ).tag(config=True)

    client_timeout = t.Float(
        ClientLimits.still_s,
        help="Seconds that a client may send, or read, nothing, or too little.",
    ).tag(config=True)

    min_rate = t.Float(ClientLimits.rate, help="What is too little: bytes per second.").tag(
        config=True
    )

    body_timeout = t.Float(ClientLimits.body_s, help="Seconds that a file may take to arrive.").tag(
        config=True
    )

    artifact_roots = t.List(
        t.Unicode(),
        help="Places whose artifacts are shown, and where clients may keep theirs, beside the "
        'folders of the stores: ["s3://team-bucket/runs", "/mnt/shared/artifacts"].',
    ).tag(config=True)

    def initialize_handlers(self) -> None:
        """Mount the routes below the server's base URL."""
        server: Any = self.serverapp
        self.pool = ThreadPoolExecutor(THREADS, thread_name_prefix="nbtrack")
        self.context = ServerContext(
            Catalog(
                Path(server.root_dir).absolute(),
                Path(server.runtime_dir),
                self._settings(),
                artifact_roots=self.artifact_roots,
            ),
            Subscriptions(self._announce),
            self._open_service,
            SlowClientWatch(ClientLimits(self.client_timeout, self.min_rate, self.body_timeout)),
        )
        self.handlers.extend(handlers(f"/{self.name}", self.context, self.pool, JupyterHandler))
        if STORE_CHANGED not in server.event_logger.schemas:
            server.event_logger.register_event_schema(STORE_CHANGED_SCHEMA)

    def _settings(self) -> list[str]:
        """Return the settings that name a store; the others are complained about."""
        from nbtrack.config import resolve

        found = []
        for uri in filter(None, [default_uri(), *self.stores]):
            try:
                resolve(uri)
            except NbtrackError as error:
                self.log.warning("nbtrack: %s", error)
            else:
                found.append(uri)
        return found

    def _open_service(self) -> TrackingService:
        """Return the store that clients of MLflow track to: the one a notebook here would use."""
        from nbtrack.config import find_default
        from nbtrack.store import open_store

        server: Any = self.serverapp
        root = Path(server.root_dir).absolute()
        uri = self.tracking or default_uri()
        if uri is None or uri.startswith(("http:", "https:")):  # that may be this very server
            uri = str(find_default(root))
        return TrackingService.of(open_store(uri), roots=self.artifact_roots)

    def _announce(self, store_id: str) -> None:
        """Tell the pages that a store has changed; called in another thread."""
        server: Any = self.serverapp

        def emit() -> None:
            server.event_logger.emit(schema_id=STORE_CHANGED, data={STORE: store_id})

        loop = server.io_loop.asyncio_loop
        try:
            loop.call_soon_threadsafe(emit)
        except RuntimeError:  # the server has stopped
            self.context.subscriptions.close()

    async def stop_extension(self) -> None:
        """Stop watching and answering."""
        await asyncio.get_running_loop().run_in_executor(None, self.context.close)
        self.pool.shutdown(wait=False, cancel_futures=True)


__all__ = ["JupyterHandler", "NbtrackApp"]
