"""How long a table of 10,000 runs x 50 columns takes in a real JupyterLab, and how it scrolls.

    python benchmarks/browser_table.py [RUNS]

Prints milliseconds: from the start of the cell's output to the first rows, and the frames while it
scrolls through all rows (p50, p95 and the longest), and until the rows stand after a jump.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from playwright.sync_api import sync_playwright  # noqa: E402

from big_store import make_store  # noqa: E402
from lab import CHROMIUM, CHROMIUM_FLAGS, Lab, Server, write_notebook  # noqa: E402

SHOW = """
table = nbtrack.runs()
every = [c["name"] for c in table.all_columns["columns"] if c["kind"] != "curve"]
table.columns = every[:50]
table
"""
WATCH = """() => {
  const look = () => {
    const output = document.querySelectorAll('.nbtrack-output').length > 1;
    if (output && !window.begun) window.begun = performance.now();
    const tables = document.querySelectorAll('.nbt-table');
    const table = tables[tables.length - 1];
    const cell = table?.querySelector('.ag-cell[col-id="run_name"] .nbt-nametext');
    if (cell) window.shown = performance.now();
    else requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""
SCROLL = """async () => {
  const view = [...document.querySelectorAll('.ag-grid-viewport')].at(-1);
  const frames = [];
  let last = performance.now();
  for (let i = 0; i < 240; i++) {
    view.scrollTop += 120;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  frames.sort((a, b) => a - b);
  const jumps = [];
  for (const part of [0.9, 0.2, 0.6, 1]) {
    const begin = performance.now();
    view.scrollTop = part * (view.scrollHeight - view.clientHeight);
    await new Promise(resolve => setTimeout(resolve, 60));
    while (document.querySelector('.ag-row .nbt-loading')) await new Promise(requestAnimationFrame);
    jumps.push(Math.round(performance.now() - begin));
  }
  return { p50: frames[120], p95: frames[228], longest: frames[239], jumps };
}"""


def main() -> None:
    """Measure, and print."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        try:
            server.wait()
            make_store(server.folder, runs)
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            page = browser.new_page(viewport={"width": 1400, "height": 900})
            lab = Lab(page, server)
            setup = "%load_ext nbtrack\nimport nbtrack\nnbtrack.runs('nothing')"
            lab.open(write_notebook(server.folder / "table.ipynb", setup, SHOW))
            lab.run(0)
            lab.done()
            page.locator(".nbt-table").wait_for()
            page.evaluate(WATCH)
            lab.run(1)
            page.wait_for_function("() => window.shown")
            print(f"{runs:,} runs x 50 columns")
            opened = page.evaluate("() => window.shown - window.begun")
            print(f"  output to first rows  {opened:7.0f} ms")
            lab.done()
            found = page.evaluate(SCROLL)
            print(f"  scroll frames p50     {found['p50']:7.1f} ms")
            print(f"  scroll frames p95     {found['p95']:7.1f} ms, longest {found['longest']:.0f}")
            print(f"  rows stand after a jump  {found['jumps']} ms")
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
