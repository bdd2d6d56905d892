"""Stand-alone servers for tests, as programs of their own."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from programs import python_path

CODE = """
import json, sys
from nbtrack.server.standalone import ServerOptions, serve
options = json.loads(sys.argv[1])
sys.exit(serve(ServerOptions(**options)))
"""


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


class TrackingServer:
    """A server of one store; ``start`` may be called again after ``kill`` or ``stop``."""

    def __init__(self, folder: Path, **options: Any) -> None:
        self.folder = folder
        self.store = folder / "served.duckdb"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.options = {"store_uri": str(self.store), "port": self.port, **options}
        self.log = folder / "server.log"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> TrackingServer:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", CODE, json.dumps(self.options)],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": python_path()},
                stdout=log,
                stderr=log,
            )
        self._await_health(60)
        return self

    def _await_health(self, seconds: float) -> None:
        assert self.process is not None
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urlopen(f"{self.url}/health", timeout=5).close()
                return
            except OSError:
                time.sleep(0.01)
        pytest.fail(self.log.read_text()[-3000:])

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        assert self.process is not None
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait(60)

    def send(
        self,
        method: str,
        path: str,
        body: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> tuple[int, bytes, dict[str, str]]:
        request = Request(self.url + path, data=body, headers=headers or {}, method=method)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.read(), _lower(answer.headers)
        except HTTPError as error:
            with error:
                return error.code, error.read(), _lower(error.headers)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        data = None if body is None else json.dumps(body).encode()
        if data is not None:
            headers.setdefault("Content-Type", "application/json")
        status, text, _ = self.send(method, f"/api/2.0/mlflow/{path}", data, headers)
        return status, json.loads(text)


def _lower(headers: Message) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


class MlflowServer(TrackingServer):
    """A real server of MLflow, on SQLite; it keeps the artifacts."""

    def start(self) -> MlflowServer:
        options = ["--backend-store-uri", "sqlite:///mlflow.db", "--artifacts-destination", "kept"]
        options += ["--workers", "1", "--host", "127.0.0.1", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", *options],
                cwd=self.folder,
                # its eight processes for jobs would import MLflow and ask for work all the time
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._await_health(300)
        return self

    def stop(self) -> int:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)
        return self.process.wait(60)
