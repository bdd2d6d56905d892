"""One run of very many params among many others: a frame grows with what is there."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

import nbtrack
from nbtrack.config import resolve
from nbtrack.store import frame, open_store
from nbtrack.store.store import Store

RUNS, WIDE = 1_000, 20_000
_RUNS = """
INSERT INTO runs BY NAME
SELECT 'r' || i AS run_id, '0' AS experiment_id, 'n' || i AS run_name, 'FINISHED' AS status,
       make_timestamp(1700000000000000 + i * 1000000) AS start_time, 'u' AS user_id,
       'active' AS lifecycle_stage
FROM range($runs) t(i)
"""
_PARAMS = "INSERT INTO params SELECT 'r' || i, 'lr', 'v' || i % 3 FROM range($runs) t(i)"
_WIDE = "INSERT INTO params SELECT 'r5', 'w' || j, j::VARCHAR FROM range($wide) t(j)"


def test_the_memory_of_a_wide_frame_is_that_of_its_values(workdir):
    with open_store().write() as reader:
        reader.rows(_RUNS, runs=RUNS)
        reader.rows(_PARAMS, runs=RUNS)
        reader.rows(_WIDE, wide=WIDE)
    found = nbtrack.search_runs()
    assert found.shape == (RUNS, WIDE + 7)
    assert found.memory_usage().sum() < 2_000_000  # dense ones are 160 MB
    assert not isinstance(found["params.lr"].dtype, pd.SparseDtype)
    row = found.loc[found["params.w7"] == "7"]
    assert row["run_id"].tolist() == ["r5"]
    assert found["params.w7"].notna().sum() == 1


_METRIC = """
INSERT INTO series BY NAME
SELECT i AS series, 'r' || i % 20 AS run_id, $key AS key, 1 AS count, 0 AS nan_count,
       0 AS last_step, 0 AS last_time, i / 2 AS last_value, 0 AS max_time
FROM range($start, $stop, $by) t(i)
"""


@pytest.fixture(scope="module")
def both(tmp_path_factory) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The same runs twice: with dense columns, and with sparse ones where there are few values."""
    store = Store(resolve(tmp_path_factory.mktemp("both") / "nbtrack.duckdb"))
    with store.write() as reader:
        reader.rows(_RUNS, runs=20)
        reader.rows(_PARAMS, runs=20)
        reader.rows("INSERT INTO params VALUES ('r3', 'few', '3, x'), ('r11', 'few', '11, x')")
        reader.rows(_METRIC, key="all", start=0, stop=20, by=1)
        reader.rows(_METRIC, key="few", start=23, stop=32, by=8)
    with store.read() as reader, pytest.MonkeyPatch.context() as patch:
        dense = frame.runs_frame(reader, None)
        patch.setattr(frame, "MOST_DENSE", 0)
        sparse = frame.runs_frame(reader, None)
    store.close()
    return dense, sparse


USES = {
    "rows": lambda df: df[df["params.few"] == "3, x"]["run_id"].tolist(),
    "numbers": lambda df: df[df["metrics.few"] > 1.5]["run_id"].tolist(),
    "missing": lambda df: df["params.few"].isna().tolist(),
    "fill": lambda df: df["params.few"].fillna("none").tolist(),
    "fill numbers": lambda df: df["metrics.few"].fillna(0).tolist(),
    "drop": lambda df: df.dropna(subset=["params.few"])["run_id"].tolist(),
    "csv": lambda df: df.to_csv(index=False),
    "json": lambda df: df.to_json(date_format="iso"),
    "group": lambda df: df.groupby("params.few")["metrics.all"].sum().to_dict(),
    "mean": lambda df: (df["metrics.few"].mean(), df["metrics.few"].max()),
    "sort": lambda df: df.sort_values("metrics.few")["run_id"].tolist()[:2],
    "is in": lambda df: df["params.few"].isin(["11, x"]).tolist(),
    "count": lambda df: df.count().to_dict(),
    "unique": lambda df: df["params.few"].nunique(),
    "text": lambda df: df["params.few"].astype(object).str.contains("x").sum(),
    "merge": lambda df: len(df.merge(df[["run_id", "params.few"]], on=["run_id", "params.few"])),
    "iterate": lambda df: [v for v in df["params.few"] if isinstance(v, str)],
    "records": lambda df: [r["params.few"] for r in df.dropna().to_dict("records")],
}


@pytest.mark.parametrize("use", USES)
def test_a_sparse_column_does_what_a_dense_one_does(both, use):
    if use == "count" and int(pd.__version__.split(".")[0]) < 3:
        pytest.skip("pandas before 3 counts the values of sparse columns wrongly")
    dense, sparse = both
    assert USES[use](sparse) == USES[use](dense)


def test_only_columns_of_few_values_are_sparse(both):
    dense, sparse = both
    assert list(sparse.columns) == list(dense.columns)
    kinds = {name for name, kind in sparse.dtypes.items() if isinstance(kind, pd.SparseDtype)}
    assert kinds == {"params.few", "metrics.few"}
    assert not any(isinstance(kind, pd.SparseDtype) for kind in dense.dtypes)
    plain = sparse["metrics.few"].sparse.to_dense()
    assert np.array_equal(plain, dense["metrics.few"], equal_nan=True)
