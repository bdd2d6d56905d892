"""Where the artifacts of a server are, as URLs.

``mlflow-artifacts:/0/...`` says nothing of the server; in a mirror it is written out, as
``http://host:port/api/2.0/mlflow-artifacts/artifacts/0/...``, which MLflow understands too.
"""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

SCHEME = "mlflow-artifacts"
API = "/api/2.0"
ARTIFACTS = "/mlflow-artifacts/artifacts"
PROXY = API + ARTIFACTS
"""Where a server serves artifacts, below its address."""

_PATH = re.compile(rf"{re.escape(PROXY)}(?:/|$)")
_PROXIED = re.compile(rf"^(https?://[^?#]*?){re.escape(PROXY)}(?:/(.*))?$", re.IGNORECASE)


def proxied_uri(url: str, uri: str) -> str:
    """Return an artifact URI of a server as a URL, where it is the server that keeps the files."""
    parts = urlsplit(uri)
    if parts.scheme != SCHEME:
        return uri
    base = url if not parts.netloc else f"{urlsplit(url).scheme}://{parts.netloc}"
    return f"{base}{PROXY}{parts.path}".rstrip("/")


def split_proxied(uri: str) -> tuple[str, str] | None:
    """Return the server and the path that a URL of artifacts names; None for other URIs."""
    found = _PROXIED.match(uri)
    return None if found is None else (found.group(1), (found.group(2) or "").strip("/"))


def proxied_path(uri: str) -> str | None:
    """Return the path below a server's artifacts that a URI names; None for other URIs."""
    parts = urlsplit(uri)
    if parts.scheme == SCHEME:
        return unquote(parts.path).strip("/")
    if parts.scheme in ("http", "https") and (found := _PATH.search(parts.path)):
        return unquote(parts.path[found.end() :]).strip("/")
    return None
