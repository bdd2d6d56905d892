"""Where metrics of the machine are shown: apart from the others, and only where somebody looks."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.entities.run_data import GPU_PEAK
from nbtrack.notebook.memory import PeakMemory
from nbtrack.rpc import respond
from nbtrack.store import open_store
from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve
from nbtrack.views.chart.figure import chart_figure
from nbtrack.views.chart.output import chart_bundle, chart_text
from nbtrack.views.display import VIEW_MIME
from nbtrack.views.drawing.png import draw_chart
from nbtrack.views.formats import head_facts
from nbtrack.views.metric_names import title_of

CPU, WATTS = "system/cpu_utilization_percentage", "system/gpu_0_power_usage_watts"


def content(*keys: str, points: int = 50, **options: Any) -> ChartContent:
    steps = np.arange(points, dtype=float)
    values = np.random.default_rng(0).normal(size=points)
    curves = [Curve("a", key, steps, 1.7e12 + steps * 1000, values) for key in keys]
    return ChartContent([RunRef("a", "a")], curves, **options)


@pytest.fixture
def run_id(workdir: Path) -> str:
    with nbtrack.start_run(run_name="measured") as run:
        for step in range(3):
            nbtrack.log_metrics({"loss": 1.0, CPU: 50.0, GPU_PEAK: 9.0}, step=step)
    with nbtrack.start_run(run_name="tracked"):
        nbtrack.log_metrics({"loss": 1.0, GPU_PEAK: 9.0})
    return run.info.run_id


def asked(**options: Any) -> dict[str, Any]:
    ids = [run.info.run_id for run in nbtrack.search_runs(output_format="list")]
    return respond(open_store(), {"type": "chart.runs", "run_ids": ids, **options}).body


def test_a_store_says_which_runs_have_them_and_gives_them_when_asked(run_id: str) -> None:
    found = asked()
    assert ({s["key"] for s in found["series"]}, found["system"]) == ({"loss"}, [run_id])
    assert [(s["run"], s["key"]) for s in asked(system=True)["series"]] == [(run_id, CPU)]
    assert asked(keys=[CPU])["system"] == []


def test_a_chart_of_runs_has_them_where_there_is_nothing_else(run_id: str) -> None:
    chart = nbtrack.chart("measured")
    assert ({curve.key for curve in chart.snapshot()}, chart.system) == ({"loss"}, [run_id])
    with nbtrack.start_run(run_name="only"):
        nbtrack.log_metrics({CPU: 50.0})
    assert [curve.key for curve in nbtrack.chart("only").snapshot()] == [CPU]
    assert nbtrack.chart("measured", keys=["loss", CPU]).system_open


def test_pictures_texts_and_figures_leave_them_out_beside_others() -> None:
    pytest.importorskip("plotly")
    mixed = content("loss", CPU, WATTS)
    plain = draw_chart(content("loss"))
    assert 10 < draw_chart(mixed).height - plain.height < 40  # a line says how many
    assert "system" not in chart_text(mixed)
    titles = [each.text for each in chart_figure(mixed).layout.annotations]
    assert titles == ["loss"]
    wanted = content("loss", CPU, keys=["loss", CPU])
    assert [each.text for each in chart_figure(wanted).layout.annotations] == [
        "loss",
        title_of(CPU),
    ]
    alone = chart_figure(content(CPU))
    assert alone.layout.xaxis.title.text != "step"  # it says how often was measured


def test_they_take_no_room_from_the_others_in_a_notebook() -> None:
    names = [f"system/gpu_{i}_power_usage_watts" for i in range(8)]
    bundle, _ = chart_bundle(content("loss", *names, points=2000))
    kept = {series["key"]: series["n"] for series in bundle[VIEW_MIME]["curves"]["series"]}
    assert kept["loss"] >= 1000
    assert max(kept[name] for name in names) <= 100
    many = [f"system/node_{i}/cpu" for i in range(200)]
    view = chart_bundle(content("loss", *many, store_id="s"))[0][VIEW_MIME]
    assert [series["key"] for series in view["curves"]["series"]] == ["loss"]
    assert view["system"] == ["a"]  # a server reads them


def test_names_are_words_with_a_unit() -> None:
    names = [CPU, "system/system_memory_usage_megabytes", "system/gpu_energy_watt_hours", "loss_x"]
    assert [title_of(name) for name in names] == [
        "CPU utilization %",
        "memory MB",
        "GPU energy Wh",
        "loss_x",
    ]


class Cuda:
    """The memory of two GPUs; a test says how high each has been."""

    def __init__(self) -> None:
        self.peaks = [5_000_000, 100]

    def is_initialized(self) -> bool:
        return True

    def device_count(self) -> int:
        return len(self.peaks)

    def reset_peak_memory_stats(self, device: int) -> None:
        self.peaks[device] = 100

    def max_memory_allocated(self, device: int) -> int:
        return self.peaks[device]


@pytest.fixture
def cuda(monkeypatch: pytest.MonkeyPatch) -> Cuda:
    torch: Any = ModuleType("torch")
    torch.cuda = Cuda()
    monkeypatch.setitem(sys.modules, "torch", torch)
    return torch.cuda


def test_the_peak_of_a_cell_begins_anew(cuda: Cuda) -> None:
    memory = PeakMemory()
    memory.start(["loss.backward()"])
    cuda.peaks[1] = 2_000_000
    assert memory.metrics()[GPU_PEAK] == 2.0
    assert head_facts({"gpu_memory_bytes": 2e6}) == ["GPU memory 2.0 MB"]


def test_a_peak_that_the_user_measures_is_left_alone(cuda: Cuda) -> None:
    memory = PeakMemory()
    memory.start(["x = 1", "print(torch.cuda.max_memory_allocated())"])
    assert cuda.peaks == [5_000_000, 100]
    assert GPU_PEAK not in memory.metrics()  # an earlier cell has had as much
    cuda.peaks[1] = 7_000_000
    assert memory.metrics()[GPU_PEAK] == 7.0


def test_cuda_is_not_started_for_its_peak(monkeypatch: pytest.MonkeyPatch) -> None:
    torch: Any = ModuleType("torch")
    torch.cuda = SimpleNamespace(is_initialized=lambda: False)  # all else would fail
    monkeypatch.setitem(sys.modules, "torch", torch)
    memory = PeakMemory()
    memory.start()
    assert GPU_PEAK not in memory.metrics()
