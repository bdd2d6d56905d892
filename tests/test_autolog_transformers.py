"""What is logged of trainings with the trainer of Hugging Face transformers."""

from __future__ import annotations

import json
import random
import warnings
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from docstring_examples import failures_of, modules_of
from logged import points, runs
from net_trainings import hugging_face_trainer

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.filterwarnings("ignore", "error::nbtrack.errors.NbtrackWarning")
RECORDED = Path(__file__).parent / "recorded" / "autologging" / "transformers.json"


@pytest.fixture(autouse=True)
def library(workdir: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("accelerate")
        pytest.importorskip("transformers")


def test_training_and_evaluation_are_one_run() -> None:
    """With MLflow ``autolog`` logs nothing, and ``evaluate`` opens a run that it leaves open."""
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer()
    before = list(trainer.callback_handler.callbacks)
    trainer.train()
    trainer.evaluate()
    trainer.predict(trainer.eval_dataset)
    assert trainer.callback_handler.callbacks == before
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert [step for step, _ in points(run, "loss")] == [1, 2]
    for key in ("train_loss", "eval_loss", "test_loss"):
        assert [step for step, _ in points(run, key)] == [2]
    assert run.outputs.model_outputs == []


def test_params_are_what_was_chosen_and_the_essential_ones() -> None:
    """MLflow has 146, nearly all of them defaults."""
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer(max_steps=1)
    trainer.model.config.label2id = {f"label {n}": n for n in range(1000)}
    trainer.train()
    (run,) = runs()
    params = run.data.params
    assert (
        params.items()
        >= {
            "learning_rate": "0.01",
            "max_steps": "1",
            "hidden_size": "8",
            "weight_decay": "0.0",
            "per_device_train_batch_size": "2",
        }.items()
    )
    assert len(params) < 50
    assert len(params["label2id"]) == 6000  # cut, and not refused


def test_a_second_trainer_loses_nothing_in_one_run() -> None:
    nbtrack.transformers.autolog()
    with nbtrack.start_run() as mine:
        for rate in (0.01, 0.02):
            hugging_face_trainer(max_steps=1, learning_rate=rate).train()
        assert not mine.ended
    first, second = runs()
    assert first.info.run_id == mine.info.run_id
    assert [run.data.params["learning_rate"] for run in (first, second)] == ["0.01", "0.02"]
    assert second.data.tags["mlflow.parentRunId"] == mine.info.run_id


def test_results_are_bit_equal_and_random_names_do_not_repeat() -> None:
    """A trainer seeds ``random``, from which MLflow takes its names."""
    names = []

    def trained() -> tuple[Any, float, float]:
        trainer = hugging_face_trainer()
        trainer.train()
        with nbtrack.start_run() as run:
            names.append(run.info.run_name)
        return trainer.model, random.random(), torch.rand(1).item()

    nbtrack.transformers.autolog()
    model, *then = trained()
    trained()
    nbtrack.transformers.autolog(disable=True)
    plain, *later = trained()
    assert then == later
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    assert len(set(names)) == 3
    assert {run.info.run_name for run in runs()} - {*names} == {type(model).__name__}


def test_the_callback_needs_no_autologging() -> None:
    trainer = hugging_face_trainer(run_name="mine")
    trainer.add_callback(nbtrack.transformers.NbtrackCallback())
    trainer.train()
    assert nbtrack.active_run() is None
    trainer.evaluate()
    (run,) = runs()
    assert (run.info.run_name, run.info.status) == ("mine", "FINISHED")
    assert [step for step, _ in points(run, "loss")] == [1, 2]
    assert [step for step, _ in points(run, "eval_loss")] == [2]
    assert "mlflow.autologging" not in run.data.tags


def test_the_callback_and_autologging_log_once() -> None:
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer()
    trainer.add_callback(nbtrack.transformers.NbtrackCallback())
    trainer.train()
    trainer.evaluate()
    (run,) = runs()
    assert [step for step, _ in points(run, "loss")] == [1, 2]
    assert run.data.params["learning_rate"] == "0.01"
    assert run.info.status == "FINISHED"


def test_a_training_that_fails_says_so() -> None:
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer()
    trainer.train_dataset = [{"input_ids": torch.tensor([99]), "labels": 0}]
    with pytest.raises(IndexError):
        trainer.train()
    assert [run.info.status for run in runs()] == ["FAILED"]


def test_the_model_is_logged_where_that_is_asked_for() -> None:
    nbtrack.autolog()  # has it on for others
    hugging_face_trainer(max_steps=1).train()
    assert nbtrack.search_logged_models(output_format="list") == []
    nbtrack.transformers.autolog(log_models=True, registered_model_name="tiny")
    trainer = hugging_face_trainer(max_steps=1)
    trainer.train()
    model = nbtrack.transformers.load_model("models:/tiny/1", return_type="components")["model"]
    kept = model.state_dict()
    for name, weights in trainer.model.state_dict().items():
        assert torch.equal(kept[name], weights)


def test_what_mlflow_logs_is_logged() -> None:
    recorded = json.loads(RECORDED.read_text())["train_and_evaluate"]
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer()
    trainer.train()
    trainer.evaluate()
    (run,) = runs()
    # sets: a point that is the same in all, its millisecond too, counts once here
    steps = {key: {step for step, _ in found} for key, found in recorded["metrics"].items()}
    assert {key: {step for step, _ in points(run, key)} for key in steps} == steps
    ours = run.data.params
    same = {key for key, value in ours.items() if recorded["params"].get(key) == value}
    # the folder is another one, and "none" is what the test reports to
    assert set(ours) - same <= {"output_dir"}


def test_a_trainer_that_trains_again_has_another_run() -> None:
    nbtrack.transformers.autolog()
    trainer = hugging_face_trainer(max_steps=1)
    trainer.train()
    trainer.train()
    trainer.evaluate()
    first, second = runs()
    for run in (first, second):
        assert [step for step, _ in points(run, "loss")] == [1]
        assert run.data.params["learning_rate"] == "0.01"
    assert "eval_loss" in second.data.metrics
    assert "eval_loss" not in first.data.metrics


@pytest.mark.parametrize("module", modules_of(__file__))
def test_examples_in_docstrings_do_what_they_show(module: str, workdir: Path) -> None:
    assert not (told := failures_of(module)), told
