"""Where a run, a number or a model comes from: as a graph, drawn, and as an RO-Crate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import nbtrack
from nbtrack.cli.program import program
from nbtrack.errors import NotFoundError
from nbtrack.rpc import respond
from nbtrack.tracking import context
from nbtrack.tracking.files_read import FilesRecord
from nbtrack.views.lineage.drawing import html_of, rails_of
from nbtrack.views.lineage.graph import MAX_CELLS, LineageEdge, LineageGraph, LineageNode
from shown_models import log_folder


def keep_cells(run: nbtrack.ActiveRun, numbers: range) -> None:
    cells = [{"number": n, "source": f"x{n} = 1", "why": f"defines x{n}"} for n in numbers]
    nbtrack.log_dict({"version": 2, "needed": cells}, ".nbtrack/cells.json", run.info.run_id)
    nbtrack.log_text("train()", ".nbtrack/cell.py", run.info.run_id)


@pytest.fixture
def run(workdir: Path) -> nbtrack.ActiveRun:
    """A run that has read a model of another run, and files, one of which has changed since."""
    for name in ("old.csv", "my train.csv", "own.csv", "made.csv"):
        Path(name).write_text(name)
    with nbtrack.start_run(run_name="pretraining") as first:
        base = log_folder("base", first.info.run_id)
        FilesRecord(first).keep([(1, {"old.csv"}, ())])
    data = nbtrack.data.from_numpy(np.zeros((2, 2)), name="iris", digest="d1")
    with nbtrack.start_run(run_name="tuning") as started:
        nbtrack.log_input(data, "train", model=nbtrack.entities.LoggedModelInput(base.model_id))
        nbtrack.log_metrics({"acc": 0.9, "loss": 0.1})
        nbtrack.log_param("lr", 0.1)
        nbtrack.set_tag("nbtrack.rerun_of", first.info.run_id)
        nbtrack.set_tags({"nbtrack.cell.number": "3", "mlflow.source.name": "train.ipynb"})
        keep_cells(started, range(1, 3))
        cells = [(1, {"my train.csv"}, {"made.csv"}), (2, (), ()), (3, {"own.csv"}, ())]
        FilesRecord(started).keep(cells)
        made = log_folder("net", started.info.run_id)
        with nbtrack.start_run(run_name="fold", nested=True):
            pass
    nbtrack.register_model(made.model_uri, "churn")
    nbtrack.Client().set_registered_model_alias("churn", "champion", 1)
    Path("my train.csv").write_text("changed since")
    return started


def edges(graph: LineageGraph) -> set[tuple[str, str]]:
    names = {node.id: node.name for node in graph.nodes}
    return {(names[edge.source], names[edge.target]) for edge in graph.edges}


def test_the_graph_leads_from_data_to_versions(run: nbtrack.ActiveRun) -> None:
    graph = nbtrack.lineage(run).graph
    assert edges(graph) >= {
        ("old.csv", "pretraining"),
        ("pretraining", "base"),
        ("base", "tuning"),
        ("pretraining", "tuning"),  # a variation
        ("iris", "tuning"),
        ("my train.csv", "[1]"),
        ("own.csv", "tuning"),
        ("[1]", "tuning"),
        ("train.ipynb", "tuning"),
        ("[1]", "made.csv"),
        ("tuning", "net"),
        ("net", "churn"),
        ("tuning", "fold"),
    }
    assert ("my train.csv", "tuning") not in edges(graph)
    nodes = {node.name: node for node in graph.nodes}
    assert (nodes["my train.csv"].state, nodes["old.csv"].state) == ("changed", "same")
    assert (nodes["churn"].version, nodes["churn"].facts) == (1, "@champion")
    assert nodes["net"].model_id is not None
    assert next(node.kind for node in graph.nodes if node.name.startswith("Python")) == (
        "environment"
    )
    # that of a number ends with it, that of a version with the version
    of_number = nbtrack.lineage(run, "acc").graph
    assert (of_number.nodes[-1].name, of_number.nodes[-1].facts) == ("acc", "0.9")
    assert "net" not in {node.name for node in of_number.nodes}
    of_version = nbtrack.lineage("models:/churn@champion").graph
    assert [node.name for node in of_version.nodes[-3:]] == ["tuning", "net", "churn"]
    assert ("my train.csv", "[1]") in edges(of_version)


def test_of_many_cells_and_files_some_are_one_node(run: nbtrack.ActiveRun) -> None:
    keep_cells(run, range(1, MAX_CELLS + 6))
    kept = [node for node in nbtrack.lineage(run).graph.nodes if node.kind == "cell"]
    assert len(kept) == MAX_CELLS + 1
    assert "[1]" in {node.name for node in kept}  # it has read a file
    assert sum(node.name.count("[") for node in kept) == MAX_CELLS + 5


def shows_in_a_notebook(line: Any) -> None:
    shown = line._repr_html_()
    assert shown.count("<li ") == len(line.graph.nodes) == shown.count("<circle")
    for text in ("my train.csv", "changed", "churn v1", "@champion", "<line"):
        assert text in shown
    for text in (
        "cells: [1], [2]",
        "environment: Python 3",
        "made model net",
        "wrote: made.csv",
        "variation of pretraining",
    ):
        assert text in str(line)


def test_each_edge_is_a_line_from_its_source_to_its_target(run: nbtrack.ActiveRun) -> None:
    graph = nbtrack.lineage(run).graph
    rails, place = rails_of(graph), {node.id: row for row, node in enumerate(graph.nodes)}
    assert len(graph.edges) > 10
    users: dict[tuple[int, int], set[str]] = {}
    for edge in graph.edges:
        source, target = place[edge.source], place[edge.target]
        lane = rails[target].at
        assert lane == rails[source].at or lane in rails[source].joins
        for row in range(source, target):
            assert lane in rails[row].below
            assert lane in rails[row + 1].above
            users.setdefault((row, lane), set()).add(edge.target)
    assert all(len(targets) == 1 for targets in users.values())
    drawn = {(row, lane) for row, rail in enumerate(rails) for lane in rail.below}
    assert drawn == users.keys()
    shows_in_a_notebook(nbtrack.lineage(run))


def test_models_that_have_read_each_other_are_drawn_too() -> None:
    nodes = [LineageNode(name, "model", name) for name in "ab"]
    graph = LineageGraph(nodes, [LineageEdge("a", "b"), LineageEdge("b", "a")])
    first, second = rails_of(graph)
    assert (first.below, second.above, second.below) == ([0], [0], [])
    assert "<script" not in html_of(LineageGraph([LineageNode("x", "file", "<script>")]))


def test_the_json_is_a_process_run_crate_of_all_runs_of_the_chain(run: nbtrack.ActiveRun) -> None:
    line = nbtrack.lineage(run)
    found = json.loads(line.to_json())
    printed = CliRunner().invoke(program, ["lineage", "tuning", "--json"])
    assert json.loads(printed.stdout) == found
    assert found["@context"] == [
        "https://w3id.org/ro/crate/1.1/context",
        "https://w3id.org/ro/terms/workflow-run/context",
    ]
    graph: dict[str, dict[str, Any]] = {each["@id"]: each for each in found["@graph"]}
    assert len(graph) == len(found["@graph"])
    assert not [name for name in graph if " " in name]
    assert set(references(found["@graph"])) - {
        "https://w3id.org/ro/crate/1.1",
        "http://schema.org/CompletedActionStatus",
    } <= set(graph)
    action = graph[f"#{run.info.run_id}"]
    assert {each["@id"] for each in graph["./"]["mentions"]} == {
        action["@id"], f"#{line.inputs[0].run.info.run_id}",
    }  # fmt: skip
    objects = {graph[each["@id"]]["name"]: graph[each["@id"]] for each in action["object"]}
    assert objects.keys() == {"my train.csv", "own.csv", "iris", "base", "lr"}
    assert objects["my train.csv"]["description"] == "Now: changed."
    assert {graph[each["@id"]]["name"] for each in action["result"]} == {
        "net", "acc", "loss", "made.csv",
    }  # fmt: skip
    code = graph[action["instrument"]["@id"]]
    assert [graph[each["@id"]].get("text") for each in code["hasPart"]] == [
        "x1 = 1", "x2 = 1", "train()",
    ]  # fmt: skip
    assert "error" not in action


def references(value: Any) -> list[str]:
    """Return what is referred to, at any depth."""
    if isinstance(value, list):
        return [name for each in value for name in references(each)]
    if not isinstance(value, dict):
        return []
    if value.keys() == {"@id"}:
        return [value["@id"]]
    return [name for each in value.values() for name in references(each)]


def test_a_failed_run_says_why_in_the_crate(workdir: Path) -> None:
    with pytest.raises(ZeroDivisionError), nbtrack.start_run() as run:
        _ = 1 / 0
    graph = json.loads(nbtrack.lineage(run).to_json())["@graph"]
    action = next(each for each in graph if each["@type"] == "CreateAction")
    assert action["actionStatus"] == {"@id": "http://schema.org/FailedActionStatus"}
    assert "ZeroDivisionError" in action["error"]


def test_the_page_has_lines_files_and_the_environment(run: nbtrack.ActiveRun) -> None:
    request = {"type": "run.lineage", "run_id": run.info.run_id}
    page = respond(context.store(), request).body
    assert page["environment"] == {
        "is_here": True,
        "call": f"nbtrack.environment_difference('{run.info.run_id}')",
        "changes": [],
    }
    assert {each["path"]: each["state"] for each in page["files"]} == {
        "my train.csv": "changed",
        "own.csv": "same",
        "made.csv": "same",
    }
    assert page["folder"] == str(Path.cwd())
    net = next(node for node in page["nodes"] if node["name"] == "net")
    assert net["leads_to"] == ["churn"]
    of_version = {"type": "models.lineage", "name": "churn", "version": 1}
    page = respond(context.store(), of_version).body
    assert (page["call"], page["run_id"]) == (
        "nbtrack.lineage('models:/churn/1')", run.info.run_id,
    )  # fmt: skip


def test_a_name_is_neither_a_run_nor_a_model(run: nbtrack.ActiveRun) -> None:
    with pytest.raises(NotFoundError, match="no run and no model 'tuning': give the id of a run"):
        nbtrack.lineage("tuning")
