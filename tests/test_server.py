"""The Jupyter server extension, in a real server behind a base URL."""

from __future__ import annotations

import asyncio
import base64
import http.cookiejar
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import HTTPCookieProcessor, Request, build_opener, urlopen

import pytest

from jupyter_servers import BASE
from jupyter_servers import JupyterServer as Server
from kernels import kernel
from nbtrack.server.catalog import stores_below
from nbtrack.server.messages import Request as Asked
from nbtrack.server.routes import ROUTES, action_of_request
from nbtrack.server.store_events import Subscriptions
from nbtrack.store.file_watch import FileWatch
from nbtrack.store.opening import open_store
from programs import SRC, start
from servers import TOKEN

pytest.importorskip("jupyter_server", reason="the extension of the Jupyter server needs it")

CHANGED = "https://nbtrack.dev/events/store-changed/v1"
LOG = """
import sys, nbtrack
nbtrack.set_tracking_uri(sys.argv[1])
with nbtrack.start_run(run_name=sys.argv[2]) as run:
    nbtrack.log_metrics({"loss": 0.5}, step=3)
    nbtrack.log_text("hello", "notes/a.txt")
    print(run.info.run_id)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    started = Server(tmp_path_factory.mktemp("server"))
    try:
        started.wait()
        yield started
    finally:
        started.stop()


def log_run(store: Path, name: str = "first") -> str:
    """Log a run in a process of its own; return its id."""
    process = start(LOG, store, name, cwd=store.parent)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    return out.strip()


@pytest.fixture(scope="module")
def store(server: Server) -> tuple[str, str]:
    """The id of a store below the server's root, and of a run in it."""
    folder = server.root / "project"
    folder.mkdir()
    run_id = log_run(folder / "nbtrack.duckdb")
    return server.stores()["project/nbtrack.duckdb"]["id"], run_id


def test_no_token_no_answer(server: Server) -> None:
    for path, data in (("stores", None), ("ask?store=x", b"{}"), ("watch", b"{}")):
        status, body = server.send(path, data)
        assert status == 403
        assert set(body) == {"error_code", "message"}


def test_a_logged_in_browser_must_send_the_xsrf_token(
    server: Server, store: tuple[str, str]
) -> None:
    cookies = http.cookiejar.CookieJar()
    browser = build_opener(HTTPCookieProcessor(cookies))
    browser.open(f"{server.url}api/status?token={TOKEN}", timeout=60).close()
    browser.open(f"{server.url}login?token={TOKEN}", timeout=60).close()
    url = f"{server.url}nbtrack/ask?store={store[0]}"
    question = b'{"type": "store.experiments"}'
    with pytest.raises(HTTPError) as refused:
        browser.open(Request(url, data=question), timeout=60)
    assert refused.value.code == 403
    refused.value.close()
    xsrf = next(cookie.value for cookie in cookies if cookie.name == "_xsrf")
    headers = {"X-XSRFToken": str(xsrf)}
    with browser.open(Request(url, data=question, headers=headers), timeout=60) as answer:
        assert answer.status == 200


def test_stores_below_the_root_are_listed_by_name(server: Server, store: tuple[str, str]) -> None:
    listed = server.stores()["project/nbtrack.duckdb"]
    assert listed == {
        "id": store[0],
        "name": "project",
        "path": "project/nbtrack.duckdb",
        "source": "folder",
        "running": 0,
        "error": None,
    }
    assert open_store(server.root / "project" / "nbtrack.duckdb").id == store[0]


def test_two_stores_answer_for_themselves(server: Server, store: tuple[str, str]) -> None:
    other = server.root / "other"
    other.mkdir()
    log_run(other / "second.duckdb", "of the second")
    second = server.stores()["other/second.duckdb"]
    assert second["name"] == "second"
    names = [
        server.ask(each, "store.tree", experiment_id="0")[1]["body"]["runs"][0]["name"]
        for each in (store[0], second["id"])
    ]
    assert names == ["first", "of the second"]


def test_buffers_travel_as_base64(server: Server, store: tuple[str, str]) -> None:
    status, answer = server.ask(store[0], "chart.runs", run_ids=[store[1]])
    assert status == 200, answer
    assert [type(base64.b64decode(buffer)) for buffer in answer["buffers"]] == [bytes] * len(
        answer["buffers"]
    )


@pytest.mark.parametrize(
    ("path", "body", "status", "code"),
    [
        ("ask?store=unknown", {"type": "store.experiments"}, 404, "STORE_NOT_FOUND"),
        ("ask", {"type": "store.experiments"}, 404, "STORE_NOT_FOUND"),
        ("ask?store=/etc/passwd", {"type": "store.experiments"}, 404, "STORE_NOT_FOUND"),
        ("watch", {"store": "unknown", "seconds": 5}, 404, "STORE_NOT_FOUND"),
        ("watch", {"seconds": 5}, 400, "INVALID_PARAMETER_VALUE"),
    ],
)
def test_what_is_unknown_is_not_found(
    server: Server, path: str, body: object, status: int, code: str
) -> None:
    found, answer = server.post(path, body)
    assert (found, answer["error_code"]) == (status, code)


@pytest.mark.parametrize(
    "question",
    [
        {"type": "store.nonsense"},
        {"type": "nonsense"},
        {"type": 3},
        {},
        [],
        "text",
        {"type": "store.tree"},
        {"type": "store.tree", "experiment_id": 1},
        {"type": "store.tree", "experiment_id": "0", "filter": "metrics.loss <"},
        {"type": "store.tree", "experiment_id": "0", "stage": "elsewhere"},
        {"type": "store.tree", "experiment_id": "0", "state": "SLEEPING"},
        {"type": "run.preview", "run_id": "RUN", "path": "../../nbtrack.duckdb"},
        {"type": "run.preview", "run_id": "RUN", "path": "/etc/passwd"},
        {"type": "run.artifacts", "run_id": "RUN", "path": ".."},
        {"type": "run.preview", "run_id": "RUN", "path": "notes"},
        {"type": "store.act", "experiment_id": "0", "action": "explode"},
    ],
)
def test_a_bad_question_is_the_askers_error(
    server: Server, store: tuple[str, str], question: Any
) -> None:
    text = json.dumps(question).replace("RUN", store[1])
    status, answer = server.post(f"ask?store={store[0]}", json.loads(text))
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE"), answer
    assert answer["message"]


def test_a_missing_run_is_not_found(server: Server, store: tuple[str, str]) -> None:
    status, answer = server.ask(store[0], "run.details", run_id="f" * 32)
    assert (status, answer["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_link_out_of_the_runs_folder_is_refused(server: Server, store: tuple[str, str]) -> None:
    folder = server.root / "project" / "nbtrack.duckdb.d" / "artifacts" / "0" / store[1]
    (folder / "out.txt").symlink_to("/etc/hostname")
    status, answer = server.ask(store[0], "run.preview", run_id=store[1], path="out.txt")
    assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    files = server.ask(store[0], "run.artifacts", run_id=store[1])[1]["body"]["files"]
    assert "out.txt" not in [file["path"] for file in files]


def test_an_artifact_is_downloaded_and_never_shown(server: Server, store: tuple[str, str]) -> None:
    address = f"{server.url}nbtrack/artifact?store={store[0]}&run_id={store[1]}"
    headers = {"Authorization": f"token {TOKEN}"}
    with urlopen(Request(f"{address}&path=notes/a.txt", headers=headers), timeout=60) as answer:
        assert answer.read() == b"hello"
        assert answer.headers["Content-Type"] == "application/octet-stream"
        assert answer.headers["Content-Disposition"] == "attachment; filename=a.txt"
        assert answer.headers["Content-Security-Policy"].startswith("sandbox")
    query = f"artifact?store={store[0]}&run_id={store[1]}"
    found = [server.get(f"{query}&path={path}")[0] for path in ("../x", "gone", "notes", "")]
    assert found == [400, 404, 400, 400]
    assert server.send(f"{query}&path=notes/a.txt")[0] == 403


def test_bodies_that_are_too_large_or_no_json_are_refused(
    server: Server, store: tuple[str, str]
) -> None:
    status, answer = server.post(f"ask?store={store[0]}", {"type": "x" * 2_000_000})
    assert (status, answer["error_code"]) == (413, "BODY_TOO_LARGE")
    token = f"token {TOKEN}"
    for body in (b"{", b"\xff\xfe", b'{"type": NaN}', b"[" * 100_000):
        status, answer = server.send(f"ask?store={store[0]}", body, Authorization=token)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_the_wrong_method_and_a_wrong_path(server: Server) -> None:
    assert server.get("ask")[0] == 405
    assert server.send("stores", b"{}", Authorization=f"token {TOKEN}")[0] == 405


def test_a_store_that_is_held_by_another_process_still_answers(
    server: Server, store: tuple[str, str]
) -> None:
    path = server.root / "project" / "nbtrack.duckdb"
    code = "import sys, duckdb; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    holder = start(code, path, cwd=server.root)
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline().strip() == "held"
        status, answer = server.ask(store[0], "store.experiments")
        assert (status, answer["body"]["experiments"][0]["runs"] >= 1) == (200, True)
        status, answer = server.ask(store[0], "store.act", experiment_id="0", action="delete")
        assert (status, answer["error_code"]) == (423, "TEMPORARILY_UNAVAILABLE")
        assert "held open" in answer["message"]
    finally:
        holder.communicate("\n", timeout=60)


def test_a_damaged_and_a_foreign_file_say_so_and_the_others_go_on(
    server: Server, store: tuple[str, str]
) -> None:
    for name, make in (("broken", b"no database at all" * 1000), ("foreign", None)):
        folder = server.root / name
        (folder / f"{name}.duckdb.d").mkdir(parents=True)
        path = folder / f"{name}.duckdb"
        if make is not None:
            path.write_bytes(make)
        else:
            code = """
            import sys, duckdb
            duckdb.connect(sys.argv[1]).execute("CREATE TABLE mine (x INT)")
            """
            start(code, path, cwd=folder).communicate(timeout=60)
    listed = server.stores()
    assert "cannot be read" in listed["broken/broken.duckdb"]["error"]
    assert listed["broken/broken.duckdb"]["running"] is None  # nobody knows
    assert "none of nbtrack" in listed["foreign/foreign.duckdb"]["error"]
    assert listed["project/nbtrack.duckdb"]["error"] is None
    status, answer = server.ask(listed["broken/broken.duckdb"]["id"], "store.experiments")
    assert (status, answer["error_code"]) == (422, "DATA_LOSS")


def test_the_server_keeps_no_store_open(server: Server, store: tuple[str, str]) -> None:
    assert server.ask(store[0], "store.experiments")[0] == 200
    path = server.root / "project" / "nbtrack.duckdb"
    code = "import sys, duckdb; print(duckdb.connect(sys.argv[1]).execute('SELECT 1').fetchone())"
    out, errors = start(code, path, cwd=server.root).communicate(timeout=60)
    assert out.strip() == "(1,)", errors


def test_an_edit_leaves_no_journal_behind(server: Server, store: tuple[str, str]) -> None:
    status, answer = server.ask(
        store[0], "table.edit", run_id=store[1], column="note", value="written by the server"
    )
    assert status == 200, answer
    run = server.ask(store[0], "run.details", run_id=store[1])[1]["body"]["run"]
    assert run["note"] == "written by the server"
    journals = server.root / "project" / "nbtrack.duckdb.d" / "journal"
    assert list(journals.iterdir()) == []


def test_experiments_are_renamed_deleted_and_restored(
    server: Server, store: tuple[str, str]
) -> None:
    def experiment() -> dict[str, Any]:
        body = server.ask(store[0], "store.experiments")[1]["body"]
        return next(e for e in body["experiments"] if e["experiment_id"] == "0")

    act = {"experiment_id": "0", "action": "rename", "name": "renamed"}
    assert server.ask(store[0], "store.act", **act)[0] == 200
    assert (experiment()["name"], experiment()["runs"]) == ("renamed", 1)
    note = {"experiment_id": "0", "action": "note", "note": "digits, small"}
    assert server.ask(store[0], "store.act", **note)[0] == 200
    assert experiment()["note"] == "digits, small"
    assert server.ask(store[0], "store.act", experiment_id="0", action="delete")[0] == 200
    assert experiment()["stage"] == "deleted"
    assert server.ask(store[0], "store.act", experiment_id="0", action="restore")[0] == 200
    assert (experiment()["stage"], experiment()["runs"]) == ("active", 1)


async def _next_change(server: Server, store_id: str, run: Any) -> list[str]:
    """Return the stores of the events until one of this store came, after something was done."""
    from tornado.httpclient import HTTPRequest
    from tornado.websocket import websocket_connect

    address = f"ws://127.0.0.1:{server.port}{BASE}api/events/subscribe"
    headers = {"Authorization": f"token {TOKEN}"}
    socket = await websocket_connect(HTTPRequest(address, headers=headers))
    await asyncio.to_thread(run)
    seen: list[str] = []
    while store_id not in seen:
        message = await asyncio.wait_for(socket.read_message(), 30)
        event = json.loads(message or "{}")
        if event.get("schema_id") == CHANGED:
            seen.append(event["store"])
    socket.close()
    while await asyncio.wait_for(socket.read_message(), 30) is not None:
        pass  # until the server has closed its end: else the socket outlives the loop
    return seen


def test_a_change_is_announced_while_somebody_watches(
    server: Server, store: tuple[str, str]
) -> None:
    path = server.root / "project" / "nbtrack.duckdb"

    def log_watched() -> None:
        assert server.post("watch", {"store": store[0], "seconds": 60})[0] == 200
        log_run(path, "watched")

    assert asyncio.run(_next_change(server, store[0], log_watched))[-1] == store[0]
    assert server.post("watch", {"store": store[0], "seconds": 0})[0] == 200


def test_the_store_of_a_kernel_is_found_wherever_it_lies(server: Server, tmp_path: Path) -> None:
    home = tmp_path / "elsewhere"
    home.mkdir()
    with kernel(home, JUPYTER_RUNTIME_DIR=str(server.runtime)) as notebook:
        assert notebook.run("run = nbtrack.start_run(run_name='far away')").error is None
        found = server.stores()[str(home / "nbtrack.duckdb")]
        assert (found["source"], found["running"]) == ("kernel", 1)
        runs = server.ask(found["id"], "store.tree", experiment_id="0")[1]["body"]["runs"]
        assert [(run["name"], run["state"]) for run in runs] == [("far away", "RUNNING")]
        assert len(list(server.runtime.glob("nbtrack-store-*.json"))) == 1
    # the kernel is gone, its run is still to be seen
    runs = server.ask(found["id"], "store.tree", experiment_id="0")[1]["body"]["runs"]
    assert [(run["state"], run["ending"]) for run in runs] == [("INTERRUPTED", "kernel died")]
    assert str(home / "nbtrack.duckdb") in server.stores()
    assert list(server.runtime.glob("nbtrack-store-*.json")) == []


def test_searching_skips_hidden_folders_environments_and_links(tmp_path: Path) -> None:
    for place in ("a/b", ".hidden", "node_modules/x", ".venv", "venv/lib", "empty.duckdb.d"):
        (tmp_path / place).mkdir(parents=True)
        (tmp_path / place / "nbtrack.duckdb").touch()
    (tmp_path / "link").symlink_to(tmp_path / "a")
    (tmp_path / "plain.duckdb").touch()  # has no folder beside it: not one of ours
    (tmp_path / "new.duckdb.d").mkdir()
    (tmp_path / "dir" / "nbtrack.duckdb").mkdir(parents=True)
    found = [path.relative_to(tmp_path).as_posix() for path in stores_below(tmp_path)]
    assert found == ["empty.duckdb", "new.duckdb", "a/b/nbtrack.duckdb"]


def test_questions_that_change_something_are_writing() -> None:
    def action(kind: str) -> str:
        return action_of_request(Asked(body=json.dumps({"type": kind}).encode()))

    kinds = ["store.tree", "run.details", "store.act", "table.edit", "table.act", "table.remember"]
    assert [action(kind) for kind in kinds] == ["read", "read", "write", "write", "write", "write"]
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)


def test_a_store_changes_with_its_journals_and_when_their_process_dies(workdir: Path) -> None:
    store = open_store(workdir / "nbtrack.duckdb")
    changes = FileWatch(store)
    assert not changes.look()
    code = """
    import nbtrack
    nbtrack.start_run()
    print("logged", flush=True)
    input()
    """
    process = start(code, cwd=workdir)
    assert process.stdout is not None
    process.stdout.readline()
    assert changes.look()
    process.kill()
    process.communicate(timeout=60)
    assert changes.look()


def test_without_a_lease_nobody_looks(workdir: Path) -> None:
    def watchers() -> list[str]:
        return [t.name for t in threading.enumerate() if t.name == "nbtrack-watch"]

    changed = threading.Event()
    store = open_store(workdir / "nbtrack.duckdb")
    subscriptions = Subscriptions(lambda store_id: changed.set())
    assert watchers() == []
    subscriptions.extend(store, 60)
    assert (subscriptions.watched, watchers()) == ([store.id], ["nbtrack-watch"])
    log_run(workdir / "nbtrack.duckdb")
    assert changed.wait(30)
    thread = subscriptions._thread
    subscriptions.extend(store, 0)
    assert thread is not None
    thread.join(30)
    assert (subscriptions.watched, watchers()) == ([], [])


def test_import_of_the_package_needs_no_server() -> None:
    code = "import sys, nbtrack, nbtrack.server.routes; print('jupyter_server' in sys.modules)"
    env = {**os.environ, "PYTHONPATH": str(SRC)}
    out = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, check=True)
    assert out.stdout.strip() == b"False"
