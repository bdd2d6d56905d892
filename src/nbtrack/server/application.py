"""The application of a stand-alone server: who has the token may do everything."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tornado import web

from nbtrack.server.access import check_request, is_users
from nbtrack.server.adapter import DRAINED, EndpointHandler, handlers
from nbtrack.server.connections import Application
from nbtrack.server.context import ServerContext
from nbtrack.server.messages import Action
from nbtrack.server.mlflow.routes import MLFLOW
from nbtrack.server.page import page_handlers
from nbtrack.server.routes import OURS
from nbtrack.server.scoring.access import Guard
from nbtrack.server.store_events import EventBroadcaster


class StandaloneHandler(EndpointHandler):
    """Serves who has the token."""

    def set_default_headers(self) -> None:
        """Name no software, and let no browser guess at the content or show it elsewhere."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "SAMEORIGIN")

    def compute_etag(self) -> str | None:
        """Answers are not kept anywhere."""
        return None

    def check_xsrf_cookie(self) -> None:
        """Cookies mean nothing here: the guard decides what a browser may send."""

    def get_current_user(self) -> str | None:
        """Return that somebody is there; who may not ask has been refused before."""
        return "client"

    def prepare(self) -> Any:
        """Refuse by the headers, before anything of the body is taken."""
        try:
            check_request(self)
            return self.begin()
        except web.HTTPError as error:
            return self.refuse(error)

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer with what went wrong as JSON."""
        if status_code == 401 and "Sec-Fetch-Mode" not in self.request.headers:  # no page asks
            self.set_header("WWW-Authenticate", 'Basic realm="nbtrack"')
        super().write_error(status_code, **kwargs)

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is the server's fault only, not that somebody went away."""
        if not (isinstance(value, web.HTTPError) and value.status_code < 500):
            super().log_exception(typ, value, tb)

    async def allows(self, action: Action) -> bool:
        """Return that whoever has the token may do everything, but run code on this machine."""
        return action != "execute"

    async def may_look(self) -> bool:
        """Return whether it is the user of this server who asks, on this machine."""
        return is_users(self)


class _NothingHandler(StandaloneHandler):
    """Answers what nobody has asked for before."""

    def initialize(self) -> None:  # type: ignore[override]
        """Take nothing."""
        self.slow_clients = self.settings["slow_clients"]

    def begin(self) -> None:
        """Take a body, for the response to arrive."""
        self.expect(DRAINED)
        if self.request.path != "/":
            self._error = web.HTTPError(404, "There is nothing here.")

    async def _serve(self, path: dict[str, str]) -> None:
        if self._error is not None:
            raise self._error
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.finish("nbtrack serves MLflow's tracking API here.\n")

    head = StandaloneHandler.get


def application(
    context: ServerContext,
    pool: ThreadPoolExecutor,
    guard: Guard,
    news: EventBroadcaster | None = None,
) -> Application:
    """Return the application of a stand-alone server; with ``news`` it has a page."""
    found: list[Any] = [*handlers("", context, pool, StandaloneHandler, MLFLOW)]
    if news is not None:
        ours = handlers("/nbtrack", context, pool, StandaloneHandler, OURS)
        found += [*page_handlers(news), *ours]
    return Application(
        found,
        default_handler_class=_NothingHandler,
        guard=guard,
        slow_clients=context.slow_clients,
        log_function=lambda _handler: None,
    )
