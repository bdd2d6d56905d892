"""A real JupyterLab and a real Chromium for tests; nothing but this machine is reachable."""

from __future__ import annotations

import json
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from servers import PACKAGE, ROOT, TOKEN, Server

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page, Request

BUILT = [
    PACKAGE / "static" / "views.js",
    PACKAGE / "static" / "loader.js",
    PACKAGE / "labextension" / "package.json",
]
AXE = ROOT / "js" / "node_modules" / "axe-core" / "axe.min.js"
CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # nothing but this machine: to look at each request would keep pages from using their cache
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
PATIENCE_MS = 60_000


NOTEBOOK = "window.jupyterapp.shell.currentWidget.content"
CELLS = f"{NOTEBOOK}.widgets.filter(w => w.model.type === 'code')"
KERNEL = "window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel"

STATE_ON_SERVER = f"""async () => {{
  const {{ id, serverSettings }} = {KERNEL};
  const url = `${{serverSettings.baseUrl}}api/kernels/${{id}}`;
  const headers = {{ Authorization: `token ${{serverSettings.token}}` }};
  return (await (await fetch(url, {{ headers }})).json()).execution_state;
}}"""

COLUMN = """(root, name) => {
  const cells = [...root.querySelectorAll(`.ag-row .ag-cell[col-id="${name}"]`)];
  const place = cell => Number(cell.closest('.ag-row').getAttribute('row-index'));
  return cells.sort((a, b) => place(a) - place(b)).map(cell => cell.textContent);
}"""


def find_chromium() -> str | None:
    """Return the path of a Chromium or Chrome; ``NBTRACK_CHROMIUM`` wins."""
    names = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
    found = [os.environ.get("NBTRACK_CHROMIUM"), *map(shutil.which, names)]
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return next(filter(None, [*found, str(mac) if mac.exists() else None]), None)


CHROMIUM = find_chromium()  # before a test's settings are taken away


def write_notebook(path: Path, *cells: str) -> Path:
    """Write a notebook with these code cells."""
    notebook = {
        "cells": [
            {
                "cell_type": "code",
                "id": f"cell-{i}",
                "metadata": {},
                "source": source,
                "outputs": [],
                "execution_count": None,
            }
            for i, source in enumerate(cells)
        ],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
            "language_info": {"name": "python"},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def serious_faults(page: Page, inside: str) -> list[str]:
    """Return what axe-core finds seriously wrong with the accessibility of an element."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text("utf-8"))  # a policy of the page may forbid script elements
    found = page.evaluate(
        "inside => axe.run(inside, { resultTypes: ['violations'] }).then(r => r.violations)", inside
    )
    return [
        f"{each['id']}: {node['html'][:160]}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


class Lab:
    """A page with a notebook of a server.

    Attributes
    ----------
    page : Page
    path : Path
        The notebook that was opened last.
    outside : list of str
        What the page asked of other machines; the browser finds none of them.
    said : list of str
        What the console of the page said.
    problems : list of str
        Errors in the page that speak of nbtrack.
    """

    def __init__(self, page: Page, server: Server) -> None:
        self.page = page
        self.server = server
        self.outside: list[str] = []
        self.problems: list[str] = []
        self.said: list[str] = []
        page.set_default_timeout(PATIENCE_MS)
        page.context.on("request", self._look)
        page.on("console", lambda said: self._listen(f"{said.type}: {said.text}"))
        page.on("pageerror", lambda error: self._listen(f"pageerror: {error}\n{error.stack}"))

    def _look(self, request: Request) -> None:
        if not request.url.startswith((self.server.url, "blob:", "data:")):
            self.outside.append(request.url)

    def _listen(self, text: str) -> None:
        self.said.append(text[:500])
        bad = text.startswith(("error", "pageerror"))
        if bad and any(word in text.lower() for word in ("nbtrack", "nbt-", "plotly")):
            self.problems.append(text)

    def say_what_is_there(self) -> None:
        """Print what the page shows; pytest shows it when a test fails."""
        print(self.page.evaluate("() => document.querySelector('.jp-Notebook')?.innerText"))
        print(*self.said[-30:], sep="\n")

    def open(self, path: Path, app: str = "lab/tree") -> None:
        """Open a notebook in JupyterLab, or with ``notebooks`` in Notebook 7; wait for a kernel."""
        self.path = path
        name = path.relative_to(self.server.folder).as_posix()
        if app.startswith("lab/"):
            # a workspace of its own: a reload must not bring back what another page has open
            app = f"lab/workspaces/{uuid.uuid4().hex}/{app.removeprefix('lab/')}"
        self.page.goto(f"{self.server.url}/{app}/{name}?reset&token={TOKEN}")
        self.ready()

    def reload(self) -> None:
        """Reload the page, also one with changes that are not saved."""
        self.page.once("dialog", lambda dialog: dialog.accept())
        self.page.reload()
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()

    def ready(self) -> None:
        """Wait for the notebook and an idle kernel."""
        self.page.locator(".jp-Notebook .jp-CodeCell").first.wait_for()
        self.page.wait_for_function(f"() => ({KERNEL})?.connectionStatus === 'connected'")
        # after a restart the page may hear "starting" behind "idle": then the server knows better
        end = time.monotonic() + PATIENCE_MS / 1000
        while self.page.evaluate(f"() => ({KERNEL}).status") != "idle":
            if self.page.evaluate(STATE_ON_SERVER) == "idle":
                return
            assert time.monotonic() < end, "the kernel does not come to rest"
            self.page.wait_for_timeout(100)

    def command(self, name: str, **arguments: Any) -> None:
        """Execute a command of JupyterLab; :meth:`done` waits for what it starts."""
        self.page.evaluate(
            """([name, args]) => {
              const end = () => { window.commandsUnderWay -= 1; };
              window.commandsUnderWay = (window.commandsUnderWay ?? 0) + 1;
              window.jupyterapp.commands.execute(name, args).then(end, end);
            }""",
            [name, arguments],
        )

    def run_all(self) -> None:
        """Run all cells and wait for the last one, however long it computes: tests have a limit."""
        self.command("notebook:run-all-cells")
        self.done(timeout_s=600)

    def done(self, timeout_s: float = 90) -> None:
        """Wait until no cell runs or waits, and the kernel is idle."""
        # a cell that was told to run looks idle until the notebook has come to it
        self.page.wait_for_function(
            f"""() => !window.commandsUnderWay && ({KERNEL})?.status === 'idle'
              && ({CELLS}).length > 0
              && ({CELLS}).every(c => c.model.executionState === 'idle')
              && ({CELLS}).some(c => c.model.executionCount)""",
            timeout=timeout_s * 1000,
        )

    def run(self, index: int) -> None:
        """Start to run one cell."""
        self.page.evaluate(f"index => {{ {NOTEBOOK}.activeCellIndex = index; }}", index)
        self.command("notebook:run-cell")

    def save(self) -> None:
        """Save the notebook, and wait until it is saved."""
        self.page.evaluate("() => window.jupyterapp.commands.execute('docmanager:save')")

    def restart_kernel(self) -> None:
        """Restart the kernel and wait for it."""
        self.page.evaluate(f"() => ({KERNEL}).restart()")
        self.ready()

    def interrupt(self) -> None:
        """Interrupt the kernel."""
        self.page.evaluate(f"() => ({KERNEL}).interrupt()")

    def table(self, index: int = 0) -> Table:
        """Return a table of runs by its place in the page."""
        return Table(self.page.locator(".nbt-table").nth(index))

    def cell(self, index: int) -> Locator:
        """Return a cell by its place."""
        return self.page.locator(".jp-Notebook .jp-Cell").nth(index)


class Table:
    """A table of runs in the page."""

    def __init__(self, root: Locator) -> None:
        self.root = root
        self.grid = root.locator(".nbt-gridhost")

    def heading(self, column: str) -> Locator:
        """Return the heading of a column, by the column's full name."""
        return self.root.locator(f".nbt-heading[data-column='{column}'] .nbt-label")

    def cell(self, row: int, column: str) -> Locator:
        """Return a cell by the place of its row and the name of its column."""
        return self.root.locator(f".ag-row[row-index='{row}'] .ag-cell[col-id='{column}']")

    def column(self, column: str) -> list[str]:
        """Return the cells of a column, as they stand below each other."""
        found: list[str] = self.root.evaluate(f"(root, name) => ({COLUMN})(root, name)", column)
        return found

    def wait_for(self, column: str, cells: list[str]) -> None:
        """Wait until a column has these cells."""
        self.root.page.wait_for_function(
            f"([root, name, cells]) => JSON.stringify(({COLUMN})(root, name)) === cells",
            arg=[
                self.root.element_handle(),
                column,
                json.dumps(cells, ensure_ascii=False, separators=(",", ":")),
            ],
        )

    def wait_for_total(self, rows: int) -> None:
        """Wait until the table has so many rows."""
        self.root.page.wait_for_function(
            "([root, rows]) => root.dataset.total === rows",
            arg=[self.root.element_handle(), str(rows)],
        )

    def filter(self, text: str) -> None:
        """Type a filter and press Enter."""
        self.root.get_by_role("searchbox").first.fill(text)
        self.root.get_by_role("searchbox").first.press("Enter")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A Jupyter server for all tests of a module."""
    pytest.importorskip("jupyterlab", reason="the browser tests need JupyterLab")
    missing = [str(path.relative_to(ROOT)) for path in BUILT if not path.is_file()]
    if missing:
        pytest.fail(f"{', '.join(missing)}: not built. Build: cd js && npm ci && npm run build")
    started = Server(tmp_path_factory.mktemp("jupyter"))
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@contextmanager
def open_browser() -> Iterator[Browser]:
    """Start a headless Chromium."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
        yield started
        started.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium; closed with the module, since playwright keeps an event loop running."""
    pytest.importorskip("playwright", reason="the browser tests need playwright")
    if CHROMIUM is None:
        pytest.skip("no Chromium or Chrome; install one, or set NBTRACK_CHROMIUM to its path")
    with open_browser() as started:
        yield started


@contextmanager
def open_lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """Open an empty page; at the end, fail if nbtrack complained or asked another machine."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    opened = Lab(context.new_page(), server)
    try:
        yield opened
    finally:
        opened.say_what_is_there()
        context.close()
    assert opened.outside == []
    assert opened.problems == []


@pytest.fixture
def lab(browser: Browser, server: Server) -> Iterator[Lab]:
    """A page for one test."""
    with open_lab(browser, server) as opened:
        yield opened


@pytest.fixture
def folder(server: Server, request: pytest.FixtureRequest) -> Path:
    """A fresh folder below the root of the server."""
    made = server.folder / request.node.name.replace("[", "-").replace("]", "")
    made.mkdir()
    return made
