"""A training that is run straight, or stopped and resumed in another process."""

from __future__ import annotations

TRAINING = """
import json, random, sys
import numpy as np
import torch
import nbtrack, nbtrack.pytorch as pt

torch.set_num_threads(1)
device = "cpu"

class Training:
    def __init__(self, kind):
        torch.manual_seed(0); random.seed(1); np.random.seed(2)
        self.model = torch.nn.Sequential(
            torch.nn.Linear(4, 16), torch.nn.BatchNorm1d(16), torch.nn.Dropout(0.3),
            torch.nn.Linear(16, 1),
        ).to(device)
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=0.01)
        lr = torch.optim.lr_scheduler
        self.scheduler = {
            "cosine": lambda: lr.CosineAnnealingLR(self.optimizer, 48),
            "cycle": lambda: lr.OneCycleLR(self.optimizer, 0.1, total_steps=48),
            "chain": lambda: lr.SequentialLR(
                self.optimizer,
                [lr.LinearLR(self.optimizer), lr.MultiStepLR(self.optimizer, [9, 20])], [10],
            ),
        }[kind]()
        self.scaler = torch.amp.GradScaler(device, init_scale=2.0**20, growth_interval=5)
        data = torch.utils.data.TensorDataset(torch.randn(64, 4), torch.randn(64, 1))
        self.loader = torch.utils.data.DataLoader(
            data, batch_size=8, shuffle=True, generator=torch.Generator().manual_seed(5)
        )
        self.noise = np.random.default_rng(7)

    @property
    def parts(self):
        return self.model, self.optimizer, self.scheduler, self.scaler

    @property
    def generators(self):
        return {"loader": self.loader, "noise": self.noise}

    def epoch(self):
        for x, y in self.loader:
            x = x + 0.01 * float(np.random.randn() + random.random() + self.noise.random())
            x, y = x.to(device), y.to(device)
            with torch.autocast(device, torch.bfloat16):
                loss = torch.nn.functional.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            self.scaler.scale(loss).backward()
            self.scaler.step(self.optimizer)
            self.scaler.update()
            self.scheduler.step()
        return loss.item()

    def state(self):
        tensors = [t.double().sum().item() for t in self.model.state_dict().values()]
        return [tensors, self.scheduler.get_last_lr(), self.scaler.get_scale()]
"""
STRAIGHT = """
for kind in ("cosine", "cycle", "chain"):
    training = Training(kind)
    losses = [training.epoch() for _ in range(6)]
    print(json.dumps([losses[3:], training.state()]))
"""
FIRST = """
for kind in ("cosine", "cycle", "chain"):
    training = Training(kind)
    with nbtrack.start_run(run_name=kind) as run:
        for epoch in range(3):
            training.epoch()
            pt.log_checkpoint(*training.parts, epoch=epoch, generators=training.generators,
                              wait=epoch != 2, extra={"kind": kind, "seen": torch.tensor([epoch])})
    print(run.info.run_id)
"""
SECOND = """
for kind, run_id in zip(("cosine", "cycle", "chain"), sys.argv[1:]):
    training = Training(kind)
    [random.random() for _ in range(3)]
    found = pt.load_checkpoint(*training.parts, run_id=run_id, generators=training.generators)
    assert found.epoch == 2 and found.extra["kind"] == kind and found.extra["seen"].item() == 2
    losses = [training.epoch() for _ in range(found.epoch + 1, 6)]
    print(json.dumps([losses, training.state()]))
"""
