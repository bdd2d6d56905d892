"""MLflow's protocol, spoken by its own client, by plain HTTP, and by nonsense."""

from __future__ import annotations

import ast
import base64
import json
import math
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

import nbtrack
import protocol_cases
from jupyter_servers import JupyterServer
from nbtrack.client import Client
from nbtrack.protocol import encode, endpoints
from nbtrack.protocol.encode import split_batch
from nbtrack.protocol.endpoints import Endpoint
from nbtrack.server.messages import NoSuchPartError, part_of
from nbtrack.server.mlflow.metrics import spread
from nbtrack.store.opening import open_store
from programs import finish, start
from servers import TOKEN
from tracking_servers import TrackingServer

PROXY = "/api/2.0/mlflow-artifacts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    started = TrackingServer(tmp_path_factory.mktemp("server")).start()
    yield started
    started.stop()


@pytest.fixture
def run_id(server: TrackingServer) -> str:
    status, made = server.ask("POST", "runs/create", {"experiment_id": "0", "run_name": "plain"})
    assert status == 200, made
    return str(made["run"]["info"]["run_id"])


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    pytest.importorskip("jupyter_server", reason="the extension of the Jupyter server needs it")
    started = JupyterServer(tmp_path_factory.mktemp("jupyter"))
    try:
        started.wait()
        yield started
    finally:
        started.stop()


@pytest.fixture(scope="module")
def told(server: TrackingServer, jupyter: JupyterServer) -> dict[str, str]:
    """What became of each case that the real client went through."""
    pytest.importorskip("mlflow", reason="the cases are gone through by the real client")
    done = subprocess.run(
        [sys.executable, protocol_cases.__file__, server.url, f"{jupyter.url}nbtrack", TOKEN],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))  # trainers print, too


@pytest.mark.timeout(400)  # the first one waits for all of them, and for mlflow's import
@pytest.mark.parametrize(
    "name",
    [*protocol_cases.CASES, *(f"jupyter: {name}" for name in protocol_cases.IN_JUPYTER)],
)
def test_real_client(told: dict[str, str], name: str) -> None:
    if told[name].startswith("skipped: "):
        pytest.skip(told[name].removeprefix("skipped: "))
    assert told[name] == "ok"


def test_what_clients_log_to_a_jupyter_server_is_in_the_notebooks_store(
    told: dict[str, str], jupyter: JupyterServer
) -> None:
    assert told["jupyter: a_fluent_run_keeps_what_is_logged"] == "ok"
    client = Client(jupyter.root / "nbtrack.duckdb")
    (found,) = client.search_experiments(filter_string="name = 'fluent'")
    (run,) = client.search_runs([found.experiment_id])
    assert run.data.metrics == {"loss": 0.25, "acc": 0.75}
    assert jupyter.stores()["nbtrack.duckdb"]["path"] == "nbtrack.duckdb"


@pytest.mark.parametrize("method", ["GET", "POST", "PUT"])
def test_who_is_not_logged_in_to_jupyter_tracks_nothing(
    jupyter: JupyterServer, method: str
) -> None:
    paths = {"GET": "mlflow/experiments/get?experiment_id=0", "POST": "mlflow/runs/create"}
    path = paths.get(method, "mlflow-artifacts/artifacts/0/x/artifacts/a")
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"}):
        url = f"{jupyter.url}nbtrack/api/2.0/{path}"
        request = Request(url, None if method == "GET" else b"{}", headers, method=method)
        request.add_header("Content-Type", "application/json")
        with pytest.raises(HTTPError) as refusal:
            urlopen(request, timeout=60)
        with refusal.value:
            assert refusal.value.code == 403


def test_a_local_process_reads_what_clients_log_and_logs_beside_them(
    server: TrackingServer, run_id: str
) -> None:
    batch = {"run_id": run_id, "metrics": [{"key": "m", "value": 1, "timestamp": 5, "step": 2}]}
    assert server.ask("POST", "runs/log-batch", batch) == (200, {})
    client = Client(server.store)
    assert client.get_run(run_id).data.metrics == {"m": 1.0}
    client.log_param(run_id, "by", "the other")
    open_store(server.store).close()
    _, found = server.ask("GET", f"runs/get?run_id={run_id}")
    assert found["run"]["data"]["params"] == [{"key": "by", "value": "the other"}]


def test_a_run_of_a_client_belongs_to_no_process(server: TrackingServer, run_id: str) -> None:
    with open_store(server.store).read() as reader:
        rows = reader.named("experiments.run_owner", run_id=run_id)
    assert [set(row) for row in rows] == [{None}]


def test_a_client_takes_over_an_interrupted_run_but_not_a_living_one(
    server: TrackingServer,
) -> None:
    code = """
        import os, sys, nbtrack
        nbtrack.set_tracking_uri(sys.argv[1])
        print(nbtrack.start_run().info.run_id, flush=True)
        sys.stdin.read()
        os._exit(1)
    """
    process = start(code, server.store, cwd=server.folder)
    assert process.stdout is not None
    run_id = process.stdout.readline().strip()
    update = {"run_id": run_id, "status": "RUNNING"}
    assert server.ask("POST", "runs/update", update)[0] == 200
    process.communicate("")
    _, found = server.ask("GET", f"runs/get?run_id={run_id}")
    assert found["run"]["info"]["status"] == "KILLED"  # what INTERRUPTED is for MLflow
    for _ in range(2):
        _, changed = server.ask("POST", "runs/update", update)
        assert changed["run_info"]["status"] == "RUNNING"
        assert "end_time" not in changed["run_info"]


def test_whole_numbers_may_be_text_and_fields_camel_case(
    server: TrackingServer, run_id: str
) -> None:
    point = {"runId": run_id, "key": "m", "value": "Infinity", "timestamp": "7", "step": "3"}
    assert server.ask("POST", "runs/log-metric", point) == (200, {})
    _, found = server.ask("GET", f"metrics/get-history?run_uuid={run_id}&metric_key=m")
    infinite = {"key": "m", "value": sys.float_info.max, "timestamp": 7, "step": 3}
    assert found == {"metrics": [infinite]}
    status, both = server.ask("POST", "runs/set-tag", {"runId": run_id, "run_id": run_id})
    assert status == 400
    assert "provide only one of them" in both["message"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "experiments/create", {}, 400, "Missing value for required parameter 'name'. See"),
        ("POST", "runs/search", {"max_results": "abc"}, 400,
         "Invalid value \"abc\" for parameter 'max_results' supplied:  Hint: Value was of type 's"),
        ("GET", "experiments/search", None, 400, "must be a positive integer"),
        ("GET", "experiments/get?experiment_id=77", None, 404, "No Experiment with id=77 exists"),
        ("GET", "experiments/get-by-name?experiment_name=x", None, 404,
         "Could not find experiment with name 'x'"),
        ("GET", "runs/get?run_id=abc", None, 404, "Run with id=abc not found"),
        ("GET", "registered-models/get?name=x", None, 404, "Registered Model with name=x not fou"),
        ("GET", "model-versions/get?name=x&version=2", None, 404,
         "Model Version (name=x, version=2) not found"),
        ("GET", "logged-models/m-1", None, 404, "Logged model with ID 'm-1' not found."),
        ("POST", "runs/log-batch", {"run_id": "a", "metrics": [{"key": "m"}]}, 400,
         "Missing value for required parameter 'metrics[0].value'"),
        ("POST", "runs/log-metric", {"run_id": "a", "key": "k", "value": True, "timestamp": 1},
         400, "Value was of type 'bool'"),
        ("GET", "traces/tr-1", None, 404, "does not have this endpoint"),
        ("POST", "gateway/endpoints", {}, 404, "does not have this endpoint"),
    ],
)  # fmt: skip
def test_errors_are_worded_as_clients_know_them(
    server: TrackingServer, method: str, path: str, body: Any, status: int, message: str
) -> None:
    got, answer = server.ask(method, path, body)
    assert (got, message in answer["message"]) == (status, True), answer
    assert answer["error_code"] == (
        "INVALID_PARAMETER_VALUE"
        if status == 400
        else "ENDPOINT_NOT_FOUND"
        if "endpoint" in message
        else "RESOURCE_DOES_NOT_EXIST"
    )


def test_a_body_of_a_form_is_refused(server: TrackingServer) -> None:
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data"):
        body = json.dumps({"name": f"by {kind}"}).encode()
        path = "/api/2.0/mlflow/experiments/create"
        assert server.send("POST", path, body, {"Content-Type": kind})[0] == 400


def test_broken_json_counts_as_an_empty_body(server: TrackingServer) -> None:
    path, kind = "/ajax-api/2.0/mlflow/experiments/create", {"Content-Type": "application/json"}
    for body in (b"{", b"[1]", b"\xff", b"null", b"[" * 100_000, b'"{\\"name\\": 3"'):
        status, text, _ = server.send("POST", path, body, kind)
        assert status == 400
        assert "Missing value for required parameter 'name'" in json.loads(text)["message"]


def test_batches_are_limited(server: TrackingServer, run_id: str) -> None:
    big = {"run_id": run_id, "tags": [{"key": "k", "value": "x" * 1_000_001}]}
    status, answer = server.ask("POST", "runs/log-batch", big)
    assert status == 400
    assert "must be at most 1000000 bytes" in answer["message"]


@pytest.mark.parametrize("text", ["x", "\u00e9", "\U0001f642", '"', "\n"])
def test_what_is_sent_is_split_by_its_bytes(server: TrackingServer, run_id: str, text: str) -> None:
    tags = {f"t{number}": text * 8000 for number in range(100)}
    metrics = [
        {"key": f"\u00e9{number}" + "\u00e9" * 240, "value": 1.0, "timestamp": 1, "step": number}
        for number in range(1000)
    ]
    for what, items in (("tags", encode.tags(tags)), ("metrics", metrics)):
        parts = list(split_batch(what, items))
        assert [item for part in parts for item in part] == items
        for part in parts:
            status, answer = server.ask("POST", "runs/log-batch", {"run_id": run_id, what: part})
            assert status == 200, answer


def test_bulk_histories(server: TrackingServer, run_id: str) -> None:
    points = [{"key": "m", "value": n, "timestamp": n, "step": n * 10} for n in range(100)]
    server.ask("POST", "runs/log-batch", {"run_id": run_id, "metrics": points})
    ask = f"/ajax-api/2.0/mlflow/metrics/get-history-bulk?run_id={run_id}&metric_key=m"
    status, text, _ = server.send("GET", f"{ask}&max_results=5")
    assert status == 200
    found = json.loads(text)["metrics"]
    assert [(m["value"], m["run_id"]) for m in found] == [(n, run_id) for n in range(5)]
    _, thin = server.ask(
        "GET",
        f"metrics/get-history-bulk-interval?run_ids={run_id}&metric_key=m&max_results=4"
        "&start_step=100&end_step=400",
    )
    assert [m["step"] for m in thin["metrics"]] == [100, 200, 300, 400]


def test_steps_are_spread_evenly_with_both_ends() -> None:
    assert spread(range(5), 10) == [0, 1, 2, 3, 4]
    assert spread(range(101), 3) == [0, 50, 100]
    assert spread(range(7), 1) == [6]


def test_datasets_of_experiments(server: TrackingServer, run_id: str) -> None:
    dataset = {"name": "d", "digest": "1", "source_type": "local", "source": "{}"}
    tags = [{"key": "mlflow.data.context", "value": "eval"}]
    given = {"run_id": run_id, "datasets": [{"dataset": dataset, "tags": tags}]}
    assert server.ask("POST", "runs/log-inputs", given) == (200, {})
    _, found = server.ask("POST", "experiments/search-datasets", {"experiment_ids": ["0"]})
    summary = {"experiment_id": "0", "name": "d", "digest": "1", "context": "eval"}
    assert summary in found["dataset_summaries"]


def put(server: TrackingServer, path: str, data: bytes) -> int:
    return server.send("PUT", f"{PROXY}/artifacts/{path}", data)[0]


def test_parts_of_files_are_sent(server: TrackingServer, run_id: str) -> None:
    path = f"0/{run_id}/artifacts/a/b.bin"
    data = bytes(range(256)) * 400
    assert put(server, path, data) == 200
    for wanted, expected in (
        ("bytes=0-9", data[:10]),
        ("bytes=100000-", data[100000:]),
        ("bytes=-7", data[-7:]),
        ("bytes=5-1,7-8", data),
        ("lines=1-2", data),
    ):
        status, got, headers = server.send(
            "GET", f"{PROXY}/artifacts/{path}", headers={"Range": wanted}
        )
        assert got == expected
        assert status == (200 if expected == data else 206)
        assert headers["content-length"] == str(len(expected))
    status, _, headers = server.send(
        "GET", f"{PROXY}/artifacts/{path}", headers={"Range": "bytes=999999-"}
    )
    assert (status, headers["content-range"]) == (416, f"bytes */{len(data)}")


def test_what_parts_mean() -> None:
    assert part_of("bytes=0-0", 5) == (0, 1)
    assert part_of("bytes=2-99", 5) == (2, 3)
    assert part_of(None, 5) is part_of("bytes=3-1", 5) is part_of("bytes=1-2", None) is None
    for beyond in ("bytes=5-", "bytes=-0", f"bytes={'9' * 30}-"):
        with pytest.raises(NoSuchPartError):
            part_of(beyond, 5)


def test_sent_files_are_recorded_and_half_ones_are_not_there(
    server: TrackingServer, run_id: str
) -> None:
    import http.client

    assert put(server, f"0/{run_id}/artifacts/whole.txt", b"hello") == 200
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("PUT", f"{PROXY}/artifacts/0/{run_id}/artifacts/half.txt")
    connection.putheader("Content-Length", "1000")
    connection.endheaders(b"x" * 500)
    time.sleep(0.2)
    connection.close()
    time.sleep(0.3)
    store = open_store(server.store)
    with store.read() as reader:
        sql = "SELECT path, size, sha256 FROM artifacts WHERE run_id = $run"
        rows = reader.rows(sql, run=run_id)
    assert [(path, size) for path, size, _ in rows] == [("whole.txt", 5)]
    folder = store.artifacts / "0" / run_id
    assert [entry.name for entry in folder.iterdir()] == ["whole.txt"]


ESCAPES = (
    "../../x", "%2e%2e/%2e%2e/x", "..%2f..%2fx", "..%5c..%5cx", "a/../../../x", "%2fetc%2fpasswd",
    "/etc/passwd", "%00", "a%00b", "C:%5cx", ".", "..", "a/./b", "a//b", "%252e%252e/%252e%252e/x",
)  # fmt: skip


def files_beside_the_store(server: TrackingServer) -> list[Path]:
    """Its write-ahead log comes and goes."""
    return sorted(f for f in server.folder.iterdir() if not f.name.startswith("served.duckdb"))


@pytest.mark.parametrize("escape", ESCAPES)
def test_no_path_leads_out(server: TrackingServer, run_id: str, escape: str) -> None:
    import http.client

    secret = server.folder / "secret.txt"
    secret.write_text("secret")
    before = files_beside_the_store(server)
    for root in ("", "0/", f"0/{run_id}/", f"0/{run_id}/artifacts/", "0/models/m-1/artifacts/"):
        for method in ("PUT", "GET", "DELETE"):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            path = f"{PROXY}/artifacts/{root}{escape}"
            connection.request(method, path, b"evil" if method == "PUT" else None)
            answer = connection.getresponse()
            text = answer.read()
            connection.close()
            assert answer.status < 500, (method, path, text)
            assert b"secret" not in text
            assert b"root:" not in text
            if method == "PUT" and answer.status == 200:
                assert escape.startswith("%252e")  # a name that only looks like an escape
    assert files_beside_the_store(server) == before
    assert secret.read_text() == "secret"


def test_a_link_that_leads_out_is_not_followed(server: TrackingServer, run_id: str) -> None:
    assert put(server, f"0/{run_id}/artifacts/a.txt", b"hello") == 200
    folder = open_store(server.store).artifacts / "0" / run_id
    (server.folder / "outside").mkdir(exist_ok=True)
    (server.folder / "outside" / "secret.txt").write_text("secret")
    (folder / "way").symlink_to(server.folder / "outside")
    path = f"{PROXY}/artifacts/0/{run_id}/artifacts/way/secret.txt"
    assert server.send("GET", path)[0] == 400
    assert server.send("PUT", path, b"evil")[0] == 400
    assert server.send("DELETE", path)[0] == 400
    assert (server.folder / "outside" / "secret.txt").read_text() == "secret"


def test_artifacts_lie_elsewhere_only_where_the_operator_allows_it(tmp_path: Path) -> None:
    place = tmp_path / "elsewhere"
    server = TrackingServer(tmp_path, artifact_roots=[str(place), "s3://b"]).start()
    try:
        body = {"name": "elsewhere", "artifact_location": str(place)}
        _, made = server.ask("POST", "experiments/create", body)
        _, run = server.ask("POST", "runs/create", {"experiment_id": made["experiment_id"]})
        info = run["run"]["info"]
        assert info["artifact_uri"] == f"{place}/{info['run_id']}/artifacts"
        path = f"{made['experiment_id']}/{info['run_id']}/artifacts/a.txt"
        assert put(server, path, b"evil") == 400  # clients reach that place themselves
        assert not place.exists()
        for location, status in (
            ("s3://b/x", 200),
            ("s3://b/../x", 400),
            ("/tmp/%2e%2e/x", 400),
            ("file:///a/../b", 400),
            ("s3://b/x?y=z", 400),
            ("/etc", 403),
            ("s3://other/x", 403),
            ("reference::s3://b/x", 403),
            ("http://169.254.169.254/x", 403),
        ):
            body = {"name": f"at {location}", "artifact_location": location}
            assert server.ask("POST", "experiments/create", body)[0] == status, location
        server.ask("POST", "registered-models/create", {"name": "net"})
        body = {"name": "net", "source": "http://169.254.169.254/latest"}
        assert server.ask("POST", "model-versions/create", body)[0] == 403
    finally:
        server.stop()


def test_parts_belong_to_their_upload(server: TrackingServer, run_id: str) -> None:
    kind = {"Content-Type": "application/json"}

    def ask(verb: str, **body: Any) -> tuple[int, Any]:
        path = f"{PROXY}/mpu/{verb}/0/{run_id}/artifacts"
        status, text, _ = server.send("POST", path, json.dumps(body).encode(), kind)
        return status, json.loads(text)

    _, made = ask("create", path="/home/me/x.bin", num_parts=2)
    urls = [entry["url"].removeprefix(server.url) for entry in made["credentials"]]
    assert server.send("PUT", urls[1], b"cd")[0] == 200
    status, early = ask("complete", path="x.bin", upload_id=made["upload_id"], parts=[])
    assert (status, "are missing" in early["message"]) == (400, True)
    assert server.send("PUT", urls[0], b"ab")[0] == 200
    assert server.send("PUT", urls[0].removesuffix("1") + "3", b"ab")[0] == 400
    other, _ = ask("complete", path="y.bin", upload_id=made["upload_id"], parts=[])
    assert other == 400
    assert ask("complete", path="x.bin", upload_id=made["upload_id"], parts=[]) == (200, {})
    got = server.send("GET", f"{PROXY}/artifacts/0/{run_id}/artifacts/x.bin")
    assert got[:2] == (200, b"abcd")
    _, made = ask("create", path="z.bin", num_parts=1)
    assert ask("abort", path="z.bin", upload_id=made["upload_id"]) == (200, {})
    assert server.send("PUT", made["credentials"][0]["url"].removeprefix(server.url), b"")[0] == 404
    assert ask("create", path="z.bin", num_parts=10_001)[0] == 400


LOAD = """
    import http.client, json, sys, time
    port, run_id, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
    sent = 0
    connection = None
    while sent < count:
        metrics = [
            {"key": key, "value": sent, "timestamp": 1000 + sent, "step": sent} for key in "ab"
        ]
        params = [{"key": f"p{sent % 50}", "value": str(sent % 50)}]
        body = json.dumps({"run_id": run_id, "metrics": metrics, "params": params})
        try:
            if connection is None:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
            connection.request("POST", "/api/2.0/mlflow/runs/log-batch", body,
                               {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read()
        except OSError:  # the server is gone for a moment
            connection = None
            time.sleep(0.05)
            continue
        except http.client.HTTPException:
            connection = None
            continue
        assert answer.status == 200, text
        sent += 1
        if sent == count // 4:
            print("warm", flush=True)
    print("done", flush=True)
"""


def test_nothing_is_lost_when_the_server_is_killed_in_the_middle(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path).start()
    runs = []
    for _ in range(4):
        _, made = server.ask("POST", "runs/create", {"experiment_id": "0"})
        runs.append(made["run"]["info"]["run_id"])
    clients = [start(LOAD, server.port, run_id, 400, cwd=tmp_path) for run_id in runs]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "warm\n"
    server.kill()
    time.sleep(0.2)
    server.start()
    for client in clients:
        assert finish(client).endswith("done\n")
    assert server.stop() == 0
    assert list((tmp_path / "served.duckdb.d" / "journal").iterdir()) == []  # all is folded in
    client = Client(server.store)
    for run_id in runs:
        found = client.get_run(run_id)
        assert found.data.params == {f"p{n}": str(n) for n in range(50)}
        assert found.info.status == "RUNNING"  # of a client that goes on
        for key in "ab":
            history = client.get_metric_history(run_id, key)
            assert [(m.step, m.value, m.timestamp) for m in history] == [
                (n, float(n), 1000 + n) for n in range(400)
            ]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    folder = tmp_path_factory.mktemp("guarded")
    started = TrackingServer(folder, token="s3cret", serve_artifacts=False).start()
    yield started
    started.stop()


def basic(name: str, word: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{word}".encode()).decode()


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Bearer s3cret", 200),
        ("Bearer wrong", 401),
        (basic("me", "s3cret"), 200),
        (basic("s3cret", ""), 401),
        ("Basic %%%", 401),
        ("Bearer \xff", 401),
    ],
)
def test_a_token_is_asked_for(guarded: TrackingServer, header: str | None, status: int) -> None:
    headers = {} if header is None else {"Authorization": header}
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    got, text, given = guarded.send("GET", path, headers=headers)
    assert got == status
    if status == 401:
        assert json.loads(text)["error_code"] == "UNAUTHENTICATED"
        assert given["www-authenticate"].startswith("Basic")


def test_health_and_version_are_open(guarded: TrackingServer) -> None:
    assert guarded.send("GET", "/health")[:2] == (200, b"OK")
    assert guarded.send("GET", "/version")[1].startswith(b"3.")


def test_a_big_body_is_not_taken_from_who_may_not_send_it(guarded: TrackingServer) -> None:
    path = f"{PROXY}/artifacts/0/a/artifacts/b"
    assert guarded.send("PUT", path, b"x" * 100_000)[0] == 401
    bearer = {"Authorization": "Bearer s3cret"}
    status, text, _ = guarded.send("PUT", path, b"x" * 100_000, bearer)
    assert (status, json.loads(text)["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize(
    ("name", "value", "status", "with_token"),
    [
        ("Host", "evil.example", 403, 200),  # no page of another name has the token
        ("Host", "localhost:1", 200, 200),
        ("Host", "[::1]:1", 200, 200),
        ("Origin", "https://evil.example", 403, 403),
        ("Origin", "null", 403, 403),
    ],
)
def test_pages_of_others_are_refused(
    server: TrackingServer,
    guarded: TrackingServer,
    name: str,
    value: str,
    status: int,
    with_token: int,
) -> None:
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    headers = {name: value}
    assert server.send("GET", path, headers=headers)[0] == status
    assert guarded.send("GET", path, headers=headers)[0] in (401, 403)
    headers["Authorization"] = "Bearer s3cret"
    assert guarded.send("GET", path, headers=headers)[0] == with_token


def test_without_the_proxy_clients_are_told_where_artifacts_are(guarded: TrackingServer) -> None:
    bearer = {"Authorization": "Bearer s3cret"}
    _, made = guarded.ask("POST", "runs/create", {"experiment_id": "0"}, **bearer)
    info = made["run"]["info"]
    folder = open_store(guarded.store).artifacts
    assert info["artifact_uri"] == str(folder / "0" / info["run_id"])


def test_beyond_loopback_a_token_is_made(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path, host="0.0.0.0").start()
    try:
        assert server.send("GET", "/api/2.0/mlflow/experiments/get?experiment_id=0")[0] == 401
        printed = server.log.read_text()
    finally:
        assert server.stop() == 0
    assert "Token: " in printed
    assert "MLFLOW_TRACKING_TOKEN" in printed


def test_artifacts_may_be_kept_elsewhere(tmp_path: Path) -> None:
    place = tmp_path / "kept"
    server = TrackingServer(tmp_path, artifacts_destination=str(place)).start()
    try:
        _, made = server.ask("POST", "runs/create", {"experiment_id": "0"})
        info = made["run"]["info"]
        assert info["artifact_uri"] == f"mlflow-artifacts:/0/{info['run_id']}/artifacts"
        assert put(server, f"0/{info['run_id']}/artifacts/a.txt", b"hello") == 200
        kept = place / "0" / info["run_id"] / "artifacts" / "a.txt"
        assert kept.read_bytes() == b"hello"
        got = server.send("GET", f"{PROXY}/artifacts/0/{info['run_id']}/artifacts/a.txt")
        assert got[1] == b"hello"
    finally:
        server.stop()


def test_a_root_of_their_own_is_told_to_clients(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path, default_artifact_root="s3://bucket/x").start()
    try:
        _, made = server.ask("POST", "runs/create", {"experiment_id": "0"})
        info = made["run"]["info"]
        assert info["artifact_uri"] == f"s3://bucket/x/0/{info['run_id']}/artifacts"
    finally:
        server.stop()


def test_a_big_file_needs_little_memory(tmp_path: Path) -> None:
    import http.client

    psutil = pytest.importorskip("psutil")
    server = TrackingServer(tmp_path).start()
    try:
        assert server.process is not None
        _, made = server.ask("POST", "runs/create", {"experiment_id": "0"})
        path = f"{PROXY}/artifacts/0/{made['run']['info']['run_id']}/artifacts/big.bin"
        process = psutil.Process(server.process.pid)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("PUT", path, b"small")  # what the first file needs is loaded
        assert connection.getresponse().read() == b"{}"
        before, piece, pieces = process.memory_info().rss, bytes(1 << 20), 200
        peak = [before]
        stop = threading.Event()

        def watch() -> None:
            while not stop.wait(0.01):
                peak[0] = max(peak[0], process.memory_info().rss)

        watcher = threading.Thread(target=watch)
        watcher.start()
        connection.request(
            "PUT", path, iter([piece] * pieces), {"Content-Length": str(pieces << 20)}
        )
        assert connection.getresponse().read() == b"{}"
        connection.request("GET", path)
        answer = connection.getresponse()
        size = sum(len(chunk) for chunk in iter(lambda: answer.read(1 << 20), b""))
        stop.set()
        watcher.join()
        connection.close()
        assert size == pieces << 20
        assert peak[0] - before < 48 << 20
    finally:
        server.stop()


def test_nan_is_a_name_on_the_wire(server: TrackingServer, run_id: str) -> None:
    point = {"run_id": run_id, "key": "n", "value": math.nan, "timestamp": 1}
    assert server.ask("POST", "runs/log-metric", point) == (200, {})
    _, found = server.ask("GET", f"runs/get?run_id={run_id}")
    assert found["run"]["data"]["metrics"][0]["value"] == "NaN"


PACKAGE = Path(nbtrack.__file__).parent
CLIENTS = [
    *PACKAGE.glob("store/remote/*.py"),
    *PACKAGE.glob("interop/*.py"),
    PACKAGE / "protocol" / "client.py",
    PACKAGE / "health" / "server.py",
]


@pytest.mark.parametrize("path", CLIENTS, ids=lambda path: path.stem)
def test_clients_write_no_paths_of_the_protocol(path: Path) -> None:
    known = {each.path for each in vars(endpoints).values() if isinstance(each, Endpoint)}
    texts = (
        f"/{node.value.strip('/')}"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and "/" in node.value
    )
    assert not {text for text in texts if text in known or f"/mlflow{text}" in known}


def fields_that_are_given(function: ast.FunctionDef) -> Iterator[tuple[str, str]]:
    """Yield endpoint and field where a function calls an endpoint with a dict that it writes."""
    dicts: dict[str, ast.expr | None] = {}
    for node in sorted(ast.walk(function), key=lambda node: getattr(node, "lineno", 0)):
        match node:
            case ast.Assign([ast.Name(name)], value) | ast.AnnAssign(ast.Name(name), _, value):
                dicts[name] = value
            case ast.Call(args=[ast.Attribute(ast.Name("endpoints"), endpoint), given, *_]):
                found = dicts.get(given.id) if isinstance(given, ast.Name) else given
                for key in found.keys if isinstance(found, ast.Dict) else ():
                    if isinstance(key, ast.Constant):
                        yield endpoint, str(key.value)


def test_clients_give_the_fields_that_the_table_has() -> None:
    given = [
        (path.name, endpoint, field)
        for path in CLIENTS
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.FunctionDef)
        for endpoint, field in fields_that_are_given(node)
    ]
    assert len(given) > 60
    assert not [each for each in given if each[2] not in getattr(endpoints, each[1]).names]
