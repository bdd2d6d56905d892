"""The base of all handlers: slow clients are disconnected, and a client that leaves is no error."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from tornado import web
from tornado.iostream import StreamClosedError

from nbtrack.server.slow_clients import SLICE, SlowClientWatch


class ClientHandler(web.RequestHandler):
    """Responds to clients, slow and vanished ones included.

    Attributes
    ----------
    slow_clients : SlowClientWatch
        Looks after what is under way.
    """

    slow_clients: SlowClientWatch

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written; a client that does not read it for long is let go."""
        sent = super().flush(include_footers)
        if not sent.done():
            transfer = self.slow_clients.sending(self.hang_up)
            sent.add_done_callback(lambda _: transfer.end())
        return sent

    async def send(self, content: bytes) -> None:
        """Send a piece of any size, as fast as the client takes it."""
        for begin in range(0, len(content), SLICE):
            self.write(content[begin : begin + SLICE])
            await self.flush()

    async def end(self, content: bytes) -> None:
        """Send the whole of a response."""
        if len(content) > SLICE:
            self.set_header("Content-Length", str(len(content)))
            await self.send(content)
            content = b""
        await self.finish(content)

    def hang_up(self) -> None:
        """Close the connection."""
        stream = getattr(self.request.connection, "stream", None)
        if stream is not None:
            stream.close()

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log what is the server's fault only, not that somebody went away."""
        if not isinstance(value, StreamClosedError):
            super().log_exception(typ, value, tb)
