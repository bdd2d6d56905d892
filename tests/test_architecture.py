"""The folder tree is the architecture: who may import whom, and what stays light."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from source_tree import SRC, imports, layer, modules

MAX_LINES = 400  # beside the examples in docstrings, which are read in the documentation
EXAMPLES = re.compile(r'^ *Examples\n *-{8}\n(?:.*\n)*?(?= *"""$)', re.MULTILINE)
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}
# what runs from the first start_run to the first log call; a fold, later, needs more
FIRST_RUN = ["nbtrack.store.experiments", "nbtrack.store.runs", "nbtrack.tracking.start"]
HEAVY = {"torch", "pandas", "plotly", "duckdb", "pyarrow", "numpy", "anywidget", "IPython"}

GROUND = {
    "_names",
    "callables",
    "config",
    "entities",
    "environment",
    "errors",
    "file_digests",
    "postgres_address",
    "recorded_paths",
    "redaction",
    "suggestions",
    "untrusted_files",
    "validation",
    "variables",
}
RUN = {"store", "tracking"} | GROUND
STORE_DOORS = {
    "nbtrack.store",
    "nbtrack.store.artifacts",
    "nbtrack.store.bulk",
    "nbtrack.store.search",
}
# Public names of MLflow that lead to files of models/: they hold imports and nothing else.
DOORS = {
    "catboost",
    "keras",
    "lightning",
    "lightgbm",
    "onnx",
    "prophet",
    "metrics",
    "optuna",
    "pyfunc",
    "pytorch",
    "sentence_transformers",
    "shap",
    "sklearn",
    "spacy",
    "statsmodels",
    "tensorflow",
    "transformers",
    "types",
    "xgboost",
}
SHOWN = (
    {
        "autologging",
        "capsules",
        "data",
        "health",
        "interop",
        "models",
        "notebook",
        "projects",
        "reruns",
        "rpc",
        "server",
        "system_metrics",
        "views",
        "views.widgets",
    }
    | DOORS
    | RUN
)

MAY_IMPORT: dict[str, set[str]] = {
    "__main__": {"cli"},
    "_names": {"suggestions"},
    "suggestions": {"errors"},
    "entities": {"_names"},
    "environment": {"errors"},
    "errors": set(),
    "exceptions": {"errors", "_names"},
    "validation": {"errors", "config", "redaction"},
    "variables": {"environment"},
    "redaction": {"errors", "config", "variables"},
    "config": {"errors", "postgres_address", "variables", "_names"},
    "postgres_address": {"errors"},
    "untrusted_files": {"errors"},
    "callables": set(),
    "file_digests": set(),
    "recorded_paths": set(),
    "protocol": GROUND,
    "store": {"protocol"} | GROUND,
    "health": {"protocol", "store"} | GROUND,
    "tracking": {"store"} | GROUND,
    "views": {"store"} | GROUND,
    "reruns": {"projects", "views"} | RUN,
    "rpc": {"views", "models", "reruns", "store"} | GROUND,
    "views.widgets": {"rpc", "views", "store"} | GROUND,
    "data": RUN,
    "system_metrics": RUN,
    "models": RUN,
    **{door: {"models", "autologging", "_names"} for door in DOORS},
    "autologging": {"models"} | RUN,
    "projects": {"models"} | RUN,
    "interop": {"models", "protocol"} | RUN,
    "capsules": {"interop", "projects", "reruns", "views"} | RUN,
    "server": {"models", "protocol", "rpc", "views"} | RUN,
    "notebook": {"views", "views.widgets", "rpc", "autologging", "models"} | RUN,
    "artifacts": {"api"} | RUN,
    "api": SHOWN,
    "client": SHOWN,
    "compat": {"artifacts", "client", "data", "protocol"} | RUN,
    "as_mlflow": {"compat"} | RUN,
    "cli": {"api", "artifacts", "client"} | SHOWN,
    "nbtrack": {"api", "as_mlflow", "artifacts", "client", "exceptions"} | SHOWN,
}

# Names that MLflow has in a lower layer; they are resolved when they are first asked for.
LAZY_UPWARD: set[tuple[str, str]] = {
    ("nbtrack.autologging.lightning_logger", "nbtrack.client"),  # its ``experiment``
    ("nbtrack.tracking", "nbtrack.client"),  # nbtrack.tracking.MlflowClient
    ("nbtrack.tracking", "nbtrack.api.stores"),  # nbtrack.tracking.set_tracking_uri
    ("nbtrack.tracking", "nbtrack.api.registry"),  # nbtrack.tracking.set_registry_uri
    # what an evaluation computes is no metric of the user's
    ("nbtrack.models.evaluation.base", "nbtrack.autologging.training"),
    ("nbtrack.models.evaluation.explanation", "nbtrack.autologging.training"),
    ("nbtrack.models.serving", "nbtrack.server.scoring.listening"),  # nbtrack.models.serve(...)
    ("nbtrack.models.serve", "nbtrack.server.scoring.program"),  # python -m nbtrack.models.serve
    ("nbtrack.projects.tracking_server", "nbtrack.server.standalone"),  # for scripts with mlflow
}


def test_every_module_has_its_place_in_the_layers() -> None:
    homeless = {name for name in modules() if layer(name) not in MAY_IMPORT}
    assert not homeless, "place them in MAY_IMPORT, or move them"


def test_layers_import_only_what_lies_below() -> None:
    wrong = [
        str(found)
        for found in imports()
        if found.target.split(".")[0] == "nbtrack"
        and layer(found.target) != layer(found.importer)
        and layer(found.target) not in MAY_IMPORT[layer(found.importer)]
        and not (found.lazy and (found.importer, found.target) in LAZY_UPWARD)
    ]
    assert not wrong


def test_no_import_circles() -> None:
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        if found.target in graph and not found.lazy and not found.typing_only:
            graph[found.importer].add(found.target)
    while leaves := {name for name, below in graph.items() if not below}:
        graph = {name: below - leaves for name, below in graph.items() if name not in leaves}
    assert not graph, "these modules import each other"


def test_only_the_store_imports_duckdb() -> None:
    users = {
        found.importer
        for found in imports()
        if found.target.split(".")[0] == "duckdb" and layer(found.importer) != "store"
    }
    assert not users


def test_other_layers_know_the_store_by_its_doors() -> None:
    """Each has a list of names, ``__init__.pyi``; what stands behind it may move."""
    found = {
        found.target
        for found in imports()
        if layer(found.target) == "store" and layer(found.importer) not in ("store", "nbtrack")
    }
    assert found <= STORE_DOORS


def test_stores_on_this_machine_know_no_protocol() -> None:
    """A mirror speaks MLflow's protocol; other stores only know how URLs of artifacts look."""
    wrong = [
        str(found)
        for found in imports()
        if layer(found.importer) == "store"
        and not found.importer.startswith("nbtrack.store.remote.")
        and layer(found.target) == "protocol"
        and found.target != "nbtrack.protocol.artifact_urls"
    ]
    assert not wrong


@pytest.mark.parametrize("names", ["nbtrack", ", ".join(FIRST_RUN)])
def test_import_stays_light(names: str) -> None:
    code = f"import sys, {names}; print(*{{name.split('.')[0] for name in sys.modules}})"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": str(SRC)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert not HEAVY & set(done.stdout.split())


@pytest.mark.parametrize("name", sorted(modules()))
def test_modules_are_short_and_named_by_a_noun(name: str) -> None:
    path = modules()[name]
    text = EXAMPLES.sub("", path.read_text("utf-8"))
    assert len(text.splitlines()) <= MAX_LINES, "split it by noun"
    assert not VAGUE_NAMES & set(name.split("."))


def declares_all(path: Path) -> bool:
    text = path.read_text("utf-8")
    body = ast.parse(text).body if "__all__" in text else []
    assigned = [node.targets for node in body if isinstance(node, ast.Assign)]
    return any(isinstance(t, ast.Name) and t.id == "__all__" for ts in assigned for t in ts)


def reading_order(name: str) -> tuple[bool, bool, str]:
    return (not name.isupper(), not name[0].isupper(), name)


@pytest.mark.parametrize("name", [n for n, path in modules().items() if declares_all(path)])
def test_exported_names_are_sorted_and_exist(name: str) -> None:
    try:
        module = importlib.import_module(name)
        missing = [export for export in module.__all__ if not hasattr(module, export)]
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("nbtrack"):
            raise
        pytest.skip(f"{error.name or error} is not installed")
    assert module.__all__ == sorted(module.__all__, key=reading_order)
    assert missing == []
