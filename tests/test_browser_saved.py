"""What is saved in a notebook shows, whatever there is left of the kernel and of the curves."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import lab as jupyter
from lab import KERNEL, NOTEBOOK, Lab, serious_faults, write_notebook
from nbtrack.views.chart.output import chart_bundle
from nbtrack.views.display import VIEW_MIME
from test_finished_outputs import content

# the fixtures of this module
browser, folder, lab, server = jupyter.browser, jupyter.folder, jupyter.lab, jupyter.server
pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SETUP = "%load_ext nbtrack\nimport nbtrack, time"
MANY = """%%track many
for i in range(30):
    nbtrack.log_metrics({f"group_{k}/value": i * k for k in range(300)}, step=i)
"""
ENDLESS = """%%track grows
for i in range(100_000):
    nbtrack.log_metric('loss', 1 / (i + 1), step=i)
    time.sleep(0.05)
"""
# as "Reload Notebook from Disk", or another view of the output
DRAW_AGAIN = f"""() => {{
  const {{ model }} = {NOTEBOOK}.widgets[1].outputArea;
  model.fromJSON(model.toJSON());
}}"""
SHOWN = "document.querySelector('.nbtrack-output')"


def saved(lab: Lab) -> None:
    lab.page.locator(".nbtrack-output[data-mode=saved] .nbt-card").wait_for()


def write_outputs(path: Path, *views: dict) -> Path:
    """Write a notebook of cells with one output each, as they are after a restart."""
    write_notebook(path, *["'nobody runs this'"] * len(views))
    notebook = json.loads(path.read_text("utf-8"))
    for cell, data in zip(notebook["cells"], views, strict=True):
        output = {"output_type": "display_data", "data": data, "metadata": {}}
        cell |= {"outputs": [output], "execution_count": 1}
    path.write_text(json.dumps(notebook), "utf-8")
    return path


def test_where_curves_are_missing_and_nobody_has_them_the_picture_is_shown(
    lab: Lab, folder: Path
) -> None:
    lost = chart_bundle(content(2, 150))[0]
    assert lost[VIEW_MIME]["curves"]["left_out"] == 300
    gone = lost | {VIEW_MIME: lost[VIEW_MIME] | {"store_id": "no such store"}}
    before = lost | {VIEW_MIME: lost[VIEW_MIME] | {"curves": {"series": [], "data": ""}}}
    whole = chart_bundle(content(12, 3))[0]
    lab.open(write_outputs(folder / "lost.ipynb", lost, gone, before, whole))
    for cell in range(3):
        lab.cell(cell).locator(".nbtrack-output[data-mode=plain] img").wait_for()
    lab.cell(3).locator(".nbtrack-output[data-mode=saved] .nbt-plot .main-svg").first.wait_for()
    assert lab.cell(3).locator(".nbt-plot").count() == 3
    assert lab.page.get_by_text("No metrics yet").filter(visible=True).count() == 0


def test_where_curves_are_missing_the_store_is_asked(lab: Lab, folder: Path) -> None:
    lab.open(write_notebook(folder / "many.ipynb", SETUP, MANY))
    lab.run_all()
    lab.page.locator(".nbt-card .nbt-state[data-state=FINISHED]").first.wait_for()
    lab.save()
    outputs = [
        out for c in json.loads(lab.path.read_text("utf-8"))["cells"] for out in c["outputs"]
    ]
    assert outputs[0]["data"][VIEW_MIME]["curves"]["left_out"] == 300
    lab.open(Path(shutil.copy(lab.path, folder / "copy.ipynb")))
    saved(lab)
    lab.page.locator(".nbt-card .nbt-plot .main-svg").first.wait_for()
    lab.page.get_by_role("button", name="Show 288 more").wait_for()


def test_an_output_that_is_drawn_again_after_a_restart_shows_what_was_saved(
    lab: Lab, folder: Path
) -> None:
    lab.open(write_notebook(folder / "drawn.ipynb", SETUP, ENDLESS))
    lab.run(0)
    lab.run(1)
    lab.page.locator(".nbtrack-output[data-mode=live] .nbt-plot .main-svg").first.wait_for()
    lab.page.evaluate(f"() => ({KERNEL}).restart()")
    for _ in range(2):
        lab.page.evaluate(DRAW_AGAIN)
        lab.page.wait_for_function(f"() => ({SHOWN}).dataset.mode === 'saved'")
        assert "could not" not in lab.page.locator(".nbtrack-output").inner_text()
    lab.page.locator(".nbt-card .nbt-name", has_text="grows").wait_for()
    lab.page.locator(".nbt-card [data-state=RUNNING]").wait_for(state="detached")


FOUND_SETTINGS = "lr = 0.01\nepochs = 12"
FOUND_CELL = """%%track found
width = 32
for epoch in range(epochs):
    loss = 1 / (lr * 100 + epoch)
    print(f'Epoch {epoch + 1}/{epochs}, loss: {loss:.4f}, val_acc: {1 - loss / 2:.3f}')
"""
RUN_DATA = """data = nbtrack.last_active_run().data
print(sorted([*data.params, *data.metrics]))"""


def test_a_click_leaves_out_what_was_found(lab: Lab, folder: Path) -> None:
    lab.open(write_notebook(folder / "found.ipynb", SETUP, FOUND_SETTINGS, FOUND_CELL, RUN_DATA))
    lab.run_all()
    saved(lab)
    found = lab.page.locator(".nbt-card .nbt-found")
    groups = found.locator(".nbt-found-source")
    groups.first.wait_for()
    assert groups.all_inner_texts() == ["in this cell", "from cell 2", "printed"]
    assert lab.page.locator(".nbt-plot").count() == 2
    for name in ("Leave out the metric val_acc", "Leave out the param epochs"):
        found.get_by_role("button", name=name).click()
        found.get_by_role("button", name=name).wait_for(state="detached")
    lab.page.locator(".nbt-plot").nth(1).wait_for(state="detached")
    lab.run(3)
    lab.done()
    kept = lab.cell(3).locator(".jp-OutputArea").inner_text()
    assert "'loss', 'lr'" in kept
    assert "val_acc" not in kept
    lab.save()
    lab.open(Path(shutil.copy(lab.path, folder / "found_again.ipynb")))
    saved(lab)  # as it was saved, and then what the store says
    found.get_by_role("button", name="Leave out the metric loss").wait_for()
    found.get_by_role("button", name="Leave out the metric val_acc").wait_for(state="detached")
    lab.page.locator(".nbt-plot").nth(1).wait_for(state="detached")
    assert found.locator(".nbt-found-item").count() == 3
    assert serious_faults(lab.page, ".nbt-found") == []


AUTO_CELL = """%%track auto --auto
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset
x, lr = torch.randn(48, 4), 0.05
loader = DataLoader(TensorDataset(x, (x[:, 0] > 0).long()), batch_size=8)
model = nn.Linear(4, 2)
optimizer = torch.optim.Adam(model.parameters(), lr=lr)
for epoch in range(3):
    for features, labels in loader:
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(features), labels).backward()
        optimizer.step()
    with torch.no_grad():
        for features, labels in loader:
            nn.functional.cross_entropy(model(features), labels)
"""


def test_the_card_says_what_was_logged_by_itself(lab: Lab, folder: Path) -> None:
    pytest.importorskip("torch")
    lab.open(write_notebook(folder / "auto.ipynb", SETUP, AUTO_CELL))
    lab.run_all()
    saved(lab)
    found = lab.page.locator(".nbt-card .nbt-found")
    found.locator(".nbt-found-source", has_text="training loop").first.wait_for()
    items = found.locator(".nbt-found-item")
    assert {"train_loss×", "val_loss×", "val_accuracy×"} <= set(items.all_inner_texts())
    found.get_by_role("button", name="more").click()
    items.filter(has_text="optimizer_name").wait_for()
    assert lab.page.locator(".nbt-plot").count() >= 4
