"""Artifacts: listed, and sent through the server.

Files are streamed both ways, so that their size does not matter. A file appears whole or not
at all, and is recorded with its size and SHA-256 as if a local process had logged it.
"""

from __future__ import annotations

from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.limits import missing
from nbtrack.protocol import encode
from nbtrack.protocol.artifact_urls import PROXY
from nbtrack.protocol.endpoints import API
from nbtrack.server.messages import FileReply, Reply
from nbtrack.server.mlflow.places import Target
from nbtrack.server.mlflow.served import Asked, Served
from nbtrack.server.mlflow.uploads import MAX_PARTS
from nbtrack.store.artifact_paths import check_artifact_path
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.runs import get_run

MAX_FORM = 10 * 1024 * 1024


def of_run(served: Served, asked: Asked) -> Reply:
    """List the artifacts of a run, by their paths below its root."""
    run_id = asked["run_id"]
    with served.store.read() as reader:
        info = get_run(reader, run_id).info
    found = _listed(served.places.folder(Target(run_id, "", False)), asked["path"])
    return Reply(
        encode.omit_none(root_uri=served.places.of_run(info), files=encode.file_infos(found))
    )


def _listed(folder: ArtifactFolder, path: str | None) -> list[FileInfo]:
    return folder.list(path.rstrip("/") if path else None)


def check_proxied(served: Served) -> None:
    """Raise where clients reach artifacts themselves."""
    if not served.places.proxied:
        raise NbtrackError(
            "This server does not serve artifacts (--no-serve-artifacts): clients read and write "
            "them where they are.",
            "ENDPOINT_NOT_FOUND",
        )


def listing(served: Served, asked: Asked) -> Reply:
    """List what lies at a path of the proxy, by names."""
    check_proxied(served)
    path = (asked["path"] or "").strip("/")
    try:
        target = served.places.target(path) if path else None
    except NotFoundError:
        target = None  # a folder of runs: they are searched for, not listed
    if target is None:
        return Reply({})
    found = served.places.folder(target).list(target.path or None)
    names = [FileInfo(PurePosixPath(f.path).name, f.is_dir, f.file_size) for f in found]
    return Reply(encode.omit_none(files=encode.file_infos(names)))


def download(served: Served, asked: Asked) -> FileReply:
    """Open a file to be sent."""
    check_proxied(served)
    target = _file(served, asked)
    return opened(served.places.folder(target), target.path, asked.range)


def opened(folder: ArtifactFolder, path: str, wanted: str | None = None) -> FileReply:
    """Return a file, or the part of it that is wanted, as a reply."""
    file = folder.open(path)
    return FileReply(file, PurePosixPath(path).name, _size(file), wanted)


def _size(file: BinaryIO) -> int | None:
    try:
        size = file.seek(0, 2)
        file.seek(0)
    except (OSError, ValueError, NotImplementedError):
        return None
    return size


def gathered(served: Served, asked: Asked) -> Path:
    """Return where a file is gathered that is sent; raise if it cannot be kept."""
    check_proxied(served)
    served.places.recording(_file(served, asked))
    return served.uploads.folder


def upload(served: Served, asked: Asked) -> Reply:
    """Keep what is sent as a file."""
    check_proxied(served)
    if asked.body is None:
        raise missing("body")
    target = _file(served, asked)
    asked.body.put(served.places.recording(target), target.path)
    return Reply({})


def _file(served: Served, asked: Asked) -> Target:
    target = served.places.target(asked.path["path"])
    if not target.path:
        raise InvalidParameterError(f"{asked.path['path']!r} is a folder; name a file in it.")
    return target


def delete(served: Served, asked: Asked) -> Reply:
    """Remove a file, or a folder with all in it; what is not there is no error."""
    check_proxied(served)
    target = served.places.target(asked.path["path"].rstrip("/"))
    folder = served.places.recording(target)
    if not target.path or folder.exists(target.path):
        try:
            folder.delete(target.path or None)
        except NotFoundError:
            return Reply({})
    return Reply({})


def start_parts(served: Served, asked: Asked) -> Reply:
    """Begin a file that comes in parts; each has a URL that it is sent to."""
    check_proxied(served)
    target = _whole_path(served, asked)
    count = asked["num_parts"] or 0
    if not 1 <= count <= MAX_PARTS:
        raise InvalidParameterError(
            f"Invalid value {count} for parameter 'num_parts' supplied: 1 to {MAX_PARTS} are taken."
        )
    served.places.recording(target)  # says now if it cannot be
    upload_id = served.uploads.start(f"{target.owner}/{target.path}", count)
    parts = [
        {
            "part_number": number,
            "url": f"{asked.url}{API}/mlflow-artifacts/mpu/part/{upload_id}/{number}",
            "headers": {}
            if asked.authorization is None
            else {"Authorization": asked.authorization},
        }
        for number in range(1, count + 1)
    ]
    return Reply({"upload_id": upload_id, "credentials": parts})


def part_gathered(served: Served, asked: Asked) -> Path:
    """Return where a part is gathered; raise if it cannot be kept."""
    check_proxied(served)
    return served.uploads.place(asked.path["upload_id"], _number(asked)).parent


def part(served: Served, asked: Asked) -> Reply:
    """Keep one part; whoever knows the id of the upload may send it."""
    check_proxied(served)
    if asked.body is None:
        raise missing("body")
    tag = served.uploads.put(asked.path["upload_id"], _number(asked), asked.body)
    return Reply({}, headers={"ETag": f'"{tag}"'})


def _number(asked: Asked) -> int:
    number = asked.path["number"]
    if not number.isdecimal() or len(number) > 6:
        raise InvalidParameterError(f"Part {number[:20]!r} is no number.")
    return int(number)


def finish_parts(served: Served, asked: Asked) -> Reply:
    """Make the file of its parts."""
    check_proxied(served)
    target = _whole_path(served, asked)
    numbers = [item["part_number"] or 0 for item in asked["parts"] or []]
    name = f"{target.owner}/{target.path}"
    folder = served.places.recording(target)
    with served.uploads.whole(asked["upload_id"] or "", name, numbers) as stream:
        folder.put_stream(target.path, stream)
    return Reply({})


def abort_parts(served: Served, asked: Asked) -> Reply:
    """Give a file up that comes in parts."""
    check_proxied(served)
    served.uploads.forget(asked["upload_id"] or "")
    return Reply({})


def _whole_path(served: Served, asked: Asked) -> Target:
    """Return what a file that comes in parts will be: its folder in the URL, its name in ``path``.

    Clients send their local path, whose last part is the name.
    """
    name = PurePosixPath((asked["path"] or "").replace("\\", "/")).name
    return served.places.target(f"{asked.path['path'].strip('/')}/{check_artifact_path(name)}")


def no_presigned(served: Served, asked: Asked) -> Reply:
    """Say that there are no signed URLs: clients take the proxy then."""
    raise NbtrackError(
        "Multipart download is not supported for the current artifact repository", "NOT_IMPLEMENTED"
    )


def no_presigned_for_run(served: Served, asked: Asked) -> Reply:
    """Say that artifacts go through the server, not to signed URLs."""
    raise InvalidParameterError(
        "Presigned URLs are not supported for proxied artifact storage: send and fetch artifacts "
        f"through {PROXY}."
    )


def file_of_run(served: Served, asked: Asked) -> FileReply:
    """Open an artifact of a run, as MLflow's pages do."""
    folder = served.places.folder(Target(asked["run_id"], "", False))
    return opened(folder, asked["path"], asked.range)


def put_in_run(served: Served, asked: Asked) -> Reply:
    """Keep a small file among the artifacts of a run, as MLflow's pages do."""
    if asked.body is None:
        raise missing("body")
    folder = served.places.recording(Target(asked["run_id"], "", False))
    if asked.body.size > MAX_FORM:
        raise InvalidParameterError("Artifact size is too large. Max size is 10MB.")
    asked.body.put(folder, asked["path"])
    return Reply({})
