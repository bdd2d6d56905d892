from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.store.points import Points, normalise, summarise

pytestmark = pytest.mark.older_duckdb

VALUES = st.floats(allow_nan=True, allow_infinity=True) | st.sampled_from(
    [0.0, -0.0, 1.0, math.nan]
)
POINTS = st.lists(
    st.tuples(st.integers(1, 3), st.integers(-3, 3), st.integers(0, 3), VALUES), max_size=40
)


def arrays(rows: list[tuple[int, int, int, float]]) -> Points:
    series, step, time, value = zip(*rows, strict=True) if rows else ((), (), (), ())
    ints = [np.array(column, dtype=np.int64) for column in (series, step, time)]
    return Points(*ints, np.array(value, dtype=np.float64))


def identity(row: tuple[int, int, int, float]) -> tuple[object, ...]:
    *key, value = row
    return (*key, "nan" if math.isnan(value) else value + 0.0)


def rank(row: tuple[int, int, int, float]) -> tuple[object, ...]:
    _, step, time, value = row
    return step, time, not math.isnan(value), -math.inf if math.isnan(value) else value


@given(POINTS)
def test_identical_points_count_once_and_none_is_lost(rows):
    found = normalise(arrays(rows))
    columns = (found.series, found.step, found.time, found.value)
    got = [identity(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    assert len(got) == len(set(got))
    assert set(got) == {identity(row) for row in rows}


@given(POINTS.filter(bool))
def test_a_summary_says_what_a_plain_loop_finds(rows):
    summary = summarise(normalise(arrays(rows)))
    unique = list({identity(row): row for row in rows}.values())
    for i, series in enumerate(summary.series.tolist()):
        mine = [row for row in unique if row[0] == series]
        numbers = [row for row in mine if not math.isnan(row[3])]
        last = max(mine, key=rank)
        assert summary.count[i] == len(mine)
        assert summary.nan_count[i] == len(mine) - len(numbers)
        assert (summary.last_step[i], summary.last_time[i]) == last[1:3]
        assert np.array_equal(summary.last_value[i], last[3], equal_nan=True)
        if numbers:
            assert summary.min_value[i] == min(row[3] for row in numbers)
            assert summary.max_value[i] == max(row[3] for row in numbers)
            assert summary.min_step[i] in {r[1] for r in numbers if r[3] == summary.min_value[i]}
        else:
            assert math.isnan(summary.min_value[i])
            assert math.isnan(summary.max_value[i])
