"""``install_as_mlflow``: libraries that import mlflow log to nbtrack, and it can be taken back."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import programs
from programs import needs

BEGIN = """
import nbtrack
nbtrack.install_as_mlflow()
"""
END = """
found = nbtrack.search_runs(search_all_experiments=True, output_format="list")
print(len(found), sorted({run.info.status for run in found}), sorted(found[0].data.metrics))
print(sorted(path.name for path in __import__("pathlib").Path().glob("*.d*")))
"""
HERE = "['nbtrack.duckdb', 'nbtrack.duckdb.d']"


def run(code: str, folder: Path) -> list[str]:
    return programs.run(BEGIN + code + END, cwd=folder).splitlines()[-2:]


@needs("torch", "lightning")
@pytest.mark.slow
def test_lightning_logs_here(tmp_path: Path) -> None:
    code = """
import torch, lightning.pytorch as pl
from lightning.pytorch.loggers import MLFlowLogger

class Line(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def training_step(self, batch, index):
        loss = self.layer(batch[0]).square().mean()
        self.log("loss", loss)
        return loss
    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)

data = torch.utils.data.TensorDataset(torch.randn(16, 4))
trainer = pl.Trainer(max_epochs=2, logger=MLFlowLogger("lines"), log_every_n_steps=1,
                     enable_progress_bar=False, enable_model_summary=False, accelerator="cpu")
trainer.fit(Line(), torch.utils.data.DataLoader(data, batch_size=8))
"""
    said, stores = run(code, tmp_path)
    assert said == "1 ['FINISHED'] ['epoch', 'loss']"
    assert stores == HERE


@needs("torch", "transformers")
@pytest.mark.slow
def test_transformers_log_here(tmp_path: Path) -> None:
    code = """
import torch
from transformers import Trainer, TrainingArguments

class Line(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(4, 1)
    def forward(self, x, labels=None):
        found = self.layer(x)
        return {"loss": (found[:, 0] - labels).square().mean(), "logits": found}

data = [{"x": torch.randn(4), "labels": torch.tensor(1.0)} for _ in range(8)]
options = TrainingArguments("out", report_to="mlflow", max_steps=2, logging_steps=1,
                            disable_tqdm=True, use_cpu=True)
Trainer(Line(), options, train_dataset=data).train()

nbtrack.transformers.autolog()  # logs nothing twice
Trainer(Line(), options, train_dataset=data).train()
history = nbtrack.MlflowClient().get_metric_history(nbtrack.last_active_run().info.run_id, "loss")
assert [point.step for point in history] == [1, 2]
"""
    said, stores = run(code, tmp_path)
    assert said.startswith("2 ['FINISHED']")
    assert "'train_loss'" in said
    assert stores == HERE


@needs("optuna")
def test_optuna_logs_here(tmp_path: Path) -> None:
    code = """
import optuna
from optuna.integration.mlflow import MLflowCallback

study = optuna.create_study()
log = MLflowCallback(metric_name="loss")
study.optimize(lambda trial: trial.suggest_float("x", -1, 1) ** 2, n_trials=3, callbacks=[log])
"""
    said, stores = run(code, tmp_path)
    assert said == "3 ['FINISHED'] ['loss']"
    assert stores == HERE


@needs("torch", "skorch")
@pytest.mark.slow
def test_skorch_logs_here(tmp_path: Path) -> None:
    code = """
import numpy as np, torch
from skorch import NeuralNetClassifier
from skorch.callbacks import MlflowLogger

layers = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.Softmax(-1))
net = NeuralNetClassifier(layers, max_epochs=2, callbacks=[MlflowLogger()], verbose=0)
with nbtrack.start_run():
    net.fit(np.random.randn(60, 4).astype("f"), np.arange(60) % 3)
"""
    said, stores = run(code, tmp_path)
    assert said == "1 ['FINISHED'] ['dur', 'train_loss', 'valid_acc', 'valid_loss']"
    assert stores == HERE


@needs("mlflow")
def test_both_names_are_the_same_modules(tmp_path: Path) -> None:
    code = """
import sys, importlib.util, nbtrack
before = nbtrack.sklearn.__spec__
nbtrack.install_as_mlflow()
nbtrack.install_as_mlflow()
import mlflow, mlflow.sklearn, mlflow.tracking.client
from mlflow.models.signature import infer_signature
from mlflow.exceptions import MlflowException
assert mlflow.sklearn is nbtrack.sklearn and nbtrack.sklearn.__spec__ is before
assert mlflow.tracking.client.MlflowClient is nbtrack.MlflowClient
assert importlib.util.find_spec("mlflow").name == "mlflow"
try:
    mlflow.get_run("0" * 32)
except MlflowException as error:
    assert isinstance(error, nbtrack.NbtrackError)
try:
    import mlflow.h2o
except ImportError as error:
    print(error)
nbtrack.uninstall_as_mlflow()
nbtrack.uninstall_as_mlflow()
print([name for name in sys.modules if name.startswith("mlflow")], "MLFLOW_TRACKING_URI" in
      __import__("os").environ)
import mlflow
print(mlflow.__file__)
"""
    said = programs.run(code, cwd=tmp_path).splitlines()
    assert said[0].startswith("nbtrack.h2o is not available in this version of nbtrack")
    assert said[1] == "[] False"
    assert said[2].endswith("mlflow/__init__.py")


@needs("mlflow")
def test_who_has_imported_mlflow_before_is_told(tmp_path: Path) -> None:
    code = """
import mlflow, warnings, nbtrack
real = mlflow
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    nbtrack.install_as_mlflow()
print([str(each.message) for each in caught if "install_as_mlflow" in str(each.message)])
import mlflow
assert mlflow is not real
nbtrack.uninstall_as_mlflow()
import mlflow
assert mlflow is real
"""
    assert "keep it" in programs.run(code, cwd=tmp_path)


def test_an_extension_of_ipython(tmp_path: Path) -> None:
    pytest.importorskip("IPython")
    lines = [
        "%load_ext nbtrack.as_mlflow",
        "import mlflow",
        "print(mlflow.log_metric.__module__)",
        "%unload_ext nbtrack.as_mlflow",
        "import sys",
        "print('mlflow' in sys.modules)",
    ]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "IPython",
            "--quick",
            "--no-banner",
            "--colors=NoColor",
            "-c",
            "\n".join(lines),
        ],
        cwd=tmp_path,
        env={**__import__("os").environ, "PYTHONPATH": str(programs.SRC)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["nbtrack.api.logs", "False"], done.stdout + done.stderr
