"""Where the artifacts of a server are, as URLs.

``mlflow-artifacts:/0/...`` says nothing of the server; in a mirror it is written out, as
``http://host:port/api/2.0/mlflow-artifacts/artifacts/0/...``, which MLflow understands too.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from nbtrack.store.artifacts import SERVED as FILES

SCHEME = "mlflow-artifacts"
_SERVED = re.compile(rf"^(https?://[^?#]*?){re.escape(FILES)}(?:/(.*))?$", re.IGNORECASE)


def served_uri(url: str, uri: str) -> str:
    """Return an artifact URI of a server as a URL, where it is the server that keeps the files."""
    parts = urlsplit(uri)
    if parts.scheme != SCHEME:
        return uri
    base = url if not parts.netloc else f"{urlsplit(url).scheme}://{parts.netloc}"
    return f"{base}{FILES}{parts.path}".rstrip("/")


def split_served(uri: str) -> tuple[str, str] | None:
    """Return the server and the path that a URL of artifacts names; None for other URIs."""
    found = _SERVED.match(uri)
    return None if found is None else (found.group(1), (found.group(2) or "").strip("/"))
