"""MLflow's endpoints, asked everything that their schema allows and much that it does not."""

from __future__ import annotations

import http.client
import json
import os
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from nbtrack.protocol import fields
from nbtrack.protocol.artifact_urls import API
from nbtrack.protocol.endpoints import AJAX
from nbtrack.protocol.fields import Field, Message, OneOf, Repeated
from nbtrack.server.messages import Route
from nbtrack.server.mlflow.routes import MLFLOW
from tracking_servers import TrackingServer

SECRET = b"nobody may read this"
MODEL = "m-" + "0" * 32
EXAMPLES = int(os.environ.get("NBTRACK_FUZZ_EXAMPLES", "10"))  # of each endpoint


def fuzz(times: int = 1) -> settings:
    return settings(
        max_examples=EXAMPLES * times,
        derandomize="NBTRACK_FUZZ_EXAMPLES" not in os.environ,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


ROUTES = [
    route
    for route in MLFLOW
    if route.path.startswith((API, "/mlflow", "/get-", "/model-")) and "{path" not in route.path
]
PAGES = [route for route in MLFLOW if route.path.startswith(AJAX) and route not in ROUTES]

BITS = ["..", ".", "", "a", "artifacts", "models", "0", "%2e%2e", "..%2f", "%5c..", "%00", "~",
        "etc", "passwd", "secret.txt", "C:", "\\", "ü", " ", "a\nb", "x" * 300]  # fmt: skip
TEXTS = ["", "0", "1", "a", "../..", "/etc/passwd", "file:///etc", "mlflow-artifacts:/../x",
         "latest", "models:/a/1", "runs:/x/y", "metrics.a > 1", "name = 'a'", "tags.a LIKE '%'",
         "metrics.a DESC", "a' OR '1'='1", "\x00", "\ud800", "NaN", "x" * 7000, MODEL, "Production",
         "{}", "[]", "eyJvZmZzZXQiOiAtMX0="]  # fmt: skip
RUNS: list[str] = []

text = st.one_of(
    st.sampled_from(TEXTS),
    st.deferred(lambda: st.sampled_from(RUNS or ["x"])),
    st.text(max_size=20),
    st.text(string.ascii_letters + string.digits + "_-./ ", max_size=30),
)
number = st.one_of(st.integers(-3, 10), st.integers(-(2**70), 2**70), st.integers().map(str))
real = st.one_of(st.floats(), st.integers(), st.sampled_from(["NaN", "-Infinity", "1e999", "x"]))
junk = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), text),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=6,
)
PLAIN = {
    fields.string: text,
    fields.integer: number,
    fields.double: real,
    fields.boolean: st.booleans(),
}


def values_of(read: Any) -> st.SearchStrategy[Any]:
    """What a field may be, by the schema; now and then something else."""
    if isinstance(read, Repeated):
        meant: st.SearchStrategy[Any] = st.lists(values_of(read.read), max_size=3)
    elif isinstance(read, Message):
        meant = bodies_of(read.fields)
    elif isinstance(read, OneOf):
        meant = st.one_of(st.sampled_from(read.names), number)
    else:
        meant = PLAIN[read]
    return st.one_of(meant, meant, meant, meant, meant, junk)


def bodies_of(known: tuple[Field, ...]) -> st.SearchStrategy[dict[str, Any]]:
    needed = {field.name: values_of(field.read) for field in known if field.required}
    others = {field.name: values_of(field.read) for field in known if not field.required}
    whole = st.fixed_dictionaries(needed, optional=others)
    every = st.fixed_dictionaries({}, optional={**needed, **others})
    return st.one_of(whole, whole, whole, every)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    folder = tmp_path_factory.mktemp("fuzz") / "inner"
    folder.mkdir()
    (folder.parent / "secret.txt").write_bytes(SECRET)
    (folder / "secret.txt").write_bytes(SECRET)
    started = TrackingServer(folder).start()
    for name in "ab":
        started.ask("POST", "experiments/create", {"name": name})
        started.ask("POST", "registered-models/create", {"name": name})
    for number in range(6):
        _, made = started.ask("POST", "runs/create", {"experiment_id": str(number % 3)})
        RUNS.append(made["run"]["info"]["run_id"])
    files_before = beside(started)
    yield started
    assert beside(started) == files_before
    assert started.stop() == 0
    logged = started.log.read_text()
    assert "Traceback" not in logged, logged[-3000:]


def beside(server: TrackingServer) -> dict[Path, bytes]:
    """What lies around the store, whose own folder is the only one that may change."""
    own = f"{server.store.name}.d"
    return {
        path: path.read_bytes()
        for path in server.folder.parent.rglob("*")
        if path.is_file()
        and own not in path.parts
        and path.suffix not in (".log", ".duckdb", ".wal")
    }


def check(server: TrackingServer, method: str, url: str, body: bytes | None) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    try:
        connection.request(method, url, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        found = answer.read()
    finally:
        connection.close()
    asked = (method, url, body)
    assert answer.status < 500 or b"NOT_IMPLEMENTED" in found, (asked, found)
    assert SECRET not in found, asked
    assert b"root:" not in found, asked
    if answer.status != 200 and answer.getheader("Content-Type") == "application/json":
        assert json.loads(found)["error_code"], asked


def route_name(route: Route) -> str:
    return f"{route.method} {route.path}"


@pytest.mark.parametrize("route", ROUTES + PAGES[::7], ids=route_name)
def test_whatever_is_asked_the_server_does_not_fail(server: TrackingServer, route: Route) -> None:
    parts = dict.fromkeys(("model_id", "tag_key", "upload_id", "number"), text)

    @fuzz()
    @given(bodies_of(route.fields), st.fixed_dictionaries(parts))
    def ask(body: dict[str, Any], named: dict[str, str]) -> None:
        path = route.path.replace(":path}", "}")
        for name, value in named.items():
            path = path.replace(f"{{{name}}}", quote(value.encode("utf-8", "replace"), safe=""))
        if route.method == "GET":
            plain = {
                name: value if isinstance(value, (str, list)) else json.dumps(value)
                for name, value in body.items()
            }
            query = urlencode(plain, doseq=True, errors="replace")
            check(server, "GET", f"{path}?{query}", None)
        else:
            check(server, route.method, path, json.dumps(body).encode())

    ask()


segments = st.lists(st.sampled_from(BITS), max_size=6).map("/".join)
ROOTS = ["", "0", "run", "model"]
LISTED = [
    "/api/2.0/mlflow-artifacts/artifacts",
    "/api/2.0/mlflow/artifacts/list",
    "/get-artifact",
    f"/api/2.0/mlflow/logged-models/{MODEL}/artifacts/files",
]
PROXIED = ["GET", "PUT", "DELETE"]


@fuzz(10)
@given(
    st.sampled_from(PROXIED), st.sampled_from(["", "0", "run", "model"]), segments, st.booleans()
)
def test_no_path_of_an_artifact_leads_out(
    server: TrackingServer, method: str, root: str, path: str, encoded: bool
) -> None:
    roots = {"run": f"0/{RUNS[0]}/artifacts", "model": f"0/models/{MODEL}/artifacts"}
    whole = f"{roots.get(root, root)}/{path}"
    shown = quote(whole, safe="" if encoded else "/%")
    body = b"evil" if method == "PUT" else None
    check(server, method, f"/api/2.0/mlflow-artifacts/artifacts/{shown}", body)
    query = urlencode({"path": path, "run_id": RUNS[0], "run_uuid": RUNS[0], "name": "a"})
    for listed in LISTED:
        check(server, "GET", f"{listed}?{query}", None)


@fuzz(10)
@given(segments, segments, st.integers(-1, 3), st.sampled_from(["create", "complete", "abort"]))
def test_no_upload_in_parts_leads_out(
    server: TrackingServer, folder: str, path: str, count: int, verb: str
) -> None:
    root = quote(f"0/{RUNS[0]}/artifacts/{folder}", safe="/%")
    body = {"path": path, "num_parts": count, "upload_id": path, "parts": [{"part_number": count}]}
    url = f"/api/2.0/mlflow-artifacts/mpu/{verb}/{root}"
    check(server, "POST", url, json.dumps(body).encode())
    part = f"/api/2.0/mlflow-artifacts/mpu/part/{quote(path, safe='')}/{count}"
    check(server, "PUT", part, b"evil")
