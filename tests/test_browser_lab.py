"""The sidebar and the tabs of runs in a real JupyterLab, behind a base URL as on a hub."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lab as jupyter
from lab import ROOT, Lab, Server, open_lab, write_notebook
from nbtrack.client import Client
from nbtrack.entities import ViewType

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

browser = jupyter.browser
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SOURCES = f"{jupyter.NOTEBOOK}.widgets?.map(c => c.model.sharedModel.getSource())"
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"

RUNS = """
import math, subprocess, sys
from IPython.core.interactiveshell import InteractiveShell
from PIL import Image
import nbtrack

def train(lr, steps=40):
    for i in range(steps):
        nbtrack.log_metrics({"loss": math.exp(-i * lr), "accuracy": 1 - math.exp(-i * lr)}, step=i)

nbtrack.set_experiment("digits")
for lr in (0.1, 0.03, 0.01):
    with nbtrack.start_run(run_name=f"lr-{lr}"):
        nbtrack.log_params({"lr": lr, "batch_size": 64})
        train(lr)
with nbtrack.start_run(run_name="baseline"):
    nbtrack.log_params({"lr": 0.05, **{f"layer_{i}.width": 2**i for i in range(14)}})
    nbtrack.set_tag("stage", "final")
    train(0.05)
    Image.new("RGB", (64, 48), "teal").save("plot.png")
    nbtrack.log_artifact("plot.png", "figures")
    nbtrack.log_text("step,loss\\n0,1.5\\n1,0.5\\n", "history.csv")
    nbtrack.log_text("<h1>Report</h1><script>parent.evil = 1</script>", "report.html")
try:
    with nbtrack.start_run(run_name="too-high"):
        nbtrack.log_metric("loss", float("nan"), step=3)
        raise RuntimeError("the learning rate is too high")
except RuntimeError:
    pass
with nbtrack.start_run(run_name="sweep"):
    for i in range(2):
        with nbtrack.start_run(run_name=f"sweep-{i}", nested=True):
            train(0.02 * (i + 1), 20)
shell = InteractiveShell.instance()
shell.run_cell("%load_ext nbtrack")
fit = "import math, nbtrack\\ndef fit(lr):\\n    nbtrack.log_metric('loss', math.exp(-lr))"
shell.run_cell(fit, store_history=True)
shell.run_cell("unrelated = 'this is not needed'", store_history=True)
shell.run_cell("%%track cell-run -e digits\\nlr = 0.05\\nfit(lr)", store_history=True)
"""

DYING = """
import os, signal, time
import nbtrack
nbtrack.set_experiment("digits")
nbtrack.start_run(run_name="night-run")
for i in range(1831):
    nbtrack.log_metric("loss", 1 / (i + 1), step=i)
os.kill(os.getpid(), signal.SIGKILL)
"""

LOGGING = """
import sys, nbtrack
nbtrack.set_experiment("digits")
with nbtrack.start_run(run_name=sys.argv[1]):
    for i in range(5):
        nbtrack.log_metric("loss", 1 / (i + 1), step=i)
    if len(sys.argv) > 2:
        print("logged", flush=True)
        sys.stdin.readline()
"""


class Page(Lab):
    """A page of JupyterLab with the sidebar of nbtrack.

    Attributes
    ----------
    asked : list of str
        What the page asked nbtrack's part of the server: addresses, and the types of questions.
    """

    def __init__(self, page: Any, server: Server) -> None:
        super().__init__(page, server)
        page.set_default_timeout(20_000)
        self.asked: list[str] = []
        page.on("request", self._count)

    def _count(self, request: Any) -> None:
        prefix = f"{self.server.url}/nbtrack/"
        if request.url.startswith(prefix):
            body = json.loads(request.post_data or "{}")
            name = request.url.removeprefix(prefix).partition("?")[0]
            self.asked.append(body.get("type", name))

    def show(self) -> None:
        """Open the sidebar and wait for its tree."""
        open_sidebar(self)
        self.row("baseline").wait_for()

    def row(self, name: str) -> Locator:
        """Return the row of a run in the tree, by its name."""
        exact = self.page.locator(".nbt-row-name").get_by_text(name, exact=True)
        return self.page.locator(".nbt-tree .nbt-row").filter(has=exact)

    def rows(self) -> list[str]:
        """Return the names in the tree, from top to bottom."""
        return self.page.locator(".nbt-tree .nbt-row .nbt-row-name").all_text_contents()

    def wait_for_rows(self, names: list[str]) -> None:
        """Wait until the tree has these rows."""
        self.page.wait_for_function(
            """names => JSON.stringify([...document.querySelectorAll('.nbt-tree .nbt-row-name')]
                 .map(e => e.textContent)) === names""",
            arg=json.dumps(names, separators=(",", ":")),
        )

    def search(self, text: str) -> None:
        """Type into the search box of the sidebar."""
        self.page.locator(".nbt-sidebar .nbt-search").fill(text)

    def choose(self, stage: str) -> None:
        """Choose which runs are shown."""
        self.page.locator(".nbt-views").select_option(stage)

    def open_run(self, name: str) -> None:
        """Open the details of a run by a double click, and wait for them."""
        self.row(name).dblclick()
        self.page.locator(".nbt-details-name:visible", has_text=name).wait_for()

    def tab(self, name: str) -> Locator:
        """Return a tab of the details."""
        return self.page.get_by_role("tab", name=name, exact=True)

    def faults(self, inside: str) -> list[str]:
        """Return what axe-core finds seriously wrong inside an element."""
        if not self.page.evaluate("() => 'axe' in window"):
            self.page.add_script_tag(path=AXE)
        found = self.page.evaluate(
            "inside => axe.run(inside, { resultTypes: ['violations'] }).then(r => r.violations)",
            inside,
        )
        return [
            f"{each['id']}: {node['html'][:120]}"
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]


def open_sidebar(lab: Lab) -> None:
    """Show the sidebar, as soon as the extension is there."""
    lab.page.wait_for_function("() => window.jupyterapp.commands.hasCommand('nbtrack:show')")
    lab.command("nbtrack:show")


def run_python(folder: Path, code: str, *arguments: str) -> None:
    subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**jupyter.os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        check=code is not DYING,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a store of real runs; tests work on copies."""
    folder = tmp_path_factory.mktemp("runs")
    run_python(folder, RUNS)
    run_python(folder, DYING)
    return folder


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, made: Path) -> Iterator[Server]:
    """A Jupyter server behind a base URL, with the runs in a folder below its root."""
    started = Server(tmp_path_factory.mktemp("hub"), base_url="/user/x/")
    try:
        started.wait()
        shutil.copytree(made, started.folder / "project")
        write_notebook(started.folder / "a.ipynb", "1 + 1")
        yield started
    finally:
        started.stop()


@pytest.fixture
def side(browser: Browser, server: Server) -> Iterator[Page]:
    """JupyterLab with the sidebar open and the tree there."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = Page(context.new_page(), server)
    try:
        page.open(server.folder / "a.ipynb")
        page.show()
        yield page
    finally:
        page.say_what_is_there()
        context.close()
    assert page.outside == []
    assert page.problems == []


@pytest.fixture
def client(server: Server) -> Client:
    """Python's look at the store that the sidebar shows."""
    return Client(server.folder / "project" / "nbtrack.duckdb")


def find(client: Client, name: str, view: int = ViewType.ALL) -> Any:
    [run] = client.search_runs(
        [e.experiment_id for e in client.search_experiments()],
        f"attributes.run_name = '{name}'",
        run_view_type=view,
    )
    return run


# -- the tree -------------------------------------------------------------------------------


def test_the_tree_shows_experiments_states_and_nested_runs(side: Page) -> None:
    assert side.rows()[:3] == ["digits", "night-run", "cell-run"]
    assert side.row("too-high").locator(".nbt-sign").get_attribute("data-state") == "FAILED"
    assert side.row("lr-0.1").locator("svg.nbt-side-spark").count() == 1
    side.row("sweep").locator(".nbt-caret").click()
    nested = side.row("sweep-0")
    assert nested.get_attribute("aria-level") == "3"
    assert side.row("night-run").get_by_text("stopped at step 1,830, kernel died").is_visible()


def test_search_takes_words_and_conditions_and_says_what_is_wrong(side: Page) -> None:
    side.search("lr-0.0")
    side.wait_for_rows(["digits", "lr-0.01", "lr-0.03"])
    side.search("params.lr = '0.05' and tags.stage = 'final'")
    side.wait_for_rows(["digits", "baseline"])
    side.search("metrics.loss <")
    side.page.locator(".nbt-side-error").get_by_text("metrics.loss").wait_for()
    side.search("unheard")
    side.page.get_by_text("No run matches").wait_for()
    side.page.get_by_role("button", name="Show all runs").click()
    side.row("baseline").wait_for()


def test_selected_runs_open_as_a_comparison(side: Page) -> None:
    side.row("lr-0.1").click()
    side.row("lr-0.03").click(modifiers=["Control"])
    side.page.get_by_text("2 selected").wait_for()
    side.page.get_by_role("button", name="Compare", exact=True).click()
    side.page.locator(".nbt-padded .main-svg").first.wait_for()
    assert side.page.locator(".lm-TabBar-tabLabel", has_text="Compare 2 runs").count() == 1


def test_the_keyboard_alone_goes_through_tree_and_details(side: Page) -> None:
    press = side.page.keyboard.press
    tree = side.page.locator(".nbt-tree")
    tree.focus()
    press("End")
    press("Home")
    side.page.keyboard.type("base", delay=20)
    active = tree.get_attribute("aria-activedescendant")
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
    side.page.wait_for_function(f"() => ({SOURCES})?.length >= 3")
    sources: list[str] = side.page.evaluate(f"() => ({SOURCES})")
    assert "def fit(lr)" in sources[1]
    assert sources[2].startswith("%%track cell-run")
    assert "fit(lr)" in sources[2]
    assert not any("unrelated" in source for source in sources)


def test_details_come_back_after_a_reload(side: Page) -> None:
    side.open_run("lr-0.03")
    side.tab("Params").click()
    side.page.wait_for_timeout(1500)  # JupyterLab saves its layout a second after it has changed
    side.page.reload()
    side.page.locator(".nbt-details-name", has_text="lr-0.03").wait_for()
    assert side.tab("Params").get_attribute("aria-selected") == "true"


# -- what is done to runs -------------------------------------------------------------------


def test_name_note_and_tag_are_written_to_the_store(side: Page, client: Client) -> None:
    side.open_run("lr-0.01")
    side.page.get_by_role("textbox", name="Note").fill("too slow")
    side.page.locator(".nbt-details-name").click()
    side.page.get_by_role("button", name="+ Add tag").click()
    side.page.get_by_label("Tag", exact=True).fill("owner")
    side.page.get_by_label("Value", exact=True).fill("ada")
    side.page.get_by_role("button", name="Save").click()
    side.page.locator(".nbt-chip", has_text="ada").wait_for()
    side.row("lr-0.01").click()
    side.page.locator(".nbt-tree").focus()
    side.page.keyboard.press("F2")
    side.page.locator(".nbt-rename").fill("slow")
    side.page.keyboard.press("Enter")
    side.row("slow").wait_for()
    run = find(client, "slow")
    assert run.data.tags["mlflow.note.content"] == "too slow"
    assert run.data.tags["owner"] == "ada"


def test_deleted_runs_come_back(side: Page, client: Client) -> None:
    side.row("too-high").click()
    side.page.locator(".nbt-tree").focus()
    side.page.keyboard.press("Delete")
    side.page.locator(".jp-Dialog").get_by_role("button", name="Delete").click()
    side.row("too-high").wait_for(state="detached")
    assert find(client, "too-high").info.lifecycle_stage == "deleted"
    side.choose("deleted")
    side.row("too-high").click(button="right")
    side.page.locator(".lm-Menu-itemLabel", has_text="Restore").click()
    side.row("too-high").wait_for(state="detached")
    side.choose("active")
    side.row("too-high").wait_for()
    assert find(client, "too-high").info.lifecycle_stage == "active"


def test_an_interrupted_run_is_discarded_in_its_row(side: Page, client: Client) -> None:
    side.page.get_by_role("button", name="Discard night-run").click()
    side.page.locator(".jp-Dialog").get_by_role("button", name="Discard").click()
    side.row("night-run").wait_for(state="detached")
    assert find(client, "night-run").info.lifecycle_stage == "deleted"
    side.page.get_by_role("button", name="Undo").click()
    side.row("night-run").wait_for()


# -- what happens elsewhere -----------------------------------------------------------------


def test_a_run_of_another_process_shows_while_it_runs(side: Page, server: Server) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", LOGGING, "elsewhere", "wait"],
        cwd=server.folder / "project",
        env={**jupyter.os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    ) as process:
        running = side.row("elsewhere").locator(".nbt-sign[data-state=RUNNING]")
        running.wait_for()
        side.row("elsewhere").get_by_text("step 4").wait_for()
        process.communicate(b"\n")
    side.row("elsewhere").locator(".nbt-sign[data-state=FINISHED]").wait_for()


def test_a_hidden_sidebar_asks_nothing(side: Page, server: Server) -> None:
    side.command("application:toggle-left-area")
    side.page.locator(".nbt-tree").wait_for(state="hidden")
    side.page.wait_for_timeout(500)  # what was under way comes to its end
    side.asked.clear()
    run_python(server.folder / "project", LOGGING, "unseen")
    side.page.wait_for_timeout(3000)
    assert side.asked == []
    side.command("application:toggle-left-area")
    side.row("unseen").wait_for()


# -- how it looks ---------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_axe_finds_no_serious_fault(side: Page, theme: str) -> None:
    side.page.evaluate(
        "theme => window.jupyterapp.commands.execute('apputils:change-theme', { theme })", theme
    )
    side.open_run("baseline")
    side.page.locator(f"body[data-jp-theme-name='{theme}']").wait_for(state="attached")
    faults = side.faults(".nbt-sidebar-panel")
    for name in ("Overview", "Curves", "Params", "Artifacts", "Source", "Environment"):
        side.tab(name).click()
        side.page.locator(f".nbt-tabpanel-{name.lower()} > *").first.wait_for()
        side.page.wait_for_timeout(300)
        faults += [f"{name}: {fault}" for fault in side.faults(".nbt-view")]
    assert faults == []


def test_notebook_7_has_the_sidebar_and_the_details(browser: Browser, server: Server) -> None:
    with open_lab(browser, server) as page:
        page.open(server.folder / "a.ipynb", app="notebooks")
        open_sidebar(page)
        tree = page.page.locator(".nbt-tree")
        tree.get_by_text("baseline").dblclick()
        page.page.locator(".nbt-details-name", has_text="baseline").wait_for()


# -- the first minutes ----------------------------------------------------------------------


def test_without_a_store_it_teaches_and_sees_the_first_run(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    started = Server(tmp_path_factory.mktemp("empty"))
    try:
        started.wait()
        with open_lab(browser, started) as page:
            page.open(write_notebook(started.folder / "first.ipynb", ""))
            open_sidebar(page)
            page.page.get_by_role("button", name="Insert into notebook").click()
            page.page.locator(".cm-content", has_text="nbtrack.start_run").wait_for()
            page.run_all()
            page.page.locator(".nbt-tree").get_by_text("first").wait_for()
    finally:
        started.stop()


def test_without_the_server_extension_it_says_what_to_do(
    browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> None:
    started = Server(tmp_path_factory.mktemp("off"), extension=False)
    try:
        started.wait()
        with open_lab(browser, started) as page:
            page.open(write_notebook(started.folder / "a.ipynb", "1"))
            open_sidebar(page)
            page.page.get_by_text("jupyter server extension enable nbtrack").wait_for()
            page.problems.clear()
    finally:
        started.stop()
