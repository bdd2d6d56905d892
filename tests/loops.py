"""Training loops as people write them in PyTorch, small and without a log call.

Each returns the numbers that its code has printed or kept, and the weights that it ends with.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812  as everybody does
from torch import nn
from torch.nn.functional import mse_loss
from torch.utils.data import DataLoader, TensorDataset

Result = tuple[dict[str, list[float]], list[torch.Tensor]]


class Net(nn.Module):
    """A net with dropout, so that a changed random state is seen."""

    def __init__(self, outputs: int = 3) -> None:
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Dropout(0.2))
        self.head = nn.Linear(8, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        out: torch.Tensor = self.head(self.body(x))
        return out


def data(count: int = 36) -> TensorDataset:
    x = torch.randn(count, 6)
    return TensorDataset(x, (x[:, 0] * 2).long().clamp(0, 2))


def weights(*models: nn.Module) -> list[torch.Tensor]:
    return [p.detach().clone() for model in models for p in model.parameters()]


def classifier(epochs: int = 3) -> Result:
    train, held_out = data(), data(22)
    train_loader = DataLoader(train, batch_size=8, shuffle=True)
    val_loader = DataLoader(held_out, batch_size=8)
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 2, 0.5)
    criterion = nn.CrossEntropyLoss()
    seen: dict[str, list[float]] = {"train_loss": [], "val_loss": [], "val_accuracy": []}
    for _ in range(epochs):
        model.train()
        for x, y in train_loader:
            optimizer.zero_grad()
            loss = criterion(model(x), y)
            loss.backward()
            optimizer.step()
            seen["train_loss"].append(loss.item())
        scheduler.step()
        total, right = 0.0, 0
        model.eval()
        with torch.no_grad():
            for x, y in val_loader:
                out = model(x)
                total += criterion(out, y).item() * len(y)
                right += int((out.argmax(1) == y).sum())
        seen["val_loss"].append(total / len(held_out))
        seen["val_accuracy"].append(right / len(held_out))
    return seen, weights(model)


def evaluate(model: nn.Module, loader: Any) -> float:
    """Forgets ``no_grad``, as people do."""
    losses = [F.cross_entropy(model(x), y).item() * len(y) for x, y in loader]
    return sum(losses) / len(loader.dataset)


def with_gradients() -> Result:
    loaders = {
        "train": DataLoader(data(), batch_size=9),
        "test": DataLoader(data(20), batch_size=7),
    }
    model = Net()
    optimizer = torch.optim.Adam(model.parameters())
    seen: dict[str, list[float]] = {"train_loss": [], "test_loss": []}
    for step, (x, y) in enumerate(loaders["train"]):
        if step % 2 == 0:  # before the batch is trained with
            seen["test_loss"].append(evaluate(model, loaders["test"]))
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen["train_loss"].append(loss.item())
    return seen, weights(model)


def accumulation() -> Result:
    model = Net()
    optimizer = torch.optim.AdamW(model.parameters(), lr=0.01)
    loader = DataLoader(data(32), batch_size=4)
    seen: dict[str, list[float]] = {"train_loss": [], "train_fit": []}
    parts = []
    for i, (x, y) in enumerate(loader):
        fit = F.cross_entropy(model(x), y)
        loss = fit + 0.01 * model.head.weight.pow(2).sum()
        parts.append((loss.item(), fit.item()))
        (loss / 4).backward()
        if (i + 1) % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
            seen["train_loss"].append(sum(loss for loss, _ in parts) / 4)
            seen["train_fit"].append(sum(fit for _, fit in parts) / 4)
            parts = []
    return seen, weights(model)


def two_losses() -> Result:
    model = Net(6)
    optimizer = torch.optim.Adam(model.parameters())
    seen: dict[str, list[float]] = {
        "train_loss": [], "train_rebuilt": [], "train_sparse": [], "val_rebuilt": []
    }  # fmt: skip
    x, x_val = torch.randn(16, 6), torch.randn(10, 6)
    for _ in range(4):
        out = model(x)
        rebuilt = mse_loss(out, x)
        sparse = F.l1_loss(out, torch.zeros_like(out))
        loss = rebuilt + 0.1 * sparse
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            out = model(x_val)
            rebuilt_val = mse_loss(out, x_val)
        for key, value in (("loss", loss), ("rebuilt", rebuilt), ("sparse", sparse)):
            seen[f"train_{key}"].append(value.item())
        seen["val_rebuilt"].append(rebuilt_val.item())
    seen["val_loss"] = seen.pop("val_rebuilt")
    return seen, weights(model)


def gan() -> Result:
    net_g, net_d = nn.Linear(2, 6), nn.Sequential(nn.Linear(6, 1))
    opt_g = torch.optim.Adam(net_g.parameters(), lr=2e-3)
    opt_d = torch.optim.Adam(net_d.parameters(), lr=1e-3)
    criterion = nn.BCEWithLogitsLoss()
    seen: dict[str, list[float]] = {"net_d/train_loss": [], "net_g/train_loss": []}
    for (real,) in DataLoader(TensorDataset(torch.randn(20, 6)), batch_size=5):
        ones, zeros = torch.ones(len(real), 1), torch.zeros(len(real), 1)
        net_d.zero_grad()
        err_real = criterion(net_d(real), ones)
        err_real.backward()
        fake = net_g(torch.randn(len(real), 2))
        err_fake = criterion(net_d(fake.detach()), zeros)
        err_fake.backward()
        opt_d.step()
        net_g.zero_grad()
        err_g = criterion(net_d(fake), ones)
        err_g.backward()
        opt_g.step()
        seen["net_d/train_loss"].append(err_real.item() + err_fake.item())
        seen["net_g/train_loss"].append(err_g.item())
    return seen, weights(net_g, net_d)


def lbfgs() -> Result:
    model = nn.Linear(6, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    x, y = torch.randn(12, 6), torch.randn(12, 1)
    seen: dict[str, list[float]] = {"train_loss": []}

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = mse_loss(model(x), y)
        loss.backward()
        return loss

    for _ in range(3):
        seen["train_loss"].append(optimizer.step(closure).item())
    return seen, weights(model)


def mixed_precision() -> Result:
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=2.0**12)
    seen: dict[str, list[float]] = {"train_loss": []}
    for i, (x, y) in enumerate(DataLoader(data(), batch_size=12)):
        optimizer.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16):
            loss = F.cross_entropy(model(x), y) + 0.1 * F.cross_entropy(model(-x), y)
        if i == 1:
            loss = loss * float("inf")  # the scaler leaves this step out
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
        if i != 1:
            seen["train_loss"].append(loss.item())
    return seen, weights(model)


def own_formula() -> Result:
    """Neither a loss function nor an optimizer of the library."""
    weight = torch.zeros(6, requires_grad=True)
    x = torch.randn(10, 6)
    y = x @ torch.arange(6.0)
    seen: dict[str, list[float]] = {"train_loss": []}
    for _ in range(5):
        loss = ((x @ weight - y) ** 2).mean()
        loss.backward()
        with torch.no_grad():
            weight -= 0.1 * weight.grad
            weight.grad = None
        seen["train_loss"].append(loss.item())
    return seen, [weight.detach()]


def endless() -> Result:
    loader = DataLoader(data(), batch_size=8, shuffle=True)
    model = Net()
    optimizer = torch.optim.RMSprop(model.parameters())
    batches = iter(loader)
    seen: dict[str, list[float]] = {"train_loss": []}
    for _ in range(12):
        try:
            x, y = next(batches)
        except StopIteration:
            batches = iter(loader)
            x, y = next(batches)
        loss = F.nll_loss(F.log_softmax(model(x), 1), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        seen["train_loss"].append(loss.item())
    return seen, weights(model)


def in_backward() -> Result:
    """Each parameter has an optimizer, that steps as soon as its gradient is there."""
    model = Net()
    optimizers = {p: torch.optim.SGD([p], lr=0.1) for p in model.parameters()}

    def step(parameter: torch.Tensor) -> None:
        optimizers[parameter].step()
        optimizers[parameter].zero_grad()

    for parameter in model.parameters():
        parameter.register_post_accumulate_grad_hook(step)
    seen: dict[str, list[float]] = {"train_loss": []}
    for x, y in DataLoader(data(), batch_size=12):
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        seen["train_loss"].append(loss.item())
    return seen, weights(model)


def encoder_and_decoder() -> Result:
    """One loss, two optimizers: one series."""
    encoder, decoder = nn.Linear(6, 3), nn.Linear(3, 6)
    first = torch.optim.SGD(encoder.parameters(), lr=0.1)
    second = torch.optim.SGD(decoder.parameters(), lr=0.2)
    x = torch.randn(8, 6)
    seen: dict[str, list[float]] = {"train_loss": []}
    for _ in range(3):
        first.zero_grad()
        second.zero_grad()
        loss = F.mse_loss(decoder(encoder(x)), x)
        loss.backward()
        first.step()
        second.step()
        seen["train_loss"].append(loss.item())
    return seen, weights(encoder, decoder)


def adversarial() -> Result:
    """Backwards that only look for an attack are none of the training's."""
    model = Net()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    seen: dict[str, list[float]] = {"train_loss": []}
    for x, y in DataLoader(data(), batch_size=12):
        attacked = x.clone().requires_grad_()
        F.cross_entropy(model(attacked), y).backward()
        optimizer.zero_grad()
        assert attacked.grad is not None
        loss = F.cross_entropy(model(x + 0.1 * attacked.grad.sign()), y)
        loss.backward()
        optimizer.step()
        seen["train_loss"].append(loss.item())
    return seen, weights(model)


def own_formula_of_a_net() -> Result:
    net = nn.Linear(6, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        optimizer.zero_grad()
        net(torch.ones(3, 6)).square().mean().backward()
        optimizer.step()
    return {}, weights(net)


LOOPS: list[Callable[[], Result]] = [
    classifier, with_gradients, accumulation, two_losses, gan, lbfgs, mixed_precision, own_formula,
    endless, in_backward, encoder_and_decoder, adversarial,
]  # fmt: skip
