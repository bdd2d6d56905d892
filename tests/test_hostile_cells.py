"""Cells are watched although the code of a notebook has put what raises into Python's modules."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbtrack.errors import NbtrackWarning
from nbtrack.notebook.cells import Cells
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.watching import CellWatch


@pytest.fixture
def run(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Run a cell in a shell; get what was seen of it, None if it was not watched."""
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    hook, path = sys.displayhook, list(sys.path)
    shell: Any = InteractiveShell()
    cells = Cells(shell)

    def cell(source: str) -> Observation | None:
        shell.run_cell(source, store_history=True).raise_error()
        return cells.executed()[0].seen

    yield cell
    cells.close()
    shell.history_manager.end_session()
    sys.displayhook, sys.path[:] = hook, path


@pytest.mark.parametrize(
    "name",
    ["time.perf_counter", "time.thread_time", "os.path.exists", "os.getcwd", "os.scandir",
     "threading.enumerate"],
)  # fmt: skip
def test_functions_that_raise_do_not_stop_watching(run: Any, name: str) -> None:
    module = name.partition(".")[0]
    run(f"import {module}\nx, kept = [1], {name}\ndef broken(*args):\n    raise ValueError")
    try:
        assert run(f"{name} = broken").complete
        seen = run("x.append(2); open('a.txt', 'w').close()")
        assert (seen.complete, seen.changed, seen.files_written) == (True, {"x"}, {"a.txt"})
    finally:
        run(f"{name} = kept")


class Fails:
    """A watcher that fails some times."""

    def __init__(self, times: int) -> None:
        self.times = times
        self.seen: list[int] = []

    def before(self, cell: Executed, seen: Observation) -> None:
        self.seen.append(cell.number)
        self.times -= 1
        if self.times >= 0:
            raise OSError("no")

    def after(self, cell: Executed, seen: Observation) -> None:
        seen.complete = True


def _watched(watch: CellWatch, number: int) -> bool:
    cell = Executed(number, None, "", str)
    watch.before(cell)
    watch.after(cell)
    return cell.seen is not None


@pytest.mark.parametrize(("times", "expected"), [(2, [False, False, True, True]), (3, [False] * 4)])
def test_what_fails_is_tried_again_and_its_cells_count_as_not_watched(
    times: int, expected: list[bool]
) -> None:
    failing, other = Fails(times), Fails(0)
    watch = CellWatch([failing, other])
    with pytest.warns(NbtrackWarning, match="could not be watched|stops watching"):
        assert [_watched(watch, number) for number in range(4)] == expected
    assert failing.seen == list(range(4 if times == 2 else 3))
    assert other.seen == list(range(4))
