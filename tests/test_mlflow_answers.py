"""The server answers as MLflow's own does: status, code and message of every kind of request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from mlflow_answers import Asker, is_same, lines
from tracking_servers import TrackingServer

Found = list[tuple[dict[str, Any], int, Any]]


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Found]:
    folder: Path = tmp_path_factory.mktemp("server")
    server = TrackingServer(folder, artifacts_destination=str(folder / "kept")).start()
    with closing(HTTPConnection("127.0.0.1", server.port)) as connection:
        asker = Asker(connection)
        answers = [(line, *asker.ask(line)) for line in lines()]
    yield answers
    assert server.stop() == 0


def test_answers_are_mlflows(found: Found) -> None:
    compared = [each for each in found if "answer" in each[0]]
    assert len(compared) > 400
    wrong = [
        (line["ask"], line["answer"], answer)
        for line, status, answer in compared
        if status != line["status"] or not is_same(line["answer"], answer)
    ]
    assert not wrong, wrong[:5]


def test_what_is_answered_otherwise_has_a_reason(found: Found) -> None:
    differing = [each for each in found if "ours" in each[0]]
    assert all(line["why"] for line, _, _ in differing)
    wrong = [(line["ask"], line["ours"], status) for line, status, _ in differing
             if status != line["ours"]]  # fmt: skip
    assert not wrong, wrong[:5]


def test_nothing_is_a_fault_of_the_server(found: Found) -> None:
    """MLflow's clients ask for minutes again after a 5xx."""
    faults = [(line["ask"], answer) for line, status, answer in found
              if status >= 500 and "NOT_IMPLEMENTED" not in str(answer)]  # fmt: skip
    assert not faults
