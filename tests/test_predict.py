"""Predictions for files: every format in and out, in pieces, whole or not at all."""

from __future__ import annotations

import io
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.models.prediction import predict
from nbtrack.models.signature import infer_signature

FRAME = pd.DataFrame({"x": [1.0, 2.0, 3.0], "n": np.array([3, 4, 5])})
SUMS = [4.0, 6.0, 8.0]


class Sum:
    """Adds up each row; keeps how many rows came at once."""

    def __init__(self, signature: Any = None) -> None:
        self.metadata = SimpleNamespace(signature=signature)
        self.sizes: list[int] = []

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        self.sizes.append(len(data))
        found = data.sum(axis=1).to_numpy() if isinstance(data, pd.DataFrame) else np.sum(data, 1)
        return found * (params or {}).get("times", 1)


class Table(Sum):
    """Returns a data frame."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        return pd.DataFrame({"sum": super().predict(data), "label": ["a, b"] * len(data)})


def write(path: Path) -> Path:
    """Write the frame as the name says."""
    if path.suffix == ".parquet":
        FRAME.to_parquet(path)
    elif path.suffix == ".csv":
        FRAME.to_csv(path, index=False)
    else:
        FRAME.to_json(path, orient="records", lines=path.suffix == ".jsonl")
    return path


@pytest.mark.parametrize("source", ["in.csv", "in.json", "in.jsonl", "in.parquet"])
@pytest.mark.parametrize("chunk_size", [None, 2])
def test_every_format_is_read_whole_and_in_pieces(
    tmp_path: Path, source: str, chunk_size: int | None
) -> None:
    model = Sum(infer_signature(FRAME))
    target = tmp_path / "out.json"
    path = write(tmp_path / source)
    predict(model, input_path=path, output_path=target, chunk_size=chunk_size)
    assert json.loads(target.read_text("utf-8")) == {"predictions": SUMS}
    assert model.sizes == ([3] if chunk_size is None else [2, 1])


def test_every_format_is_written(tmp_path: Path) -> None:
    source = write(tmp_path / "in.csv")
    for name in ("out.json", "out.jsonl", "out.csv", "out.parquet"):
        predict(Table(), input_path=source, output_path=tmp_path / name, chunk_size=2)
    expected = pd.DataFrame({"sum": SUMS, "label": ["a, b"] * 3})
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "out.csv"), expected)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "out.parquet"), expected)
    records = expected.to_dict(orient="records")
    assert json.loads((tmp_path / "out.json").read_text())["predictions"] == records
    lines = (tmp_path / "out.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == records
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "in.csv", "out.csv", "out.json", "out.jsonl", "out.parquet",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("predictions", "columns"),
    [
        (np.array([1, 2]), {"prediction": [1, 2]}),
        (np.array([[1, 2], [3, 4]]), {"prediction_0": [1, 3], "prediction_1": [2, 4]}),
        ({"a": np.array([1, 2]), "b": ["x", "y"]}, {"a": [1, 2], "b": ["x", "y"]}),
        ([{"a": 1}, {"a": 2}], {"a": [1, 2]}),
        (pd.Series([1, 2], name="y"), {"y": [1, 2]}),
        ([[1], [2, 3]], {"prediction": ["[1]", "[2, 3]"]}),
    ],
)
def test_predictions_of_all_kinds_become_columns(
    tmp_path: Path, predictions: Any, columns: dict[str, list[Any]]
) -> None:
    model = Sum()
    model.predict = lambda data, params=None: predictions  # type: ignore[method-assign]
    predict(model, [[1], [2]], output_path=tmp_path / "out.csv")
    assert pd.read_csv(tmp_path / "out.csv").to_dict(orient="list") == columns


@pytest.mark.parametrize(
    "request_",
    [
        {"dataframe_split": {"columns": ["x", "n"], "data": [[1, 3], [2, 4], [3, 5]]}},
        {"dataframe_records": FRAME.to_dict(orient="records")},
        {"instances": FRAME.to_numpy().tolist()},
        {"inputs": FRAME.to_numpy().tolist(), "params": {"times": 1}},
    ],
)
def test_json_files_have_any_shape_of_a_request(tmp_path: Path, request_: Any) -> None:
    source = tmp_path / "in.json"
    source.write_text(json.dumps(request_))
    predict(Sum(), input_path=source, output_path=tmp_path / "out.json", chunk_size=2)
    assert json.loads((tmp_path / "out.json").read_text())["predictions"] == SUMS


def test_json_lines_are_records_requests_or_values(tmp_path: Path) -> None:
    forms = {
        "requests": [{"inputs": [[1, 3]]}, {"inputs": [[2, 4], [3, 5]]}],
        "values": [[1, 3], [2, 4], [3, 5]],
    }
    for name, lines in forms.items():
        source = tmp_path / f"{name}.jsonl"
        source.write_text("\n".join(map(json.dumps, lines)) + "\n\n")
        predict(Sum(), input_path=source, output_path=tmp_path / "out.json")
        assert json.loads((tmp_path / "out.json").read_text())["predictions"] == SUMS


def test_without_an_output_json_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    predict(Sum(), FRAME, params={"times": 2})
    assert json.loads(capsys.readouterr().out) == {"predictions": [8.0, 12.0, 16.0]}
    predict(Sum(), {"dataframe_records": [{"x": 1, "n": 2}]})
    assert json.loads(capsys.readouterr().out) == {"predictions": [3]}
    predict(Sum(), "x,n\n1,2\n", content_type="csv")
    assert json.loads(capsys.readouterr().out) == {"predictions": [3]}


def test_standard_input_is_read_without_data(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO('{"inputs": [[1, 2]]}'))
    predict(Sum())
    assert json.loads(capsys.readouterr().out) == {"predictions": [3]}


def test_the_signature_types_the_columns_of_a_csv(tmp_path: Path) -> None:
    seen = {}

    class Seeing(Sum):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            seen.update(data.iloc[0].to_dict())
            return np.zeros(len(data))

    typed = pd.DataFrame({"zip": ["007"], "day": [pd.Timestamp("2024-01-02")], "x": [1.0]})
    source = tmp_path / "in.csv"
    source.write_text("day,zip,x\n2024-01-03,00123,4\n")
    predict(Seeing(infer_signature(typed)), input_path=source, output_path=tmp_path / "out.json")
    assert seen == {"zip": "00123", "day": pd.Timestamp("2024-01-03"), "x": 4.0}


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("in.csv", "x,n\n1,3\nfar,4\n", "as CSV"),
        ("in.csv", "", "as CSV"),
        ("in.json", '{"inputs": ', "no JSON"),
        ("in.jsonl", '{"x": 1, "n": 3}\n{"x": 2,\n', "Line 2 is no JSON"),
        ("in.parquet", "PAR1", "as Parquet"),
        ("in.json", '{"rows": []}', "exactly one of the input fields"),
    ],
)
def test_a_file_that_cannot_be_read_leaves_no_output(
    tmp_path: Path, name: str, content: str, says: str
) -> None:
    source, target = tmp_path / name, tmp_path / "out.parquet"
    source.write_text(content)
    with pytest.raises(NbtrackError, match=says):
        predict(Sum(infer_signature(FRAME)), input_path=source, output_path=target, chunk_size=1)
    assert list(tmp_path.iterdir()) == [source]


def test_an_older_output_stays_when_the_model_fails(tmp_path: Path) -> None:
    class Failing(Sum):
        def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
            if len(self.sizes) == 1:
                raise ValueError("too much")
            return super().predict(data, params)

    target = tmp_path / "out.csv"
    target.write_text("prediction\n1\n")
    with pytest.raises(NbtrackError, match="The model failed: ValueError: too much"):
        predict(Failing(), input_path=write(tmp_path / "in.csv"), output_path=target, chunk_size=2)
    assert target.read_text() == "prediction\n1\n"


def test_a_model_that_sees_all_rows_is_not_asked_in_pieces(tmp_path: Path) -> None:
    model = Sum()
    model.predict = lambda data, params=None: float(len(data))  # type: ignore[method-assign]
    source, target = write(tmp_path / "in.csv"), tmp_path / "out.json"
    with pytest.raises(NbtrackError, match="chunk_size=None"):
        predict(model, input_path=source, output_path=target, chunk_size=2)
    predict(model, input_path=source, output_path=target, chunk_size=None)
    assert json.loads(target.read_text()) == {"predictions": 3.0}


def test_a_long_file_takes_no_more_memory_than_a_piece(tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    with source.open("w") as file:
        file.write("x,n\n")
        file.writelines(f"{i},1\n" for i in range(50_000))
    model = Sum(infer_signature(FRAME))
    predict(model, input_path=source, output_path=tmp_path / "out.parquet", chunk_size=4_000)
    assert max(model.sizes) == 4_000
    found = pd.read_parquet(tmp_path / "out.parquet")["prediction"]
    np.testing.assert_array_equal(found, np.arange(50_000) + 1)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"input_data": [1], "input_path": "x.csv"}, "Both input_data and input_path"),
        ({"input_data": [1], "env_manager": "virtualenv"}, "env_manager='virtualenv'"),
        ({"input_data": [1], "install_mlflow": True}, "install_mlflow"),
        ({"input_data": [1], "extra_envs": {"A": "1"}}, "extra_envs"),
        ({"input_data": [1], "chunk_size": 0}, "chunk_size is 0"),
        ({"input_path": "x.bin", "content_type": "tsv"}, "content_type is 'tsv'"),
        ({"input_data": [[1]], "output_path": "nowhere/out.json"}, "cannot be written"),
    ],
)
def test_what_does_not_go_together_is_refused(options: dict[str, Any], says: str) -> None:
    with pytest.raises(InvalidParameterError, match=says):
        predict(Sum(), **options)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone\.csv"):
        predict(Sum(), input_path=tmp_path / "gone.csv")


def test_long_work_shows_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source, target = write(tmp_path / "in.parquet"), tmp_path / "out.json"
    predict(Sum(), input_path=source, output_path=target, chunk_size=1)
    assert capsys.readouterr().err == ""  # it took less than a second
    monkeypatch.setattr("nbtrack.models.prediction.has_display", lambda: True)
    monkeypatch.setattr("nbtrack.models.prediction.DELAY_S", 0)
    monkeypatch.setattr("nbtrack.models.prediction.EVERY_S", 0)
    predict(Sum(), input_path=source, output_path=target, chunk_size=1)
    assert "3.00/3.00" in capsys.readouterr().err
