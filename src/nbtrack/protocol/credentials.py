"""Credentials for a server, from the environment; they are never written or shown."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field

from nbtrack import variables


@dataclass(frozen=True)
class Credentials:
    """A name and a password, or a token; the environment is asked where none is given.

    Attributes
    ----------
    username, password, token : str or None
    """

    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)

    def header(self) -> str | None:
        """Return the ``Authorization`` header as it is now; None for nobody in particular."""
        if self.username or self.password:
            return _basic(self.username or "", self.password or "")
        if self.token:
            return f"Bearer {self.token}"
        username, password = variables.TRACKING_USERNAME.get(), variables.TRACKING_PASSWORD.get()
        if username and password:
            return _basic(username, password)
        token = variables.TRACKING_TOKEN.get()
        return f"Bearer {token}" if token else None

    def user(self) -> str:
        """Return the name of the user, or an empty one."""
        return self.username or variables.TRACKING_USERNAME.get() or ""


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def tls() -> ssl.SSLContext:
    """Return how certificates are checked: as the environment says, else strictly."""
    if variables.TRACKING_INSECURE_TLS.get():
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        authority = variables.TRACKING_SERVER_CERT_PATH.get()
        context = ssl.create_default_context(cafile=authority)
    own = variables.TRACKING_CLIENT_CERT_PATH.get()
    if own:
        context.load_cert_chain(own)
    return context
