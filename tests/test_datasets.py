"""Datasets: what is kept of data, and the way back to it."""

from __future__ import annotations

import functools
import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbtrack import data, entities
from nbtrack.errors import InvalidParameterError, InvalidStateError, NbtrackWarning, NotFoundError


def frame() -> pd.DataFrame:
    return pd.DataFrame({"x": [1.0, 2.0], "n": [1, 2], "name": ["a", "b"], "ok": [True, False]})


def test_a_frame_is_described_as_mlflow_does() -> None:
    entity = data.from_pandas(
        frame(), source="data/train.csv", name="train", targets="ok"
    ).to_entity()
    assert (entity.name, entity.source_type) == ("train", "local")
    assert json.loads(entity.source) == {"uri": "data/train.csv"}
    assert json.loads(entity.schema or "") == {
        "mlflow_colspec": [
            {"type": "double", "name": "x", "required": True},
            {"type": "long", "name": "n", "required": True},
            {"type": "string", "name": "name", "required": True},
            {"type": "boolean", "name": "ok", "required": True},
        ]
    }
    assert json.loads(entity.profile or "") == {"num_rows": 2, "num_elements": 8}
    assert len(entity.digest) == 8
    int(entity.digest, 16)


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([1], np.int8), "integer"),
        (np.array([1], np.float32), "float"),
        (pd.to_datetime(["2026-01-01"]), "datetime"),
        (pd.to_datetime(["2026-01-01"]).tz_localize("UTC"), "datetime"),
        ([b"x"], "binary"),
        (pd.array([True, None], dtype="boolean"), "boolean"),
        (pd.array([1, None], dtype="Int64"), "long"),
        (pd.Categorical(["a"]), "string"),
    ],
)
def test_columns_have_the_types_of_mlflow(values: Any, expected: str) -> None:
    schema = data.from_pandas(pd.DataFrame({"c": values})).schema
    assert schema is not None
    assert schema["mlflow_colspec"][0]["type"] == expected


def test_missing_values_and_nested_ones_are_in_the_schema() -> None:
    values = {"f": [1.0, None], "s": ["a", None], "l": [[1.5], [2.5]], "d": [{"k": 1}, {"k": 2}]}
    schema = data.from_pandas(pd.DataFrame(values)).schema
    assert schema is not None
    f, s, nested, d = schema["mlflow_colspec"]
    assert (f["required"], s["required"]) == (False, False)
    assert (nested["type"], nested["items"]) == ("array", {"type": "double"})
    assert d["properties"] == {"k": {"type": "long", "required": True}}
    assert data.from_pandas(pd.DataFrame({"c": [1, "a"]}, dtype=object)).schema is None


def test_equal_data_has_an_equal_digest_and_other_data_another() -> None:
    one = data.from_pandas(frame()).digest
    assert data.from_pandas(frame(), name="other").digest == one
    changed = [
        frame().assign(x=[1.0, 2.5]),
        frame().assign(name=["a", "c"]),
        frame().rename(columns={"x": "y"}),
        frame().iloc[:1],
        frame().astype({"n": "int32"}),
        frame().set_index("n", drop=False),
    ]
    assert len({one, *(data.from_pandas(other).digest for other in changed)}) == 7


def test_a_change_far_down_in_numbers_changes_the_digest() -> None:
    values = np.zeros(300_000)
    one = data.from_pandas(pd.DataFrame({"x": values})).digest
    values[123_457] = 1
    assert data.from_pandas(pd.DataFrame({"x": values})).digest != one


def test_every_kind_of_column_and_array_has_a_digest() -> None:
    odd = pd.DataFrame(
        {"l": [[1], [2]], "t": pd.to_datetime(["2026-01-01"] * 2).tz_localize("UTC")}
    )
    odd["i"] = pd.array([1, None], dtype="Int64")
    assert len(data.from_pandas(odd).digest) == 8
    assert len(data.from_pandas(pd.DataFrame()).digest) == 8
    for array in (np.array(1.5), np.zeros((0, 3)), np.array(["a"]), np.array([{}], object)):
        assert len(data.from_numpy(array).digest) == 8
    assert data.from_numpy(np.eye(3)[:, ::-1]).digest != data.from_numpy(np.eye(3)).digest


def test_large_arrays_are_sampled_evenly() -> None:
    large = np.zeros((9, 8 << 20), np.uint8)
    one = data.from_numpy(large).digest
    large[8, 100] = 1
    assert data.from_numpy(large).digest != one


def test_arrays_are_described_as_tensors() -> None:
    dataset = data.from_numpy(np.zeros((5, 28, 28), np.float32), targets=np.zeros(5, np.int64))
    schema = json.loads(dataset.to_entity().schema or "")["mlflow_tensorspec"]
    assert json.loads(schema["features"]) == [
        {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}
    ]
    assert json.loads(schema["targets"])[0]["tensor-spec"] == {"dtype": "int64", "shape": [-1]}
    assert dataset.profile == {
        "features_shape": [5, 28, 28],
        "features_size": 3920,
        "features_nbytes": 15680,
        "targets_shape": [5],
        "targets_size": 5,
        "targets_nbytes": 40,
    }


def test_arrays_may_come_by_name() -> None:
    dataset = data.from_numpy({"a": np.zeros(2), "b": np.ones((2, 3))})
    schema = dataset.schema["mlflow_tensorspec"]
    assert [tensor["name"] for tensor in json.loads(schema["features"])] == ["a", "b"]
    assert schema["targets"] is None
    assert dataset.profile["features_shape"] == {"a": [2], "b": [2, 3]}
    assert dataset.digest != data.from_numpy({"b": np.zeros(2), "a": np.ones((2, 3))}).digest


def test_data_without_a_source_comes_from_the_code() -> None:
    entity = data.from_pandas(frame()).to_entity()
    assert (entity.name, entity.source_type) == ("dataset", "code")
    assert set(json.loads(entity.source)["tags"]) == {
        "mlflow.user",
        "mlflow.source.name",
        "mlflow.source.type",
    }
    with pytest.raises(InvalidStateError, match="Run the code again"):
        data.get_source(entity).load()


def test_a_file_is_found_again(tmp_path: Path) -> None:
    file = tmp_path / "train.csv"
    file.write_text("x\n1\n")
    entity = data.from_pandas(frame(), source=file).to_entity()
    source = data.get_source(entities.DatasetInput(entity))
    assert source.load() == str(file)
    copy = source.load(str(tmp_path / "copy"))
    assert Path(copy).read_text() == "x\n1\n"
    assert copy == str(tmp_path / "copy" / "train.csv")
    file.unlink()
    with pytest.raises(NotFoundError, match=r"train\.csv"):
        source.load(str(tmp_path / "copy"))


@pytest.fixture
def web(tmp_path: Path) -> Iterator[str]:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

    (tmp_path / "train set.csv").write_text("x\n1\n")
    handler = functools.partial(Quiet, directory=str(tmp_path))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def test_a_file_on_the_web_is_loaded_again_and_its_password_is_not_kept(web: str) -> None:
    dataset = data.from_pandas(frame(), source=f"http://me:secret@{web}/train%20set.csv?v=1")
    entity = dataset.to_entity()
    assert entity.source_type == "http"
    assert json.loads(entity.source) == {"url": f"http://{web}/train%20set.csv?v=1"}
    loaded = Path(data.get_source(entity).load())
    assert (loaded.name, loaded.read_text()) == ("train set.csv", "x\n1\n")


def test_remote_files_are_loaded_through_fsspec(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    fsspec.filesystem("memory").pipe("/sets/train.csv", b"x\n1\n")
    entity = data.from_pandas(frame(), source="memory://sets/train.csv").to_entity()
    assert entity.source_type == "memory"
    assert Path(data.get_source(entity).load(str(tmp_path))).read_bytes() == b"x\n1\n"
    assert data.from_pandas(frame(), source="s3://b/k.csv").to_entity().source_type == "s3"


def test_wrong_datasets_are_said() -> None:
    with pytest.raises(InvalidParameterError, match="targets column 'y'"):
        data.from_pandas(frame(), targets="y")
    with pytest.raises(InvalidParameterError, match="at most 500"):
        data.from_pandas(frame(), name="x" * 501)
    with pytest.raises(InvalidParameterError, match="at most 36"):
        data.from_pandas(frame(), digest="x" * 37)
    with pytest.raises(InvalidParameterError, match="got int"):
        data.from_pandas(frame(), source=3)
    with pytest.raises(InvalidParameterError, match="cannot be read"):
        data.get_source(entities.Dataset("d", "1", "http", "not json"))
    with pytest.raises(InvalidParameterError, match="got str"):
        data.get_source("d")


def test_a_schema_that_is_too_long_is_left_out_with_a_warning() -> None:
    wide = pd.DataFrame(np.zeros((1, 200)), columns=["x" * 6000 + str(i) for i in range(200)])
    with pytest.warns(NbtrackWarning, match="schema"):
        assert data.from_pandas(wide).to_entity().schema is None


def test_a_description_alone_is_a_dataset_too() -> None:
    dataset = data.MetaDataset("s3://bucket/set", name="set")
    assert json.loads(dataset.to_json())["source_type"] == "s3"
    assert dataset.digest == data.MetaDataset("s3://bucket/set", name="set").digest


def test_polars_frames_are_described_like_those_of_pandas() -> None:
    polars = pytest.importorskip("polars")
    entity = data.from_polars(polars.DataFrame({"x": [1.0], "s": ["a"]}), targets="x").to_entity()
    types = [c["type"] for c in json.loads(entity.schema or "")["mlflow_colspec"]]
    assert types == ["double", "string"]
    assert json.loads(entity.profile or "") == {"num_rows": 1, "num_elements": 2}


def test_hugging_face_datasets_say_where_they_came_from() -> None:
    datasets = pytest.importorskip("datasets")
    given = datasets.Dataset.from_dict({"x": [1.0, 2.0], "s": ["a", "b"]})
    entity = data.from_huggingface(given, path="org/set", revision="main", targets="x").to_entity()
    assert entity.source_type == "hugging_face"
    assert json.loads(entity.source)["path"] == "org/set"
    assert json.loads(entity.profile or "")["num_rows"] == 2
    types = [c["type"] for c in json.loads(entity.schema or "")["mlflow_colspec"]]
    assert types == ["double", "string"]
    assert data.get_source(entity).to_dict()["revision"] == "main"
