"""What is logged of trainings with Lightning, and of ``SummaryWriter``."""

from __future__ import annotations

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from logged import files, interruptible, points, runs
from net_trainings import batches, fit_and_test, lightning_trainer, line, write_scalars

torch = pytest.importorskip("torch")
# Lightning has advice for small trainings
pytestmark = pytest.mark.filterwarnings("ignore", "error::nbtrack.errors.NbtrackWarning")
RECORDED = Path(__file__).parent / "recorded" / "autologging" / "pytorch.json"


@pytest.fixture(autouse=True)
def auto(workdir: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("lightning.pytorch")
    nbtrack.pytorch.autolog(log_models=False)


def test_fit_and_test_are_one_run() -> None:
    """With MLflow they leave seven empty runs, no hyperparameters, and the test at step 0."""
    trainer, model = lightning_trainer(), line()
    trainer.fit(model, batches(), batches())
    assert trainer.callbacks == []
    trainer.test(model, batches(), verbose=False)
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert (
        run.data.params.items()
        >= {
            "lr": "0.1",
            "dropout": "0.5",
            "optimizer_name": "SGD",
            "momentum": "0.5",
            "epochs": "2",
            "batch_size": "8",
            "precision": "32-true",
        }.items()
    )
    assert [step for step, _ in points(run, "val_loss")] == [0, 1]
    assert points(run, "late") == [(0, 0.0), (1, 1.0)]  # logged in on_train_epoch_end
    assert [step for step, _ in points(run, "test_loss")] == [1]
    assert set(run.data.metrics) == {"loss", "loss_epoch", "val_loss", "late", "test_loss"}
    assert files(run, "checkpoints") == ["checkpoints/epoch_0001_step_00000004.safetensors"]
    assert nbtrack.pytorch.load_checkpoint(line(), run_id=run.info.run_id).epoch == 1


def test_what_is_measured_now_and_then_is_not_repeated() -> None:
    """MLflow logs the last value again at the end of each epoch."""
    trainer = lightning_trainer(max_epochs=4, check_val_every_n_epoch=2)
    trainer.fit(line(), batches(), batches())
    (run,) = runs()
    assert [step for step, _ in points(run, "val_loss")] == [1, 3]


def test_metrics_by_step_and_by_every_second_epoch() -> None:
    nbtrack.pytorch.autolog(
        log_every_n_step=1, log_every_n_epoch=2, log_models=False, checkpoint=False
    )
    lightning_trainer(accumulate_grad_batches=2).fit(line(), batches(), batches())
    (run,) = runs()
    assert [step for step, _ in points(run, "loss_step")] == [1, 2]  # of the optimizer
    assert [step for step, _ in points(run, "loss_epoch")] == [1]
    assert files(run) == ["model_summary.txt"]


def test_results_are_bit_equal_with_and_without() -> None:
    def trained() -> tuple[Any, Any]:
        model, trainer = line(), lightning_trainer()
        trainer.fit(model, batches(), batches())
        trainer.test(model, batches(), verbose=False)
        return model, torch.rand(1)

    nbtrack.pytorch.autolog(log_every_n_step=1)
    model, then = trained()
    nbtrack.pytorch.autolog(disable=True)
    plain, later = trained()
    assert torch.equal(then, later)
    for one, other in zip(model.parameters(), plain.parameters(), strict=True):
        assert torch.equal(one, other)
    assert all(module.training for module in model.modules())
    assert len(runs()) == 1


def test_the_model_is_logged_with_what_it_takes() -> None:
    nbtrack.pytorch.autolog(registered_model_name="line")
    model = line()
    with nbtrack.start_run() as run:
        lightning_trainer(max_epochs=1).fit(model, batches())
        assert not run.ended
    (logged,) = nbtrack.search_logged_models(output_format="list")
    assert logged.source_run_id == run.info.run_id
    loaded = nbtrack.pytorch.load_model("models:/line/1")
    rows = torch.ones(2, 4)
    assert torch.equal(loaded.eval()(rows), model.eval()(rows))
    signature = nbtrack.models.get_model_info("models:/line/1").signature
    assert signature.inputs.inputs[0].shape == (-1, 4)


def test_early_stopping_is_said_with_its_best_epoch() -> None:
    from lightning.pytorch.callbacks import EarlyStopping

    stop = EarlyStopping("late", patience=2)  # it rises from the first epoch on
    lightning_trainer(max_epochs=9, callbacks=[stop]).fit(line(), batches(), batches())
    (run,) = runs()
    assert run.data.params.items() >= {"monitor": "late", "patience": "2", "mode": "min"}.items()
    found = {key: run.data.metrics[key] for key in ("stopped_epoch", "best_epoch", "wait_count")}
    assert found == {"stopped_epoch": 2.0, "best_epoch": 0.0, "wait_count": 2.0}
    assert "restored_epoch" not in run.data.metrics


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_a_training_that_fails_says_so(error: type[BaseException], status: str) -> None:
    model = line()

    def fails() -> None:
        raise error("at the end of an epoch")

    model.on_validation_epoch_end = fails
    trainer = lightning_trainer(num_sanity_val_steps=0)
    with interruptible(), pytest.raises((ValueError, SystemExit)):
        trainer.fit(model, batches(), batches())
    assert [run.info.status for run in runs()] == [status]
    assert trainer.callbacks == []


def test_lightnings_own_loggers_write_nothing_twice() -> None:
    from lightning.pytorch.loggers import TensorBoardLogger

    logger = TensorBoardLogger("tensorboard")
    lightning_trainer(logger=logger).fit(line(), batches(), batches())
    (run,) = runs()
    assert "hp_metric" not in run.data.metrics
    assert [step for step, _ in points(run, "val_loss")] == [0, 1]


def test_the_older_name_of_the_package_is_the_same() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        classic = pytest.importorskip("pytorch_lightning")

    class Classic(classic.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self, lr: float) -> None:
            super().__init__()
            self.save_hyperparameters()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, _index: int) -> Any:
            loss = self.layer(batch[0]).square().mean()
            self.log("loss", loss)
            return loss

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), self.hparams["lr"])

    lightning_trainer("pytorch_lightning", max_epochs=1).fit(Classic(0.1), batches())
    (run,) = runs()
    assert run.data.params["lr"] == "0.1"
    assert [step for step, _ in points(run, "loss")] == [0]
    assert "Linear" in nbtrack.artifacts.load_text(f"{run.info.artifact_uri}/model_summary.txt")


def test_a_search_for_a_rate_is_no_training() -> None:
    from lightning.pytorch.tuner import Tuner

    trainer, model = lightning_trainer(), line()
    Tuner(trainer).lr_find(model, batches(), num_training=5, update_attr=False)
    assert runs() == []


def test_only_the_first_of_several_processes_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    trainer = lightning_trainer()
    monkeypatch.setattr(type(trainer), "is_global_zero", False)
    trainer.fit(line(), batches())
    assert runs() == []


def test_scalars_for_tensorboard_are_in_the_open_run() -> None:
    """MLflow logs none by default; else it loses the last, and mixes series under one name."""
    write_scalars()
    assert runs() == []  # a writer opens none
    with nbtrack.start_run():
        write_scalars()
    (run,) = runs()
    assert points(run, "loss") == [(0, 1.0), (1, 0.5), (2, 0.33333)]
    assert points(run, "both/train") == [(3, 1.0)]
    assert points(run, "both/val") == [(3, 2.0)]
    assert points(run, "last") == [(4, 5.0)]
    nbtrack.pytorch.autolog(disable=True)
    with nbtrack.start_run() as silent:
        write_scalars()
    assert silent.data.metrics == {}


def test_hyperparameters_for_tensorboard_are_params(tmp_path: Path) -> None:
    from torch.utils.tensorboard import SummaryWriter

    with nbtrack.start_run() as run, SummaryWriter(tmp_path / "board") as writer:
        writer.add_hparams({"lr": 0.1, "layers": 2}, {"accuracy": 0.5})
    assert run.data.params == {"lr": "0.1", "layers": "2"}
    assert run.data.metrics == {"accuracy": 0.5}


def test_what_mlflow_logs_is_logged() -> None:
    recorded = json.loads(RECORDED.read_text())["fit_and_test"]
    nbtrack.pytorch.autolog()
    fit_and_test()
    (run,) = runs()
    ours = run.data.params
    assert {key: ours.get(key) for key in recorded["params"]} == recorded["params"]
    theirs = {
        key: [(step, round(value, 5)) for step, value in found]
        for key, found in recorded["metrics"].items()
    }
    del theirs["loss_step"]  # ours: by step, where that is asked for
    assert theirs.pop("late") == [(1, 0.0)]  # ours: at each epoch, see above
    assert [step for step, _ in theirs.pop("test_loss")] == [0]  # ours: the epoch that is tested
    assert {key: points(run, key) for key in theirs} == theirs
    assert set(recorded["artifacts"]) <= set(files(run))
    assert recorded["models"] == len(run.outputs.model_outputs) == 1
    assert set(recorded["tags"]) == {"Mode"}  # ours has none: the metrics say what was tested


def test_checkpoints_by_step_are_all_kept_and_go_on() -> None:
    nbtrack.pytorch.autolog(
        log_models=False, checkpoint_save_best_only=False, checkpoint_save_freq=2
    )
    model = line()
    lightning_trainer().fit(model, batches())
    (run,) = runs()
    assert files(run, "checkpoints") == [
        "checkpoints/epoch_0000_step_00000002.safetensors",
        "checkpoints/epoch_0001_step_00000004.safetensors",
    ]
    restored = line(dropout=0.1)
    nbtrack.pytorch.load_checkpoint(restored, run_id=run.info.run_id, step=4)
    for one, other in zip(model.parameters(), restored.parameters(), strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("logs", [True, False])
def test_a_callback_says_which_checkpoints_are_kept(logs: bool) -> None:
    if not logs:
        nbtrack.pytorch.autolog(disable=True)
    callback = nbtrack.pytorch.MlflowModelCheckpointCallback(save_best_only=False)
    with nbtrack.start_run():
        lightning_trainer(callbacks=[callback]).fit(line(), batches(), batches())
    (run,) = runs()
    assert files(run, "checkpoints") == [
        "checkpoints/epoch_0000_step_00000002.safetensors",
        "checkpoints/epoch_0001_step_00000004.safetensors",
    ]
    assert ("val_loss" in run.data.metrics) is logs
