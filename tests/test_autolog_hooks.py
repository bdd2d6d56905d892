"""PyTorch is as before while its loops are watched, and exactly as before afterwards."""

from __future__ import annotations

import gc
import pickle
import threading
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F  # noqa: N812  as everybody does
from torch import nn
from torch.nn.functional import cross_entropy
from torch.optim import optimizer as steps
from torch.utils.data import DataLoader, dataloader

import loops
import nbtrack
from loops import Net, data
from nbtrack.autologging.loops import losses, watch
from nbtrack.autologging.switches import for_a_while
from nbtrack.errors import NbtrackWarning

PATCHED = [
    *((torch._C._nn, name) for name in losses.BENEATH),
    *((torch, name) for name in losses.IN_TORCH),
    (torch.autograd, "backward"),
    (torch.amp.GradScaler, "scale"),
    (torch.amp.GradScaler, "update"),
    (steps.Optimizer, "zero_grad"),
    (DataLoader, "__iter__"),
    (dataloader._BaseDataLoaderIter, "__next__"),
]


@pytest.fixture
def run(workdir: Path) -> Iterator[Any]:
    nbtrack.pytorch.autolog()
    with nbtrack.start_run() as run:
        yield run
    nbtrack.pytorch.autolog(disable=True)


def values(run: Any, key: str = "train_loss") -> list[float]:
    run.writer.flush()
    found = nbtrack.MlflowClient().get_metric_history(run.info.run_id, key)
    return [point.value for point in found]


def patched() -> list[Any]:
    return [vars(owner)[name] for owner, name in PATCHED]


@pytest.mark.parametrize("error", [None, ValueError, KeyboardInterrupt])
def test_all_is_undone_whatever_ends_it(workdir: Path, error: type[BaseException] | None) -> None:
    before, hooks = patched(), [*steps._global_optimizer_pre_hooks]
    functions = {name: value for name, value in vars(F).items() if callable(value)}
    table = dict(torch.jit._builtins._get_builtin_table())
    try:
        with for_a_while():
            assert not any(one is other for one, other in zip(before, patched(), strict=True))
            if error is not None:
                raise error
    except (ValueError, KeyboardInterrupt):
        pass
    assert all(one is other for one, other in zip(before, patched(), strict=True))
    assert [*steps._global_optimizer_pre_hooks] == hooks
    assert not steps._global_optimizer_post_hooks
    assert functions == {name: value for name, value in vars(F).items() if callable(value)}
    assert torch.jit._builtins._get_builtin_table() == table
    assert not watch._watches


def test_losses_and_models_are_pickled_and_compiled_to_script(run: Any) -> None:
    assert pickle.loads(pickle.dumps(cross_entropy)) is F.cross_entropy
    assert isinstance(pickle.loads(pickle.dumps(nn.CrossEntropyLoss())), nn.CrossEntropyLoss)
    loader = pickle.loads(pickle.dumps(DataLoader([1, 2])))
    assert [int(batch) for batch in loader] == [1, 2]

    class Scored(nn.Module):
        def forward(self, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
            return F.cross_entropy(x, y) + F.binary_cross_entropy_with_logits(x, x)

    x, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    with pytest.warns(FutureWarning, match="torch.jit.script"):
        scripted = torch.jit.script(Scored())
    assert torch.equal(scripted(x, y), Scored()(x, y))
    exported = torch.export.export(Scored(), (x, y)).module()
    assert torch.equal(exported(x, y), Scored()(x, y))


def test_compiled_models_and_steps_work(run: Any) -> None:
    model, (x, y) = Net(), data()[:]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    compiled = torch.compile(model, backend="eager", fullgraph=True)

    @torch.compile(backend="eager", fullgraph=True)
    def loss_of(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return F.cross_entropy(model(x), y)

    def step() -> torch.Tensor:
        loss = loss_of(x, y)
        value = loss.detach().clone()
        loss.backward()
        optimizer.step()
        return value

    seen = [step().item()]
    loss = F.cross_entropy(compiled(x), y)
    loss.backward()
    optimizer.step()
    seen += [loss.item(), torch.compile(step, backend="eager")().item()]
    run.end()
    assert values(run)[:2] == pytest.approx(seen[:2])
    assert run.data.params["model"] == "Net"


def test_transformations_of_losses_work(run: Any) -> None:
    x, y = torch.randn(4, 3), torch.tensor([0, 1, 2, 0])
    assert torch.func.grad(F.cross_entropy)(x, y).shape == x.shape
    assert torch.func.vmap(F.cross_entropy)(x, y).shape == (4,)
    of_input = torch.autograd.grad(F.mse_loss(x.requires_grad_(), x.detach() + 1), x)
    assert of_input[0].shape == x.shape
    with pytest.warns(FutureWarning, match="torch.jit.trace"):
        traced = torch.jit.trace(F.cross_entropy, (x.detach(), y))
    assert traced(x, y) == F.cross_entropy(x, y)


def test_loops_in_threads_have_series_each(run: Any) -> None:
    seen: dict[str, list[float]] = {}
    ready = threading.Barrier(2)

    def train(label: str, scale: float) -> None:
        net = nn.Linear(6, 1)
        locals()[label] = net
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        ready.wait()
        for _ in range(20):
            loss = F.mse_loss(net(torch.ones(3, 6)), torch.full((3, 1), scale))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            seen.setdefault(label, []).append(loss.item())

    threads = [threading.Thread(target=train, args=(str(i), i * 10.0)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    run.end()
    found = [values(run, key) for key in run.data.metrics if key.endswith("train_loss")]
    assert sorted(found) == [pytest.approx(each) for each in sorted(seen.values())]


def test_nothing_of_a_batch_is_kept(run: Any) -> None:
    model, (x, y) = Net(), data()[:]
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    kept = []
    for _ in range(3):
        out = model(x)
        F.mse_loss(out, out.detach())  # not used
        loss = F.cross_entropy(out, y)
        kept.append(weakref.ref(loss.grad_fn.next_functions[0][0].metadata.setdefault("k", Net())))
        loss.backward()
        optimizer.step()
    del loss, out
    gc.collect()
    assert [reference() for reference in kept] == [None] * 3


def test_an_error_of_ours_is_said_once_and_the_training_goes_on(
    run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch.Watch, "lost", lambda *_: 1 / 0)
    with pytest.warns(NbtrackWarning, match="The losses of the training loop.* not affected"):
        seen, _ = loops.lbfgs()
    loops.lbfgs()  # a second warning would be an error here
    run.end()
    assert values(run)[:3] == pytest.approx(seen["train_loss"])


def test_a_step_that_fails_is_none_and_those_after_it_are(run: Any) -> None:
    net, calls = nn.Linear(2, 1), []
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def closure() -> Any:
        calls.append(0)
        loss = net(torch.ones(1, 2)).square().sum()
        loss.backward()
        if len(calls) == 1:
            raise ValueError("interrupted")
        return loss.item()

    with pytest.raises(ValueError, match="interrupted"):
        optimizer.step(closure)
    optimizer.zero_grad()
    seen = [optimizer.step(closure), optimizer.step(closure)]
    run.end()
    assert values(run) == pytest.approx(seen)


def test_an_optimizer_of_another_class_steps_once(run: Any) -> None:
    class Own(torch.optim.SGD):
        def step(self, closure: Any = None) -> Any:
            return super().step(closure)

    net = nn.Linear(2, 1)
    optimizer = Own(net.parameters(), lr=0.1)
    for _ in range(3):
        net(torch.ones(1, 2)).square().sum().backward()
        optimizer.step()
    run.end()
    assert len(values(run)) == 3


def test_accelerate_logs_the_losses_of_the_code(run: Any) -> None:
    accelerate: Any = pytest.importorskip("accelerate")
    accelerator = accelerate.Accelerator(cpu=True, gradient_accumulation_steps=2)
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    train_loader = DataLoader(data(32), batch_size=8)
    net, optimizer, train_loader = accelerator.prepare(net, optimizer, train_loader)
    seen = []
    for x, y in train_loader:
        with accelerator.accumulate(net):
            loss = F.cross_entropy(net(x), y)
            accelerator.backward(loss)
            optimizer.step()
            optimizer.zero_grad()
        seen.append(loss.item())
    run.end()
    assert values(run) == pytest.approx([(seen[0] + seen[1]) / 2, (seen[2] + seen[3]) / 2])
    assert run.data.params["gradient_accumulation_steps"] == "2"
    assert run.data.metrics["epoch"] == 1.0


def test_worker_processes_and_parallel_models_work(run: Any) -> None:
    net = nn.DataParallel(Net())
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    loader = DataLoader(data(), batch_size=18, num_workers=1, persistent_workers=True)
    for _ in range(2):
        for x, y in loader:
            F.cross_entropy(net(x), y).backward()
            optimizer.step()
    del loader
    run.end()
    assert len(values(run)) == 4
    assert values(run, "epoch") == [1.0, 2.0]
    assert run.data.params["model"] == "Net"
