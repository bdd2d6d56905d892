"""Who needs a token, decided when a server starts; once it was shown, a cookie stands for it."""

from __future__ import annotations

import base64
import hmac
import secrets
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from tornado import web

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.server.connections import OwnConnections
from nbtrack.server.peer_owner import can_tell
from nbtrack.server.scoring.access import Guard, is_loopback

TOKEN_BYTES = 24
_PURPOSE = b"a page of nbtrack"


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


def proof_of(token: str) -> str:
    """Return the value of the cookie: it is no token, and holds as long as the token does."""
    digest = hmac.digest(token.encode(), _PURPOSE, "sha256")
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def cookie_of(host: str) -> str:
    """Return the name of the cookie: browsers do not tell the ports of a host apart."""
    port = host.rpartition(":")[2]
    return f"nbtrack-{port}" if port.isdecimal() else "nbtrack"


def begin_session(handler: web.RequestHandler, token: str) -> None:
    """Give the browser the cookie; scripts cannot read it, and other sites cannot send it."""
    handler.set_cookie(
        cookie_of(handler.request.host),
        proof_of(token),
        httponly=True,
        samesite="Strict",
        secure=handler.request.protocol == "https",
    )


def check_request(handler: web.RequestHandler, *, is_right: bool = False) -> None:
    """Refuse a request by its headers; ``is_right`` says that it has the token elsewhere.

    Raises
    ------
    tornado.web.HTTPError
        401 without the token, or a cookie that stands for it, by a connection that needs one; 403
        for pages of other sites.
    """
    guard: Guard = handler.settings["guard"]

    def has_cookie() -> bool:
        given = handler.get_cookie(cookie_of(handler.request.host)) or ""
        return hmac.compare_digest(given.encode(), proof_of(guard.token or "").encode())

    try:
        guard.check(
            handler.request.path,
            handler.request.headers,
            is_own=_is_own(handler, guard),
            has_proof=lambda: is_right or has_cookie(),
        )
    except NbtrackError as error:
        raise refusal(error) from None


def is_users(handler: web.RequestHandler) -> bool:
    """Return whether a request is one of the user of this process, who needs no token."""
    guard: Guard = handler.settings["guard"]
    return guard.knows_user(handler.request.headers, _is_own(handler, guard))


def _is_own(handler: web.RequestHandler, guard: Guard) -> bool:
    return guard.own is not None and guard.own.has(handler)


def refusal(error: NbtrackError) -> web.HTTPError:
    """Return what Tornado answers with."""
    return web.HTTPError(error.get_http_status_code(), str(error).replace("%", "%%"))
