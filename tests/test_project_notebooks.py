"""Notebooks as entry points: their params, their run, what is kept of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import nbformat
import pytest

import nbtrack
from nbtrack.errors import ProjectError
from nbtrack.projects.notebook_params import set_params, typed

SRC = Path(__file__).parents[1] / "src"


def notebook(*cells: str | tuple[str, str]) -> dict[str, Any]:
    made = nbformat.v4.new_notebook()
    for cell in cells:
        text, tag = (cell, "") if isinstance(cell, str) else cell
        metadata = {"tags": [tag]} if tag else {}
        made.cells.append(nbformat.v4.new_code_cell(text, metadata=metadata))
    return made


@pytest.fixture
def folder(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PYTHONPATH", str(SRC))
    monkeypatch.setenv("IPYTHONDIR", str(workdir / ".ipython"))
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(workdir / ".runtime"))
    return workdir


def kept(run_id: str, name: str) -> Any:
    return nbformat.reads(nbtrack.artifacts.load_text(f"runs:/{run_id}/{name}"), as_version=4)


def test_a_notebook_runs_with_its_params_and_is_kept(folder: Path) -> None:
    made = notebook(
        ("lr = 0.1\nname = 'a'", "parameters"),
        "import nbtrack\n%load_ext nbtrack",
        "%%track\nnbtrack.log_metric('doubled', lr * 2)",
        "nbtrack.start_run(run_name='second')\nnbtrack.log_metric('x', 1)\nprint(name, lr)",
    )
    nbformat.write(made, folder / "train.ipynb")
    started = nbtrack.run("train.ipynb", parameters={"lr": "0.5"}, run_name="whole")
    run = nbtrack.get_run(started.run_id)
    assert (run.info.status, run.data.metrics["doubled"]) == ("FINISHED", 1.0)
    assert run.data.params["lr"] == "0.5"
    done = kept(started.run_id, "train.ipynb")
    assert done.cells[1].source == "# Parameters\nlr = 0.5"
    assert done.cells[1].metadata.tags == ["injected-parameters"]
    assert "a 0.5" in json.dumps(done.cells[4].outputs)
    assert [cell.execution_count for cell in done.cells] == [1, 2, 3, 4, 5]
    others = nbtrack.search_runs(filter_string="run_name = 'second'", output_format="list")
    assert others[0].data.tags["mlflow.parentRunId"] == started.run_id
    assert nbformat.read(folder / "train.ipynb", 4).cells == made.cells  # it is left as it was


def test_a_cell_that_fails_makes_a_failed_run_with_its_notebook(folder: Path) -> None:
    nbformat.write(notebook("print('before')", "1 / 0", "print('after')"), folder / "bad.ipynb")
    done = subprocess.run(
        [sys.executable, "-m", "nbtrack", "run", "bad.ipynb"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "ZeroDivisionError" in done.stderr
    assert "cell 2 of 3" in done.stderr
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.info.status == "FAILED"
    assert run.data.tags["nbtrack.error"] == "ZeroDivisionError: division by zero"
    cells = kept(run.info.run_id, "bad.ipynb").cells
    assert [len(cell.outputs) for cell in cells] == [1, 1, 0]


def test_a_notebook_that_is_interrupted_is_killed_and_kept(folder: Path) -> None:
    nbformat.write(
        notebook(
            "import os\nprint('begun')",
            "open('pid', 'w').write(str(os.getpid()))\nimport time; time.sleep(300)",
        ),
        folder / "long.ipynb",
    )
    caller = subprocess.Popen(
        [sys.executable, "-m", "nbtrack", "run", "long.ipynb"], stderr=subprocess.PIPE
    )
    for _ in range(1800):
        if (folder / "pid").exists() and (folder / "pid").read_text():
            break
        time.sleep(0.05)
    kernel = int((folder / "pid").read_text())
    caller.send_signal(signal.SIGINT)
    caller.communicate(timeout=90)
    assert caller.returncode == 130
    for _ in range(100):
        if not Path(f"/proc/{kernel}").exists():
            break
        time.sleep(0.05)
    assert not Path(f"/proc/{kernel}").exists()
    (run,) = nbtrack.search_runs(output_format="list")
    assert run.info.status == "KILLED"
    assert "begun" in json.dumps(kept(run.info.run_id, "long.ipynb").cells[0].outputs)


def test_an_entry_point_of_a_project_may_be_a_notebook(folder: Path) -> None:
    (folder / "notes").mkdir()
    nbformat.write(
        notebook(("lr = None", "parameters"), "import os\nprint(lr, os.getcwd())"),
        folder / "notes" / "one.ipynb",
    )
    (folder / "MLproject").write_text(
        "entry_points: {main: {command: notes/one.ipynb, parameters: {lr: float}}}"
    )
    with pytest.raises(ProjectError, match="needs values for: 'lr'"):
        nbtrack.run(".")
    started = nbtrack.run(".", parameters={"lr": 1e-3})
    assert nbtrack.get_run(started.run_id).data.params == {"lr": "0.001"}
    text = json.dumps(kept(started.run_id, "one.ipynb").cells[2].outputs)
    assert f"0.001 {folder / 'notes'}" in text


def test_texts_become_what_the_notebook_has() -> None:
    cell = "a = 0.1\nb = 3\nc = True\nd = 'x'\ne = [1]\nf = None\ng: float = 1.0"
    given = {"a": "1", "b": "4", "c": "false", "d": "7", "e": "[2, 3]", "f": "2", "g": "1e-3"}
    found = typed(given, notebook((cell, "parameters")))
    assert found == {"a": 1.0, "b": 4, "c": False, "d": "7", "e": [2, 3], "f": 2, "g": 0.001}
    assert isinstance(found["a"], float)


@pytest.mark.parametrize(("name", "value"), [("a", "fast"), ("c", "1"), ("e", "{}")])
def test_a_text_of_another_type_is_refused(name: str, value: str) -> None:
    with pytest.raises(ProjectError, match=f"The param '{name}'"):
        typed({name: value}, notebook(("a = 0.1\nc = True\ne = [1]", "parameters")))


def test_without_a_tag_the_literals_of_cells_are_replaced() -> None:
    made = notebook("x = 1", "%%track base\nlr = 1e-3  # ü\nepochs, size = 5, 64\nfit(lr)")
    set_params(made, {"lr": 0.5, "size": 32})
    assert made["cells"][1]["source"] == (
        "%%track base\nlr = 0.5  # ü\nepochs, size = 5, 32\nfit(lr)"
    )


def test_a_param_that_would_change_nothing_is_refused() -> None:
    with pytest.raises(ProjectError, match="Nothing in the notebook sets 'lr'"):
        set_params(notebook("x = 1"), {"lr": 1})
    with pytest.raises(ProjectError, match="has no 'lrr'; it has lr"):
        set_params(notebook(("lr = 1", "parameters")), {"lrr": 1})
    with pytest.raises(ProjectError, match="is a object"):
        set_params(notebook("x = 1"), {"x": object()})


def test_values_injected_earlier_make_way() -> None:
    made = notebook(("lr = 1", "parameters"), ("lr = 2", "injected-parameters"), "print(lr)")
    set_params(made, {"lr": float("inf")})
    assert [cell["source"] for cell in made["cells"]] == [
        "lr = 1",
        "# Parameters\nlr = float('inf')",
        "print(lr)",
    ]
