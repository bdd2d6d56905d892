"""System metrics: a thread that measures the machine, and its settings."""

from __future__ import annotations

import os
import sys
import threading
import time
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from nbtrack import system_metrics as public
from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.tracking.gpu import describe_gpus
from nbtrack.tracking.system_metrics import Settings, SystemMetrics, settings

MACHINE = {
    "system/cpu_utilization_percentage",
    "system/system_memory_usage_megabytes",
    "system/system_memory_usage_percentage",
    "system/disk_usage_percentage",
    "system/disk_usage_megabytes",
    "system/disk_available_megabytes",
    "system/network_receive_megabytes",
    "system/network_transmit_megabytes",
}


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for hardware that is not there; the second GPU cannot tell its power."""
    nvml: Any = ModuleType("pynvml")
    nvml.nvmlInit = nvml.nvmlShutdown = lambda: None
    nvml.nvmlDeviceGetCount = lambda: 2
    nvml.nvmlDeviceGetHandleByIndex = lambda index: index
    nvml.nvmlSystemGetDriverVersion = lambda: b"570.1"
    nvml.nvmlSystemGetCudaDriverVersion_v2 = lambda: 12040
    nvml.nvmlDeviceGetName = lambda index: f"GPU {index}"
    nvml.nvmlDeviceGetMemoryInfo = lambda _: SimpleNamespace(used=2e9, total=8e9)
    nvml.nvmlDeviceGetUtilizationRates = lambda _: SimpleNamespace(gpu=50)
    nvml.nvmlDeviceGetPowerUsage = lambda index: 100_000 if index == 0 else 1 / 0
    nvml.nvmlDeviceGetEnforcedPowerLimit = lambda _: 400_000
    monkeypatch.setitem(sys.modules, "pynvml", nvml)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if "SYSTEM_METRICS" in name:
            monkeypatch.delenv(name)
    for name in ("ENABLE_SYSTEM_METRICS_LOGGING", "SYSTEM_METRICS_NODE_ID"):
        # what a test sets through the public functions is taken back
        monkeypatch.setenv(f"NBTRACK_{name}", "")
    for name in ("SAMPLING_INTERVAL", "SAMPLES_BEFORE_LOGGING"):
        monkeypatch.setenv(f"NBTRACK_SYSTEM_METRICS_{name}", "")


def measured(seconds: float, **options: Any) -> list[tuple[dict[str, float], int]]:
    points: list[tuple[dict[str, float], int]] = []
    metrics = SystemMetrics(lambda values, step: points.append((values, step)), **options)
    live(metrics, seconds)
    return points


def live(metrics: SystemMetrics, seconds: float) -> None:
    metrics.start()
    metrics.start()
    time.sleep(seconds)
    metrics.stop()
    metrics.stop()


def test_the_machine_is_measured_again_and_again() -> None:
    points = measured(0.3, interval=0.05)
    assert points[0][0].keys() >= MACHINE
    assert [step for _, step in points] == list(range(len(points)))
    assert len(points) >= 3
    assert 0 < points[0][0]["system/system_memory_usage_percentage"] < 100


def test_a_short_run_has_a_point_and_the_thread_is_gone() -> None:
    points = measured(0.01, interval=60, first_step=7)
    assert [step for _, step in points] == [7]
    assert not [t for t in threading.enumerate() if t.name == "nbtrack-system"]


def test_several_samples_make_one_point(two_gpus: None) -> None:
    points = measured(0.5, interval=0.05, samples=4, node_id="node3")
    assert 1 <= len(points) <= 4
    assert all(name.startswith("system/node3/") for values, _ in points for name in values)


def test_gpus_are_measured_and_what_they_cannot_say_is_left_out(two_gpus: None) -> None:
    values = measured(0.01, interval=60)[0][0]
    gpu = {name.removeprefix("system/"): value for name, value in values.items() if "gpu" in name}
    assert gpu == {
        "gpu_0_memory_usage_percentage": 25.0,
        "gpu_0_memory_usage_megabytes": 2000.0,
        "gpu_0_utilization_percentage": 50.0,
        "gpu_0_power_usage_watts": 100.0,
        "gpu_0_power_usage_percentage": 25.0,
        "gpu_1_memory_usage_percentage": 25.0,
        "gpu_1_memory_usage_megabytes": 2000.0,
        "gpu_1_utilization_percentage": 50.0,
    }


def test_gpus_are_described(two_gpus: None) -> None:
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
    assert "system/gpu_0_utilization_percentage" in measured(0.01, interval=60)[0][0]


def test_an_error_ends_the_measuring_with_one_warning() -> None:
    def log(values: dict[str, float], step: int) -> None:
        raise RuntimeError("run is gone")

    metrics = SystemMetrics(log, interval=0.01)
    with pytest.warns(NbtrackWarning, match="run is gone"):
        live(metrics, 0.1)


def test_settings_follow_the_functions_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings() == Settings()
    monkeypatch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "true")
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "3")
    assert settings() == Settings(enabled=True, interval=3)
    public.set_system_metrics_sampling_interval(0.5)
    public.set_system_metrics_samples_before_logging(2)
    public.set_system_metrics_node_id("n")
    assert settings() == Settings(True, 0.5, 2, "n")
    public.disable_system_metrics_logging()
    public.set_system_metrics_node_id(None)
    assert settings() == Settings(False, 0.5, 2)
    public.enable_system_metrics_logging()
    assert settings().enabled


def test_wrong_settings_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidParameterError, match="interval=0"):
        SystemMetrics(lambda values, step: None, interval=0)
    monkeypatch.setenv("NBTRACK_SYSTEM_METRICS_SAMPLING_INTERVAL", "often")
    with pytest.raises(InvalidParameterError, match="'often'"):
        settings()
