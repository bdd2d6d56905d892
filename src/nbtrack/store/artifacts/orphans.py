"""What nobody refers to at a root of artifacts that is a store's own: found, and removed.

Machines of a team log at the same time, and what one of them has just stored may not be in the
database yet. So nothing goes that is not a day old.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from nbtrack.store.artifacts.bucket import SCHEMES, Bucket
from nbtrack.store.artifacts.bucket_upload import parts_of
from nbtrack.store.artifacts.folder import ArtifactFolder
from nbtrack.store.artifacts.roots import local_path

GRACE_S = 7 * 24 * 3600.0  # so long a machine may be cut off whose journal names what it has stored
MODELS = "models"
_RUN = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"m-[0-9a-f]{32}")


@dataclass
class OwnRoot:
    """A root below which one store alone keeps artifacts, as ``<experiment>/<run>/...``.

    Attributes
    ----------
    uri : str
        A bucket's or a folder's; in other kinds of storage nothing is looked for.
    grace_s : float
        How old must be what goes, in seconds.
    """

    uri: str
    grace_s: float = GRACE_S
    _folder: ArtifactFolder = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._folder = ArtifactFolder(self.uri)

    def owners(self) -> dict[str, str]:
        """Return the folders of runs and models that there are, each with its id."""
        if not self._is_searched:
            return {}
        found = {}
        for experiment in self._folders(""):
            for place in self._folders(experiment):
                name = place.rpartition("/")[2]
                if _RUN.fullmatch(name):
                    found[place] = name
                elif name == MODELS:
                    models = ((each, each.rpartition("/")[2]) for each in self._folders(place))
                    found |= {each: model for each, model in models if _MODEL.fullmatch(model)}
        return found

    def remove_old(self, place: str) -> int:
        """Remove a folder in which nothing is new; return its bytes, 0 where it stays."""
        size, newest = 0, 0.0
        for file_size, modified in self._files(place):
            size += file_size
            newest = max(newest, modified)
        if time.time() - newest < self.grace_s:
            return 0
        self._folder.delete(place)
        return size

    def remove(self, place: str) -> int:
        """Remove a folder, however new it is, if it is there; return its bytes."""
        size = sum(file_size for file_size, _ in self._files(place))
        if self._folder.exists(place):
            self._folder.delete(place)
        return size

    def give_up_uploads(self) -> int:
        """End uploads in parts that nobody has gone on with for long; return how many."""
        if not self._is_bucket:
            return 0
        bucket, count = Bucket(self.uri), 0
        prefix = f"{bucket.top}/" if bucket.top else ""
        for upload in list(_uploads(bucket, prefix)):
            at = {"Key": upload["Key"], "UploadId": upload["UploadId"]}
            parts = parts_of(bucket, upload["Key"], upload["UploadId"])
            seen = [upload["Initiated"], *(part["LastModified"] for part in parts)]
            if time.time() - max(_seconds(each) for each in seen) >= self.grace_s:
                bucket.call("abort_multipart_upload", **at)
                count += 1
        return count

    def place_of(self, location: str) -> str | None:
        """Return the folder below the root that is a run's or a model's own; None elsewhere."""
        place = _below(location, self.uri)
        parts = [] if place is None else place.split("/")
        ids = parts[1:2] if parts[1:2] != [MODELS] else parts[2:3]
        is_own = parts[-1:] == ["artifacts"] and len(parts) == (4 if MODELS in parts[1:2] else 3)
        known = is_own and (_RUN.fullmatch(ids[0]) or _MODEL.fullmatch(ids[0]))
        return "/".join(parts[:-1]) if known else None

    @property
    def _is_bucket(self) -> bool:
        return self.uri.partition(":")[0].lower() in SCHEMES

    @property
    def _is_searched(self) -> bool:
        return self._is_bucket or local_path(self.uri) is not None

    def _folders(self, path: str) -> list[str]:
        return [entry.path for entry in self._folder.list(path or None) if entry.is_dir]

    def _files(self, place: str) -> Iterator[tuple[int, float]]:
        """Yield size and time of what is in a folder."""
        if self._is_bucket:
            bucket = Bucket(f"{self.uri.rstrip('/')}/{place}")
            for each in bucket.objects(f"{bucket.top}/"):
                yield each.size, _seconds(each.modified)
        elif (top := local_path(self.uri)) is not None:
            for folder, _, names in os.walk(top / place):
                for seen in (Path(folder, name).stat(follow_symlinks=False) for name in names):
                    yield seen.st_size, seen.st_mtime


def remove_orphans(root: OwnRoot, refers: Callable[[], Callable[[str, str], bool]]) -> int:
    """Remove folders of runs and models below a root that nobody refers to; return the bytes.

    Parameters
    ----------
    root : OwnRoot
    refers : callable
        Called once the folders are known, so that none is made after the look into the store;
        returns a function that says whether somebody refers to an id or the URI of its folder.
    """
    owners = root.owners()
    is_known = refers()
    known = {place for place, owner in owners.items() if is_known(owner, f"{root.uri}/{place}")}
    if not known:  # not one of them is this store's: it is another one's root
        return 0
    return sum(root.remove_old(place) for place in owners.keys() - known)


def _uploads(bucket: Bucket, prefix: str) -> Iterator[dict[str, Any]]:
    fields = {"Prefix": prefix}
    while True:
        page = bucket.call("list_multipart_uploads", **fields)
        yield from page.get("Uploads", ())
        if not page.get("IsTruncated"):
            return
        fields["KeyMarker"] = page["NextKeyMarker"]
        fields["UploadIdMarker"] = page["NextUploadIdMarker"]


def _seconds(moment: datetime) -> float:
    return moment.timestamp()


def _below(location: str, root: str) -> str | None:
    local, top = local_path(location), local_path(root)
    if local is not None and top is not None:
        try:
            return Path(os.path.realpath(local)).relative_to(os.path.realpath(top)).as_posix()
        except ValueError:
            return None
    head = f"{root.rstrip('/')}/"
    return location[len(head) :] if location.startswith(head) else None
