"""Tables, text, dictionaries and figures among the artifacts."""

from __future__ import annotations

import io
import json
import math
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

import nbtrack
from nbtrack.errors import InvalidParameterError, MissingDependencyError, NotFoundError
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.tracking import artifacts
from nbtrack.tracking.images import Image
from nbtrack.tracking.tables import log_table, read_table, table_of_runs, table_paths
from programs import STRICT


class Target:
    def __init__(self, folder: Path) -> None:
        self.artifacts = ArtifactFolder(str(folder))
        self.set: dict[str, str] = {}

    def set_tag(self, key: str, value: Any) -> None:
        self.set[key] = value

    def tags(self) -> dict[str, str]:
        return self.set


@pytest.mark.parametrize("name", ["t.json", "d/t.parquet"])
def test_a_table_grows_with_every_call(name: str, tmp_path: Path) -> None:
    if name.endswith("parquet"):
        pytest.importorskip("pyarrow")
    target = Target(tmp_path)
    log_table(target, {"x": [1, 2], "text": ["a", "ü"]}, name)
    log_table(target, pd.DataFrame({"x": [3], "text": [None]}), name)
    table = read_table(target.artifacts, name)
    assert table["x"].tolist() == [1, 2, 3]
    assert table["text"].tolist()[:2] == ["a", "ü"]
    assert pd.isna(table["text"][2])
    assert json.loads(target.set["mlflow.loggedArtifacts"]) == [{"path": name, "type": "table"}]


def test_rows_of_several_threads_and_processes_all_arrive(tmp_path: Path) -> None:
    code = f"""if True:
        import threading
        from pathlib import Path
        from nbtrack.store.artifacts.folder import ArtifactFolder
        from nbtrack.tracking.tables import log_table
        class Target:
            artifacts = ArtifactFolder({str(tmp_path / "run")!r}, cache=Path({str(tmp_path)!r}))
            set_tag = print
            tags = dict
        def work():
            for number in range(10):
                log_table(Target, {{"x": number}}, "t.json")
        threads = [threading.Thread(target=work) for _ in range(2)]
        [t.start() for t in threads]
        [t.join() for t in threads]"""
    environment = os.environ | {"PYTHONPATH": str(Path(nbtrack.__file__).parents[1])}
    command = [sys.executable, *STRICT, "-c", code]
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) for _ in range(2)
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    table = read_table(ArtifactFolder(str(tmp_path / "run")), "t.json")
    assert sorted(table["x"]) == sorted([*range(10)] * 4)


def test_the_json_is_columns_and_rows_as_pandas_splits_them(tmp_path: Path) -> None:
    target = Target(tmp_path)
    log_table(target, {"a": [1, 2], "b": [0.1, math.inf]}, "t.json")
    assert (
        target.artifacts.read_bytes("t.json")
        == b'{"columns":["a", "b"],"data":[[1, 0.1],[2, null]]}'
    )
    text = io.StringIO(target.artifacts.read_bytes("t.json").decode())
    assert pd.read_json(text, orient="split")["a"].tolist() == [1, 2]


def test_single_values_are_one_row(tmp_path: Path) -> None:
    target = Target(tmp_path)
    for step in range(3):
        log_table(target, {"step": step, "answer": "yes"}, "t.json")
    assert read_table(target.artifacts, "t.json")["step"].tolist() == [0, 1, 2]


def test_new_columns_are_empty_in_the_old_rows(tmp_path: Path) -> None:
    target = Target(tmp_path)
    log_table(target, {"a": [1]}, "t.json")
    log_table(target, {"b": [2], "a": [5]}, "t.json")
    table = read_table(target.artifacts, "t.json")
    assert table["a"].tolist() == [1, 5]
    assert table["b"].isna().tolist() == [True, False]


def test_several_tables_share_one_tag(tmp_path: Path) -> None:
    target = Target(tmp_path)
    target.set["mlflow.loggedArtifacts"] = '[{"path": "x", "type": "other"}]'
    for name in ("a.json", "b.json", "a.json"):
        log_table(target, {"a": [1]}, name)
    assert table_paths(target.set) == ["a.json", "b.json"]
    assert json.loads(target.set["mlflow.loggedArtifacts"])[0]["type"] == "other"


def test_images_in_cells_are_stored_as_files(tmp_path: Path) -> None:
    target = Target(tmp_path)
    pictures = [Image(np.zeros((4, 4))), Image(np.ones((4, 4))).to_pil(), None]
    log_table(target, {"picture": pictures, "label": [0, 1, 2]}, "d/t.json")
    cells = read_table(target.artifacts, "d/t.json")["picture"].tolist()
    assert cells[2] is None
    for cell in cells[:2]:
        assert cell["type"] == "image"
        assert cell["filepath"].startswith("table_images/d/t/")
        assert target.artifacts.exists(cell["filepath"])
        assert target.artifacts.exists(cell["compressed_filepath"])


@given(
    st.lists(
        st.tuples(
            st.integers(-(2**53), 2**53),
            st.floats(allow_infinity=False, allow_nan=False),
            st.text(),
        ),
        min_size=2,
        max_size=8,
    )
)
def test_numbers_and_text_come_back_exactly(rows: list[tuple[int, float, str]]) -> None:
    target = Target(Path("unused"))
    target.artifacts = ArtifactFolder("memory://tables")
    half = len(rows) // 2
    target.artifacts.put_bytes("t.json", b'{"columns":["i", "f", "t"],"data":[]}')
    for part in (rows[:half], rows[half:]):
        columns = dict(zip("ift", map(list, zip(*part, strict=True)), strict=True))
        log_table(target, columns, "t.json")
    read = read_table(target.artifacts, "t.json")
    assert list(read.itertuples(index=False, name=None)) == rows


def test_dates_and_nested_values_are_written(tmp_path: Path) -> None:
    target = Target(tmp_path)
    when = pd.Timestamp("2026-01-02 03:04")
    log_table(
        target, {"when": [when, pd.NaT], "deep": [{"a": np.float32(0.5)}, [math.nan]]}, "t.json"
    )
    table = read_table(target.artifacts, "t.json")
    assert table["when"][0] == "2026-01-02 03:04:00"
    assert table["deep"].tolist() == [{"a": 0.5}, [None]]


def test_what_is_no_table_is_refused(tmp_path: Path) -> None:
    target = Target(tmp_path)
    with pytest.raises(InvalidParameterError, match=r"\.json and \.parquet"):
        log_table(target, {"a": [1]}, "t.csv")
    with pytest.raises(InvalidParameterError, match="not list"):
        log_table(target, [1], "t.json")
    with pytest.raises(InvalidParameterError, match="do not fit"):
        log_table(target, {"a": [1], "b": [1, 2]}, "t.json")
    with pytest.raises(InvalidParameterError, match="twice"):
        log_table(target, pd.DataFrame([[1, 2]], columns=["a", "a"]), "t.json")
    assert target.artifacts.list() == []


def test_tables_of_several_runs_come_in_one_frame(tmp_path: Path) -> None:
    runs = []
    for name in ("1", "2", "none"):
        target = Target(tmp_path / name)
        if name != "none":
            log_table(target, {"x": [int(name)]}, "t.json")
        runs.append(({"run_id": name, "params.lr": "0.1"}, target.artifacts))
    assert table_of_runs(runs, "t.json").columns.tolist() == ["x"]
    table = table_of_runs(runs, "t.json", ["run_id", "params.lr"])
    assert table.to_dict("list") == {"x": [1, 2], "run_id": ["1", "2"], "params.lr": ["0.1", "0.1"]}
    with pytest.raises(NotFoundError, match="other"):
        table_of_runs(runs, "other.json")
    with pytest.raises(InvalidParameterError, match="'x' already exists"):
        table_of_runs(runs, "t.json", ["x"])


@dataclass
class Config:
    lr: float = 0.1


def test_dictionaries_are_json_or_yaml(tmp_path: Path) -> None:
    target = Target(tmp_path)
    values = {"n": np.int64(3), "a": np.arange(2), "c": Config(), "p": Path("x"), 1: {2}, "s": "ü"}
    expected = {"n": 3, "a": [0, 1], "c": {"lr": 0.1}, "p": "x", "s": "ü"}
    artifacts.log_dict(target, values, "d.json")
    artifacts.log_dict(target, values, "d.yaml")
    assert json.loads(target.artifacts.read_bytes("d.json")) == {**expected, "1": [2]}
    assert yaml.safe_load(target.artifacts.read_bytes("d.yaml")) == {**expected, 1: [2]}
    assert b'\n  "n": 3' in target.artifacts.read_bytes("d.json")


def test_text_and_streams_are_stored_as_they_are(tmp_path: Path) -> None:
    target = Target(tmp_path)
    artifacts.log_text(target, "line\nü", "a.txt")
    artifacts.log_stream(target, io.BytesIO(b"raw"), "b.bin")
    assert target.artifacts.read_bytes("a.txt") == "line\nü".encode()
    assert target.artifacts.read_bytes("b.bin") == b"raw"


def test_matplotlib_figures_are_saved_in_their_format(tmp_path: Path) -> None:
    figure = pytest.importorskip("matplotlib.figure").Figure()
    axes = figure.add_subplot()
    target = Target(tmp_path)
    artifacts.log_figure(target, figure, "a.png", save_kwargs={"dpi": 20})
    artifacts.log_figure(target, axes, "d/a.svg")
    assert target.artifacts.read_bytes("a.png").startswith(b"\x89PNG")
    assert b"<svg" in target.artifacts.read_bytes("d/a.svg")


def test_plotly_figures_show_without_a_network(tmp_path: Path) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    target = Target(tmp_path)
    figure = go.Figure(go.Scatter(y=[1, 2]))
    artifacts.log_figure(target, figure, "f/a.html")
    artifacts.log_figure(target, figure, "f/b.html", save_kwargs={"include_plotlyjs": "directory"})
    alone, beside = (target.artifacts.read_bytes(f"f/{name}.html") for name in "ab")
    assert len(alone) > 1_000_000
    assert len(beside) < 50_000
    assert not re.search(rb'<(script|link|img)[^>]* (src|href)="https', alone)
    assert b'src="plotly.min.js"' in beside
    assert target.artifacts.exists("f/plotly.min.js")


def test_figures_that_cannot_be_stored_say_why(tmp_path: Path, monkeypatch: Any) -> None:
    go = pytest.importorskip("plotly.graph_objects")
    target = Target(tmp_path)
    with pytest.raises(TypeError, match="Unsupported figure object type"):
        artifacts.log_figure(target, "figure", "a.png")
    with pytest.raises(TypeError, match="Unsupported file extension"):
        artifacts.log_figure(target, go.Figure(), "a.txt")
    monkeypatch.setitem(sys.modules, "kaleido", None)
    with pytest.raises(MissingDependencyError, match="pip install kaleido"):
        artifacts.log_figure(target, go.Figure(), "a.png")
    assert target.artifacts.list() == []
