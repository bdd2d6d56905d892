"""``NbtrackLogger``, the logger of a trainer of Lightning."""

from __future__ import annotations

import pickle
import sys
import warnings
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

import nbtrack
import programs
from docstring_examples import failures_of
from logged import files, interruptible, points, runs
from net_trainings import batches, lightning_trainer, line

torch = pytest.importorskip("torch")
# Lightning has advice for small trainings
pytestmark = pytest.mark.filterwarnings("ignore", "error::nbtrack.errors.NbtrackWarning")


@pytest.fixture
def make(workdir: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        pytest.importorskip("lightning.pytorch")
        return nbtrack.lightning.NbtrackLogger


def test_lightning_is_imported_when_it_is_asked_for(tmp_path: Path) -> None:
    code = """
    import sys, nbtrack, nbtrack.lightning
    print(nbtrack.lightning.__all__, [name for name in sys.modules if "lightning" in name])
    """
    said = programs.run(code, cwd=tmp_path)
    assert said == "['NbtrackLogger'] ['nbtrack.lightning']\n"


def test_a_trainer_logs_to_a_run_that_ends_with_it(make: Any) -> None:
    logger = make("mnist", tags={"team": "a"}, prefix="my", log_model=True)
    trainer, model = lightning_trainer(logger=logger, enable_checkpointing=True), line()
    trainer.fit(model, batches(), batches())
    trainer.test(model, batches(), verbose=False)
    (run,) = runs()
    assert nbtrack.get_experiment(run.info.experiment_id).name == "mnist"
    assert run.info.status == "FINISHED"
    assert run.data.params == {"lr": "0.1", "dropout": "0.5"}
    assert run.data.tags["team"] == "a"
    assert "mlflow.autologging" not in run.data.tags
    assert [step for step, _ in points(run, "my-loss_step")] == [0, 1, 2, 3]
    assert [step for step, _ in points(run, "my-test_loss")] == [4]
    assert [path.rpartition(".")[2] for path in files(run, "checkpoints")] == ["ckpt", "json"]
    folder = Path(trainer.checkpoint_callback.dirpath)
    assert folder.parts[-3:] == (run.info.experiment_id, run.info.run_id, "checkpoints")


def test_it_logs_to_the_open_run_and_a_second_trainer_below_it(make: Any) -> None:
    with nbtrack.start_run() as mine:
        for lr in (0.1, 0.2):
            lightning_trainer(logger=make(), max_epochs=1).fit(line(lr=lr), batches())
        lightning_trainer(logger=make(run_name="third"), max_epochs=1).fit(line(), batches())
        assert not mine.ended
    first, second, third = runs()
    assert first.info.run_id == mine.info.run_id
    assert [run.data.params["lr"] for run in (first, second, third)] == ["0.1", "0.2", "0.1"]
    assert third.info.run_name == "third"
    assert {run.data.tags["mlflow.parentRunId"] for run in (second, third)} == {mine.info.run_id}


def test_a_run_goes_on_by_its_id(make: Any) -> None:
    with nbtrack.start_run() as run:
        nbtrack.log_param("before", 1)
    logger = make(run_id=run.info.run_id)
    logger.log_hyperparams(Namespace(model={"depth": 2}, act=torch.relu))
    logger.log_metrics({"loss": torch.tensor(0.5), "note": "text"}, 3)
    logger.finalize("success")
    (run,) = runs()
    assert run.data.params == {"before": "1", "model/depth": "2", "act": "relu"}
    assert points(run, "loss") == [(3, 0.5)]


@pytest.mark.parametrize(
    ("error", "status"), [(ValueError, "FAILED"), (KeyboardInterrupt, "KILLED")]
)
def test_the_run_says_how_the_training_ended(
    make: Any, error: type[BaseException], status: str
) -> None:
    model = line()

    def fails(*_: Any) -> None:
        raise error("in a hook")

    model.on_train_epoch_start = fails
    with interruptible(), pytest.raises((ValueError, SystemExit)):
        lightning_trainer(logger=make()).fit(model, batches())
    assert [run.info.status for run in runs()] == [status]
    assert nbtrack.active_run() is None


def test_autologging_adds_to_it_and_doubles_nothing(make: Any) -> None:
    nbtrack.pytorch.autolog()
    trainer, model = lightning_trainer(logger=make()), line()
    trainer.fit(model, batches(), batches())
    trainer.test(model, batches(), verbose=False)
    (run,) = runs()
    assert [step for step, _ in points(run, "val_loss")] == [1, 3]  # as Lightning counts
    assert run.data.params["optimizer_name"] == "SGD"
    assert files(run) == ["checkpoints", "model", "model_summary.txt"]
    assert run.info.status == "FINISHED"


def test_the_client_of_the_experiment_logs_to_the_run(make: Any) -> None:
    logger = make()
    logger.experiment.log_text(logger.run_id, "hello", "note.txt")
    logger.finalize("success")
    assert files(runs()[0]) == ["note.txt"]


def test_other_processes_than_the_first_log_nothing(
    make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from lightning_utilities.core.rank_zero import rank_zero_only

    monkeypatch.setattr(rank_zero_only, "rank", 1)
    logger = make()
    logger.log_metrics({"loss": 1.0}, 0)
    logger.log_hyperparams({"lr": 1})
    logger.experiment.log_text("x", "y", "z")
    logger.finalize("success")
    assert (logger.name, logger.version, runs()) == (None, None, [])


def test_examples_in_docstrings_do_what_they_show(make: Any) -> None:
    assert not (told := failures_of("nbtrack.autologging.lightning_logger")), told


def test_a_process_that_is_started_goes_on_with_the_run(make: Any) -> None:
    logger = make("mnist")
    logger.log_metrics({"loss": 1.0}, 0)
    there = pickle.loads(pickle.dumps(logger))
    there.log_metrics({"loss": 2.0}, 1)
    logger.finalize("success")
    (run,) = runs()
    assert points(run, "loss") == [(0, 1.0), (1, 2.0)]


def test_without_lightning_the_error_says_what_to_install(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbtrack.autologging.lightning_facts.find_spec", lambda _: None)
    for name in list(sys.modules):
        if name.partition(".")[0] in ("lightning", "pytorch_lightning"):
            monkeypatch.delitem(sys.modules, name)
    from nbtrack.autologging.lightning_facts import base_class

    with pytest.raises(ImportError, match="pip install lightning"):
        base_class("callbacks.Callback")
