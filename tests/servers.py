"""A real Jupyter server for tests, with settings of its own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.request import urlopen

import psutil
import pytest

from programs import python_path

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "src" / "nbtrack"
TOKEN = "only-for-this-test"


def jupyter_environment(folder: Path, *, installed: bool = False) -> dict[str, str]:
    """Return an environment in which Jupyter has settings of its own and finds this nbtrack.

    One that is ``installed`` has nbtrack, its extensions and their settings already.
    """
    env = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_", "JPY_"))}
    for name in ("CONFIG_DIR", "DATA_DIR", "RUNTIME_DIR"):
        env[f"JUPYTER_{name}"] = str(folder / name.lower())
    for name in ("SETTINGS_DIR", "WORKSPACES_DIR"):
        env[f"JUPYTERLAB_{name}"] = str(folder / name.lower())
    settings = folder / "settings_dir" / "@jupyterlab" / "apputils-extension"
    settings.mkdir(parents=True)
    quiet = {"fetchNews": "false", "checkForUpdates": False}
    (settings / "notification.jupyterlab-settings").write_text(json.dumps(quiet), "utf-8")
    nowhere = "http://127.0.0.1:9"
    env |= {
        "IPYTHONDIR": str(folder / "ipython"),
        "http_proxy": nowhere,
        "https_proxy": nowhere,
        "no_proxy": "127.0.0.1,localhost",
    }
    if installed:
        env.pop("PYTHONPATH", None)
        return env
    extensions = folder / "share" / "labextensions"
    extensions.mkdir(parents=True)
    (extensions / "nbtrack").symlink_to(PACKAGE / "labextension", target_is_directory=True)
    enabled = folder / "config_dir" / "jupyter_server_config.d"
    enabled.mkdir(parents=True)
    shutil.copy(ROOT / "jupyter-config" / "nbtrack.json", enabled)
    return env | {"JUPYTER_PATH": str(folder / "share"), "PYTHONPATH": python_path()}


class Server:
    """A Jupyter server with JupyterLab and Notebook 7 on a port of its own.

    Parameters
    ----------
    folder : Path
        For its settings and its log; without ``root``, for the notebooks too.
    base_url : str
        As behind a hub.
    extension : bool
        Whether nbtrack's server extension is enabled.
    root, python : Path, optional
        The folder of the notebooks, and the Python of an environment that has nbtrack installed.
    """

    def __init__(
        self,
        folder: Path,
        base_url: str = "/",
        extension: bool = True,
        root: Path | None = None,
        python: Path | None = None,
    ) -> None:
        self.folder = root or folder / "work"
        self.folder.mkdir(exist_ok=True)
        self.env = jupyter_environment(folder / "jupyter", installed=python is not None)
        if python is not None:  # `jupyter lab` looks for its command there
            self.env["PATH"] = f"{python.parent}{os.pathsep}{self.env['PATH']}"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}{base_url.rstrip('/')}"
        if not extension:
            # an environment that has nbtrack installed enables it: what the user says comes first
            off = {"ServerApp": {"jpserver_extensions": {"nbtrack": False}}}
            settings = folder / "jupyter/config_dir/jupyter_server_config.d/nbtrack.json"
            settings.write_text(json.dumps(off), "utf-8")
            self.env["JUPYTER_PREFER_ENV_PATH"] = "0"
        self._log = (folder / "server.log").open("w+b")
        options = [
            "--no-browser",
            "--allow-root",
            "--ip=127.0.0.1",
            f"--port={port}",
            f"--ServerApp.base_url={base_url}",
            "--ServerApp.port_retries=0",
            f"--ServerApp.root_dir={self.folder}",
            f"--IdentityProvider.token={TOKEN}",
            "--LabApp.expose_app_in_browser=True",
            "--JupyterNotebookApp.expose_app_in_browser=True",
            "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        ]
        self._process = subprocess.Popen(
            [python or sys.executable, "-m", "jupyter", "lab", *options],
            cwd=self.folder,
            env=self.env,
            stdout=self._log,
            stderr=subprocess.STDOUT,
        )

    @property
    def pid(self) -> int:
        """The id of its process, which is the parent of its kernels."""
        return self._process.pid

    def wait(self, seconds: float = 60) -> None:
        """Wait until the server answers."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and self._process.poll() is None:
            try:
                urlopen(f"{self.url}/api", timeout=2).close()
                return
            except OSError:
                time.sleep(0.1)
        self._log.seek(0)
        pytest.fail("JupyterLab does not start:\n" + self._log.read().decode()[-3000:])

    def stop(self) -> None:
        """Stop the server and its kernels."""
        kernels = psutil.Process(self.pid).children() if self._process.poll() is None else []
        self._process.terminate()
        psutil.wait_procs(kernels, timeout=10)
        try:
            self._process.wait(1)
        except subprocess.TimeoutExpired:
            # where a page was open a thread of anyio, which Jupyter Server uses, never ends
            self._process.kill()
            self._process.wait()
        self._log.close()
