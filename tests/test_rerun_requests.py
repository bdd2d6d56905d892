"""Running a run again, as the front end asks for it: who may, how far it is, what is stopped."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

import nbtrack
from nbtrack import reruns
from nbtrack.entities.runs import RERUN
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.rpc import access_of, respond
from nbtrack.store import open_store
from programs import start

SLEEP = "input()"


@pytest.fixture
def run_id(workdir: Path) -> str:
    with nbtrack.start_run(run_name="first") as run:
        nbtrack.log_text("print(1)", ".nbtrack/cell.py")
    return run.info.run_id


@pytest.fixture
def process(workdir: Path) -> Iterator[subprocess.Popen[str]]:
    started = start(SLEEP, cwd=workdir)
    yield started
    started.communicate()


@pytest.fixture
def begun(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The runs that were run again, by something that takes the place of what does it."""
    started: list[str] = []
    monkeypatch.setattr(reruns, "start", lambda store, run_id: started.append(run_id))
    return started


def ask(name: str, run_id: str) -> Any:
    return respond(open_store(), {"type": f"rerun.{name}", "run_id": run_id}).body


def progress(run_id: str) -> Any:
    return ask("plan", run_id)["running"]


def says(run_id: str, pid: int, **more: object) -> None:
    """Write what a process that runs a run again writes."""
    begun = int(psutil.Process(pid).create_time() * 1000) + 500
    facts = {"state": "running", "cell": 3, "cells": 7, "attempt": "again", "pid": pid}
    facts |= {"host": socket.gethostname(), "started": begun, **more}
    nbtrack.MlflowClient().set_tag(run_id, RERUN, json.dumps(facts))


def test_what_would_run_is_shown(run_id: str, begun: list[str]) -> None:
    found = ask("plan", run_id)
    assert found["command"] == f"nbtrack rerun {run_id}"
    assert [cell["source"] for cell in found["cells"]] == ["print(1)"]
    assert found["running"] is None
    with nbtrack.start_run(tags={"mlflow.source.type": "NOTEBOOK"}) as bare:
        assert ask("plan", bare.info.run_id)["command"] is None


def test_it_is_started_once(run_id: str, process: subprocess.Popen[str], begun: list[str]) -> None:
    ask("start", run_id)
    assert begun == [run_id]
    says(run_id, process.pid)
    with pytest.raises(InvalidParameterError, match=r"already: cell 3 of 7"):
        ask("start", run_id)
    assert begun == [run_id]
    process.kill()


def test_stopping_asks_the_process_to_end(run_id: str, process: subprocess.Popen[str]) -> None:
    says(run_id, process.pid)
    assert (progress(run_id)["cell"], progress(run_id)["is_here"]) == (3, True)
    ask("stop", run_id)
    assert process.wait(20) != 0
    assert progress(run_id) is None


@pytest.mark.parametrize(
    "strange",
    [
        {"host": "elsewhere"},
        {"started": 1_000},
        {"started": 4_000_000_000_000},
        {"started": None},
        {"state": "done"},
    ],
)
def test_a_process_that_is_not_known_to_be_it_is_left_alone(
    run_id: str, process: subprocess.Popen[str], strange: dict[str, object]
) -> None:
    says(run_id, process.pid, **strange)
    with pytest.raises((InvalidParameterError, NotFoundError)):
        ask("stop", run_id)
    assert process.poll() is None
    process.kill()


@pytest.mark.parametrize("other", [{"host": "elsewhere"}, {"started": 1_000}])
def test_another_machine_or_a_number_given_again_stands_in_no_ones_way(
    run_id: str, process: subprocess.Popen[str], begun: list[str], other: dict[str, object]
) -> None:
    says(run_id, process.pid, **other)
    ask("start", run_id)
    assert begun == [run_id]
    process.kill()


def test_a_process_that_is_gone_runs_nothing(run_id: str, process: subprocess.Popen[str]) -> None:
    says(run_id, process.pid)
    process.kill()
    process.wait()
    assert progress(run_id) is None


def test_a_jupyter_server_asks_whether_its_user_may_use_kernels() -> None:
    from nbtrack.server.jupyter import JupyterHandler

    asked = []

    def is_authorized(handler: object, user: object, action: str, resource: str) -> bool:
        asked.append((action, resource))
        return resource == "nbtrack"

    authorizer = types.SimpleNamespace(is_authorized=is_authorized)
    handler: Any = types.SimpleNamespace(authorizer=authorizer, current_user="me")
    assert access_of({"type": "rerun.start", "run_id": "x"}) == "execute"
    assert asyncio.run(JupyterHandler.allows(handler, "write"))
    assert not asyncio.run(JupyterHandler.allows(handler, "execute"))
    assert asked[-1] == ("execute", "kernels")
    del asked[:]  # and whether it may be told what there is on this machine
    assert not asyncio.run(JupyterHandler.may_look(handler))
    assert asked == [("execute", "kernels")]
