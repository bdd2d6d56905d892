"""Artifacts in object storage that clients send and fetch themselves, by URLs that are signed.

What a client sends so does not pass this server: it is recorded with its size, and without a
SHA-256.
"""

from __future__ import annotations

from nbtrack import variables
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.protocol.artifact_urls import PROXY, SCHEME
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.artifact_proxy import Target, checked_path
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store.artifacts import ArtifactFolder, SignsUrls
from nbtrack.validation import check_run_id

SECONDS = variables.PRESIGNED_DOWNLOAD_URL_TTL.default
UPLOAD_SECONDS = 900
PARTS_SECONDS = 12 * 3600
MAX_SECONDS = 7 * 24 * 3600
"""No storage takes a URL for longer."""


def signing(service: TrackingService, folder: ArtifactFolder) -> SignsUrls | None:
    """Return what signs URLs for a folder of artifacts; None where clients get none."""
    return folder.signing if service.presigned else None


def of_proxied(service: TrackingService, target: Target) -> Response:
    """Return a signed URL of a file that is served; clients take the proxy where there is none."""
    signs = signing(service, service.proxy.folder(target))
    if signs is None:
        raise NbtrackError(
            "Multipart download is not supported for the current artifact repository",
            "NOT_IMPLEMENTED",
        )
    found = signs.signed_download(target.path, _seconds(None, SECONDS))
    return Response({"url": found.url, "headers": found.headers, "file_size": found.size})


def download_of_run(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a signed URL of a file of a run."""
    seconds = _seconds(request["expiration"], SECONDS)
    signs, path = _of_run(service, request, "download")
    found = signs.signed_download(path, seconds)
    return Response({"presigned_url": found.url, "headers": found.headers, "file_size": found.size})


def upload_to_run(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a signed URL that takes a file of a run or a logged model."""
    seconds = _seconds(request["expiration"], UPLOAD_SECONDS)
    signs, path = _of_run(service, request, "upload")
    found = signs.signed_upload(path, seconds)
    return Response({"presigned_url": found.url, "headers": found.headers})


def start_parts(signs: SignsUrls, target: Target, count: int) -> Response:
    """Begin a file whose parts go to the storage; each has a URL."""
    upload_id, urls = signs.begin_parts(target.path, count, PARTS_SECONDS)
    parts = [{"part_number": n, "url": url, "headers": {}} for n, url in enumerate(urls, 1)]
    return Response({"upload_id": upload_id, "credentials": parts})


def finish_parts(
    signs: SignsUrls, folder: ArtifactFolder, target: Target, request: ParsedRequest
) -> Response:
    """Make the file of the parts that are there, and record it."""
    parts = request["parts"] or []
    tags = {part["part_number"] or 0: part["etag"] or "" for part in parts}
    if not tags:
        raise InvalidParameterError("Missing value for required parameter 'parts'.")
    try:
        size = signs.finish_parts(target.path, request["upload_id"] or "", tags)
    except NotFoundError as error:
        raise NotFoundError("There is no such upload: it is finished, or was given up.") from error
    folder.note(target.path, size)
    return Response({})


def _of_run(service: TrackingService, request: ParsedRequest, what: str) -> tuple[SignsUrls, str]:
    """Return what signs URLs for the run or model that is asked for, and the path in it."""
    run_id, model_id = request["run_id"], request["model_id"] if what == "upload" else None
    if what == "upload" and bool(run_id) == bool(model_id):
        raise InvalidParameterError("Exactly one of run_id and model_id must be provided.")
    target = Target(model_id or check_run_id(run_id), "", bool(model_id))
    path = checked_path(request["path"])
    shown = service.proxy.shown_of(target)
    if shown.startswith((f"{SCHEME}:", "http:", "https:")):
        raise InvalidParameterError(
            f"Presigned {what} is not supported for proxied artifact storage: send and fetch "
            f"artifacts through {PROXY}."
        )
    signs = signing(service, service.proxy.folder(target))
    if signs is None:
        raise NbtrackError(
            f"Presigned {what} is not supported for the current artifact repository",
            "NOT_IMPLEMENTED",
        )
    return signs, path


def _seconds(given: int | None, usual: int) -> int:
    """Return how long a URL is good for.

    Raises
    ------
    InvalidParameterError
        If no storage would take it.
    """
    if given is None and usual == SECONDS:
        given = variables.PRESIGNED_DOWNLOAD_URL_TTL.get()
    seconds = usual if given is None else given
    if not 1 <= seconds <= MAX_SECONDS:
        raise InvalidParameterError(
            f"expiration must be between 1 and {MAX_SECONDS} seconds (got {seconds})."
        )
    return seconds
