"""The table of 10,000 runs in a real JupyterLab, with pointer and keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from big_store import make_store
from lab import Lab, Server, Table, open_lab, serious_faults, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = "%load_ext nbtrack\nimport nbtrack"
SHOW = """
table = nbtrack.runs()
table.columns = ["run_name", "status", "params.p0", "metrics.loss", "curves.loss", "tags.team"]
table
"""
SCROLL = """([root, part]) => {
  const view = root.querySelector('.ag-grid-viewport');
  view.scrollTop = part * view.scrollHeight;
}"""
RUNS = 10_000


@pytest.fixture(scope="module")
def big(browser: Browser, server: Server) -> Iterator[Lab]:
    """A notebook with a table of 10,000 runs, and a cell to look at it from Python."""
    folder = server.folder / "big"
    folder.mkdir()
    make_store(folder, RUNS)
    with open_lab(browser, server) as lab:
        lab.open(write_notebook(folder / "big.ipynb", SETUP, SHOW, "pass"))
        lab.run(0)
        lab.run(1)
        lab.table().cell(0, "run_name").wait_for()
        lab.done()
        yield lab


@pytest.fixture
def table(big: Lab) -> Table:
    """The table as it was at first."""
    run_python(big, "table.filter, table.sort, table.group, table.selected_ids = '', [], [], []")
    found = big.table()
    found.wait_for_total(RUNS)
    found.root.evaluate(f"(root) => ({SCROLL})([root, 0])")
    found.cell(0, "run_name").filter(has_text="run-09999").wait_for()
    return found


def run_python(lab: Lab, code: str) -> str:
    """Run code in the last cell, and return what it prints."""
    place = "window.jupyterapp.shell.currentWidget.content.widgets[2].model"
    lab.page.evaluate(f"code => {{ {place}.sharedModel.setSource(code); }}", code)
    lab.run(2)
    lab.done()
    return (lab.cell(2).locator(".jp-OutputArea").text_content() or "").strip()


def test_last_row_is_a_scroll_away(table: Table) -> None:
    table.root.evaluate(f"(root) => ({SCROLL})([root, 1])")
    table.cell(RUNS - 1, "run_name").filter(has_text="run-00000").wait_for()
    assert table.root.locator(".ag-row").count() < 100
    counted = table.root.locator("[aria-rowcount]").first.get_attribute("aria-rowcount")
    assert int(counted or 0) >= RUNS


def test_headings_sort_all_runs(table: Table) -> None:
    table.heading("metrics.loss").click()
    best = table.root.locator(".ag-row[row-index='0'] .nbt-best")
    best.wait_for()
    assert table.cell(0, "metrics.loss").text_content() == best.text_content() == "0.04979"
    table.heading("metrics.loss").click()
    table.cell(0, "metrics.loss").filter(has_text="1.05").wait_for()


def test_filters_take_words_and_the_grammar_and_say_what_is_wrong(table: Table, big: Lab) -> None:
    table.filter("run-0042")
    table.wait_for_total(10)
    table.filter("metrics.loss <")
    said = table.root.get_by_role("alert")
    said.wait_for()
    assert "a value is expected" in said.inner_text()
    table.filter("metrics.loss < 0.06 and tags.team = 'red'")
    said.wait_for(state="hidden")
    table.wait_for_total(int(run_python(big, "print(len(table.frame()))")))


def test_selection_is_a_frame_in_python_and_comes_back(table: Table, big: Lab) -> None:
    table.cell(1, "status").click()
    # ipywidgets sends the next change when the kernel has answered to the last one
    assert run_python(big, "print(*table.selected['tags.team'])") == "green"
    table.cell(3, "status").click(modifiers=["Control"])
    assert run_python(big, "print(*table.selected['tags.team'])") == "green red"
    assert run_python(big, "table.selected = ['run-09999']; print(len(table.selected))") == "1"
    table.root.locator(".ag-row[row-index='0'] [aria-checked=true]").wait_for()
    assert table.root.locator("[aria-checked=true]").count() == 1


def test_name_is_edited_in_place_and_refused_with_the_reason(table: Table, big: Lab) -> None:
    table.cell(2, "run_name").dblclick()
    table.root.locator(".ag-cell-inline-editing input").fill("renamed")
    big.page.keyboard.press("Enter")
    table.root.get_by_text("Saved").wait_for()
    assert run_python(big, "print(nbtrack.runs('renamed').frame().run_name.iloc[0])") == "renamed"
    table.cell(2, "run_name").dblclick()
    table.root.locator(".ag-cell-inline-editing input").fill("  ")
    big.page.keyboard.press("Enter")
    table.root.get_by_text("A run needs a name").wait_for()
    table.cell(2, "run_name").filter(has_text="renamed").wait_for()


def test_seeds_are_folded_and_opened(table: Table, big: Lab) -> None:
    table.root.get_by_role("button", name="Group").click()
    big.page.get_by_role("menuitemradio", name="Fold seeds").click()
    group = table.cell(0, "run_name").locator(".nbt-group")
    group.wait_for()
    assert "±" in (table.cell(0, "metrics.loss").text_content() or "")
    rows = int(table.root.get_attribute("data-total") or 0)
    assert rows < RUNS / 4
    group.click()
    table.root.locator(".ag-row[row-index='1'] .nbt-child").wait_for()
    assert run_python(big, "print(table.group)") == "['seeds']"


def test_a_menu_stays_at_its_button_when_the_notebook_scrolls(table: Table, big: Lab) -> None:
    button = table.root.get_by_role("button", name="Group")
    button.click()
    menu = big.page.get_by_role("menu", name="Group")
    before = menu.bounding_box()
    scrolled = "root => { root.closest('.jp-WindowedPanel-outer').scrollTop += 40; }"
    table.root.evaluate(scrolled)
    big.page.wait_for_function(
        "([menu, top]) => menu.getBoundingClientRect().top < top - 30",
        arg=[menu.element_handle(), before and before["y"]],
    )
    big.page.keyboard.press("Escape")
    menu.wait_for(state="detached")
    assert button.evaluate("button => button === document.activeElement")


def test_archived_runs_leave_and_come_back_by_undo(table: Table) -> None:
    table.cell(0, "status").click()
    table.root.get_by_role("button", name="Archive").click()
    table.wait_for_total(RUNS - 1)
    table.root.get_by_role("button", name="Undo").click()
    table.wait_for_total(RUNS)


def test_everything_is_done_with_the_keyboard(table: Table, big: Lab) -> None:
    keys = big.page.keyboard
    table.root.get_by_role("searchbox").first.focus()
    keys.type("run-0888")
    keys.press("Enter")
    table.wait_for_total(10)
    table.cell(0, "status").focus()
    for key in ("Space", "ArrowDown", "Space"):
        keys.press(key)
    table.root.page.wait_for_function(
        "root => root.querySelectorAll('[aria-checked=true]').length === 2",
        arg=table.root.element_handle(),
    )
    keys.press("Escape")
    keys.press("ArrowLeft")
    keys.press("F2")
    editor = table.root.locator(".ag-cell-inline-editing input")
    editor.wait_for()
    keys.type("!")
    keys.press("Escape")
    editor.wait_for(state="detached")
    table.root.locator(".ag-row[row-index='1'] .ag-cell-focus").wait_for()
    keys.press("ArrowUp")
    keys.press("ArrowUp")
    keys.press("Alt+ArrowDown")
    big.page.get_by_role("menuitem", name="Sort ascending").wait_for()
    keys.press("Enter")
    table.cell(0, "run_name").filter(has_text="run-08880").wait_for()
    assert big.page.evaluate("() => window.jupyterapp.shell.currentWidget.content.mode") is not None
    assert run_python(big, "print(table.sort)") == "[['run_name', True]]"


def test_colours_follow_the_theme_of_jupyterlab(table: Table, big: Lab) -> None:
    ground = "root => getComputedStyle(root.querySelector('.ag-row')).backgroundColor"
    seen = {}
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        big.command("apputils:change-theme", theme=theme)
        dark = theme.endswith("Dark")
        big.page.wait_for_function(
            "([root, dark]) => root.classList.contains('nbt-dark') === dark",
            arg=[table.root.element_handle(), dark],
        )
        seen[dark] = table.root.evaluate(ground)
    assert seen[True] != seen[False]
    assert seen[False] == "rgb(255, 255, 255)"


@pytest.mark.parametrize("theme", ["JupyterLab Dark", "JupyterLab Light"])
def test_axe_finds_no_serious_fault(table: Table, big: Lab, theme: str) -> None:
    big.command("apputils:change-theme", theme=theme)
    big.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    assert serious_faults(big.page, ".nbt-table") == []
    table.root.locator("summary", has_text="Columns").click()
    table.root.locator(".nbt-popup input[value='params.p0']").wait_for()
    assert serious_faults(big.page, ".nbt-table") == []
    big.page.keyboard.press("Escape")
    table.cell(2, "run_name").dblclick()
    table.root.locator(".ag-cell-inline-editing input").wait_for()
    assert serious_faults(big.page, ".nbt-table") == []
    big.page.keyboard.press("Escape")
