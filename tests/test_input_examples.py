"""Input examples: kept beside the model as JSON, and read as they were given."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
from nbtrack.models import validate_serving_input
from nbtrack.models.logging import save
from nbtrack.models.model import Model
from nbtrack.pyfunc import PythonModel

pytestmark = pytest.mark.usefixtures("workdir")
FRAME = pd.DataFrame({"a": [1, 2], "b": [0.5, None], "d": pd.to_datetime(["2020", "2021"])})


def write(folder: Path, model: Model) -> None:
    model.add_pyfunc("own")


def saved(example: Any) -> Any:
    """Return the example of a model as another process reads it."""
    save(write, "m", input_example=example)
    return Model.load("m").load_input_example("m")


def test_a_frame_comes_back() -> None:
    found = saved(FRAME)
    pd.testing.assert_frame_equal(found, FRAME, check_dtype=False)
    info = Model.load("m").saved_input_example_info
    assert info is not None
    assert (info["type"], info["pandas_orient"]) == ("dataframe", "split")


@pytest.mark.parametrize(
    "array",
    [np.arange(6, dtype="float32").reshape(2, 3), np.array([[1, 2]]), np.array(["a", "b"])],
)
def test_an_array_comes_back(array: Any) -> None:
    found = saved(array)
    assert np.array_equal(found, array)


def test_arrays_by_name_come_back() -> None:
    given = {"x": np.zeros((2, 3)), "y": np.ones(2)}
    found = saved(given)
    assert {name: np.shape(value) for name, value in found.items()} == {"x": (2, 3), "y": (2,)}


@pytest.mark.parametrize("given", ["one text", ["a", "b"], {"q": "x", "k": [1, 2]}, [{"a": 1}], 3])
def test_plain_values_come_back(given: Any) -> None:
    assert saved(given) == given


def test_a_tensor_comes_back_as_an_array() -> None:
    torch = pytest.importorskip("torch")
    assert np.array_equal(saved(torch.ones(2, 3)), np.ones((2, 3)))


def test_a_sparse_matrix_comes_back() -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = sparse.csr_matrix(np.eye(3))
    assert np.array_equal(saved(given).toarray(), np.eye(3))


def test_an_example_is_a_request_to_a_server() -> None:
    class Rows(PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return [float(len(model_input) * params["times"])]

    nbtrack.pyfunc.save_model("m", python_model=Rows(), input_example=(FRAME, {"times": 2}))
    request = json.loads(Path("m", "serving_input_example.json").read_text())
    assert request["dataframe_split"]["columns"] == ["a", "b", "d"]
    assert request["params"] == {"times": 2}
    assert validate_serving_input("m", json.dumps(request)) == [4.0]


UNKEPT = {
    "object": object(),
    "set": {1, 2},
    "objects": pd.DataFrame({"a": [object()]}),
    "complex": pd.DataFrame({"a": [1j]}),
    "durations": pd.DataFrame({"a": pd.to_timedelta([1, 2])}),
    "periods": pd.DataFrame({"a": pd.period_range("2020", periods=2)}),
    "array of objects": np.array([[object(), 1]]),
    "params": (FRAME, {"a": object()}),
}


@pytest.mark.parametrize("kind", UNKEPT)
def test_a_model_is_saved_without_an_example_that_cannot_be_kept(kind: str) -> None:
    with pytest.warns(UserWarning, match="saved without its input example, which cannot be kept"):
        save(write, "m", input_example=UNKEPT[kind])
    assert Model.load("m").load_input_example("m") is None
    assert not list(Path("m").glob("*input_example*"))


@pytest.mark.parametrize("kind", ["csr", "csc", "coo", "lil", "dok"])
def test_sparse_examples_come_back(kind: str) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    given = sparse.random(4, 3, 0.5, format=kind, random_state=0)
    assert (saved(given).toarray() == given.toarray()).all()
