"""Artifacts: whole files, shared content, and paths that stay in their folder."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import nbtrack
from nbtrack.entities import FileInfo
from nbtrack.errors import (
    DiskFullError,
    InvalidParameterError,
    MissingDependencyError,
    NbtrackWarning,
    NotFoundError,
    StoreLockedError,
)
from nbtrack.store.artifacts.content import sweep_artifacts
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.store.artifacts.paths import check_artifact_path


def folder_of(base: Path, run: str = "run", record: Any = None) -> ArtifactFolder:
    artifacts = base / "artifacts"
    return ArtifactFolder(str(artifacts / run), record, cache=artifacts / ".content")


def names(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def contents(base: Path) -> list[str]:
    return names(base / "artifacts" / ".content")


def test_a_file_keeps_its_name_and_is_recorded_once_it_is_there(tmp_path: Path) -> None:
    seen: list[object] = []
    folder = folder_of(
        tmp_path, record=lambda *entry: seen.append((*entry, folder.exists(entry[0])))
    )
    (tmp_path / "a.bin").write_bytes(b"abc")
    folder.put_file(tmp_path / "a.bin", "data/raw")
    digest = hashlib.sha256(b"abc").hexdigest()
    assert seen == [("data/raw/a.bin", 3, digest, True)]
    assert folder.read_bytes("data/raw/a.bin") == b"abc"


def test_a_folder_is_stored_with_all_in_it(tmp_path: Path) -> None:
    source = tmp_path / "out"
    (source / "deep").mkdir(parents=True)
    (source / "x.txt").write_text("x")
    (source / "deep" / "y.txt").write_text("y")
    folder = folder_of(tmp_path)
    folder.put_folder(source)
    folder.put_file(source, "copy")
    assert [entry.path for entry in folder.walk()] == [
        "copy/out/deep/y.txt",
        "copy/out/x.txt",
        "deep/y.txt",
        "x.txt",
    ]


def test_listing_is_sorted_and_a_file_lists_nothing(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    assert folder.list() == []
    folder.put_bytes("b.txt", b"12")
    folder.put_bytes("a/c.txt", b"")
    assert folder.list() == [FileInfo("a", True), FileInfo("b.txt", False, 2)]
    assert folder.list("a") == [FileInfo("a/c.txt", False, 0)]
    assert folder.list("b.txt") == folder.list("nothing") == []


def test_equal_content_is_stored_once_and_an_edit_does_not_spread(tmp_path: Path) -> None:
    one, two = folder_of(tmp_path, "1"), folder_of(tmp_path, "2")
    one.put_bytes("w.bin", b"weights")
    two.put_bytes("v.bin", b"weights")
    first, second = Path(one.download("w.bin")), Path(two.download("v.bin"))
    assert first.samefile(second)
    assert not first.stat().st_mode & 0o222
    one.put_bytes("w.bin", b"changed")
    assert second.read_bytes() == b"weights"
    assert first.read_bytes() == b"changed"


def test_content_that_was_changed_behind_our_back_is_not_shared(tmp_path: Path) -> None:
    one, two, three = (folder_of(tmp_path, run) for run in "123")
    one.put_bytes("w", b"weights")
    spoilt = Path(one.download("w"))
    spoilt.chmod(0o644)
    spoilt.write_bytes(b"spoiled")
    two.put_bytes("w", b"weights")
    three.put_bytes("w", b"weights")
    assert two.read_bytes("w") == three.read_bytes("w") == b"weights"
    assert Path(two.download("w")).samefile(three.download("w"))


def test_overwriting_again_and_again_leaves_no_old_content(tmp_path: Path) -> None:
    for number in range(20):
        folder = folder_of(tmp_path)
        folder.put_bytes("last.pt", b"%d" % number)
        folder.put_bytes("last.pt", b"again %d" % number)
    assert contents(tmp_path) == [
        f"{hashlib.sha256(b'again 19').hexdigest()[:2]}/{hashlib.sha256(b'again 19').hexdigest()}"
    ]


def test_deleting_gives_the_space_back_unless_another_run_shares_it(tmp_path: Path) -> None:
    one, two = folder_of(tmp_path, "1"), folder_of(tmp_path, "2")
    one.put_bytes("a/shared", b"both")
    one.put_bytes("a/own", b"mine")
    two.put_bytes("shared", b"both")
    one.delete("a")
    assert one.list() == []
    assert len(contents(tmp_path)) == 1
    assert two.read_bytes("shared") == b"both"
    with pytest.raises(NotFoundError, match="'a'"):
        one.delete("a")


def test_sweep_removes_what_dead_processes_and_deleted_runs_left(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.put_bytes("kept", b"kept")
    folder.put_bytes("gone", b"12345")
    part = tmp_path / "artifacts" / "run" / (".nbtrack-" + "0" * 16 + ".part")
    part.write_bytes(b"123")
    os.utime(part, (1, 1))
    (tmp_path / "artifacts" / "run" / "gone").unlink()
    assert [entry.path for entry in folder.list()] == ["kept"]
    assert sweep_artifacts(tmp_path / "artifacts") == 8
    assert not part.exists()
    assert len(contents(tmp_path)) == 1


def test_a_stream_that_breaks_leaves_nothing(tmp_path: Path) -> None:
    class Breaking(io.RawIOBase):
        calls = 0

        def read(self, size: int = -1) -> bytes:
            self.calls += 1
            if self.calls > 2:
                raise RuntimeError("cable pulled")
            return b"x" * 1000

    folder = folder_of(tmp_path)
    with pytest.raises(RuntimeError, match="cable"):
        folder.put_stream("a.bin", Breaking())  # type: ignore[arg-type]
    assert names(tmp_path) == []


def test_a_text_stream_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidParameterError, match="binary"):
        folder_of(tmp_path).put_stream("a.txt", io.StringIO("text"))  # type: ignore[arg-type]
    assert names(tmp_path) == []


def test_a_stream_is_stored_in_constant_memory(tmp_path: Path) -> None:
    code = f"""if True:
        import resource, subprocess
        from nbtrack.store.artifacts.folder import ArtifactFolder
        folder = ArtifactFolder({str(tmp_path)!r})
        folder.put_bytes("warm", b"x" * 1000)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        zeros = subprocess.Popen(["head", "-c", "100000000", "/dev/zero"], stdout=subprocess.PIPE)
        folder.put_stream("zeros", zeros.stdout)
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)"""
    if sys.platform != "linux":
        pytest.skip("reads /dev/zero and counts memory in KiB")
    environment = os.environ | {"PYTHONPATH": str(Path(nbtrack.__file__).parents[1])}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    assert float(done.stdout) < 30
    assert (tmp_path / "zeros").stat().st_size == 100_000_000


def test_many_threads_write_the_same_content_and_the_same_name(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)

    def work(number: int) -> None:
        for round_ in range(20):
            folder.put_bytes(f"{number}.bin", b"equal")
            folder.put_bytes("same.bin", b"round %d" % round_)

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [entry.path for entry in folder.list()] == [*(f"{n}.bin" for n in range(4)), "same.bin"]
    assert folder.read_bytes("same.bin").startswith(b"round ")
    assert all(folder.read_bytes(f"{n}.bin") == b"equal" for n in range(4))


def test_a_change_that_never_ends_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("nbtrack.store.artifacts.folder.LOCK_TIMEOUT", 0.05)
    folder = folder_of(tmp_path)
    with folder.exclusive(), pytest.raises(StoreLockedError, match="Try again"):
        folder.exclusive().__enter__()
    with folder.exclusive():
        folder.put_bytes("a", b"")


def test_what_cannot_be_logged_is_said(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with pytest.raises(NotFoundError, match="does not exist"):
        folder.put_file(tmp_path / "missing.txt")
    with pytest.raises(NotFoundError, match="there is none"):
        folder.put_folder(tmp_path / "missing")
    folder.put_bytes("a/b", b"")
    with pytest.raises(InvalidParameterError, match="folder"):
        folder.put_bytes("a", b"")
    with pytest.raises(InvalidParameterError, match="cannot have this name"):
        folder.put_bytes("a/b/c", b"")
    with pytest.raises(InvalidParameterError, match="cannot have this name"):
        folder.put_bytes("x" * 300, b"")
    with pytest.raises(NotFoundError, match="No such artifact"):
        folder.read_bytes("nothing")


def test_the_store_itself_is_never_an_artifact(tmp_path: Path) -> None:
    (tmp_path / "nbtrack.duckdb").write_bytes(b"database")
    (tmp_path / "nbtrack.duckdb.d" / "journal").mkdir(parents=True)
    (tmp_path / "train.py").write_text("pass")
    folder = folder_of(tmp_path / "nbtrack.duckdb.d")
    with pytest.warns(NbtrackWarning, match=r"nbtrack\.duckdb"):
        folder.put_folder(tmp_path)
    assert [entry.path for entry in folder.walk()] == ["train.py"]
    with pytest.raises(InvalidParameterError, match="the store itself"):
        folder.put_file(tmp_path / "nbtrack.duckdb")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
def test_pipes_are_left_out_and_links_in_a_circle_end(tmp_path: Path) -> None:
    source = tmp_path / "out"
    source.mkdir()
    (source / "a.txt").write_text("a")
    os.mkfifo(source / "pipe")
    (source / "circle").symlink_to(source)
    folder = folder_of(tmp_path)
    with pytest.warns(NbtrackWarning, match="pipe"):
        folder.put_folder(source)
    assert [entry.path for entry in folder.walk()] == ["a.txt"]


def test_a_symlink_in_the_folder_cannot_lead_out(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.put_bytes("a.txt", b"a")
    root = tmp_path / "artifacts" / "run"
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key").write_text("key")
    (root / "out").symlink_to(secret)
    (root / "key").symlink_to(secret / "key")
    assert [entry.path for entry in folder.list()] == ["a.txt"]
    for path in ("out/key", "key"):
        with pytest.raises(InvalidParameterError, match="symbolic link"):
            folder.read_bytes(path)
    with pytest.raises(InvalidParameterError, match="symbolic link"):
        folder.put_bytes("out/new", b"")


LEAVING = ["", ".", "..", "../x", "a/../../x", "a/../b", "a/..", "/etc/passwd", "//host/x", "C:/x"]
UNCLEAR = ["a//b", "a/", "./a", "C:x", "a\\b", "..\\x", "a\0b", "\ud800"]


@pytest.mark.parametrize("path", LEAVING + UNCLEAR)
def test_a_path_that_means_another_place_is_refused(path: str, tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    with pytest.raises(InvalidParameterError, match="Invalid artifact path"):
        folder.put_bytes(path, b"x")
    with pytest.raises(InvalidParameterError, match="Invalid artifact path"):
        folder.read_bytes(path)
    assert names(tmp_path) == []


def test_the_refusal_speaks_as_mlflow_does() -> None:
    with pytest.raises(InvalidParameterError, match="must not resolve to other names when treated"):
        check_artifact_path("a/../b")


PARTS = st.sampled_from(
    ["a", "b.txt", "..", ".", "", "/", "\\", "C:", "\0", "~", "%2e%2e", "...", " "]
)


@given(st.one_of(st.text(max_size=30), st.lists(PARTS, max_size=6).map("/".join)))
def test_no_accepted_path_ever_leaves_the_folder(text: str) -> None:
    try:
        path = check_artifact_path(text)
    except InvalidParameterError:
        return
    root = os.path.abspath("/runs/artifacts")
    place = os.path.normpath(Path(root, *path.split("/")))
    assert place.startswith(root + os.sep)
    assert os.path.relpath(place, root).replace(os.sep, "/") == path == text


@given(st.lists(st.text(st.characters(categories=["L", "N"]), min_size=1), min_size=1, max_size=4))
def test_plain_names_are_always_accepted(parts: list[str]) -> None:
    assert check_artifact_path("/".join(parts)) == "/".join(parts)


def test_download_copies_only_when_asked(tmp_path: Path) -> None:
    folder = folder_of(tmp_path)
    folder.put_bytes("m/a.txt", b"a")
    folder.put_bytes("m/d/b.txt", b"b")
    assert folder.download("m/a.txt") == str(tmp_path / "artifacts" / "run" / "m" / "a.txt")
    copy = tmp_path / "copy"
    assert folder.download("m", copy) == str(copy / "m")
    assert names(copy) == ["m/a.txt", "m/d/b.txt"]
    (copy / "m" / "a.txt").write_bytes(b"mine now")
    assert folder.read_bytes("m/a.txt") == b"a"
    with pytest.raises(NotFoundError, match="No such artifact: 'x'"):
        folder.download("x")


def test_file_uris_name_local_folders(tmp_path: Path) -> None:
    folder = ArtifactFolder((tmp_path / "with space").as_uri())
    folder.put_bytes("a", b"1")
    assert names(tmp_path) == ["with space/a"]
    assert folder.uri_of("a") == (tmp_path / "with space" / "a").as_uri()
    with pytest.raises(InvalidParameterError, match="another machine"):
        ArtifactFolder("file://elsewhere/x")


def test_remote_artifacts_behave_like_local_ones(tmp_path: Path) -> None:
    pytest.importorskip("fsspec")
    seen: list[tuple[str, int, str | None]] = []
    folder = ArtifactFolder(f"memory://{tmp_path.name}/run", lambda *entry: seen.append(entry))
    (tmp_path / "a.txt").write_text("a")
    folder.put_file(tmp_path / "a.txt", "d")
    folder.put_stream("b.bin", io.BytesIO(b"bb"))
    assert folder.list() == [FileInfo("b.bin", False, 2), FileInfo("d", True)]
    assert folder.list("b.bin") == folder.list("nothing") == []
    assert seen == [
        ("d/a.txt", 1, hashlib.sha256(b"a").hexdigest()),
        ("b.bin", 2, hashlib.sha256(b"bb").hexdigest()),
    ]
    assert Path(folder.download("d/a.txt")).read_bytes() == b"a"
    assert names(Path(folder.download(dst=tmp_path / "all"))) == ["b.bin", "d/a.txt"]
    folder.delete("d")
    assert [entry.path for entry in folder.walk()] == ["b.bin"]
    with pytest.raises(NotFoundError, match=r"d/a\.txt"):
        folder.read_bytes("d/a.txt")
    with pytest.raises(InvalidParameterError, match="must not resolve"):
        folder.put_bytes("../out", b"")


def test_a_uri_that_cannot_be_served_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InvalidParameterError, match="nowhere"):
        ArtifactFolder("nowhere://user:secret@host/x")
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(
        MissingDependencyError, match=r"pip install \"nbtrack\[remote\]\""
    ) as caught:
        ArtifactFolder("gs://user:secret@bucket/x")
    assert "secret" not in str(caught.value)
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(MissingDependencyError, match=r"pip install \"nbtrack\[team\]\"") as caught:
        ArtifactFolder("s3://user:secret@bucket/x")
    assert "secret" not in str(caught.value)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    if sys.platform != "linux" or os.geteuid() != 0 or shutil.which("mount") is None:
        pytest.skip("mounting a small disk needs root on Linux")
    disk = tmp_path / "disk"
    disk.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False
    )
    if done.returncode != 0:
        pytest.skip("this system does not allow mounting a tmpfs")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def test_a_full_disk_is_said_and_leaves_no_half_file(small_disk: Path) -> None:
    seen: list[object] = []
    folder = folder_of(small_disk, record=lambda *entry: seen.append(entry))
    folder.put_bytes("small", b"fits")
    with pytest.raises(DiskFullError, match=r"'big\.bin' was not stored"):
        folder.put_bytes("big.bin", b"x" * 2_000_000)
    assert [entry.path for entry in folder.walk()] == ["small"]
    assert len(names(small_disk)) == 2
    assert len(seen) == 1
    folder.put_bytes("other", b"there is room again" * 1000)
