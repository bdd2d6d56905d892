"""One bucket of object storage: every request that is sent to S3, through s3fs.

Keys, profiles, regions and the endpoint come from where all programs for S3 take them: ``AWS_*``,
``~/.aws``, the machine's own role; MLflow's variables for S3 count as well.
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from nbtrack import variables
from nbtrack.errors import InvalidParameterError, MissingDependencyError, NotFoundError, StoreError
from nbtrack.store.artifacts.bucket_errors import translated

SCHEMES = ("s3", "s3a")
SHA256 = "nbtrack-sha256"
"""The metadata of an object that says what its content is."""

PART_BYTES = 8 << 20
"""So much is sent or fetched by one request, and held in memory for it."""

WORKERS = 4
"""So many requests are under way for one large file."""

MAX_LISTED = 1000
MAX_REMOVED = 1000
_ATTEMPTS = 4
_SETTINGS = ("AWS_", "MLFLOW_S3_", "MLFLOW_BOTO_")


@dataclass(frozen=True)
class StoredObject:
    """An object of a bucket.

    Attributes
    ----------
    key : str
    size : int
    etag : str
        Changes with the content.
    modified : datetime
    sha256 : str or None
        Of its content, as who wrote it has said; only `Bucket.head` knows it.
    """

    key: str
    size: int
    etag: str
    modified: datetime
    sha256: str | None = None


class Bucket:
    """The part of a bucket that a URI names.

    Parameters
    ----------
    uri : str
        Such as ``s3://bucket/runs/1``.

    Raises
    ------
    MissingDependencyError
        If s3fs is not installed.
    InvalidParameterError
        If the URI names no bucket, or has a password in it.
    """

    def __init__(self, uri: str) -> None:
        if not _is_installed("s3fs"):  # importing it takes longer than looking
            raise MissingDependencyError(
                "Artifacts in S3 need s3fs, which is not installed. "
                'Run: pip install "nbtrack[team]"'
            )
        where = uri.partition("://")[2]
        if "@" in where.partition("/")[0]:
            raise InvalidParameterError(
                "A URI of object storage has no user and password: set AWS_ACCESS_KEY_ID and "
                "AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, and name the bucket alone."
            )
        self.name, _, top = where.partition("/")
        if self.name.startswith("arn:"):  # an access point: its name has slashes
            self.name, top, _ = self._filesystem().split_path(uri)
        if not self.name:
            raise InvalidParameterError(
                f"Invalid artifact location {uri!r}: name a bucket, as in s3://bucket/runs."
            )
        self.top = top.strip("/")
        self.uri = uri

    def call(self, operation: str, **fields: Any) -> dict[str, Any]:
        """Send a request to the bucket and return the response.

        Parameters
        ----------
        operation : str
            As boto3 calls it: ``head_object``.
        **fields
            Its parameters, without the bucket.

        Raises
        ------
        NotFoundError
            If there is no such object, upload or bucket.
        StoreError
            If the storage refuses it or cannot be reached.
        """
        with self._translated(str(fields.get("Key", ""))):
            found: dict[str, Any] = self._filesystem().call_s3(
                operation, Bucket=self.name, **fields
            )
            return found

    def get(self, key: str, start: int, end: int, etag: str) -> bytes:
        """Return bytes ``start`` to ``end`` of an object, as long as its content is this one."""
        from fsspec.asyn import sync

        with self._translated(key):
            filesystem = self._filesystem()
            for attempt in range(_ATTEMPTS):
                answer = filesystem.call_s3(
                    "get_object",
                    Bucket=self.name,
                    Key=key,
                    Range=f"bytes={start}-{end - 1}",
                    IfMatch=etag,
                )
                try:
                    data: bytes = sync(filesystem.loop, answer["Body"].read)
                except Exception:  # the connection broke after the response had begun
                    if attempt == _ATTEMPTS - 1:
                        raise
                    continue
                if len(data) == end - start:
                    return data
        raise StoreError(
            f"Only a part of s3://{self.name}/{key} came. Try again when the network is well."
        )

    def put(self, key: str, data: bytes, **fields: Any) -> None:
        """Store an object whole."""
        self.call("put_object", Key=key, Body=data, **{**fields, **extra_arguments()})

    def head(self, key: str) -> StoredObject | None:
        """Return what there is under a key, or None."""
        try:
            found = self.call("head_object", Key=key)
        except NotFoundError:
            return None
        return StoredObject(
            key,
            int(found["ContentLength"]),
            str(found["ETag"]),
            found["LastModified"],
            found.get("Metadata", {}).get(SHA256),
        )

    def pages(
        self, prefix: str, delimiter: str = "", most: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """Yield the pages of a listing: what begins with a prefix, up to a delimiter."""
        fields: dict[str, Any] = {"Prefix": prefix, "Delimiter": delimiter}
        fields["MaxKeys"] = most or MAX_LISTED
        while True:
            page = self.call("list_objects_v2", **fields)
            yield page
            if not page.get("IsTruncated"):
                return
            fields["ContinuationToken"] = page["NextContinuationToken"]

    def objects(self, prefix: str) -> Iterator[StoredObject]:
        """Yield every object whose key begins with a prefix."""
        for page in self.pages(prefix):
            for item in page.get("Contents", ()):
                yield StoredObject(
                    item["Key"], int(item["Size"]), item["ETag"], item["LastModified"]
                )

    def remove(self, keys: Sequence[str]) -> None:
        """Remove objects; what is not there is no error.

        Raises
        ------
        StoreError
            If some stay: it names the first.
        """
        for first in range(0, len(keys), MAX_REMOVED):
            some = [{"Key": key} for key in keys[first : first + MAX_REMOVED]]
            done = self.call("delete_objects", Delete={"Objects": some, "Quiet": True})
            if failed := done.get("Errors"):
                raise StoreError(
                    f"{len(failed)} of {len(some)} objects of s3://{self.name} could not be "
                    f"removed, such as {failed[0].get('Key')!r}: {failed[0].get('Code')}. Check "
                    "that your key may delete there.",
                    "PERMISSION_DENIED",
                )

    def sign(self, operation: str, seconds: int, **fields: Any) -> str:
        """Return a URL by which somebody without a key may send one request."""
        key = str(fields.pop("Key"))
        with self._translated(key):
            return str(
                self._filesystem().url(
                    f"{self.name}/{key}", expires=seconds, client_method=operation, **fields
                )
            )

    def _filesystem(self) -> Any:
        return _filesystem(os.getpid(), _settings())

    def _translated(self, key: str) -> AbstractContextManager[None]:
        return translated(self.name, key, self._endpoint, _filesystem.cache_clear)

    @property
    def _endpoint(self) -> str | None:
        return variables.S3_ENDPOINT_URL.get()


def extra_arguments() -> dict[str, Any]:
    """Return what ``MLFLOW_S3_UPLOAD_EXTRA_ARGS`` says of new objects, such as their encryption.

    Raises
    ------
    InvalidParameterError
        If it is no JSON object.
    """
    text = variables.S3_UPLOAD_EXTRA_ARGS.get()
    if not text:
        return {}
    try:
        found = json.loads(text)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise InvalidParameterError(
            f"{variables.S3_UPLOAD_EXTRA_ARGS.name} is {text!r}; give a JSON object such as "
            '{"ServerSideEncryption": "aws:kms"}.'
        )
    return found


def _is_installed(package: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(package) is not None
    except ValueError:  # somebody keeps it from being imported
        return False


def _settings() -> tuple[tuple[str, str], ...]:
    return tuple(sorted((n, v) for n, v in os.environ.items() if n.startswith(_SETTINGS)))


@functools.lru_cache(maxsize=8)
def _filesystem(pid: int, settings: tuple[tuple[str, str], ...]) -> Any:
    """Return s3fs for a process and its settings: a key that is set later is a new one.

    s3fs remembers its instances by their arguments alone, and with them that there was no key.
    """
    from s3fs import S3FileSystem

    given = dict(settings)
    config: dict[str, Any] = {"connect_timeout": 10, "max_pool_connections": 32}
    if not {"AWS_MAX_ATTEMPTS", "AWS_RETRY_MODE"} & given.keys():
        config["retries"] = {"mode": "standard", "total_max_attempts": _ATTEMPTS}
    if style := variables.BOTO_CLIENT_ADDRESSING_STYLE.get():
        config["s3"] = {"addressing_style": style}
    config["signature_version"] = variables.S3_SIGNATURE_VERSION.get() or "s3v4"
    client: dict[str, Any] = {}
    if variables.S3_IGNORE_TLS.get():
        client["verify"] = False
    filesystem = S3FileSystem(
        endpoint_url=given.get(variables.S3_ENDPOINT_URL.name) or None,
        config_kwargs=config,
        client_kwargs=client,
        skip_instance_cache=True,
    )
    filesystem.retries = 1  # botocore retries
    return filesystem
