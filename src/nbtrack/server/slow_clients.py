"""Slow clients: connections on which hardly anything moves are closed."""

from __future__ import annotations

import asyncio
import math
from asyncio import Future
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tornado import web
from tornado.iostream import StreamClosedError

LOOKS = 4  # in the time that a client may stand still
HELD_S = 3600.0  # for a body that is held in memory
SLICE = 256 * 1024  # what is sent at once: so much must be read in time


@dataclass(frozen=True)
class ClientLimits:
    """How slow a client may be.

    Attributes
    ----------
    still_s : float
        Seconds that a client may stand still, or be behind the lowest rate.
    rate : float
        Bytes per second that must come, or be read, beyond that.
    body_s : float
        Seconds that a body may take in all; one that is held in memory at most an hour.
    """

    still_s: float = 60.0
    rate: float = 4096.0
    body_s: float = 24 * 3600.0


class Transfer:
    """A body that comes, or a response that is sent.

    Attributes
    ----------
    ends : float
        When it is given up unless more comes, in the time of the loop.
    latest : float
        When it is given up in any case.
    """

    __slots__ = ("_give_up", "_slow_clients", "ends", "latest")

    def __init__(
        self,
        slow_clients: SlowClientWatch,
        ends: float,
        latest: float,
        give_up: Callable[[], object],
    ) -> None:
        self._slow_clients = slow_clients
        self.ends = ends
        self.latest = latest
        self._give_up = give_up

    def moved(self, count: int) -> None:
        """Say that bytes have come: they buy time, but never more than to stand still."""
        limits = self._slow_clients.limits
        longest = self._slow_clients.now() + limits.still_s
        self.ends = min(self.ends + count / limits.rate, longest) if limits.rate else longest

    def pause(self) -> None:
        """Say that the client has to wait."""
        self.ends = math.inf

    def restart(self) -> None:
        """Say that it is the client's turn again."""
        self.ends = self._slow_clients.now() + self._slow_clients.limits.still_s

    def end(self) -> None:
        """Say that it is over."""
        self._slow_clients.forget(self)

    def give_up(self) -> None:
        """Let the client go."""
        self.end()
        self._give_up()


class SlowClientWatch:
    """Looks after what is under way, now and then, in the loop; without any there is no timer.

    Parameters
    ----------
    limits : ClientLimits, optional
    """

    def __init__(self, limits: ClientLimits | None = None) -> None:
        self.limits = limits or ClientLimits()
        self._under_way: set[Transfer] = set()
        self._timer: asyncio.TimerHandle | None = None

    @staticmethod
    def now() -> float:
        """Return the time of the loop."""
        return asyncio.get_running_loop().time()

    def receiving(self, give_up: Callable[[], object], *, is_held: bool = True) -> Transfer:
        """Look after a body; ``give_up`` is called once if it does not come."""
        now, limits = self.now(), self.limits
        longest = min(limits.body_s, HELD_S) if is_held else limits.body_s
        return self._watch(now + limits.still_s, now + longest, give_up)

    def sending(self, give_up: Callable[[], object]) -> Transfer:
        """Look after a slice of a response that is not taken at once."""
        rate = self.limits.rate
        ends = self.now() + self.limits.still_s + (SLICE / rate if rate else 0)
        return self._watch(ends, ends, give_up)

    def forget(self, transfer: Transfer) -> None:
        """Look after something no more."""
        self._under_way.discard(transfer)

    def _watch(self, ends: float, latest: float, give_up: Callable[[], object]) -> Transfer:
        found = Transfer(self, ends, latest, give_up)
        self._under_way.add(found)
        if self._timer is None:
            self._arm()
        return found

    def _arm(self) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self.limits.still_s / LOOKS, self._look)

    def _look(self) -> None:
        self._timer = None
        now = self.now()
        for each in [each for each in self._under_way if now > min(each.ends, each.latest)]:
            each.give_up()
        if self._under_way:
            self._arm()


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
