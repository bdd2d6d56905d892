"""Charts in a real JupyterLab: first paint, zoom, frame time while points arrive, bytes that stay.

Run with ``python benchmarks/browser_charts.py``; it needs JupyterLab, playwright and a Chromium.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))

from playwright.sync_api import sync_playwright  # noqa: E402

from lab import CHROMIUM, CHROMIUM_FLAGS, Lab, Server, write_notebook  # noqa: E402

SETUP = """%load_ext nbtrack
import nbtrack, math, time
from nbtrack.store import open_store
def log(name, count):
    with nbtrack.start_run(run_name=name):
        for i in range(count):
            nbtrack.log_metric("loss", 9.0 if i == count // 2 else math.sin(i / 5000), step=i)
for i in range(10):
    log(f"part-{i}", 100_000)
log("million", 1_000_000)
open_store().fold()
"""
CHARTS = {
    "one run of 1,000,000 points": "nbtrack.chart('million')",
    "10 runs of 100,000 points": "nbtrack.chart([f'part-{i}' for i in range(10)])",
}
LIVE = """%%track live
for i in range(300):
    nbtrack.log_metrics({f"m{k}": math.sin(i / 9 + k) for k in range(4)}, step=i)
    time.sleep(0.05)
"""
WATCH = """() => {
  window.paint = {};
  new MutationObserver(changes => {
    for (const { target, addedNodes } of changes) {
      for (const node of addedNodes) {
        if (node.querySelector?.('.nbt-chart') || node.classList?.contains('nbt-chart'))
          window.paint.arrived ??= performance.now();
      }
      if (target.dataset?.points && target.closest('.nbt-chart') && !window.paint.painted) {
        window.paint.painted = -1;
        requestAnimationFrame(() => requestAnimationFrame(() => {
          window.paint.painted = performance.now();
        }));
      }
    }
  }).observe(document.body, { subtree: true, childList: true, attributeFilter: ['data-points'] });
  const kernel = window.jupyterapp.shell.currentWidget.sessionContext.session.kernel;
  kernel.iopubMessage.connect((_, message) => {
    const type = message.header.msg_type;
    if (type !== 'execute_result' && type !== 'display_data') return;
    window.paint.message = performance.now();
  });
}"""
FRAMES = """() => {
  window.frames_ms = [];
  let last = performance.now();
  const tick = now => {
    window.frames_ms.push(now - last);
    last = now;
    window.frame_id = requestAnimationFrame(tick);
  };
  requestAnimationFrame(tick);
}"""


def first_paint(lab: Lab, index: int) -> float:
    """Return the milliseconds from the output message to the picture on the screen."""
    lab.page.evaluate(WATCH)
    lab.run(index)
    lab.page.wait_for_function("() => window.paint.painted > 0")
    paint = lab.page.evaluate("() => window.paint")
    lab.done()
    return float(paint["painted"] - paint["message"])


def zoom(lab: Lab, index: int) -> float:
    """Return the milliseconds from the end of a drag to the detail on the screen."""
    plot = lab.cell(index).locator(".nbt-plot").first
    plot.scroll_into_view_if_needed()
    box = plot.bounding_box()
    assert box
    mouse, y = lab.page.mouse, box["y"] + 80
    left, width = box["x"] + 46, box["width"] - 54
    mouse.move(left + width * 0.49, y)
    mouse.down()
    mouse.move(left + width * 0.51, y, steps=3)
    begin = lab.page.evaluate("() => performance.now()")
    mouse.up()
    lab.page.wait_for_selector(".nbt-chart[data-detail=shown]")
    return float(lab.page.evaluate("() => performance.now()")) - begin


def frames(lab: Lab, index: int) -> list[float]:
    """Return the times between frames while a cell logs 20 times a second."""
    lab.run(index)
    card = lab.cell(index).locator(".nbt-card")
    card.locator(".nbt-plot[data-points]").first.wait_for()
    card.scroll_into_view_if_needed()
    lab.page.evaluate(FRAMES)
    lab.page.wait_for_timeout(8000)
    found: list[float] = lab.page.evaluate("() => window.frames_ms.slice(5)")
    lab.page.evaluate("() => cancelAnimationFrame(window.frame_id)")
    lab.done()
    return found


def bytes_added(path: Path) -> list[int]:
    """Return how large the outputs of nbtrack in a saved notebook are."""
    cells: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))["cells"]
    outputs = [json.dumps(output) for cell in cells for output in cell.get("outputs", [])]
    return [len(text) for text in outputs if "vnd.nbtrack.view" in text]


def main() -> None:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        server = Server(Path(folder))
        try:
            server.wait()
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=CHROMIUM_FLAGS)
            page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
            lab = Lab(page, server)
            path = write_notebook(server.folder / "charts.ipynb", SETUP, *CHARTS.values(), LIVE)
            lab.open(path)
            lab.run(0)
            lab.done(240)
            for index, name in enumerate(CHARTS, start=1):
                print(f"{name}: first paint {first_paint(lab, index):.0f} ms", end=", ")
                print(f"detail after zoom {zoom(lab, index):.0f} ms")
                lab.cell(index).get_by_role("button", name="Reset zoom").click()
            times = sorted(frames(lab, len(CHARTS) + 1))
            p95 = times[int(len(times) * 0.95)]
            p50 = statistics.median(times)
            print(f"20 updates a second: frame p50 {p50:.1f} ms, p95 {p95:.1f} ms")
            lab.save()
            print("bytes a finished chart adds:", *(f"{size:,}" for size in bytes_added(path)))
            browser.close()
        finally:
            server.stop()


if __name__ == "__main__":
    main()
