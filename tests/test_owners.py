"""Whose a connection is, and who is answered without a token: other users are real ones."""

from __future__ import annotations

import http.client
import json
import re
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from nbtrack.errors import NbtrackError
from nbtrack.models.serving import serve
from nbtrack.server import peer_owner
from nbtrack.server.connections import OwnConnections
from nbtrack.server.peer_owner import SocketAddress, can_tell, is_own
from nbtrack.server.scoring.access import Guard
from programs import run, start
from strangers import NOBODY, Stranger, as_nobody, needs_root
from tracking_servers import TrackingServer
from ui_page import Ui

EXPERIMENT = "/api/2.0/mlflow/experiments/get?experiment_id=0"
CONNECT = """
with socket.create_connection((sys.argv[1], int(sys.argv[2]))):
    print("connected", flush=True)
    sys.stdin.read()
"""
linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these tables")


def pair(address: str, family: int = socket.AF_INET) -> tuple[socket.socket, socket.socket]:
    """Return both ends of a connection on this machine, the client's first."""
    with socket.create_server((address, 0), family=family) as listening:
        client = socket.create_connection(listening.getsockname()[:2])
        return client, listening.accept()[0]


def ends(accepted: socket.socket) -> tuple[SocketAddress, SocketAddress]:
    return peer_owner._end(accepted.getpeername()), peer_owner._end(accepted.getsockname())


def by_netlink(there: SocketAddress, here: SocketAddress) -> bool:
    return peer_owner.by_netlink(there, here) == peer_owner.os.geteuid()


def by_table(there: SocketAddress, here: SocketAddress) -> bool:
    return peer_owner.by_table(there, here) == peer_owner.os.geteuid()


WAYS = [
    pytest.param(by_netlink, marks=linux),
    pytest.param(by_table, marks=linux),
    pytest.param(peer_owner.by_processes),
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_a_connection_is_its_users_as_long_as_it_is_open(
    way: Callable[[SocketAddress, SocketAddress], bool], address: str, family: int
) -> None:
    client, accepted = pair(address, family)
    with accepted:
        there, here = ends(accepted)
        with client:
            assert way(there, here)
            assert is_own(accepted)
            assert not way(SocketAddress(there.address, 1), here)
        assert not way(there, here)  # a closed end has no owner, and looks like root's
        assert not is_own(accepted)


@needs_root
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize(
    ("address", "family"), [("127.0.0.1", socket.AF_INET), ("::1", socket.AF_INET6)]
)
def test_a_connection_of_another_user_is_not_ones_own(
    way: Callable[[SocketAddress, SocketAddress], bool], address: str, family: int
) -> None:
    with socket.create_server((address, 0), family=family) as listening:
        process = as_nobody(CONNECT, address, str(listening.getsockname()[1]))
        with process, listening.accept()[0] as accepted:
            assert not way(*ends(accepted))
            assert not is_own(accepted)
            if sys.platform == "linux":
                assert peer_owner.by_netlink(*ends(accepted)) == NOBODY
            process.communicate()


@linux
def test_a_socket_of_ipv6_may_come_by_ipv4() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listening,
        socket.socket(socket.AF_INET6) as client,
    ):
        client.connect(("::ffff:127.0.0.1", listening.getsockname()[1]))
        with listening.accept()[0] as accepted:
            assert peer_owner.by_netlink(*ends(accepted)) == peer_owner.by_table(*ends(accepted))
            assert is_own(accepted)


def test_what_was_reset_or_is_not_of_this_machine_is_nobodys() -> None:
    client, accepted = pair("127.0.0.1")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    with accepted:
        assert not is_own(accepted)
    with socket.socket() as alone:
        assert not is_own(alone)


@linux
def test_users_whom_a_container_does_not_know_are_not_ones_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    client, accepted = pair("127.0.0.1")
    with client, accepted:
        monkeypatch.setattr(peer_owner, "_nobody", peer_owner.os.geteuid)
        assert not is_own(accepted)
        assert not can_tell()  # then the token is shown at once


@pytest.mark.parametrize(
    ("headers", "refused"),
    [
        ({}, None),
        ({"Host": "evil.example"}, "PERMISSION_DENIED"),
        ({"Origin": "http://localhost:5000"}, None),
        ({"Origin": "http://localhost:1"}, "PERMISSION_DENIED"),
        ({"Origin": "null"}, "PERMISSION_DENIED"),
        ({"Sec-Fetch-Site": "none"}, None),
        ({"Sec-Fetch-Site": "same-origin"}, None),
        ({"Sec-Fetch-Site": "same-site"}, "PERMISSION_DENIED"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}, "PERMISSION_DENIED"),
        ({"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}, "PERMISSION_DENIED"),
        ({"X-Forwarded-For": "203.0.113.1"}, "UNAUTHENTICATED"),
        ({"Forwarded": "for=203.0.113.1"}, "UNAUTHENTICATED"),
        ({"Via": "1.1 proxy"}, "UNAUTHENTICATED"),
    ],
)
def test_ones_own_browser_and_proxy_are_not_oneself(
    headers: dict[str, str], refused: str | None
) -> None:
    guard = Guard("word", own=OwnConnections())
    asked = {"Host": "localhost:5000", **headers}
    found = None
    try:
        guard.check("/get-artifact", asked, is_own=True)
    except NbtrackError as error:
        found = error.error_code
    assert found == refused
    with pytest.raises(NbtrackError, match=r"MLFLOW_TRACKING_TOKEN|Pages of"):
        guard.check("/get-artifact", asked, is_own=False)


def test_a_link_from_another_page_leads_to_the_page_only() -> None:
    guard = Guard("word", own=OwnConnections())
    asked = {
        "Host": "localhost:5000",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "navigate",
    }
    guard.check("/", asked, is_own=True)
    with pytest.raises(NbtrackError, match="other sites"):
        guard.check("/nbtrack/artifact", asked, is_own=True)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    started = TrackingServer(tmp_path_factory.mktemp("owners"), page=True).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def stranger() -> Iterator[Stranger]:
    came = Stranger()
    yield came
    came.close()


ENDPOINTS = [
    ("GET", EXPERIMENT),
    ("GET", "/get-artifact?run_id=x&path=y"),
    ("GET", "/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/y"),
    ("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/y"),
    ("POST", "/api/2.0/mlflow/runs/search"),
    ("GET", "/nbtrack/stores"),
    ("POST", "/nbtrack/ask"),
    ("GET", "/nbtrack/artifact"),
    ("GET", "/nbtrack/events"),
    ("GET", "/api/2.0/mlflow/nothing"),
    ("GET", "/nothing"),
]


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
@pytest.mark.parametrize(("method", "path"), ENDPOINTS)
def test_no_page_of_another_site_reaches_an_endpoint(
    server: TrackingServer, method: str, path: str, site: str
) -> None:
    body = b"{}" if method != "GET" else None
    for mode in ("no-cors", "navigate"):
        headers = {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode}
        assert server.send(method, path, body, headers)[0] == 403


@needs_root
def test_another_user_needs_the_token_which_is_printed_then(
    server: TrackingServer, stranger: Stranger
) -> None:
    assert server.send("GET", EXPERIMENT)[0] == 200
    before = server.log.read_text()
    status, text = stranger.ask(server.port, EXPERIMENT)
    assert (status, json.loads(text)["error_code"]) == (401, "UNAUTHENTICATED")
    assert "MLFLOW_TRACKING_TOKEN" in json.loads(text)["message"]
    for method, path in ENDPOINTS:
        assert stranger.ask(server.port, path, method)[0] == 401, path
    assert stranger.ask(server.port, "/health")[0] == 200
    assert stranger.ask(server.port, "/")[0] == 401
    said = server.log.read_text().removeprefix(before)
    token = re.findall(r"this token: (\S+)", said)
    assert len(token) == 1  # once, however many ask
    assert stranger.ask(server.port, EXPERIMENT, Authorization=f"Bearer {token[0]}")[0] == 200
    assert stranger.ask(server.port, EXPERIMENT, Authorization="Bearer wrong")[0] == 401


@needs_root
def test_no_auth_answers_every_user(tmp_path: Path, stranger: Stranger) -> None:
    server = TrackingServer(tmp_path, no_auth=True).start()
    try:
        assert stranger.ask(server.port, EXPERIMENT)[0] == 200
    finally:
        server.stop()


@needs_root
def test_a_kept_open_connection_stays_whose_it_is(
    server: TrackingServer, stranger: Stranger
) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    for _ in range(3):
        kept.request("GET", EXPERIMENT)
        answer = kept.getresponse()
        answer.read()
        assert answer.status == 200
        assert stranger.ask(server.port, EXPERIMENT)[0] == 401
    kept.close()


def test_who_brings_the_token_is_not_told_what_there_is_on_the_machine(
    server: TrackingServer,
) -> None:
    run_id = server.ask("POST", "runs/create", {"experiment_id": "0"})[1]["run"]["info"]["run_id"]
    cell = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/.nbtrack/cell.py"
    assert server.send("PUT", cell, b"x = 1")[0] == 200
    store = json.loads(server.send("GET", "/nbtrack/stores")[1])["stores"][0]["id"]
    passed_on = {"X-Forwarded-For": "203.0.113.1"}
    assert server.send("GET", EXPERIMENT, None, passed_on)[0] == 401
    token = re.findall(r"this token: (\S+)", server.log.read_text())[0]
    body = json.dumps({"type": "run.details", "run_id": run_id}).encode()
    for headers in ({}, {**passed_on, "Authorization": f"Bearer {token}"}):
        status, text, _ = server.send("POST", f"/nbtrack/ask?store={store}", body, headers)
        assert status == 200
        said = {badge["text"] for badge in json.loads(text)["body"]["badges"]}
        assert ("not looked at here" in said) == bool(headers)


LOG = """
import mlflow
mlflow.set_experiment("tutorial")
with mlflow.start_run(run_name="as every tutorial has it"):
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "a.txt")
print(mlflow.search_runs(experiment_names=["tutorial"])["metrics.loss"].tolist())
"""


def test_the_ui_takes_what_mlflows_clients_log_as_every_tutorial_has_it(tmp_path: Path) -> None:
    pytest.importorskip("mlflow", reason="the real client is what is tried")
    ui = Ui(tmp_path)
    try:
        assert "token" not in ui.address
        address = f"http://localhost:{urlsplit(ui.url).port}"
        printed = run(LOG, cwd=tmp_path, MLFLOW_TRACKING_URI=address, MLFLOW_TRACKING_TOKEN="")
        assert printed.splitlines()[-1] == "[0.5]"
        connection = http.client.HTTPConnection(urlsplit(ui.url).netloc, timeout=60)
        connection.request("GET", "/?token=of+an+older+server")
        assert connection.getresponse().status == 303  # a bookmark goes on
        connection.close()
    finally:
        ui.interrupt()


class Sum:
    metadata = SimpleNamespace(signature=None)

    def predict(self, data: Any, params: Any = None) -> Any:
        return np.asarray(data).sum(axis=-1)


@needs_root
def test_a_model_is_served_to_who_serves_it(stranger: Stranger) -> None:
    body, kind = '{"inputs": [[1, 2]]}', {"Content_Type": "application/json"}
    with serve(Sum()) as served:
        assert served.predict([[1, 2]]) == [3]
        port = int(urlsplit(served.url).port or 0)
        assert stranger.ask(port, "/invocations", "POST", body, **kind)[0] == 401
        assert stranger.ask(port, "/ping")[0] == 200
        known = {**kind, "Authorization": f"Bearer {served.token}"}
        assert stranger.ask(port, "/invocations", "POST", body, **known)[0] == 200


@linux
def test_without_a_way_to_tell_the_token_is_printed_at_once(tmp_path: Path) -> None:
    code = """
import sys
from nbtrack.server import peer_owner
peer_owner.is_ours = lambda there, here: False
from nbtrack.cli import main
main()
"""
    words = ["server", "--uri", "s.duckdb", "--port", "0"]
    process = start(code, *words, cwd=tmp_path)
    try:
        assert process.stdout is not None
        token = process.stdout.readline().removeprefix("Token: ").strip()
        process.stdout.readline()
        url = process.stdout.readline().split()[-1]
        connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
        for headers, status in (({}, 401), ({"Authorization": f"Bearer {token}"}, 200)):
            connection.request("GET", EXPERIMENT, headers=headers)
            answer = connection.getresponse()
            answer.read()
            assert answer.status == status
        connection.close()
    finally:
        process.terminate()
        process.communicate()


def test_who_is_refused_keeps_the_connection(server: TrackingServer) -> None:
    kept = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    refused = {"Origin": "http://evil.example"}
    asked: list[tuple[str, str, str | None, dict[str, str], int]] = [
        ("GET", EXPERIMENT, None, {}, 200),
        ("GET", EXPERIMENT, None, refused, 403),
        ("POST", "/api/2.0/mlflow/runs/search", "{}", refused, 403),
        ("PUT", "/api/2.0/mlflow-artifacts/artifacts/0/x/artifacts/y", "{}", refused, 403),
        ("GET", "/nothing", None, {}, 404),
        ("POST", "/nothing", "x" * 1_000_000, {}, 404),
        ("PATCH", EXPERIMENT, "{}", {}, 405),
    ]
    for method, path, body, headers, status in asked:
        kept.request(method, path, body, headers)
        answer = kept.getresponse()
        answer.read()
        assert (answer.status, answer.will_close) == (status, False), (method, path)
    assert kept.sock is not None
    kept.request("PUT", asked[3][1], "x" * 1_000_000, refused)
    answer = kept.getresponse()
    assert (answer.status, answer.will_close) == (403, True)
    kept.close()
