"""Artifacts behind a server: of runs, and plain files at any other path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from nbtrack.client import Client
from nbtrack.store import open_store
from nbtrack.store.maintenance import compact
from tracking_servers import TrackingServer

PROXY = "/api/2.0/mlflow-artifacts/artifacts"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """It keeps artifacts in a folder of its own."""
    folder = tmp_path_factory.mktemp("server")
    started = TrackingServer(folder, artifacts_destination=str(folder / "kept")).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """It keeps artifacts in the folder of the store."""
    started = TrackingServer(tmp_path_factory.mktemp("plain")).start()
    yield started
    started.stop()


@pytest.fixture(scope="module")
def rooted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TrackingServer]:
    """Its clients put artifacts of runs themselves into a folder that they share."""
    folder = tmp_path_factory.mktemp("rooted")
    root = (folder / "shared").as_uri()
    started = TrackingServer(folder, default_artifact_root=root).start()
    yield started
    started.stop()


def put(server: TrackingServer, path: str, data: bytes = b"x") -> int:
    return server.send("PUT", f"{PROXY}/{path}", data)[0]


def got(server: TrackingServer, path: str) -> tuple[int, bytes]:
    return server.send("GET", f"{PROXY}/{path}")[:2]


def names(server: TrackingServer, path: str | None = None) -> list[str]:
    query = "" if path is None else "?" + urlencode({"path": path})
    status, text, _ = server.send("GET", PROXY + query)
    assert status == 200, text
    return [entry["path"] for entry in json.loads(text).get("files", [])]


def new_run(server: TrackingServer, **experiment: Any) -> dict[str, Any]:
    made = {"experiment_id": "0"}
    if experiment:
        _, made = server.ask("POST", "experiments/create", experiment)
    _, run = server.ask("POST", "runs/create", {"experiment_id": made["experiment_id"]})
    return dict(run["run"]["info"])


@pytest.mark.parametrize("which", ["server", "plain"])
def test_any_path_below_the_destination_is_a_plain_file(
    request: pytest.FixtureRequest, which: str
) -> None:
    server = request.getfixturevalue(which)
    top = (
        server.folder / "kept"
        if which == "server"
        else open_store(server.store).artifacts / "plain"
    )
    for path in ("dir/a.txt", "dir/deep/b.txt", "top.txt", "0/notes.txt", "models/x/y.bin"):
        assert put(server, path, path.encode()) == 200
        assert got(server, path) == (200, path.encode())
        assert (top / path).read_bytes() == path.encode()
    assert put(server, "dir/a.txt", b"anew") == 200
    assert got(server, "dir/a.txt") == (200, b"anew")
    assert names(server, "dir") == names(server, "dir/") == ["a.txt", "deep"]
    assert {"dir", "top.txt", "models"} <= set(names(server)) == set(names(server, ""))
    assert ".nbtrack-uploads" not in names(server)
    assert names(server, "dir/a.txt") == names(server, "nothing") == []
    assert got(server, "dir")[0] == 400
    assert got(server, "none.txt")[0] == 404
    assert put(server, "top.txt/below") == put(server, "dir") == put(server, "dir/new/") == 400
    assert server.send("DELETE", f"{PROXY}/dir")[0] == 200
    assert server.send("DELETE", f"{PROXY}/dir")[0] == 200
    assert names(server, "dir") == []


@pytest.mark.parametrize(
    "path",
    [
        "../x", "a/../../x", "..", "%2e%2e/x", "%252e%252e/x", "..%2fx", "..%5cx",
        "%2fetc%2fpasswd",
        "C:%5cx", "C:/x", "file:%2f%2f%2fetc", ".nbtrack-uploads/x", "kept/../../x",
    ],
)  # fmt: skip
def test_what_leaves_the_destination_is_no_path(server: TrackingServer, path: str) -> None:
    for method in ("PUT", "GET", "DELETE"):
        status, text, _ = server.send(method, f"{PROXY}/{path}", b"x" if method == "PUT" else None)
        answer = json.loads(text)
        assert (status, answer["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert answer["message"] == "Invalid path"


def test_the_destination_as_a_whole_is_not_deleted(server: TrackingServer) -> None:
    assert put(server, "stays.txt") == 200
    for path in ("", "/", "//", ".", "%2f", "./"):
        assert server.send("DELETE", f"{PROXY}/{path}")[0] in (400, 404)
    assert got(server, "stays.txt")[0] == 200


def test_a_destination_around_the_store_does_not_serve_the_store(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path, artifacts_destination=str(tmp_path)).start()
    try:
        new_run(server, name="a")
        for path in ("served.duckdb", "served.duckdb.d/journal/x", "served.duckdb.wal"):
            assert put(server, path) == got(server, path)[0] == 400
        assert put(server, "other.txt") == 200
    finally:
        server.stop()


@pytest.mark.parametrize("which", ["server", "plain"])
def test_an_experiment_may_have_a_prefix(request: pytest.FixtureRequest, which: str) -> None:
    server = request.getfixturevalue(which)
    info = new_run(server, name="prefixed", artifact_location="mlflow-artifacts:/some/prefix")
    run_id, top = info["run_id"], f"some/prefix/{info['run_id']}/artifacts"
    assert info["artifact_uri"] == f"mlflow-artifacts:/{top}"
    _, found = server.ask("GET", f"experiments/get?experiment_id={info['experiment_id']}")
    assert found["experiment"]["artifact_location"] == "mlflow-artifacts:/some/prefix"
    assert put(server, f"{top}/a/b.txt", b"hello") == 200
    assert got(server, f"{top}/a/b.txt") == (200, b"hello")
    assert names(server, f"{top}/a") == ["b.txt"]
    assert names(server, "some/prefix") == [run_id]
    assert server.send("GET", f"/get-artifact?run_id={run_id}&path=a/b.txt")[1] == b"hello"
    _, listed = server.ask("GET", f"artifacts/list?run_id={run_id}")
    assert listed["files"] == [{"path": "a", "is_dir": True}]
    with open_store(server.store).read() as reader:
        sql = "SELECT path, size FROM artifacts WHERE run_id = $run"
        assert reader.rows(sql, run=run_id) == [("a/b.txt", 5)]  # it is recorded as the run's


def test_a_model_in_an_experiment_with_a_prefix(server: TrackingServer) -> None:
    info = new_run(server, name="models", artifact_location="mlflow-artifacts:/of/models")
    body = {"experiment_id": info["experiment_id"], "name": "net"}
    _, made = server.ask("POST", "logged-models", body)
    model = made["model"]["info"]
    assert (
        model["artifact_uri"] == f"mlflow-artifacts:/of/models/models/{model['model_id']}/artifacts"
    )
    path = model["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert put(server, f"{path}/MLmodel", b"flavors: {}") == 200
    _, listed = server.ask("GET", f"logged-models/{model['model_id']}/artifacts/directories")
    assert [file["path"] for file in listed["files"]] == ["MLmodel"]


def test_plain_files_stay_when_a_store_is_tidied_up(tmp_path: Path) -> None:
    server = TrackingServer(tmp_path).start()
    try:
        info = new_run(server, name="e", artifact_location="mlflow-artifacts:/p")
        for path in ("dir/sub/a.txt", f"p/{info['run_id']}/artifacts/b.txt", "models/x/c.txt"):
            assert put(server, path) == 200
    finally:
        server.stop()
    compact(server.store)
    top = open_store(server.store).artifacts / "plain"
    assert sum(place.is_file() for place in top.rglob("*")) == 3
    client = Client(server.store)
    assert [file.path for file in client.list_artifacts(info["run_id"])] == ["b.txt"]


def test_a_shared_root_is_served_too(rooted: TrackingServer) -> None:
    info = new_run(rooted)
    run_id = info["run_id"]
    place = rooted.folder / "shared" / "0" / run_id / "artifacts"
    assert info["artifact_uri"] == place.as_uri()
    (place / "d").mkdir(parents=True)
    (place / "d" / "a.txt").write_text("put there by the client")
    read = rooted.send("GET", f"/get-artifact?run_id={run_id}&path=d/a.txt")
    assert read[:2] == (200, b"put there by the client")
    upload = f"/ajax-api/2.0/mlflow/upload-artifact?run_uuid={run_id}&path=up.txt"
    assert rooted.send("POST", upload, b"sent")[0] == 200
    assert (place / "up.txt").read_bytes() == b"sent"
    _, listed = rooted.ask("GET", f"artifacts/list?run_id={run_id}")
    assert [file["path"] for file in listed["files"]] == ["d", "up.txt"]
    assert listed["root_uri"] == info["artifact_uri"]
    _, made = rooted.ask("POST", "logged-models", {"experiment_id": "0", "name": "net"})
    model = made["model"]["info"]
    folder = rooted.folder / "shared" / "0" / "models" / model["model_id"] / "artifacts"
    assert model["artifact_uri"] == folder.as_uri()
    folder.mkdir(parents=True)
    (folder / "MLmodel").write_text("flavors: {}")
    _, listed = rooted.ask("GET", f"logged-models/{model['model_id']}/artifacts/directories")
    assert [file["path"] for file in listed["files"]] == ["MLmodel"]
    files = f"/ajax-api/2.0/mlflow/logged-models/{model['model_id']}/artifacts/files"
    assert rooted.send("GET", f"{files}?artifact_file_path=MLmodel")[1] == b"flavors: {}"
    assert put(rooted, "beside/it.txt") == 200  # the proxy is there, too


@pytest.mark.parametrize(
    ("name", "header"),
    [
        ("a-1_x.tar.gz", "attachment; filename=a-1_x.tar.gz"),
        ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        ("ü.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%C3%BC.txt"),
    ],
)
def test_a_file_is_saved_under_its_name(server: TrackingServer, name: str, header: str) -> None:
    path = f"named/{quote(name)}"
    assert put(server, path) == 200
    assert server.send("GET", f"{PROXY}/{path}")[2]["content-disposition"] == header


def test_models_are_registered_from_below_a_shared_root(rooted: TrackingServer) -> None:
    info = new_run(rooted)
    place = rooted.folder / "shared" / "0" / info["run_id"] / "artifacts"
    (place / "net").mkdir(parents=True)
    (place / "net" / "MLmodel").write_text("flavors: {}")
    rooted.ask("POST", "registered-models/create", {"name": "net"})
    for source in (f"{info['artifact_uri']}/net", str(place / "net"), f"{place}/later"):
        body = {"name": "net", "source": source, "run_id": info["run_id"]}
        status, made = rooted.ask("POST", "model-versions/create", body)
        assert status == 200, made
        version = made["model_version"]["version"]
        query = f"name=net&version={version}"
        _, found = rooted.ask("GET", f"model-versions/get-download-uri?{query}")
        assert found["artifact_uri"].removeprefix("file://") == source.removeprefix("file://")
    read = rooted.send("GET", "/model-versions/get-artifact?name=net&version=1&path=MLmodel")
    assert read[:2] == (200, b"flavors: {}")
    for source in ("/etc", (rooted.folder / "served.duckdb.d").as_uri(), f"{place}/../../../../x"):
        body = {"name": "net", "source": source, "run_id": info["run_id"]}
        assert rooted.ask("POST", "model-versions/create", body)[0] == 400
