"""Who needs a token: decided when a server starts."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from nbtrack.errors import InvalidParameterError
from nbtrack.server.connections import OwnConnections
from nbtrack.server.peer_owner import can_tell
from nbtrack.server.scoring.access import Guard, is_loopback

TOKEN_BYTES = 24


def _complain(text: str) -> None:
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


@dataclass(frozen=True)
class Access:
    """The one rule of all servers: this user needs no token on this machine, everybody else does.

    Attributes
    ----------
    token : str or None
        What opens the server; None where it answers everybody.
    own : OwnConnections or None
        The connections that need none: there are some if no token was chosen, and only this
        machine reaches the server.
    is_shown : bool
        Whether the token is to be shown at once: it was made, and this user needs it.
    """

    token: str | None
    own: OwnConnections | None = None
    is_shown: bool = False

    @classmethod
    def of(cls, host: str, token: str | None, no_auth: bool) -> Access:
        """Return who may ask a server on ``host``.

        Raises
        ------
        InvalidParameterError
            If there is a token, and none is wanted.
        """
        if token and no_auth:
            raise InvalidParameterError("There is a token and no_auth too: choose one of them.")
        if token or no_auth:
            return cls(token or None)
        known = is_loopback(host) and can_tell()
        return cls(
            secrets.token_urlsafe(TOKEN_BYTES), OwnConnections() if known else None, not known
        )

    def guard(self, hosts: Sequence[str], say: Callable[[str], None] = _complain) -> Guard:
        """Return what refuses requests; ``say`` shows the token when somebody needs it first."""

        @cache
        def announce() -> None:
            say(
                "Somebody was refused: another user of this machine, or a program whose user "
                f"cannot be found out. Who may ask brings this token: {self.token}"
            )

        return Guard(self.token, hosts, self.own, announce)
