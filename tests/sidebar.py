"""The sidebar in a real JupyterLab: runs to show, and a page that knows its parts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lab import NOTEBOOK, ROOT, Lab, Server, serious_faults, write_notebook
from nbtrack.client import Client

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator

SOURCES = f"{NOTEBOOK}.widgets?.map(c => c.model.sharedModel.getSource())"

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
shell.user_ns["from_elsewhere"] = 1
for lr in (0.02, 0.05):
    cell = f"%%track cell-run -e digits\\nlr = {lr}\\nfit(lr * from_elsewhere)"
    shell.run_cell(cell, store_history=True)
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

HOME = """() => {
  const { shell, commands } = window.jupyterapp;
  for (const tab of [...shell.widgets('main')]) {
    if (tab.id.startsWith('nbtrack-')) tab.dispose();
    else shell.activateById(tab.id);
  }
  return commands.execute('nbtrack:show');
}"""


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

    def home(self) -> None:
        """Go back to how the page began: the notebook, and a sidebar that shows all active runs."""
        self.page.evaluate(HOME)
        self.search("")
        self.choose("active")
        self.row("baseline").wait_for()
        self.tree.focus()
        self.page.keyboard.press("Escape")
        self.asked.clear()

    @property
    def tree(self) -> Locator:
        """The tree of runs."""
        return self.page.locator(".nbt-tree")

    def row(self, name: str) -> Locator:
        """Return the first row of a run or an experiment in the tree, by its name."""
        exact = self.page.locator(".nbt-row-name").get_by_text(name, exact=True)
        return self.page.locator(".nbt-tree .nbt-row").filter(has=exact).first

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
        self.page.locator(".nbt-sidebar .nbt-search").press("Enter")

    def choose(self, stage: str) -> None:
        """Choose which runs are shown."""
        self.page.locator(".nbt-views").select_option(stage)

    def open_run(self, name: str) -> None:
        """Open the details of a run by a double click, and wait for them."""
        self.row(name).locator(".nbt-row-name").dblclick()
        self.page.locator(".nbt-details-name:visible", has_text=name).wait_for()

    def tab(self, name: str) -> Locator:
        """Return a tab of the details that are seen."""
        return self.page.locator(".nbt-view:visible").get_by_role("tab", name=name, exact=True)

    def menu(self, row: str, item: str) -> None:
        """Choose from the context menu of a row."""
        self.row(row).locator(".nbt-row-name").click(button="right")
        self.page.locator(".lm-Menu-itemLabel").get_by_text(item, exact=True).click()

    def answer(self, label: str) -> None:
        """Press a button of the dialog."""
        self.page.locator(".jp-Dialog").get_by_role("button", name=label, exact=True).click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def rename_active(self, name: str) -> None:
        """Rename the row that has the keyboard."""
        self.tree.focus()
        self.page.keyboard.press("F2")
        self.page.locator(".nbt-rename").fill(name)
        self.page.keyboard.press("Enter")
        self.row(name).wait_for()

    def settled(self) -> None:
        """Wait until JupyterLab has saved its layout, a second after it changed."""
        self.page.wait_for_timeout(1500)

    def faults(self, inside: str) -> list[str]:
        """Return what axe-core finds seriously wrong inside an element."""
        return serious_faults(self.page, inside)


def open_sidebar(lab: Lab) -> None:
    """Show the sidebar, as soon as the extension is there."""
    lab.page.wait_for_function("() => window.jupyterapp?.commands.hasCommand('nbtrack:show')")
    lab.command("nbtrack:show")


def python(folder: Path, code: str, *arguments: str, **options: Any) -> subprocess.Popen[bytes]:
    """Start Python with nbtrack in a folder."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.DEVNULL,
        **options,
    )


def run_python(folder: Path, code: str, *arguments: str) -> None:
    """Run Python with nbtrack in a folder."""
    with python(folder, code, *arguments) as process:
        process.wait(60)
    assert process.returncode == 0 or code is DYING


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Jupyter server behind a base URL, with the runs in a folder below its root."""
    started = Server(tmp_path_factory.mktemp("hub"), base_url="/user/x/")
    try:
        project = started.folder / "project"  # made while the server starts
        project.mkdir()
        run_python(project, RUNS)
        run_python(project, DYING)
        write_notebook(started.folder / "a.ipynb", "1 + 1")
        started.wait()
        yield started
    finally:
        started.stop()


@contextmanager
def open_page(browser: Browser, server: Server) -> Iterator[Page]:
    """Open JupyterLab with the sidebar; at the end, fail if nbtrack complained."""
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


@pytest.fixture(scope="module")
def window(browser: Browser, server: Server) -> Iterator[Page]:
    """One page for all tests of a module."""
    with open_page(browser, server) as page:
        yield page


@pytest.fixture
def side(window: Page) -> Iterator[Page]:
    """The page as a test finds it: nothing open but the notebook, nothing searched or selected."""
    window.home()
    yield window
    found, window.problems = window.problems, []
    assert found == []


@pytest.fixture
def client(server: Server) -> Client:
    """Python's look at the store that the sidebar shows."""
    return Client(server.folder / "project" / "nbtrack.duckdb")
