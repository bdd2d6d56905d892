"""URLs by which somebody without a key sends one object of a bucket, or fetches it.

Such a URL names one object and one kind of request, and ends after some minutes.
"""

from __future__ import annotations

import mimetypes
from collections.abc import Mapping
from typing import NamedTuple, Protocol, runtime_checkable
from urllib.parse import quote

from nbtrack.errors import NotFoundError
from nbtrack.store.artifacts.bucket import Bucket, extra_arguments

_HEADERS = {
    "ContentType": "Content-Type",
    "ServerSideEncryption": "x-amz-server-side-encryption",
    "SSEKMSKeyId": "x-amz-server-side-encryption-aws-kms-key-id",
    "ACL": "x-amz-acl",
    "StorageClass": "x-amz-storage-class",
    "Tagging": "x-amz-tagging",
}


class SignedUrl(NamedTuple):
    """A URL for one request.

    Attributes
    ----------
    url : str
    headers : dict of str to str
        What has to be sent with it.
    size : int or None
        Of the file, where there is one.
    """

    url: str
    headers: dict[str, str]
    size: int | None = None


@runtime_checkable
class SignsUrls(Protocol):
    """A place of artifacts that others may be sent to."""

    def signed_download(self, path: str, seconds: int) -> SignedUrl:
        """Return a URL that gives a file."""

    def signed_upload(self, path: str, seconds: int) -> SignedUrl:
        """Return a URL that takes a file."""

    def begin_parts(self, path: str, count: int, seconds: int) -> tuple[str, list[str]]:
        """Begin a file that comes in parts; return the id of the upload, and a URL for each."""

    def finish_parts(self, path: str, upload_id: str, tags: Mapping[int, str]) -> int:
        """Make the file of its parts, given their tags by number; return its size."""

    def abort_parts(self, path: str, upload_id: str) -> None:
        """Give a file up that comes in parts."""


class SigningArtifacts:
    """What signs URLs for artifacts in a bucket.

    Attributes
    ----------
    bucket : Bucket
    """

    bucket: Bucket

    def key(self, path: str) -> str:
        """Return the key of an artifact."""
        raise NotImplementedError

    def signed_download(self, path: str, seconds: int) -> SignedUrl:
        """Return a URL that gives a file, as one to save; it may be anybody's."""
        key = self.key(path)
        about = self.bucket.head(key)
        if about is None:
            raise NotFoundError(f"No such artifact: {path!r}. See list_artifacts.")
        name = path.rpartition("/")[2]
        saved = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
        fields = {"Key": key, "ResponseContentDisposition": saved}
        return SignedUrl(self.bucket.sign("get_object", seconds, **fields), {}, about.size)

    def signed_upload(self, path: str, seconds: int) -> SignedUrl:
        """Return a URL that takes a file, and the headers that have to come with it."""
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        fields = {"ContentType": kind, **extra_arguments()}
        url = self.bucket.sign("put_object", seconds, Key=self.key(path), **fields)
        headers = {_HEADERS[name]: str(v) for name, v in fields.items() if name in _HEADERS}
        return SignedUrl(url, headers)

    def begin_parts(self, path: str, count: int, seconds: int) -> tuple[str, list[str]]:
        """Begin a file that comes in parts; return the id of the upload, and a URL for each."""
        key = self.key(path)
        kind = mimetypes.guess_type(path)[0] or "application/octet-stream"
        fields = {"ContentType": kind, **extra_arguments()}
        begun = self.bucket.call("create_multipart_upload", Key=key, **fields)
        at = {"Key": key, "UploadId": str(begun["UploadId"])}
        numbers = range(1, count + 1)
        urls = [self.bucket.sign("upload_part", seconds, **at, PartNumber=n) for n in numbers]
        return at["UploadId"], urls

    def finish_parts(self, path: str, upload_id: str, tags: Mapping[int, str]) -> int:
        """Make the file of its parts, given their tags by number; return its size."""
        key = self.key(path)
        parts = [{"PartNumber": number, "ETag": tags[number]} for number in sorted(tags)]
        self.bucket.call(
            "complete_multipart_upload",
            Key=key,
            UploadId=upload_id,
            MultipartUpload={"Parts": parts},
        )
        about = self.bucket.head(key)
        return 0 if about is None else about.size

    def abort_parts(self, path: str, upload_id: str) -> None:
        """Give a file up that comes in parts."""
        self.bucket.call("abort_multipart_upload", Key=self.key(path), UploadId=upload_id)
