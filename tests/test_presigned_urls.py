"""A server whose artifacts are in S3: clients that ask send and fetch files there themselves."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from nbtrack.client import Client
from nbtrack.store import get_run, open_store
from nbtrack.store.artifacts.bucket import Bucket
from tracking_servers import TrackingServer

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install nbtrack[team]")
pytest.importorskip("moto", reason="moto is not installed")
API = "/api/2.0/mlflow-artifacts"
PART = 5 << 20  # the least that S3 takes, but for the last


@pytest.fixture
def kept(bucket: str, tmp_path: Path) -> Iterator[TrackingServer]:
    """It keeps what clients send in a bucket."""
    started = TrackingServer(tmp_path, artifacts_destination=f"{bucket}/kept").start()
    yield started
    started.stop()


def new_run(server: TrackingServer) -> tuple[str, str]:
    _, run = server.ask("POST", "runs/create", {"experiment_id": "0"})
    info = run["run"]["info"]
    return str(info["run_id"]), str(info["artifact_uri"])


def asked(server: TrackingServer, method: str, path: str, body: Any = None) -> dict[str, Any]:
    data = None if body is None else json.dumps(body).encode()
    status, text, _ = server.send(method, path, data, {"Content-Type": "application/json"})
    assert status == 200, text
    return dict(json.loads(text or b"{}"))


def recorded(server: TrackingServer, run_id: str) -> list[tuple[Any, ...]]:
    store = open_store(server.store)
    store.sync()
    with store.read() as reader:
        assert get_run(reader, run_id)
        return list(reader.named("models.run_artifacts", run_id=run_id))


def test_a_file_is_fetched_from_the_bucket_by_a_signed_url(kept: TrackingServer) -> None:
    run_id, uri = new_run(kept)
    assert uri == f"mlflow-artifacts:/0/{run_id}/artifacts"
    path = f"0/{run_id}/artifacts/a%20b.txt"
    assert kept.send("PUT", f"{API}/artifacts/{path}", b"0123456789")[0] == 200
    found = asked(kept, "GET", f"{API}/presigned/{path}")
    assert (found["file_size"], found["headers"]) == (10, {})
    with urlopen(Request(found["url"], headers={"Range": "bytes=2-4"})) as answer:
        assert answer.read() == b"234"
        assert answer.headers["Content-Disposition"].startswith("attachment;")
    assert kept.send("GET", f"{API}/presigned/0/{run_id}/artifacts/none")[0] == 404
    info = asked(kept, "GET", "/api/3.0/mlflow/server-info")
    assert info["multipart_downloads_enabled"] is info["multipart_uploads_enabled"] is True


def test_parts_go_to_the_bucket_and_the_file_is_recorded(kept: TrackingServer, bucket: str) -> None:
    run_id, _ = new_run(kept)
    top = f"0/{run_id}/artifacts/big"
    named = {"path": "/home/me/model.bin"}
    begun = asked(kept, "POST", f"{API}/mpu/create/{top}", {**named, "num_parts": 2})
    parts = []
    for part, data in zip(begun["credentials"], (b"a" * PART, b"end"), strict=True):
        request = Request(part["url"], data, {"Content-Type": "application/octet-stream"})
        request.method = "PUT"
        with urlopen(request) as answer:
            parts.append({"part_number": part["part_number"], "etag": answer.headers["ETag"]})
    done = {**named, "upload_id": begun["upload_id"], "parts": parts}
    asked(kept, "POST", f"{API}/mpu/complete/{top}", done)
    assert recorded(kept, run_id) == [("big/model.bin", PART + 3, None)]
    (stored,) = Bucket(f"{bucket}/kept").objects("kept/")
    assert (stored.key, stored.size) == (f"kept/{top}/model.bin", PART + 3)
    other = asked(kept, "POST", f"{API}/mpu/create/{top}", {**named, "num_parts": 1})
    given_up = {**named, "upload_id": other["upload_id"]}
    asked(kept, "POST", f"{API}/mpu/abort/{top}", given_up)
    assert not Bucket(bucket).call("list_multipart_uploads").get("Uploads")


def test_runs_whose_artifacts_are_in_a_bucket_have_urls_both_ways(
    bucket: str, tmp_path: Path
) -> None:
    server = TrackingServer(tmp_path, default_artifact_root=f"{bucket}/runs").start()
    run_id, uri = new_run(server)
    assert uri == f"{bucket}/runs/0/{run_id}/artifacts"
    body = {"run_id": run_id, "path": "plots/a.json"}
    urls = "/api/2.0/mlflow/artifacts/presigned"
    up = asked(server, "POST", f"{urls}-upload-url", body)
    assert up["headers"] == {"Content-Type": "application/json"}
    put = Request(up["presigned_url"], data=b"{}", headers=up["headers"], method="PUT")
    urlopen(put).close()
    down = asked(server, "POST", f"{urls}-download-url", {**body, "expiration": 60})
    assert (urlopen(down["presigned_url"]).read(), down["file_size"]) == (b"{}", 2)
    for wrong in ({"expiration": 0}, {"path": "../x"}, {"run_id": "none"}):
        status, text, _ = server.send(
            "POST", f"{urls}-download-url", json.dumps({**body, **wrong}).encode(),
            {"Content-Type": "application/json"},
        )  # fmt: skip
        assert status in (400, 404), text
    server.stop()


def test_a_server_can_keep_its_urls_to_itself(bucket: str, tmp_path: Path) -> None:
    options = {"artifacts_destination": f"{bucket}/kept", "presigned_urls": False}
    server = TrackingServer(tmp_path, **options).start()
    run_id, _ = new_run(server)
    path = f"0/{run_id}/artifacts/a.txt"
    assert server.send("PUT", f"{API}/artifacts/{path}", b"text")[0] == 200
    assert server.send("GET", f"{API}/artifacts/{path}")[1] == b"text"
    assert server.send("GET", f"{API}/presigned/{path}")[0] == 501
    body = {"path": "/x/b.bin", "num_parts": 1}
    begun = asked(server, "POST", f"{API}/mpu/create/0/{run_id}/artifacts", body)
    assert begun["credentials"][0]["url"].startswith(server.url)
    info = asked(server, "GET", "/api/3.0/mlflow/server-info")
    assert info["multipart_downloads_enabled"] is False
    assert Client(server.url).list_artifacts(run_id)[0].path == "a.txt"
    server.stop()
