"""The sidebar and the tabs of runs in a real JupyterLab, behind a base URL as on a hub."""

from __future__ import annotations

import pytest

import lab as jupyter
import sidebar
from lab import NOTEBOOK, Table, write_notebook
from sidebar import LOGGING, SOURCES, Page, Server, open_sidebar, run_python

browser = jupyter.browser
server, window, side = sidebar.server, sidebar.window, sidebar.side
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

# the page as it is in a tab of the browser that nobody looks at
HIDE = """hidden => {
  Object.defineProperty(document, 'hidden', { get: () => hidden, configurable: true });
  const state = hidden ? 'hidden' : 'visible';
  Object.defineProperty(document, 'visibilityState', { get: () => state, configurable: true });
  document.dispatchEvent(new Event('visibilitychange'));
}"""
NARROW = """width => {
  document.querySelector('.nbt-sidebar').style.maxWidth = width;
}"""
CUT = """() => [...document.querySelectorAll(
    '.nbt-sidebar button, .nbt-warn, .nbt-row-fact, .nbt-side-foot [role=status], .nbt-teach pre')]
  .filter(e => e.offsetParent !== null)
  .filter(e => {
    const side = document.querySelector('.nbt-sidebar').getBoundingClientRect();
    return e.scrollWidth > e.clientWidth + 1 || e.getBoundingClientRect().right > side.right;
  }).map(e => e.className + ': ' + e.textContent)"""


# -- the tree -------------------------------------------------------------------------------


def test_the_tree_shows_experiments_states_and_nested_runs(side: Page) -> None:
    assert side.rows()[:3] == ["digits", "night-run", "cell-run"]
    assert side.row("too-high").locator(".nbt-sign").get_attribute("data-state") == "FAILED"
    assert side.row("lr-0.1").locator("svg.nbt-side-spark").count() == 1
    side.row("sweep").locator(".nbt-caret").click()
    nested = side.row("sweep-0")
    assert nested.get_attribute("aria-level") == "3"
    assert side.row("night-run").get_by_text("stopped at step 1,830, process died").is_visible()


def test_search_takes_words_and_conditions_and_says_what_is_wrong(side: Page) -> None:
    side.search("lr-0.0")
    side.wait_for_rows(["digits", "lr-0.01", "lr-0.03"])
    side.search("params.lr = '0.05' and tags.stage = 'final'")
    side.wait_for_rows(["digits", "baseline"])
    side.page.get_by_role("searchbox", name="Search runs").fill("metrics.loss <")
    side.page.locator(".nbt-searchbox").get_by_text("not finished").wait_for()
    side.wait_for_rows(["digits", "baseline"])
    assert side.page.locator(".nbt-side-error").is_hidden()
    side.search("metrics.loss <")
    side.page.locator(".nbt-side-error").get_by_text("metrics.loss").wait_for()
    side.tree.wait_for(state="hidden")  # nothing is on its way
    side.search("unheard")
    side.page.get_by_text("No run matches").wait_for()
    for text, meant in (("basline", "'baseline'"), ("metrics.los < 1", "metrics.loss")):
        side.search(text)
        said = side.page.locator(".nbt-side-message").and_(side.page.get_by_role("status"))
        said.get_by_text(f"Did you mean {meant}?").wait_for()
    assert side.faults(".nbt-sidebar") == []
    side.page.get_by_role("button", name="Show all runs").click()
    side.row("baseline").wait_for()


def test_selected_runs_open_as_a_comparison(side: Page) -> None:
    side.row("lr-0.1").click()
    side.row("lr-0.03").click(modifiers=["Control"])
    side.page.get_by_text("2 selected").wait_for()
    side.row("digits").locator(".nbt-row-name").click()  # means the experiment, selects nothing
    side.row("digits").locator(".nbt-row-name").click()
    side.page.get_by_role("button", name="Compare", exact=True).click()
    side.page.locator(".nbt-padded .main-svg").first.wait_for()
    assert side.page.locator(".lm-TabBar-tabLabel", has_text="Compare 2 runs").count() == 1


def test_the_keyboard_alone_goes_through_tree_and_details(side: Page) -> None:
    press = side.page.keyboard.press
    side.tree.focus()
    press("End")
    press("Home")
    side.page.keyboard.type("base", delay=20)
    active = side.tree.get_attribute("aria-activedescendant")
    assert "baseline" in (side.page.locator(f"[id='{active}']").get_attribute("aria-label") or "")
    press("Space")
    assert side.row("baseline").get_attribute("aria-selected") == "true"
    press("Enter")
    side.page.locator(".nbt-details-name", has_text="baseline").wait_for()
    side.page.wait_for_function("() => document.activeElement.dataset.tab === 'overview'")
    for name in ("curves", "params", "artifacts", "source", "environment"):
        press("ArrowRight")
        assert side.tab(name.capitalize()).get_attribute("aria-selected") == "true"
        side.page.locator(f".nbt-tabpanel-{name} > *").first.wait_for()
    side.page.get_by_role("searchbox", name="Filter Packages").or_(
        side.page.get_by_role("table", name="Packages")
    ).first.wait_for()


def test_keys_of_the_tree_mean_nothing_in_an_editor(side: Page) -> None:
    side.row("baseline").click()
    side.page.evaluate("() => window.jupyterapp.commands.execute('notebook:enter-edit-mode')")
    editor = side.page.locator(".jp-Notebook .cm-content").first
    editor.click()
    for key in ("End", "/", "Delete", "F2", "Control+Enter"):
        side.page.keyboard.press(key)
    editor.get_by_text("1 + 1/").wait_for()
    assert side.page.locator(".nbt-rename, .jp-Dialog").count() == 0
    assert side.page.locator(".lm-TabBar-tabLabel", has_text="Compare").count() == 0


def test_in_the_narrowest_sidebar_nothing_is_cut(side: Page) -> None:
    side.page.evaluate(NARROW, "220px")  # Notebook 7 lets it be so narrow, JupyterLab stops at 250
    side.row("lr-0.1").click()
    for name in ("lr-0.03", "lr-0.01", "baseline"):
        side.row(name).click(modifiers=["Control"])
    side.page.get_by_text("4 selected").wait_for()
    assert side.page.evaluate(CUT) == []
    side.page.evaluate(NARROW, "250px")
    assert side.page.evaluate(CUT) == []
    side.page.evaluate(NARROW, "")


# -- details --------------------------------------------------------------------------------


def test_artifacts_are_shown_and_their_scripts_are_not_run(side: Page) -> None:
    side.open_run("baseline")
    side.tab("Artifacts").click()
    files = side.page.get_by_role("tree", name="Artifacts")
    files.get_by_text("figures").click()
    files.get_by_text("plot.png").click()
    side.page.wait_for_function(
        "() => document.querySelector('.nbt-image img')?.naturalWidth === 64"
    )
    files.get_by_text("history.csv").click()
    side.page.locator(".nbt-preview td", has_text="0.5").wait_for()
    with side.page.expect_download() as saved:
        side.page.get_by_role("link", name="Download").click()
    assert saved.value.path().read_text() == "step,loss\n0,1.5\n1,0.5\n"
    files.get_by_text("report.html").click()
    inside = side.page.frame_locator(".nbt-frame")
    inside.get_by_role("heading", name="Report").wait_for()
    assert not side.page.evaluate("() => 'evil' in window")


def test_inserted_cells_are_the_run_and_what_it_needed(side: Page) -> None:
    side.open_run("cell-run")
    side.page.get_by_role("button", name="Insert cell").click()
    side.page.wait_for_function(f"() => ({SOURCES})?.at(-1).startsWith('%%track cell-run')")
    sources: list[str] = side.page.evaluate(f"() => ({SOURCES})")
    assert sources[-3] == "%load_ext nbtrack"
    assert "def fit(lr)" in sources[-2]
    assert "fit(lr * from_elsewhere)" in sources[-1]
    assert not any("unrelated" in source for source in sources)
    selected = f"() => {NOTEBOOK}.widgets.filter(c => {NOTEBOOK}.isSelected(c)).length"
    side.page.wait_for_function(f"{selected.removesuffix(';')} === 3")


def test_the_source_says_what_its_cells_do_not_bring(side: Page) -> None:
    side.open_run("cell-run")
    side.tab("Source").click()
    side.page.locator(".nbt-lacking", has_text="No cell defines from_elsewhere").wait_for()
    badge = side.page.locator(".nbt-badge", has_text="hidden state")
    assert side.row("cell-run").locator("[data-warnings]").get_attribute("title") == (
        "warning: hidden state"
    )
    explained = badge.get_by_role("tooltip")
    assert explained.is_hidden()
    badge.focus()
    explained.wait_for()
    side.page.keyboard.press("Escape")
    explained.wait_for(state="hidden")
    badge.hover()
    explained.wait_for()


def test_the_overview_says_what_changed_since_the_run_before(side: Page) -> None:
    side.open_run("cell-run")
    side.page.locator(".nbt-item", has_text="0.02 → 0.05").wait_for()
    side.page.locator(".nbt-item", has_text="1 line changed").wait_for()
    side.page.get_by_role("button", name="Show the differences").click()
    side.page.locator(".nbt-diff").get_by_text("+lr = 0.05").wait_for()


def test_tabs_come_back_as_they_were_after_a_reload(side: Page) -> None:
    side.command("nbtrack:open-table", all=True)
    table = Table(side.page.locator(".nbt-filled"))
    table.filter("lr-0.0")
    table.wait_for_total(2)
    side.open_run("lr-0.03")
    side.tab("Params").click()
    side.settled()
    side.page.once("dialog", lambda dialog: dialog.accept())
    side.page.reload()
    side.page.locator(".nbt-details-name", has_text="lr-0.03").wait_for()
    assert side.tab("Params").get_attribute("aria-selected") == "true"
    side.page.locator(".lm-TabBar-tabLabel", has_text="All runs").click()
    table.wait_for_total(2)
    assert table.root.get_by_role("searchbox").first.input_value() == "lr-0.0"


# -- nobody looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["sidebar", "page"])
def test_what_is_hidden_asks_nothing(side: Page, server: Server, what: str) -> None:
    def hide(hidden: bool) -> None:
        if what == "page":
            side.page.evaluate(HIDE, hidden)
        else:
            side.command("application:toggle-left-area")

    if what == "page":
        side.open_run("baseline")  # its tab rests, too
    hide(True)
    side.page.wait_for_timeout(500)  # what was under way comes to its end
    side.asked.clear()
    run_python(server.folder / "project", LOGGING, f"unseen-{what}")
    side.page.wait_for_timeout(2500)
    assert side.asked == []
    hide(False)
    side.row(f"unseen-{what}").wait_for()


# -- how it looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_fault(side: Page, theme: str) -> None:
    side.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    side.open_run("cell-run")
    side.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    faults = side.faults(".nbt-sidebar-panel") + side.faults(".nbt-view:not(.lm-mod-hidden)")
    side.open_run("baseline")
    for name in ("Overview", "Curves", "Params", "Artifacts", "Source", "Environment"):
        side.tab(name).click()
        side.page.locator(f".nbt-tabpanel-{name.lower()} > *:visible").first.wait_for()
        side.page.wait_for_timeout(200)
        faults += [f"{name}: {fault}" for fault in side.faults(".nbt-view")]
    assert faults == []


TRAINING = [
    "%load_ext nbtrack\nimport math, random, nbtrack\nrandom.seed(3)",
    "def loss(lr, step):\n    return math.exp(-lr * step) + random.random() / 100",
    """\
%%track trained -e digits
lr = 0.2
for step in range(20):
    nbtrack.log_metrics({"loss": loss(lr, step), "accuracy": step / 40}, step=step)""",
    """nbtrack.set_experiment("digits"); nbtrack.runs("attributes.reproduced = 'yes'")""",
]


def test_a_run_is_run_again_and_the_verdict_appears(side: Page) -> None:
    page = side.page
    side.open(write_notebook(side.server.folder / "project" / "trained.ipynb", *TRAINING))
    for cell in range(3):
        side.run(cell)
        side.done()
    # below its cell, where the run has ended
    side.cell(2).get_by_role("button", name="Run again", exact=True).click()
    dialog = page.locator(".jp-Dialog")
    dialog.get_by_text("The code").click()
    assert "loss(lr, step)" in dialog.locator("pre").inner_text()
    side.answer("Run again")
    details = page.locator(".nbt-view:visible")
    details.get_by_role("progressbar").wait_for()
    assert details.get_by_role("button", name="Run again", exact=True).count() == 0
    details.locator(".nbt-badge", has_text="verified: same numbers").wait_for(timeout=120_000)
    assert details.get_by_role("progressbar").count() == 0
    side.tab("Run again").click()
    curves = details.locator(".xy .js-line")
    curves.nth(3).wait_for()  # of both metrics, both curves
    dashes = curves.evaluate_all("all => all.map(line => line.style.strokeDasharray)")
    assert sorted(dashes) == ["", "", "6px, 4px", "6px, 4px"]
    assert side.faults(".nbt-view:not(.lm-mod-hidden)") == []
    open_sidebar(side)
    side.search("trained")
    side.row("trained").locator("[data-verdict=yes]").wait_for()
    side.menu("trained", "Run again …")
    dialog.get_by_role("button", name="Cancel").click()
    page.locator(".lm-TabBar-tabLabel", has_text="trained.ipynb").click()
    side.run(3)
    side.done()
    table = side.table()
    table.root.locator("summary", has_text="Columns").click()
    page.get_by_role("checkbox", name="Reproduced").click()
    page.keyboard.press("Escape")
    table.wait_for("run_name", ["trained"])
    table.cell(0, "reproduced").locator("[data-verdict=yes]").wait_for()
