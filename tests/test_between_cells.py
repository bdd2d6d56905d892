"""What changes variables between the cells is seen by the next cell that uses them."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbtrack.notebook import cards, formatters
from nbtrack.notebook import cells as notebook_cells
from nbtrack.notebook.cell_dependencies import backward_slice
from nbtrack.notebook.source_record import as_record
from nbtrack.tracking import kernel
from nbtrack.tracking.start import on_start


class Notebook:
    """A shell of IPython whose cells are watched."""

    def __init__(self) -> None:
        self.shell: Any = InteractiveShell()
        self.cells = notebook_cells.Cells(self.shell)

    def cell(self, source: str) -> Any:
        """Run a cell; return what was seen of it."""
        self.shell.run_cell(source, store_history=True).raise_error()
        return self.cells.executed()[0].seen

    def without_history(self, source: str) -> None:
        """Run what extensions, widgets and front ends run between cells."""
        self.shell.run_cell(source, store_history=False).raise_error()

    def record(self) -> dict[str, Any]:
        """Return what a run of the last cell would keep."""
        cell, earlier = self.cells.executed()
        return as_record(backward_slice(earlier, cell, self.shell.user_ns), cell)

    def hidden(self) -> list[str]:
        """Return what the badges of such a run say of hidden state."""
        found = self.record()["findings"]
        return [each["text"] for each in found if each["kind"] == "hidden state"]


@pytest.fixture
def book(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    hook, path = sys.displayhook, list(sys.path)
    made = Notebook()
    yield made
    made.cells.close()
    made.shell.history_manager.end_session()
    sys.displayhook, sys.path[:] = hook, path


def test_changes_between_cells_are_seen_where_they_are_used(book: Notebook) -> None:
    book.cell("x, d, n, other = [1], {'a': [0]}, 1, [5]\nholder = (d,)")
    book.cell("y = 1")
    book.without_history("x.append(2); d['a'][0] = True; n = 2; new = 1; other.pop()")
    assert book.cell("x").between >= {"x", "n", "new"}
    assert book.cell("1").between == set()
    assert book.cell("holder, n").between == {"d", "holder"}
    assert book.cell("x.append(3)").between == set()


def test_the_record_says_so_for_runs_that_need_it(book: Notebook) -> None:
    book.cell("x, y = [1], [1]")
    book.without_history("x.append(2)")
    book.cell("print(x)")  # which is not needed
    book.cell("y")
    assert book.hidden() == []
    book.cell("sum(x)")
    assert book.hidden()[0].startswith("x: changed between cells")
    book.cell("x = [3]")
    book.cell("sum(x)")
    assert book.hidden() == []


def test_settings_changed_between_cells_are_said(book: Notebook, tmp_path: Path) -> None:
    (tmp_path / "sub").mkdir()
    book.cell("import os")
    book.without_history("os.chdir('sub')")
    book.cell("1")
    assert "working directory" in book.hidden()[0]


def test_what_somebody_moved_is_seen(book: Notebook) -> None:
    pytest.importorskip("ipywidgets")
    book.cell("from ipywidgets import IntSlider\nslider = IntSlider(3)\nlimit = slider.value")
    assert book.cell("slider.value").between == set()
    book.shell.user_ns["slider"].value = 4
    assert book.cell("slider.value").between == {"slider"}


def test_code_without_history_leaves_the_cell_before_as_it_was(book: Notebook) -> None:
    book.cell("x = 1")
    book.shell.run_cell("1 / 0", store_history=False)
    cell, _ = book.cells.executed()
    assert not cell.failed
    seen = book.cell("x = []\nget_ipython().run_cell('x.append(1)', store_history=False)\nx")
    assert seen is not None
    assert seen.bound >= {"x"}
    assert book.cell("x").between == set()


def test_a_cell_that_was_not_watched_may_have_changed_anything(book: Notebook) -> None:
    book.cell("x = [1]")
    book.cells.capturing = False
    book.cell("x.append(2)")
    book.cells.capturing = True
    assert book.cell("x").between == set()
    assert [each["number"] for each in book.record()["needed"]] == [1, 2]


@pytest.fixture
def instance(book: Notebook, monkeypatch: pytest.MonkeyPatch) -> Iterator[Notebook]:
    """The notebook is the one of this process, and no kernel, as IPython in a terminal."""
    monkeypatch.setattr(cards, "shell", lambda: book.shell)
    monkeypatch.setattr(kernel, "shell", lambda: book.shell)
    monkeypatch.setattr(notebook_cells, "cells_of", lambda _shell: book.cells)
    before: list[Callable[..., Any]] = list(on_start)
    formatters.register(book.shell)
    yield book
    on_start[:] = before


def test_a_run_from_one_cell_to_another_has_its_cells_in_a_terminal_too(
    instance: Notebook, workdir: Path
) -> None:
    instance.cell("import nbtrack\nx = [1]")
    instance.cell("run = nbtrack.start_run()")
    instance.cell("x.append(2)")
    instance.without_history("x.append(3)")
    instance.cell("nbtrack.log_metric('n', len(x))\nnbtrack.end_run()")
    instance.without_history("1")
    instance.cell("later = 1")
    files = {file.read_bytes() for file in workdir.rglob("*") if file.is_file()}
    records = [json.loads(each) for each in files if each.startswith(b'{\n "version": 2,')]
    last = max(records, key=lambda each: len(each["continued"]))
    assert [each["number"] for each in last["continued"]] == [3, 4]
    assert [each["number"] for each in last["needed"]] == [1]
    assert "hidden state" in {each["kind"] for each in last["findings"]}


def test_an_alias_of_changed_memory_was_changed_by_the_cell(book: Notebook) -> None:
    book.cell("import numpy as np\na = np.zeros((4, 6)); flat = a.ravel(); history = [a]")
    assert book.cell("np.add.at(flat, [0, 5], 1.0)").changed >= {"a", "flat", "history"}
    assert book.cell("a.sum()").between == set()
    book.without_history("a[1] = 3")
    assert "a" in book.cell("history").between


def test_what_a_weak_reference_leads_to_is_looked_at(book: Notebook) -> None:
    book.cell(
        "import weakref\nclass Holder(dict): pass\nhooks, data = Holder(a=[1]), Holder()\n"
        "class Handle:\n    def __init__(self, to): self.ref = weakref.ref(to)\n"
        "handle = Handle(hooks)"
    )
    assert book.cell("handle.ref().pop('a')").changed >= {"hooks"}
    assert book.cell("hooks").between == set()


def test_work_that_goes_on_is_said_once_and_where_it_began(book: Notebook) -> None:
    book.cell("import threading\nx, go = [], threading.Event()\ndef work(): go.wait(); x.append(1)")
    book.cell("thread = threading.Thread(target=work)\nthread.start()")
    book.cell("go.set(); thread.join()")
    book.cell("sum(x)")
    kinds = [each["kind"] for each in book.record()["findings"] if each["level"] == "warning"]
    assert kinds == ["background work"]
    book.without_history("x.append(2)")
    book.cell("sum(x)")
    assert book.hidden()[0].startswith("x: changed between cells")


def test_that_a_call_in_a_pool_is_done_is_no_change(book: Notebook) -> None:
    book.cell(
        "from concurrent.futures import ThreadPoolExecutor, wait\n"
        "from threading import Lock\ngate = Lock()\ngate.acquire()\n"
        "def work():\n    with gate: return []\n"
        "pool = ThreadPoolExecutor(1)\nfirst = pool.submit(work)"
    )
    book.without_history("gate.release(); wait([first])")
    assert "first" not in book.cell("y = first.result()").between
    assert book.cell("y.append(1)").changed == {"first", "y"}
    book.cell("pool.shutdown()")
