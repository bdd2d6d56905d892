from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from tests.readers import START, add_run, new_reader

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.store.frame import runs_frame
from nbtrack.store.reader import Reader

SIX = ["run_id", "experiment_id", "status", "artifact_uri", "start_time", "end_time"]


@pytest.fixture
def reader() -> Iterator[Reader]:
    made = new_reader()
    yield made
    made.connection.close()


def test_no_runs_give_the_six_columns(reader: Reader) -> None:
    frame = runs_frame(reader, None)
    assert list(frame.columns) == SIX
    assert len(frame) == 0
    assert str(frame["start_time"].dtype) == "datetime64[us, UTC]"


def test_columns_come_as_the_rows_bring_them_up(reader: Reader) -> None:
    add_run(reader, "a", start=START + 1, params={"z": "1"}, tags={"t": "x"}, metrics={"m": 1.0})
    add_run(reader, "b", params={"a": "2", "z": "3"}, metrics={"k": 2.0, "m": 3.0})
    frame = runs_frame(reader, None)
    assert list(frame.columns) == [
        *SIX, "metrics.m", "metrics.k", "params.z", "params.a", "tags.t",
    ]  # fmt: skip
    assert frame["run_id"].tolist() == ["a", "b"]


def test_missing_is_nan_none_or_nat(reader: Reader) -> None:
    add_run(reader, "a", start=START + 1, metrics={"m": 1.0, "n": math.nan}, params={"p": ""})
    add_run(reader, "b", end=START + 2, tags={"t": "x"})
    frame = runs_frame(reader, None)
    np.testing.assert_array_equal(frame["metrics.m"], [1.0, math.nan])
    assert frame["metrics.m"].dtype == np.float64
    assert frame["params.p"].isna().tolist() == [False, True]
    assert frame["tags.t"].isna().tolist() == [True, False]
    assert frame["end_time"].isna().tolist() == [True, False]


def test_strings_have_the_dtype_that_pandas_gives_lists_of_them(reader: Reader) -> None:
    add_run(reader, "a", params={"p": "1"})
    add_run(reader, "b")
    expected = pd.DataFrame({"p": ["1", None]})["p"]
    assert runs_frame(reader, None)["params.p"].dtype == expected.dtype
    assert runs_frame(reader, None)["run_id"].dtype == expected.dtype


def test_times_are_utc(reader: Reader) -> None:
    add_run(reader, "a", start=START, end=START + 1)
    frame = runs_frame(reader, None)
    assert frame["start_time"][0] == pd.Timestamp(START, unit="ms", tz="UTC")
    assert frame["end_time"][0] - frame["start_time"][0] == pd.Timedelta(milliseconds=1)


def test_metrics_show_the_latest_value_and_aggregates_when_asked(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": [(0, START, 5.0), (2, START, 1.0), (1, START, 0.5)]})
    add_run(reader, "b", metrics={"n": math.nan})
    frame = runs_frame(reader, None, aggregates=("min", "max", "count"))
    assert list(frame.columns[6:]) == [
        f"metrics.{key}{suffix}" for key in "mn" for suffix in ("", ".min", ".max", ".count")
    ]
    assert frame.loc[0, "metrics.m":"metrics.m.count"].tolist() == [1.0, 0.5, 5.0, 3.0]
    assert frame.loc[1, "metrics.n":"metrics.n.count"].tolist()[-1] == 1.0
    assert math.isnan(frame.loc[1, "metrics.n.min"])
    assert math.isnan(frame.loc[1, "metrics.m.count"])


def test_a_metric_of_that_name_comes_before_an_aggregate(reader: Reader) -> None:
    add_run(reader, "a", metrics={"m": 1.0, "m.min": 7.0})
    frame = runs_frame(reader, None, aggregates=["min"])
    assert list(frame.columns[6:]) == ["metrics.m", "metrics.m.min", "metrics.m.min.min"]
    assert frame["metrics.m.min"][0] == 7.0


def test_an_unknown_aggregate_is_refused(reader: Reader) -> None:
    with pytest.raises(InvalidParameterError, match=r"Invalid aggregates \['median'\]"):
        runs_frame(reader, None, aggregates=["median"])


def test_a_frame_is_filtered_ordered_and_cut(reader: Reader) -> None:
    for number in range(6):
        add_run(reader, f"r{number}", metrics={"acc": float(number)}, experiment_id="1")
    add_run(reader, "other", metrics={"acc": 9.0}, experiment_id="2")
    frame = runs_frame(
        reader, ["1"], "metrics.acc > 1", max_results=2, order_by=["metrics.acc DESC"], start=1
    )
    assert frame["run_id"].tolist() == ["r4", "r3"]
    assert frame["artifact_uri"][0].endswith("artifacts/1/r4")


def test_a_filter_in_the_place_of_the_experiments_is_no_empty_answer(workdir: Path) -> None:
    with pytest.raises(InvalidParameterError, match=r"search_runs\(filter_string='metrics.a < 1'"):
        nbtrack.search_runs("metrics.a < 1")
