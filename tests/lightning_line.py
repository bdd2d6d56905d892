"""A small module of Lightning."""

from __future__ import annotations

from typing import Any

import lightning.pytorch
import torch


class Line(lightning.pytorch.LightningModule):
    """Logs by step, by epoch, and at the very end of an epoch."""

    def __init__(self, lr: float = 0.1, dropout: float = 0.5) -> None:
        super().__init__()
        self.save_hyperparameters()
        self.layers = torch.nn.Sequential(torch.nn.Dropout(dropout), torch.nn.Linear(4, 1))

    def forward(self, x: Any) -> Any:
        return self.layers(x)

    def training_step(self, batch: Any, _index: int) -> Any:
        loss = self(batch[0]).square().mean()
        self.log("loss", loss, on_step=True, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, _index: int) -> None:
        self.log("val_loss", self(batch[0]).square().mean())

    def test_step(self, batch: Any, _index: int) -> None:  # noqa: PT019  Lightning's name
        self.log("test_loss", self(batch[0]).square().mean())

    def on_train_epoch_end(self) -> None:
        self.log("late", float(self.current_epoch))

    def configure_optimizers(self) -> Any:
        optimizer = torch.optim.SGD(self.parameters(), self.hparams["lr"], momentum=0.5)
        return [optimizer], [torch.optim.lr_scheduler.StepLR(optimizer, 1)]
