"""The line that says what is different since the last run."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from nbtrack.views.details.run_diff import RunFacts, run_diff

CHANGES = Path(__file__).parents[1] / "js/shared/test/code_changes.json"


def texts(now: RunFacts, before: RunFacts) -> dict[str, tuple[str, str]]:
    return {item["label"]: (item["text"], item["kind"]) for item in run_diff(now, before).items}


def test_changed_params_and_code_are_told_and_shown() -> None:
    before = RunFacts({"lr": "0.001", "gone": "1"}, source="lr = 1e-3\ntrain()\n")
    now = RunFacts({"lr": "0.0003", "new": "2"}, source="lr = 3e-4\ntrain()\nplot()")
    found = run_diff(now, before)
    assert texts(now, before) == {
        "lr": ("0.001 → 0.0003", "info"),
        "new": ("2 (new)", "info"),
        "gone": ("removed", "info"),
        "code": ("2 lines changed", "info"),
    }
    assert found.detail["params"][0] == ["lr", "0.001", "0.0003"]
    assert "-lr = 1e-3\n+lr = 3e-4" in found.detail["code_diff"]


@pytest.mark.parametrize(("before", "now", "lines"), json.loads(CHANGES.read_text("utf-8")))
def test_changed_lines_are_counted_as_in_comparisons(before: str, now: str, lines: int) -> None:
    said = texts(RunFacts(source=now), RunFacts(source=before)).get("code", ("0 ", ""))[0]
    assert int(said.split()[0]) == lines


@pytest.mark.parametrize(
    ("key", "now", "before", "text", "kind"),
    [
        ("val_loss", 0.231, 0.241, "0.231 (4.1 % better)", "better"),
        ("val_loss", 0.3, 0.2, "0.3 (50 % worse)", "worse"),
        ("accuracy", 0.9, 0.8, "0.9 (12 % better)", "better"),
        ("loss", 0.2, 0.2, "0.2 (same)", "same"),
        ("width", 3.0, 2.0, "3 (+50 %, unsure if better)", "info"),
        ("loss", 0.2, 0.0, "0.2 (worse, was 0)", "worse"),
        ("loss", math.nan, 0.5, "NaN (was 0.5)", "worse"),
        ("r2", 0.5, -0.5, "0.5 (better, was −0.5)", "better"),
    ],
)
def test_metrics_are_compared_the_way_they_get_better(
    key: str, now: float, before: float, text: str, kind: str
) -> None:
    found = texts(RunFacts(metrics={key: now}), RunFacts(metrics={key: before}))
    assert found[key] == (text, kind)


def test_the_telling_metrics_come_first_and_the_machine_is_left_out() -> None:
    names = ["epoch", "train_loss", "val_acc", "val_loss", "system/cpu"]
    facts = RunFacts(metrics=dict.fromkeys(names, 1.0))
    assert [item["label"] for item in run_diff(facts, facts).items] == [
        "val_loss",
        "val_acc",
        "train_loss",
    ]


def test_durations_are_compared_where_they_differ() -> None:
    assert texts(RunFacts(duration_s=18), RunFacts(duration_s=20))["took"][0] == "18 s (−2.0 s)"
    assert texts(RunFacts(duration_s=18), RunFacts(duration_s=18.1))["took"][0] == "18 s"


def test_a_run_that_was_cut_short_is_not_judged() -> None:
    now = RunFacts({"lr": "1"}, {"loss": 5.0}, duration_s=1.0, finished=False)
    before = RunFacts({"lr": "2"}, {"loss": 1.0}, duration_s=9.0)
    assert texts(now, before).keys() == {"lr"}


def test_nothing_changed_is_said() -> None:
    facts = RunFacts({"lr": "1"}, source="lr = 1")
    assert texts(facts, facts) == {"code and params": ("same", "same")}


def test_many_params_are_summed_up() -> None:
    before = RunFacts({f"p{i}": "0" for i in range(9)})
    now = RunFacts({f"p{i}": "1" for i in range(9)})
    found = texts(now, before)
    assert len(found) == 5
    assert found["and"] == ("5 more params", "info")
