"""Large files on their way into a bucket: in parts, several at once, and on again after a cut.

What has begun is noted in the user's state folder: the upload, and the SHA-256 of the file. So
only the same content is ever gone on with; which parts are there, the storage says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.store.artifacts.bucket import PART_BYTES, SHA256, WORKERS, Bucket, extra_arguments
from nbtrack.store.artifacts.roots import FileNow, StoredFile

MAX_PARTS = 10_000
_LOST = ("NoSuchUpload", "InvalidPart", "InvalidPartOrder", "EntityTooSmall")


@dataclass
class PartsUpload:
    """A file that is sent in parts.

    Attributes
    ----------
    bucket : Bucket
    key : str
    stored : StoredFile
        What the file is.
    fields : dict
        What is said of the object, beside its content.
    """

    bucket: Bucket
    key: str
    stored: StoredFile
    fields: dict[str, Any]

    def send(self, local: Path) -> bool:
        """Send the file; return False where it is not any more what it was.

        Raises
        ------
        StoreError
            If the storage cannot be reached: the same call goes on from there.
        """
        for is_last in (False, True):
            noted = self._begun()
            upload_id = noted or self._begin()
            try:
                there = {} if noted is None else self._there(upload_id)
                parts = self._send_parts(local, upload_id, there)
                if parts is None:
                    self._give_up(upload_id)
                    return False
                self.bucket.call(
                    "complete_multipart_upload",
                    Key=self.key,
                    UploadId=upload_id,
                    MultipartUpload={"Parts": parts},
                )
            except NbtrackError as error:
                lost = isinstance(error, NotFoundError) or _code(error) in _LOST
                if not lost:
                    raise
                self._forget()  # somebody has ended it, who may have sent the same
                if self._is_there():
                    return True
                if is_last:
                    raise
            else:
                self._forget()
                return True
        raise AssertionError("unreachable")

    def _is_there(self) -> bool:
        there = self.bucket.head(self.key)
        return there is not None and (there.size, there.sha256) == tuple(self.stored)

    def _send_parts(
        self, local: Path, upload_id: str, there: dict[tuple[int, int], str]
    ) -> list[dict[str, Any]] | None:
        """Send what is not there yet; return all parts, or None where the file has changed."""
        whole = hashlib.sha256()
        tags: dict[int, str] = {}
        sent: set[Future[None]] = set()

        def send(number: int, data: bytes) -> None:
            answer = self.bucket.call(
                "upload_part", Key=self.key, UploadId=upload_id, PartNumber=number, Body=data
            )
            tags[number] = str(answer["ETag"])

        size = 0
        with ThreadPoolExecutor(WORKERS, thread_name_prefix="nbtrack-part") as pool:
            try:
                for number, data in enumerate(_parts(local, self._part_bytes), 1):
                    whole.update(data)
                    size += len(data)
                    tag = there.get((number, len(data)))
                    # a tag that is no MD5, of an encrypted part, is never equal: it goes again
                    if tag is not None and tag.strip('"') == _md5(data):
                        tags[number] = tag
                        continue
                    if len(sent) >= WORKERS:
                        done, sent = wait(sent, return_when=FIRST_COMPLETED)
                        for each in done:
                            each.result()
                    sent.add(pool.submit(send, number, data))
                for each in sent:
                    each.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
        if (size, whole.hexdigest()) != tuple(self.stored):
            return None
        return [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]

    @property
    def _part_bytes(self) -> int:
        least = -(-self.stored.size // MAX_PARTS)
        return max(PART_BYTES, -(-least // (1 << 20)) << 20)

    def _there(self, upload_id: str) -> dict[tuple[int, int], str]:
        """Return the tags of the parts that have arrived, by number and size."""
        return {
            (int(part["PartNumber"]), int(part["Size"])): str(part["ETag"])
            for part in parts_of(self.bucket, self.key, upload_id)
        }

    # -- what has begun --------------------------------------------------------------------

    def _begun(self) -> str | None:
        try:
            noted = json.loads(self._note.read_text("utf-8"))
        except (OSError, ValueError):
            return None
        if not isinstance(noted, dict) or noted.get("sha256") != self.stored.sha256:
            return None
        found = noted.get("upload_id")
        return found if isinstance(found, str) else None

    def _begin(self) -> str:
        upload_id = str(
            self.bucket.call(
                "create_multipart_upload",
                Key=self.key,
                Metadata={SHA256: self.stored.sha256},
                **{**self.fields, **extra_arguments()},
            )["UploadId"]
        )
        note = {"key": self.key, "upload_id": upload_id, "sha256": self.stored.sha256}
        try:
            self._note.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._note.write_text(json.dumps(note), "utf-8")
        except OSError:  # a home that cannot be written: then a cut upload begins anew
            pass
        return upload_id

    def _give_up(self, upload_id: str) -> None:
        self.bucket.call("abort_multipart_upload", Key=self.key, UploadId=upload_id)
        self._forget()

    def _forget(self) -> None:
        self._note.unlink(missing_ok=True)

    @property
    def _note(self) -> Path:
        import platformdirs

        name = hashlib.sha256(f"{self.bucket.name}/{self.key}".encode()).hexdigest()[:32]
        state = platformdirs.user_state_dir("nbtrack", appauthor=False)
        return Path(state, "uploads", f"{name}.json")


def parts_of(bucket: Bucket, key: str, upload_id: str) -> Iterator[dict[str, Any]]:
    """Yield the parts of an upload that have arrived."""
    fields: dict[str, Any] = {"Key": key, "UploadId": upload_id}
    while True:
        page = bucket.call("list_parts", **fields)
        yield from page.get("Parts", ())
        if not page.get("IsTruncated"):
            return
        fields["PartNumberMarker"] = page["NextPartNumberMarker"]


def _parts(local: Path, size: int) -> Iterator[bytes]:
    with FileNow(local) as file:
        while data := _read(file, size):
            yield data


def _read(file: BinaryIO, size: int) -> bytes:
    """Return so many bytes, fewer only at the end."""
    found = file.read(size)
    while found and len(found) < size and (more := file.read(size - len(found))):
        found += more
    return found


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _code(error: NbtrackError) -> str:
    return cast(str, error.json_kwargs.get("storage_code") or "")
