"""``nbtrack ui`` as a program of its own, runs for it to show, and a page that looks at it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from lab import Table
from programs import python_path, run

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Request

TESTS = Path(__file__).parent
COMMAND = [sys.executable, "-c", "from nbtrack.cli import main; main()", "ui", "--no-browser"]

RUNS = """
import math, sys
sys.path.insert(0, sys.argv[1])
import nbtrack
from PIL import Image
from shown_models import log_folder

nbtrack.set_tracking_uri("shown.duckdb")
nbtrack.set_experiment("digits")
for name, lr in (("slow", 0.01), ("<b>quick</b>", 0.1), ("baseline", 0.05)):
    with nbtrack.start_run(run_name=name) as started:
        nbtrack.log_params({"lr": lr, "layers": 3})
        for step in range(40):
            nbtrack.log_metrics({"loss": math.exp(-step * lr), "accuracy": step / 40}, step=step)
Image.new("RGB", (64, 48), "teal").save("plot.png")
client = nbtrack.MlflowClient()
run_id = started.info.run_id
client.log_artifact(run_id, "plot.png", "figures")
client.log_text(run_id, "# Report\\n\\n**Good** <script>evil = 1</script>\\n", "report.md")
client.log_text(run_id, "<h1>Hi</h1><script>parent.evil = 1</script>", "report.html")
model = log_folder("net", run_id)
nbtrack.register_model(f"models:/{model.model_id}", "digits-net")
client.set_registered_model_alias("digits-net", "champion", 1)
nbtrack.set_experiment("letters")
with nbtrack.start_run(run_name="other"):
    nbtrack.log_metric("loss", 2.0)
    nbtrack.log_params({"depth": 3, "width": 4})
nbtrack.set_experiment("keys")
keys = ["acc (top 5)", "p@5, %", "x[0].y", "a'b`c", "<img src=x onerror='evil=1'>", "<b>bold</b>"]
for run, lr in enumerate((0.1, 0.2)):
    with nbtrack.start_run(run_name=f"keys {run}"):
        nbtrack.log_params({key: lr for key in keys})
        for step in range(10):
            nbtrack.log_metrics({key: step + place + run for place, key in enumerate(keys)}, step)
print(run_id)
"""

LIVE = """
import sys
import nbtrack
nbtrack.set_tracking_uri("shown.duckdb")
nbtrack.set_experiment("digits")
with nbtrack.start_run(run_name="live") as started:
    print(started.info.run_id, flush=True)
    step = 0
    for line in sys.stdin:
        for _ in range(int(line)):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
            step += 1
        print(step, flush=True)
"""


def log_runs(folder: Path) -> str:
    """Log runs of two experiments and a model; return the id of the run ``baseline``."""
    return run(RUNS, TESTS, cwd=folder).split()[-1]


class Ui:
    """A running ``nbtrack ui``; ``address`` is what it has printed."""

    def __init__(self, folder: Path, *words: str) -> None:
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("NBTRACK_", "MLFLOW_"))}
        self.folder = folder
        with (folder / "ui.log").open("wb") as log:
            self.process = subprocess.Popen(
                [*COMMAND, "--uri", "shown.duckdb", "--port", "0", *words],
                cwd=folder,
                env={**kept, "PYTHONPATH": python_path()},
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout is not None
        self.address = self.process.stdout.readline().split()[-1]
        self.url = self.address.partition("/?")[0].rstrip("/")

    def interrupt(self) -> int:
        """Press Ctrl-C; return the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(60)
        if self.process.stdout is not None:
            self.process.stdout.close()
        return status


class Window:
    """A page of ``nbtrack ui``; nothing but its server is reachable.

    Attributes
    ----------
    outside : list of str
        What it asked of other machines.
    problems : list of str
        Errors in its console.
    """

    def __init__(self, browser: Browser, ui: Ui, theme: str = "light") -> None:
        self.ui = ui
        self.outside: list[str] = []
        self.problems: list[str] = []
        size = {"width": 1280, "height": 860}
        self.context = browser.new_context(viewport=size, color_scheme=theme)
        self.context.on("request", self._look)
        self.page = self.context.new_page()
        self.page.set_default_timeout(30_000)
        self.page.on("console", lambda said: said.type == "error" and self._hear(said.text))
        self.page.on("pageerror", lambda error: self._hear(str(error)))
        self.page.goto(ui.address)

    def _look(self, request: Request) -> None:
        # the browser's own viewer of PDFs has addresses of its own
        own = (self.ui.url, "blob:", "data:", "chrome:", "chrome-extension:")
        if not request.url.startswith(own):
            self.outside.append(request.url)

    def _hear(self, text: str) -> None:
        self.problems.append(text)

    def show(self, address: str) -> None:
        """Go to an address of the page."""
        self.page.evaluate("address => { location.hash = address; }", address)

    def experiment(self, name: str) -> None:
        """Go to the runs of an experiment."""
        self.page.locator(".nav-link[data-id]", has_text=name).click()
        self.page.locator("h1", has_text=name).wait_for()

    def wait_for_runs(self, names: list[str]) -> None:
        """Wait until the table has these runs, in this order; each has a button that opens it."""
        self.table.wait_for("run_name", names)

    @property
    def table(self) -> Table:
        """The table of runs that is shown."""
        return Table(self.page.locator(".nbt-runstable"))

    def close(self) -> None:
        """Close it; fail if it complained or asked another machine."""
        self.context.close()
        assert self.outside == [], self.outside
        assert self.problems == [], self.problems
