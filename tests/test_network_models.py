"""Models of Keras and of transformers, saved by one program and loaded by another."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from programs import SRC, finish, start

NEEDED = ("torch", "keras", "transformers")
MISSING = [package for package in NEEDED if find_spec(package) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

HEAD = """
import json, pathlib, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
import nbtrack, small_models as s
from nbtrack.errors import InvalidParameterError, UntrustedError

found = {}
def refusal(kind, call, *args, **options):
    try:
        call(*args, **options)
    except kind as error:
        return str(error)
"""
SAVE = """
import keras
import pandas as pd
import transformers

GAIN = 2.0
def louder(x):
    return x * GAIN
class Louder(keras.layers.Layer):
    def call(self, x):
        return louder(x)
def shifted():
    import keras as k
    class Shift(k.layers.Layer):
        def call(self, x):
            return x + 1.0
    return Shift()

keras.utils.set_random_seed(0)
own = keras.Sequential([keras.Input((4,)), keras.layers.Dense(2), Louder(), shifted()])
own.compile("sgd", "mse")
pair = {"a": keras.Input((2,), name="a"), "b": keras.Input((3,), name="b")}
both = keras.Model(pair, keras.layers.Dense(1)(keras.layers.Concatenate()(list(pair.values()))))
named = {"a": s.ROWS[:, :2], "b": s.ROWS[:, :3]}
anonymous = keras.Sequential([keras.Input((4,)), keras.layers.Lambda(lambda x: x * 3)])
with nbtrack.start_run():
    info = nbtrack.keras.log_model(own, name="own", input_example=s.ROWS)
    nbtrack.tensorflow.log_model(own, name="tf", registered_model_name="tf")
nbtrack.keras.save_model(both, "both", input_example=named)
nbtrack.keras.save_model(anonymous, "anonymous")
found["own"] = own.predict(s.ROWS, verbose=0).tolist()
found["both"] = both.predict(named, verbose=0).tolist()
found["uri"] = info.model_uri
found["signatures"] = [str(info.signature.inputs), str(info.signature.outputs)]
linear = torch.nn.Linear(1, 1)
found["no keras"] = refusal(InvalidParameterError, nbtrack.keras.save_model, linear, "x")
found["no tf"] = refusal(InvalidParameterError, nbtrack.tensorflow.save_model, object(), "x")

here = pathlib.Path()
pipe, words = s.text_classifier(here), s.tokenizer(here)
half = s.language_model("BertForMaskedLM").to(torch.bfloat16)
mask = transformers.pipeline("fill-mask", model=half, tokenizer=words)
save = nbtrack.transformers.save_model
with nbtrack.start_run():
    info = nbtrack.transformers.log_model(
        pipe, name="texts", input_example=s.TEXTS, registered_model_name="texts"
    )
found["texts"] = pipe(s.TEXTS)
save({"model": s.language_model("BertModel"), "tokenizer": words}, "parts")
save(s.language_model("BertModel"), "alone", processor=words, task="feature-extraction")
save(mask, "mask")
found["mask"] = [one["token_str"] for one in mask("the [MASK] sat", top_k=1)]
class Mine(transformers.BertModel):
    pass
found["own class"] = refusal(InvalidParameterError, save, Mine(half.config), "x")
found["no weights"] = refusal(InvalidParameterError, save, pipe, "x", save_pretrained=False)
found["no model"] = refusal(InvalidParameterError, save, {"tokenizer": words}, "x")
found["left"] = pathlib.Path("x").exists()
print(json.dumps(found))
"""
LOAD = """
import sys
import pandas as pd
uri = sys.argv[1]
model = nbtrack.keras.load_model(uri)
found["own"] = model.predict(s.ROWS, verbose=0).tolist()
found["trained"] = model.fit(s.ROWS, s.ROWS[:, :2], verbose=0).history["loss"][0] > 0
loaded = nbtrack.pyfunc.load_model(uri)
found["pyfunc"] = loaded.predict(s.ROWS.tolist()).tolist()
found["bad shape"] = refusal(InvalidParameterError, loaded.predict, s.ROWS[:, :2])
found["tf"] = nbtrack.tensorflow.load_model("models:/tf/1").predict(s.ROWS, verbose=0).tolist()
named = {"a": s.ROWS[:, :2], "b": s.ROWS[:, :3]}
loaded = nbtrack.pyfunc.load_model("both")
found["both"] = loaded.predict(named).tolist()
found["missing"] = refusal(InvalidParameterError, loaded.predict, {"a": s.ROWS[:, :2]})
found["lambda"] = nbtrack.keras.load_model("anonymous").predict(s.ROWS, verbose=0)[0].tolist()
found["stranger"] = refusal(UntrustedError, nbtrack.keras.load_model, "anonymous", trust=False)

loaded = nbtrack.pyfunc.load_model("models:/texts@champion")
table = pd.DataFrame({"text": s.TEXTS})
found["texts"] = loaded.predict(s.TEXTS).to_dict(orient="records")
found["frame"] = loaded.predict(table).to_dict(orient="records")
found["one"] = len(loaded.predict("the cat sat"))
parts = nbtrack.transformers.load_model("parts", return_type="components", device="cpu")
found["parts"] = {name: type(part).__name__ for name, part in parts.items()}
found["no task"] = refusal(InvalidParameterError, nbtrack.transformers.load_model, "both")
found["alone"] = list(nbtrack.pyfunc.load_model("alone").predict(["the cat"]).shape)
mask = nbtrack.transformers.load_model("mask")
found["dtype"] = str(mask.model.dtype)
found["mask"] = [one["token_str"] for one in mask("the [MASK] sat", top_k=1)]
found["mask in pyfunc"] = nbtrack.pyfunc.load_model("mask").predict(["the [MASK] sat"])
found["masks in pyfunc"] = len(nbtrack.pyfunc.load_model("mask").predict(["the [MASK]", "[MASK]"]))
print(json.dumps(found))
"""


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[Any, Any, Path]:
    """What the program that saves has seen, what the one that loads has, and their folder."""
    folder = tmp_path_factory.mktemp("networks")
    variables = {
        "KERAS_BACKEND": "torch",
        "HF_HUB_OFFLINE": "1",
        "PYTHONWARNINGS": "ignore",
        "PYTHONPATH": f"{SRC}:{Path(__file__).parent}",
    }
    file = folder / "saving.py"  # the source of classes is looked up in files
    file.write_text(HEAD + SAVE)
    code = f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"
    first = finish(start(code, cwd=folder, **variables), 150)
    file.unlink()
    saved = json.loads(first.splitlines()[-1])
    alias = "import nbtrack; nbtrack.Client().set_registered_model_alias('texts', 'champion', 1)\n"
    second = finish(start(alias + HEAD + LOAD, saved["uri"], cwd=folder, **variables), 150)
    return saved, json.loads(second.splitlines()[-1]), folder


def test_keras_layers_of_the_notebook_come_back(programs: Any) -> None:
    saved, loaded, _ = programs
    for name in ("own", "pyfunc", "tf"):
        assert loaded[name] == [pytest.approx(row, abs=1e-5) for row in saved["own"]]
    assert loaded["trained"]


def test_keras_models_say_what_they_take(programs: Any) -> None:
    saved, loaded, _ = programs
    assert saved["signatures"] == ["[Tensor('float32', (-1, 4))]", "[Tensor('float32', (-1, 2))]"]
    assert "Shape of input (3, 2) does not match expected shape (-1, 4)" in loaded["bad shape"]
    assert loaded["both"] == [pytest.approx(row, abs=1e-5) for row in saved["both"]]
    assert "missing inputs ['b']" in loaded["missing"]


def test_a_lambda_layer_asks_for_consent(programs: Any) -> None:
    _, loaded, _ = programs
    assert loaded["lambda"] == [pytest.approx(3 * x) for x in (-1.0, -9 / 11, -7 / 11, -5 / 11)]
    assert "code of a Lambda layer" in loaded["stranger"]


def test_a_pipeline_comes_back_with_its_tokenizer(programs: Any) -> None:
    saved, loaded, _ = programs
    for name in ("texts", "frame"):
        assert [row["label"] for row in loaded[name]] == [row["label"] for row in saved["texts"]]
        assert loaded[name][0]["score"] == pytest.approx(saved["texts"][0]["score"], abs=1e-5)
    assert loaded["one"] == 1


def test_models_with_a_tokenizer_come_back_as_parts(programs: Any) -> None:
    _, loaded, _ = programs
    assert loaded["parts"] == {"model": "BertModel", "tokenizer": "BertTokenizer"}
    assert loaded["alone"][-1] == 8


def test_half_precision_stays(programs: Any) -> None:
    saved, loaded, _ = programs
    assert loaded["dtype"] == "torch.bfloat16"
    assert loaded["mask"] == saved["mask"] == loaded["mask in pyfunc"]
    assert loaded["masks in pyfunc"] == 2


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("no keras", "Linear is no model of Keras 3"),
        ("no tf", "object is no model of Keras 3"),
        ("own class", "Mine is a class of your own"),
        ("no weights", "nbtrack saves the weights: leave the option out"),
        ("no model", "a dictionary with 'model'"),
    ],
)
def test_what_cannot_be_saved_is_told_why(programs: Any, name: str, message: str) -> None:
    saved, _, _ = programs
    assert message in saved[name]
    assert not saved["left"]


def test_a_model_of_another_flavor_is_told_apart(programs: Any) -> None:
    assert "Use load_model of nbtrack.keras, nbtrack.pyfunc" in programs[1]["no task"]


def test_requirements_are_what_the_model_imports(programs: Any) -> None:
    def names(model: str) -> list[str]:
        lines = (programs[2] / model / "requirements.txt").read_text().splitlines()
        return [line.partition("==")[0] for line in lines]

    assert names("both") == ["keras", "torch"]
    assert names("mask") == ["safetensors", "tokenizers", "torch", "transformers"]
