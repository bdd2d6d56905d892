"""Names of metrics, params and tags that other trackers allow, as nbtrack can keep them."""

from __future__ import annotations

import hashlib
import posixpath
import re

from nbtrack.errors import InvalidParameterError
from nbtrack.limits import MAX_KEY, check_key

_ODD = re.compile(r"[^/\w.\- :]")


class KeySanitizer:
    """Turns keys into valid ones; different keys stay different, and a key always gives the same.

    Attributes
    ----------
    changed : dict of str to str
        Those that had to be changed.
    """

    def __init__(self) -> None:
        self._known: dict[str, str] = {}
        self.changed: dict[str, str] = {}

    def valid(self, key: str) -> str:
        """Return the key as it can be kept."""
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._made(key)
        return found

    def _made(self, key: str) -> str:
        try:
            return check_key(key)
        except InvalidParameterError:
            plain = posixpath.normpath(_ODD.sub("_", str(key)).strip("/ ") or "_")
            plain = plain.replace("..", "_").lstrip("/")
            if len(plain) > MAX_KEY or plain == "." or plain in self.changed.values():
                digest = hashlib.sha256(str(key).encode("utf-8", "replace")).hexdigest()[:8]
                plain = f"{plain[: MAX_KEY - 9]}_{digest}"
            self.changed[key] = plain
            return plain
