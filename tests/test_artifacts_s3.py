"""Artifacts in S3: sent in parts, on again after a cut, checked when they come, listed in pages."""

from __future__ import annotations

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.entities import FileInfo
from nbtrack.errors import NotFoundError, ServerUnreachableError, StoreError
from nbtrack.store import Store, compact, open_store
from nbtrack.store.artifacts import bucket as buckets
from nbtrack.store.artifacts.bucket import PART_BYTES, SHA256, Bucket
from nbtrack.store.artifacts.folder import ArtifactFolder

pytest.importorskip("s3fs", reason="s3fs is not installed: pip install nbtrack[team]")
pytest.importorskip("moto", reason="moto is not installed")
SECRET = "made-up-secret"
SIZE = 2 * PART_BYTES + 1000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of three parts."""
    path = tmp_path_factory.mktemp("large") / "large.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was asked of the storage, in the order of the answers."""
    seen: list[str] = []
    call = Bucket.call

    def spied(self: Bucket, operation: str, **fields: Any) -> dict[str, Any]:
        found = call(self, operation, **fields)
        seen.append(operation)
        return found

    monkeypatch.setattr(Bucket, "call", spied)
    return seen


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_a_file_is_recorded_listed_read_and_removed(bucket: str, tmp_path: Path) -> None:
    seen: list[object] = []
    folder = ArtifactFolder(f"{bucket}/runs/1", lambda *entry: seen.append(entry))
    folder.put_bytes("notes/a b#.txt", b"first")
    folder.put_bytes("notes/a b#.txt", b"second")
    digest = hashlib.sha256(b"second").hexdigest()
    assert seen[-1] == ("notes/a b#.txt", 6, digest)
    assert folder.list() == [FileInfo("notes", True)]
    assert folder.list("notes") == [FileInfo("notes/a b#.txt", False, 6)]
    assert folder.list("notes/a b#.txt") == []
    with folder.open("notes/a b#.txt") as file:
        assert (file.seek(2), file.read(3), file.seek(0, 2)) == (2, b"con", 6)
    assert Path(folder.download("notes", tmp_path), "a b#.txt").read_bytes() == b"second"
    folder.delete("notes")
    assert not folder.exists("notes")
    with pytest.raises(NotFoundError, match="No such artifact"):
        folder.read_bytes("notes/a b#.txt")


def test_a_large_file_goes_in_parts_and_comes_whole(
    bucket: str, large: Path, tmp_path: Path, calls: list[str]
) -> None:
    folder = ArtifactFolder(f"{bucket}/runs/1")
    folder.put_file(large)
    assert calls.count("upload_part") == 3
    place = Path(folder.download("large.bin", tmp_path))
    assert sha256(place) == sha256(large)
    assert [path.name for path in tmp_path.iterdir()] == ["large.bin"]


def test_a_file_that_is_there_is_not_sent_again(bucket: str, large: Path, calls: list[str]) -> None:
    folder = ArtifactFolder(f"{bucket}/runs/1")
    folder.put_file(large)
    calls.clear()
    folder.put_file(large)
    assert calls == ["head_object"]


def cut(folder: ArtifactFolder, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin to send a file; the network ends before its third part."""
    call = Bucket.call

    def ending(self: Bucket, operation: str, **fields: Any) -> dict[str, Any]:
        if fields.get("PartNumber") == 3:
            raise ServerUnreachableError("cut")
        return call(self, operation, **fields)

    with monkeypatch.context() as patch:
        patch.setattr(Bucket, "call", ending)
        with pytest.raises(ServerUnreachableError):
            folder.put_file(file)
    assert not folder.exists(file.name)


def test_an_upload_that_was_cut_goes_on_with_the_parts_that_are_missing(
    bucket: str, large: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ArtifactFolder(f"{bucket}/runs/1")
    cut(folder, large, monkeypatch)
    calls.clear()
    folder.put_file(large)
    assert (calls.count("upload_part"), calls.count("create_multipart_upload")) == (1, 0)
    assert hashlib.sha256(folder.read_bytes("large.bin")).hexdigest() == sha256(large)


def test_a_cut_upload_that_somebody_has_ended_begins_anew(
    bucket: str, large: Path, calls: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = ArtifactFolder(f"{bucket}/runs/1")
    cut(folder, large, monkeypatch)
    (upload,) = Bucket(bucket).call("list_multipart_uploads")["Uploads"]
    at = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
    Bucket(bucket).call("abort_multipart_upload", **at)
    calls.clear()
    folder.put_file(large)
    assert (calls.count("upload_part"), calls.count("create_multipart_upload")) == (3, 1)
    assert hashlib.sha256(folder.read_bytes("large.bin")).hexdigest() == sha256(large)


def test_what_was_damaged_there_is_refused_and_removed_here(bucket: str, tmp_path: Path) -> None:
    folder = ArtifactFolder(f"{bucket}/run")
    folder.put_bytes("a.txt", b"sound")
    folder.put_bytes("b.txt", b"sound")
    told = hashlib.sha256(b"sound").hexdigest()
    Bucket(bucket).put("run/a.txt", b"damaged", Metadata={SHA256: told})
    with pytest.raises(StoreError) as caught:
        folder.download(None, tmp_path / "here")
    assert told in str(caught.value)
    assert hashlib.sha256(b"damaged").hexdigest() in str(caught.value)
    assert caught.value.error_code == "DATA_LOSS"
    assert [path.name for path in (tmp_path / "here").iterdir()] == ["b.txt"]


def test_what_a_run_has_recorded_is_compared_with_what_comes(workdir: Path, bucket: str) -> None:
    nbtrack.create_experiment("far", artifact_location=f"{bucket}/far")
    nbtrack.set_experiment("far")
    with nbtrack.start_run() as run:
        nbtrack.log_text("sound", "a.txt")
    place = Path(nbtrack.artifacts.download_artifacts(run_id=run.info.run_id), "a.txt")
    assert place.read_text() == "sound"
    top = run.info.artifact_uri.removeprefix(f"{bucket}/")
    Bucket(bucket).put(f"{top}/a.txt", b"replaced")  # by a program that says nothing of it
    with pytest.raises(StoreError, match=hashlib.sha256(b"sound").hexdigest()):
        nbtrack.artifacts.download_artifacts(run_id=run.info.run_id)


def test_a_folder_of_many_files_is_listed_and_removed_page_by_page(
    bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buckets, "MAX_LISTED", 3)
    monkeypatch.setattr(buckets, "MAX_REMOVED", 3)
    for number in range(10):
        (tmp_path / f"{number}.txt").write_text(str(number))
    folder = ArtifactFolder(f"{bucket}/run")
    folder.put_folder(tmp_path, "many")
    folder.put_bytes("many-others/a.txt", b"stays")
    assert [file.path for file in folder.list("many")] == [f"many/{n}.txt" for n in range(10)]
    folder.delete("many")
    assert [file.path for file in folder.walk()] == ["many-others/a.txt"]


def test_a_model_is_saved_there_and_loaded_from_there(workdir: Path, bucket: str) -> None:
    torch = pytest.importorskip("torch")
    nbtrack.create_experiment("far", artifact_location=f"{bucket}/far")
    nbtrack.set_experiment("far")
    model = torch.nn.Linear(1500, 1500)  # its weights are two parts
    with nbtrack.start_run():
        logged = nbtrack.pytorch.log_model(model, name="net")
    assert logged.artifact_path.startswith(bucket)
    found = nbtrack.pytorch.load_model(logged.model_uri)
    assert torch.equal(found.weight, model.weight)
    given = torch.ones(1, 1500)
    predicted = nbtrack.pyfunc.load_model(logged.model_uri).predict(given.numpy())
    assert torch.allclose(torch.as_tensor(predicted), model(given).detach(), atol=1e-5)


class _Denies(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.end_headers()
        self.wfile.write(b"<Error><Code>AccessDenied</Code><Message>No.</Message></Error>")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def denying() -> Iterator[str]:
    """The address of a storage that refuses everything."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Denies) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def error_of(uri: str) -> str:
    with pytest.raises(StoreError) as caught:
        ArtifactFolder(uri).list()
    assert caught.value.__suppress_context__
    assert SECRET not in str(caught.value)
    return f"{caught.value.error_code}: {caught.value}"


def test_an_error_says_what_to_do(
    bucket: str, denying: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(NotFoundError, match="There is no bucket 'nowhere' at http://127"):
        ArtifactFolder("s3://nowhere/run").put_bytes("a", b"")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://user:{SECRET}@127.0.0.1:1")
    assert error_of(bucket).startswith("TEMPORARILY_UNAVAILABLE: http://127.0.0.1:1 does not")
    monkeypatch.setenv("MLFLOW_S3_ENDPOINT_URL", denying)
    assert error_of(bucket).startswith(f"PERMISSION_DENIED: {denying} refuses {bucket}")
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE" in error_of(bucket)
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    assert "The config profile (nobody) could not be found" in error_of(bucket)


@pytest.fixture
def far_store(workdir: Path, bucket: str) -> Iterator[Store]:
    """A store that keeps its artifacts in a bucket of its own."""
    store = open_store()
    store.artifact_root = f"{bucket}/own"
    yield store
    store.close()


def run_with_a_file() -> str:
    with nbtrack.start_run() as run:
        nbtrack.log_text("text", "a.txt")
    return str(run.info.run_id)


def keys(bucket: str) -> set[str]:
    return {each.key for each in Bucket(bucket).objects("")}


def test_artifacts_of_deleted_runs_go_from_the_root_that_is_the_stores_own(
    far_store: Store, bucket: str
) -> None:
    gone, stays = run_with_a_file(), run_with_a_file()
    nbtrack.delete_run(gone)
    report = compact()
    assert (report.left, report.runs, report.artifact_bytes > 0) == ((), 1, True)
    assert {key.split("/")[2] for key in keys(bucket)} == {stays}
    nbtrack.create_experiment("other", artifact_location=f"{bucket}/shared")
    nbtrack.set_experiment("other")
    nbtrack.delete_run(other := run_with_a_file())
    assert len(compact().left) == 1
    assert any(other in key for key in keys(bucket))


def test_what_nobody_refers_to_goes_there_after_a_week(far_store: Store, bucket: str) -> None:
    run_with_a_file()
    own = keys(bucket)
    top, run, model = Bucket(bucket), "a" * 32, f"m-{'b' * 32}"
    new = {f"own/0/{run}/artifacts/x", f"own/0/models/{model}/artifacts/y", "own/plain/z"}
    for key in new:
        top.put(key, b"12345")
    top.call("create_multipart_upload", Key="own/0/large")  # moto says: begun in 2010
    top.call("create_multipart_upload", Key="others/large")
    report = compact()
    assert (report.artifact_bytes, report.uploads) == (0, 1)
    assert keys(bucket) == own | new
    report = compact(grace_s=0)
    assert keys(bucket) == own | {"own/plain/z"}
    assert report.artifact_bytes == 10
