"""Charts in a real JupyterLab: zoom asks for detail, the legend hides, Stop stops."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

import lab as jupyter
from lab import Lab, Server, open_lab, write_notebook

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

browser, server = jupyter.browser, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETUP = """%load_ext nbtrack
import nbtrack, time, math
with nbtrack.start_run(run_name="long"):
    for i in range(40_000):
        nbtrack.log_metric("signal", 9.0 if i == 20_123 else i % 7, step=i)
for name in ("otter", "heron", "lynx"):
    with nbtrack.start_run(run_name=name):
        for i in range(20):
            loss = math.nan if (name, i) == ("lynx", 10) else 1 / (i + 1)
            values = {"train_loss": loss, "val_loss": 2 * loss, "tokens": i * 64}
            nbtrack.log_metrics(values, step=i)
with nbtrack.start_run(run_name="measured"):
    for i in range(20):
        nbtrack.log_metric("reward", i, step=i)
    for i in range(4):
        watts = {f"system/gpu_{gpu}_power_usage_watts": 100 + 50 * gpu for gpu in range(2)}
        nbtrack.log_metrics({"system/cpu_utilization_percentage": 50 + i, **watts}, step=i)
        time.sleep(0.1)
"""
ENDLESS = """%%track endless
for i in range(4000):
    nbtrack.log_metric('loss', 1 / (i + 1), step=i)
    time.sleep(0.05)
"""
ASLEEP = """%%track asleep
import pathlib
for i in range(60):
    nbtrack.log_metric('loss', 1 / (i + 1), step=i)
    while i in (20, 59) and not pathlib.Path(f'seen{i}').exists():
        time.sleep(0.05)
"""
GROWING = """with nbtrack.start_run(run_name='growing') as run:
    for i in range(30_000):
        nbtrack.log_metric('loss', i % 5, step=i)
    while not pathlib.Path('stop').exists():
        i += 1
        nbtrack.log_metric('loss', i % 5, step=i)
        time.sleep(0.02)
"""
MANY = "nbtrack.chart(['otter', 'heron', 'lynx'])"
MEASURED = "nbtrack.chart('measured')"
CELLS = [SETUP, "nbtrack.chart('long')", MANY, ENDLESS, ASLEEP, GROWING, MEASURED]
HIDE = """hidden => {
  Object.defineProperty(document, 'visibilityState', {
    configurable: true, get: () => (hidden ? 'hidden' : 'visible'),
  });
  document.dispatchEvent(new Event('visibilitychange'));
}"""


@pytest.fixture(scope="module")
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    folder = server.folder / "charts"
    folder.mkdir()
    with open_lab(browser, server) as opened:
        opened.page.set_default_timeout(30_000)
        opened.open(write_notebook(folder / "charts.ipynb", *CELLS))
        opened.run(0)
        opened.done()
        yield opened


def chart_of(lab: Lab, index: int) -> Locator:
    """Run a cell and return its chart."""
    lab.run(index)
    lab.done()
    chart = lab.cell(index).locator(".nbt-chart")
    chart.locator(".nbt-plot[data-points] .main-svg").first.wait_for()
    chart.scroll_into_view_if_needed()
    return chart


def card_of(lab: Lab, index: int) -> Locator:
    """Start a cell and return its card, in view and drawn."""
    lab.run(index)
    lab.cell(index).locator(
        ".nbtrack-output[data-mode=live] .nbt-plot[data-points]"
    ).first.wait_for()
    card = lab.cell(index).locator(".nbt-card")
    card.scroll_into_view_if_needed()
    card.locator(".nbt-plot[data-points] .main-svg").first.wait_for()
    return card


def drag(lab: Lab, plot: Locator, start: float, end: float) -> None:
    """Drag along the x axis of a plot, from one share of it to another."""
    box = plot.bounding_box()
    assert box
    left, width = box["x"] + 46, box["width"] - 54
    mouse, y = lab.page.mouse, box["y"] + 80
    mouse.move(left + width * start, y)
    mouse.down()
    mouse.move(left + width * end, y, steps=4)
    mouse.up()


def wait_for_traces(chart: Locator, count: int) -> None:
    chart.page.wait_for_function(
        """([e, n]) => e.querySelector('.nbt-panel')
          .querySelectorAll('.trace:has(.js-line)').length === n""",
        arg=[chart.element_handle(), count],
    )


def test_zooming_asks_for_the_points_that_were_left_out(lab: Lab) -> None:
    chart = chart_of(lab, 1)
    plot = chart.locator(".nbt-plot")
    whole = int(plot.get_attribute("data-points") or 0)
    assert whole < 3000
    drag(lab, plot, 0.49, 0.51)
    lab.page.locator(".nbt-chart[data-detail=shown]").wait_for()
    lab.page.wait_for_function(
        "([e, n]) => Number(e.dataset.points) > n", arg=[plot.element_handle(), whole + 400]
    )
    title = "e => e._fullLayout.xaxis.range.map(Number)"
    low, high = plot.evaluate(title)
    assert 18_000 < low < 20_123 < high < 22_000
    chart.get_by_role("button", name="Reset zoom").click()
    lab.page.wait_for_function(
        "([e, n]) => Number(e.dataset.points) === n", arg=[plot.element_handle(), whole]
    )


def test_a_double_click_shows_everything_again(lab: Lab) -> None:
    chart = lab.cell(1).locator(".nbt-chart")
    plot = chart.locator(".nbt-plot")
    drag(lab, plot, 0.2, 0.4)
    reset = chart.get_by_role("button", name="Reset zoom")
    reset.wait_for()
    box = plot.bounding_box()
    assert box
    lab.page.mouse.dblclick(box["x"] + 200, box["y"] + 80)
    reset.wait_for(state="hidden")
    lab.page.wait_for_function(
        "e => Number(e._fullLayout.xaxis.range[1]) > 39_000", arg=plot.element_handle()
    )


def test_a_chart_is_zoomed_with_the_keyboard(lab: Lab) -> None:
    box = lab.cell(1).locator(".nbt-plotbox")
    box.focus()
    lab.page.keyboard.press("+")
    reset = lab.cell(1).get_by_role("button", name="Reset zoom")
    reset.wait_for()
    lab.page.keyboard.press("Escape")
    reset.wait_for(state="hidden")


def test_the_legend_hides_and_solos(lab: Lab) -> None:
    chart = chart_of(lab, 2)
    wait_for_traces(chart, 6)
    otter = chart.get_by_role("button", name="otter")
    otter.click()
    wait_for_traces(chart, 4)
    assert otter.get_attribute("aria-pressed") == "false"
    otter.click()
    otter.click(modifiers=["Alt"])
    wait_for_traces(chart, 2)
    otter.press("s")
    wait_for_traces(chart, 6)
    chart.get_by_role("button", name="val").press("Enter")
    wait_for_traces(chart, 3)
    chart.get_by_role("button", name="val").press("Enter")


def test_values_are_read_in_all_plots_and_marks_say_what_they_are(lab: Lab) -> None:
    chart = lab.cell(2).locator(".nbt-chart")
    plot = chart.locator(".nbt-plot").first
    box = plot.bounding_box()
    assert box
    at = plot.evaluate("e => e._fullLayout.xaxis._offset + e._fullLayout.xaxis.l2p(10)")
    lab.page.mouse.move(box["x"] + at, box["y"] + 60)
    chart.locator(".nbt-readout", has_text="lynx train: NaN at step 10").wait_for()
    assert chart.locator(".nbt-hover").inner_text() == "step 10"
    assert chart.locator(".nbt-cursor:not([hidden])").count() == 2
    lab.page.mouse.move(2, 2)


def test_system_metrics_stand_below_folded_and_are_read_when_they_are_unfolded(lab: Lab) -> None:
    chart = chart_of(lab, 6)
    fold = chart.get_by_role("button", name="System metrics")
    assert (fold.get_attribute("aria-expanded"), chart.locator(".nbt-panel").count()) == (
        "false",
        1,
    )
    fold.click()
    section = chart.locator(".nbt-system")
    section.locator(".nbt-plot[data-points='8'] .main-svg").first.wait_for()
    titles = chart.locator("h4").all_text_contents()
    assert titles == ["reward", "CPU utilization %", "GPU power W"]
    assert section.locator(".nbt-key span:not(.nbt-sample)").all_text_contents() == [
        "GPU 0",
        "GPU 1",
    ]
    drag(lab, section.locator(".nbt-plot").first, 0.2, 0.5)
    chart.get_by_role("button", name="Reset zoom").wait_for()
    spans = "e => e._fullLayout.xaxis.range.map(Number)"
    lab.page.wait_for_function(
        f"e => ({spans})(e)[0] > 0.01", arg=section.locator(".nbt-plot").first.element_handle()
    )
    low, high = chart.locator(".nbt-plot").first.evaluate(spans)
    assert low < 0 < 19 < high  # the steps of the reward are another axis
    fold.click()
    section.locator(".nbt-panel").first.wait_for(state="detached")


def test_another_metric_can_be_the_axis(lab: Lab) -> None:
    chart = lab.cell(2).locator(".nbt-chart")
    chart.get_by_label("A metric as x axis").select_option("tokens")
    chart.locator(".nbt-panel .xtitle", has_text="tokens").first.wait_for()
    assert chart.locator(".nbt-panel h4").all_text_contents() == ["loss"]
    chart.get_by_role("button", name="Step", exact=True).click()
    lab.page.wait_for_function(
        "e => e.querySelectorAll('.nbt-panel').length === 2", arg=chart.element_handle()
    )


def test_stop_interrupts_the_cell(lab: Lab) -> None:
    card = card_of(lab, 3)
    card.get_by_role("button", name="Stop").click()
    lab.done()
    card.locator(".nbt-state[data-state=KILLED]").wait_for()
    assert card.get_by_role("button", name="Stop").count() == 0


def test_nothing_is_drawn_while_hidden_and_nothing_is_lost(lab: Lab) -> None:
    card = card_of(lab, 4)
    plot = card.locator(".nbt-plot").first
    card.locator(".nbt-plot[data-points='21']").wait_for()
    lab.page.evaluate(HIDE, True)
    (lab.path.parent / "seen20").touch()
    lab.page.wait_for_function(
        "e => /step 59/.test(e.textContent)", arg=card.locator(".nbt-facts").element_handle()
    )
    assert plot.get_attribute("data-points") == "21"
    lab.page.evaluate(HIDE, False)
    card.locator(".nbt-plot[data-points='60']").wait_for()
    (lab.path.parent / "seen59").touch()
    lab.done()


def test_a_live_chart_is_zoomed_while_the_cell_runs(lab: Lab) -> None:
    card = card_of(lab, 5)
    lab.page.wait_for_function(
        "e => /step 30,/.test(e.textContent)", arg=card.locator(".nbt-facts").element_handle()
    )
    plot = card.locator(".nbt-plot").first
    points = "e => Number(e.dataset.points)"
    drag(lab, plot, 0.4, 0.42)
    card.get_by_role("button", name="Reset zoom").wait_for()
    seen = plot.evaluate(points)
    lab.page.wait_for_function(
        "([e, n]) => Number(e.dataset.points) > n", arg=[plot.element_handle(), seen]
    )
    window = "e => e._fullLayout.xaxis.range.map(Number)"
    low, high = plot.evaluate(window)
    drawn = card.locator(".nbt-sr").element_handle()
    lab.page.wait_for_function(
        "([e, text]) => e.textContent !== text",
        arg=[drawn, drawn.text_content()],
    )
    assert plot.evaluate(window) == [low, high]  # however many points came meanwhile
    assert 11_000 < low < high < 15_000
    (lab.path.parent / "stop").touch()
    lab.done()


# -- the card of a grid ---------------------------------------------------------------------

GRID = """%%track sweep --grid lr=0.1,0.01,1.0 --grid seed=0..1
lr, seed = 1e-2, 0
for i in range(20):
    nbtrack.log_metric('val_loss', lr * i + seed / 10, step=i)
    print('step', i)
if (lr, seed) == (0.01, 0):
    raise ValueError('diverges')
while (lr, seed) == (0.01, 1) and not pathlib.Path('go').exists():
    time.sleep(0.05)
"""


def test_a_grid_shows_its_runs_and_stops_after_one(browser: Browser, server: Server) -> None:
    folder = server.folder / "grid"
    folder.mkdir()
    with open_lab(browser, server) as lab:
        cells = "%load_ext nbtrack\nimport nbtrack, pathlib, time", GRID
        lab.open(write_notebook(folder / "grid.ipynb", *cells))
        lab.command("notebook:run-all-cells")
        card, table = lab.page.locator(".nbt-card"), lab.table()
        card.locator(".nbt-printed", has_text="step").wait_for()
        card.locator(".nbt-progress", has_text=re.compile(r"^4 of 6, about .* left")).wait_for()
        assert "lr=0.01 seed=0: ValueError: diverges" in card.locator(".nbt-failure").inner_text()
        table.wait_for("params.lr", ["0.1", "0.01"])
        # of a run that goes on there is news: the grid may be at its rows right now
        heights = "e => [...new Set([...e.querySelectorAll('.ag-row')].map(r => r.offsetHeight))]"
        lab.page.wait_for_function(
            f"e => String(({heights})(e)) === '28'", arg=table.root.element_handle()
        )
        card.get_by_role("button", name="Stop after this one").click()
        card.get_by_role("button", name="Stops after this one").wait_for()
        (folder / "go").touch()
        lab.done()
        wait_for_progress(lab, r"^3 of 6 finished, 1 failed, stopped, best lr=0.01: val_loss 0.29")
        card.locator(".nbt-headline .nbt-state[data-state=FINISHED]").wait_for()
        lab.save()
        lab.page.evaluate("() => window.jupyterapp.serviceManager.sessions.shutdownAll()")
        lab.reload()
        wait_for_progress(lab, r"^3 of 6 finished, 1 failed")
        table.wait_for("metrics.val_loss", ["1.95", "0.24"])
        assert card.get_by_role("button", name="Stop").count() == 0


def wait_for_progress(lab: Lab, text: str) -> None:
    lab.page.locator(".nbt-progress", has_text=re.compile(text)).wait_for()
