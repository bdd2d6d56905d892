"""Who may ask a server."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urlsplit

from nbtrack.errors import InvalidParameterError, NbtrackError

_OPEN = {"/ping", "/health", "/version"}


@dataclass(frozen=True)
class Guard:
    """Refuses who has no token, and pages of other sites.

    A page from elsewhere reaches a server on this machine through the user's browser: by its
    address, then the ``Origin`` header names the page, or by a name of its own that points here,
    then the ``Host`` header does; with a token, which such a page does not have, names are free.

    Attributes
    ----------
    token : str or None
        What ``Authorization: Bearer ...`` must have, or ``Basic`` as its password; None: nothing.
    hosts : collection of str
        Names of the server, beside ``localhost`` and addresses in numbers.
    """

    token: str | None = None
    hosts: Collection[str] = ()

    def check(
        self, path: str, host: str | None, origin: str | None, authorization: str | None
    ) -> None:
        """Refuse a request by its headers.

        Raises
        ------
        NbtrackError
            ``PERMISSION_DENIED`` or ``UNAUTHENTICATED``.
        """
        if self.token is None and not self._is_called(host):
            raise NbtrackError(
                f"This server is not called {(host or '')[:100]!r}. Name it in allowed_hosts if it "
                "is.",
                "PERMISSION_DENIED",
            )
        if origin is not None and origin_host(origin) != (host or "").lower():
            raise NbtrackError(
                f"Pages of {origin[:100]!r} may not ask this server.", "PERMISSION_DENIED"
            )
        if self.token is not None and path not in _OPEN and not self._has_token(authorization):
            raise NbtrackError(
                "This server asks for a token: send it as 'Authorization: Bearer <token>'.",
                "UNAUTHENTICATED",
            )

    def _is_called(self, host: str | None) -> bool:
        name = _name(f"//{host}")
        return name is not None and (_is_address(name) or _is_local(name) or name in self.hosts)

    def _has_token(self, authorization: str | None) -> bool:
        kind, _, given = (authorization or "").partition(" ")
        text = given.strip().encode("utf-8", "surrogateescape")
        if kind.lower() == "basic":  # any name, and the token as the password
            try:
                text = base64.b64decode(text, validate=True).partition(b":")[2]
            except ValueError:
                return False
        elif kind.lower() not in ("bearer", "token"):
            return False
        return hmac.compare_digest(text, (self.token or "").encode())


def check_reach(host: str, token: str | None, no_auth: bool) -> None:
    """Refuse to listen beyond this machine without a word about who may ask.

    Raises
    ------
    InvalidParameterError
        If ``host`` is no address of this machine alone, and there is neither a token nor the
        explicit wish for none.
    """
    if not is_loopback(host) and token is None and not no_auth:
        raise InvalidParameterError(
            f"A server on {host!r} can be asked by other machines. Give it a token=..., or say "
            "no_auth=True if everybody on the network may use the model."
        )


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches a host by that name."""
    if host.lower() == "localhost":
        return True
    return _is_address(host) and ipaddress.ip_address(host.strip("[]")).is_loopback


def origin_host(origin: str) -> str | None:
    """Return the host and port of an origin; None where it has none, as ``null``."""
    try:
        return urlsplit(origin).netloc.lower() or None
    except ValueError:
        return None


def _name(address: str) -> str | None:
    try:
        return urlsplit(address).hostname
    except ValueError:
        return None


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _is_local(name: str) -> bool:
    return name == "localhost" or name.endswith(".localhost")
