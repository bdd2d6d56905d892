from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml

import nbtrack
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.models.folder import ChangedModelError, check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import open_model
from nbtrack.models.logging import log, save
from nbtrack.models.model import Model

pytestmark = pytest.mark.usefixtures("workdir")


def write_weights(folder: Path, model: Model) -> None:
    (folder / "data").mkdir()
    np.save(folder / "data" / "weights.npy", np.arange(3.0))
    model.add_flavor("own", data="data").add_pyfunc("own", data="data")
    model.requirements.add_module("numpy")


def saved(**options: Any) -> Path:
    save(write_weights, "m", **options)
    return Path("m")


def test_a_folder_has_what_mlflow_expects_in_one() -> None:
    folder = saved(input_example=np.ones((2, 3)), metadata={"team": "us"})
    found = yaml.safe_load((folder / "MLmodel").read_text())
    assert found["flavors"]["python_function"]["loader_module"] == "own"
    assert found["metadata"] == {"team": "us"}
    assert found["model_size_bytes"] > 100
    assert found["saved_input_example_info"]["type"] == "ndarray"
    assert (folder / "requirements.txt").read_text() == f"numpy=={np.__version__}\n"
    assert {"conda.yaml", "python_env.yaml", "input_example.json"} <= {
        path.name for path in folder.iterdir()
    }


def test_unknown_keys_of_a_file_are_kept() -> None:
    folder = saved()
    given = yaml.safe_load((folder / "MLmodel").read_text())
    given["from_the_future"] = {"a": 1}
    model = Model.from_dict(given)
    model.save(folder / "MLmodel")
    assert yaml.safe_load((folder / "MLmodel").read_text()) == given


def test_a_failing_save_leaves_nothing() -> None:
    def fail(folder: Path, model: Model) -> None:
        (folder / "half").write_text("x")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        save(fail, "m")
    assert not Path("m").exists()


def test_a_folder_with_something_in_it_is_refused() -> None:
    folder = saved()
    with pytest.raises(InvalidParameterError, match="not empty"):
        save(write_weights, folder)


def test_a_changed_file_is_noticed_outside_of_the_store() -> None:
    folder = saved()
    check_files(open_model("m"))
    (folder / "data" / "weights.npy").write_bytes(b"other")
    check_files(open_model("m"), ["requirements.txt"])
    with pytest.raises(ChangedModelError, match=r"data/weights\.npy' .* has been changed"):
        check_files(open_model("m"), ["data"])


def test_files_that_come_or_go_are_noticed() -> None:
    folder = saved()
    (folder / "data" / "more.py").write_text("")
    with pytest.raises(ChangedModelError, match="has been added"):
        check_files(open_model("m"), ["data"])
    (folder / "data" / "more.py").unlink()
    (folder / "data" / "weights.npy").unlink()
    with pytest.raises(ChangedModelError, match="is gone"):
        check_files(open_model("m"))


def test_an_edited_mlmodel_file_is_not_opened() -> None:
    folder = saved()
    (folder / "MLmodel").write_text((folder / "MLmodel").read_text().replace("own", "os"))
    with pytest.raises(ChangedModelError, match="delete nbtrack-files"):
        open_model("m")


def test_a_logged_model_is_opened_by_its_id() -> None:
    with nbtrack.start_run() as run:
        info = log(write_weights, "net", params={"depth": 3}, input_example=np.ones((1, 2)))
    opened = open_model(info.model_uri)
    assert isinstance(info, ModelInfo)
    assert (info.name, info.run_id, info.params) == ("net", run.info.run_id, {"depth": "3"})
    assert opened.model.model_id == info.model_id
    assert opened.place.tracked
    check_files(opened)
    assert np.array_equal(np.load(opened.path / "data" / "weights.npy"), [0, 1, 2])


def test_the_store_notices_a_changed_file() -> None:
    opened = open_model(log(write_weights, "net").model_uri)
    weights = opened.path / "data" / "weights.npy"
    weights.chmod(0o644)
    weights.write_bytes(b"other")
    (opened.path / "nbtrack-files.json").unlink()
    with pytest.raises(ChangedModelError, match="Log the model again"):
        check_files(opened, ["data"])


def test_a_model_is_copied_where_it_is_wanted() -> None:
    saved()
    opened = open_model("m", dst_path="copy")
    assert opened.path == Path("copy").absolute()
    assert (opened.path / "data" / "weights.npy").exists()


def test_what_is_no_model_is_said() -> None:
    Path("empty").mkdir()
    with pytest.raises(NotFoundError, match="no file MLmodel"):
        open_model("empty")
    with pytest.raises(NotFoundError, match="nowhere"):
        open_model("nowhere")


def test_an_example_gives_the_signature() -> None:
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": ["x", None]})
    save(write_weights, "m", input_example=(frame, {"t": 0.5}), predict=lambda data, params: [1.0])
    model = open_model("m").model
    assert str(model.signature) == (
        "inputs: \n  ['a': double (required), 'b': string (optional)]\noutputs: \n"
        "  [double (required)]\nparams: \n  ['t': double (default: 0.5)]\n"
    )
    pd.testing.assert_frame_equal(model.load_input_example("m"), frame)
    assert model.load_input_example_params("m") == {"t": 0.5}
