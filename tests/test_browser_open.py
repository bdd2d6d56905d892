"""From a row of a notebook's table to the details of its run, and to a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from lab import Lab, Server, open_lab, serious_faults, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LOG = """
%load_ext nbtrack
import nbtrack
for name, lr in (("first", 0.1), ("second", 0.2)):
    with nbtrack.start_run(run_name=name):
        nbtrack.log_param("lr", lr)
        for step in range(20):
            nbtrack.log_metric("loss", lr / (step + 1), step=step)
        nbtrack.log_text("It went well.", "notes.txt")
"""
NO_OPENER = "() => { delete globalThis[Symbol.for('nbtrack.opener@1')]; }"


@pytest.fixture(scope="module")
def notebook(browser: Browser, server: Server) -> Iterator[Lab]:
    folder = server.folder / "rows"
    folder.mkdir()
    with open_lab(browser, server) as lab:
        lab.open(write_notebook(folder / "rows.ipynb", LOG, "nbtrack.runs()"))
        lab.run(0)
        lab.run(1)
        lab.table().wait_for("run_name", ["second", "first"])
        lab.done()
        yield lab


def test_a_name_opens_its_run_in_jupyterlab_and_two_runs_are_compared(notebook: Lab) -> None:
    page, table = notebook.page, notebook.table()
    for row in (0, 1):
        table.cell(row, "status").click(modifiers=["Control"])
    table.root.get_by_role("button", name="Compare").click()
    page.locator("#jp-main-dock-panel .nbt-comparison .main-svg").first.wait_for()
    page.get_by_role("tab", name="rows.ipynb").click()
    table.root.get_by_role("button", name="Clear").click()
    table.cell(1, "run_name").get_by_text("first").click()
    page.locator("#jp-main-dock-panel .nbt-details-name", has_text="first").wait_for()
    page.get_by_role("tab", name="rows.ipynb").click()


def test_where_nothing_else_opens_it_a_run_is_below_the_table(notebook: Lab) -> None:
    page, table = notebook.page, notebook.table()
    page.evaluate(NO_OPENER)
    table.cell(0, "run_name").get_by_text("second").click()
    below = notebook.cell(1).get_by_role("region", name="Run second")
    below.get_by_role("tab", name="Curves").click()
    below.locator(".nbt-stored-chart .main-svg").first.wait_for()
    below.get_by_role("tab", name="Artifacts").click()
    below.get_by_title("notes.txt").click()
    below.get_by_text("It went well.").wait_for()
    assert serious_faults(page, ".nbt-below") == []
    below.get_by_role("button", name="Close").click()
    below.wait_for(state="detached")
    for row in (0, 1):
        table.cell(row, "status").click(modifiers=["Control"])
    table.root.get_by_role("button", name="Compare").click()
    below = notebook.cell(1).get_by_role("region", name="Comparison")
    below.locator(".main-svg").first.wait_for()
    below.get_by_role("button", name="Close").click()
    table.root.get_by_role("button", name="Clear").click()


def test_a_tab_of_a_store_that_is_gone_says_so_and_closes(notebook: Lab) -> None:
    page = notebook.page
    lost = {"kind": "run", "store": "gone", "run_id": "x", "name": "lost", "tab": "curves"}
    notebook.command("nbtrack:open-run", target={**lost, "preview": False})
    tab = page.locator(".nbt-view:visible")
    box = tab.get_by_role("alert")
    box.get_by_role("heading", name="This store is gone").wait_for()
    assert box.count() == 1
    assert serious_faults(page, ".nbt-view:not(.lm-mod-hidden)") == []
    box.get_by_role("button", name="Close this tab").click()
    page.locator(".lm-TabBar-tabLabel", has_text="lost").wait_for(state="detached")


FOCUSED = """selector => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  return Boolean(element?.matches(selector));
}"""


def walk_to(page: Page, selector: str, key: str = "Tab") -> None:
    """Press a key until something of a selector has the focus."""
    for _ in range(60):
        if page.evaluate(FOCUSED, selector):
            return
        page.keyboard.press(key)
    pytest.fail(f"{key} does not lead to {selector}")


def test_table_and_comparison_are_used_with_the_keyboard_alone(notebook: Lab) -> None:
    page, keys, table = notebook.page, notebook.page.keyboard, notebook.table()
    page.evaluate(NO_OPENER)
    page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-command-mode')")
    walk_to(page, ".nbt-filter")
    keys.type("first")
    keys.press("Enter")
    table.wait_for("run_name", ["first"])
    keys.press("ControlOrMeta+a")
    keys.press("Delete")
    keys.press("Enter")
    table.wait_for("run_name", ["second", "first"])
    walk_to(page, "summary")
    keys.press("Enter")
    page.get_by_role("searchbox", name="Find a column").wait_for()
    keys.type("duration")
    keys.press("Enter")
    table.heading("duration").wait_for(state="detached")
    walk_to(page, ".nbt-columns ~ button")  # the popup closes behind the focus
    assert page.locator(".nbt-columnmenu:visible").count() == 0
    walk_to(page, ".ag-header-cell")
    walk_to(page, ".ag-header-cell[col-id='run_name']", "ArrowRight")
    for first in (["first", "second"], ["second", "first"]):
        keys.press("Enter")
        table.wait_for("run_name", first)
    walk_to(page, ".ag-row .ag-cell", "ArrowDown")
    for key in ("Space", "ArrowDown", "Space"):
        keys.press(key)
    table.root.get_by_text("2 of 2 runs selected").wait_for()
    walk_to(page, ".nbt-actions button")
    keys.press("Enter")
    below = notebook.cell(1).get_by_role("region", name="Comparison")
    below.locator(".main-svg").first.wait_for()
    walk_to(page, ".nbt-below [data-entry]")
    keys.press("Enter")
    below.locator("[data-entry][aria-pressed=false]").wait_for()
    assert serious_faults(page, ".nbt-below") == []
    keys.press("Escape")
    below.wait_for(state="detached")
    assert page.evaluate(FOCUSED, ".nbt-actions button")
