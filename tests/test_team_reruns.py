"""Runs of a team's store are run again beside it, and variations go to it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

import nbtrack
from kernels import kernel
from nbtrack.cli.program import program
from nbtrack.entities.runs import RERUN_OF
from nbtrack.rpc import respond
from nbtrack.tracking import context
from programs import python_path
from team_services import Catalog

pytestmark = pytest.mark.team

CELLS = ["base = 2", "%%track first --quiet\nlr = 0.5\nnbtrack.log_metric('m', lr * base)"]


def test_a_run_of_a_team_is_run_again_and_varied(
    catalog: Catalog, workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NBTRACK_DATA_PATH", str(workdir / "data"))
    monkeypatch.setenv("NBTRACK_URI", catalog.uri)
    monkeypatch.setenv("PYTHONPATH", python_path())
    where = {"NBTRACK_URI": catalog.uri, "NBTRACK_DATA_PATH": str(workdir / "data")}
    with kernel(workdir, **where) as running:
        assert [running.run(cell).error for cell in CELLS] == [None, None]
    verdict = nbtrack.rerun("first")
    assert (verdict.result, verdict.differs) == ("exact", [])
    assert len(nbtrack.search_runs()) == 1  # that of the rerun was elsewhere
    made = nbtrack.rerun("first", as_new=True, params={"lr": 0.25})
    assert made.data.tags[RERUN_OF] == verdict.run_id
    assert (made.data.params["lr"], made.data.metrics["m"]) == ("0.25", 0.5)
    assert nbtrack.get_run(verdict.run_id).data.tags["nbtrack.reproduced"] == "yes"
    # where it comes from, for people, as JSON, in the details, and elsewhere
    line = nbtrack.lineage(verdict.run_id)
    assert [cell.source for cell in line.cells][-1:] == CELLS[:1]
    assert {"cell", "run", "environment"} <= {node.kind for node in line.graph.nodes}
    done = CliRunner().invoke(program, ["lineage", verdict.run_id, "--json"])
    assert done.exit_code == 0, done.output
    crate = json.loads(done.stdout)["@graph"]
    assert [each["name"] for each in crate if each["@type"] == "CreateAction"] == ["The run first"]
    page = respond(context.store(), {"type": "run.lineage", "run_id": verdict.run_id}).body
    assert {node["kind"] for node in page["nodes"]} >= {"cell", "run"}
    capsule = nbtrack.capsule(verdict.run_id, "first.zip")
    assert capsule.left_out == []
    opened = nbtrack.open_capsule("first.zip", "elsewhere", rerun=True)
    assert opened.verdict is not None
    assert (opened.verdict.result, opened.missing) == ("exact", [])
