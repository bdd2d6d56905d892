"""What came of running a run again: searched for, in the table of runs, in its details."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import nbtrack
from nbtrack.entities.runs import REPRODUCED, VERDICT
from nbtrack.errors import InvalidParameterError
from nbtrack.rpc import respond
from nbtrack.store import open_store
from nbtrack.views.details.details import FullRun, details
from nbtrack.views.table.run_query import TableQuery
from nbtrack.views.table.source import StoreTable
from nbtrack.views.verdict import read_verdict, verdict_text

DATE = 4_099_723_200_000  # 2099-11-30, after all that these runs log


def make_run(name: str, reproduced: str = "", **facts: object) -> str:
    with nbtrack.start_run(run_name=name) as run:
        nbtrack.log_metric("loss", 0.5)
        if reproduced:
            verdict = {"date": DATE, "text": "", "cells": "needed", **facts}
            nbtrack.set_tags({REPRODUCED: reproduced, VERDICT: json.dumps(verdict)})
    return run.info.run_id


@pytest.fixture
def runs(workdir: Path) -> dict[str, str]:
    return {
        "never": make_run("never"),
        "failed": make_run("failed", "failed", result="failed", text="No module named 'foo'"),
        "different": make_run(
            "different", "no", result="different", differs=["loss", "acc"], cause="data changed"
        ),
        "close": make_run("close", "yes", result="close"),
        "exact": make_run("exact", "yes", result="exact"),
    }


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("attributes.reproduced = 'yes'", ["close", "exact"]),
        ("attributes.reproduced != 'yes'", ["different", "failed"]),
        ("attributes.reproduced IN ('no', 'failed')", ["different", "failed"]),
        ("attributes.reproduced IS NULL", ["never"]),
        (
            "NOT attributes.reproduced = 'yes' AND metrics.loss < 1",
            ["different", "failed", "never"],
        ),
    ],
)
def test_runs_are_found_by_their_verdict(runs: dict[str, str], text: str, names: list[str]) -> None:
    found = nbtrack.search_runs(filter_string=text, output_format="list")
    assert sorted(run.info.run_name for run in found) == names
    page = StoreTable(open_store()).page(TableQuery(columns=["run_name"], filter=text))
    assert sorted(page.columns["run_name"]) == names


def test_the_attribute_is_among_those_that_there_are(runs: dict[str, str]) -> None:
    with pytest.raises(InvalidParameterError, match="'reproduced'"):
        nbtrack.search_runs(filter_string="attributes.verified = 'yes'")


def test_a_column_has_the_verdict_and_its_date_and_sorts_by_both(runs: dict[str, str]) -> None:
    nbtrack.Client().set_tag(
        runs["exact"], VERDICT, json.dumps({"date": DATE - 86_400_000, "result": "exact"})
    )
    newer = make_run("newer", "yes", result="exact")
    table = StoreTable(open_store())
    columns = {column.name: column for column in table.columns()}
    assert (columns["reproduced"].kind, columns["reproduced"].differs) == ("verdict", True)
    assert not [name for name in columns if REPRODUCED in name]
    query = TableQuery(columns=["run_name", "reproduced"], sort=[("reproduced", True)])
    page = table.page(query)
    assert page.run_ids[0] == newer
    assert list(page.columns["reproduced"]) == [
        "yes: same numbers, 2099-11-30",
        "yes: same numbers, 2099-11-29",
        "yes: close, 2099-11-30",
        "no: differs in loss, acc (data changed), 2099-11-30",
        "failed: could not be run again, 2099-11-30",
        None,
    ]


def test_groups_show_what_their_runs_share(runs: dict[str, str]) -> None:
    query = TableQuery(columns=["run_name", "reproduced"], group=["reproduced"])
    page = StoreTable(open_store()).page(query)
    groups = {group.label: group.runs for group in page.groups or () if group}
    assert groups["reproduced = yes"] == 2
    assert sorted(map(str, page.columns["reproduced"])) == ["None", "failed", "no", "yes"]


def test_a_table_exports_the_verdict(runs: dict[str, str]) -> None:
    table = nbtrack.runs("attributes.reproduced = 'no'")
    table.columns = ["run_name", "reproduced"]
    shown = "no: differs in loss, acc (data changed), 2099-11-30"
    assert table.to_csv() == f'run_name,reproduced\ndifferent,"{shown}"\n'


def test_the_tree_of_the_sidebar_has_the_verdict_of_each_run(runs: dict[str, str]) -> None:
    found = respond(open_store(), {"type": "store.tree", "experiment_id": "0"}).body["runs"]
    verdicts = {run["name"]: run["reproduced"] for run in found}
    assert verdicts == {
        "never": None,
        "failed": "failed",
        "different": "no",
        "close": "yes",
        "exact": "yes",
    }
    assert {run["name"]: run["cause"] for run in found if run["cause"]} == {
        "different": "data changed"
    }


def look(run_id: str) -> FullRun:
    return details(open_store(), run_id)


def test_details_say_it_as_a_badge(runs: dict[str, str]) -> None:
    texts = {name: [badge["text"] for badge in look(runs[name])["badges"]] for name in runs}
    assert texts == {
        "never": [],
        "failed": ["could not be run again, 2099-11-30"],
        "different": ["differs in loss, acc, 2099-11-30"],
        "close": ["verified: close, 2099-11-30"],
        "exact": ["verified: same numbers, 2099-11-30"],
    }
    (badge,) = look(runs["failed"])["badges"]
    assert (badge["kind"], "No module named 'foo'" in badge["detail"]) == ("warning", True)
    verdict = look(runs["exact"])["verdict"]
    assert verdict is not None
    assert (verdict["result"], verdict["date"]) == ("exact", DATE)


def test_a_run_that_went_on_since_is_not_verified_any_more(workdir: Path) -> None:
    run_id = make_run("old", "yes", result="exact", date=1_000_000_000_000)
    stale = look(run_id)["badges"][1]
    assert stale["text"] == "verdict out of date"
    assert "the run has logged more" in stale["detail"]


def test_a_verdict_says_when_a_file_that_was_read_has_changed_after_it(workdir: Path) -> None:
    run_id = make_run("reader", "yes", result="exact")
    for name in ("same.csv", "other.csv"):
        (workdir / name).write_text("1,2")
    modified = (workdir / "same.csv").stat().st_mtime_ns // 1_000_000
    os.utime(workdir / "other.csv", ns=(0, modified * 1_000_000))
    files = [
        {"path": name, "size": 3, "mode": mode, "modified": modified}
        for name, mode in (("same.csv", "read"), ("other.csv", "read"), ("out.txt", "written"))
    ]
    kept = {"version": 1, "folder": str(workdir), "files": files}
    nbtrack.log_dict(kept, ".nbtrack/files.json", run_id=run_id)
    assert len(look(run_id)["badges"]) == 1
    (workdir / "other.csv").write_text("1,2,3")
    (workdir / "same.csv").unlink()
    named = [badge for badge in look(run_id)["badges"] if "same.csv" in badge["detail"]]
    assert [badge["text"] for badge in named] == ["data changed"]  # one badge names them
    assert "same.csv (missing), other.csv" in named[0]["detail"]
    assert "since it was run again" in named[0]["detail"]


def report(run_id: str, **facts: object) -> tuple[Any, list[list[float]]]:
    nbtrack.log_dict({"version": 1, **facts}, ".nbtrack/reproduced.json", run_id=run_id)
    found = respond(open_store(), {"type": "run.reproduced", "run_id": run_id})
    return found.body, [np.frombuffer(buffer, "<f8").tolist() for buffer in found.buffers]


def test_the_report_has_each_value_then_and_now_and_the_curves_of_the_run_again(
    workdir: Path,
) -> None:
    run_id = make_run("different", "no", result="different", differs=["loss"])
    rows = [
        {"kind": "param", "key": "lr", "result": "exact", "then": "0.1", "now": "0.1"},
        {"kind": "metric", "key": "loss", "result": "different", "then": 0.5, "now": float("nan")},
    ]
    curves = {
        "loss": {"steps": [0, 1], "values": [1.0, 0.25]},
        "acc": {"steps": [3], "values": [9]},
    }
    body, buffers = report(run_id, comparison=rows, curves=curves)
    assert [(row["key"], row["then"], row["now"]) for row in body["comparison"]] == [
        ("loss", 0.5, "nan"),
        ("lr", "0.1", "0.1"),
    ]
    assert body["curves"] == [{"key": "loss", "n": 2}, {"key": "acc", "n": 1}]
    assert buffers == [[0, 1, 3], [1.0, 0.25, 9]]
    assert body["verdict"]["result"] == "different"


def test_a_report_that_cannot_be_read_leaves_the_verdict(workdir: Path) -> None:
    run_id = make_run("exact", "yes", result="exact")
    rows = [3, {"key": 1}, {"kind": "metric", "key": "a", "result": "perhaps"}]
    curves = {"a": [1], "b": {"steps": [1]}, "c": {"steps": [1], "values": ["x"]}}
    body, buffers = report(run_id, comparison=rows, curves=curves)
    assert (body["comparison"], body["curves"], buffers) == ([], [], [[], []])
    assert body["verdict"]["result"] == "exact"


@pytest.mark.parametrize("text", ["", "{", "[1]", '{"date": "x", "differs": 3}', '{"date": 1e300}'])
def test_a_verdict_that_cannot_be_read_leaves_what_the_tag_says(text: str) -> None:
    assert verdict_text("yes", text) == "yes: same numbers"
    assert read_verdict("perhaps", text) is None
