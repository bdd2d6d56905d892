"""The smallest trainings of neural networks, by the libraries that have a trainer of their own."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable
from typing import Any


def line(**given: float) -> Any:
    """A module of Lightning, always with the same weights."""
    import torch

    from lightning_line import Line

    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    torch.manual_seed(0)
    return Line(**given)


def batches() -> Any:
    """Two batches of eight rows."""
    import torch

    rows = torch.linspace(-1, 1, 64).reshape(16, 4)
    return torch.utils.data.DataLoader(torch.utils.data.TensorDataset(rows), batch_size=8)


def lightning_trainer(package: str = "lightning.pytorch", **given: Any) -> Any:
    """A trainer that shows nothing, for two epochs."""
    import importlib

    options = {
        "accelerator": "cpu",
        "max_epochs": 2,
        "log_every_n_steps": 1,
        "enable_progress_bar": False,
        "enable_model_summary": False,
        "enable_checkpointing": False,
        "logger": False,
        "default_root_dir": tempfile.mkdtemp(),
    }
    return importlib.import_module(package).Trainer(**{**options, **given})


def fit_and_test() -> None:
    """Train with Lightning, and test."""
    model, trainer = line(), lightning_trainer()
    trainer.fit(model, batches(), batches())
    trainer.test(model, batches(), verbose=False)


def write_scalars() -> None:
    """Write scalars for TensorBoard, the last one just before the writer is closed."""
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(tempfile.mkdtemp()) as writer:
        for step in range(3):
            writer.add_scalar("loss", 1.0 / (step + 1), step)
        writer.add_scalars("both", {"train": 1.0, "val": 2.0}, 3)
        writer.add_scalar("last", 5.0, 4)


def hugging_face_trainer(report_to: str = "none", **given: Any) -> Any:
    """A trainer of transformers with a classifier of one tiny layer."""
    import torch
    from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

    torch.manual_seed(0)
    sizes = {"hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    config = BertConfig(vocab_size=16, intermediate_size=8, **sizes)
    rows = [{"input_ids": torch.tensor([1, 2, 3]), "labels": n % 2} for n in range(4)]
    options = {
        "output_dir": tempfile.mkdtemp(),
        "report_to": report_to,
        "use_cpu": True,
        "max_steps": 2,
        "logging_steps": 1,
        "save_strategy": "no",
        "disable_tqdm": True,
        "per_device_train_batch_size": 2,
        "learning_rate": 0.01,
    }
    arguments = TrainingArguments(**{**options, **given})
    model = BertForSequenceClassification(config)
    return Trainer(model, arguments, train_dataset=rows, eval_dataset=rows)


def train_and_evaluate() -> None:
    """Train with the trainer of transformers as MLflow logs it, and evaluate."""
    trainer = hugging_face_trainer("mlflow")
    trainer.train()
    trainer.evaluate()


TRAININGS: dict[str, list[Callable[[], None]]] = {
    "pytorch": [fit_and_test, write_scalars],
    "transformers": [train_and_evaluate],
}
