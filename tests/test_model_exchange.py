"""Models of MLflow are read by nbtrack, and those of nbtrack by MLflow."""

from __future__ import annotations

import json
import subprocess
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from programs import SRC, finish, start

NEEDED = (
    *("mlflow", "skops", "xgboost", "torch", "keras", "transformers"),
    *("catboost", "lightgbm", "onnxruntime", "statsmodels"),
)
MISSING = [package for package in NEEDED if find_spec(package) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

# each of two programs saves models, then reads those of the other
PROGRAM = """
import json, pathlib, sys, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
import small_models as s
import TRACKER as tracker

SCALE = 3
def scaled(x):
    return x * SCALE
class Scaler(tracker.pyfunc.PythonModel):
    def __init__(self, power):
        self.power = power
    def predict(self, context, model_input, params=None):
        return scaled(model_input) ** self.power
def shout(model_input: list[str]) -> list[str]:
    return [text.upper() for text in model_input]

rows = {"input_example": s.ROWS, **OPTIONS}
frame = {"input_example": s.FRAME, **OPTIONS}
signed = {"signature": tracker.models.infer_signature(s.ROWS, s.ROWS[:, :2]), **OPTIONS}
pickled = {"serialization_format": "cloudpickle", **frame}
folder = "TRACKER"
clf, pipe = s.classifier(), s.text_classifier(pathlib.Path())
parts = {"model": s.language_model("BertModel"), "tokenizer": pipe.tokenizer}
tracker.sklearn.save_model(clf, f"{folder}/sklearn", **frame)
tracker.sklearn.save_model(clf, f"{folder}/sklearn_pickle", **pickled)
tracker.xgboost.save_model(s.trees(), f"{folder}/xgboost", **frame)
tracker.lightgbm.save_model(s.boosted_trees("Booster"), f"{folder}/lightgbm", **frame)
tracker.catboost.save_model(s.ordered_trees(), f"{folder}/catboost", **frame)
tracker.onnx.save_model(s.network_of_onnx(1), f"{folder}/onnx", **OPTIONS)
ours = {"serialization_format": "pickle"} if folder == "nbtrack" else {}
tracker.statsmodels.save_model(s.regression(), f"{folder}/statsmodels", **frame, **ours)
tracker.keras.save_model(s.network(), f"{folder}/keras", **signed)
tracker.transformers.save_model(pipe, f"{folder}/transformers", **OPTIONS)
tracker.transformers.save_model(parts, f"{folder}/parts", task="feature-extraction", **OPTIONS)
tracker.pyfunc.save_model(f"{folder}/scaler", python_model=Scaler(2), **rows)
tracker.pyfunc.save_model(f"{folder}/shout", python_model=shout, **OPTIONS)

GIVEN = {"keras": s.ROWS, "transformers": s.TEXTS, "scaler": s.ROWS, "shout": s.TEXTS}
FRAMED = ["sklearn", "sklearn_pickle", "xgboost", "lightgbm", "catboost", "statsmodels"]
GIVEN |= dict.fromkeys(FRAMED, s.FRAME) | {"onnx": s.pd.DataFrame(s.ROWS)}
def predictions(folder, **options):
    found = {}
    for name, given in GIVEN.items():
        said = tracker.pyfunc.load_model(f"{folder}/{name}", **options).predict(given)
        table = {"orient": "list"} if hasattr(said, "columns") else None
        found[name] = said.to_dict(**table) if table else getattr(said, "tolist", lambda: said)()
    return found
def native(folder):
    first = s.ROWS[:1]
    parts = tracker.transformers.load_model(f"{folder}/parts", return_type="components")
    return {
        "sklearn": tracker.sklearn.load_model(f"{folder}/sklearn").predict(s.FRAME).tolist(),
        "xgboost": type(tracker.xgboost.load_model(f"{folder}/xgboost")).__name__,
        "lightgbm": type(tracker.lightgbm.load_model(f"{folder}/lightgbm")).__name__,
        "catboost": type(tracker.catboost.load_model(f"{folder}/catboost")).__name__,
        "onnx": len(tracker.onnx.load_model(f"{folder}/onnx").graph.node),
        "keras": tracker.keras.load_model(f"{folder}/keras").predict(first, verbose=0).tolist(),
        "transformers": type(tracker.transformers.load_model(f"{folder}/transformers")).__name__,
        "parts": sorted((name, type(parts[name]).__name__) for name in ("model", "tokenizer")),
    }
found = {"own": predictions(folder), "own natively": native(folder)}
print("saved", flush=True)
other = sys.stdin.readline().strip()
"""
MLFLOW = """
found |= {"others": predictions(other), "others natively": native(other)}
print(json.dumps(found))
"""
NBTRACK = """
from nbtrack.errors import UntrustedError
found["refused"] = []
for name in GIVEN:
    try:
        tracker.pyfunc.load_model(f"{other}/{name}")
    except UntrustedError:
        found["refused"].append(name)
found |= {"others": predictions(other, trust=True), "others natively": native(other)}
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What each of the two says of its own models and of those of the other."""
    folder = tmp_path_factory.mktemp("exchange")
    # without MLflow's own search for requirements, which takes seconds for each model
    given = {"nbtrack": ("{}", NBTRACK), "mlflow": ("{'pip_requirements': []}", MLFLOW)}
    variables = {
        "PYTHONWARNINGS": "ignore",
        "KERAS_BACKEND": "torch",
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": f"{SRC}:{Path(__file__).parent}",
    }
    programs = {}
    for tracker, (options, rest) in given.items():
        file = folder / f"{tracker}_program.py"  # the source of classes is looked up in files
        file.write_text(PROGRAM.replace("TRACKER", tracker).replace("OPTIONS", options) + rest)
        code = f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"
        programs[tracker] = start(code, cwd=folder, **variables)
    try:
        for program in programs.values():
            wait_for("saved", program)
        for other, program in zip(reversed(programs), programs.values(), strict=True):
            assert program.stdin is not None
            program.stdin.write(f"{other}\n")
            program.stdin.flush()
        printed = {name: finish(program, 120) for name, program in programs.items()}
    finally:
        for program in programs.values():
            with program:
                program.kill()
    return {name: json.loads(text.splitlines()[-1]) for name, text in printed.items()}


def wait_for(word: str, program: subprocess.Popen[str]) -> None:
    assert program.stdout is not None
    for line in program.stdout:
        if line.strip() == word:
            return
    finish(program)  # it has failed, and this says how


@pytest.mark.parametrize("reader", ["nbtrack", "mlflow"])
@pytest.mark.parametrize(
    "name",
    [
        *("sklearn", "sklearn_pickle", "xgboost", "keras", "transformers", "scaler", "shout"),
        *("lightgbm", "catboost", "onnx", "statsmodels"),
    ],
)
def test_predictions_are_the_same_whoever_reads_a_model(said: Any, reader: str, name: str) -> None:
    writer = "mlflow" if reader == "nbtrack" else "nbtrack"
    assert near(said[reader]["others"][name], said[writer]["own"][name])


@pytest.mark.parametrize("reader", ["nbtrack", "mlflow"])
def test_models_are_of_the_same_class_whoever_reads_them(said: Any, reader: str) -> None:
    writer = "mlflow" if reader == "nbtrack" else "nbtrack"
    for name, expected in said[writer]["own natively"].items():
        assert near(said[reader]["others natively"][name], expected)


def test_both_save_the_same_models(said: Any) -> None:
    for name, expected in said["mlflow"]["own"].items():
        assert near(said["nbtrack"]["own"][name], expected)


def test_only_pickles_of_mlflow_ask_for_consent(said: Any) -> None:
    assert sorted(said["nbtrack"]["refused"]) == [
        *("scaler", "shout", "sklearn_pickle", "statsmodels")
    ]


def near(one: Any, other: Any) -> bool:
    """Return whether nested values are the same but for rounding."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(near(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(near, one, other))
    return bool(one == (pytest.approx(other, abs=1e-5) if isinstance(one, float) else other))
