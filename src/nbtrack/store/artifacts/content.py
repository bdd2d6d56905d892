"""Equal content is stored once: files share it by hard link, named by its SHA-256."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import stat
import time
from pathlib import Path

from nbtrack.store.artifacts.roots import CHUNK_BYTES, StoredFile

_UNFINISHED = re.compile(r"^\.nbtrack-[0-9a-f]{16}\.part$")
_NO_LINKS = {errno.EPERM, errno.EACCES, errno.EXDEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL}


class ContentCache:
    """The folder ``<aa>/<sha256>`` whose files lend their content to the artifacts.

    Parameters
    ----------
    folder : Path
        On the file system of the artifacts; made when first needed.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def place(self, sha256: str) -> Path:
        """Return where the content with this digest lies, or would lie."""
        return self.folder / sha256[:2] / sha256

    def share(self, part: Path, stored: StoredFile) -> None:
        """Make ``part`` share its content with the equal one stored before, if any.

        A stored file that was changed behind our back is not shared but replaced.
        Where the file system has no hard links, ``part`` stays a file of its own.
        """
        content = self.place(stored.sha256)
        try:
            content.parent.mkdir(parents=True, exist_ok=True)
            if _holds(content, stored):
                self._link(content, part)
            else:
                self._link(part, content)
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise

    def release(self, sha256: str) -> None:
        """Remove a content that no artifact shares any more."""
        content = self.place(sha256)
        try:
            if content.stat().st_nlink == 1:
                remove_file(content)
        except FileNotFoundError:
            return

    def sweep(self) -> int:
        """Remove every content that no artifact shares; return the bytes set free."""
        freed = 0
        top = os.path.realpath(self.folder.parent)
        for content in self.folder.glob("??/*"):
            try:
                seen = content.stat(follow_symlinks=False)
                if os.path.realpath(content) != str(Path(top, *content.parts[-3:])):
                    continue  # a link that leads elsewhere
                if seen.st_nlink == 1 and stat.S_ISREG(seen.st_mode):
                    remove_file(content)
                    freed += seen.st_size
            except FileNotFoundError:
                continue
        return freed

    def _link(self, source: Path, target: Path) -> None:
        other = part_file_in(target.parent)
        try:
            os.link(source, other)
        except FileNotFoundError:
            return
        except OSError as error:
            if error.errno != errno.EMLINK:
                raise
            # the old content has as many links as a file can have: the new one takes over
            os.link(target, other)
            target = source
        try:
            replace_file(other, target)
        finally:
            # renaming a file onto its own hard link does nothing and leaves both names
            other.unlink(missing_ok=True)


def part_file_in(folder: Path) -> Path:
    """Return a fresh name for a file of ``folder`` that is not finished."""
    return folder / f".nbtrack-{os.urandom(8).hex()}.part"


def is_part_file(name: str) -> bool:
    """Return whether a file name is that of an unfinished file."""
    return _UNFINISHED.match(name) is not None


def replace_file(source: Path, target: Path) -> None:
    """Give ``source`` the name ``target``, also where read-only files resist (Windows)."""
    try:
        source.replace(target)
    except PermissionError:
        if os.name != "nt" or not target.exists():
            raise
        target.chmod(stat.S_IREAD | stat.S_IWRITE)
        source.replace(target)


def remove_file(path: Path) -> None:
    """Remove a file, also where read-only files resist (Windows)."""
    try:
        path.unlink()
    except PermissionError:
        if os.name != "nt":
            raise
        path.chmod(stat.S_IREAD | stat.S_IWRITE)
        path.unlink()


def sweep_artifacts(artifacts: Path, older_than: float = 86400.0) -> int:
    """Remove what no artifact needs below the artifact folder of a store.

    Parameters
    ----------
    artifacts : Path
        The folder that holds the artifacts of every run and ``.content``.
    older_than : float
        Unfinished files of this age, in seconds, were left by a process that died.

    Returns
    -------
    int
        The number of bytes set free.
    """
    freed = 0
    for folder, _, names in os.walk(artifacts):
        for name in filter(is_part_file, names):
            part = Path(folder, name)
            try:
                seen = part.stat()
                if time.time() - seen.st_mtime >= older_than:
                    remove_file(part)
                    freed += seen.st_size
            except FileNotFoundError:
                continue
    return freed + ContentCache(artifacts / ".content").sweep()


def _holds(content: Path, stored: StoredFile) -> bool:
    try:
        if content.stat().st_size != stored.size:
            return False
        digest = hashlib.sha256()
        with content.open("rb") as file:
            while chunk := file.read(CHUNK_BYTES):
                digest.update(chunk)
    except FileNotFoundError:
        return False
    return digest.hexdigest() == stored.sha256
