"""How long a table of 10,000 runs x 50 columns takes in a real JupyterLab, and how it scrolls.

    python benchmarks/browser_table.py [RUNS]

Prints milliseconds: from the start of the cell's output to the first rows, the frames while it
scrolls (p50, p95 and the longest) with the CPU time that the page's main thread takes for each, and
until the rows stand after a jump. A busy machine makes frames longer, and CPU time hardly.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]

from playwright.sync_api import sync_playwright  # noqa: E402

from big_store import make_store  # noqa: E402
from browser_trace import KINDS, record, shares  # noqa: E402
from lab import CHROMIUM, CHROMIUM_FLAGS, Lab, Server, write_notebook  # noqa: E402

if TYPE_CHECKING:
    from playwright.sync_api import Page

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
SCROLL = """async ([count, pixels]) => {
  const view = [...document.querySelectorAll('.ag-grid-viewport')].at(-1);
  view.scrollTop = 0;
  await new Promise(resolve => setTimeout(resolve, 1000));
  const frames = [];
  let loading = 0;
  let last = performance.now();
  for (let i = 0; i < count; i++) {
    view.scrollTop += pixels;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
    if (document.querySelector('.ag-row .nbt-loading')) loading += 1;
  }
  frames.sort((a, b) => a - b);
  const at = part => frames[Math.floor(part * count)];
  return { p50: at(0.5), p95: at(0.95), longest: frames.at(-1), loading };
}"""
JUMP = """async () => {
  const view = [...document.querySelectorAll('.ag-grid-viewport')].at(-1);
  const jumps = [];
  for (const part of [0.9, 0.2, 0.6, 1]) {
    const begin = performance.now();
    view.scrollTop = part * (view.scrollHeight - view.clientHeight);
    await new Promise(resolve => setTimeout(resolve, 60));
    while (document.querySelector('.ag-row .nbt-loading')) await new Promise(requestAnimationFrame);
    jumps.push(Math.round(performance.now() - begin));
  }
  return jumps;
}"""
FRAMES = 240
PIXELS = (40, 120)


def scroll(page: Page, pixels: int) -> None:
    """Scroll by so many pixels a frame, and print what a frame takes."""
    found = page.evaluate(SCROLL, [FRAMES, pixels])  # without the trace, which costs time
    _, events = record(page, lambda: page.evaluate(SCROLL, [FRAMES, pixels]))
    print(f"  {pixels} pixels a frame")
    print(
        f"    p50 {found['p50']:.1f} ms, p95 {found['p95']:.1f} ms, longest {found['longest']:.0f}"
    )
    print(f"    {found['loading']} of {FRAMES} frames with rows that are not here yet")
    cpu = {kind: value / FRAMES for kind, value in shares(events).items()}
    parts = ", ".join(f"{kind} {cpu.get(kind, 0):.1f}" for kind in (*KINDS, "other"))
    print(f"    main thread {cpu['all']:.1f} ms of CPU a frame: {parts}")


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
            for pixels in PIXELS:
                scroll(page, pixels)
            print(f"  rows stand after a jump  {page.evaluate(JUMP)} ms")
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
