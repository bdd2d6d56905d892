"""Measure what a hundred tracked cells of a notebook cost in a real JupyterLab and Chromium.

Usage::

    python benchmarks/browser_cells.py [--cells 100] [--points 200]

Prints the memory of the page, what travelled to it, the memory of the kernel, and the bytes of the
notebook, all for each cell. Needs the extras ``jupyter`` and ``dev`` and Chromium.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "tests"))

from lab import Server, open_browser, open_lab, write_notebook  # noqa: E402

SETUP = "%load_ext nbtrack\nimport nbtrack, math, time, psutil"
CELL = """%%track
lr = {number}e-4
for step in range({points}):
    loss = math.exp(-step / 50)
    values = {{"train_loss": loss, "val_loss": 1.1 * loss, "accuracy": 1 - loss}}
    nbtrack.log_metrics(values, step=step)
"""


def main() -> None:
    """Run the cells in halves and print what the second half added."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cells", type=int, default=100)
    parser.add_argument("--points", type=int, default=200)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as parent:
        server = Server(Path(parent))
        server.wait()
        cells = [CELL.format(number=i + 1, points=asked.points) for i in range(asked.cells)]
        path = write_notebook(server.folder / "cells.ipynb", SETUP, *cells)
        try:
            with open_browser() as browser, open_lab(browser, server) as lab:
                lab.open(path)
                cdp = lab.page.context.new_cdp_session(lab.page)
                received = [0]

                def count(event: dict[str, dict[str, str]]) -> None:
                    received[0] += len(event["response"]["payloadData"])

                cdp.send("Network.enable")
                cdp.on("Network.webSocketFrameReceived", count)
                lab.run(0)
                lab.done()

                def heap() -> float:
                    cdp.send("HeapProfiler.collectGarbage")
                    cdp.send("HeapProfiler.collectGarbage")
                    return float(cdp.send("Runtime.getHeapUsage")["usedSize"]) / 2**20

                before = heap()
                lab.run_all()
                lab.save()
                after = heap()
                size = path.stat().st_size
            n = asked.cells
            print(f"page memory: {before:.1f} MiB before, {after:.1f} MiB after {n} cells")
            print(f"  {(after - before) / n * 1024:.0f} KiB for each cell")
            sent = received[0] / 1024
            print(f"sent to the page: {sent / 1024:.1f} MiB, {sent / n:.0f} KiB for each cell")
            print(f"notebook: {size / n / 1000:.1f} KB for each cell")
        finally:
            server.stop()


if __name__ == "__main__":
    main()
