"""The page of a stand-alone server, for a browser: its files, and the news that it follows."""

from __future__ import annotations

import asyncio
import html
import json
from contextlib import suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlencode

from tornado import web
from tornado.iostream import StreamClosedError

from nbtrack.server.access import begin_session, check_request
from nbtrack.server.messages import STORE
from nbtrack.server.scoring.access import Guard
from nbtrack.server.slow_clients import ClientHandler, SlowClientWatch
from nbtrack.server.store_events import STORE_CHANGED, EventBroadcaster

FOLDER = Path(__file__).parents[1] / "static" / "page"
BEAT_S = 20.0
MAX_TOKEN = 1000

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "frame-src 'self' blob:; media-src blob:; object-src blob:; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
"""Nothing comes from elsewhere. Styles are in the scripts, next to what they are for."""

_DOCUMENT = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="same-origin">
<title>{title}</title>
<link rel="icon" href="assets/icon.svg" type="image/svg+xml">
<link rel="stylesheet" href="assets/page.css">
<script src="assets/theme.js"></script>
{head}
</head>
<body>{body}</body>
</html>
"""

_SIGN_IN = """<main class="gate"><form method="post" action="./">
<img src="assets/icon.svg" alt="" width="40" height="40">
<h1>nbtrack</h1>
<p>{why}</p>
<label>Token <input name="token" type="password" required autofocus autocomplete="off"></label>
<button>Sign in</button>
</form></main>"""

_ASKED = "This server asks for its token. The terminal it was started in shows it."
_WRONG = "That is not the token of this server."
_UNBUILT = """<main class="gate"><form><h1>nbtrack</h1>
<p>The front end was not built with this installation: in a checkout, run
<code>cd js &amp;&amp; npm ci &amp;&amp; npm run build</code>.</p></form></main>"""


class _PageHandler(ClientHandler):
    """Answers with documents instead of JSON."""

    @property
    def slow_clients(self) -> SlowClientWatch:  # type: ignore[override]
        """Return what looks after what is sent."""
        return cast(SlowClientWatch, self.settings["slow_clients"])

    def set_default_headers(self) -> None:
        """Let nothing come from elsewhere, and no other site show this."""
        self.clear_header("Server")
        self.set_header("Content-Security-Policy", POLICY)
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("X-Frame-Options", "DENY")
        self.set_header("Referrer-Policy", "same-origin")  # without it forms have no Origin
        self.set_header("Cross-Origin-Opener-Policy", "same-origin")
        self.set_header("Cache-Control", "no-store")

    def check_xsrf_cookie(self) -> None:
        """Leave it to the guard, which refuses what other sites send."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Say what is wrong as a document."""
        error = (kwargs.get("exc_info") or (None, None))[1]
        message = getattr(error, "log_message", None) or "Something went wrong."
        body = (
            f'<main class="gate"><form><h1>nbtrack</h1><p>{html.escape(message)}</p></form></main>'
        )
        self.finish(_DOCUMENT.format(title="nbtrack", head="", body=body))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is the server's fault only."""
        if not (isinstance(value, web.HTTPError) and value.status_code < 500):
            super().log_exception(typ, value, tb)


class DocumentHandler(_PageHandler):
    """The page itself, and the sign-in before it."""

    async def get(self) -> None:
        """Show the page; the token in the address is taken out of it, for a cookie."""
        given = self.get_query_argument("token", None)
        if given is not None:
            await self._sign_in(given)
            return
        try:
            check_request(self)
        except web.HTTPError as error:
            if error.status_code != 401:
                raise
            self._ask(_ASKED)
            return
        if not (FOLDER / "page.js").is_file():
            self.set_status(501)
            self.finish(_DOCUMENT.format(title="nbtrack", head="", body=_UNBUILT))
            return
        head = '<script type="module" src="assets/page.js"></script>'
        self.finish(_DOCUMENT.format(title="nbtrack", head=head, body='<div id="page"></div>'))

    async def post(self) -> None:
        """Take the token of the form."""
        await self._sign_in(self.get_body_argument("token", ""))

    async def _sign_in(self, given: str) -> None:
        guard: Guard = self.settings["guard"]
        is_right = guard.knows(given.strip()[:MAX_TOKEN])
        try:
            check_request(self, is_right=is_right)
        except web.HTTPError as error:
            if error.status_code != 401:
                raise
            self._ask(_WRONG)
            return
        if is_right:
            begin_session(self, guard.token or "")
        rest = [
            (name, value)
            for name in self.request.query_arguments
            if name != "token"
            for value in self.get_query_arguments(name)
        ]
        self.redirect(f"./?{urlencode(rest)}" if rest else "./", status=303)

    def _ask(self, why: str) -> None:
        self.set_status(401)
        self.finish(_DOCUMENT.format(title="nbtrack", head="", body=_SIGN_IN.format(why=why)))


class AssetHandler(_PageHandler, web.StaticFileHandler):
    """Files of the page: the same for everybody, so the sign-in may have them too."""

    def set_default_headers(self) -> None:
        """Name no software, and let no browser guess at the content."""
        self.clear_header("Server")
        self.set_header("X-Content-Type-Options", "nosniff")

    def set_extra_headers(self, path: str) -> None:
        """Have a browser ask whether its copy is still good."""
        self.set_header("Cache-Control", "no-cache")


class NewsHandler(_PageHandler):
    """Tells a page which stores have changed, as server-sent events."""

    def initialize(self, broadcaster: EventBroadcaster) -> None:
        """Take what Tornado passes on from the table of handlers."""
        self._broadcaster = broadcaster
        self._queue: asyncio.Queue[str | None] | None = None

    def prepare(self) -> None:
        """Refuse by the headers."""
        check_request(self)

    async def get(self) -> None:
        """Go on until the page is closed."""
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        self._queue = queue = self._broadcaster.listen()
        news: str | None = ""
        with suppress(StreamClosedError):
            while news is not None:
                line = ": beat"
                if news:
                    told = {"schema_id": STORE_CHANGED, STORE: news}
                    line = f"data: {json.dumps(told)}"
                self.write(f"{line}\n\n")
                await self.flush()
                try:
                    news = await asyncio.wait_for(queue.get(), BEAT_S)
                except asyncio.TimeoutError:  # noqa: UP041  another class before Python 3.11
                    news = ""
        self._broadcaster.leave(queue)

    def on_connection_close(self) -> None:
        """End with the page."""
        if self._queue is not None:
            self._queue.put_nowait(None)


def page_handlers(broadcaster: EventBroadcaster) -> list[Any]:
    """Return what answers a browser, as Tornado wants it."""
    return [
        (r"/", DocumentHandler),
        (r"/assets/(.+)", AssetHandler, {"path": str(FOLDER)}),
        (r"/nbtrack/events", NewsHandler, {"broadcaster": broadcaster}),
    ]
