"""Files that come in parts: kept in a folder of their own until all are there."""

from __future__ import annotations

import json
import os
import re
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.server.upload_spool import Spool
from nbtrack.store.artifacts import CHUNK_BYTES, artifact_errors, is_part_file

MAX_PARTS = 10_000
FORGOTTEN_S = 24 * 3600.0
_ID = re.compile(r"[0-9a-f]{48}")
_ABOUT = "upload.json"


class PartsStream:
    """Reads several files, one after the other, as one; each is removed once it is read."""

    def __init__(self, parts: Sequence[Path]) -> None:
        self._left = list(parts)
        self._file: BinaryIO | None = None

    def read(self, size: int = -1) -> bytes:
        """Return at most ``size`` bytes, none at the end."""
        while True:
            if self._file is None:
                if not self._left:
                    return b""
                self._file = self._left[0].open("rb")
            data = self._file.read(CHUNK_BYTES if size < 0 else size)
            if data:
                return data
            self.close()
            self._left.pop(0).unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file that is read."""
        if self._file is not None:
            self._file.close()
            self._file = None


@dataclass(frozen=True)
class Uploads:
    """The uploads that have begun; their ids are secrets of those who have begun them.

    Attributes
    ----------
    folder : Path
        Made by the first.
    """

    folder: Path

    def start(self, name: str, count: int) -> str:
        """Begin an upload of ``count`` parts; return its id."""
        upload_id = os.urandom(24).hex()
        with artifact_errors(name):
            self.sweep()
            place = self.folder / upload_id
            place.mkdir(parents=True)
            (place / _ABOUT).write_text(json.dumps({"name": name, "parts": count}), "utf-8")
        return upload_id

    def put(self, upload_id: str, number: int, body: Spool) -> str:
        """Keep a part; return its SHA-256. A part that comes again takes the place of the first."""
        place = self.place(upload_id, number)
        part = place.with_name(f"{number}.{os.urandom(4).hex()}")
        with artifact_errors(place.name):
            try:
                stored = body.move(part)
                part.replace(place)
            finally:
                part.unlink(missing_ok=True)
        return stored.sha256

    def place(self, upload_id: str, number: int) -> Path:
        """Return where a part is kept; raise if the upload has no such part."""
        folder, about = self._find(upload_id)
        if not 1 <= number <= int(about["parts"]):
            raise InvalidParameterError(
                f"Part {number} of an upload of {about['parts']} parts: they count from 1."
            )
        return folder / str(number)

    @contextmanager
    def whole(self, upload_id: str, name: str, numbers: Sequence[int]) -> Iterator[BinaryIO]:
        """Open the parts as one stream; the upload is over where that was read to its end."""
        place, about = self._find(upload_id)
        if about["name"] != name:
            raise InvalidParameterError(
                f"The upload {upload_id[:8]}... was begun for another file than {name!r}."
            )
        wanted = sorted(set(numbers)) if numbers else list(range(1, int(about["parts"]) + 1))
        parts = [place / str(number) for number in wanted]
        absent = [part.name for part in parts if not part.is_file()]
        if absent:
            raise InvalidParameterError(
                f"Of the upload {upload_id[:8]}... the parts {', '.join(absent[:10])} are missing: "
                "send them first."
            )
        stream = PartsStream(parts)
        try:
            yield cast(BinaryIO, stream)
        finally:
            stream.close()
        self.forget(upload_id)

    def forget(self, upload_id: str) -> None:
        """Remove an upload, if it is there."""
        if _ID.fullmatch(upload_id):
            shutil.rmtree(self.folder / upload_id, ignore_errors=True)

    def _find(self, upload_id: str) -> tuple[Path, dict[str, Any]]:
        place = self.folder / upload_id
        try:
            if not _ID.fullmatch(upload_id):
                raise FileNotFoundError
            found = json.loads((place / _ABOUT).read_text("utf-8"))
        except (OSError, ValueError):
            raise NotFoundError(
                f"There is no upload {upload_id[:60]!r}: it is finished, aborted, or older than a "
                "day."
            ) from None
        return place, found

    def sweep(self) -> None:
        """Remove uploads that nobody has gone on with for a day, and what killed servers left."""
        if not self.folder.is_dir():
            return
        for place in self.folder.iterdir():
            if not (_ID.fullmatch(place.name) or is_part_file(place.name)):
                continue
            try:
                if time.time() - place.stat().st_mtime <= FORGOTTEN_S:
                    continue
                if place.is_dir():
                    shutil.rmtree(place, ignore_errors=True)
                else:
                    place.unlink()
            except FileNotFoundError:
                continue
