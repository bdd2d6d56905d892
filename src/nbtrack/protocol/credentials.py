"""Credentials for a server, from the environment; they are never written or shown."""

from __future__ import annotations

import base64
import ssl
from dataclasses import dataclass, field

from nbtrack.config import env, env_flag

USERNAME = ("NBTRACK_TRACKING_USERNAME", "MLFLOW_TRACKING_USERNAME")
PASSWORD = ("NBTRACK_TRACKING_PASSWORD", "MLFLOW_TRACKING_PASSWORD")
TOKEN = ("NBTRACK_TRACKING_TOKEN", "MLFLOW_TRACKING_TOKEN")


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
        username, password = env(*USERNAME), env(*PASSWORD)
        if username and password:
            return _basic(username, password)
        token = env(*TOKEN)
        return f"Bearer {token}" if token else None

    def user(self) -> str:
        """Return the name of the user, or an empty one."""
        return self.username or env(*USERNAME) or ""


def _basic(username: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")


def tls() -> ssl.SSLContext:
    """Return how certificates are checked: as the environment says, else strictly."""
    if env_flag("NBTRACK_TRACKING_INSECURE_TLS", "MLFLOW_TRACKING_INSECURE_TLS", default=False):
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        authority = env(
            "NBTRACK_TRACKING_SERVER_CERT_PATH",
            "MLFLOW_TRACKING_SERVER_CERT_PATH",
            "REQUESTS_CA_BUNDLE",
            "SSL_CERT_FILE",
        )
        context = ssl.create_default_context(cafile=authority)
    own = env("NBTRACK_TRACKING_CLIENT_CERT_PATH", "MLFLOW_TRACKING_CLIENT_CERT_PATH")
    if own:
        context.load_cert_chain(own)
    return context
