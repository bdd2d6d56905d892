"""Runs of a team's store are run again beside it, and variations go to it."""

from __future__ import annotations

from pathlib import Path

import pytest

import nbtrack
from kernels import kernel
from nbtrack.entities.runs import RERUN_OF
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
