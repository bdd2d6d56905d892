"""Every notebook of the repository runs in a real kernel, and so do the cells of its pages."""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

from kernels import connection_of_kernel
from programs import python_path

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
CELL = re.compile(r"^```ipython3\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TEAM = ROOT / "notebooks" / "07_team.ipynb"
CRASH = "crash.log"
# what a kernel that crashes says on its error stream is lost: the kernel itself reads that stream
KEEP_CRASH = f"import faulthandler\n_crash = open({CRASH!r}, 'w')\nfaulthandler.enable(_crash)\n"


@pytest.fixture
def fresh_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith(("NBTRACK_", "MLFLOW_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path / ".ipython"))
    startup = tmp_path / ".ipython" / "profile_default" / "startup"
    startup.mkdir(parents=True)
    (startup / "crash.py").write_text(KEEP_CRASH)
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / ".runtime"))
    monkeypatch.setenv("PYTHONPATH", python_path())
    return tmp_path


def execute(path: Path) -> list[dict[str, object]]:
    nbformat = pytest.importorskip("nbformat")
    nbclient = pytest.importorskip("nbclient")
    jupyter_client = pytest.importorskip("jupyter_client")
    notebook = nbformat.read(path, as_version=4)
    resources = {"metadata": {"path": str(path.parent)}}
    with connection_of_kernel() as connection:
        manager = jupyter_client.AsyncKernelManager(**connection)
        client = nbclient.NotebookClient(notebook, manager, timeout=150, resources=resources)
        try:
            client.execute(cleanup_kc=True)
        except nbclient.exceptions.DeadKernelError as error:
            error.add_note((path.parent / CRASH).read_text("utf-8"))
            raise
    return [output for cell in notebook.cells for output in cell.get("outputs", [])]


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=pytest.mark.team if path == TEAM else ()) for path in NOTEBOOKS],
    ids=lambda path: path.stem,
)
def test_notebook_runs_and_leaves_a_store(path: Path, fresh_folder: Path) -> None:
    pytest.importorskip("torch", reason="the notebooks train with torch")
    outputs = execute(Path(shutil.copy(path, fresh_folder)))
    assert (fresh_folder / "nbtrack.duckdb").is_file()
    bundles = [output.get("data", {}) for output in outputs]
    cards = [data for data in bundles if "application/vnd.nbtrack.view.v1+json" in data]
    assert any("image/png" in data for data in cards), "no finished card"
    assert any("text/html" in data for data in cards), "no finished table"
    live = {d["text/plain"] for d in bundles if "application/vnd.jupyter.widget-view+json" in d}
    # bars, where it takes long: of a model that is saved, and rich's, of an export
    assert {text for text in live if "save model" not in text} <= {"Output()"}
    assert not any(output["output_type"] == "error" for output in outputs)


@pytest.mark.parametrize("page", ["README.md", "docs/start.md"])
def test_the_cells_of_a_page_run_as_they_stand(page: str, fresh_folder: Path) -> None:
    v4 = pytest.importorskip("nbformat").v4
    cells = [v4.new_code_cell(text) for text in CELL.findall((ROOT / page).read_text("utf-8"))]
    notebook = v4.writes(v4.new_notebook(cells=cells))
    (fresh_folder / "page.ipynb").write_text(notebook, "utf-8")
    outputs = execute(fresh_folder / "page.ipynb")
    shown = [output for output in outputs if "image/png" in output.get("data", {})]
    assert len(cells) > 4
    assert len(shown) >= 2


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebook_is_committed_without_outputs(path: Path) -> None:
    nbformat = pytest.importorskip("nbformat")
    cells = [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == "code"]
    assert all(cell.outputs == [] and cell.execution_count is None for cell in cells)
