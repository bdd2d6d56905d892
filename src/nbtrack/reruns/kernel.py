"""A fresh kernel that executes cells, and ends with all that it has started."""

from __future__ import annotations

import contextlib
import os
import re
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from queue import Empty
from types import TracebackType
from typing import Any

from nbtrack import variables
from nbtrack.errors import MissingDependencyError, NbtrackError

START_S = 120.0
LOOK_EVERY_S = 0.5
MOST_LETTERS = 80  # in the path of a socket, of which systems take some 100
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"(?:Cell In\s?\[\d+\], line |line |---->\s?)(\d+)")


@dataclass(frozen=True)
class CellError:
    """How a cell has failed.

    Attributes
    ----------
    name, text : str
        Of the error.
    line : int or None
        Of the cell, as it was executed.
    traceback : str
    """

    name: str
    text: str
    line: int | None = None
    traceback: str = ""

    def __str__(self) -> str:
        return f"{self.name}: {self.text}" if self.text else self.name


class Kernel:
    """A kernel in a folder; use it in a ``with`` statement.

    Parameters
    ----------
    python : str
        The interpreter.
    folder : Path
        Its working directory.
    place : Path
        A private folder for its connection.
    variables : dict of str to str
        Its environment.

    Raises
    ------
    MissingDependencyError
        If jupyter_client or ipykernel are not installed.
    NbtrackError
        If it does not start.
    """

    def __init__(self, python: str, folder: Path, place: Path, variables: dict[str, str]) -> None:
        self._python = python
        self._folder = folder
        self._place = place
        self._variables = variables
        self._manager: Any = None
        self._client: Any = None

    def __enter__(self) -> Kernel:
        try:
            self._start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _start(self) -> None:
        try:
            import ipykernel  # noqa: F401
            from jupyter_client.manager import KernelManager
        except ModuleNotFoundError as error:
            raise MissingDependencyError(
                f"Running cells again needs {error.name}: pip install 'nbtrack[jupyter]'."
            ) from None
        self._place.mkdir(mode=0o700, exist_ok=True)
        options: dict[str, Any] = {"connection_file": str(self._place / "k.json")}
        if sys.platform != "win32" and len(str(self._place)) < MOST_LETTERS:
            options["transport"] = "ipc"  # ports of this machine are open to all who work on it
        manager = KernelManager(kernel_name="python3", **options)
        words = [self._python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        # the cells of a rerun are not the user's history
        words.append("--HistoryManager.hist_file=:memory:")
        assert manager.kernel_spec is not None  # noqa: S101  for the type checker
        manager.kernel_spec.argv = words
        self._manager = manager
        try:
            manager.start_kernel(cwd=str(self._folder), env=self._variables)
            self._client = manager.client()
            self._client.start_channels()
            self._client.wait_for_ready(timeout=START_S)
        except (RuntimeError, OSError) as error:
            raise NbtrackError(f"The kernel of {self._python} does not start: {error}") from error

    def execute(self, source: str, until: float | None = None) -> CellError | None:
        """Execute a cell; return its error, or None.

        Parameters
        ----------
        source : str
        until : float, optional
            The monotonic time at which it is taken to hang.
        """
        return self._ask(source, until, silent=False)

    def call(self, function: str, *arguments: Any) -> None:
        """Call a function of ``nbtrack.reruns.inside`` in the kernel.

        Raises
        ------
        NbtrackError
            If it fails.
        """
        given = ", ".join(map(repr, arguments))
        module = f"__import__('nbtrack.reruns.inside', fromlist=['{function}'])"
        error = self._ask(f"{module}.{function}({given})", None, silent=True)
        if error is not None:
            raise NbtrackError(f"The kernel cannot be prepared for the cells: {error}")

    def close(self) -> None:
        """End the kernel at once."""
        client, self._client = self._client, None
        manager, self._manager = self._manager, None
        if client is not None:
            with contextlib.suppress(Exception):
                client.stop_channels()
        if manager is not None:
            with contextlib.suppress(Exception):
                manager.shutdown_kernel(now=True)
            with contextlib.suppress(Exception):
                manager.cleanup_resources()

    def _ask(self, code: str, until: float | None, *, silent: bool) -> CellError | None:
        asked = self._client.execute(
            code, silent=silent, store_history=not silent, allow_stdin=False, stop_on_error=False
        )
        found: CellError | None = None
        while True:
            try:
                message = self._client.get_iopub_msg(timeout=LOOK_EVERY_S)
            except Empty:
                if not self._manager.is_alive():
                    return CellError("DeadKernel", "the kernel died while the cell was running")
                if until is not None and time.monotonic() > until:
                    return CellError("Timeout", "the cell takes longer than it was given")
                continue
            if message["parent_header"].get("msg_id") != asked:
                continue
            content = message["content"]
            if message["msg_type"] == "error":
                found = _error(content)
            elif message["msg_type"] == "status" and content["execution_state"] == "idle":
                break
        return found or self._reply(asked)

    def _reply(self, asked: str) -> CellError | None:
        """Return the error that only the reply tells: a silent request shows none."""
        while True:
            try:
                reply = self._client.get_shell_msg(timeout=START_S)
            except Empty:
                return CellError("DeadKernel", "the kernel does not answer")
            if reply["parent_header"].get("msg_id") == asked:
                content = reply["content"]
                return _error(content) if content["status"] == "error" else None


def _error(content: dict[str, Any]) -> CellError:
    trace = _COLOURS.sub("", "\n".join(content.get("traceback", ())))
    lines = re.findall(r"Cell In\s?\[\d+\], line (\d+)", trace) or _LINE.findall(trace)
    text = str(content.get("evalue", ""))
    return CellError(
        str(content.get("ename", "Error")), text, int(lines[-1]) if lines else None, trace
    )


def variables_of_kernel(root: Path, experiment: str, process: dict[str, Any]) -> dict[str, str]:
    """Return the environment of a kernel whose runs go to a store of its own.

    Parameters
    ----------
    root : Path
        The temporary folder.
    experiment : str
        The name of the active experiment.
    process : dict
        What was recorded of the process: its hash seed, its threads.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("JPY_", "MLFLOW_")) and name not in _LEFT_OUT
    }
    found = {
        **kept,
        "JUPYTER_RUNTIME_DIR": str(root / "runtime"),
        variables.ONLY_URI.name: str(store_of(root)),
        variables.URI.mlflow: f"file:{root / 'mlruns'}",
    }
    if experiment != "Default":
        found[variables.EXPERIMENT_NAME.name] = experiment
    seed = process.get("hash_seed")
    if isinstance(seed, str) and seed:
        found["PYTHONHASHSEED"] = seed
    threads = process.get("threads")
    for name, value in threads.items() if isinstance(threads, dict) else ():
        if name.endswith("_NUM_THREADS") and str(value).isdigit():
            found[name] = str(value)
    used = threads.get("torch") if isinstance(threads, dict) else None
    if isinstance(used, int) and used != os.cpu_count():
        found.setdefault("OMP_NUM_THREADS", str(used))
    flags = process.get("flags")
    workspace = flags.get("CUBLAS_WORKSPACE_CONFIG") if isinstance(flags, dict) else None
    if isinstance(workspace, str):
        found["CUBLAS_WORKSPACE_CONFIG"] = workspace
    return found


_LEFT_OUT = {
    *variables.URI.names,
    *variables.REGISTRY_URI.names,
    *variables.RUN_ID.names,
    *variables.EXPERIMENT_ID.names,
    *variables.EXPERIMENT_NAME.names,
    *variables.STORES_OF_PARENT.names,
    *variables.ACTIVE_MODEL_ID.names,
    "PYTHONHASHSEED",
}


def store_of(root: Path) -> Path:
    """Return where the kernel of a rerun keeps its runs."""
    return root / "store" / "nbtrack.duckdb"
