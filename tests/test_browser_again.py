"""What came of running a run again, in the page of ``nbtrack ui``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lab import PACKAGE, browser, serious_faults
from programs import run
from ui_page import Ui, Window
from walks import walk_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser

__all__ = ["browser"]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

RUNS = """
import json, math
import nbtrack
from nbtrack.entities.runs import REPRODUCED, VERDICT

nbtrack.set_tracking_uri("shown.duckdb")
nbtrack.set_experiment("digits")
for name, reproduced, result in (
    ("never", "", ""), ("broken", "failed", "failed"), ("same", "yes", "exact"),
    ("other", "no", "different"),
):
    with nbtrack.start_run(run_name=name) as started:
        nbtrack.log_params({"lr": 0.1})
        for step in range(20):
            nbtrack.log_metrics({"loss": math.exp(-step / 10), "acc": step / 40}, step=step)
        if reproduced:
            verdict = {"date": 4_099_723_200_000, "result": result, "cells": "all"}
            if reproduced == "no":
                verdict |= {"differs": ["loss"], "cause": "not deterministic"}
            nbtrack.set_tags({REPRODUCED: reproduced, VERDICT: json.dumps(verdict)})
        if reproduced == "failed":
            nbtrack.set_tag("nbtrack.warnings", "hidden state, unseeded")
rows = [
    {"kind": "param", "key": "lr", "result": "exact", "then": "0.1", "now": "0.1"},
    {"kind": "metric", "key": "loss", "result": "different", "then": 0.1495686192226351,
     "now": 0.2865047968601901, "detail": "11 % of its range"},
]
steps = list(range(20))
curves = {"loss": {"steps": steps, "values": [math.exp(-step / 16) for step in steps]},
          "acc": {"steps": steps, "values": [step / 40 for step in steps]}}
report = {"version": 1, "comparison": rows, "curves": curves}
nbtrack.log_text("lr = 0.1", ".nbtrack/cell.py", run_id=started.info.run_id)
nbtrack.log_dict(report, ".nbtrack/reproduced.json", run_id=started.info.run_id)
print(started.info.run_id)
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("again")


@pytest.fixture(scope="module")
def run_id(folder: Path) -> str:
    return run(RUNS, cwd=folder).split()[-1]


@pytest.fixture(scope="module")
def ui(folder: Path, run_id: str) -> Iterator[Ui]:
    if not (PACKAGE / "static" / "page" / "page.js").is_file():
        pytest.fail("The page is not built. Build: cd js && npm ci && npm run build")
    started = Ui(folder)
    yield started
    assert started.interrupt() == 0


@pytest.fixture
def window(browser: Browser, ui: Ui) -> Iterator[Window]:
    opened = Window(browser, ui)
    yield opened
    opened.close()


def test_a_run_shows_its_verdict_and_both_curves(window: Window, run_id: str) -> None:
    page = window.page
    window.experiment("digits")
    page.keyboard.press("/")
    page.keyboard.type("attributes.reproduced = 'no'")
    page.keyboard.press("Enter")
    window.wait_for_runs(["other"])
    window.table.root.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Reproduced").click()
    page.keyboard.press("Escape")
    window.table.wait_for("reproduced", ["differs in loss (not deterministic), 2099-11-30"])
    window.show(f"#/runs/{run_id}")
    page.get_by_text("differs in loss, 2099").wait_for()
    page.get_by_role("tab", name="Run again").click()
    page.get_by_text("not deterministic").last.wait_for()
    cells = page.locator("[aria-label='Then and now'] tbody tr").first.locator("th, td")
    assert cells.all_inner_texts()[:5] == [
        "loss",
        "metric",
        "0.1495686192226351",
        "0.2865047968601901",
        "different",
    ]
    lines = page.locator(".xy .js-line")
    lines.nth(3).wait_for()  # of both metrics, both curves
    dashes = lines.evaluate_all("all => all.map(line => line.style.strokeDasharray)")
    assert sorted(dashes) == ["", "", "6px, 4px", "6px, 4px"]
    assert serious_faults(page, "body") == []
    page.locator(".nbt-details-head").get_by_role("button", name="Run again").click()
    field = page.get_by_label("The command")
    assert field.input_value() == f"nbtrack rerun {run_id}"
    assert serious_faults(page, "dialog") == []


def test_a_verdict_is_read_with_the_keyboard_alone(window: Window, run_id: str) -> None:
    page, keys = window.page, window.page.keyboard
    window.show(f"#/runs/{run_id}")
    page.get_by_text("differs in loss, 2099").wait_for()
    walk_to(page, "[role=tab][aria-selected=true]")
    keys.press("End")
    panel = page.get_by_role("tabpanel", name="Run again")
    panel.locator(".xy .js-line").nth(3).wait_for()
    walk_to(page, "[role=tabpanel]")
    walk_to(page, "[aria-label='Then and now']")
    walk_to(page, "[aria-label='Smoothing']")
    keys.press("ArrowRight")
    panel.locator("output", has_text="0.01").wait_for()
    walk_to(page, "[data-entry]")
    keys.press("Enter")
    panel.locator("[data-entry][aria-pressed=false]").wait_for()
    walk_to(page, ".nbt-plotbox")
    keys.press("+")
    panel.get_by_role("button", name="Reset zoom").wait_for()
    assert serious_faults(page, "body") == []


@pytest.mark.parametrize("width", [300, 400])
def test_in_a_narrow_panel_the_whole_verdict_is_in_sight(
    window: Window, run_id: str, width: int
) -> None:
    page = window.page
    window.show(f"#/runs/{run_id}")
    # what is as wide as the side panel of Notebook 7, in the page that is started sooner
    page.locator("main").evaluate(f"main => {{ main.style.cssText = 'width: {width}px' }}")
    for name in ("Overview", "Run again", "Lineage"):
        page.get_by_role("tab", name=name).click()
        panel = page.get_by_role("tabpanel", name=name)
        panel.get_by_role("table").first.or_(panel.locator(".nbt-lineage")).first.wait_for()
        wide = "e => e.scrollWidth > e.clientWidth"
        assert not any(each.evaluate(wide) for each in panel.locator(".nbt-scroller").all())
        assert not page.locator("main").evaluate(wide)
    page.get_by_role("tab", name="Run again").click()
    rows = page.get_by_role("table", name="Then and now").get_by_role("row")
    result = rows.nth(1).get_by_role("cell").filter(has_text="different")
    box, edge = result.bounding_box(), page.locator("main").bounding_box()
    assert box is not None
    assert edge is not None
    assert box["x"] + box["width"] <= edge["x"] + width
    assert serious_faults(page, "main") == []


def test_rows_have_a_sign_of_what_speaks_against_having_a_run_again(window: Window) -> None:
    window.experiment("digits")
    window.wait_for_runs(["other", "same", "broken", "never"])
    names = window.table.root.locator("[data-warnings]")
    assert names.count() == 1
    sign = window.table.cell(2, "run_name").get_by_role("img")
    assert sign.get_attribute("aria-label") == "warnings: hidden state, unseeded"
    window.table.filter("attributes.warnings LIKE '%unseeded%'")
    window.wait_for_runs(["broken"])
    window.table.filter("attributes.warnings IS NULL")
    window.wait_for_runs(["other", "same", "never"])
    assert serious_faults(window.page, "body") == []
