"""A CUDA device: models saved without doubling its memory, loaded straight back, resumed; losses.

The time of a training step with and without logging:
pytest -s -m gpu -k waits tests/test_pytorch_gpu.py
"""

from __future__ import annotations

import json
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")

import nbtrack  # noqa: E402
from programs import run  # noqa: E402
from trainings import FIRST, SECOND, STRAIGHT, TRAINING  # noqa: E402

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA device here"),
]
pt = nbtrack.pytorch
MIB = 1 << 20


@pytest.fixture
def large(workdir: Path) -> Iterator[Any]:
    """A model of 256 MiB on the GPU."""
    torch.manual_seed(0)
    layers = [torch.nn.Linear(4096, 4096, bias=False) for _ in range(4)]
    yield torch.nn.Sequential(*layers).cuda()
    torch.cuda.empty_cache()


def added(before: int) -> int:
    return (torch.cuda.max_memory_allocated() - before) // MIB


def test_a_model_is_saved_without_memory_of_the_gpu(large: Any) -> None:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    pt.log_model(large, name="large")
    assert added(before) <= 2


def test_a_model_comes_back_on_its_gpu_and_needs_its_own_size_there(large: Any) -> None:
    uri = pt.log_model(large, name="large").model_uri
    x = torch.randn(2, 4096, device="cuda")
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    loaded = pt.load_model(uri)
    assert 256 <= added(before) <= 260
    assert next(loaded.parameters()).is_cuda
    assert torch.equal(loaded(x), large(x))


def test_a_model_of_the_gpu_loads_on_the_processor(large: Any) -> None:
    uri = pt.log_model(large, name="large").model_uri
    loaded = pt.load_model(uri, device="cpu")
    assert {p.device.type for p in loaded.parameters()} == {"cpu"}
    x = torch.randn(2, 4096)
    assert torch.allclose(loaded(x), large(x.cuda()).cpu(), atol=1e-2)


def test_the_gpu_and_its_memory_are_recorded(large: Any) -> None:
    facts = pt.log_model(large.bfloat16(), name="large").flavors["pytorch"]
    assert facts["device"] == "cuda:0"
    assert facts["gpu"] == torch.cuda.get_device_name(0)
    assert facts["gpu_memory"] == torch.cuda.get_device_properties(0).total_memory
    assert facts["cuda"] == torch.version.cuda
    assert facts["precision"] == "bfloat16"


def test_a_program_of_the_gpu_runs_everywhere(workdir: Path) -> None:
    from nbtrack.models.flavors.torch import program

    model = torch.nn.Sequential(torch.nn.Linear(4, 2), torch.nn.Dropout()).cuda()
    info = pt.log_model(model, name="small", input_example=torch.ones(1, 4))
    file = Path(info.artifact_path) / "data" / program.FILE
    on_host = program.load(file, torch.device("cpu"))
    on_gpu = program.load(file, torch.device("cuda"))
    x = torch.randn(3, 4)
    expected = model.eval()(x.cuda()).cpu()
    assert torch.allclose(on_host(x), expected, atol=1e-2)
    assert torch.allclose(on_gpu(x.cuda()).cpu(), expected, atol=1e-5)


def test_a_snapshot_is_not_changed_by_later_steps(large: Any) -> None:
    before = large[0].weight.detach().clone()
    with nbtrack.start_run() as active:
        torch.cuda.reset_peak_memory_stats()
        used = torch.cuda.memory_allocated()
        info = pt.log_model(large, name="large", wait=False)
        pt.log_checkpoint(large, epoch=0, wait=False)
        assert added(used) <= 2
        with torch.no_grad():
            for parameter in large.parameters():
                parameter.add_(1)
    assert torch.equal(pt.load_model(info.model_uri)[0].weight, before)
    pt.load_checkpoint(large, run_id=active.info.run_id)
    assert torch.equal(large[0].weight, before)


def test_training_on_the_gpu_resumes_bit_for_bit(tmp_path: Path) -> None:
    store = {"NBTRACK_URI": str(tmp_path / "nbtrack.duckdb"), "PYTHONWARNINGS": "ignore"}
    store["CUBLAS_WORKSPACE_CONFIG"] = ":4096:8"
    training = TRAINING.replace('device = "cpu"', 'device = "cuda"')
    training += "\ntorch.use_deterministic_algorithms(True)\n"
    straight = run(training + STRAIGHT, cwd=tmp_path, **store).splitlines()
    runs = run(training + FIRST, cwd=tmp_path, **store).split()
    resumed = run(training + SECOND, *runs, cwd=tmp_path, **store).splitlines()
    assert len(straight) == 3
    assert [json.loads(line) for line in resumed] == [json.loads(line) for line in straight]


STEPS = 300


@contextmanager
def no_waiting() -> Iterator[None]:
    """Let PyTorch raise an error wherever Python would wait for the GPU."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that it does not find all: torch.cuda.synchronize
        torch.cuda.set_sync_debug_mode("error")
    try:
        yield
    finally:
        torch.cuda.set_sync_debug_mode("default")


def milliseconds_a_step(log: Callable[[Any, int], object]) -> float:
    torch.manual_seed(0)
    model = torch.nn.Sequential(*[torch.nn.Linear(1024, 1024) for _ in range(8)]).cuda()
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3)
    x = torch.randn(512, 1024, device="cuda")
    torch.cuda.synchronize()
    begin = time.perf_counter()
    for step in range(STEPS):
        loss = model(x).square().mean()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        log(loss, step)
    torch.cuda.synchronize()
    return 1000 * (time.perf_counter() - begin) / STEPS


def test_a_loop_that_logs_its_loss_never_waits_for_the_gpu(workdir: Path) -> None:
    def log(loss: Any, step: int) -> None:
        nbtrack.log_metric("loss", loss, step=step)

    def item(loss: Any, step: int) -> None:
        nbtrack.log_metric("item", loss.item(), step=step)

    with nbtrack.start_run() as active:
        for warm in (log, item):  # pinned memory and kernels are made once
            milliseconds_a_step(warm)
        with no_waiting():
            logged = milliseconds_a_step(log)
            with pytest.raises(RuntimeError, match="synchroniz"):
                milliseconds_a_step(item)
        times = {"not logged": milliseconds_a_step(lambda *_: None), "log_metric(loss)": logged}
        times["log_metric(loss.item())"] = milliseconds_a_step(item)
    for name, each in times.items():
        print(f"{name:24} {each:.3f} ms a step")
    points = nbtrack.MlflowClient().get_metric_history(active.info.run_id, "loss")
    read = nbtrack.MlflowClient().get_metric_history(active.info.run_id, "item")
    assert {point.step for point in points} == set(range(STEPS))
    assert {p.step: p.value for p in points} == pytest.approx({p.step: p.value for p in read}, 1e-3)
