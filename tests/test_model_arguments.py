"""What people pass to ``log_model`` because MLflow takes it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.models.model import Model
from programs import run

pytestmark = pytest.mark.usefixtures("workdir")
FRAME = pd.DataFrame({"a": [0.0, 1.0], "b": [3.0, 1.0]})


def same(model_input: Any) -> Any:
    return model_input


@pytest.mark.parametrize("name", ["resources", "auth_policy", "prompts"])
def test_an_option_without_effect_is_accepted_and_said(name: str) -> None:
    log: Any = nbtrack.pyfunc.log_model
    with pytest.warns(UserWarning, match=f"{name}= has no effect"):
        log(name="m", python_model=same, **{name: ["x"]})
    log(name="m", python_model=same, **{name: None})


def test_a_file_of_code_brings_the_modules_beside_it() -> None:
    Path("inner_part.py").write_text("def add(x):\n    return x + 1\n")
    Path("outer_part.py").write_text("from inner_part import add\n")
    Path("unused_part.py").write_text("")
    Path("model_of_parts.py").write_text(
        "from nbtrack.models import set_model\n"
        "from outer_part import add\n"
        "set_model(lambda model_input: add(model_input))\n"
    )
    sys.path.insert(0, "")
    try:
        nbtrack.pyfunc.save_model("m", python_model="model_of_parts.py", infer_code_paths=True)
    finally:
        sys.path.remove("")
    assert {p.name for p in Path("m", "code").iterdir()} == {"inner_part.py", "outer_part.py"}
    Path("elsewhere").mkdir()
    code = "import nbtrack; print(nbtrack.pyfunc.load_model('../m').predict(1))"
    assert run(code, cwd=Path("elsewhere")).split() == ["2"]
    with pytest.raises(InvalidParameterError, match="either code_paths or infer_code_paths"):
        nbtrack.pyfunc.save_model(
            "n", python_model="model_of_parts.py", infer_code_paths=True, code_paths=["m"]
        )


def test_a_function_needs_no_inferred_code() -> None:
    nbtrack.pyfunc.save_model("m", python_model=same, infer_code_paths=True)
    assert not Path("m", "code").exists()


UV = """#!/bin/sh
echo "# made by uv"
echo "numpy==2.0  # via x"
echo "asked==$*"
"""


def test_the_lock_file_of_a_project_says_what_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("project").mkdir()
    Path("project", "uv.lock").write_text("")
    Path("bin").mkdir()
    Path("bin", "uv").write_text(UV)
    Path("bin", "uv").chmod(0o755)
    monkeypatch.setenv("PATH", f"{Path('bin').absolute()}:/usr/bin:/bin")
    nbtrack.pyfunc.save_model(
        "m", python_model=same, uv_project_path="project", uv_groups=["gpu"], uv_extras=["all"]
    )
    lines = Path("m", "requirements.txt").read_text().splitlines()
    assert lines[0] == "numpy==2.0"
    assert lines[1].endswith("--group gpu --extra all")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.warns(UserWarning, match="uv is not installed"):
        nbtrack.pyfunc.save_model("n", python_model=same, uv_project_path="project")
    with pytest.warns(UserWarning, match=r"no uv\.lock"):
        nbtrack.pyfunc.save_model("o", python_model=same, uv_project_path="bin")
    with pytest.warns(UserWarning, match="without uv_project_path"):
        nbtrack.pyfunc.save_model("p", python_model=same, uv_groups=["gpu"])


@pytest.mark.parametrize("positional", [True, False])
def test_an_artifact_path_keeps_its_folders(positional: bool) -> None:
    path = "models/classifier"
    log: Any = nbtrack.pyfunc.log_model
    with nbtrack.start_run() as active:
        if positional:
            log(path, python_model=same)
        else:
            log(artifact_path=path, python_model=same)
        nbtrack.log_text("x", "models/note.txt")
    run_id = active.info.run_id
    client = nbtrack.Client()
    assert [f.path for f in client.list_artifacts(run_id)] == ["models"]
    assert [f.path for f in client.list_artifacts(run_id, "models")] == [path, "models/note.txt"]
    assert f"{path}/MLmodel" in [f.path for f in client.list_artifacts(run_id, path)]
    assert nbtrack.pyfunc.load_model(f"runs:/{run_id}/{path}").predict(1) == 1
    place = nbtrack.artifacts.download_artifacts(run_id=run_id, artifact_path=f"{path}/MLmodel")
    assert Path(place).is_file()
    nbtrack.artifacts.download_artifacts(run_id=run_id, dst_path="all")
    assert Path("all", path, "MLmodel").is_file()


@pytest.mark.parametrize("path", ["models//m", "/models", "models/", "../m", "models/.."])
def test_a_path_that_leads_elsewhere_is_no_name(path: str) -> None:
    with pytest.raises(InvalidParameterError, match="Invalid model name"):
        nbtrack.pyfunc.log_model(path, python_model=same)


def test_a_name_has_no_folders() -> None:
    with pytest.raises(InvalidParameterError, match="Invalid model name"):
        nbtrack.pyfunc.log_model(name="models/m", python_model=same)


def test_the_settings_of_a_model_are_params_of_its_run() -> None:
    settings = {"rate": 0.1, "inner": {"depth": 2}}
    with nbtrack.start_run() as active:
        info = nbtrack.pyfunc.log_model(name="m", python_model=same, model_config=settings)
    wanted = {"rate": "0.1", "inner/depth": "2"}
    assert nbtrack.get_run(active.info.run_id).data.params == wanted
    assert info.model_id is not None
    assert nbtrack.get_logged_model(info.model_id).params == wanted
    with nbtrack.start_run():
        nbtrack.log_param("rate", 1)
        with pytest.warns(UserWarning, match="no params of its run"):
            nbtrack.pyfunc.log_model(name="m", python_model=same, model_config=settings)


def test_code_paths_leave_the_store_and_the_model_out() -> None:
    Path("part.py").write_text("A = 1\n")
    with nbtrack.start_run():
        info = nbtrack.pyfunc.log_model(name="m", python_model=same, code_paths=[str(Path.cwd())])
    nbtrack.pyfunc.save_model("saved", python_model=same, code_paths=[str(Path.cwd())])
    for place in (Path(nbtrack.artifacts.download_artifacts(info.model_uri)), Path("saved")):
        (code,) = (place / "code").iterdir()
        assert [file.name for file in code.iterdir()] == ["part.py"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # Keras, of NumPy
def test_objects_of_keras_are_saved_by_their_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    keras = pytest.importorskip("keras")
    net = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    nbtrack.keras.save_model(net, "m", custom_objects={"same": same})
    assert Model.load("m").flavors["keras"]["custom_objects"] == ["same"]
    assert nbtrack.keras.load_model("m").predict(FRAME.to_numpy(), verbose=0).shape == (2, 1)


def test_transformers_take_a_dtype_and_a_template(workdir: Path) -> None:
    pytest.importorskip("transformers")
    torch = pytest.importorskip("torch")
    from small_models import language_model, tokenizer

    parts = {"model": language_model("BertForMaskedLM"), "tokenizer": tokenizer(workdir)}
    with pytest.warns(UserWarning, match="base_model_path= has no effect"):
        nbtrack.transformers.save_model(
            parts, "m", task="fill-mask", torch_dtype=torch.float16, base_model_path="x",
            prompt_template="the {prompt} sat",
        )  # fmt: skip
    loaded = nbtrack.transformers.load_model("m", return_type="components")
    assert loaded["model"].dtype is torch.float16
    (word,) = nbtrack.pyfunc.load_model("m").predict("[MASK]")
    assert isinstance(word, str)
    for wrong in ("no place", "{prompt} {other}", "{prompt} {prompt}", "{"):
        with pytest.raises(InvalidParameterError, match="needs one place for the text"):
            nbtrack.transformers.save_model(parts, "n", task="fill-mask", prompt_template=wrong)
