"""A comparison in a real JupyterLab: Python sees what is brushed, and the other way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from lab import ROOT, Lab, Server, open_lab, serious_faults, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

# the fixtures of this module
browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETUP = f"""
import sys; sys.path.insert(0, {str(ROOT / "tests")!r})
import nbtrack, sweeps
ids = sweeps.log_sweep(20)
comparison = nbtrack.compare(metric="val_acc")
comparison
"""
SAY = "print(sorted(comparison.selected['tags.mlflow.runName']), comparison.brushes)"
SET = "comparison.selected = ['adam-0', 'sgd-1']"
MORE = """
import threading
def log():
    with nbtrack.start_run(run_name="later"):
        nbtrack.log_params({"lr": 0.01, "hidden": 8, "optimizer": "adam", "seed": 0})
        nbtrack.log_metrics({"train_loss": 0.5, "val_acc": 0.9}, step=0)
threading.Timer(2, log).start()  # who runs a cell has the focus there
"""
BRUSH = "comparison.brush({'column': 'params.optimizer', 'values': ['sgd']})"


@pytest.fixture(scope="module")
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """A notebook that compares twenty small runs; the tests go on with it in turn."""
    path = write_notebook(server.folder / "compare.ipynb", SETUP, SAY, SET, BRUSH, MORE)
    with open_lab(browser, server) as opened:
        opened.page.set_viewport_size({"width": 1280, "height": 2400})
        opened.open(path)
        opened.run(0)
        opened.page.locator(".nbt-parallel[data-runs='20']").wait_for()
        opened.done()
        # what comes later moves what stands below it
        opened.page.locator(".nbt-cmp .nbt-plot[data-points]").first.wait_for()
        opened.page.locator(".nbt-importance tbody tr").first.wait_for()
        yield opened


def said(lab: Lab) -> str:
    """Run the cell that prints the selection, and return what it printed."""
    cell = lab.cell(1)
    before = cell.locator(".jp-InputPrompt").inner_text()
    lab.run(1)
    lab.page.wait_for_function(
        "([cell, before]) => ![before, '[*]:'].includes("
        "cell.querySelector('.jp-InputPrompt').innerText.trim())",
        arg=[cell.element_handle(), before.strip()],
    )
    return cell.locator(".jp-OutputArea-output").inner_text()


def axis(lab: Lab, name: str) -> Locator:
    return lab.page.locator(f".nbt-parallel g[data-axis='{name}'] .nbt-strip")


def wait_for_kept(lab: Lab, count: int) -> None:
    lab.page.locator(f".nbt-parallel[data-kept='{count}']").wait_for()


def test_a_brush_selects_rows_and_python_sees_it(lab: Lab) -> None:
    axis(lab, "params.optimizer").scroll_into_view_if_needed()
    box = axis(lab, "params.optimizer").bounding_box()
    assert box
    middle = box["x"] + box["width"] / 2
    lab.page.mouse.move(middle, box["y"] + box["height"] * 0.55)
    lab.page.mouse.down()
    lab.page.mouse.move(middle, box["y"] + box["height"] - 2, steps=4)
    lab.page.mouse.up()
    wait_for_kept(lab, 10)
    lab.page.locator(".ag-row[aria-selected='true']").first.wait_for()
    text = said(lab)
    assert "'adam-0'" in text
    assert "sgd" not in text.split("]")[0]
    assert "'values': ['adam']" in text


def test_a_typed_range_is_a_brush_too(lab: Lab) -> None:
    page = lab.page
    page.locator(".nbt-axis-heads button[data-axis='params.hidden']").focus()
    page.keyboard.press("Enter")
    page.get_by_label("Highest of hidden").fill("8")
    page.keyboard.press("Tab")
    page.wait_for_function(
        "() => Number(document.querySelector('.nbt-parallel').dataset.kept) < 10"
    )
    assert "'params.hidden'" in said(lab)
    page.keyboard.press("Escape")


def test_python_selects_in_the_page(lab: Lab) -> None:
    lab.run(2)
    wait_for_kept(lab, 2)
    page = lab.page
    page.locator("[data-part='code'] [data-kind='new']").first.wait_for()
    assert page.locator(".nbt-diffpart[data-part='params'] tbody tr").count() >= 2
    page.wait_for_function("() => !document.querySelector('.nbt-brush')")
    lab.run(3)
    wait_for_kept(lab, 10)
    page.locator(".nbt-brush").wait_for()


def test_axes_are_moved_with_the_keyboard(lab: Lab) -> None:
    heads = lab.page.locator(".nbt-axis-heads button")
    first = heads.nth(0).get_attribute("data-axis")
    heads.nth(0).focus()
    lab.page.keyboard.press("Shift+ArrowRight")
    lab.page.wait_for_function(
        "name => document.activeElement.dataset.axis === name "
        "&& document.activeElement.previousElementSibling",
        arg=first,
    )
    assert heads.nth(1).get_attribute("data-axis") == first


def test_a_run_stands_out_everywhere(lab: Lab) -> None:
    row = lab.page.locator(".nbt-cmp .ag-row[row-id]").nth(3)
    run_id = row.get_attribute("row-id")
    row.hover()
    for plot in ("parallel", "scatter"):
        lab.page.locator(f".nbt-{plot}[data-highlight='{run_id}']").wait_for()
    dots = lab.page.locator(".nbt-scatter")
    dots.hover(position={"x": 5, "y": 5})
    lab.page.wait_for_function("() => !document.querySelector('[data-highlight]')")


def test_a_control_keeps_the_focus_when_the_runs_change(lab: Lab) -> None:
    choice = lab.page.get_by_label("Judge by").first
    lab.run(4)
    lab.done()
    choice.focus()
    lab.page.locator(".nbt-parallel[data-runs='21']").wait_for()
    assert choice.evaluate("element => element === document.activeElement")
    toggle = lab.page.get_by_role("button", name="Param importance", exact=True)
    toggle.focus()
    for pressed in ("false", "true"):
        lab.page.keyboard.press("Enter")
        assert toggle.get_attribute("aria-pressed") == pressed


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_fault(lab: Lab, theme: str) -> None:
    lab.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    lab.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    assert serious_faults(lab.page, ".nbt-comparison") == []


def test_what_is_saved_shows_without_a_kernel(lab: Lab) -> None:
    lab.save()
    cells = json.loads(lab.path.read_text("utf-8"))["cells"]
    output = cells[0]["outputs"][-1]["data"]
    assert len(json.dumps(output)) < 50_000
    saved = Path(lab.path).with_name("saved.ipynb")
    saved.write_text(lab.path.read_text("utf-8"), "utf-8")
    with open_lab(lab.page.context.browser, lab.server) as fresh:  # type: ignore[arg-type]
        fresh.page.set_viewport_size({"width": 1280, "height": 2000})
        fresh.open(saved)
        fresh.page.locator(
            ".nbtrack-output[data-mode='saved'] .nbt-parallel[data-runs='20']"
        ).wait_for()
        fresh.page.locator(".nbtrack-output .ag-row[row-id]").first.wait_for()
        fresh.page.locator(".nbtrack-output .nbt-plot[data-points]").first.wait_for()
