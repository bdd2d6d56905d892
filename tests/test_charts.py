"""Charts of stored runs, figures of them, and how a run stands among earlier ones."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import nbtrack
from kernels import VIEW, Kernel, kernel
from nbtrack.errors import MissingDependencyError
from nbtrack.store import open_store
from nbtrack.views.chart.curves import Curve
from nbtrack.views.details.baselines import RunRank, read_rank
from nbtrack.views.drawing.axes import (
    axis_for,
    joined,
    nothing_text,
    smoothed,
    stands,
    x_axis_for,
)
from programs import python_path


def train(name: str, rate: float = 1.0, steps: int = 40) -> str:
    with nbtrack.start_run(run_name=name) as run:
        for i in range(steps):
            value = math.nan if i == 3 else rate / (i + 1)
            nbtrack.log_metrics(
                {"train_loss": value, "val_loss": value, "tokens": i * 10.0}, step=i
            )
    return run.info.run_id


# -- figures --------------------------------------------------------------------------------


def test_plot_gives_a_figure_with_a_subplot_for_each_group(workdir: Path) -> None:
    train("a")
    train("b", 2.0)
    figure = nbtrack.plot(["a", "b"], smoothing=0.5, log_y=True)
    assert [note.text for note in figure.layout.annotations] == ["loss", "tokens"]
    assert {trace.name for trace in figure.data if trace.showlegend} >= {"a train", "b val"}
    assert figure.layout.yaxis.type == "log"
    marks = [trace for trace in figure.data if trace.text]
    assert {tuple(trace.text) for trace in marks} == {("NaN",)}


def test_a_figure_of_nothing_says_so(workdir: Path) -> None:
    figure = nbtrack.plot()
    assert [note.text for note in figure.layout.annotations] == ["No metrics yet"]
    assert figure.layout.xaxis.visible is False


def test_a_chart_of_an_experiment_without_runs_says_where_there_are_some(workdir: Path) -> None:
    nbtrack.set_experiment("demo")
    with nbtrack.start_run():
        nbtrack.log_metric("loss", 1.0)
    nbtrack.set_experiment("empty")
    words = 'Runs are in demo (1): choose with experiment_names=["demo"].'
    assert nbtrack.plot().layout.title.text == words
    assert words in nbtrack.chart()._repr_mimebundle_()[0]["text/plain"]


def test_a_chart_gives_its_figure_with_a_metric_as_x_axis(workdir: Path) -> None:
    train("a")
    chart = nbtrack.chart("a", keys=["val_loss", "tokens"], x="tokens")
    loss = next(trace for trace in chart.figure().data if trace.name == "val")
    assert list(loss.x[:3]) == [0.0, 10.0, 20.0]
    assert chart.figure().layout.xaxis.title.text == "tokens"


@pytest.mark.parametrize("x", ["step", "time", "relative", "auto"])
def test_every_x_axis_makes_a_figure_and_a_picture(workdir: Path, x: str) -> None:
    train("a")
    chart = nbtrack.chart("a", x=x, smoothing=0.9, log_x=True)
    assert len(chart.figure().data) > 0
    bundle, _ = chart.finished_bundle()
    assert bundle[VIEW]["options"]["log_x"] is True


def test_a_figure_without_plotly_says_what_to_install(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train("a")
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "nbtrack\[plot\]"'):
        nbtrack.plot("a")


def test_a_metric_is_joined_by_step(workdir: Path) -> None:
    whole = Curve("a", "x", np.array([0, 2, 4]), np.zeros(3), np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(joined(np.array([0.0, 1.0, 4.0]), whole), [1.0, math.nan, 3.0])
    thinned = Curve("a", "x", whole.steps, whole.times, whole.values, total=50)
    np.testing.assert_array_equal(joined(np.array([1.0, 9.0]), thinned), [1.5, math.nan])
    assert x_axis_for("absent", [whole]).kind == "step"


def test_smoothing_does_not_depend_on_how_many_points_were_kept() -> None:
    x = np.arange(100_000.0)
    values = np.sin(x / 8000)
    whole = smoothed(values, 0.95, x, 100_000)
    few = smoothed(values[::50], 0.95, x[::50], 100_000)
    assert np.abs(whole[::50] - few).max() < 0.02


# -- charts of stored runs ------------------------------------------------------------------


def test_a_chart_of_many_runs_stays_small(workdir: Path) -> None:
    ids = [train(f"run-{i}", steps=5) for i in range(30)]
    chart = nbtrack.chart(ids)
    assert len(chart.runs) == 30
    bundle, metadata = chart.finished_bundle()
    assert len(str(bundle)) + len(str(metadata)) <= 50_000
    assert bundle["image/png"]


def test_a_chart_grows_with_a_run_of_another_process(workdir: Path) -> None:
    code = """
import nbtrack, sys
nbtrack.start_run(run_name="there")
for step in range(5):
    nbtrack.log_metric("loss", 1.0, step=step)
print("ready", flush=True)
sys.stdin.readline()
for step in range(5, 20):
    nbtrack.log_metric("loss", 1.0, step=step)
nbtrack.end_run()
"""
    other = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": python_path()},
    )
    assert other.stdout
    assert other.stdout.readline() == "ready\n"
    chart = nbtrack.chart("there")
    assert (len(chart.snapshot()[0]), chart.runs[0]["state"]) == (5, "RUNNING")
    other.communicate("\n", timeout=60)
    chart.refresh()
    assert (len(chart.snapshot()[0]), chart.runs[0]["state"]) == (20, "FINISHED")
    chart.close()


# -- worse than earlier runs ----------------------------------------------------------------


def rank(key: str = "val_loss") -> RunRank | None:
    with nbtrack.start_run(run_name="now") as run, open_store().read() as reader:
        return read_rank(reader, run.info, key)


def test_a_run_that_is_behind_nine_of_ten_is_told(workdir: Path) -> None:
    for i in range(10):
        train(f"run-{i}", rate=9.0 if i == 4 else 1.0)
    found = rank()
    assert found is not None
    steps = np.arange(12)
    found.add(steps, 2.0 / (steps + 1.0))
    assert found.message() == "val_loss is worse than 9 of 10 earlier runs at step 11"
    found.add(np.array([12, 13]), np.array([0.01, 0.01]))
    assert found.message() is None


def test_nothing_is_said_of_a_good_run_or_after_one_step(workdir: Path) -> None:
    for i in range(6):
        train(f"run-{i}")
    found = rank()
    assert found is not None
    found.add(np.array([0]), np.array([5.0]))
    assert found.message() is None
    found.add(np.array([1, 2]), np.array([0.1, 0.1]))
    assert found.message() is None


def test_nothing_is_compared_where_it_would_say_nothing(workdir: Path) -> None:
    for i in range(4):
        train(f"run-{i}")
    assert rank() is None  # too few
    for i in range(2):
        train(f"run-{i}")
    assert rank("tokens") is None  # nobody knows which way is better
    assert rank("absent") is None
    found = rank()
    assert found is not None
    found.add(np.array([90, 91]), np.array([5.0, 5.0]))  # no earlier run has come so far
    assert found.message() is None


# -- the card -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kernel]:
    with kernel(tmp_path_factory.mktemp("live"), NBTRACK_DISPLAY="live") as running:
        yield running


def test_a_parent_shows_the_curves_of_its_children(live: Kernel) -> None:
    out = live.run(
        "with nbtrack.start_run(run_name='sweep'):\n"
        "    for i in range(3):\n"
        "        with nbtrack.start_run(run_name=f'child-{i}', nested=True):\n"
        "            for step in range(5): nbtrack.log_metric('loss', i, step=step)"
    )
    (card,) = out.cards
    names = [(run["name"], run["role"], run["state"]) for run in card["runs"]]
    assert names[1:] == [(f"child-{i}", "plain", "FINISHED") for i in range(3)]
    assert [series["n"] for series in card["curves"]["series"]] == [5, 5, 5]


def test_the_card_says_that_a_run_falls_behind(live: Kernel) -> None:
    live.run(
        "for i in range(6):\n"
        "    with nbtrack.start_run(run_name=f'good-{i}'):\n"
        "        for step in range(20): nbtrack.log_metric('val_loss', 0.1, step=step)"
    )
    out = live.run(
        "%%track -e Default bad\n"
        "for step in range(20):\n"
        "    nbtrack.log_metric('val_loss', 1.0, step=step); time.sleep(0.1)"
    )
    said = [
        message["content"]["data"]["state"]["head"].get("standing")
        for message in out.messages
        if message["msg_type"] == "comm_msg"
        and "head" in message["content"]["data"].get("state", {})
    ]
    told = [text for text in said if text]
    assert told, said
    assert "val_loss is worse than 6 of 6 earlier runs" in told[-1]
    assert out.cards[0]["head"].get("standing") is None


CARD = "from nbtrack.notebook.cells import cells_of\ncells = cells_of(get_ipython())\n"


def test_stop_ends_a_run_that_is_open_while_no_cell_runs(live: Kernel) -> None:
    live.run(CARD + "run = nbtrack.start_run(run_name='open')")
    comm = live.value("cells.live[run.info.run_id]._card.model_id")
    stop = {"method": "custom", "content": {"type": "stop", "interrupted": True}}
    message = live.client.session.msg("comm_msg", {"comm_id": comm, "data": stop})
    live.client.shell_channel.send(message)
    assert live.value("run.info.status") == "KILLED"


def test_stop_interrupts_the_cell_where_the_kernel_hears_it(live: Kernel) -> None:
    out = live.run(
        CARD + "import threading\n"
        "with nbtrack.start_run(run_name='endless') as run:\n"
        "    card = cells.live[run.info.run_id]._card\n"
        "    stop = {'type': 'stop', 'interrupted': False}\n"
        "    threading.Timer(0.5, lambda: card._on_message(card, stop, [])).start()\n"
        "    time.sleep(60)"
    )
    assert out.error
    assert out.error[0] == "KeyboardInterrupt"
    assert out.cards[0]["head"]["state"] == "KILLED"


def test_a_picture_says_why_there_is_no_curve_and_its_labels_differ() -> None:
    nan, inf = np.full(3, np.nan), np.array([np.inf])
    assert nothing_text([nan], log=False) == "All 3 values are NaN"
    assert nothing_text([nan, inf], log=False) == "All 4 values are NaN or ∞"
    assert nothing_text([inf], log=False) == "The value is ∞"
    assert nothing_text([np.array([-1.0, 0.0])], log=True).startswith("No value is above 0")
    assert nothing_text([nan, np.array([1.0])], log=False) == ""
    labels = [label for _, label in axis_for(-1234567.5, -1234567.47, pad=0.06).ticks(4)]
    assert len(set(labels)) == len(labels) >= 3


def test_a_metric_without_steps_is_drawn_over_time_beside_others() -> None:
    one, two = np.zeros(2), np.array([0.0, 1.0])
    flat, steps = (Curve("a", key, at, two * 1000, two) for key, at in (("b", one), ("c", two)))
    assert x_axis_for("auto", [flat, steps], [flat]).kind == "relative"
    assert x_axis_for("auto", [flat, steps], [steps]).kind == "step"
    assert x_axis_for("step", [flat, steps], [flat]).kind == "step"
    assert (stands(one), stands(two), stands(one[:1])) == (True, False, False)
