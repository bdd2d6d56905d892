"""What a chart or a card leaves in the notebook: below 50 KB, and all curves or none."""

from __future__ import annotations

import base64
import json
import zlib

import numpy as np
import pytest

from nbtrack.views.chart.content import ChartContent, RunRef
from nbtrack.views.chart.curves import Curve, pack_curves
from nbtrack.views.chart.output import chart_bundle
from nbtrack.views.display import MAX_BYTES, VIEW_MIME
from nbtrack.views.widgets.run_card import RunCard
from nbtrack.views.widgets.runs_chart import RunsChart

# runs, metrics, whether all curves find room in the output
SIZES = [
    (1, 1, True),
    (12, 3, True),
    (1, 100, True),
    (20, 5, True),
    (1, 200, False),
]


def content(runs: int, keys: int, points: int = 120, **options: object) -> ChartContent:
    """Return a card of runs with noisy metrics."""
    rng = np.random.default_rng(runs * 1000 + keys)
    refs = [RunRef(f"{i:032x}", f"run-{i}") for i in range(runs)]
    steps = np.arange(points, dtype=float)
    curves = [
        Curve(ref.run_id, f"metric_{k}", steps, 1.7e12 + steps * 37, rng.normal(size=points))
        for ref in refs
        for k in range(keys)
    ]
    head = {"name": "run-0", "state": "FINISHED", "run_id": refs[0].run_id}
    return ChartContent(refs, curves, head=head, **options)  # type: ignore[arg-type]


def said(bundle: dict, metadata: dict) -> tuple[int, int, int]:
    """Return the size of an output, and how many curves it has and has not."""
    curves = bundle[VIEW_MIME]["curves"]
    return len(json.dumps([bundle, metadata])), len(curves["series"]), curves.get("left_out", 0)


@pytest.mark.parametrize(("runs", "keys", "fit"), SIZES)
def test_an_output_has_all_curves_or_says_that_it_has_none(runs: int, keys: int, fit: bool) -> None:
    bundle, metadata = chart_bundle(content(runs, keys))
    size, there, left_out = said(bundle, metadata)
    assert size <= MAX_BYTES
    assert (there, left_out) == ((runs * keys, 0) if fit else (0, runs * keys))
    assert len(bundle["image/png"]) > 8_000
    assert all(series["n"] >= 4 for series in bundle[VIEW_MIME]["curves"]["series"])


def test_long_names_and_long_texts_do_not_break_the_budget() -> None:
    key = "train/一つの長い名前/" * 12
    refs = [RunRef(f"{i:032x}", "名前" * 2000) for i in range(30)]
    value = np.where(np.arange(40) % 7, 1.0, np.nan)
    curves = [Curve(r.run_id, f"{key}{k}", value, value, value) for r in refs for k in range(2)]
    detail = {
        "code_diff": "+ # 説明\n" * 5000,
        "params": [[f"p{i}", "前" * 900, "後" * 900] for i in range(5000)],
    }
    head = {"name": refs[0].name, "state": "FAILED", "error": "誤り" * 9000}
    since = [{"label": "params", "text": "変" * 9000, "kind": "info"}]
    given = ChartContent(refs, curves, title="題" * 9000, head=head, since=since, detail=detail)
    bundle, metadata = chart_bundle(given)
    assert said(bundle, metadata)[0] <= MAX_BYTES
    assert bundle[VIEW_MIME]["cut"] is True
    assert bundle[VIEW_MIME]["detail"]["params"][-1][0].startswith("and ")


def test_a_secret_is_hidden_before_a_text_is_cut() -> None:
    secret = "sk-" + "a1B2" * 10
    run = RunRef("a", "x " * 190 + secret)
    bundle, _ = chart_bundle(ChartContent([run], head={"name": "y " * 990 + secret}))
    assert "sk-a1" not in json.dumps(bundle[VIEW_MIME])


def test_a_run_without_metrics_has_nothing_to_ask_for() -> None:
    bundle, metadata = RunCard([RunRef("a", "otter", "live")]).finished_bundle()
    assert said(bundle, metadata)[1:] == (0, 0)


def test_an_output_says_which_metrics_were_asked_for() -> None:
    chart = RunsChart(None, [RunRef("a", "otter")], [], ["loss"])  # type: ignore[arg-type]
    assert chart.finished_bundle()[0][VIEW_MIME]["keys"] == ["loss"]


def test_of_many_points_as_many_stay_as_there_is_room_for() -> None:
    curves = content(1, 3, points=5000).curves
    for budget in (2_000, 8_000, 32_000):
        assert budget * 0.6 <= len(json.dumps(pack_curves(curves, budget))) <= budget


@pytest.mark.parametrize("largest", [1e-300, 5e-324, 1.7e308, 0.25])
def test_values_that_float32_does_not_reach_are_kept(largest: float) -> None:
    values = np.array([largest, largest / 2, -largest, np.nan, np.inf])
    packed = pack_curves([Curve("a", "loss", np.arange(5), np.arange(5), values)], 10_000)
    (head,) = packed["series"]
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(packed["data"])), "<f4")[-5:]
    there = numbers.astype(float) * head.get("unit", 1.0)
    np.testing.assert_allclose(there, values, rtol=1e-6)
    assert ("unit" in head) == (largest != 0.25)
