"""What a store's rows say of where artifacts are is data: what may be used is decided once."""

from __future__ import annotations

import os
import random
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

import nbtrack
from nbtrack.config import StoreLocation
from nbtrack.errors import InvalidParameterError, NbtrackError, UntrustedError
from nbtrack.rpc import respond
from nbtrack.server.catalog import Catalog
from nbtrack.server.messages import Request
from nbtrack.server.mlflow import experiments as protocol
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.server.routes import artifact
from nbtrack.store import compact, open_store
from nbtrack.store.artifacts.access import ArtifactAccess, is_below
from nbtrack.store.artifacts.paths import resolve_location
from nbtrack.store.store import Store

SRC = Path(__file__).parents[1] / "src"
SECRET = "the private key"
_opened: list[str] = []
_watching = threading.Event()


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "open" and _watching.is_set():
        _opened.append(str(arguments[0]))


@pytest.fixture(scope="module", autouse=True)
def _audit() -> None:
    sys.addaudithook(_hook)  # stays, and does nothing while nobody watches


@contextmanager
def watched() -> Iterator[list[str]]:
    """Give the paths of files that are opened meanwhile."""
    _opened.clear()
    _watching.set()
    try:
        yield _opened
    finally:
        _watching.clear()


@pytest.fixture
def secret(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder outside of every store."""
    folder = tmp_path_factory.mktemp("outside")
    for name in ("id_rsa", "environment.json", "MLmodel"):
        (folder / name).write_text(SECRET)
    (folder / "source").mkdir()
    (folder / "source" / "cell.py").write_text(SECRET)
    return folder


@pytest.fixture
def web() -> Iterator[tuple[str, list[str]]]:
    """A server of the machine's own network, and what it was asked for."""
    asked: list[str] = []

    class Answering(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(SECRET.encode())

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", asked
    server.shutdown()
    server.server_close()
    thread.join()


def a_run(location: str | None = None) -> str:
    """Log a run, and let its row say that its artifacts are at a location."""
    with nbtrack.start_run() as run:
        nbtrack.log_metric("x", 1.0)
        nbtrack.log_text("mine", "a.txt")
    if location is not None:
        point(run.info.run_id, location)
    return str(run.info.run_id)


def point(run_id: str, location: str) -> None:
    with open_store(None).write() as reader:
        reader.rows("UPDATE runs SET artifact_uri = $uri WHERE run_id = $run", uri=location,
                    run=run_id)  # fmt: skip


def served(workdir: Path, roots: tuple[str, ...] = ()) -> Store:
    """The same store as a server has it."""
    return Catalog(workdir, artifact_roots=roots).find(open_store(None).id)


def everything(store: Store, run_id: str) -> Iterator[str]:
    """Look at a run in all ways that read its files."""
    questions = [
        {"type": "run.details"}, {"type": "run.artifacts"}, {"type": "run.source"},
        {"type": "run.preview", "path": "id_rsa"},
    ]  # fmt: skip
    for question in questions:
        try:
            yield str(respond(store, {**question, "run_id": run_id}))
        except NbtrackError as error:
            yield str(error)
    try:
        sent = artifact(store, Request(query={"run_id": run_id, "path": "id_rsa"}, body=b""))
        yield str(sent.file.read())
    except NbtrackError as error:
        yield str(error)


FOREIGN = [
    "{secret}", "file://{secret}", "local://{secret}", "FILE:{secret}", "file://elsewhere{secret}",
    "artifacts/../..{secret}", "artifacts/0/../../../../..{secret}", "artifacts/link",
    "simplecache::file://{secret}", "dir::file://{secret}", "filecache::local://{secret}",
    "zip://*::file://{secret}/a.zip", "reference::file://{secret}/MLmodel", "memory://x",
    "reference://?fo={secret}/MLmodel", "{web}", "{web}/x", "simplecache::{web}/x",
    "{web}/api/2.0/mlflow-artifacts/artifacts/0/x", "github://org:repo@main/x", "ftp://127.0.0.1/x",
]  # fmt: skip


def test_no_foreign_place_is_opened(
    tmp_path: Path, secret: Path, web: tuple[str, list[str]]
) -> None:
    folder = tmp_path / "x.duckdb.d"
    (folder / "artifacts").mkdir(parents=True)
    (folder / "artifacts" / "link").symlink_to(secret)
    own = ArtifactAccess(folder)
    server = ArtifactAccess(folder, ["s3://bucket", "gs://"], serves=True)
    for form in FOREIGN:
        location = resolve_location(folder, form.format(secret=secret, web=web[0]))
        with watched() as opened:
            for access in (own, server):
                found = access.folder(location)
                for use in (found.list, found.download, lambda f=found: f.read_bytes("id_rsa"),
                            lambda f=found: f.put_bytes("x", b"")):  # fmt: skip
                    with pytest.raises(UntrustedError):
                        use()
        assert not [path for path in opened if path.startswith(str(secret))], form
    assert web[1] == []


def test_a_look_at_a_strangers_run_reads_nothing_elsewhere(
    workdir: Path, secret: Path, web: tuple[str, list[str]]
) -> None:
    run_id = a_run()
    (workdir / "nbtrack.duckdb.d" / "artifacts" / "link").symlink_to(secret)
    stores = (open_store(None), served(workdir, ("s3://bucket",)))
    for form in ("{secret}", "artifacts/link", "reference::file://{secret}/MLmodel", "{web}"):
        point(run_id, form.format(secret=secret, web=web[0]))
        for store in stores:
            with watched() as opened:
                for text in everything(store, run_id):
                    assert SECRET not in text, form
            assert not [path for path in opened if path.startswith(str(secret))], form
    with pytest.raises(UntrustedError):
        nbtrack.artifacts.download_artifacts(run_id=run_id, artifact_path="id_rsa")
    assert web[1] == []


def test_the_error_says_how_to_allow_a_place_once(workdir: Path, secret: Path) -> None:
    run_id = a_run(str(secret))
    with pytest.raises(UntrustedError, match=r"nbtrack\.artifacts\.allow\(") as caught:
        nbtrack.artifacts.load_text(f"runs:/{run_id}/id_rsa")
    assert str(secret) in str(caught.value)
    nbtrack.artifacts.allow(secret)
    assert nbtrack.artifacts.load_text(f"runs:/{run_id}/id_rsa") == SECRET


def test_the_environment_allows_places_too(
    workdir: Path, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = a_run(f"file://{secret}")
    monkeypatch.setenv("NBTRACK_ARTIFACT_ROOTS", f"s3://bucket, {secret.parent}")
    assert nbtrack.artifacts.load_text(f"runs:/{run_id}/id_rsa") == SECRET
    assert any(SECRET in text for text in everything(served(workdir), run_id))


def test_what_one_notebook_has_chosen_the_next_reads_and_a_copied_store_does_not(
    workdir: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    place = tmp_path_factory.mktemp("nas")
    nbtrack.set_experiment(experiment_id=nbtrack.create_experiment("far", str(place)))
    run_id = a_run()
    store = open_store(None)
    location = nbtrack.get_run(run_id).info.artifact_uri
    assert location.startswith(str(place))
    assert ArtifactAccess(store.folder).allows(location)
    assert any("mine" in text for text in [Path(location, "a.txt").read_text()])
    assert not ArtifactAccess(workdir / "copy.duckdb.d").allows(location)
    for chained in (f"simplecache::file://{place}", f"simplecache::{location}"):
        assert not ArtifactAccess(store.folder).allows(chained)


def test_a_chained_address_is_used_only_in_the_process_that_was_given_it(workdir: Path) -> None:
    chained = "simplecache::memory://bucket/x"
    access = open_store(None).access
    access.choose(chained)
    assert access.allows(f"{chained}/0/run")
    assert not access.allows(f"{chained}/../y")
    assert not ArtifactAccess(open_store(None).folder).allows(chained)
    assert not ArtifactAccess(open_store(None).folder, [chained], serves=True).allows(chained)
    with pytest.raises(InvalidParameterError, match="NBTRACK_ARTIFACT_ROOTS"):
        nbtrack.artifacts.allow(chained)


def test_a_server_takes_the_places_that_its_operator_allowed(workdir: Path, secret: Path) -> None:
    a_run()
    store = Store(StoreLocation(open_store(None).path, ""))
    server = TrackingService.of(store, roots=["s3://bucket/runs", "gs://", str(secret)])

    def create(location: str) -> bool:
        values = {"name": location[-80:], "artifact_location": location, "tags": []}
        try:
            protocol.create(server, ParsedRequest(values))
        except (UntrustedError, InvalidParameterError):
            return False
        return True

    assert all(map(create, ("s3://bucket/runs/a", "gs://any/x", str(secret / "x"))))
    for location in ("s3://bucket/other", "s3://bucket/runsaway", "/etc", "file:///etc", "s3://",
                     "http://127.0.0.1/", "memory://x", "gs::s3://bucket/runs"):  # fmt: skip
        assert not create(location), location
    with store.read() as reader:
        assert len(reader.rows("SELECT * FROM experiments")) == 4


@pytest.mark.parametrize("source", ["{web}/model", "simplecache::{web}/m", "{secret}", "s3://b/m"])
def test_a_version_of_a_strangers_place_is_refused_before_it_is_looked_at(
    workdir: Path, secret: Path, web: tuple[str, list[str]], source: str
) -> None:
    a_run()
    server = TrackingService.of(Store(StoreLocation(open_store(None).path, "")))
    with watched() as opened, pytest.raises((UntrustedError, InvalidParameterError)):
        server.proxy.inner(source.format(web=web[0], secret=secret))
    assert not [path for path in opened if path.startswith(str(secret))]
    assert web[1] == []


def test_a_tracking_server_does_not_send_its_clients_to_their_own_files(tmp_path: Path) -> None:
    access = ArtifactAccess(tmp_path / "mirror.d", server="http://tracking:5000")
    proxy = "http://tracking:5000/api/2.0/mlflow-artifacts/artifacts"
    for location in (f"{proxy}/0/run/artifacts", "s3://bucket/x", "abfss://c@account.dfs/x"):
        assert access.allows(location), location
    for location in ("/etc", "file:///etc", "local:///etc", "~/.ssh", f"{proxy}/../../x",
                     f"{proxy}/%2e%2e/x", "http://tracking:5000/x", "http://tracking:5001/x",
                     proxy.replace("tracking", "169.254.169.254"), f"simplecache::{proxy}",
                     proxy.replace("tracking", "user@tracking"), "s3://b/../x"):  # fmt: skip
        assert not access.allows(location), location


def test_no_way_of_writing_a_place_leaves_its_root(tmp_path: Path) -> None:
    made = random.Random(8)
    root = "https://host:8443/data/runs"
    parts = ["..", ".", "%2e%2e", "%2E.", "a", "runs", "%2f..", "..%5c", "\\..", "?x", "#y",
             "@evil", "//evil", "host", ":80", "::", "%00", "\n", "", "data", ";", "é"]  # fmt: skip
    heads = [root, root, "https://host:8443/data", "https://host", "HTTPS://HOST:8443",
             "https://host:8443", "https:", "http://host:8443/data/runs"]  # fmt: skip
    inside = 0
    for _ in range(3000):
        joint = made.choice(["/", "/", ""])
        location = made.choice(heads) + joint + joint.join(made.choices(parts, k=made.randrange(5)))
        if not is_below(location, root):
            continue
        inside += 1
        scheme, _, rest = unquote(location).partition("://")
        assert scheme.lower() == "https"
        assert os.path.normpath(rest.lower()).startswith("host:8443/data/runs"), location
        assert not re.search(r"[\\?#\x00-\x1f]|::", unquote(location)), location
    assert inside > 100


def test_what_goes_for_good_is_removed_below_the_stores_own_folder_only(
    workdir: Path, secret: Path
) -> None:
    own = open_store(None).artifacts
    kept = a_run()
    gone = {a_run(form.format(secret=secret)) for form in FOREIGN[:6]}
    gone |= {a_run(str(own)), a_run(str(own / "0")), a_run(f"artifacts/0/{kept}"), a_run()}
    (own / "7").symlink_to(secret)  # a folder of an experiment that is none
    (own / ".content" / "ab").symlink_to(secret)
    (secret / "models" / "m-1").mkdir(parents=True)
    for run_id in gone:
        nbtrack.delete_run(run_id)
    report = compact()
    assert report.runs == len(gone)
    assert len(report.left) == 6
    assert sum(str(secret) in place for place in report.left) == 6
    assert sorted(p.name for p in secret.iterdir()) == [
        "MLmodel", "environment.json", "id_rsa", "models", "source"
    ]  # fmt: skip
    assert (secret / "models" / "m-1").is_dir()
    assert nbtrack.artifacts.load_text(f"runs:/{kept}/a.txt") == "mine"
    assert {p.name for p in (own / "0").iterdir()} == {kept}


def test_a_folder_of_experiments_among_the_artifacts_is_no_orphan(workdir: Path) -> None:
    place = open_store(None).artifacts / "team" / "ann"
    nbtrack.set_experiment(experiment_id=nbtrack.create_experiment("ann", str(place)))
    kept, gone = a_run(), a_run()
    nbtrack.delete_run(gone)
    assert compact().left == ()
    assert nbtrack.artifacts.load_text(f"runs:/{kept}/a.txt") == "mine"


def test_a_new_model_does_not_clear_the_folder_that_a_row_names(
    workdir: Path, secret: Path
) -> None:
    from nbtrack.tracking import logged_models

    experiment_id = nbtrack.create_experiment("x")
    with open_store(None).write() as reader:
        reader.rows("UPDATE experiments SET artifact_location = $l WHERE experiment_id = $e",
                    l=str(secret), e=experiment_id)  # fmt: skip
    with pytest.raises(UntrustedError):
        logged_models.start(open_store(None), "net", experiment_id=experiment_id)
    assert (secret / "id_rsa").read_text() == SECRET


def test_artifacts_of_rows_are_opened_at_one_place() -> None:
    """``ArtifactFolder(...)`` believes what it is given: only what users name may be."""
    may = {
        "store/artifacts/folder.py",  # folder_and_path: what a user names
        "store/artifacts/access.py",
        "store/artifacts/orphans.py",  # a root that is the store's own
        "models/flavors/torch/state_dicts.py",  # what a user names
        "compat/functions.py",  # likewise
        "interop/artifact_export.py", "interop/files.py", "interop/importer.py",
        "interop/mlflow_files.py", "interop/store_copy_files.py",
    }  # fmt: skip
    files = {path.relative_to(SRC / "nbtrack").as_posix(): path.read_text("utf-8")
             for path in SRC.rglob("*.py")}  # fmt: skip
    assert {name for name, text in files.items() if re.search(r"\bArtifactFolder\(\S", text)} == may


def test_an_allowed_web_server_does_not_lead_to_another(
    tmp_path: Path, web: tuple[str, list[str]]
) -> None:
    pytest.importorskip("aiohttp", reason="fsspec reads the web with it")
    here, asked = web

    class Leading(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(302)
            self.send_header("Location", f"{here}/inside")
            self.end_headers()

        do_HEAD = do_GET  # noqa: N815

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Leading)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        root = f"http://127.0.0.1:{server.server_port}"
        access = ArtifactAccess(tmp_path / "x.duckdb.d", [root, here], serves=True)
        with pytest.raises(NbtrackError):
            access.folder(f"{root}/runs").read_bytes("id_rsa")
        assert asked == []
        assert access.folder(f"{here}/runs").read_bytes("id_rsa") == SECRET.encode()
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
