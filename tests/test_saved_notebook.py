"""What a notebook keeps of cards, charts, tables and comparisons is small."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from big_store import make_store
from kernels import connection_of_kernel
from programs import python_path

MOST = 50_000  # bytes a cell
WIDGET = "application/vnd.jupyter.widget-view+json"
LOG = """
%load_ext nbtrack
%env NBTRACK_DISPLAY=off
import nbtrack, random
LONG = [f"long-{i}" for i in range(10)]
for place, name in enumerate(LONG):
    with nbtrack.start_run(run_name=name):
        nbtrack.log_params({"lr": 0.1 / (place + 1), "optimizer": ("adam", "sgd")[place % 2]})
        for step in range(1000):
            loss = 1 / (step + 1 + place) + random.random() / 10
            values = {"train_loss": loss, "val_loss": 2 * loss, "val_acc": 1 - loss}
            nbtrack.log_metrics(values, step=step)
%env NBTRACK_DISPLAY=static
"""
CARD = """%%track trained
lr = 0.2
for step in range(3000):
    nbtrack.log_metrics({f"part_{k}/loss": random.random() for k in range(8)}, step=step)
"""
SHOWN = {
    "card": CARD,
    "chart": "nbtrack.chart(LONG)",
    "table": "nbtrack.runs()",
    "comparison": "nbtrack.compare(LONG)",
}


@pytest.fixture(scope="module")
def notebook(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A notebook with each view of a store with 1,000 runs, executed and written to its file."""
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    jupyter_client = pytest.importorskip("jupyter_client")
    pytest.importorskip("anywidget")
    folder: Path = tmp_path_factory.mktemp("saved")
    make_store(folder, 1000)
    sources = [LOG, *SHOWN.values(), "%env NBTRACK_DISPLAY=live", *SHOWN.values()]
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(each) for each in sources])
    with pytest.MonkeyPatch.context() as patch, connection_of_kernel() as connection:
        patch.setenv("PYTHONPATH", python_path())
        patch.setenv("IPYTHONDIR", str(folder / ".ipython"))
        manager = jupyter_client.AsyncKernelManager(**connection)
        resources = {"metadata": {"path": str(folder)}}
        client = nbclient.NotebookClient(made, manager, timeout=150, resources=resources)
        client.execute(cleanup_kc=True)
    nbformat.write(made, folder / "saved.ipynb")
    return json.loads((folder / "saved.ipynb").read_text("utf-8"))


@pytest.mark.timeout(300)
@pytest.mark.parametrize("live", [False, True], ids=["executed", "in a page"])
@pytest.mark.parametrize("place", range(1, 5), ids=SHOWN)
def test_a_cell_keeps_little(notebook: Any, place: int, live: bool) -> None:
    outputs = notebook["cells"][place + 5 * live]["outputs"]
    assert any("image/png" in out["data"] or "text/html" in out["data"] for out in outputs)
    assert sum(WIDGET in out["data"] for out in outputs) == (live and place > 1)
    assert len(json.dumps(outputs)) < MOST
