from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models import ModelConfig, infer_signature, set_model
from nbtrack.models.code_writer import with_mlflow_fallback
from nbtrack.pyfunc import PythonModel, PythonModelContext, load_model, log_model, save_model

pytestmark = pytest.mark.usefixtures("workdir")
ROOT = Path(__file__).parents[1]

NOTEBOOK = """
import json, sys
import numpy as np
import nbtrack
from nbtrack.pyfunc import PythonModel

SCALE = 3
OFFSETS = np.array([0.5, 1.5])

def scaled(x):
    return x * SCALE

class Scaler(PythonModel):
    def __init__(self, power):
        self.power = power
    def predict(self, context, model_input, params=None):
        return scaled(model_input) ** self.power

class Shifter:
    def __init__(self, weights):
        self.weights = weights
    def predict(self, model_input):
        return model_input @ self.weights + OFFSETS

def shout(model_input: list[str]) -> list[str]:
    return [text.upper() for text in model_input]

nbtrack.pyfunc.save_model("scaler", python_model=Scaler(2))
nbtrack.pyfunc.save_model("shifter", python_model=Shifter(np.eye(2)))
nbtrack.pyfunc.save_model("shout", python_model=shout)
nbtrack.pyfunc.save_model("lambda", python_model=lambda model_input: scaled(model_input) + 1)
"""


def run(code: str, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(ROOT / "src"), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert not done.returncode, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models that a program has saved whose classes and functions are gone with it."""
    folder = tmp_path_factory.mktemp("saved")
    script = folder / "notebook.py"
    script.write_text(NOTEBOOK)
    subprocess.run(
        [sys.executable, str(script)],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT / "src"),
            "XDG_STATE_HOME": str(tmp_path_factory.getbasetemp() / "state"),
        },
        check=True,
    )
    script.unlink()
    return folder


def test_a_class_of_a_notebook_comes_back_without_it(saved: Path) -> None:
    model = load_model(saved / "scaler", trust=True)
    assert model.predict(np.array([1.0, 2.0])).tolist() == [9.0, 36.0]
    assert type(model.unwrap_python_model()).__name__ == "Scaler"
    assert not list(saved.rglob("*.pkl"))


def test_the_state_of_a_model_is_kept_as_data(saved: Path) -> None:
    model = load_model(saved / "shifter", trust=True)
    assert model.predict(np.array([[1.0, 1.0]])).tolist() == [[1.5, 2.5]]
    assert (saved / "shifter" / "python_model" / "arrays.npz").is_file()


def test_a_function_with_type_hints_has_a_signature(saved: Path) -> None:
    model = load_model(saved / "shout", trust=True)
    assert str(model.metadata.get_input_schema()) == "[string (required)]"
    assert model.predict(["a", "b"]) == ["A", "B"]
    assert model.predict(pd.DataFrame({"x": ["a"]})) == ["A"]
    with pytest.raises(InvalidParameterError, match="item 1 of the input is 5"):
        model.predict(["a", 5])


def test_a_lambda_brings_what_it_uses(saved: Path) -> None:
    assert load_model(saved / "lambda", trust=True).predict(2) == 7


def test_code_of_a_stranger_does_not_run_without_consent(
    saved: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "another user"))
    with pytest.raises(UntrustedError, match="trust=True"):
        load_model(saved / "scaler")
    monkeypatch.setenv("MLFLOW_ALLOW_MODEL_CODE_EXECUTION", "false")
    with pytest.raises(UntrustedError, match="MLFLOW_ALLOW_MODEL_CODE_EXECUTION"):
        load_model(saved / "scaler", trust=True)


class Adder(PythonModel):
    def load_context(self, context: PythonModelContext) -> None:
        self.table = json.loads(Path(context.artifacts["table"]).read_text())

    def predict(self, context: Any, model_input: Any, params: dict[str, Any] | None = None) -> Any:
        return model_input + self.table["n"] * (params or {}).get("times", 1)


def test_a_logged_model_has_its_artifacts_and_params() -> None:
    Path("table.json").write_text('{"n": 10}')
    signature = infer_signature(np.array([1]), np.array([1]), params={"times": 1})
    with nbtrack.start_run():
        info = log_model(
            name="adder",
            python_model=Adder(),
            artifacts={"table": "table.json"},
            signature=signature,
        )
    Path("table.json").unlink()
    model = load_model(info.model_uri)
    assert model.predict(np.array([1])).tolist() == [11]
    assert model.predict(np.array([1]), {"times": 3}).tolist() == [31]
    assert model.model_id == info.model_id


def test_an_artifact_comes_from_a_run() -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_text('{"n": 2}', "tables/table.json")
    uri = f"runs:/{run.info.run_id}/tables/table.json"
    save_model("m", python_model=Adder(), artifacts={"table": uri})
    assert load_model("m").predict(1) == 3


def test_predicting_on_the_example_does_not_change_what_is_saved() -> None:
    Path("table.json").write_text('{"n": 10}')
    model = Adder()
    save_model(
        "m", python_model=model, artifacts={"table": "table.json"}, input_example=np.array([1])
    )
    assert hasattr(model, "table")
    assert "table" not in Path("m", "model.py").read_text().partition("set_model")[2]


def test_a_pickle_is_written_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    save_model("m", python_model=Adder(), serialization="pickle", artifacts={})
    assert Path("m", "python_model.pkl").is_file()
    assert "cloudpickle==" in Path("m", "requirements.txt").read_text()
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match="a pickle"):
        load_model("m")


CODE = """
from nbtrack.models import ModelConfig, set_model

factor = ModelConfig(development_config={"factor": 2}).get("factor")

def model(model_input):
    return model_input * factor

set_model(model)
"""


def test_a_model_is_saved_from_code_with_its_configuration() -> None:
    Path("own_model.py").write_text(CODE)
    save_model("m", python_model="own_model.py", model_config={"factor": 5})
    Path("own_model.py").unlink()
    assert load_model("m").predict(2) == 10
    assert load_model("m", model_config={"factor": 7}).predict(2) == 14
    assert load_model("m").model_config == {"factor": 5}


def test_code_that_sets_no_model_is_told_so() -> None:
    Path("own_model.py").write_text("x = 1")
    with pytest.raises(InvalidParameterError, match="sets no model"):
        save_model("m", python_model="own_model.py")
    with pytest.raises(InvalidParameterError, match="has a method predict"):
        set_model(3)
    with pytest.raises(InvalidParameterError, match="has no 'x'"):
        ModelConfig(development_config={}).get("x")


def test_a_loader_module_reads_its_own_data() -> None:
    Path("own_loader.py").write_text(
        "from pathlib import Path\n"
        "class Model:\n"
        "    def __init__(self, n): self.n = n\n"
        "    def predict(self, data): return data + self.n\n"
        "def _load_pyfunc(path): return Model(int(Path(path).read_text()))\n"
    )
    Path("number.txt").write_text("40")
    save_model(
        "m", loader_module="own_loader", data_path="number.txt", code_paths=["own_loader.py"]
    )
    Path("own_loader.py").unlink()
    code = "import nbtrack; print(nbtrack.pyfunc.load_model('m', trust=True).predict(2))"
    assert run(code).strip() == "42"


def test_a_model_that_predicts_in_parts() -> None:
    class Counter(PythonModel):
        def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
            return model_input

        def predict_stream(self, context: Any, model_input: Any, params: Any = None) -> Any:
            yield from range(model_input)

    save_model("m", python_model=Counter())
    assert list(load_model("m").predict_stream(3)) == [0, 1, 2]


def test_an_unknown_option_names_the_one_that_was_meant() -> None:
    with pytest.raises(TypeError, match="Did you mean 'pip_requirements'"):
        save_model("m", python_model=len, pip_requirement=["x"])  # type: ignore[call-arg]
    with pytest.raises(InvalidParameterError, match="either python_model or loader_module"):
        save_model("m")
    with pytest.raises(InvalidParameterError, match="pass an object"):
        save_model("m", python_model=Adder)


def test_what_comes_from_nbtrack_may_come_from_mlflow_instead() -> None:
    imports = "import os, nbtrack\nimport nbtrack.pyfunc\nfrom nbtrack.pyfunc import (\n    A,\n)\n"
    assert with_mlflow_fallback(imports + "x = 1\n").splitlines() == [
        "try:",
        "    import os, nbtrack",
        "except ImportError:",
        "    import os",
        "    import mlflow as nbtrack",
        "try:",
        "    import nbtrack.pyfunc",
        "except ImportError:",
        "    import mlflow.pyfunc",
        "    import mlflow as nbtrack",
        "try:",
        "    from nbtrack.pyfunc import A",
        "except ImportError:",
        "    from mlflow.pyfunc import A",
        "x = 1",
    ]


class Holding(PythonModel):
    def __init__(self, held: Any) -> None:
        self.held = {"parts": [held]}

    def predict(self, context: Any, model_input: Any, params: Any = None) -> Any:
        return model_input


class OnlyPickled:
    """What cloudpickle keeps, and data cannot."""

    def __reduce_ex__(self, protocol: Any) -> str | tuple[Any, ...]:
        import inspect

        if any("cloudpickle" in frame.filename for frame in inspect.stack()):
            return OnlyPickled, ()
        raise TypeError("no data")


def test_an_error_says_a_way_out_that_works() -> None:
    with pytest.raises(InvalidParameterError, match=r"held\['parts'\]\[0\] .*'pickle'"):
        save_model("m", python_model=Holding(OnlyPickled()))
    save_model("m", python_model=Holding(OnlyPickled()), serialization="pickle")
    assert load_model("m").predict(1) == 1
    with pytest.raises(InvalidParameterError, match=r"held\['parts'\]\[0\] .*No format keeps"):
        save_model("n", python_model=Holding(number for number in [1]))
