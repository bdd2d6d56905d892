from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests import readers
from tests.readers import START, add_run, clear

from nbtrack.entities import Metric
from nbtrack.errors import InvalidParameterError
from nbtrack.store.history import (
    bucket_columns,
    buckets,
    latest_values,
    metric_history,
    metric_history_columns,
)
from nbtrack.store.reader import Reader

NAN = math.nan


shared, reader = readers.shared, readers.reader


def test_history_is_ordered_by_time_then_step_then_value(reader: Reader) -> None:
    points = [(2, START, 1.0), (1, START, 5.0), (1, START, 4.0), (0, START + 1, -math.inf)]
    add_run(reader, "a", metrics={"m": points})
    assert metric_history(reader, "a", "m") == [
        Metric("m", 4.0, START, 1),
        Metric("m", 5.0, START, 1),
        Metric("m", 1.0, START, 2),
        Metric("m", -math.inf, START + 1, 0),
    ]


def test_an_unknown_metric_has_no_history(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": 1.0})
    assert metric_history(reader, "a", "other") == []
    assert metric_history_columns(reader, ["a", "b"], ["other"]) == []
    assert len(buckets(reader, "a", "other").min) == 0


def test_columns_come_in_the_order_asked_for_and_sorted_by_step(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(3, START, 3.0), (1, START, 1.0)], "k": 7.0})
    add_run(reader, "b", metrics={"m": 2.0})
    found = metric_history_columns(reader, ["b", "a"], ["m", "k"])
    assert [(s.run_id, s.key) for s in found] == [("b", "m"), ("a", "m"), ("a", "k")]
    assert found[1].step.tolist() == [1, 3]
    assert found[1].value.tolist() == [1.0, 3.0]
    assert len(metric_history_columns(reader, ["a", "b"])) == 3


def test_buckets_keep_peaks_and_ends(reader: Reader) -> None:
    values = np.sin(np.arange(10_000) / 50)
    values[1234], values[8000] = 50.0, -50.0
    points = [(step, START + step, value) for step, value in enumerate(values.tolist())]
    add_run(reader, "a", metrics={"m": points})
    found = buckets(reader, "a", "m", n=100)
    assert len(found.count) == 100
    assert found.count.tolist() == [100] * 100
    assert (found.max.max(), found.min.min()) == (50.0, -50.0)
    assert found.max_x[found.max.argmax()] == 1234
    assert (found.first[0], found.last[-1]) == (values[0], values[-1])
    assert found.x_first[:2].tolist() == [0, 100]


def test_buckets_of_a_window_and_along_time(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(0, START + 10 * i, float(i)) for i in range(100)]})
    assert buckets(reader, "a", "m").first.tolist() == [0.0]
    assert buckets(reader, "a", "m").last.tolist() == [99.0]
    window = buckets(reader, "a", "m", 5, START + 100, START + 190, axis="time")
    assert window.count.tolist() == [2] * 5
    assert window.first.tolist() == [10.0, 12.0, 14.0, 16.0, 18.0]
    assert len(buckets(reader, "a", "m", start=5).count) == 0


def test_buckets_count_nan_and_skip_it(reader: Reader) -> None:
    points = [(0, START, NAN), (1, START, 1.0), (2, START, NAN), (3, START, NAN)]
    add_run(reader, "a", metrics={"m": points})
    found = buckets(reader, "a", "m", 2)
    assert found.nan_count.tolist() == [1, 2]
    np.testing.assert_array_equal(found.min, [1.0, NAN])
    assert (found.min_x.tolist(), found.max_x.tolist()) == ([1, 2], [1, 2])


def test_runs_share_their_buckets(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(i, START, 1.0) for i in range(10)]})
    add_run(reader, "b", metrics={"m": [(i, START, 2.0) for i in range(90, 100)]})
    a, b = bucket_columns(reader, ["a", "b"], n=10)
    assert (a.count.tolist(), b.count.tolist()) == ([10], [10])
    assert (a.run_id, b.run_id, b.x_first.tolist()) == ("a", "b", [90])


def test_buckets_refuse_what_makes_none(reader: Reader) -> None:
    with pytest.raises(InvalidParameterError, match="Cannot make 0 buckets"):
        buckets(reader, "a", "m", 0)
    with pytest.raises(InvalidParameterError, match="Invalid axis 'epoch'"):
        buckets(reader, "a", "m", axis="epoch")


def test_latest_values_read_no_points(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(5, START, 1.0), (1, START + 1, 2.0)], "k": 3.0})
    add_run(reader, "b", metrics={"m": NAN})
    reader.connection.execute("DELETE FROM points")
    found = latest_values(reader, ["a"], ["m"])
    assert {name: column.tolist() for name, column in found.items()} == {
        "run_id": ["a"], "key": ["m"], "value": [1.0], "step": [5], "time": [START],
    }  # fmt: skip
    assert len(latest_values(reader)["value"]) == 3


STEPS = st.one_of(st.integers(-5, 40), st.sampled_from([-(2**63), 2**63 - 1]))
VALUES = st.sampled_from([0.0, 1.0, -2.0, math.inf, NAN])
POINTS = st.lists(st.tuples(STEPS, st.integers(0, 3), VALUES), min_size=1, max_size=30)


@given(points=POINTS, n=st.integers(1, 12))
@settings(max_examples=60)
def test_buckets_lose_no_point(
    shared: Reader, points: list[tuple[int, int, float]], n: int
) -> None:
    clear(shared)
    add_run(shared, "a", metrics={"m": points})
    found = buckets(shared, "a", "m", n)
    real = [value for _, _, value in points if not math.isnan(value)]
    ordered = sorted(points, key=lambda p: p[:2])
    ends = [point[2] for point in points if point[:2] == ordered[-1][:2]]
    assert len(found.count) <= n
    assert found.count.sum() == len(points)
    assert found.nan_count.sum() == len(points) - len(real)
    assert found.x_last[-1] == ordered[-1][0]
    assert any(
        found.last[-1] == end or (math.isnan(end) and math.isnan(found.last[-1])) for end in ends
    )
    if real:
        assert (np.nanmin(found.min), np.nanmax(found.max)) == (min(real), max(real))
