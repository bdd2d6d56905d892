"""What all handlers share: who does not read is let go, and who leaves is no error."""

from __future__ import annotations

from asyncio import Future
from typing import Any

from tornado import web
from tornado.iostream import StreamClosedError

from nbtrack.server.pace import SLICE, Pace


class ClientHandler(web.RequestHandler):
    """Answers clients of all manners.

    Attributes
    ----------
    pace : Pace
        Looks after what is under way.
    """

    pace: Pace

    def flush(self, include_footers: bool = False) -> Future[None]:
        """Send what was written; a client that does not read it for long is let go."""
        sent = super().flush(include_footers)
        if not sent.done():
            transfer = self.pace.sending(self.hang_up)
            sent.add_done_callback(lambda _: transfer.end())
        return sent

    async def send(self, content: bytes) -> None:
        """Send a piece of any size, as fast as the client takes it."""
        for begin in range(0, len(content), SLICE):
            self.write(content[begin : begin + SLICE])
            await self.flush()

    async def end(self, content: bytes) -> None:
        """Send the whole of an answer."""
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
