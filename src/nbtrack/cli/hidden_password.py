"""A password on the command line: it is taken out of what others on this machine can list."""

from __future__ import annotations

import os
import re
import sys
from urllib.parse import unquote

_PASSWORD = re.compile(r"(?<=://)(?P<user>[^/@:\s]*):(?P<password>[^/@\s]*)@")
_SCHEME = re.compile(r"(?:ducklake:)?postgres(?:ql)?(?:\+\w+)?:", re.IGNORECASE)


def hide_password() -> None:
    """Start this program anew without the password of a PostgreSQL address in its arguments.

    Everybody on a machine may list the arguments of all processes, as long as they run; the
    environment is this user's alone. The password goes there, as ``PGPASSWORD``.
    """
    if os.name == "nt" or sys.argv[1:] != sys.orig_argv[-len(sys.argv) + 1 :]:
        return
    words = [without_password(word) for word in sys.argv[1:]]
    passwords = {found for _, found in words if found is not None}
    if len(passwords) != 1:  # none, or some that only their addresses tell apart
        return
    head = sys.orig_argv[1 : len(sys.orig_argv) - len(words)]
    env = {**os.environ, "PGPASSWORD": passwords.pop()}
    os.execve(sys.executable, [sys.executable, *head, *(word for word, _ in words)], env)  # noqa: S606


def without_password(word: str) -> tuple[str, str | None]:
    """Return an argument without the password of a PostgreSQL address, and the password."""
    name, is_option, value = word.partition("=")
    address = value if is_option and name.startswith("--") else word
    found = _PASSWORD.search(address) if _SCHEME.match(address) else None
    if found is None:
        return word, None
    shown = f"{address[: found.start()]}{found['user']}@{address[found.end() :]}"
    return word.replace(address, shown), unquote(found["password"])
