"""Folders of odd things are logged as far as they can be, and nothing is left out silently."""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, NbtrackWarning, NotFoundError, StoreError
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.store.artifacts.folder_files import MAX_REPEATED, FolderFiles
from nbtrack.store.artifacts.roots import FileNow


@pytest.fixture
def odd(tmp_path: Path) -> Path:
    folder = tmp_path / "odd"
    folder.mkdir()
    return folder


@pytest.fixture
def kept(tmp_path: Path) -> ArtifactFolder:
    """The artifacts of a run."""
    return ArtifactFolder(str(tmp_path / "kept"), cache=tmp_path / "content")


def names(folder: ArtifactFolder) -> list[str]:
    return [file.path for file in folder.walk()]


def test_a_folder_that_is_reached_twice_is_stored_twice(kept: ArtifactFolder, odd: Path) -> None:
    (odd / "step_100").mkdir()
    (odd / "step_100" / "weights").write_text("w")
    (odd / "best").symlink_to("step_100")
    (odd / "last").symlink_to(odd / "best")
    (odd / "step_100" / "up").symlink_to(odd)
    (odd / "step_100" / "itself").symlink_to("itself")
    with pytest.warns(NbtrackWarning, match="itself"):
        kept.put_folder(odd)
    assert names(kept) == ["best/weights", "last/weights", "step_100/weights"]


def test_links_that_double_at_every_level_end(odd: Path) -> None:
    for level in range(30):
        below = odd / f"{level + 1}"
        (odd / f"{level}").mkdir(exist_ok=True)
        for side in "ab":
            (odd / f"{level}" / side).symlink_to(below)
    (odd / "30").mkdir()
    found = FolderFiles.of(odd / "0")
    assert len(found.unread) > 0
    assert len(found._met) + found._repeated < 10 * MAX_REPEATED


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such names")
def test_names_that_cannot_be_stored_do_not_keep_the_others_out(workdir: Path, odd: Path) -> None:
    for name in ("a.txt", "e:10.txt", "a\\b", "z.txt"):
        (odd / name).write_text(name)
    (odd / os.fsdecode(b"bad\xff.txt")).write_text("x")
    with nbtrack.start_run() as run:
        with pytest.raises(InvalidParameterError) as caught:
            nbtrack.log_artifacts(odd)
        with pytest.raises(InvalidParameterError, match="Invalid artifact path"):
            nbtrack.log_artifacts(odd, "../x")
    for part in ("3 of", "'e:10.txt'", repr("a\\b"), "bad", "all other files are"):
        assert part in str(caught.value)
    found = ArtifactFolder(run.info.artifact_uri)
    assert {"a.txt", "z.txt"} <= set(names(found)) <= {"a.txt", "environment.json", "z.txt"}


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_what_is_no_file_is_named_and_nothing_waits_for_it(
    kept: ArtifactFolder, odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(odd)  # the names of sockets are short
    (odd / "a.txt").write_text("a")
    os.mkfifo(odd / "pipe")
    (odd / "nowhere").symlink_to("gone")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("socket")
        with pytest.warns(NbtrackWarning, match="nowhere, pipe, socket"):
            kept.put_folder(odd)
    assert names(kept) == ["a.txt"]
    with pytest.raises(NotFoundError, match="no regular file"):
        kept.put_file(odd / "pipe")


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder of a user to whom permissions apply, who is the one of this process meanwhile."""
    if not hasattr(os, "seteuid"):
        pytest.skip("this system has no users to switch to")
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    yield folder
    os.seteuid(before)
    shutil.rmtree(folder)


def test_what_cannot_be_read_is_named_and_the_rest_is_stored(nobody: Path) -> None:
    for name in ("a/a.txt", "a/b.txt", "a/z.txt", "a/closed/c.txt"):
        (nobody / name).parent.mkdir(exist_ok=True, parents=True)
        (nobody / name).write_text(name)
    (nobody / "a/b.txt").chmod(0)
    (nobody / "a/closed").chmod(0)
    kept = ArtifactFolder(str(nobody / "kept"))
    with pytest.raises(InvalidParameterError, match=r"(?s)2 of.*closed.*b\.txt"):
        kept.put_folder(nobody / "a")
    (nobody / "a/closed").chmod(0o700)
    assert names(kept) == ["a.txt", "z.txt"]


def test_a_file_that_vanishes_is_named(
    kept: ArtifactFolder, odd: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.txt", "b.txt", "c.txt"):
        (odd / name).write_text(name)
    store = ArtifactFolder._put_local

    def put(self: ArtifactFolder, local: Path, path: str) -> None:
        (odd / "b.txt").unlink(missing_ok=True)  # whoever writes there tidies up
        store(self, local, path)

    monkeypatch.setattr(ArtifactFolder, "_put_local", put)
    with pytest.warns(NbtrackWarning, match=r"b\.txt"):
        kept.put_folder(odd)
    assert names(kept) == ["a.txt", "c.txt"]


def test_a_file_that_grows_is_stored_as_it_was_when_it_was_opened(odd: Path) -> None:
    log = odd / "train.log"
    log.write_bytes(b"line\n" * 1000)
    with FileNow(log) as source, log.open("ab") as writer:
        first = source.read(10)
        writer.write(b"more\n" * 1000)
        writer.flush()
        assert first + source.read() == b"line\n" * 1000
        assert source.read(10) == b""
    log.write_bytes(b"x" * 100)
    with FileNow(log) as source:
        os.truncate(log, 40)
        assert source.read() + source.read() == b"x" * 40
    if Path("/proc/version").exists():  # files of the kernel say that they are empty
        with FileNow(Path("/proc/version")) as source:
            assert b"Linux" in source.read()


@pytest.fixture
def planted(tmp_path: Path) -> ArtifactFolder:
    """A run's folder that came with a stranger's store."""
    top = tmp_path / "run"
    (top / "d").mkdir(parents=True)
    (tmp_path / "secret").write_text("secret")
    (top / "a.txt").write_text("a")
    (top / "d" / "up").symlink_to(top)
    (top / "x").mkdir()
    (top / "x" / "d").symlink_to(top / "d")
    (top / "d" / "x").symlink_to(top / "x")
    (top / "out").symlink_to(tmp_path)
    (top / "key").symlink_to(tmp_path / "secret")
    if hasattr(os, "mkfifo"):
        os.mkfifo(top / "pipe")
    return ArtifactFolder(str(top))


def test_a_planted_folder_is_walked_and_copied_to_an_end(
    planted: ArtifactFolder, tmp_path: Path
) -> None:
    assert {file.path.rpartition("/")[2] for file in planted.walk()} == {"a.txt"}
    copy = Path(planted.download(dst=tmp_path / "copy"))
    assert (copy / "a.txt").read_text() == "a"
    assert not [path for path in copy.rglob("*") if path.name in ("key", "secret", "pipe")]
    for path in ("out/secret", "key"):
        with pytest.raises(InvalidParameterError, match="leads out"):
            planted.open(path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_reading_a_pipe_among_artifacts_does_not_wait(planted: ArtifactFolder) -> None:
    done = threading.Event()

    def read() -> None:
        with pytest.raises(InvalidParameterError, match="no regular file"):
            planted.open("pipe")
        done.set()

    threading.Thread(target=read, daemon=True).start()
    assert done.wait(10)


def test_names_of_a_bucket_that_no_file_has_do_not_end_a_download(tmp_path: Path) -> None:
    fsspec = pytest.importorskip("fsspec")
    memory = fsspec.filesystem("memory")
    for name in ("a.txt", "a\\b.txt", "z.txt"):
        memory.pipe_file(f"/odd-names/{name}", b"x")
    with pytest.raises(StoreError, match=r"1 artifacts could not be copied.*b\.txt"):
        ArtifactFolder("memory://odd-names").download(dst=tmp_path / "copy")
    assert sorted(p.name for p in (tmp_path / "copy").iterdir()) == ["a.txt", "z.txt"]
