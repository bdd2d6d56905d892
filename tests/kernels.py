"""A real kernel for tests: run cells, look at what they put out."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jupyter_client.manager import KernelManager

from programs import python_path

VIEW = "application/vnd.nbtrack.view.v1+json"
WIDGET = "application/vnd.jupyter.widget-view+json"


@dataclass
class Output:
    """What a cell left behind, updates applied, as a notebook would save it."""

    status: str = ""
    text: str = ""
    errors: str = ""
    result: str = ""
    error: tuple[str, str] | None = None
    traceback: str = ""
    displays: list[dict[str, Any]] = field(default_factory=list)
    first: list[dict[str, Any]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)

    @property
    def cards(self) -> list[dict[str, Any]]:
        return [data[VIEW] for data in self.displays if VIEW in data]


class Kernel:
    def __init__(self, client: Any, folder: Path) -> None:
        self.client = client
        self.folder = folder
        self._shown: dict[str, tuple[Output, int]] = {}

    def run(
        self,
        code: str,
        *,
        interrupt_after: float | None = None,
        manager: Any = None,
        cell_id: str | None = None,
    ) -> Output:
        asked = self._ask(code, cell_id)
        silence = 60 if interrupt_after is None else interrupt_after + 60
        out = Output()
        begin = time.monotonic()
        while True:
            if interrupt_after is not None and time.monotonic() - begin > interrupt_after:
                manager.interrupt_kernel()
                interrupt_after = None
            try:
                message = self.client.get_iopub_msg(timeout=0.2)
            except Exception as error:
                if type(error).__name__ != "Empty" or time.monotonic() - begin > silence:
                    raise
                continue
            out.messages.append(message)
            if message["parent_header"].get("msg_id") != asked:
                continue
            kind, content = message["msg_type"], message["content"]
            if kind == "status" and content["execution_state"] == "idle":
                break
            self._take(out, kind, content)
        reply = self.client.get_shell_msg(timeout=10)
        while reply["parent_header"].get("msg_id") != asked:  # one of the start, that came late
            reply = self.client.get_shell_msg(timeout=10)
        out.status = reply["content"]["status"]
        return out

    def _ask(self, code: str, cell_id: str | None) -> str:
        """Send a cell as a front end does that says which one it is."""
        if cell_id is None:
            return str(self.client.execute(code))
        content = {"code": code, "silent": False, "store_history": True, "user_expressions": {}}
        message = self.client.session.msg("execute_request", content, metadata={"cellId": cell_id})
        self.client.shell_channel.send(message)
        return str(message["header"]["msg_id"])

    def _take(self, out: Output, kind: str, content: dict[str, Any]) -> None:
        if kind == "stream" and content["name"] == "stdout":
            out.text += content["text"]
        elif kind == "stream":
            out.errors += content["text"]
        elif kind == "execute_result":
            out.result = content["data"]["text/plain"]
            out.displays.append(content["data"])
        elif kind == "error":
            out.error = (content["ename"], content["evalue"])
            out.traceback = "\n".join(content["traceback"])
        elif kind == "display_data":
            self._shown[content["transient"].get("display_id", "")] = (out, len(out.displays))
            out.displays.append(content["data"])
            out.first.append(content["data"])
        elif kind == "update_display_data":
            owner, place = self._shown[content["transient"]["display_id"]]
            owner.displays[place] = content["data"]

    def value(self, expression: str) -> Any:
        """Return what an expression is in the kernel, for plain values."""
        import ast

        out = self.run(f"print(repr({expression}))")
        assert out.error is None, out.traceback
        return ast.literal_eval(out.text)


@contextmanager
def connection_of_kernel() -> Iterator[dict[str, str]]:
    """Give the options of a kernel's manager that make its channels files.

    Ports are chosen before the kernel takes them: another program may take one meanwhile.
    """
    with tempfile.TemporaryDirectory(prefix="nbtrack-") as folder:  # their paths must be short
        yield {"transport": "ipc", "connection_file": str(Path(folder) / "k.json")}


@contextmanager
def kernel(folder: Path, **variables: str) -> Iterator[Kernel]:
    """Start a kernel in a folder, with nbtrack's magics loaded."""
    with bare_kernel(folder, **variables) as running:
        running.run("import nbtrack, time\n%load_ext nbtrack")
        yield running


@contextmanager
def bare_kernel(folder: Path, cwd: Path | None = None, **variables: str) -> Iterator[Kernel]:
    """Start a kernel with its settings in a folder, and in that folder if no other is given."""
    kept = {
        k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_", "JPY_"))
    }
    env = {
        **kept,
        "PYTHONPATH": python_path(),
        "IPYTHONDIR": str(folder / ".ipython"),
        "JUPYTER_RUNTIME_DIR": str(folder / ".runtime"),
        "MPLBACKEND": "module://matplotlib_inline.backend_inline",
        **variables,
    }
    with connection_of_kernel() as connection:
        manager = KernelManager(kernel_name="python3", **connection)
        manager.start_kernel(cwd=str(cwd or folder), env=env)
        client = manager.client()
        client.start_channels()
        try:
            client.wait_for_ready(timeout=60)
            running = Kernel(client, folder)
            running.manager = manager  # type: ignore[attr-defined]
            yield running
        finally:
            client.stop_channels()
            manager.shutdown_kernel(now=True)
            manager.cleanup_resources()
