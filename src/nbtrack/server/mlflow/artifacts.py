"""Artifacts: listed, and sent through the server.

Files are streamed both ways, so that their size does not matter. A file appears whole or not
at all, and is recorded with its size and SHA-256 as if a local process had logged it.
"""

from __future__ import annotations

import contextlib
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from nbtrack.entities import FileInfo
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.protocol import encode, endpoints
from nbtrack.server.messages import FileResponse, Response
from nbtrack.server.mlflow import presigned
from nbtrack.server.mlflow.artifact_proxy import UPLOADS, Target, checked_path
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.server.mlflow.uploads import MAX_PARTS
from nbtrack.store import get_run
from nbtrack.store.artifacts import ArtifactFolder, check_artifact_path
from nbtrack.validation import check_run_id, missing

MAX_FORM = 10 * 1024 * 1024


def of_run(service: TrackingService, request: ParsedRequest) -> Response:
    """List the artifacts of a run, by their paths below its root."""
    run_id = request["run_id"]
    with service.store.read() as reader:
        info = get_run(reader, run_id).info
    found = _listed(service.proxy.folder(Target(run_id, "", False)), request["path"])
    return Response(
        encode.omit_none(root_uri=service.proxy.of_run(info), files=encode.file_infos(found))
    )


def _listed(folder: ArtifactFolder, path: str | None) -> list[FileInfo]:
    return folder.list(checked_path(path) if path else None)


def check_proxied(service: TrackingService) -> None:
    """Raise where clients reach artifacts themselves."""
    if not service.proxy.proxied:
        raise NbtrackError(
            "This server does not serve artifacts (--no-serve-artifacts): clients read and write "
            "them where they are.",
            "ENDPOINT_NOT_FOUND",
        )


def listing(service: TrackingService, request: ParsedRequest) -> Response:
    """List what lies at a path of the proxy, by names."""
    check_proxied(service)
    target = service.proxy.target((request["path"] or "").rstrip("/"))
    found = service.proxy.folder(target).list(target.path or None)
    names = [
        FileInfo(PurePosixPath(f.path).name, f.is_dir, f.file_size)
        for f in found
        if target.owner or f.path != UPLOADS
    ]
    return Response(encode.omit_none(files=encode.file_infos(names)))


def download(service: TrackingService, request: ParsedRequest) -> FileResponse:
    """Open a file to be sent."""
    check_proxied(service)
    target = _file(service, request)
    return opened(service.proxy.folder(target), target.path, request.range)


def opened(folder: ArtifactFolder, path: str, wanted: str | None = None) -> FileResponse:
    """Return a file, or the part of it that is wanted, as a response."""
    file = folder.open(path)
    return FileResponse(file, PurePosixPath(path).name, _size(file), wanted)


def _size(file: BinaryIO) -> int | None:
    try:
        size = file.seek(0, 2)
        file.seek(0)
    except (OSError, ValueError, NotImplementedError):
        return None
    return size


def gathered(service: TrackingService, request: ParsedRequest) -> Path:
    """Return where a file is gathered that is sent; raise if it cannot be kept."""
    check_proxied(service)
    service.proxy.recording(_file(service, request))
    return service.uploads.folder


def upload(service: TrackingService, request: ParsedRequest) -> Response:
    """Keep what is sent as a file."""
    check_proxied(service)
    if request.body is None:
        raise missing("body")
    target = _file(service, request)
    request.body.put(service.proxy.recording(target), target.path)
    return Response({})


def _file(service: TrackingService, request: ParsedRequest) -> Target:
    path = request.path["path"]
    target = service.proxy.target(path)
    if not target.path or path.endswith("/"):
        raise InvalidParameterError(f"{path!r} is a folder; name a file in it.")
    return target


def delete(service: TrackingService, request: ParsedRequest) -> Response:
    """Remove a file, or a folder with all in it; what is not there is no error."""
    check_proxied(service)
    target = service.proxy.target(checked_path(request.path["path"]))
    folder = service.proxy.recording(target)
    if not target.path or folder.exists(target.path):
        try:
            folder.delete(target.path or None)
        except NotFoundError:
            return Response({})
    return Response({})


def start_parts(service: TrackingService, request: ParsedRequest) -> Response:
    """Begin a file that comes in parts; each has a URL that it is sent to."""
    check_proxied(service)
    target = _whole_path(service, request)
    count = request["num_parts"] or 0
    if not 1 <= count <= MAX_PARTS:
        raise InvalidParameterError(
            f"Invalid value {count} for parameter 'num_parts' supplied: 1 to {MAX_PARTS} are taken."
        )
    folder = service.proxy.recording(target)  # says now if it cannot be
    if (signs := presigned.signing(service, folder)) is not None:
        return presigned.start_parts(signs, target, count)
    upload_id = service.uploads.start(f"{target.owner}/{target.path}", count)
    parts = [
        {
            "part_number": number,
            "url": request.url
            + endpoints.UPLOAD_PART.place({"upload_id": upload_id, "number": number}),
            "headers": {}
            if request.authorization is None
            else {"Authorization": request.authorization},
        }
        for number in range(1, count + 1)
    ]
    return Response({"upload_id": upload_id, "credentials": parts})


def part_gathered(service: TrackingService, request: ParsedRequest) -> Path:
    """Return where a part is gathered; raise if it cannot be kept."""
    check_proxied(service)
    return service.uploads.place(request.path["upload_id"], _number(request)).parent


def part(service: TrackingService, request: ParsedRequest) -> Response:
    """Keep one part; whoever knows the id of the upload may send it."""
    check_proxied(service)
    if request.body is None:
        raise missing("body")
    tag = service.uploads.put(request.path["upload_id"], _number(request), request.body)
    return Response({}, headers={"ETag": f'"{tag}"'})


def _number(request: ParsedRequest) -> int:
    number = request.path["number"]
    if not number.isdecimal() or len(number) > 6:
        raise InvalidParameterError(f"Part {number[:20]!r} is no number.")
    return int(number)


def finish_parts(service: TrackingService, request: ParsedRequest) -> Response:
    """Make the file of its parts."""
    check_proxied(service)
    target = _whole_path(service, request)
    numbers = [item["part_number"] or 0 for item in request["parts"] or []]
    name = f"{target.owner}/{target.path}"
    folder = service.proxy.recording(target)
    if (signs := presigned.signing(service, folder)) is not None:
        return presigned.finish_parts(signs, folder, target, request)
    with service.uploads.whole(request["upload_id"] or "", name, numbers) as stream:
        folder.put_stream(target.path, stream)
    return Response({})


def abort_parts(service: TrackingService, request: ParsedRequest) -> Response:
    """Give a file up that comes in parts."""
    check_proxied(service)
    target = _whole_path(service, request)
    signs = presigned.signing(service, service.proxy.recording(target))
    if signs is not None:
        with contextlib.suppress(NotFoundError):  # it is over
            signs.abort_parts(target.path, request["upload_id"] or "")
        return Response({})
    service.uploads.forget(request["upload_id"] or "")
    return Response({})


def _whole_path(service: TrackingService, request: ParsedRequest) -> Target:
    """Return what a file that comes in parts will be: its folder in the URL, its name in ``path``.

    Clients send their local path, whose last part is the name.
    """
    name = PurePosixPath((request["path"] or "").replace("\\", "/")).name
    return service.proxy.target(f"{request.path['path'].strip('/')}/{check_artifact_path(name)}")


def presigned_file(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a signed URL of a file, from which clients fetch parts at the same time."""
    check_proxied(service)
    return presigned.of_proxied(service, _file(service, request))


def file_of_run(service: TrackingService, request: ParsedRequest) -> FileResponse:
    """Open an artifact of a run, as MLflow's pages do."""
    folder = service.proxy.folder(Target(request["run_id"], "", False))
    return opened(folder, checked_path(request["path"]), request.range)


def put_in_run(service: TrackingService, request: ParsedRequest) -> Response:
    """Keep a small file among the artifacts of a run, as MLflow's pages do."""
    run_id, path = request["run_id"], request["path"]
    if request.body is None or not (run_id and path and request.body.size):
        what = "run_uuid" if not run_id else "path" if not path else "data"
        raise InvalidParameterError(f"Request must specify {what}.")
    folder = service.proxy.recording(Target(check_run_id(run_id), "", False))
    if request.body.size > MAX_FORM:
        raise InvalidParameterError("Artifact size is too large. Max size is 10MB.")
    request.body.put(folder, checked_path(path))
    return Response({})
