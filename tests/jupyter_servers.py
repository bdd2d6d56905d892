"""A Jupyter server without its front ends, for tests of the extension."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from servers import TOKEN, jupyter_environment

BASE = "/user/ann/"


class JupyterServer:
    """A Jupyter server below ``/user/ann/`` with the extension enabled by its config file."""

    def __init__(self, folder: Path, *settings: str) -> None:
        self.root = folder / "root"
        self.root.mkdir()
        self.env = jupyter_environment(folder / "jupyter")
        self.runtime = Path(self.env["JUPYTER_RUNTIME_DIR"])
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}{BASE}"
        self.log = (folder / "server.log").open("w+b")
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={self.port}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.base_url={BASE}",
            f"--ServerApp.root_dir={self.root}",
            f"--IdentityProvider.token={TOKEN}",
            *settings,
        ]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", *options],
            cwd=self.root,
            env=self.env,
            stdout=self.log,
            stderr=subprocess.STDOUT,
        )

    def wait(self) -> None:
        end = time.monotonic() + 60
        while time.monotonic() < end and self.process.poll() is None:
            try:
                urlopen(f"{self.url}api", timeout=2).close()
                return
            except OSError:
                time.sleep(0.05)
        self.log.seek(0)
        pytest.fail(self.log.read().decode()[-3000:])

    def stop(self) -> None:
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()

    def send(self, path: str, data: bytes | None = None, **headers: str) -> tuple[int, Any]:
        request = Request(f"{self.url}nbtrack/{path}", data=data, headers=headers)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            with error:
                return error.code, json.loads(error.read())

    def get(self, path: str) -> tuple[int, Any]:
        return self.send(path, Authorization=f"token {TOKEN}")

    def post(self, path: str, body: object) -> tuple[int, Any]:
        return self.send(path, json.dumps(body).encode(), Authorization=f"token {TOKEN}")

    def stores(self) -> dict[str, dict[str, Any]]:
        status, body = self.get("stores?refresh=1")
        assert status == 200, body
        return {store["path"]: store for store in body["stores"]}

    def ask(self, store_id: str, kind: str, **question: Any) -> tuple[int, Any]:
        return self.post(f"ask?store={store_id}", {"type": kind, **question})
