"""Keys that are pressed in an output are the output's: the notebook does not change."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

import lab as jupyter
from lab import NOTEBOOK, ROOT, Lab, Server, open_lab, write_notebook
from sidebar import open_sidebar

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETUP = f"""%load_ext nbtrack
import sys; sys.path.insert(0, {str(ROOT / "tests")!r})
import os, nbtrack, sweeps, pandas as pd
from nbtrack import pyfunc
os.environ["NBTRACK_DISPLAY"] = "off"
ids = sweeps.log_sweep(6)
os.environ["NBTRACK_DISPLAY"] = "live"
def double(model_input):
    return model_input["length"] * 2
info = pyfunc.log_model(
    python_model=double, name="net", input_example=pd.DataFrame({{"length": [1.5, 2.0]}})
)
version = nbtrack.register_model(info.model_uri, "net")"""
CARD = "%%track mine\nlr = 0.1\nfor i in range(9):\n    nbtrack.log_metric('loss', i, step=i)"
TABLE = "table = nbtrack.runs()\ntable"
VIEWS = [CARD, "nbtrack.chart(ids)", TABLE, "nbtrack.compare(ids)", "version"]
CELLS = [SETUP, *VIEWS, "'the last cell'"]

# Every command that JupyterLab executes from now on and that a key can stand for, by its name; its
# menus execute some by themselves when a kernel comes or goes.
LISTEN = """() => {
  window.executed = [];
  const { commandExecuted, keyBindings } = window.jupyterapp.commands;
  const bound = new Set(keyBindings.map(binding => binding.command));
  commandExecuted.connect((_, { id }) => bound.has(id) && window.executed.push(id));
}"""

# Press keys at everything that can have the focus; return what each made JupyterLab do.
# A place is known by its looks: a view that draws itself again makes new elements, and of a table
# the first row stands for all.
SWEEP = """async ([root, keys]) => {
  const found = [];
  const tried = new Set();
  const looks = e => [e.tagName, e.role, e.getAttribute('col-id'), e.ariaLabel ?? e.title,
    e.closest('.ag-row') ? '' : e.value ?? e.textContent.slice(0, 40)].join();
  const press = (element, { key, code, ctrl, shift, alt }) => {
    const keys = { key, keyCode: code, which: code, ctrlKey: ctrl, shiftKey: shift, altKey: alt };
    const event = { ...keys, bubbles: true, cancelable: true, composed: true };
    element.dispatchEvent(new KeyboardEvent('keydown', event));
    element.dispatchEvent(new KeyboardEvent('keyup', event));
  };
  while (tried.size < 60) {
    const all = root.querySelectorAll('a, button, input, select, textarea, summary, [tabindex]');
    const next = [...all].find(e => e.checkVisibility() && !e.disabled && !tried.has(looks(e)));
    if (!next) break;
    tried.add(looks(next));
    next.focus({ preventScroll: true });
    if (document.activeElement !== next) continue;
    window.executed = [];
    for (const key of keys) if (next.isConnected) press(next, key);
    await new Promise(resolve => setTimeout(resolve, 15));
    const others = window.executed.filter(id => !id.startsWith('nbtrack:'));
    if (others.length > 0) found.push([next.outerHTML.slice(0, 120), others]);
  }
  return { found, tried: tried.size };
}"""


def key(name: str, code: int, *held: str) -> dict[str, Any]:
    held_down = {each: each in held for each in ("ctrl", "shift", "alt")}
    return {"key": name, "code": code, **held_down}


# Enter comes last: it may take the element away
EDITING = [
    *(key(letter, ord(letter.upper())) for letter in "bxaymczdd"),
    *(key(f"Arrow{way}", 37 + i) for i, way in enumerate(("Left", "Up", "Right", "Down"))),
    *(key(digit, ord(digit)) for digit in "00"),
    *(key("I", 73, "shift"), key("i", 73), key("i", 73)),
    *(key("Backspace", 8, "ctrl"), key("ArrowDown", 40, "ctrl", "shift"), key("a", 65, "ctrl")),
    *(key("ArrowUp", 38, "shift"), key("J", 74, "shift"), key("z", 90, "ctrl")),
    *(key("Enter", 13, "shift"), key("Enter", 13, "ctrl"), key("Enter", 13, "alt")),
    *(key("Escape", 27), key("Enter", 13)),
]


def listen(lab: Lab) -> None:
    """Listen, and see that there is something to hear: a key in a cell that is selected."""
    lab.page.evaluate(LISTEN)
    lab.page.evaluate(f"() => {NOTEBOOK}.widgets.at(-1).node.focus()")
    lab.page.keyboard.press("m")
    lab.page.wait_for_function("() => executed.includes('notebook:change-cell-to-markdown')")
    lab.page.keyboard.press("y")
    lab.page.wait_for_function("() => executed.includes('notebook:change-cell-to-code')")


def sweep(root: Locator) -> int:
    """Press all keys in an element; return in how many places."""
    answer = root.evaluate(f"(root, keys) => ({SWEEP})([root, keys])", EDITING)
    assert answer["found"] == []
    return int(answer["tried"])


@pytest.fixture(scope="module")
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """One notebook with every kind of view."""
    with open_lab(browser, server) as opened:
        opened.page.set_viewport_size({"width": 1280, "height": 3000})
        opened.open(write_notebook(server.folder / "keys.ipynb", *CELLS))
        opened.run_all()
        shown(opened)
        listen(opened)
        yield opened


def shown(lab: Lab) -> None:
    for cell, part in ((1, ".main-svg"), (2, ".main-svg"), (3, ".ag-row"), (4, ".ag-row")):
        lab.cell(cell).locator(f".nbt {part}").first.wait_for()
    lab.cell(5).locator(".nbt-modelcard").wait_for()


def test_a_slider_is_used_with_the_keyboard(lab: Lab) -> None:
    slider = lab.cell(1).get_by_role("slider", name="Smooth")
    slider.focus()
    lab.page.evaluate("() => { executed = []; }")
    for name in ("ArrowRight", "ArrowRight", "ArrowUp", "b", "x", "d", "d"):
        lab.page.keyboard.press(name)
    assert float(slider.input_value()) > 0
    assert lab.page.evaluate("() => executed") == []
    assert lab.page.evaluate("() => document.activeElement.type") == "range"


def test_the_notebook_is_saved_from_an_output(lab: Lab) -> None:
    lab.cell(3).locator(".ag-row .ag-cell").first.focus()
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("() => executed.includes('docmanager:save')")
    lab.cell(3).get_by_role("searchbox").first.fill("adam")
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("() => executed.filter(id => id === 'docmanager:save').length === 2")
    assert lab.cell(3).get_by_role("searchbox").first.input_value() == "adam"
    lab.cell(3).get_by_role("searchbox").first.fill("")


def test_escape_goes_back_to_the_cell_when_the_view_has_no_use_for_it(lab: Lab) -> None:
    focused = "() => document.activeElement.className"
    lab.cell(1).get_by_role("button", name="log y").focus()
    lab.page.keyboard.press("Escape")
    assert "jp-Cell" in lab.page.evaluate(focused)
    row = lab.table().cell(0, "status")
    row.focus()
    lab.page.keyboard.press("Space")
    lab.cell(3).locator(".nbt-table [aria-checked=true]").wait_for()
    lab.page.keyboard.press("Escape")
    lab.cell(3).locator(".nbt-table [aria-checked=true]").wait_for(state="detached")
    assert "ag-cell" in lab.page.evaluate(focused)
    lab.page.keyboard.press("Escape")
    assert "jp-Cell" in lab.page.evaluate(focused)
    assert lab.page.evaluate(f"() => {NOTEBOOK}.activeCellIndex") == 3


@pytest.mark.parametrize("cell", range(1, 6), ids=["card", "chart", "table", "compare", "model"])
def test_keys_in_a_live_view_execute_nothing(lab: Lab, cell: int) -> None:
    # Enter on a row of the table before opened its run in a tab
    lab.page.get_by_role("tab", name="keys.ipynb").click()
    if cell == 5:
        lab.cell(5).get_by_role("button", name="Try it").click()
        lab.cell(5).get_by_role("textbox", name="length").wait_for()
    assert sweep(lab.cell(cell).locator(".nbt").first) >= 4


def test_after_all_keys_the_notebook_is_still_saved_from_an_output(lab: Lab) -> None:
    lab.page.evaluate("() => { executed = []; }")
    lab.cell(3).locator(".ag-row .ag-cell").first.focus()
    lab.page.keyboard.press("Control+s")
    lab.page.wait_for_function("() => executed.includes('docmanager:save')")


def test_keys_in_the_sidebar_execute_only_its_own_commands(lab: Lab) -> None:
    open_sidebar(lab)
    assert sweep(lab.page.locator(".nbt-sidebar")) >= 4


@pytest.mark.parametrize("app", ["lab/tree", "notebooks"])
def test_keys_in_finished_views_execute_nothing(
    lab: Lab, browser: Browser, server: Server, app: str
) -> None:
    pytest.importorskip("notebook", reason="needs Notebook 7")
    lab.save()
    copy = shutil.copy(lab.path, lab.path.with_name(f"finished-{app.partition('/')[0]}.ipynb"))
    with open_lab(browser, server) as fresh:
        fresh.page.set_viewport_size({"width": 1280, "height": 3000})
        fresh.open(copy, app)
        shown(fresh)
        listen(fresh)
        for cell in range(1, 6):
            assert sweep(fresh.cell(cell).locator(".nbtrack-output[data-mode=saved]")) >= 1
