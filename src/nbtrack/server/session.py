"""Who has shown the token in a browser: a cookie stands for it from then on."""

from __future__ import annotations

import base64
import hmac

from tornado import web

from nbtrack.errors import NbtrackError
from nbtrack.server.scoring.guard import Guard

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


def check(handler: web.RequestHandler) -> None:
    """Refuse a request by its headers.

    Raises
    ------
    tornado.web.HTTPError
        401 without the token, or a cookie that stands for it; 403 for pages of other sites.
    """
    guard: Guard = handler.settings["guard"]
    request = handler.request
    authorization = request.headers.get("Authorization")
    if authorization is None and guard.token is not None:
        given = handler.get_cookie(cookie_of(request.host)) or ""
        if hmac.compare_digest(given.encode(), proof_of(guard.token).encode()):
            authorization = f"Bearer {guard.token}"
    try:
        guard.check(
            request.path,
            request.headers.get("Host"),
            request.headers.get("Origin"),
            authorization,
        )
    except NbtrackError as error:
        status = error.get_http_status_code()
        raise web.HTTPError(status, str(error).replace("%", "%%")) from None
