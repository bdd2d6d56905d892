"""Every public function shows how it is called, and what it shows is so."""

from __future__ import annotations

import ast
import importlib
import inspect
import re
import sys
from pathlib import Path

import pytest

from docstring_examples import ELSEWHERE, failures_of, modules_with_examples
from source_tree import modules
from test_docstrings import public_functions

WITHOUT = {
    r"\.(to_proto|to_dictionary)$": "entities.Run has the example for all entities",
    r"\.get_default_pip_requirements$": "one function, made for each flavor",
    r"^nbtrack\.ActiveRun\.(end_with|in_background|keep_error|leave_out|sample_system)$": "inner",
    r"\.(ExportReport\.(count|fail|note)|RunData\.of_rows|(ModelInfo|Checkpoint)\.of)$": "inner",
    r"\.(Nbtrack|MlflowModelCheckpoint)Callback\.|\.NbtrackLogger\.": "a trainer calls them",
    r"\.MlflowModelCheckpointCallback$": "autolog(checkpoint=True) makes it",
    r"\.data\.DatasetSource\.": "a protocol: its classes have examples",
    r"\.pyfunc\.PythonModel(\.|Context$)": "users write them: the class has the example",
    r"\.models\.Model\.": "they are read from a model: the class has the example",
}
"""Public functions without an example of their own, and why."""

NOT_EXECUTED = {
    "nbtrack.api.reruns.rerun": "runs code that a notebook has left",
    "nbtrack.api.runs.restore_random_state": "states are kept of notebooks only",
    "nbtrack.health.examination.doctor": "prints what this machine has",
    "nbtrack.tracking.opened_files.record_files": "an audit hook stays as long as the process",
    "nbtrack.tracking.dataset_sources.HTTPDatasetSource": "needs the network",
    "nbtrack.tracking.dataset_sources.HuggingFaceDatasetSource": "needs the network",
    **{
        f"nbtrack.models.flavors.{flavor}.{verb}_model": "weights come from the network"
        for flavor in ("transformers", "sentence_transformers")
        for verb in ("save", "log", "load")
    },
    "nbtrack.autologging.trainer_callback.NbtrackCallback": "weights come from the network",
}
"""Where lines of an example are left out, and why."""


@pytest.mark.parametrize("module", sorted({*modules_with_examples()} - {*ELSEWHERE}))
def test_examples_do_what_they_show(
    module: str, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if "torch" in module:
        pytest.importorskip("torch")
    for name in [name for name in sys.modules if name.partition(".")[0] == "mlflow"]:
        monkeypatch.delitem(sys.modules, name)  # a test before may have imported it
    assert not (told := failures_of(module)), told


def test_examples_of_large_libraries_are_executed_where_these_are_imported() -> None:
    for module, file in ELSEWHERE.items():
        text = Path(__file__).with_name(file).read_text("utf-8")
        assert f'failures_of("{module}")' in text or "modules_of(__file__)" in text, module


def is_shown_by_its_class(place: str) -> bool:
    """Return whether the example of the class calls the method."""
    around, _, name = place.rpartition(".")
    path, _, last = around.rpartition(".")
    try:
        kind = getattr(importlib.import_module(path or around), last, None)
    except ImportError:
        return False
    kinds = kind.__mro__ if inspect.isclass(kind) else ()
    told = [inspect.getdoc(each) or "" for each in kinds]
    return any(f".{name}(" in text.partition("Examples\n---")[2] for text in told)


def test_every_public_function_has_an_example() -> None:
    found = {
        place
        for place, each in public_functions().items()
        if ">>> " not in each.text and not is_shown_by_its_class(place)
    }
    unexplained = {place for place in found if not any(re.search(p, place) for p in WITHOUT)}
    assert not unexplained, "show how they are called"
    for library in ("lightning", "torch", "transformers"):
        pytest.importorskip(library)
    assert all(any(re.search(pattern, place) for place in found) for pattern in WITHOUT)


def test_lines_of_examples_are_left_out_for_a_reason_alone() -> None:
    left_out = {
        f"{name}.{node.name}"
        for name in modules_with_examples()
        for node in ast.walk(ast.parse(modules()[name].read_text("utf-8")))
        if isinstance(node, ast.FunctionDef | ast.ClassDef)
        and "doctest: +SKIP" in (ast.get_docstring(node) or "")
    }
    assert left_out == {*NOT_EXECUTED}
