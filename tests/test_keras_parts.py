"""Functions and classes of the notebook in models of Keras come along, or saving says why not."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from programs import finish, start

MISSING = [package for package in ("torch", "keras") if find_spec(package) is None]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)}"),
]

HEAD = """
import json, pathlib, warnings
warnings.simplefilter("ignore")
import torch
torch.set_num_threads(1)
import numpy as np, keras, nbtrack
X = np.linspace(-1, 1, 12, dtype="float32").reshape(3, 4)
"""
SAVE = """
from nbtrack.errors import InvalidParameterError
GAIN = 2.0
def act(x):
    return keras.ops.tanh(x) * GAIN
def ones(shape, dtype=None):
    return keras.ops.ones(shape, dtype=dtype) * 0.3
class Constant(keras.initializers.Initializer):
    def __init__(self, k):
        self.k = k
    def __call__(self, shape, dtype=None, **options):
        return keras.ops.ones(shape, dtype=dtype) * self.k
    def get_config(self):
        return {"k": self.k}
def small(w):
    return 0.01 * keras.ops.sum(w)
def error(y, p):
    return keras.ops.mean(keras.ops.abs(y - p), axis=-1)
class Steady(keras.optimizers.schedules.LearningRateSchedule):
    def __init__(self, rate):
        self.rate = rate
    def __call__(self, step):
        return self.rate
    def get_config(self):
        return {"rate": self.rate}
class Times(keras.layers.Layer):
    def __init__(self, k, **options):
        super().__init__(**options)
        self.k = k
    def call(self, x):
        return x * self.k
    def get_config(self):
        return {**super().get_config(), "k": self.k}
class Forgetful(Times):
    def get_config(self):
        return keras.layers.Layer.get_config(self)
class Whole(keras.Model):
    def __init__(self, layer, table):
        super().__init__()
        self.layer, self.table = layer, table
    def call(self, x):
        return self.layer(x) * float(self.table.sum())
@keras.saving.register_keras_serializable()
class Registered(keras.layers.Layer):
    def call(self, x):
        return x + 5

Dense = keras.layers.Dense
def sequence(*layers):
    return keras.Sequential([keras.Input((4,)), *layers])
def compiled(**options):
    model = sequence(Dense(2))
    model.compile(**{"optimizer": "sgd", "loss": "mse", **options})
    model.fit(X, X[:, :2], verbose=0)
    return model
def whole():
    model = Whole(Dense(2), np.array([1.0, 2.0]))
    model(X)
    return model
def changed():
    Times.call = lambda self, x: x * 70
    return sequence(Dense(2), Times(1.0))

keras.utils.set_random_seed(0)
MAKERS = {
    "activation": lambda: sequence(Dense(2, activation=act)),
    "layer of a function": lambda: sequence(Dense(2), keras.layers.Activation(act)),
    "initializer": lambda: sequence(Dense(2, kernel_initializer=ones)),
    "initializer class": lambda: sequence(Dense(2, kernel_initializer=Constant(0.2))),
    "regularizer": lambda: sequence(Dense(2, kernel_regularizer=small)),
    "loss": lambda: compiled(loss=error),
    "metric": lambda: compiled(metrics=[error]),
    "schedule": lambda: compiled(optimizer=keras.optimizers.SGD(Steady(0.1))),
    "layer": lambda: sequence(Dense(2), Times(3.0)),
    "registered": lambda: sequence(Dense(2), Registered()),
    "forgetful": lambda: sequence(Dense(2), Forgetful(3.0)),
    "whole": whole,
    "changed": changed,
}
found = {}
for name, make in MAKERS.items():
    model = make()
    outputs = model.predict(X, verbose=0).tolist()
    try:
        saved = nbtrack.keras.save_model(model, name, input_example=X)
        found[name] = [saved.verified, outputs]
    except InvalidParameterError as refused:
        found[name] = [refused.message, None]
left = keras.saving.get_custom_objects()
found["registry"] = [len(left), left["Custom>Registered" if "Custom>Registered" in left else
                     next(iter(left))] is Registered]
pathlib.Path("found.json").write_text(json.dumps(found))
"""
LOAD = """
said = {}
for name, (verified, outputs) in json.loads(pathlib.Path("found.json").read_text()).items():
    if verified == "outputs":
        model = nbtrack.keras.load_model(name)
        said[name] = np.allclose(model.predict(X, verbose=0), outputs, atol=1e-6)
        if model.compiled:
            model.fit(X, X[:, :2], verbose=0)
print(json.dumps({name: bool(same) for name, same in said.items()}))
"""
SAVED = (
    "activation", "layer of a function", "initializer", "initializer class", "regularizer", "loss",
    "metric", "schedule", "layer", "registered", "changed",
)  # fmt: skip


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, bool]]:
    folder = tmp_path_factory.mktemp("keras")
    variables = {"KERAS_BACKEND": "torch", "PYTHONWARNINGS": "ignore"}
    file = folder / "saving.py"  # the source of functions is looked up in files
    file.write_text(HEAD + SAVE)
    code = f"import runpy; runpy.run_path({str(file)!r}, run_name='__main__')"
    finish(start(code, cwd=folder, **variables), 170)
    file.unlink()
    found = json.loads(Path(folder, "found.json").read_text())
    return found, json.loads(
        finish(start(HEAD + LOAD, cwd=folder, **variables), 170).splitlines()[-1]
    )


@pytest.mark.parametrize("name", SAVED)
def test_parts_of_the_notebook_come_back(programs: Any, name: str) -> None:
    found, loaded = programs
    assert found[name][0] == "outputs"
    assert loaded[name]


def test_a_layer_that_could_not_be_made_again_is_refused(programs: Any) -> None:
    found, _ = programs
    assert "could not be loaded without the notebook" in found["forgetful"][0]
    assert "get_config()" in found["forgetful"][0]
    assert "Whole" in found["whole"][0]
    assert "get_config()" in found["whole"][0]


def test_saving_leaves_what_is_registered_with_keras(programs: Any) -> None:
    assert programs[0]["registry"] == [1, True]
