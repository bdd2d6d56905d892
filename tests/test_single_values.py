"""Metrics of one point are listed in pictures of charts, and are plots with the second point."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve
from nbtrack.views.drawing import png
from nbtrack.views.drawing.canvas import Canvas
from nbtrack.views.drawing.svg import draw_svg

RUNS = [RunRef("a", "otter", "live"), RunRef("b", "heron", "last")]


def curve(run: str, key: str, *values: float) -> Curve:
    steps = np.arange(len(values), dtype=float)
    return Curve(run, key, steps, 1.7e12 + steps * 1000, np.array(values, dtype=float))


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, float, float]]:
    """Texts as they are written, with their places."""
    written: list[tuple[str, float, float]] = []
    plain = Canvas.text

    def text(canvas: Canvas, x: float, y: float, words: str, **look: Any) -> None:
        if words:
            written.append((words, x, y))
        plain(canvas, x, y, words, **look)

    monkeypatch.setattr(Canvas, "text", text)
    return written


def words(drawn: list[tuple[str, float, float]]) -> list[str]:
    return [text for text, _, _ in drawn]


def test_a_fit_has_names_and_values_in_place_of_plots(
    drawn: list[tuple[str, float, float]],
) -> None:
    keys = [f"training_m{i}" for i in range(9)]
    picture = png.draw_chart(ChartContent(RUNS[:1], [curve("a", key, 0.5) for key in keys]))
    assert words(drawn)[:3] == ["m0", "train", "0.5"]
    assert words(drawn).count("0.5") == 9
    assert picture.height < 9 * 20  # several beside each other


def test_splits_stand_beside_each_other_and_the_last_run_behind(
    drawn: list[tuple[str, float, float]],
) -> None:
    curves = [curve("a", "train_f1", 0.98), curve("a", "val_f1", 0.9583), curve("a", "rows", 7)]
    png.draw_chart(ChartContent(RUNS, [*curves, curve("b", "val_f1", 0.951)]))
    assert words(drawn) == ["f1", "train", "0.98", "val", "0.9583", "last 0.951", "rows", "7"]
    places = {text: (x, y) for text, x, y in drawn}
    assert len({places[text][1] for text in ("f1", "0.98", "0.9583", "last 0.951")}) == 1


def test_a_plot_stays_where_any_curve_has_two_points_and_stands_first(
    drawn: list[tuple[str, float, float]],
) -> None:
    curves = [curve("a", "f1", 0.25), curve("a", "loss", 3.0), curve("b", "loss", 5.0, 4.0)]
    assert png.draw_chart(ChartContent(RUNS, curves)).height > png.PANEL_HEIGHT
    heights = {text: y for text, _, y in drawn}
    assert "last run: heron" in heights
    assert heights["loss"] + png.PANEL_HEIGHT < heights["f1"] == heights["0.25"]


def test_several_runs_are_columns_as_many_as_fit(drawn: list[tuple[str, float, float]]) -> None:
    runs = [RunRef(str(i), f"run-{i}") for i in range(30)]
    curves = [
        curve(run.run_id, key, i + 0.5) for key in ("f1", "auc") for i, run in enumerate(runs)
    ]
    png.draw_chart(ChartContent(runs, curves))
    at = {text: x for text, x, _ in drawn}
    assert at["run-1"] == at["1.5"] < at["run-2"] == at["2.5"]  # below its head, to the right edge
    shown = sum(text.endswith(".5") for text in words(drawn)) // 2
    assert f"and {30 - shown} more" in words(drawn)


def test_very_many_values_do_not_break_a_picture(drawn: list[tuple[str, float, float]]) -> None:
    curves = [curve("a", f"m{i}", i) for i in range(1000)]
    picture = png.draw_chart(ChartContent(RUNS[:1], curves))
    assert len(picture.png) <= 27_000
    assert words(drawn)[-1].startswith("and 9")


def test_the_drawing_of_a_comparison_lists_them() -> None:
    runs = [RunRef(str(i), f"run<{i}") for i in range(10)]
    svg = draw_svg(ChartContent(runs, [curve(run.run_id, "f1", 0.25) for run in runs]))
    assert svg.count(">0.25<") == 8
    assert ">and 2 more<" in svg
    assert "run&lt;0" in svg
