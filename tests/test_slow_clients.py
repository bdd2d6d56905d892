"""Clients that stand still, read nothing, lie about lengths, or leave: to every server of ours."""

from __future__ import annotations

import hashlib
import json
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest

from jupyter_servers import BASE, JupyterServer
from nbtrack.server.scoring.listening import Limits
from nbtrack.server.scoring.listening import start as start_scoring
from nbtrack.server.slow_clients import ClientLimits
from nbtrack.server.upload_spool import BLOCK
from nbtrack.store.opening import open_store
from servers import TOKEN
from tracking_servers import TrackingServer

PROXY = "/api/2.0/mlflow-artifacts"
psutil = pytest.importorskip("psutil")


def connect(port: int, head: str, body: bytes = b"", small: bool = False) -> socket.socket:
    """Send what there is of a request; keep the connection open."""
    found = socket.socket()
    if small:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    found.settimeout(60)
    found.connect(("127.0.0.1", port))
    found.sendall(head.replace("\n", "\r\n").encode() + body)
    return found


def head(method: str, path: str, *lines: str) -> str:
    return "\n".join([f"{method} {path} HTTP/1.1", "Host: localhost", *lines, "", ""])


def rest(connection: socket.socket) -> bytes:
    """Read all that a server still sends before it closes; close, too."""
    found = bytearray()  # bytes would be copied with each piece
    with connection, suppress(ConnectionResetError):
        while piece := connection.recv(1 << 20):
            found += piece
    return bytes(found)


def soon(holds: Callable[[], bool]) -> None:
    """Wait until something holds; the time limit of the tests ends it."""
    while not holds():
        time.sleep(0.01)


def new_run(server: TrackingServer) -> str:
    status, made = server.ask("POST", "runs/create", {"experiment_id": "0"})
    assert status == 200, made
    return f"{PROXY}/artifacts/0/{made['run']['info']['run_id']}/artifacts"


def left_over(server: TrackingServer) -> list[str]:
    folder = server.folder / "served.duckdb.d" / "uploads"
    return [path.name for path in folder.iterdir()] if folder.is_dir() else []


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    started = TrackingServer(tmp_path_factory.mktemp("slow"), page=True).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def hasty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """A server that does not wait long."""
    options = {"client_timeout": 0.3, "min_rate": 1e6}
    started = TrackingServer(tmp_path_factory.mktemp("hasty"), **options).start()
    yield started
    started.stop()


@pytest.mark.parametrize("begun", [2, BLOCK + BLOCK // 2])
def test_uploads_that_stand_still_keep_nobody_waiting(server: TrackingServer, begun: int) -> None:
    root = new_run(server)
    assert server.process is not None
    process = psutil.Process(server.process.pid)
    size = begun + 5
    content = os.urandom(size)
    stalled = [
        connect(
            server.port,
            head("PUT", f"{root}/{number}.bin", f"Content-Length: {size}"),
            content[:begun],
        )
        for number in range(40)
    ]
    try:
        assert server.send("PUT", f"{root}/quick.bin", content)[0] == 200
        assert server.send("GET", f"{root}/quick.bin")[1] == content
        assert server.ask("GET", "experiments/get?experiment_id=0")[0] == 200
        assert process.num_threads() < 40
        for connection in stalled:  # none of them has been given up, or is seen
            connection.setblocking(False)
            with pytest.raises(BlockingIOError):
                connection.recv(1)
            connection.settimeout(60)
        store = open_store(server.store)
        folder = store.artifacts / "0" / root.split("/")[-2]
        assert [path.name for path in folder.iterdir()] == ["quick.bin"]
        stalled[0].sendall(content[begun:])  # who goes on after all is served
        assert stalled[0].recv(100).startswith(b"HTTP/1.1 200")
        assert server.send("GET", f"{root}/0.bin")[1] == content
    finally:
        for connection in stalled:
            connection.close()
    soon(lambda: left_over(server) == [])


@pytest.mark.parametrize("size", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK + 5])
@pytest.mark.parametrize("chunked", [False, True])
def test_files_of_all_sizes_arrive_whole(server: TrackingServer, size: int, chunked: bool) -> None:
    import http.client

    root, content = new_run(server), os.urandom(size)
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
    headers = {} if chunked else {"Content-Length": str(size), "Expect": "100-continue"}
    body = iter([content[at : at + 300_000] for at in range(0, size, 300_000)])
    connection.request("PUT", f"{root}/a.bin", body, headers, encode_chunked=chunked)
    assert connection.getresponse().read() == b"{}"
    connection.close()
    assert server.send("GET", f"{root}/a.bin")[1] == content
    with open_store(server.store).read() as reader:
        sql = "SELECT size, sha256 FROM artifacts WHERE run_id = $run"
        rows = reader.rows(sql, run=root.split("/")[-2])
    assert rows == [(size, hashlib.sha256(content).hexdigest())]
    assert left_over(server) == []


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("artifacts/a/%2E%2E/%2E%2E/b", 400, "INVALID_PARAMETER_VALUE"),
        (f"mpu/part/{'0' * 48}/1", 404, "RESOURCE_DOES_NOT_EXIST"),
    ],
)
def test_a_large_file_that_cannot_be_kept_is_refused_and_leaves_nothing(
    server: TrackingServer, path: str, status: int, code: str
) -> None:
    found, text, _ = server.send("PUT", f"{PROXY}/{path}", bytes(5 * BLOCK))
    assert (found, json.loads(text)["error_code"]) == (status, code)
    soon(lambda: left_over(server) == [])


@pytest.mark.parametrize(
    ("method", "path", "lines"),
    [
        ("PUT", "ROOT/a.bin", ["Content-Length: 1000"]),
        ("PUT", "ROOT/a.bin", ["Content-Length: 9000000"]),
        ("PUT", "ROOT/a.bin", ["Transfer-Encoding: chunked"]),
        ("POST", "/api/2.0/mlflow/runs/search", ["Content-Length: 1000"]),
        ("POST", "/api/2.0/mlflow/runs/log-batch", ["Transfer-Encoding: chunked"]),
        ("GET", "/api/2.0/mlflow/runs/get", ["Content-Length: 1000"]),
    ],
)
def test_a_body_that_does_not_come_is_given_up(
    hasty: TrackingServer, method: str, path: str, lines: list[str]
) -> None:
    asked = head(method, path.replace("ROOT", new_run(hasty)), "Content-Type: x/y", *lines)
    answer = rest(connect(hasty.port, asked, b"2\r\nab\r\n"))
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"DEADLINE_EXCEEDED" in answer
    assert left_over(hasty) == []


def test_a_body_that_comes_fast_enough_is_taken_however_long_it_takes(
    hasty: TrackingServer,
) -> None:
    path, piece = f"{new_run(hasty)}/a.bin", bytes(2_000_000)  # a pause may last 2 s
    connection = connect(hasty.port, head("PUT", path, f"Content-Length: {8 * len(piece)}"))
    for _ in range(8):
        connection.sendall(piece)
        time.sleep(0.1)
    assert connection.recv(100).startswith(b"HTTP/1.1 200")
    connection.close()


def test_a_drop_now_and_then_is_too_little(hasty: TrackingServer) -> None:
    connection = connect(hasty.port, head("PUT", f"{new_run(hasty)}/a.bin", "Content-Length: 1000"))
    while not select.select([connection], [], [], 0.05)[0]:
        connection.sendall(b"x")
    assert rest(connection).startswith(b"HTTP/1.1 408")


def test_a_client_that_does_not_read_is_let_go(hasty: TrackingServer) -> None:
    root, size = new_run(hasty), 32 << 20
    assert hasty.send("PUT", f"{root}/a.bin", bytes(size))[0] == 200
    assert hasty.process is not None
    process = psutil.Process(hasty.process.pid)
    asked = head("GET", f"{root}/a.bin")
    stalled = [connect(hasty.port, asked, small=True) for _ in range(20)]
    for each in stalled:
        select.select([each], [], [])  # the server has begun to answer

    connections = getattr(process, "net_connections", None) or process.connections  # psutil 5

    def held() -> int:
        states: list[str] = [each.status for each in connections("tcp")]
        return states.count(psutil.CONN_ESTABLISHED) + sum(
            each.path.endswith("a.bin") for each in process.open_files()
        )

    soon(lambda: held() == 0)
    assert all(len(rest(each)) < size for each in stalled)
    assert process.num_threads() < 40
    assert hasty.send("GET", f"{root}/a.bin")[1] == bytes(size)


def test_what_killed_servers_and_clients_left_is_removed_after_a_day(tmp_path: Path) -> None:
    folder = tmp_path / "served.duckdb.d" / "uploads"
    old = [folder / f".nbtrack-{'0' * 16}.part", folder / ("a" * 48)]
    young = [folder / f".nbtrack-{'1' * 16}.part", folder / ("b" * 48), folder / "mine.txt"]
    for path in (*old, *young):
        if path.suffix:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch()
        else:
            path.mkdir(parents=True)
    for path in (*old, folder / "mine.txt"):
        os.utime(path, (1e9, 1e9))
    server = TrackingServer(tmp_path).start()
    try:
        assert server.ask("GET", "experiments/get?experiment_id=0")[0] == 200
    finally:
        server.stop()
    assert sorted(folder.iterdir()) == sorted(young)


def test_connections_that_ask_nothing_keep_nobody_out(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path, max_connections=20).start()
    idle = [connect(server.port, half) for half in ("", "GET /", "GET / HTTP/1.1\nHost: a\n")
            for _ in range(30)]  # fmt: skip
    try:
        assert server.send("PUT", f"{new_run(server)}/a.txt", b"hello")[0] == 200
        assert sum(is_closed(each) for each in idle) >= 70
    finally:
        for each in idle:
            each.close()
        server.stop()
    assert "Traceback" not in server.log.read_text()


def is_closed(connection: socket.socket) -> bool:
    connection.setblocking(False)
    try:
        return connection.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


def leave(port: int, asked: str, body: bytes, *, rudely: bool, read: int = 0) -> None:
    """Send what there is of a request, read a little of the answer, and go away."""
    connection = connect(port, asked, body)
    if read:
        connection.recv(read)
    if rudely:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def departures(prefix: str, root: str, *more: str) -> list[tuple[str, bytes, int]]:
    """Return requests, the parts of them that are sent, and how much is read of the answer."""
    put, size = f"{prefix}{root}/left.bin", 3 * BLOCK
    post, kind = f"{prefix}/api/2.0/mlflow/runs/search", "Content-Type: application/json"
    whole, chunked = f"Content-Length: {size}", "Transfer-Encoding: chunked"

    def asked(method: str, path: str, *lines: str) -> str:
        return head(method, path, *more, *lines)

    return [
        ("", b"", 0),
        (f"PUT {put} HTTP/1.1\nHost: loc", b"", 0),
        (asked("PUT", put, whole), b"", 0),
        (asked("PUT", put, whole), b"ab", 0),
        (asked("PUT", put, whole), bytes(2 * BLOCK), 0),
        (asked("PUT", put, whole), bytes(size), 0),
        (asked("PUT", put, "Content-Length: 5"), b"hello", 0),
        (asked("PUT", put, "Content-Length: 5"), b"hello and more", 0),
        (asked("PUT", put, "Content-Length: -5"), b"hello", 0),
        (asked("PUT", put, whole, "Expect: 100-continue"), b"", 5),
        (asked("PUT", put, chunked), b"5\r\nhello\r\n", 0),
        (asked("PUT", put, chunked), b"zz\r\nhello\r\n", 0),
        (asked("POST", post, kind, "Content-Length: 500"), b'{"experiment_ids"', 0),
        (asked("POST", post, kind, "Content-Length: 25"), b'{"experiment_ids": ["0"]}', 0),
        (asked("POST", post, kind, "Content-Length: 99000000"), bytes(2 * BLOCK), 0),
        (asked("GET", f"{prefix}{root}/kept.bin"), b"", 0),
        (asked("GET", f"{prefix}{root}/kept.bin"), b"", 1000),
        (asked("GET", f"{prefix}{root}/absent.bin"), b"", 0),
        (asked("GET", f"{prefix}/nbtrack/events"), b"", 5),
        (asked("GET", f"{prefix}/assets/page.js"), b"", 5),
        (asked("PUT", f"{prefix}/nowhere", whole), bytes(BLOCK), 0),
    ]


def test_who_leaves_is_no_error_of_the_server(server: TrackingServer) -> None:
    root, size = new_run(server), 8 << 20
    assert server.send("PUT", f"{root}/kept.bin", bytes(size))[0] == 200
    before = server.log.read_text()
    for asked, body, read in departures("", root):
        for rudely in (False, True):
            leave(server.port, asked, body, rudely=rudely, read=read)
    soon(lambda: left_over(server) == [])
    assert server.send("GET", f"{root}/kept.bin")[1] == bytes(size)
    said = server.log.read_text().removeprefix(before).splitlines()
    assert len(said) <= 1  # whose a connection was that is gone cannot be found out
    assert "Traceback" not in "".join(said)


@pytest.fixture(scope="module")
def jupyter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JupyterServer]:
    pytest.importorskip("jupyter_server", reason="the extension of the Jupyter server needs it")
    config = ["--NbtrackApp.client_timeout=1", "--NbtrackApp.min_rate=1000000"]
    started = JupyterServer(tmp_path_factory.mktemp("jupyter"), *config)
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def test_a_jupyter_server_bears_the_same(jupyter: JupyterServer) -> None:
    started = jupyter.log.seek(0, os.SEEK_END)  # what JupyterLab says at its start is not of it
    token = f"Authorization: token {TOKEN}"
    status, made = jupyter.send(
        "api/2.0/mlflow/runs/create",
        b'{"experiment_id": "0"}',
        **{"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
    )
    assert status == 200, made
    root = f"{PROXY}/artifacts/0/{made['run']['info']['run_id']}/artifacts"
    prefix = f"{BASE}nbtrack"
    asked = head("PUT", f"{prefix}{root}/a.bin", token, "Content-Length: 3")
    stalled = [connect(jupyter.port, asked, b"ab") for _ in range(40)]
    content = os.urandom(3 * BLOCK)
    kept = head("PUT", f"{prefix}{root}/kept.bin", token, f"Content-Length: {len(content)}")
    quick = connect(jupyter.port, kept, content)
    assert quick.recv(100).startswith(b"HTTP/1.1 200")
    quick.close()
    for each in stalled:
        assert rest(each).startswith(b"HTTP/1.1 408")
    body = head("POST", f"{prefix}/ask?store=x", token, "Content-Length: 1000")
    assert rest(connect(jupyter.port, body, b"{")).startswith(b"HTTP/1.1 408")
    stranger = head("POST", f"{prefix}/ask?store=x", "Content-Length: 1000")
    assert rest(connect(jupyter.port, stranger, b"{")).startswith(b"HTTP/1.1 403")
    for departure, part, read in departures(prefix, root, token):
        for rudely in (False, True):
            leave(jupyter.port, departure, part, rudely=rudely, read=read)
    assert jupyter.get("stores")[0] == 200
    uploads = jupyter.root / "nbtrack.duckdb.d" / "uploads"
    soon(lambda: not uploads.is_dir() or list(uploads.iterdir()) == [])
    jupyter.log.seek(started)
    assert b"Traceback" not in jupyter.log.read()


class Sum:
    metadata = SimpleNamespace(signature=None)

    def predict(self, data: Any, params: Any = None) -> Any:
        return np.asarray(data).sum(axis=-1)


def test_a_served_model_bears_the_same(caplog: pytest.LogCaptureFixture) -> None:
    limits = Limits(clients=ClientLimits(0.3, 1e6))
    with start_scoring(lambda: (Sum(), "sum"), "127.0.0.1", 0, limits=limits) as served:
        port = int(urlsplit(served.url).port or 0)
        kind = "Content-Type: application/json"
        asked = head("POST", "/invocations", kind, "Content-Length: 50")
        stalled = [connect(port, asked, b"{") for _ in range(40)]
        assert served.predict([[1, 2]]) == [3]
        for each in stalled:
            assert rest(each).startswith(b"HTTP/1.1 408")
        for part in (b"", b"{", b'{"inputs": [[1]]}' + b" " * 33, bytes(100)):
            for rudely in (False, True):
                leave(port, asked, part, rudely=rudely)
        assert served.predict([[1, 2]]) == [3]
    assert [record for record in caplog.records if record.levelname == "ERROR"] == []
