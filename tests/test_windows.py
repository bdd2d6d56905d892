"""A part of a curve at the resolution of a screen, and the questions that ask for it."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import readers
from tests.readers import START, add_run, clear

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.rpc import Response, respond
from nbtrack.store import open_store
from nbtrack.store.reader import Reader
from nbtrack.views.chart.query import counts, extents, window_points

NAN = math.nan


shared, reader = readers.shared, readers.reader


def columns(found: Response[Any]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    step, time, value = (np.frombuffer(buffer) for buffer in found.buffers)
    return step, time, value


def test_extents_tell_how_far_series_reach(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(3, START, 1.0), (9, START + 5, 2.0)], "k": 1.0})
    add_run(reader, "b", metrics={"m": [(4, START, 1.0), (4, START + 1, 2.0)]})
    found = extents(reader, ["b", "a"])
    assert [(e.run_id, e.key, e.count) for e in found] == [
        ("b", "m", 2),
        ("a", "k", 1),
        ("a", "m", 2),
    ]
    assert (found[2].steps, found[2].times) == ((3, 9), (START, START + 5))
    assert [e.flat for e in found] == [True, False, False]
    assert counts(reader, ["a"], ["m"]) == {("a", "m"): 2}


def test_a_window_keeps_spikes_ends_and_what_is_no_number(reader: Reader) -> None:
    values = [float(i % 7) for i in range(10_000)]
    values[4321], values[5000], values[6000] = 99.0, NAN, math.inf
    add_run(reader, "a", metrics={"m": [(i, START + 2 * i, v) for i, v in enumerate(values)]})
    (found,) = window_points(reader, extents(reader, ["a"]), 100, windows={"a": (1000, 8999)})
    assert {1000, 4321, 5000, 6000, 8999} <= set(found.step.tolist())
    assert len(found.step) <= 500
    assert np.all(found.time == START + 2 * found.step)
    assert np.all(np.diff(found.step) > 0)


def test_a_narrow_window_has_every_point(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(i, START + i, float(i)) for i in range(10_000)]})
    (found,) = window_points(reader, extents(reader, ["a"]), 400, windows={"a": (500, 700)})
    assert found.value.tolist() == [float(i) for i in range(500, 701)]


def test_a_window_along_time_gives_the_steps_too(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(7, START + i, float(i)) for i in range(100)]})
    (found,) = window_points(
        reader, extents(reader, ["a"]), 1000, axis="time", windows={"a": (START + 10, START + 19)}
    )
    assert found.time.tolist() == [START + i for i in range(10, 20)]
    assert set(found.step.tolist()) == {7}


@given(
    points=st.lists(
        st.tuples(st.integers(-20, 60), st.integers(0, 3), st.sampled_from([0.0, 1.0, -2.0, NAN])),
        min_size=1, max_size=30,
    ),
    buckets=st.integers(1, 12),
)  # fmt: skip
@settings(max_examples=40)
def test_no_window_loses_a_peak(
    shared: Reader, points: list[tuple[int, int, float]], buckets: int
) -> None:
    clear(shared)
    add_run(shared, "a", metrics={"m": points})
    (found,) = window_points(shared, extents(shared, ["a"]), buckets)
    real = [value for _, _, value in points if not math.isnan(value)]
    assert (found.step[0], found.step[-1]) == (min(points)[0], max(p[0] for p in points))
    if real:
        assert (np.nanmin(found.value), np.nanmax(found.value)) == (min(real), max(real))
    assert bool(np.isnan(found.value).any()) == (len(real) < len(points))


@pytest.fixture
def run_id(workdir: Path) -> str:
    with nbtrack.start_run(run_name="long") as run:
        for i in range(3000):
            nbtrack.log_metrics({"loss": float(i % 10), "acc": 0.5}, step=i)
    return run.info.run_id


def test_chart_runs_gives_runs_and_thinned_curves(run_id: str) -> None:
    found = respond(open_store(), {"type": "chart.runs", "run_ids": [run_id], "points": 500})
    (run,) = found.body["runs"]
    assert (run["name"], run["state"]) == ("long", "FINISHED")
    assert [(s["key"], s["total"]) for s in found.body["series"]] == [("acc", 3000), ("loss", 3000)]
    assert sum(s["n"] for s in found.body["series"]) == len(columns(found)[0]) < 2000
    one = {"type": "chart.runs", "run_ids": [run_id], "keys": ["acc"]}
    assert [s["key"] for s in respond(open_store(), one).body["series"]] == ["acc"]


@pytest.mark.parametrize("x", ["step", "time", "relative"])
def test_chart_window_gives_every_point_of_a_narrow_window(run_id: str, x: str) -> None:
    store = open_store()
    whole = respond(
        store, {"type": "chart.runs", "run_ids": [run_id], "keys": ["loss"], "points": 9000}
    )
    step, time, _ = columns(whole)
    start = time.min()
    at = {"step": step, "time": time, "relative": (time - start) / 1000}[x]
    window = [float(at[1000]), float(at[1100])]
    asked = {"type": "chart.window", "run_ids": [run_id], "keys": ["loss"], "x": x}
    found = respond(store, {**asked, "window": window, "points": 9000})
    shown = time[(at >= window[0]) & (at <= window[1])]
    _, moments, _ = columns(found)
    assert (moments.min(), moments.max()) == (shown.min(), shown.max())
    assert len(columns(found)[0]) < 1500
    assert found.body["series"][0]["total"] == 3000


@pytest.mark.parametrize(
    "wrong", [{"x": "epoch"}, {"window": [1]}, {"window": [0, "a"]}, {"points": "many"}]
)
def test_a_window_that_cannot_be_read_is_refused(run_id: str, wrong: dict[str, object]) -> None:
    asked = {"type": "chart.window", "run_ids": [run_id], "keys": ["loss"], "window": [0, 9]}
    with pytest.raises(InvalidParameterError):
        respond(open_store(), {**asked, **wrong})
