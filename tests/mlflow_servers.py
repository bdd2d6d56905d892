"""A real ``mlflow server`` for tests, with a database and artifacts of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tracking_servers import free_port


@contextmanager
def mlflow_server(folder: Path) -> Iterator[str]:
    """Start a server that keeps artifacts for its clients, and give its address.

    It takes seconds to listen; clients that repeat their calls, as MLflow's do, need not wait.
    """
    port = free_port()
    places = ["--backend-store-uri", f"sqlite:///{folder}/server.db",
              "--artifacts-destination", str(folder / "served")]  # fmt: skip
    words = [sys.executable, "-m", "mlflow", "server", "--port", str(port), "--workers", "1"]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MLFLOW_")}
    environment["MLFLOW_SERVER_ENABLE_JOB_EXECUTION"] = "false"
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(
            [*words, *places], cwd=folder, env=environment, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)
