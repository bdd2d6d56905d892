"""``%%track --grid --jobs``: a cell in processes that have first run the cells that it needs."""

from __future__ import annotations

import ast
import asyncio
import os
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.displaypub import DisplayPublisher
from IPython.core.error import UsageError
from IPython.core.interactiveshell import InteractiveShell
from traitlets import Type
from traitlets.config import Config

from nbtrack.autologging.switches import for_a_while
from nbtrack.notebook.cell_dependencies import backward_slice
from nbtrack.notebook.cells import cells_of
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.grid_cells import CombinationRunner, Muted, driven
from nbtrack.notebook.grid_literals import grid_cell
from nbtrack.notebook.grid_source import waits_for
from nbtrack.notebook.names import names_of
from nbtrack.tracking import context
from nbtrack.tracking import start as starting
from nbtrack.tracking.run import ActiveRun


@dataclass(frozen=True)
class NeededCell:
    """An earlier cell that a process runs first."""

    number: int
    source: str


@dataclass
class CellWork:
    """What a process needs to know of a cell, so that it runs the combinations that it is sent.

    Attributes
    ----------
    uri, experiment_id, parent_id : str
        Where its runs go.
    folder : str
        The working directory of the notebook.
    needed : list of NeededCell
    number : int
        The execution count of the cell.
    cell_id : str or None
    source : str
        The cell without the line of ``%%track``.
    names : list of str
        What varies.
    params : dict
        Those that each run has besides.
    without : list of str
        Names or patterns of what is left out.
    auto : bool
        Whether what libraries train is logged.
    """

    uri: str
    experiment_id: str
    parent_id: str
    folder: str
    needed: list[NeededCell]
    number: int
    cell_id: str | None
    source: str
    names: list[str]
    params: dict[str, str]
    without: list[str]
    auto: bool
    runner: Any = field(default=None, repr=False)
    waits: bool = False

    def prepare(self) -> None:
        """Run the earlier cells, and read the cell."""
        os.chdir(self.folder)
        context.set_uri(self.uri)
        shell: Any = _WorkerShell.instance(config=Config(HistoryManager={"enabled": False}))
        shell.display_formatter.active_types = shell.display_formatter.format_types
        cells = cells_of(shell)
        shell.run_line_magic("load_ext", "nbtrack")
        text = (
            f"#\n{self.source}"  # its first line is that of %%track: lines are as in the notebook
        )
        code = str(shell.transform_cell(text))
        body = ast.parse(code).body
        self.waits = waits_for(body)
        file = shell.compile.cache(code, self.number, text)
        with Muted(shell):
            for each in self.needed:
                _run_before(shell, each)
        shell.execution_count = self.number
        cells.enter(self.source, self.cell_id)
        roots = [name.partition(".")[0] for name in self.names]
        for name in roots:
            shell.user_ns.setdefault(name, None)  # it gets its values before each run
        names = names_of(code)
        self.runner = CombinationRunner(
            shell,
            cells,
            grid_cell(body, self.names, frozenset(roots), shell.user_ns),
            self.source,
            names.binds,
            names.reads - names.imports,
            file,
            self.without,
        )

    def run(self, params: dict[str, Any], name: str, started: Callable[[str], None]) -> str:
        """Run the cell with a combination; its errors stay with the run."""
        active = starting.start_run(
            experiment_id=self.experiment_id, run_name=name, parent_run_id=self.parent_id
        )
        started(active.info.run_id)
        active.writer.log_params(
            {**{k: v for k, v in self.params.items() if k not in params}, **params}
        )
        work = self.runner.run(active, params)
        try:
            with for_a_while() if self.auto else nullcontext():
                if self.waits:
                    asyncio.run(work)
                else:
                    driven(work)
        except KeyboardInterrupt:
            if not active.ended:
                active.end("KILLED")
        return active.info.status


def _run_before(shell: Any, cell: NeededCell) -> None:
    shell.execution_count = cell.number
    result = shell.run_cell(cell.source, store_history=True)
    error = result.error_before_exec or result.error_in_exec
    if error is not None:
        raise RuntimeError(
            f"cell {cell.number}, which this one needs, fails in a process of its own: "
            f"{type(error).__name__}: {error}"
        ) from error


def cell_work(
    parent: ActiveRun,
    executed: Executed,
    needed: list[NeededCell],
    source: str,
    names: list[str],
    params: dict[str, str],
    without: list[str],
    *,
    auto: bool,
) -> CellWork:
    """Return what processes need to run a cell of this notebook."""
    return CellWork(
        uri=parent.store.uri,
        experiment_id=parent.info.experiment_id,
        parent_id=parent.info.run_id,
        folder=str(Path.cwd()),
        needed=needed,
        number=executed.number,
        cell_id=executed.cell_id,
        source=source,
        names=names,
        params=params,
        without=without,
        auto=auto,
    )


def cells_to_run_first(
    earlier: list[Executed], executed: Executed, names: list[str], namespace: dict[str, Any]
) -> list[NeededCell]:
    """Return the earlier cells that give a cell what it needs, in the order in which they ran.

    Parameters
    ----------
    earlier : list of Executed
    executed : Executed
        The cell.
    names : list of str
        What varies: it need not be given.
    namespace : dict
        The variables of the notebook.

    Raises
    ------
    UsageError
        If something that it needs comes from no cell, or from one that has failed.
    """
    found = backward_slice(earlier, executed, namespace)
    roots = {name for name in names if "." not in name}
    missing = [name for name in found.missing if name not in roots]
    if missing:
        raise UsageError(
            f"--jobs: the cell needs {', '.join(missing)}, and no cell of this kernel defines it: "
            "another process cannot make it. Define it in a cell, or leave --jobs out."
        )
    failed = next((each.cell for each in found.cells if each.cell.failed), None)
    if failed is not None:
        raise UsageError(
            f"--jobs: the cell needs cell {failed.number} ({failed.text.strip()[:40]!r}), which "
            "has failed: other processes would fail there too. Correct it, or leave --jobs out."
        )
    return [NeededCell(each.cell.number, each.cell.code) for each in found.cells]


class _Publisher(DisplayPublisher):
    """Hands what is displayed to those who listen, and shows nothing."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[no-untyped-call]
        self._hooks: list[Callable[[Any], Any]] = []

    def register_hook(self, hook: Callable[[Any], Any]) -> None:
        """Let a function hear of messages."""
        self._hooks.append(hook)

    def unregister_hook(self, hook: Callable[[Any], Any]) -> None:
        """Let a function hear no more."""
        if hook in self._hooks:
            self._hooks.remove(hook)

    def publish(
        self,
        data: Any,
        metadata: Any = None,
        source: Any = None,
        *,
        transient: Any = None,
        update: Any = False,
        **kwargs: Any,
    ) -> None:
        """Tell those who listen."""
        content = {"data": data, "transient": transient or {}}
        for hook in list(self._hooks):
            if hook({"content": content}) is None:
                return

    def clear_output(self, wait: bool = False) -> None:
        """Do nothing: nothing is shown."""


class _WorkerShell(InteractiveShell):
    """A shell without a terminal and without a front end."""

    display_pub_class = Type(_Publisher)

    def enable_gui(self, gui: Any = None) -> None:
        """Do nothing: there is no screen."""
