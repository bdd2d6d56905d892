"""What is logged of models of Keras 3, which ``nbtrack.tensorflow.autolog`` switches on as well."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from docstring_examples import failures_of, modules_of
from logged import files, points, runs
from nbtrack.tracking.random_state import capture

pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore", "error::nbtrack.errors.NbtrackWarning")
X = np.linspace(0, 1, 64, dtype="float32").reshape(16, 4)
Y = (X[:, 0] > 0.5).astype("float32")


@pytest.fixture(autouse=True)
def keras(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        module = pytest.importorskip("keras")
    nbtrack.keras.autolog(log_models=False)
    return module


def made(keras: Any, rate: float = 0.01) -> Any:
    keras.utils.set_random_seed(0)
    layers = [keras.layers.Dense(3), keras.layers.Dropout(0.3), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential([keras.Input((4,)), *layers])
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def test_a_fit_has_a_point_for_each_epoch(keras: Any) -> None:
    """MLflow puts validation at step 0 as well, and logs a rate of 0.009999999776482582."""
    made(keras)  # the optimizer of the next one is called adam_1
    model, mine = made(keras), [keras.callbacks.TerminateOnNaN()]
    kept = list(mine)
    given = {"epochs": 2, "verbose": 0, "validation_data": (X[:8], Y[:8])}
    model.fit(X, Y, batch_size=8, callbacks=mine, **given)
    assert mine == kept
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert set(run.data.metrics) == {"loss", "accuracy", "val_loss", "val_accuracy"}
    for key in run.data.metrics:
        assert [step for step, _ in points(run, key)] == [0, 1]
    assert (
        run.data.params.items()
        >= {
            "optimizer_name": "adam",
            "optimizer_learning_rate": "0.01",
            "batch_size": "8",
            "epochs": "2",
            "validation_split": "0.0",
        }.items()
    )
    assert files(run) == ["model_summary.txt"]
    assert {each.tags[0].value for each in run.inputs.dataset_inputs} == {"train", "eval"}


def test_what_goes_on_and_what_is_evaluated_is_in_the_same_run(keras: Any) -> None:
    model = made(keras)
    model.fit(X, Y, epochs=2, verbose=0)
    model.fit(X, Y, epochs=3, initial_epoch=2, verbose=0)
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    (run,) = runs()
    assert [step for step, _ in points(run, "loss")] == [0, 1, 2]
    assert points(run, "test_loss") == [(2, round(loss, 5))]
    assert points(run, "test_accuracy") == [(2, round(accuracy, 5))]
    assert run.data.params["epochs"] == "2"


def test_a_second_fit_in_a_run_loses_nothing(keras: Any) -> None:
    with nbtrack.start_run() as mine:
        for rate in (0.01, 0.02):
            made(keras, rate).fit(X, Y, verbose=0)
        assert not mine.ended
    first, second = runs()
    assert first.info.run_id == mine.info.run_id
    rates = [run.data.params["optimizer_learning_rate"] for run in (first, second)]
    assert rates == ["0.01", "0.02"]
    assert second.data.metrics["loss"] > 0


def test_early_stopping_says_its_best_epoch(keras: Any) -> None:
    """MLflow logs nothing of it."""
    stop = keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)
    model = made(keras, 0.05)
    model.fit(X, Y, epochs=9, verbose=0, callbacks=[stop])
    (run,) = runs()
    assert run.data.params["patience"] == "1"
    found = run.data.metrics
    assert found["stopped_epoch"] == stop.stopped_epoch == found["best_epoch"] + 1
    assert found["restored_epoch"] == stop.best_epoch


def test_metrics_by_step(keras: Any) -> None:
    nbtrack.keras.autolog(log_every_epoch=False, log_every_n_steps=2, log_models=False)
    made(keras).fit(X, Y, batch_size=4, epochs=2, validation_data=(X, Y), verbose=0)
    (run,) = runs()
    assert [step for step, _ in points(run, "loss")] == [2, 4, 6, 8]
    assert [step for step, _ in points(run, "val_loss")] == [4, 8]
    with pytest.raises(nbtrack.NbtrackError, match="needs log_every_epoch=False"):
        nbtrack.keras.autolog(log_every_n_steps=2)


def test_results_are_bit_equal_and_the_model_is_as_it_was(keras: Any) -> None:
    def trained() -> Any:
        model = made(keras)
        model.fit(X, Y, epochs=2, validation_split=0.25, verbose=0)
        return model

    nbtrack.keras.autolog()
    logged = trained()
    nbtrack.keras.autolog(disable=True)
    plain = trained()
    for one, other in zip(logged.get_weights(), plain.get_weights(), strict=True):
        assert np.array_equal(one, other)
    assert len(runs()) == 1


def test_the_model_is_logged_with_its_signature(keras: Any) -> None:
    nbtrack.keras.autolog(registered_model_name="small")
    model = made(keras)
    model.fit(X, Y, verbose=0)
    loaded = nbtrack.keras.load_model("models:/small/1")
    assert np.array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    signature = nbtrack.models.get_model_info("models:/small/1").signature
    assert signature.inputs.inputs[0].shape == (-1, 4)


def test_the_name_of_tensorflow_keeps_checkpoints(keras: Any) -> None:
    nbtrack.tensorflow.autolog(log_models=False, checkpoint_monitor="loss")
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.9)
    model = made(keras)
    model.compile(keras.optimizers.SGD(schedule), "mse")
    model.fit(X, Y, epochs=2, verbose=0)
    (run,) = runs()
    assert files(run, "checkpoints") == [
        "checkpoints/latest_checkpoint.keras",
        "checkpoints/latest_checkpoint_metrics.json",
    ]
    assert run.data.params["optimizer_learning_rate"] == "ExponentialDecay"
    assert run.data.params["optimizer_learning_rate_decay_rate"] == "0.9"


def test_a_fit_that_fails_says_so(keras: Any) -> None:
    with pytest.raises(ValueError, match="compile"):
        keras.Sequential([keras.layers.Dense(1)]).fit(X, Y)
    with pytest.raises(TypeError):
        made(keras).fit(X, Y, epoch=2)
    assert {run.info.status for run in runs()} == {"FAILED"}


def test_a_callback_logs_without_autologging_and_never_twice(keras: Any) -> None:
    given = {"epochs": 2, "verbose": 0, "validation_data": (X[:8], Y[:8])}
    callback = nbtrack.tensorflow.MlflowCallback()
    made(keras).fit(X, Y, callbacks=[callback], **given)
    nbtrack.autolog(disable=True)
    with nbtrack.start_run():
        made(keras).fit(X, Y, callbacks=[callback], **given)
    by_step = nbtrack.keras.NbtrackCallback(log_every_epoch=False, log_every_n_steps=1)
    with nbtrack.start_run():
        made(keras).fit(X, Y, batch_size=8, callbacks=[by_step], epochs=2, verbose=0)
    first, second, third = runs()
    for run in (first, second):
        assert [step for step, _ in points(run, "val_loss")] == [0, 1]
        assert run.data.params["optimizer_learning_rate"] == "0.01"
        assert "model_summary.txt" in files(run)
    assert first.data.params["batch_size"] == "32"
    assert "batch_size" not in second.data.params
    assert [step for step, _ in points(third, "loss")] == [1, 2, 3, 4]


@pytest.mark.parametrize("module", modules_of(__file__))
def test_examples_in_docstrings_do_what_they_show(module: str, keras: Any) -> None:
    assert not (told := failures_of(module)), told


def test_generators_of_layers_are_found_however_deep_they_are(keras: Any) -> None:
    noise = keras.Sequential([keras.layers.GaussianNoise(0.5)])
    net = keras.Sequential([keras.Sequential([keras.Input((3,)), noise])])
    ones = np.ones((2, 3), "float32")
    net.build((2, 3))
    variables = {"net": net}
    states = capture(variables)
    first = net(ones, training=True).tolist()
    moved = [
        a.name
        for a, b in zip(states.generators, capture(variables).generators, strict=True)
        if a != b
    ]
    assert [name.rpartition(".")[2] for name in moved] == ["_seed_generators[0]"]
    assert states.only(moved).restore(variables) == []
    assert net(ones, training=True).tolist() == first
