"""System metrics: a thread that measures the machine, and its settings."""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import nbtrack
import programs
from nbtrack import system_metrics as public
from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.tracking.gpu import describe_gpus
from nbtrack.tracking.system_metrics import SystemMetrics
from nbtrack.tracking.system_settings import Settings, settings

RECORDED = json.loads((Path(__file__).parent / "recorded/mlflow_system_metrics.json").read_text())
LOAD = "cpu_utilization_percentage"


class NotSupportedError(Exception):
    """What NVIDIA's library raises for what a GPU does not have."""


def unsupported(*_: object) -> Any:
    raise NotSupportedError


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Stand in for hardware that is not there; the second GPU has no counter of energy."""
    nvml: Any = ModuleType("pynvml")
    nvml.NVMLError_NotSupported = NotSupportedError
    millijoules = iter(range(0, 10**9, 3_600_000))  # a watt hour more each time
    nvml.nvmlDeviceGetTotalEnergyConsumption = lambda index: (
        next(millijoules) if index == 0 else unsupported()
    )
    nvml.nvmlInit = nvml.nvmlShutdown = lambda: None
    nvml.nvmlDeviceGetCount = lambda: 2
    nvml.nvmlDeviceGetHandleByIndex = lambda index: index
    nvml.nvmlSystemGetDriverVersion = lambda: b"570.1"
    nvml.nvmlSystemGetCudaDriverVersion_v2 = lambda: 12040
    nvml.nvmlDeviceGetName = lambda index: f"GPU {index}"
    nvml.nvmlDeviceGetMemoryInfo = lambda _: SimpleNamespace(used=2e9, total=8e9)
    nvml.nvmlDeviceGetUtilizationRates = lambda _: SimpleNamespace(gpu=50)
    nvml.nvmlDeviceGetPowerUsage = lambda _: 100_000
    nvml.nvmlDeviceGetEnforcedPowerLimit = lambda index: 400_000 if index == 0 else unsupported()
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


@pytest.fixture(autouse=True)
def no_settings(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if "SYSTEM_METRICS" in name:
            monkeypatch.delenv(name)
    for name in ("ENABLE_SYSTEM_METRICS_LOGGING", "SYSTEM_METRICS_NODE_ID"):
        # what a test sets through the public functions is taken back
        monkeypatch.setenv(f"NBTRACK_{name}", "")
    for name in ("SAMPLING_INTERVAL", "SAMPLES_BEFORE_LOGGING"):
        monkeypatch.setenv(f"NBTRACK_SYSTEM_METRICS_{name}", "")


def measured(settings: Settings, enough: int = 1, **options: Any) -> list[dict[str, float]]:
    points: list[dict[str, float]] = []
    metrics = SystemMetrics(lambda values, _: points.append(values), fail, settings, **options)
    metrics.start()
    wait_for(lambda: len(points) >= enough or settings.interval > 1)
    metrics.stop()
    return points


def fail(message: str, kind: str) -> None:
    raise AssertionError(message)


def wait_for(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def points(run: Any, name: str = LOAD) -> list[tuple[int, float]]:
    history = nbtrack.MlflowClient().get_metric_history(run.info.run_id, f"system/{name}")
    return [(point.step, point.value) for point in history]


def logged(count: int, name: str = LOAD, **options: Any) -> Any:
    """Return a run that has ended once so many points were there."""
    with nbtrack.start_run(**options) as run:
        wait_for(lambda: len(points(run, name)) >= count)
    return run


def samplers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "nbtrack-system"]


def names(run: Any) -> list[str]:
    metrics = nbtrack.get_run(run.info.run_id).data.metrics
    return sorted(key.removeprefix("system/") for key in metrics if "gpu" not in key)


def test_names_and_steps_are_those_of_mlflow() -> None:
    public.set_system_metrics_sampling_interval(0.05)
    run = logged(3, log_system_metrics=True)
    first = points(run)
    logged(len(first) + 2, run_id=run.info.run_id, log_system_metrics=True)
    assert names(run) == RECORDED["first"]["names"]
    for setting, found in (("first", first), ("resumed", points(run))):
        assert [step for step, _ in found] == list(range(len(found)))
        assert RECORDED[setting]["steps"] == list(range(len(RECORDED[setting]["steps"])))
    public.set_system_metrics_node_id("node_1")
    node = logged(1, f"node_1/{LOAD}", log_system_metrics=True)
    assert names(node) == RECORDED["two samples, node_1"]["names"]
    assert points(node, f"node_1/{LOAD}")[0][0] == RECORDED["two samples, node_1"]["steps"][0]


@pytest.mark.parametrize("prefix", ["NBTRACK", "MLFLOW"])
def test_the_environment_switches_it_on(prefix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"{prefix}_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv(f"{prefix}_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.02")
    monkeypatch.setenv(f"{prefix}_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING", "2")
    monkeypatch.setenv(f"{prefix}_SYSTEM_METRICS_NODE_ID", "a/b")
    assert settings() == Settings(True, 0.02, 2, "a/b")
    assert len(points(logged(2, f"a/b/{LOAD}"), f"a/b/{LOAD}")) >= 2


def test_start_run_has_the_last_word() -> None:
    public.enable_system_metrics_logging()
    with nbtrack.start_run(log_system_metrics=False) as off:
        assert samplers() == []
    public.disable_system_metrics_logging()
    with nbtrack.start_run() as unasked, nbtrack.start_run(nested=True, log_system_metrics=True):
        assert len(samplers()) == 1
    assert (names(off), names(unasked), samplers()) == ([], [], [])


def test_settings_are_those_of_the_next_run() -> None:
    public.set_system_metrics_sampling_interval(60)
    with nbtrack.start_run(log_system_metrics=True) as slow:
        public.set_system_metrics_sampling_interval(0.02)
        with nbtrack.start_run(nested=True, log_system_metrics=True) as quick:
            wait_for(lambda: len(points(quick)) >= 3)
            assert len(samplers()) == 2
        assert points(slow) == []
    assert [step for step, _ in points(slow)] == [0]  # a short run has a point, too


def test_several_samples_make_one_point_their_mean(two_gpus: Any) -> None:
    watts = iter(range(10**6))  # of both GPUs: the second asks for its energy, too
    two_gpus.nvmlDeviceGetPowerUsage = lambda index: (next(watts) if index == 0 else 9) * 1000
    found = measured(Settings(interval=0.02, samples=4, node_id="n"), enough=2)
    assert found[0]["system/n/gpu_0_power_usage_watts"] == 1.5  # the mean of 0, 1, 2, 3
    assert found[1]["system/n/gpu_0_power_usage_watts"] == 5.5
    assert found[0]["system/n/gpu_0_energy_watt_hours"] == 4.0  # a total: the last one counts
    assert all(name.startswith("system/n/") for values in found for name in values)


def test_gpus_are_measured_and_what_they_have_not_is_left_out(two_gpus: Any) -> None:
    found = measured(Settings(interval=0.05), enough=2)[1]
    gpu = {name.removeprefix("system/"): value for name, value in found.items() if "gpu" in name}
    assert 100 * 0.05 / 3600 < gpu.pop("gpu_1_energy_watt_hours") < 1  # power, integrated
    assert gpu == {
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_memory_usage_megabytes": 2000.0,
        "gpu_0_utilization_percentage": 50.0,
        "gpu_0_power_usage_watts": 100.0,
        "gpu_0_power_usage_percentage": 25.0,
        "gpu_0_energy_watt_hours": 2.0,
        "gpu_1_memory_usage_percentage": 25.0,
        "gpu_1_memory_usage_megabytes": 2000.0,
        "gpu_1_utilization_percentage": 50.0,
        "gpu_1_power_usage_watts": 100.0,
    }


def test_a_resumed_run_goes_on_with_its_steps_and_its_energy(two_gpus: Any) -> None:
    public.set_system_metrics_sampling_interval(60)
    with nbtrack.start_run(log_system_metrics=True) as run:
        nbtrack.log_metric("system/gpu_peak_memory_megabytes", 5, step=40)  # of a cell: no sample
    before = points(run, "gpu_0_energy_watt_hours")
    with nbtrack.start_run(run.info.run_id, log_system_metrics=True):
        pass
    (first, used), (second, all_of_it) = points(run, "gpu_0_energy_watt_hours")
    assert (first, second, before) == (0, 1, [(0, used)])
    assert all_of_it == used + 1


def test_gpus_are_described(two_gpus: Any) -> None:
    found = describe_gpus()
    assert (found["driver"], found["cuda"]) == ("570.1", "12.4")
    assert found["gpus"][1] == {"name": "GPU 1", "memory": 8_000_000_000}


def test_no_gpu_library_means_no_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", None)
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    assert describe_gpus() == {}
    assert "torch" not in sys.modules


@pytest.mark.gpu
def test_a_real_gpu_is_described_and_measured() -> None:
    found = describe_gpus()
    if not found.get("gpus"):
        pytest.skip("there is no NVIDIA GPU on this machine")
    assert found["driver"]
    assert found["gpus"][0]["memory"] > 1e9
    values = measured(Settings(interval=0.1), enough=3)[2]
    assert "system/gpu_0_utilization_percentage" in values
    assert 0 < values["system/gpu_0_energy_watt_hours"] < 1


def test_what_cannot_be_measured_is_said_once_and_the_rest_goes_on(
    two_gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import psutil

    def hidden(*_: object) -> Any:
        raise PermissionError("/proc/stat")

    monkeypatch.setattr(psutil, "cpu_percent", hidden)  # a container without /proc/stat
    monkeypatch.setattr(psutil, "net_io_counters", lambda: None)
    two_gpus.nvmlDeviceGetUtilizationRates = hidden
    public.set_system_metrics_sampling_interval(0.02)
    with pytest.warns(NbtrackWarning) as said:
        run = logged(3, "disk_usage_percentage", log_system_metrics=True)
    messages = sorted(str(each.message) for each in said)
    assert [text.partition(" of this")[0] for text in messages] == [
        "System metrics: the load of GPU 0",
        "System metrics: the load of GPU 1",
        "System metrics: the processor",
    ]
    assert "PermissionError: /proc/stat" in messages[0]
    assert not any("cpu" in name or "network" in name for name in names(run))


def test_without_psutil_gpus_are_measured(two_gpus: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psutil", None)
    public.set_system_metrics_sampling_interval(0.02)
    with pytest.warns(NbtrackWarning, match="pip install psutil"):
        run = logged(1, "gpu_1_utilization_percentage", log_system_metrics=True)
    assert names(run) == []


def test_a_point_that_cannot_be_logged_is_said_once_and_the_next_is_tried() -> None:
    said: list[str] = []
    steps: list[int] = []

    def log(values: dict[str, float], step: int) -> None:
        steps.append(step)
        raise RuntimeError("the disk is full")

    metrics = SystemMetrics(log, lambda _, kind: said.append(kind), Settings(interval=0.02))
    metrics.start()
    wait_for(lambda: len(steps) >= 3)
    metrics.stop()
    assert set(said) == {"system metrics log"}


def test_a_sensor_that_hangs_logs_nothing_after_the_end(
    two_gpus: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging, answers = threading.Event(), threading.Event()

    def hang(_: object) -> Any:
        hanging.set()
        answers.wait(20)
        return SimpleNamespace(gpu=1)

    monkeypatch.setattr("nbtrack.tracking.system_metrics._END_S", 0.01)
    two_gpus.nvmlDeviceGetUtilizationRates = hang
    public.set_system_metrics_sampling_interval(0.02)
    with nbtrack.start_run(log_system_metrics=True) as run:
        hanging.wait(20)
    answers.set()
    wait_for(lambda: samplers() == [])
    assert names(run) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_forked_child_does_not_measure() -> None:
    public.set_system_metrics_sampling_interval(60)
    with nbtrack.start_run(log_system_metrics=True) as run:
        child = os.fork()
        if child == 0:
            nbtrack.end_run()
            os._exit(len(samplers()))
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(samplers()) == 1
    assert [step for step, _ in points(run)] == [0]


def test_a_run_that_is_open_already_is_measured_once() -> None:
    def join() -> None:
        with nbtrack.start_run(run.info.run_id, log_system_metrics=True):
            counts.append(len(samplers()))

    counts: list[int] = []
    with nbtrack.start_run(log_system_metrics=True) as run:
        thread = threading.Thread(target=join)
        thread.start()
        thread.join()
    assert counts == [1]


def test_a_process_that_joins_a_run_measures_only_when_it_is_asked(workdir: Path) -> None:
    joins = """
        import sys, threading, nbtrack
        for asked in (None, True):
            with nbtrack.start_run(sys.argv[1], log_system_metrics=asked):
                print(sum(each.name == "nbtrack-system" for each in threading.enumerate()))
            if asked is None:
                nbtrack.set_system_metrics_node_id("other")
                with nbtrack.start_run(sys.argv[1]):
                    print(sum(each.name == "nbtrack-system" for each in threading.enumerate()))
    """
    public.enable_system_metrics_logging()  # a rank of the same training inherits it
    with nbtrack.start_run() as run:
        assert programs.run(joins, run.info.run_id, cwd=workdir).split() == ["0", "1", "1"]


def test_wrong_settings_are_said_and_no_run_begins(monkeypatch: pytest.MonkeyPatch) -> None:
    for interval in (0, -1, float("nan"), float("inf"), "often", True):
        with pytest.raises(InvalidParameterError, match=f"seconds above 0; got {interval!r}"):
            public.set_system_metrics_sampling_interval(interval)  # type: ignore[arg-type]
    for samples in (0, 1.5, "some"):
        with pytest.raises(InvalidParameterError, match=f"at least 1; got {samples!r}"):
            public.set_system_metrics_samples_before_logging(samples)  # type: ignore[arg-type]
    for node in ("../up", "new\nline"):
        with pytest.raises(InvalidParameterError, match="node id"):
            public.set_system_metrics_node_id(node)
    assert settings() == Settings()
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "often")
    with pytest.raises(InvalidParameterError, match=r"'often'.* MLFLOW_SYSTEM_METRICS_SAMPLING"):
        nbtrack.start_run(log_system_metrics=True)
    assert nbtrack.active_run() is None
    assert nbtrack.search_runs(output_format="list") == []
    public.set_system_metrics_sampling_interval(None)
    assert settings() == Settings()
