"""Another user of this machine, played by a process of ``nobody``."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

NOBODY = 65534
needs_root = pytest.mark.skipif(
    sys.platform == "win32" or os.geteuid() != 0, reason="only root can be somebody else"
)

_BEGIN = """
import encodings.idna, http.client, json, os, socket, sys  # while their files can be read
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
"""

_ASK = """
for line in sys.stdin:
    port, method, path, headers, body = json.loads(line)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request(method, path, body, headers)
    answer = connection.getresponse()
    print(json.dumps([answer.status, answer.read().decode()]), flush=True)
    connection.close()
"""


def as_nobody(code: str, *args: str) -> subprocess.Popen[str]:
    """Start Python code as another user; standard input and output are pipes."""
    return subprocess.Popen(
        [sys.executable, "-c", _BEGIN + code, *args],
        cwd="/",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


class Stranger:
    """Another user, who sends requests by connections of his own."""

    def __init__(self) -> None:
        self.process = as_nobody(_ASK)

    def ask(
        self, port: int, path: str, method: str = "GET", body: str | None = None, **headers: str
    ) -> tuple[int, str]:
        """Send a request; return status and text of the answer."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps([port, method, path, named, body]) + "\n")
        self.process.stdin.flush()
        status, text = json.loads(self.process.stdout.readline())
        return int(status), str(text)

    def close(self) -> None:
        """Go away."""
        self.process.communicate()
