"""``python -m nbtrack.projects.notebook``: the process that executes a notebook for a project.

It is one of its own, so that a notebook ends as every other command does: by its exit status, and
with all that it has started.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from nbtrack.entities.runs import ERROR_TAG
from nbtrack.errors import MissingDependencyError, NbtrackError, ProjectError
from nbtrack.variables import RUN_ID

if TYPE_CHECKING:
    from nbclient import NotebookClient

KEPT_EVERY_S = 30.0
MOST_LETTERS = 90  # in the path of a socket, of which systems take some 100


def read_notebook(path: Path) -> dict[str, Any]:
    """Return a notebook in the format that is current.

    Raises
    ------
    ProjectError
        If the file is no notebook.
    """
    _check_packages()
    import nbformat

    try:
        found: dict[str, Any] = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    except Exception as error:  # nbformat has errors of several packages
        raise ProjectError(f"The notebook {path} cannot be read: {error}") from error
    return found


def main(arguments: Sequence[str] | None = None) -> int:
    """Execute a notebook; return 0, or 1 if a cell has failed."""
    parser = argparse.ArgumentParser(prog="python -m nbtrack.projects.notebook")
    parser.add_argument("notebook", type=Path, help="with its params")
    parser.add_argument("--name", required=True, help="under which it is kept")
    parser.add_argument("--folder", required=True, help="where its kernel runs")
    parser.add_argument("--run-id", required=True)
    parser.add_argument("--python", help="the interpreter of the kernel")
    options = parser.parse_args(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _execute(options)
    except NbtrackError as error:
        sys.stderr.write(f"nbtrack: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _execute(options: argparse.Namespace) -> int:
    from nbclient.exceptions import CellExecutionError, DeadKernelError

    from nbtrack.store import open_store

    notebook = read_notebook(options.notebook)
    store = open_store(None)
    writer = store.writer(options.run_id)
    keep = _Keeper(notebook, options.name, writer.artifacts)
    client = _client(notebook, options)
    try:
        with _bar(notebook, client, keep):
            client.execute(env=_kernel_variables(options.run_id))
    except CellExecutionError as error:
        writer.set_tags({ERROR_TAG: f"{error.ename}: {error.evalue}"[:500]})
        sys.stderr.write(f"\n{error.traceback}\n")
        return 1
    except DeadKernelError:
        writer.set_tags({ERROR_TAG: "The kernel died."})
        sys.stderr.write("\nThe kernel died while a cell was running.\n")
        return 1
    finally:
        keep.now()
        store.close()
    return 0


class _Keeper:
    """Keeps the notebook, without secrets, with the run: now and then, and at the end."""

    def __init__(self, notebook: dict[str, Any], name: str, artifacts: Any) -> None:
        self._notebook = notebook
        self._name = name
        self._artifacts = artifacts
        self._next = time.monotonic() + KEPT_EVERY_S

    def in_turn(self) -> None:
        if time.monotonic() > self._next:
            self.now()

    def now(self) -> None:
        import nbformat

        from nbtrack.redaction.secrets import is_wanted
        from nbtrack.redaction.source import clean_notebook

        text: str = nbformat.writes(self._notebook)  # type: ignore[no-untyped-call]
        if is_wanted():
            kept = json.loads(text)
            clean_notebook(kept)
            text = json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
        self._artifacts.put_bytes(self._name, text.encode("utf-8", "surrogatepass"))
        self._next = time.monotonic() + KEPT_EVERY_S


def _client(notebook: dict[str, Any], options: argparse.Namespace) -> NotebookClient:
    from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
    from nbclient import NotebookClient

    name = notebook["metadata"].get("kernelspec", {}).get("name", "python3")
    try:
        language = KernelSpecManager().get_kernel_spec(name).language
    except NoSuchKernel:
        language = notebook["metadata"].get("kernelspec", {}).get("language", "python")
        if language.lower() != "python":
            raise ProjectError(
                f"The notebook asks for the kernel {name!r}, which is not installed."
            ) from None
        name = "python3"
    client = NotebookClient(
        notebook,  # type: ignore[arg-type]  # a NotebookNode is a dict
        timeout=None,
        kernel_name=name,
        resources={"metadata": {"path": options.folder}},
    )
    client.create_kernel_manager()
    _talk_by_files(client, options.notebook.parent)
    if language.lower() == "python" and options.python:
        words = [options.python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        client.km.kernel_spec.argv = words  # type: ignore[union-attr]
    return client


def _talk_by_files(client: NotebookClient, folder: Path) -> None:
    """Let nobody else listen to the kernel: by sockets in a folder of our own, where there are any.

    Ports of this machine are open to all who work on it, and what goes over them is not encrypted.
    """
    place = str(folder / "kernel")
    if sys.platform != "win32" and len(place) < MOST_LETTERS:
        client.km.transport = "ipc"  # type: ignore[union-attr]
        client.km.ip = place  # type: ignore[union-attr]


@contextlib.contextmanager
def _bar(notebook: dict[str, Any], client: NotebookClient, keep: _Keeper) -> Iterator[None]:
    """Show how far the cells are: a bar on a terminal, lines elsewhere."""
    codes = [i for i, c in enumerate(notebook["cells"]) if c["cell_type"] == "code" and c["source"]]
    numbers = {index: number for number, index in enumerate(codes, 1)}

    def describe(index: int) -> str:
        text = str(notebook["cells"][index]["source"]).strip().splitlines()[0]
        return f"cell {numbers[index]} of {len(codes)}  {text[:50]}"

    if not sys.stderr.isatty():

        def start(cell: Any, cell_index: int) -> None:
            if cell_index in numbers:
                sys.stderr.write(f"{describe(cell_index)}\n")
                sys.stderr.flush()

        client.on_cell_execute = start
        client.on_cell_executed = lambda **_: keep.in_turn()
        yield
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("starting the kernel", total=len(codes))

        def begin(cell: Any, cell_index: int) -> None:
            if cell_index in numbers:
                bar.update(task, description=describe(cell_index))

        def end(cell_index: int, **_: Any) -> None:
            if cell_index in numbers:
                bar.update(task, completed=numbers[cell_index])
            keep.in_turn()

        client.on_cell_execute = begin
        client.on_cell_executed = end
        yield


def _kernel_variables(run_id: str) -> dict[str, str]:
    """Return the environment of the kernel: the first run that is started in it is this one."""
    return {**os.environ, **dict.fromkeys(RUN_ID.names, run_id)}


def _check_packages() -> None:
    try:
        import ipykernel  # noqa: F401
        import nbclient  # noqa: F401
    except ModuleNotFoundError as error:
        raise MissingDependencyError(
            f"Running a notebook needs {error.name}: pip install 'nbtrack[jupyter]'."
        ) from None


if __name__ == "__main__":
    sys.exit(main())
