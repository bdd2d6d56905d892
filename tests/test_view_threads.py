"""Views that a thread changes while the page changes them, too."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import traitlets as t

import nbtrack
from nbtrack.store import database, open_store
from nbtrack.views.widgets.comparison import Comparison
from nbtrack.views.widgets.runs_chart import runs_chart
from nbtrack.views.widgets.store_run_table import (
    StoreRunTable,
    StoreTable,
    runs_table,
)
from nbtrack.views.widgets.view import View


@pytest.fixture
def ids(workdir: Path) -> list[str]:
    ids = []
    for i in range(4):
        with nbtrack.start_run(run_name=f"run-{i}") as run:
            nbtrack.log_param("lr", 10.0**-i)
            nbtrack.log_metric("loss", float(i))
            ids.append(run.info.run_id)
    return ids


class OrderedLock:
    """The lock of a view; it notes where it is taken by who has the store already."""

    def __init__(self, has_store: Callable[[], bool]) -> None:
        self.lock = threading.RLock()
        self.depth = 0
        self.has_store = has_store
        self.taken = 0

    def __enter__(self) -> None:
        assert self.depth or not self.has_store(), "the store was taken before the view"
        self.lock.acquire()
        self.depth += 1
        self.taken += 1

    def __exit__(self, *_error: object) -> None:
        self.depth -= 1
        self.lock.release()


@pytest.fixture
def ordered(monkeypatch: pytest.MonkeyPatch) -> Callable[[View], OrderedLock]:
    """Let a view note in which order locks are taken."""
    depth = 0
    exclusive = database.exclusive

    @contextlib.contextmanager
    def noted(path: Path | None) -> Iterator[None]:
        nonlocal depth
        with exclusive(path):
            depth += 1
            try:
                yield
            finally:
                depth -= 1

    monkeypatch.setattr(database, "exclusive", noted)

    def order(view: View) -> OrderedLock:
        view._lock = lock = OrderedLock(lambda: depth > 0)  # type: ignore[assignment]
        return lock

    return order


def make_table(ids: list[str]) -> tuple[View, list[Callable[[Any], object]]]:
    return runs_table(open_store(), None), [
        lambda view: view.set_state({"filter": "run"}),
        lambda view: view.set_state({"group": ["seeds"]}),
        lambda view: view.set_state({"group": [], "sort": [["metrics.loss", True]]}),
        lambda view: view.set_trait("columns", ["run_name", "metrics.loss"]),
        lambda view: setattr(view, "selected", ["run-1"]),
        lambda view: view.respond({"type": "table.columns"}),
        lambda view: view.selected,
    ]


def make_chart(ids: list[str]) -> tuple[View, list[Callable[[Any], object]]]:
    chart = runs_chart(open_store(), ["0"], ids)
    for name, ref in chart._refs.items():
        chart._refs[name] = replace(ref, state="RUNNING")
    assert chart._going_on() == ids
    return chart, [
        lambda view: view.set_state({"smoothing": 0.3, "log_y": True}),
        lambda view: view.get_state(),
        lambda view: view.figure(),
    ]


def make_comparison(ids: list[str]) -> tuple[View, list[Callable[[Any], object]]]:
    brush = {"column": "params.lr", "low": 0.0, "high": 0.5}
    return Comparison(open_store(), None, ids), [
        lambda view: view.set_state({"brushes": [brush]}),
        lambda view: view.brush(brush),
        lambda view: setattr(view, "selected", ids[:2]),
        lambda view: view.selected,
    ]


@pytest.mark.parametrize("make", [make_table, make_chart, make_comparison])
def test_a_view_is_taken_before_its_store(
    make: Callable[[list[str]], tuple[Any, list[Callable[[Any], object]]]],
    ids: list[str],
    ordered: Callable[[View], OrderedLock],
) -> None:
    """A thread that follows the store, and the page's changes, would wait for each other."""
    view, steps = make(ids)
    lock = ordered(view)
    for step in steps:
        step(view)
    view.refresh()
    view.finished_bundle()
    view.close()
    assert lock.taken


class SlowTable(StoreRunTable):
    """A table that takes its time over what the page has changed."""

    inside: threading.Event
    refreshed: threading.Event

    @t.validate("filter")
    def _slowly(self, proposal: dict[str, str]) -> str:
        if proposal["value"] and not self.inside.is_set():
            self.inside.set()
            assert not self.refreshed.wait(0.2)
        return proposal["value"]


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        (lambda table: table.refresh(), ["first", "first"]),
        (lambda table: setattr(table, "editable", False), ["first", "editable"]),
    ],
)
def test_no_change_is_lost_between_a_page_and_a_thread(
    change: Callable[[Any], object], changed: list[str], ids: list[str]
) -> None:
    """ipywidgets holds notifications back for the whole object while it takes a page's in."""
    SlowTable.inside = inside = threading.Event()
    SlowTable.refreshed = refreshed = threading.Event()
    table = SlowTable(StoreTable(open_store()))
    told: list[str] = []
    table.observe(lambda change: told.append(change["name"]), names=["first", "editable"])

    def follow() -> None:
        inside.wait()
        change(table)
        refreshed.set()

    thread = threading.Thread(target=follow, daemon=True)
    thread.start()
    table.set_state({"filter": "run"})
    thread.join()
    assert told == changed
