from __future__ import annotations

import os
import sys
import threading
import time
from types import SimpleNamespace

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.store.gpu_values import AT_ONCE


class Gpu:
    """A GPU that works off what it was given when it is told to; it counts who waits for it."""

    def __init__(self):
        self.done = 0
        self.given = 0
        self.waits = 0
        self.fails = False

    def run(self, count=None):
        self.done = self.given if count is None else min(self.given, self.done + count)

    def current_stream(self, device):
        return self

    def record_event(self):
        self.given += 1
        place = self.given

        def query():
            return self.done >= place

        def synchronize():
            if self.fails:
                raise RuntimeError("device-side assert")
            self.waits += 1
            self.done = max(self.done, place)

        return SimpleNamespace(query=query, synchronize=synchronize)


class CudaTensor:
    """A tensor of which only a copy may be looked at, and only when it has arrived."""

    is_cuda = True
    device = "cuda:0"

    def __init__(self, *values):
        self.values, self.shape = values, (len(values),) if len(values) > 1 else ()

    def numel(self):
        return len(self.values)

    def detach(self):
        return self

    def to(self, device, non_blocking):
        assert (device, non_blocking) == ("cpu", True)
        return SimpleNamespace(item=lambda: self.values[0])

    def __float__(self):
        if len(self.values) > 1:
            raise ValueError("only one element tensors can be converted")
        raise AssertionError("this would wait for the GPU")


CudaTensor.__module__ = "fake_framework.tensor"


@pytest.fixture
def gpu(workdir, monkeypatch):
    gpu = Gpu()
    monkeypatch.setitem(sys.modules, "fake_framework", SimpleNamespace(cuda=gpu))
    return gpu


def history(key="loss"):
    run_id = nbtrack.active_run().info.run_id
    points = nbtrack.MlflowClient().get_metric_history(run_id, key)
    return [(m.step, m.timestamp, m.value) for m in points]


def test_logging_a_tensor_never_waits_for_the_gpu(gpu):
    nbtrack.start_run()
    for step in range(10):
        nbtrack.log_metric("loss", CudaTensor(step / 2), step=step, timestamp=1000 + step)
    assert (gpu.waits, len(nbtrack.active_run().writer._deferred)) == (0, 10)
    gpu.run(4)
    nbtrack.log_metric("loss", CudaTensor(5.0), step=10, timestamp=1010)
    assert (gpu.waits, len(nbtrack.active_run().writer._deferred)) == (0, 7)


def test_points_keep_their_step_their_time_and_their_order(gpu):
    nbtrack.start_run()
    for step in range(5):
        nbtrack.log_metrics(
            {"loss": CudaTensor(step / 2), "lr": 0.1}, step=step, timestamp=9 - step
        )
    assert history() == sorted([(s, 9 - s, s / 2) for s in range(5)], key=lambda p: p[1])
    assert [value for _, _, value in history("lr")] == [0.1] * 5


def test_reading_waits_for_what_was_logged(gpu):
    nbtrack.start_run()
    nbtrack.log_metric("loss", CudaTensor(0.5))
    assert nbtrack.active_run().data.metrics == {"loss": 0.5}
    assert gpu.waits == 1


def test_the_end_of_a_run_waits_for_its_values(gpu):
    with nbtrack.start_run() as run:
        nbtrack.log_metric("loss", CudaTensor(0.5))
    assert gpu.waits == 1
    assert nbtrack.get_run(run.info.run_id).data.metrics == {"loss": 0.5}


def test_the_background_writes_what_has_arrived(gpu):
    run = nbtrack.start_run()
    nbtrack.log_metric("loss", CudaTensor(0.5))
    gpu.run()
    deadline = time.monotonic() + 10
    while len(run.writer._deferred) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert (gpu.waits, len(run.writer._deferred)) == (0, 0)


def test_a_call_does_not_work_off_a_long_queue_alone(gpu):
    run = nbtrack.start_run()
    for step in range(AT_ONCE + 10):
        nbtrack.log_metric("loss", CudaTensor(0.5), step=step)
    gpu.run()
    nbtrack.log_metric("loss", CudaTensor(0.5), step=1000)
    assert len(run.writer._deferred) >= 1


@pytest.mark.parametrize(
    "metrics",
    [
        {"loss": CudaTensor(1.0), "bad\n": CudaTensor(1.0)},
        {"loss": CudaTensor(1.0), "bad": "x"},
        {"loss": CudaTensor(1.0), "bad": CudaTensor(1.0, 2.0)},
    ],
)
def test_a_call_is_refused_at_once_and_whole(gpu, metrics):
    nbtrack.start_run()
    with pytest.raises(InvalidParameterError, match="bad"):
        nbtrack.log_metrics(metrics)
    assert (gpu.given, history()) == (0, [])


def test_a_client_logs_tensors_the_same_way(gpu):
    client = nbtrack.MlflowClient()
    run_id = client.create_run("0").info.run_id
    client.log_metric(run_id, "loss", CudaTensor(0.5))
    client.log_batch(run_id, metrics=[nbtrack.entities.Metric("loss", CudaTensor(0.25), 1, 3)])
    assert gpu.waits == 0
    assert client.get_run(run_id).data.metrics == {"loss": 0.25}


def test_a_gpu_that_fails_is_reported_once_and_stops_nothing(gpu):
    run = nbtrack.start_run()
    nbtrack.log_metric("loss", CudaTensor(0.5))
    nbtrack.log_metric("other", 1.0)
    gpu.fails = True
    with pytest.warns(NbtrackWarning, match=r"last 1 calls .* are lost.*device-side assert"):
        nbtrack.end_run()
    found = nbtrack.get_run(run.info.run_id)
    assert (found.info.status, found.data.metrics) == ("FINISHED", {"other": 1.0})


def test_threads_log_tensors_to_one_run(gpu):
    nbtrack.start_run()

    def log(worker):
        for step in range(200):
            nbtrack.log_metric(f"m{worker}", CudaTensor(step), step=step)
            gpu.run()

    threads = [threading.Thread(target=log, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for worker in range(4):
        assert sorted(step for step, _, _ in history(f"m{worker}")) == list(range(200))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_leaves_the_values_to_its_parent(gpu):
    run = nbtrack.start_run()
    nbtrack.log_metric("loss", CudaTensor(0.5))
    child = os.fork()
    if child == 0:
        gpu.fails = True
        os._exit(len(run.writer._deferred or ()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert [value for _, _, value in history()] == [0.5]


def test_tensors_of_other_devices_are_read_at_once(gpu):
    # a copy from Apple's GPU (MPS) that nobody waits for may hold anything: decision 0005
    tensor = SimpleNamespace(is_cuda=False, is_mps=True, device="mps:0", item=lambda: 0.25)
    nbtrack.start_run()
    nbtrack.log_metrics({"loss": tensor, "lr": 0.1}, step=3, timestamp=7)
    assert (gpu.given, not nbtrack.active_run().writer._deferred) == (0, True)
    assert history() == [(3, 7, 0.25)]


@pytest.mark.gpu
def test_a_real_gpu_is_not_waited_for(workdir):
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    nbtrack.start_run()
    nbtrack.log_metric("loss", torch.ones((), device="cuda"))  # pinned memory is made once
    torch.cuda.synchronize()
    begin = time.perf_counter()
    torch.cuda._sleep(2_000_000_000)
    nbtrack.log_metric("loss", torch.full((), 0.5, device="cuda"), step=1)
    assert time.perf_counter() - begin < 0.2
    assert [value for _, _, value in history()] == [1.0, 0.5]
