"""What the documentation says of the endpoints is what the server answers."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any
from urllib.request import Request as Urlrequest
from urllib.request import urlopen

import pytest

from nbtrack import __version__ as version
from nbtrack.models.scoring.payloads import TO_THE_MODEL
from nbtrack.models.scoring.shapes import FIELDS
from nbtrack.models.serving import serve
from nbtrack.protocol.artifact_urls import API
from nbtrack.protocol.fields import integer, one_of, repeated, string
from nbtrack.server.messages import Request, Response
from nbtrack.server.mlflow.dispatch import call_endpoint
from nbtrack.server.mlflow.routes import MLFLOW
from nbtrack.server.mlflow.service import TrackingService, absent
from nbtrack.server.reference import (
    DescribedEndpoint,
    describe_endpoints,
    describe_scoring,
    kind_of,
)
from nbtrack.server.routes import OURS
from nbtrack.server.scoring.endpoints import ROUTES
from nbtrack.store import open_store

EXPERIMENT = {"experiment_id": "0"}
ASKED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "experiments/create", {"name": "digits"}),
    ("GET", "experiments/get", EXPERIMENT),
    ("POST", "experiments/search", {"max_results": 1}),
    ("POST", "runs/create", EXPERIMENT),
    ("POST", "runs/search", {"experiment_ids": ["0"], "max_results": 1}),
    ("POST", "logged-models", EXPERIMENT | {"name": "net"}),
    ("POST", "logged-models/search", {"experiment_ids": ["0"]}),
    ("POST", "registered-models/create", {"name": "net"}),
    ("GET", "registered-models/get", {"name": "net"}),
    ("GET", "registered-models/search", {}),
    ("POST", "registered-models/set-tag", {"name": "net", "key": "team", "value": "vision"}),
    ("GET", "server-info", {}),
]


def described() -> dict[tuple[str, str], DescribedEndpoint]:
    return {
        (method, path): each
        for each in describe_endpoints()
        for method in each.methods
        for path in each.paths
    }


def test_every_endpoint_is_described_in_a_sentence() -> None:
    found = described()
    for route in (*MLFLOW, *OURS):
        prefix = "" if route.scope == "tracking" else "/nbtrack"
        if route.endpoint is not absent:
            each = found.pop((route.method, f"{prefix}{route.path}"))
            assert each.summary.endswith("."), route.path
            assert [field.name for field in each.fields] == [field.name for field in route.fields]
    assert not found


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> TrackingService:
    return TrackingService.of(open_store(tmp_path_factory.mktemp("reference") / "store.duckdb"))


def test_answers_have_the_fields_that_are_described(service: TrackingService) -> None:
    found = described()
    for method, path, fields in ASKED:
        place = f"{API}/mlflow/{path}"
        route = next(each for each in MLFLOW if (each.method, each.path) == (method, place))
        request = Request(
            body=json.dumps(fields).encode(),
            queries={name: [str(value)] for name, value in fields.items()},
            content_type="application/json",
        )
        reply = call_endpoint(service, route, request)
        assert isinstance(reply, Response)
        assert reply.status == 200, (path, reply.body)
        assert not isinstance(reply.body, str)
        told, optional = set(found[method, place].answer), {"next_page_token"}
        assert told - optional <= set(reply.body) <= told, path


def test_endpoints_answer_fields_files_or_text() -> None:
    found = described()
    assert found["GET", "/health"].answer == ("text",)
    assert found["GET", "/get-artifact"].answer == ("a file",)
    assert found["POST", "/nbtrack/ask"].answer == ("body", "buffers")


def test_a_served_model_has_the_endpoints_that_are_described() -> None:
    data = {
        "dataframe_split": {"columns": ["x"], "data": [[1.0]], "index": [7]},
        "dataframe_records": [{"x": 1.0}],
        "instances": [{"x": 1.0}],
        "inputs": {"x": [1.0]},
        "messages": [],
        "prompt": "why",
        "input": "why",
    }
    found = {path: each for each in describe_scoring() for path in each.paths}
    assert {path: set(methods) for path, methods in ROUTES.items()} == {
        path: set(each.methods) for path, each in found.items()
    }
    told = found["/invocations"]
    assert {field.name for field in told.fields} == {*data, "params"}
    served = SimpleNamespace(
        metadata=SimpleNamespace(signature=None), predict=lambda data, params=None: [1]
    )
    with serve(served) as server:
        for path, each in found.items():
            if path != "/invocations":
                assert each.answer == ("text",)
                assert urlopen(server.url + path).read().strip() in (b"", version.encode())
        for name, value in data.items():
            body = json.dumps({name: value, "params": {}} if name in FIELDS else {name: value})
            request = Urlrequest(
                f"{server.url}/invocations", body.encode(), {"Content-Type": "application/json"}
            )
            answer = json.load(urlopen(request))
            assert answer == ([1] if name in TO_THE_MODEL else {told.answer[0]: [1]}), name


def test_kinds_of_fields_are_said_in_words() -> None:
    assert kind_of(repeated(integer)) == "list: whole number"
    assert kind_of(one_of("A", "B")) == "one of A, B"
    assert kind_of(string) == "text"
