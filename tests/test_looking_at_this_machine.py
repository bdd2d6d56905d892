"""What a server tells of its machine: only its user learns whether what runs name is there."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path
from typing import Any

import psutil
import pytest

import nbtrack
import programs
from nbtrack.entities.runs import HOST, RERUN, SOURCE_NAME, VERDICT
from nbtrack.redaction.values import display_path
from nbtrack.rpc.registry import all_requests
from nbtrack.server.catalog import Catalog
from nbtrack.server.context import ServerContext
from nbtrack.server.dispatch import dispatch
from nbtrack.server.messages import Request
from nbtrack.server.mlflow.service import TrackingService
from nbtrack.server.routes import ROUTES
from nbtrack.server.store_events import Subscriptions
from nbtrack.store import open_store
from nbtrack.views.code import ENVIRONMENT_FILE

ASK = next(route for route in ROUTES if route.path == "/ask")
NOTEBOOK = {"cells": [{"cell_type": "code", "id": "c1", "source": "lr = 0.1"}]}


def write_files(folder: Path, data: bytes = b"1,2\n") -> None:
    folder.mkdir()
    (folder / "data.csv").write_bytes(data)
    (folder / "train.ipynb").write_text(json.dumps(NOTEBOOK))


@pytest.fixture
def named(workdir: Path) -> Iterator[tuple[Path, dict[str, Any], subprocess.Popen[str]]]:
    """A folder that a run names in each way there is, the run and its model, and a process."""
    folder = workdir / "named"
    process = programs.start("input()", cwd=workdir)
    file = {"path": "data.csv", "size": 4, "mode": "read", "cells": [1], "modified": 1}
    file["sha256"] = hashlib.sha256(b"1,2\n").hexdigest()
    record = {"version": 1, "folder": str(folder), "files": [file]}
    cell = {"number": 1, "cell_id": "c1", "source": "lr = 0.2", "why": ""}
    python = {"executable": display_path(sys.executable), "version": platform.python_version()}
    begun = int(psutil.Process(process.pid).create_time() * 1000) + 500
    running = {"state": "running", "pid": process.pid, "host": socket.gethostname()}
    with nbtrack.start_run() as run:
        nbtrack.log_dict(record, ".nbtrack/files.json")
        nbtrack.log_dict(record, ".nbtrack/project.json")
        nbtrack.log_dict({"version": 2, "needed": [cell]}, ".nbtrack/cells.json")
        nbtrack.log_text("lr", ".nbtrack/cell.py")
        nbtrack.log_metric("loss", 0.5)
        nbtrack.set_tags({
            HOST: platform.node(),
            SOURCE_NAME: str(folder / "train.ipynb"),
            RERUN: json.dumps({**running, "started": begun}),
            "nbtrack.reproduced": "yes",
            VERDICT: json.dumps({"date": 5, "result": "exact", "text": "", "cells": "needed"}),
        })  # fmt: skip
        model = nbtrack.MlflowClient().create_logged_model("0", "net", run.info.run_id)
    kept = {"python": python, "packages": {"duckdb": "0.0.1"}}
    nbtrack.MlflowClient().log_dict(run.info.run_id, kept, ENVIRONMENT_FILE)
    ids = {"run_id": run.info.run_id, "model_id": model.model_id, "run_ids": [run.info.run_id]}
    ids |= {"a": run.info.run_id, "b": run.info.run_id, "path": ".nbtrack/files.json"}
    yield folder, ids, process
    process.kill()
    process.communicate()


@pytest.fixture
def send(workdir: Path) -> Iterator[Callable[..., Any]]:
    """Ask a server, which runs in this process; by default as somebody else than its user."""
    store = open_store()
    context = ServerContext(
        Catalog(workdir, settings=[store.uri], search=False),
        Subscriptions(lambda _store: None),
        lambda: TrackingService.of(store),
    )

    def sent(body: dict[str, Any], route: Any = ASK, *, may_look: bool = False) -> Any:
        asked = Request(
            {"store": store.id},
            json.dumps(body).encode(),
            {name: [value] for name, value in body.items()},
            content_type="application/json",
            may_look=may_look,
        )
        return dispatch(context, route, asked).body

    yield sent
    context.close()


def questions(ids: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return all reading requests of the front end, as far as they are about runs and models."""
    found = {}
    for each in all_requests():
        params = getattr(each.params, "__args__", (each.params,))[0]
        given = {f.name: ids[f.name] for f in fields(params) if f.name in ids}
        if each.access == "read":
            found[each.name] = {"type": each.name, **given}
    return found


def test_who_is_not_the_user_learns_nothing_of_what_runs_name(named, send) -> None:
    folder, ids, process = named
    asked = questions(ids)
    assert {"run.details", "run.lineage", "models.lineage", "rerun.plan"} < set(asked)
    write_files(folder)
    there = {name: send(body) for name, body in asked.items()}
    assert send(asked["run.lineage"])["body"]["files"][0]["state"] == "not looked at"
    said = {each["text"] for each in send(asked["run.details"])["body"]["badges"]}
    assert "not looked at here" in said
    shutil.rmtree(folder)
    write_files(folder, b"3,4\n")
    assert {name: send(body) for name, body in asked.items()} == there
    shutil.rmtree(folder)
    process.kill()
    process.wait()
    assert {name: send(body) for name, body in asked.items()} == there


def test_the_user_learns_it(named, send) -> None:
    folder, ids, _ = named
    asked = questions(ids)

    def said() -> set[str]:
        badges = send(asked["run.details"], may_look=True)["body"]["badges"]
        return {each["text"] for each in badges}

    write_files(folder)
    assert {"cell edited since", "environment differs"} <= said()
    assert not {"data changed", "not looked at here"} & said()
    plan = send(asked["rerun.plan"], may_look=True)["body"]
    assert plan["running"]["is_here"] is True
    shutil.rmtree(folder)
    write_files(folder, b"3,4\n")
    assert {"data changed", "project changed"} <= said()
    states = {
        name: [file["state"] for file in send(asked[name], may_look=True)["body"]["files"]]
        for name in ("run.lineage", "models.lineage")
    }
    assert states == {"run.lineage": ["changed"], "models.lineage": ["changed"]}


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/mlflow/experiments/create", {"name": "x", "artifact_location": "{}"}),
        ("/mlflow/model-versions/create", {"name": "m", "source": "{}"}),
        ("/mlflow/artifacts/list", {"run_id": "{run}", "path": "../../../../{}"}),
    ],
)
def test_a_client_that_names_a_path_learns_nothing_of_it(named, send, path, body) -> None:
    folder, ids, _ = named
    nbtrack.MlflowClient().create_registered_model("m")
    route = next(each for each in ROUTES if each.path.endswith(path) and "/2.0" in each.path)
    for place in (str(folder), folder.as_uri(), str(folder / "data.csv")):
        given = {k: v.replace("{run}", ids["run_id"]).replace("{}", place) for k, v in body.items()}
        answers = []
        for make in (lambda: None, lambda: write_files(folder)):
            make()
            answers.append(send(given, route))
        shutil.rmtree(folder)
        assert answers[0] == answers[1]
        assert "error_code" in answers[0]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no pipes in folders")
def test_a_pipe_in_the_place_of_a_file_is_not_waited_for(named, send) -> None:
    folder, ids, _ = named
    folder.mkdir()
    for name in ("data.csv", "train.ipynb"):
        os.mkfifo(folder / name)
    badges = send(questions(ids)["run.details"], may_look=True)["body"]["badges"]
    assert "data changed" in {each["text"] for each in badges}
