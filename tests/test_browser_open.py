"""From a row of a notebook's table to the details of its run, and to a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from lab import Lab, Server, open_lab, serious_faults, write_notebook
from nbtrack.client import Client
from walks import FOCUSED, WATCH, Details, walk_to

if TYPE_CHECKING:
    from playwright.sync_api import Browser

browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

LOG = """
%load_ext nbtrack
import nbtrack
from PIL import Image
for name, lr in (("first", 0.1), ("second", 0.2)):
    with nbtrack.start_run(run_name=name):
        nbtrack.log_params({"lr": lr, **{f"layer_{i}": i for i in range(14)}})
        nbtrack.set_tag("stage", "final")
        for step in range(20):
            nbtrack.log_metric("loss", lr / (step + 1), step=step)
        for step in (0, 1):
            nbtrack.log_image(Image.new("RGB", (64, 48), "teal"), key="samples", step=step)
        nbtrack.log_text("It went well.", "notes.txt")
        nbtrack.log_text("And further?", "more/ideas.txt")
"""
ROW = "[row-index='1'] [col-id=run_name]"
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


@pytest.fixture(scope="module")
def details(notebook: Lab) -> Details:
    """The details of a run, opened with the keyboard from its row."""
    found = Details(notebook)
    found.page.evaluate("() => jupyterapp.commands.execute('notebook:enter-command-mode')")
    for selector, key in (
        (".nbt-filter", "Tab"),
        (".ag-header-cell", "Tab"),
        (".ag-header-cell[col-id=run_name]", "ArrowRight"),
        (ROW, "ArrowDown"),
    ):
        found.walk(selector, key)
    found.press("Enter")
    found.has_focus("[role=tab][aria-selected=true]")
    found.page.evaluate(WATCH)
    return found


@pytest.fixture(scope="module")
def client(server: Server) -> Client:
    return Client(server.folder / "rows" / "nbtrack.duckdb")


def test_a_note_is_written_and_the_focus_stays(details: Details, client: Client) -> None:
    panel = details.tab("Overview")
    details.walk(".nbt-note-field")
    details.page.keyboard.type("good")
    details.press("Control+Enter")
    panel.get_by_role("status").get_by_text("Saved").wait_for()
    (run,) = client.search_runs(["0"], "attributes.run_name = 'first'")
    assert run.data.tags["mlflow.note.content"] == "good"
    details.page.keyboard.type(" enough")
    details.press("Tab")  # leaving it saves it, too
    panel.get_by_role("status").get_by_text("Saved").wait_for()
    client.log_metric(run.info.run_id, "from elsewhere", 1)
    client.set_tag(run.info.run_id, "and", "another")
    panel.get_by_role("button", name="and another").wait_for()
    details.has_focus("[title='Change this tag']:not(:first-child)")
    note = panel.get_by_role("textbox", name="Note")
    assert note.input_value() == "good enough"
    details.is_fine()


def test_a_tag_is_added_and_running_again_is_thought_over(details: Details) -> None:
    panel = details.tab("Overview")
    details.walk(".nbt-chip-add")
    details.press("Enter")
    details.page.get_by_role("dialog").get_by_label("Tag").wait_for()
    details.page.keyboard.type("kept")
    details.press("Tab")
    details.page.keyboard.type("yes")
    details.press("Enter")
    panel.get_by_role("button", name="kept yes").wait_for()
    details.has_focus(".nbt-chip-add")
    details.walk(".nbt-buttons :nth-child(2)", "Shift+Tab")
    details.press("Enter")
    details.page.get_by_role("dialog").get_by_text("The code").wait_for()
    details.press("Escape")
    details.has_focus(".nbt-buttons :nth-child(2)")
    details.walk(".nbt-tab")


def test_curves_are_zoomed_and_shown_whole_again(details: Details) -> None:
    panel = details.tab("Curves")
    panel.locator(".nbt-plotbox .main-svg").first.wait_for()
    details.walk(".nbt-plotbox")
    details.press("+")
    panel.get_by_role("button", name="Reset zoom").wait_for()
    details.walk(".nbt-reset", "Shift+Tab")
    details.press("Enter")
    panel.get_by_role("button", name="Reset zoom").wait_for(state="hidden")
    details.has_focus(".nbt-toolbar button")
    details.is_fine()


def test_params_and_packages_are_looked_for(details: Details) -> None:
    for tab, word, found in (
        ("Params", "layer_13", "13"),
        ("Environment", "no package", "Nothing of this name."),
    ):
        panel = details.tab(tab)
        details.walk("[type=search]")
        details.page.keyboard.type(word)
        panel.get_by_text(found, exact=True).wait_for()
        details.is_fine()


def test_an_image_is_enlarged_and_its_steps_are_gone_through(details: Details) -> None:
    panel = details.tab("Images")
    panel.get_by_role("button", name="Enlarge samples, step 1").wait_for()
    details.walk(".nbt-shot")
    details.press("Enter")
    details.page.get_by_role("dialog", name="samples").wait_for()
    details.press("Escape")
    details.has_focus(".nbt-shot")
    details.walk(".nbt-step-range")
    details.press("ArrowLeft")
    panel.get_by_role("button", name="Enlarge samples, step 0").wait_for()
    details.is_fine()


def test_a_file_is_opened_and_read(details: Details) -> None:
    panel = details.tab("Artifacts")
    panel.get_by_role("treeitem", name="more").wait_for()
    details.walk("[role=tree]")
    panel.get_by_text("It went well.").wait_for()
    for key in ("ArrowUp", "ArrowRight"):
        details.press(key)
    panel.get_by_role("treeitem", name="ideas.txt").wait_for()
    details.press("ArrowDown")
    panel.get_by_text("And further?").wait_for()
    details.walk(".nbt-preview a")
    details.walk(".nbt-preview pre")
    details.is_fine()


def test_source_and_origin_are_read(details: Details) -> None:
    details.tab("Source").get_by_text("log_image").wait_for()
    details.walk(".nbt-code")
    details.is_fine()
    details.tab("Overview")
    details.walk("[aria-label='Where loss comes from']")
    details.press("Enter")
    panel = details.root.get_by_role("tabpanel", name="Lineage")
    details.has_focus("[role=tab][data-tab=lineage]")
    whole = panel.get_by_role("button", name="Show all of the run")
    whole.wait_for()
    details.walk(".nbt-origin button")
    details.press("Enter")
    whole.wait_for(state="detached")
    details.has_focus("[role=tab][data-tab=lineage]")
    details.is_fine()


def test_closing_the_details_leads_back_to_the_row(details: Details) -> None:
    assert details.page.evaluate("() => lost") == []
    details.page.evaluate("() => cancelAnimationFrame(watching)")
    details.press("Alt+w")
    details.has_focus(ROW)


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
