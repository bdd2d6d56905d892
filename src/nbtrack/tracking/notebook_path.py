"""Which notebook a kernel belongs to: no kernel knows, so the front ends are asked."""

from __future__ import annotations

import json
import os
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from nbtrack.config import env
from nbtrack.tracking.kernel import in_notebook, shell

TIMEOUT = 1.0
TIME_FOR_ALL = 3.0
_KERNEL_ID = re.compile(r"kernel-(.+)\.json$")


def known_notebook() -> str | None:
    """Return the notebook's path when VS Code or the Jupyter server told the kernel."""
    if not in_notebook():
        return None
    told = shell().user_ns.get("__vsc_ipynb_file__")
    if isinstance(told, str) and told:
        return told
    name = env("JPY_SESSION_NAME")
    return name if name and name.endswith(".ipynb") else None


def notebook_of_server() -> str | None:
    """Return the notebook's path as the Jupyter server of this kernel gives it.

    Every running server of this user is asked for its sessions, a second each and
    three in all; None if none knows the kernel.
    """
    kernel = _kernel_id()
    if kernel is None:
        return None
    until = time.monotonic() + TIME_FOR_ALL
    for server in _servers():
        if time.monotonic() > until:
            break
        for session in _sessions(server):
            if session.get("kernel", {}).get("id") != kernel:
                continue
            path = session.get("path") or session.get("notebook", {}).get("path")
            if path:
                root = server.get("root_dir") or server.get("notebook_dir") or ""
                return str(Path(root, path))
    return None


def _kernel_id() -> str | None:
    if not in_notebook():
        return None
    try:
        file = shell().kernel.config["IPKernelApp"]["connection_file"]
    except (AttributeError, KeyError, TypeError):
        return None
    match = _KERNEL_ID.search(str(file))
    return match.group(1) if match else None


def _servers() -> Iterator[dict[str, Any]]:
    """Yield the servers that left a runtime file, the latest first."""
    folder = runtime_folder()
    files = [*folder.glob("jpserver-*.json"), *folder.glob("nbserver-*.json")]
    for file in sorted(files, key=_modified, reverse=True):
        try:
            server = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError):
            continue
        if isinstance(server, dict) and server.get("url") and _alive(server.get("pid")):
            yield server


def runtime_folder() -> Path:
    """Return the folder where Jupyter servers say that they run."""
    told = env("JUPYTER_RUNTIME_DIR")
    if told:
        return Path(told)
    try:
        from jupyter_core.paths import jupyter_runtime_dir
    except ImportError:
        return Path.home() / ".local/share/jupyter/runtime"
    return Path(jupyter_runtime_dir())


def _sessions(server: dict[str, Any]) -> list[dict[str, Any]]:
    import urllib.request

    request = urllib.request.Request(  # noqa: S310 - the scheme is checked below
        f"{server['url']}api/sessions",
        headers={"Authorization": f"token {server.get('token', '')}"},
    )
    if request.type not in ("http", "https"):
        return []
    # the server is on this machine, whatever proxy the environment names
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            sessions = json.load(answer)
    except (OSError, ValueError):
        return []
    return [s for s in sessions if isinstance(s, dict)] if isinstance(sessions, list) else []


def _modified(file: Path) -> float:
    try:
        return file.stat().st_mtime
    except OSError:
        return 0.0


def _alive(pid: Any) -> bool:
    if not isinstance(pid, int) or os.name == "nt":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
