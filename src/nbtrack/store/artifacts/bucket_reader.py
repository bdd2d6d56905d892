"""Objects of a bucket on their way here: as a file that is read in ranges, or whole."""

from __future__ import annotations

import hashlib
import io
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbtrack.store.artifacts.bucket import PART_BYTES, WORKERS, Bucket, StoredObject
from nbtrack.store.artifacts.roots import StoredFile

READ_AHEAD = 1 << 20


class _Ranges(io.RawIOBase):
    """An object as a file that fetches what is read, as long as its content stays the same."""

    def __init__(self, bucket: Bucket, about: StoredObject) -> None:
        self._bucket = bucket
        self._about = about
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        start = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._about.size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        end = min(self._at + min(len(buffer), PART_BYTES), self._about.size)
        if self._at >= end:
            return 0
        data = self._bucket.get(self._about.key, self._at, end, self._about.etag)
        buffer[: len(data)] = data
        self._at = end
        return len(data)

    def readall(self) -> bytes:
        found = bytearray()
        start = min(self._at, self._about.size)
        for data in _ahead(self._bucket, self._about, start):
            found += data
        self._at = max(self._at, self._about.size)
        return bytes(found)


def open_object(bucket: Bucket, about: StoredObject) -> BinaryIO:
    """Return an object as a file; a piece that is read costs a request, or none."""
    return cast(BinaryIO, io.BufferedReader(_Ranges(bucket, about), READ_AHEAD))


def fetch_object(bucket: Bucket, about: StoredObject, target: Path) -> StoredFile:
    """Write an object to a local file, and return its size and SHA-256.

    Ranges are fetched at the same time, and written in their order: a few are in memory.
    """
    digest = hashlib.sha256()
    with target.open("wb") as file:
        for data in _ahead(bucket, about, 0):
            digest.update(data)
            file.write(data)
    return StoredFile(about.size, digest.hexdigest())


def _ahead(bucket: Bucket, about: StoredObject, start: int) -> Iterator[bytes]:
    starts = range(start, about.size, PART_BYTES)
    if len(starts) <= 1:
        for first in starts:
            yield bucket.get(about.key, first, about.size, about.etag)
        return
    coming: deque[Future[bytes]] = deque()
    with ThreadPoolExecutor(WORKERS, thread_name_prefix="nbtrack-range") as pool:
        try:
            for first in starts:
                end = min(first + PART_BYTES, about.size)
                coming.append(pool.submit(bucket.get, about.key, first, end, about.etag))
                if len(coming) > WORKERS:
                    yield coming.popleft().result()
            while coming:
                yield coming.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)
