"""Runs the examples of docstrings, as a user would type them in an empty folder."""

from __future__ import annotations

import doctest
import importlib
import io
import re
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import nbtrack
from nbtrack.tracking import context
from source_tree import modules

# Where the library is imported for other tests, too: importing it takes seconds.
NATIVE = "test_native_models.py"
ELSEWHERE = {
    "nbtrack.autologging.lightning_logger": "test_lightning_logger.py",
    "nbtrack.autologging.trainer_callback": "test_autolog_transformers.py",
    "nbtrack.models.flavors.keras": "test_autolog_keras.py",
    "nbtrack.models.flavors.tensorflow": "test_autolog_keras.py",
    "nbtrack.models.evaluation.explanation": NATIVE,
    **{
        f"nbtrack.models.flavors.{name}": NATIVE
        for name in ("catboost", "lightgbm", "prophet", "shap", "spacy", "statsmodels", "xgboost")
    },
}
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_IMPORTED = re.compile(r"^(?:import|from) (\w+)", re.MULTILINE)


def modules_with_examples() -> list[str]:
    """Return the modules in whose docstrings somebody has typed something."""
    return [name for name, path in modules().items() if ">>> " in path.read_text("utf-8")]


def failures_of(module_name: str) -> str:
    """Run the examples of a module, and return what came out otherwise; "" if nothing did."""
    module = importlib.import_module(module_name)
    told = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=FLAGS, verbose=False)
    for each in sorted(examples_of(module)):
        if all(find_spec(name) for name in imported(each)):
            runner.run(each, out=told.write)
        for run in reversed(context.open_runs()):
            run.end("FINISHED")
        context._process = context._Process()  # no experiment is active, as in a fresh kernel
    return told.getvalue()


def examples_of(module: ModuleType) -> list[doctest.DocTest]:
    """Return the examples of a module; they know nothing but ``nbtrack``."""
    finder = doctest.DocTestFinder(exclude_empty=True)
    return finder.find(module, module.__name__, globs={"nbtrack": nbtrack, "__name__": "__main__"})


def imported(test: doctest.DocTest) -> set[str]:
    """Return the packages that an example imports."""
    return {name for each in test.examples for name in _IMPORTED.findall(each.source)}


def modules_of(test_file: str) -> list[str]:
    """Return the modules whose examples a test file executes, for it has their library anyway."""
    return [module for module, file in ELSEWHERE.items() if file == Path(test_file).name]
