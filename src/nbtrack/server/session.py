"""Browser sessions: once the token was shown, a cookie stands for it."""

from __future__ import annotations

import base64
import hmac

from tornado import web

from nbtrack.errors import NbtrackError
from nbtrack.server.scoring.access import Guard

_PURPOSE = b"a page of nbtrack"


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


def check(handler: web.RequestHandler, *, is_right: bool = False) -> None:
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
            is_own=guard.own is not None and guard.own.has(handler),
            has_proof=lambda: is_right or has_cookie(),
        )
    except NbtrackError as error:
        raise refusal(error) from None


def refusal(error: NbtrackError) -> web.HTTPError:
    """Return what Tornado answers with."""
    return web.HTTPError(error.get_http_status_code(), str(error).replace("%", "%%"))
