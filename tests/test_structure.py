"""Counts of what the structure should have less of: they may fall, and never rise."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from source_tree import (
    JS,
    SRC,
    circles,
    imported_scripts,
    imports,
    layer,
    modules,
    scripts,
)

SHORT = 60
# They are short, and stand alone: users import or run them by their path, or there is a reason.
ALONE = {
    "nbtrack.__main__",
    "nbtrack.data",
    "nbtrack.exceptions",
    "nbtrack.keras",
    "nbtrack.lightning",
    "nbtrack.lightgbm",
    "nbtrack.sentence_transformers",
    "nbtrack.spacy",
    "nbtrack.onnx",
    "nbtrack.statsmodels",
    "nbtrack.prophet",
    "nbtrack.catboost",
    "nbtrack.metrics",
    "nbtrack.models.predict",
    "nbtrack.models.serve",
    "nbtrack.optuna",
    "nbtrack.pyfunc",
    "nbtrack.pytorch",
    "nbtrack.shap",
    "nbtrack.sklearn",
    "nbtrack.system_metrics",
    "nbtrack.tensorflow",
    "nbtrack.transformers",
    "nbtrack.types.schema",
    "nbtrack.xgboost",
    "nbtrack.cli.sql",  # a command, as its siblings are
    "nbtrack.health.finding",  # what all parts of an examination return
    "nbtrack.notebook.formatters",  # a notebook that imports nbtrack imports this of it
    "nbtrack.protocol.credentials",  # nothing else sees a password
    "nbtrack.protocol.artifact_urls",  # all that stores on this machine know of the protocol
    "nbtrack.tracking.random_names",  # words, for the most part
}
PACKAGE = SRC / "nbtrack"
STORE = PACKAGE / "store"
NAMED = r"\.named\((f?\"|$)"  # Reader.named: the first argument is the name of a query
VIEW_QUERIES = re.compile(r"/views/\w+/(\w+_)?query\.py$")


def lines_with(pattern: str, *, inside: Path = PACKAGE, outside: Path | None = None) -> list[str]:
    """Return the places of the lines that match, apart from the queries of views."""
    return [
        f"{path.relative_to(SRC)}:{number}"
        for path in modules().values()
        if path.is_relative_to(inside)
        and not (outside and path.is_relative_to(outside))
        and not (outside and VIEW_QUERIES.search(path.as_posix()))
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if re.search(pattern, line)
    ]


def python_in_circles() -> list[str]:
    """Return the modules in circles, where imports in functions and those for types count."""
    graph: dict[str, set[str]] = {name: set() for name in modules()}
    for found in imports():
        if found.target in graph and found.target != found.importer:
            graph[found.importer].add(found.target)
    return [shown for circle in circles(graph) for shown in marked(circle)]


def typescript_in_circles() -> list[str]:
    graph = {
        path.relative_to(JS).as_posix(): [
            each.relative_to(JS).as_posix() for each in imported_scripts(path)
        ]
        for path in scripts()
    }
    return [shown for circle in circles(graph) for shown in marked(circle)]


def marked(circle: frozenset[str]) -> list[str]:
    """Return the nodes of a circle, each with the size and the first of its circle."""
    return [f"{node} (in the {len(circle)} around {min(circle)})" for node in circle]


def store_modules_used_outside() -> list[str]:
    targets = {
        found.target: str(found)
        for found in imports()
        if layer(found.target) == "store" and found.target in modules()
        if layer(found.importer) not in ("store", "nbtrack")  # nbtrack.store is a public name
    }
    return list(targets.values())


def store_remote_used_in_store() -> list[str]:
    return [
        str(found)
        for found in imports()
        if f"{found.target}.".startswith("nbtrack.store.remote.")
        and layer(found.importer) == "store"
        and not found.importer.startswith("nbtrack.store.remote.")
        and found.importer != "nbtrack.store.opening"
    ]


def short_modules() -> list[str]:
    return [
        name
        for name, path in modules().items()
        if path.name != "__init__.py" and name not in ALONE
        if len(path.read_text("utf-8").splitlines()) < SHORT
    ]


# A count that has fallen is written down here, so that it stays down.
RATCHETS: dict[str, tuple[int, Callable[[], list[str]]]] = {
    # goal: 0
    "Python modules in import circles": (0, python_in_circles),
    # goal: 0
    "TypeScript modules in import circles": (0, typescript_in_circles),
    # its door, and the packages for artifacts, rows in bulk and searching
    "modules of the store imported outside": (4, store_modules_used_outside),
    # goal: 0; only store/opening.py knows that there are tracking servers
    "imports of store.remote in the store": (0, store_remote_used_in_store),
    # goal: 0; the remote store overrides hooks
    "operations handed over by a string": (0, lambda: lines_with(r"@forwarded\(")),
    # goal: 0
    "questions whether a store is remote": (1, lambda: lines_with(r"\.remote is (not )?None")),
    # goal: 0; the queries of a view stand in views/*/query.py, of a large one also in *_query.py
    "named queries outside the store": (0, lambda: lines_with(NAMED, outside=STORE)),
    # goal: 1
    "places that set a run's stage": (1, lambda: lines_with(r'set_stage_of_run"')),
    # goal: 1, an error of Python that has nothing but its text
    "errors told by text in the store": (1, lambda: lines_with(r"in str\(error\)", inside=STORE)),
    # goal: 0; each request says itself whether it writes
    "lists of verbs": (0, lambda: lines_with(r"\b(_CHANGING|_WORDS)\b.*=")),
    # goal: 1
    "rules for a run's primary metric": (1, lambda: lines_with(r"def (primary_metric|\w*telling)")),
    # goal: 0, and what stands alone for a reason
    "modules below 60 lines": (6, short_modules),
    # goal: 350
    "Python files": (752, lambda: list(modules())),
}


@pytest.mark.parametrize("name", RATCHETS)
def test_counts_only_fall(name: str) -> None:
    allowed, count = RATCHETS[name]
    found = sorted(count())
    listed = "\n  ".join(found)
    assert len(found) <= allowed, f"{name}: {len(found)} where {allowed} are allowed:\n  {listed}"
    assert len(found) == allowed, f"{name}: write {len(found)} for {allowed} in RATCHETS"
