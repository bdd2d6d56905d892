"""What runs this code: a notebook kernel, its cell and its notebook, a task of asyncio."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import re
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.environment import env

if TYPE_CHECKING:
    from nbtrack.store import Store

TIMEOUT = 1.0
TIME_FOR_ALL = 3.0
_KERNEL_ID = re.compile(r"kernel-(.+)\.json$")


def shell() -> Any:
    """Return IPython's shell, or None outside of IPython."""
    module = sys.modules.get("IPython")
    return module.get_ipython() if module is not None else None


def variables() -> dict[str, Any]:
    """Return the variables of the notebook, or those of the script."""
    found = shell()
    return vars(sys.modules["__main__"]) if found is None else dict(found.user_ns)


def in_notebook() -> bool:
    """Return whether this process is a kernel (Jupyter, VS Code, Colab)."""
    return getattr(shell(), "kernel", None) is not None


def cell_number() -> int | None:
    """Return the execution count of the cell that runs, or None outside of IPython."""
    found = shell()
    return None if found is None else number_of(found)


def number_of(shell: Any) -> int:
    """Return the execution count of the cell that a shell runs.

    Recent versions of IPython count up before a cell runs, older ones after it; what numbers the
    outputs knows.
    """
    return int(shell.displayhook.prompt_count)


def running_task() -> Any:
    """Return the asyncio task that runs now, or None."""
    asyncio = sys.modules.get("asyncio")
    try:
        return asyncio.current_task() if asyncio is not None else None
    except RuntimeError:  # no event loop runs
        return None


def register_store(store: Store) -> None:
    """Say in Jupyter's runtime folder that this kernel uses a store; outside of one do nothing."""
    if not in_notebook():
        return
    from nbtrack.store import announce_store

    with contextlib.suppress(OSError):  # no server can read what cannot be written
        file = announce_store(store, _connection_folder())
        atexit.register(file.unlink, missing_ok=True)


def _connection_folder() -> Path:
    """Return the folder of the kernel's connection file: the server that started it knows it."""
    try:
        file = shell().kernel.config["IPKernelApp"]["connection_file"]
    except (AttributeError, KeyError, TypeError):
        file = ""
    path = Path(file)
    if path.is_absolute() and path.name.startswith("kernel-"):  # not one in a temporary folder
        return path.parent
    return runtime_folder()


def known_notebook() -> str | None:
    """Return the notebook's path when VS Code or the Jupyter server told the kernel."""
    if not in_notebook():
        return None
    value = shell().user_ns.get("__vsc_ipynb_file__")
    if isinstance(value, str) and value:
        return value
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
    value = env("JUPYTER_RUNTIME_DIR")
    if value:
        return Path(value)
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
