"""A real JupyterLab in a real Chromium: what a person sees, from the first run to the reload."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lab as jupyter
from lab import ROOT, Lab, Server, open_lab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# the fixtures of this module
browser, folder, lab, server = jupyter.browser, jupyter.folder, jupyter.lab, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SETUP = "%load_ext nbtrack\nimport nbtrack, time"
TRAIN = """
for i in range({steps}):
    nbtrack.log_metrics({{"train_loss": 2 / (i + 1), "val_loss": 2.2 / (i + 1)}}, step=i)
    time.sleep({pause})
    {then}
"""
MAX_ADDED = 50_000

LOOKS = """() => {
  window.looks = [];
  new MutationObserver(changes => {
    for (const { target } of changes) {
      const card = target.closest('.nbt-card');
      if (!card || card.querySelector('.nbt-plot') !== target) continue;
      window.looks.push({
        name: card.querySelector('.nbt-name').textContent,
        points: Number(target.dataset.points),
        prompt: target.closest('.jp-Cell').querySelector('.jp-InputPrompt').textContent,
      });
    }
  }).observe(document.body, { subtree: true, attributeFilter: ['data-points'] });
}"""

PLOTLYS = """(() => {
  let shared;
  window.plotlys = 0;
  Object.defineProperty(window, Symbol.for('nbtrack.plotly@4'), {
    get: () => shared,
    set: plotly => {
      shared = plotly;
      window.plotlys += 1;
    }
  });
})();"""

CONTRASTS = """() => {
  const pixel = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const rgba = colour => {
    pixel.clearRect(0, 0, 1, 1);
    pixel.fillStyle = colour;
    pixel.fillRect(0, 0, 1, 1);
    return [...pixel.getImageData(0, 0, 1, 1).data].map(v => v / 255);
  };
  const over = ([r, g, b, a], below) => [r, g, b].map((v, i) => v * a + below[i] * (1 - a));
  const ground = e => {
    const own = rgba(getComputedStyle(e).backgroundColor);
    return own[3] === 1 || !e.parentElement ? own.slice(0, 3) : over(own, ground(e.parentElement));
  };
  const light = colour => {
    const [r, g, b] = colour.map(v => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = {};
  for (const e of document.querySelectorAll('.nbt-card *, .nbt-table *')) {
    const text = [...e.childNodes].filter(n => n.nodeType === 3).map(n => n.data).join('').trim();
    if (!text || !e.checkVisibility() || e.closest('style, .nbt-sr, [popover]')) continue;
    const style = getComputedStyle(e);
    const below = ground(e.closest('svg')?.parentElement ?? e);
    const colour = over(rgba(e.closest('svg') ? style.fill : style.color), below);
    const [high, low] = [light(colour), light(below)].sort((a, b) => b - a);
    found[`${e.className.baseVal ?? e.className} ${text}`] = (high + 0.05) / (low + 0.05);
  }
  return found;
}"""


def training(steps: int = 8, pause: float = 0.02, then: str = "") -> str:
    return TRAIN.format(steps=steps, pause=pause, then=then)


def told(*names: str) -> str:
    """Log ten points more each time a file of this name appears in the notebook's folder."""
    # of very many points a chart has only some, and does not grow any more
    return f"""
import pathlib
for name in {names}:
    while not pathlib.Path(name).exists():
        time.sleep(0.05)
    for _ in range(10):
        i += 1
        nbtrack.log_metrics({{"train_loss": 2 / (i + 1), "val_loss": 2.2 / (i + 1)}}, step=i)
"""


def outputs_of(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [output for cell in cells for output in cell.get("outputs", [])]


def wait_for_states(lab: Lab, *expected: str) -> None:
    cards = "document.querySelectorAll('.nbt-card .nbt-headline .nbt-state')"
    lab.page.wait_for_function(
        f"expected => [...{cards}].map(badge => badge.dataset.state).join() === expected",
        arg=",".join(expected),
    )


def errors(lab: Lab) -> str:
    """Return what stands in the red boxes of the notebook."""
    boxes = lab.page.locator("[data-mime-type='application/vnd.jupyter.stderr']")
    return "\n".join(boxes.all_text_contents())


# -- the first notebook, from the first cell to a fresh kernel ------------------------------


@pytest.fixture(scope="module")
def first(browser: Browser, server: Server) -> Iterator[Lab]:
    """The first notebook after all of its cells ran; the growth of its curves was recorded."""
    pytest.importorskip("torch", reason="the first notebook trains with torch")
    pytest.importorskip("sklearn", reason="the digits come with scikit-learn")
    folder = server.folder / "first"
    folder.mkdir()
    path = Path(shutil.copy(ROOT / "notebooks" / "01_first_run.ipynb", folder))
    with open_lab(browser, server) as lab:
        lab.open(path)
        lab.page.evaluate(LOOKS)
        lab.run_all()
        yield lab


def test_curve_grows_while_the_cell_runs(first: Lab) -> None:
    looks = first.page.evaluate("() => window.looks")
    during = [look for look in looks if look["prompt"] == "[*]:"]
    points = [look["points"] for look in during if look["name"] == "careful"]
    assert points == sorted(points)
    assert len(set(points)) >= 3, looks


def test_finished_cards_stand_under_their_cells(first: Lab) -> None:
    cards = first.page.locator(".jp-CodeCell:has(.nbt-card)")
    wait_for_states(first, *["FINISHED"] * 3)
    names = cards.locator(".nbt-name").all_text_contents()
    assert names == ["careful", "balanced", "bold"]
    assert "lr 0.0001 → 0.001" in cards.nth(1).locator(".nbt-since").text_content()


def test_table_sorts_by_a_click_and_marks_the_best(first: Lab) -> None:
    table = first.table()
    values = table.column("metrics.val_loss")
    table.heading("metrics.val_loss").click()
    table.wait_for("metrics.val_loss", sorted(values, key=float))
    best = table.root.locator(".ag-row[row-index='0'] .nbt-best")
    assert min(values, key=float) in best.all_inner_texts()
    table.heading("metrics.val_loss").click()
    table.wait_for("metrics.val_loss", sorted(values, key=float, reverse=True))


def test_table_filters_and_says_what_is_wrong_with_a_filter(first: Lab) -> None:
    table = first.table()
    table.filter("metrics.val_accuracy <")
    table.root.get_by_role("alert").wait_for()
    table.filter("params.lr = '0.001'")
    table.wait_for("run_name", ["balanced"])
    assert table.root.get_by_role("alert").is_hidden()
    table.filter("")
    table.wait_for_total(3)


def test_table_is_used_with_the_keyboard(first: Lab) -> None:
    table = first.table()
    table.cell(2, "status").wait_for()  # all rows are back, so that none takes the focus away
    table.cell(0, "status").focus()
    for key in ("Space", "Shift+ArrowDown"):
        first.page.keyboard.press(key)
    first.page.wait_for_function(
        "() => document.querySelectorAll('.nbt-table [aria-checked=true]').length === 2"
    )
    first.page.keyboard.press("Escape")
    first.page.wait_for_function("() => !document.querySelector('.nbt-table [aria-checked=true]')")


def test_columns_are_chosen_in_a_menu_that_nothing_cuts_off(first: Lab) -> None:
    table = first.table()
    first.page.locator(".nbtrack-output[data-mode=live] .nbt-table").first.wait_for()
    table.root.locator("summary").click()
    box = table.root.locator(".nbt-popup input[value='params.epochs']")
    box.check()
    table.heading("params.epochs").wait_for()
    assert box.evaluate(
        """e => { const { x, y } = e.getBoundingClientRect();
                  return document.elementFromPoint(x + 3, y + 3) === e; }"""
    )
    first.page.keyboard.press("Escape")
    table.root.locator(".nbt-popup").wait_for(state="hidden")


def test_saved_outputs_are_small(first: Lab) -> None:
    first.save()
    outputs = outputs_of(first.path)
    ours = [output for output in outputs if "vnd.nbtrack.view" in json.dumps(output)]
    assert len(ours) == 5
    assert all(len(json.dumps(output)) <= MAX_ADDED for output in ours)
    assert sum("image/png" in output["data"] for output in ours) == 3


def test_after_a_restart_and_a_reload_everything_is_there(first: Lab) -> None:
    first.restart_kernel()
    first.reload()
    first.page.wait_for_function(
        "() => document.querySelectorAll('.nbtrack-output[data-mode=saved]').length === 5"
    )
    wait_for_states(first, *["FINISHED"] * 3)
    card = first.page.locator(".nbt-card").first
    card.locator(".nbt-plot .main-svg").first.wait_for()
    card.get_by_role("button", name="log y").click()
    card.locator("button[aria-pressed=true]", has_text="log y").wait_for()
    table = first.table()
    table.filter("bold")
    table.wait_for("run_name", ["bold"])
    broken = first.page.get_by_text(re.compile("(Error displaying|Loading) widget"))
    assert broken.filter(visible=True).count() == 0


# -- cells that do not end well -------------------------------------------------------------


def test_failed_cell_shows_its_traceback_and_a_failed_card(lab: Lab, folder: Path) -> None:
    cell = "%%track broken\n" + training(8, 0.01, "assert i < 3, 'the third batch is empty'")
    lab.open(write_notebook(folder / "failed.ipynb", SETUP, cell))
    lab.run(0)
    lab.run(1)
    lab.done()
    wait_for_states(lab, "FAILED")
    assert "Traceback (most recent call last)" in errors(lab)
    said = lab.page.locator(".nbt-failure").inner_text()
    assert said == "AssertionError: the third batch is empty (line 6)"


def test_interrupted_cell_is_killed(lab: Lab, folder: Path) -> None:
    cell = "%%track endless\n" + training(2000, 0.05)
    lab.open(write_notebook(folder / "killed.ipynb", SETUP, cell))
    lab.run(0)
    lab.run(1)
    lab.page.locator(".nbt-plot[data-points]").first.wait_for()
    wait_for_states(lab, "RUNNING")
    lab.interrupt()
    lab.done()
    wait_for_states(lab, "KILLED")
    assert "KeyboardInterrupt" in errors(lab)


def test_bare_start_run_can_be_run_again(lab: Lab, folder: Path) -> None:
    start = "run = nbtrack.start_run()\nnbtrack.log_metric('loss', 0.5)\nprint(run.info.run_id)"
    look = "print(*nbtrack.search_runs().status)"
    lab.open(write_notebook(folder / "again.ipynb", SETUP, start, look))
    for index in (0, 1, 1, 1, 2):
        lab.run(index)
        lab.done()
    wait_for_states(lab, "RUNNING")
    assert errors(lab) == ""
    said = lab.cell(2).locator(".jp-OutputArea").text_content() or ""
    assert said.split() == ["RUNNING", "FINISHED", "FINISHED"]


# -- how it looks, and where ----------------------------------------------------------------


def test_text_can_be_read_on_light_and_dark(lab: Lab, folder: Path) -> None:
    fail = "%%track second\nlr = 0.2\n" + training(8, 0.01, "assert i < 5")
    cells = [SETUP, "%%track first\nlr = 0.1\n" + training(), fail, "nbtrack.runs()"]
    lab.open(write_notebook(folder / "themes.ipynb", *cells))
    for index in range(4):
        lab.run(index)
        lab.done()
    for theme in ("JupyterLab Light", "JupyterLab Dark"):
        lab.command("apputils:change-theme", theme=theme)
        dark = "true" if theme.endswith("Dark") else "false"
        lab.page.wait_for_function(
            f"""() => document.querySelectorAll('.nbt-card, .nbt-table').length === 3
              && [...document.querySelectorAll('.nbt-card, .nbt-table')]
                .every(e => e.classList.contains('nbt-dark') === {dark})"""
        )
        found = lab.page.evaluate(CONTRASTS)
        assert len(found) > 30
        assert {text: ratio for text, ratio in found.items() if ratio < 4.5} == {}


def test_everything_in_a_page_shares_one_plotly(lab: Lab, folder: Path) -> None:
    cell = "%%track\n" + training()
    cells = [SETUP, cell, cell, "nbtrack.runs()", "nbtrack.chart()"]
    lab.page.add_init_script(PLOTLYS)
    lab.open(write_notebook(folder / "one.ipynb", *cells))
    lab.run_all()
    lab.page.locator(".nbt-chart .main-svg").first.wait_for()
    assert lab.page.locator(".nbt-plot:has(.main-svg)").count() == 3
    assert lab.page.evaluate("() => window.plotlys") == 1


def test_card_is_live_in_notebook_7(lab: Lab, folder: Path) -> None:
    pytest.importorskip("notebook", reason="needs Notebook 7")
    cell = "%%track seven\n" + training() + told("more0", "more1", "go")
    lab.open(write_notebook(folder / "seven.ipynb", SETUP, cell), "notebooks")
    lab.run(0)
    lab.run(1)
    for points, name in (16, "more0"), (36, "more1"), (56, "go"):
        lab.page.locator(f".nbt-card .nbt-plot[data-points='{points}'] .main-svg").first.wait_for()
        (folder / name).touch()
    wait_for_states(lab, "FINISHED")
    lab.page.locator(".nbt-card .nbt-plot[data-points='76']").first.wait_for()


def test_html_of_an_executed_notebook_shows_the_pictures(
    browser: Browser, server: Server, folder: Path
) -> None:
    path = write_notebook(folder / "html.ipynb", SETUP, "%%track\n" + training(), "nbtrack.runs()")
    shows_pictures(browser, convert(path, server, "--execute"))


def test_html_of_a_saved_notebook_shows_the_pictures(
    browser: Browser, server: Server, lab: Lab, folder: Path
) -> None:
    path = write_notebook(folder / "html.ipynb", SETUP, "%%track\n" + training(), "nbtrack.runs()")
    lab.open(path)
    lab.run_all()
    lab.save()
    shows_pictures(browser, convert(path, server))


def convert(path: Path, server: Server, *options: str) -> str:
    pytest.importorskip("nbconvert", reason="needs nbconvert")
    command = [sys.executable, "-m", "nbconvert", "--to", "html", *options, str(path)]
    subprocess.run(command, check=True, cwd=path.parent, env=server.env, capture_output=True)
    return path.with_suffix(".html").read_text("utf-8")


def shows_pictures(browser: Browser, text: str) -> None:
    """Check a page without scripts and network: a card's picture and a table are to be seen."""
    assert "vnd.jupyter.widget" not in text
    page = browser.new_page(offline=True, java_script_enabled=False)
    page.set_content(text)
    page.locator(".jp-OutputArea img[src^='data:image/png']").wait_for()
    assert page.locator(".jp-OutputArea td", has_text="FINISHED").is_visible()
    assert page.locator(".jp-OutputArea img").bounding_box()["width"] > 300
    page.close()


def test_page_that_is_reloaded_in_mid_run_follows_to_the_end(lab: Lab, folder: Path) -> None:
    cell = "%%track long\n" + training() + told("go")
    path = write_notebook(folder / "reload.ipynb", SETUP, cell)
    lab.open(path)
    lab.run(0)
    lab.run(1)
    lab.page.locator(".nbt-plot[data-points='16']").wait_for()
    lab.save()
    lab.reload()
    lab.page.locator(".nbtrack-output[data-mode=saved] [data-state=RUNNING]").wait_for()
    (folder / "go").touch()
    wait_for_states(lab, "FINISHED")
    lab.page.locator(".nbt-plot[data-points='36']").wait_for()
    lab.page.locator(".nbtrack-output[data-mode=saved]").wait_for()
    lab.save()
    (kept,) = (output["data"] for output in outputs_of(path))
    assert set(kept) == {"text/plain", "image/png", "application/vnd.nbtrack.view.v1+json"}


def test_curves_grow_on_in_a_page_that_is_reloaded_in_mid_run(lab: Lab, folder: Path) -> None:
    cell = "%%track grows\n" + training() + told("more0", "more1", "more2", "go")
    path = write_notebook(folder / "grows.ipynb", SETUP, cell)
    lab.open(path)
    lab.run(0)
    lab.run(1)
    lab.page.locator(".nbt-card .nbt-plot[data-points='16'] .main-svg").first.wait_for()
    lab.save()
    lab.reload()
    lab.page.locator(".nbtrack-output[data-mode=saved] [data-state=RUNNING]").wait_for()
    for n in range(3):  # each time the kernel has logged on, in the same cell
        (folder / f"more{n}").touch()
        # a kernel that hears messages while the cell runs may bring the live widget in between
        lab.page.locator(f".nbtrack-output .nbt-plot[data-points='{36 + 20 * n}']").first.wait_for()
    assert lab.page.locator(".nbt-headline .nbt-state[data-state=RUNNING]").count() == 1
    assert "step" in lab.page.locator(".nbt-card .nbt-facts").inner_text()
    (folder / "go").touch()
    wait_for_states(lab, "FINISHED")


def test_in_a_new_folder_views_say_that_there_are_no_runs_yet(lab: Lab, folder: Path) -> None:
    cells = (SETUP, "nbtrack.runs()", "nbtrack.compare()")
    lab.open(write_notebook(folder / "new.ipynb", *cells))
    lab.run_all()
    for cell in (1, 2):
        lab.cell(cell).get_by_text("No runs here yet").wait_for()
    lab.cell(2).locator(".nbt-cmp-grid").wait_for(state="hidden")
    # the server knows no store that has no file yet: the kernel responds
    assert lab.page.locator(".nbt-error").filter(visible=True).all_inner_texts() == []
    assert lab.page.locator("[aria-invalid=true]").filter(visible=True).count() == 0
