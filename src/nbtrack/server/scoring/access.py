"""Which requests a server accepts: by token, by origin, by host name."""

from __future__ import annotations

import base64
import hmac
import ipaddress
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from nbtrack.errors import InvalidParameterError, NbtrackError

if TYPE_CHECKING:
    from nbtrack.server.connections import OwnConnections

_OPEN = {"/ping", "/health", "/version"}
_PASSED_ON = {"Forwarded", "Via", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip"}
_ELSEWHERE = {"cross-site", "same-site"}  # another port of this machine is the same site


@dataclass(frozen=True)
class Guard:
    """Refuses who has no token, and pages of other sites.

    A page from elsewhere reaches a server on this machine through the user's browser, by a
    connection that is the user's own: by the server's address, then the ``Origin`` header names
    the page, or ``Sec-Fetch-Site`` says that it is another one; or by a name of its own that
    points here, then the ``Host`` header does. With a token, which such a page does not have,
    names are free.

    Attributes
    ----------
    token : str or None
        What ``Authorization: Bearer ...`` must have, or ``Basic`` as its password; None: nothing.
    hosts : collection of str
        Names of the server, beside ``localhost`` and addresses in numbers.
    own : OwnConnections or None
        The connections of the user of this process, where they need no token.
    announce : callable
        Called when somebody has no token who needs the one that was made.
    """

    token: str | None = None
    hosts: Collection[str] = ()
    own: OwnConnections | None = None
    announce: Callable[[], None] = lambda: None

    def check(
        self,
        path: str,
        headers: Mapping[str, str],
        *,
        is_own: bool = False,
        has_proof: Callable[[], bool] = lambda: False,
    ) -> None:
        """Refuse a request by its headers.

        Parameters
        ----------
        path : str
        headers : mapping of str to str
        is_own : bool
            Whether it has come by a connection of the user of this process.
        has_proof : callable
            Whether something else than the header stands for the token.

        Raises
        ------
        NbtrackError
            ``PERMISSION_DENIED`` or ``UNAUTHENTICATED``.
        """
        host = headers.get("Host")
        needs_token = self.token is not None and not self.knows_user(headers, is_own)
        if not needs_token and not self._is_called(host):
            raise NbtrackError(
                f"This server is not called {(host or '')[:100]!r}. Name it in allowed_hosts if it "
                "is.",
                "PERMISSION_DENIED",
            )
        self._check_site(path, host, headers)
        if (
            needs_token
            and path not in _OPEN
            and not (self._has_token(headers.get("Authorization")) or has_proof())
        ):
            raise self._unknown()

    def knows_user(self, headers: Mapping[str, str], is_own: bool) -> bool:
        """Return whether the user of this process asks; see ``check``.

        Of what was passed on it is known who has done so, not who asks.
        """
        return self.own is not None and is_own and _PASSED_ON.isdisjoint(headers)

    def knows(self, given: str) -> bool:
        """Return whether something is the token."""
        return self.token is not None and _same(given.encode(), self.token)

    def _check_site(self, path: str, host: str | None, headers: Mapping[str, str]) -> None:
        """Refuse pages of other sites; a link to the page of this server may be anywhere."""
        origin = headers.get("Origin")
        if origin is not None and origin_host(origin) != (host or "").lower():
            raise NbtrackError(
                f"Pages of {origin[:100]!r} may not ask this server.", "PERMISSION_DENIED"
            )
        is_link = path == "/" and headers.get("Sec-Fetch-Mode") == "navigate"
        if headers.get("Sec-Fetch-Site") in _ELSEWHERE and not is_link:
            raise NbtrackError("Pages of other sites may not ask this server.", "PERMISSION_DENIED")

    def _unknown(self) -> NbtrackError:
        if self.own is None:
            return NbtrackError(
                "This server asks for a token: send it as 'Authorization: Bearer <token>'; "
                "MLflow's clients take it from MLFLOW_TRACKING_TOKEN.",
                "UNAUTHENTICATED",
            )
        self.announce()
        return NbtrackError(
            "This server answers the user who has started it; others, and programs whose user "
            "cannot be found out, such as those behind a proxy, need its token, which is shown "
            "where it was started. Send it as 'Authorization: Bearer <token>'; MLflow's clients "
            "take it from MLFLOW_TRACKING_TOKEN.",
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
        return _same(text, self.token or "")


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


def _same(given: bytes, token: str) -> bool:
    return hmac.compare_digest(given, token.encode())


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
