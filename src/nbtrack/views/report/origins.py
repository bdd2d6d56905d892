"""Where the numbers of a report come from: the lineage of each run, without scripts."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from html import escape

from nbtrack.errors import NotFoundError
from nbtrack.store import Store
from nbtrack.views.lineage.drawing import html_of
from nbtrack.views.lineage.graph import LineageGraph
from nbtrack.views.lineage.query import LineageQuery
from nbtrack.views.lineage.tree import Lineage

MAX_RUNS = 100


def anchor(run_id: str) -> str:
    """Return the id of the element that says where the numbers of a run come from."""
    return f"from-{run_id}"


def origins_html(store: Store, run_ids: Sequence[str], clean: Callable[[str], str]) -> str:
    """Return the lineages of runs as HTML, each in an element that is folded.

    Parameters
    ----------
    store : Store
    run_ids : sequence of str
        The first 100 are looked at.
    clean : callable
        Takes out of a text what must not be given away.
    """
    found = []
    for run_id in run_ids[:MAX_RUNS]:
        try:
            found.append(_origin(LineageQuery(store, store).of_run(run_id), clean))
        except NotFoundError:  # it was removed meanwhile
            continue
    if not found:
        return ""
    more = len(run_ids) - MAX_RUNS
    rest = f"<p>{more:,} more runs: nbtrack.lineage(...) has theirs.</p>" if more > 0 else ""
    return (
        '<section class="origins" aria-label="Where the numbers come from">'
        f"<h2>Where the numbers come from</h2>{''.join(found)}{rest}</section>"
    )


def _origin(line: Lineage, clean: Callable[[str], str]) -> str:
    run = line.run
    assert run is not None  # noqa: S101  a lineage of a run has it
    facts = {"Run": run.info.run_id, "Experiment": line.experiment, "Code": str(line.code)}
    if line.source is not None:
        facts["Source"] = f"sha256 {hashlib.sha256(line.source.encode()).hexdigest()}"
    for data in line.data:
        facts[f"Dataset {data.name}"] = data.digest
    for file in line.files:
        if file.sha256:
            facts[f"{file.mode.capitalize()} {file.path}"] = f"sha256 {file.sha256}, {file.state}"
    facts["Run again"] = line.verdict or line.reproduced or "not yet"
    rows = "".join(
        f"<dt>{escape(clean(name))}</dt><dd>{escape(clean(value))}</dd>"
        for name, value in facts.items()
        if value
    )
    nodes = [
        replace(node, name=clean(node.name), facts=clean(node.facts)) for node in line.graph.nodes
    ]
    drawn = html_of(LineageGraph(nodes, line.graph.edges))
    name = escape(clean(run.info.run_name))
    return (
        f'<details id="{anchor(run.info.run_id)}"><summary>{name}</summary>'
        f"{drawn}<dl>{rows}</dl></details>"
    )
