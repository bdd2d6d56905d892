"""What the endpoints of MLflow's protocol work on, and a request with its fields read."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.protocol.endpoints import PROTOCOL_VERSION
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.artifact_proxy import UPLOADS, ArtifactProxy
from nbtrack.server.mlflow.uploads import Uploads
from nbtrack.server.upload_spool import Spool
from nbtrack.store import Store
from nbtrack.store.artifacts import ArtifactAccess, local_path


@dataclass(frozen=True)
class TrackingService:
    """A store that MLflow's clients track to.

    Attributes
    ----------
    store : Store
    registry : Store
        Where models are registered; mostly the same.
    proxy : ArtifactProxy
        Where artifacts are for a client.
    uploads : Uploads
        Files that come in parts.
    presigned : bool
        Whether clients that ask get signed URLs of object storage.
    """

    store: Store
    registry: Store
    proxy: ArtifactProxy
    uploads: Uploads
    presigned: bool = True

    @classmethod
    def of(
        cls,
        store: Store,
        registry: Store | None = None,
        *,
        proxied: bool = True,
        destination: str | None = None,
        root: str | None = None,
        roots: Sequence[str] = (),
        presigned: bool = True,
    ) -> TrackingService:
        """Return the service of a store for others; ``roots`` are places of artifacts."""
        if root is None and destination is None:
            destination = store.artifact_root  # a team's has one by itself
        for each in (store, registry or store):
            own = functools.partial(getattr, each, "own_roots")
            each.access = ArtifactAccess(each.folder, roots, serves=True, own=own)
        kept = None if destination is None else local_path(destination)
        folder = store.folder / "uploads" if kept is None else kept / UPLOADS
        uploads = Uploads(folder)  # on the disk of the artifacts: a large file is written once
        uploads.sweep()
        proxy = ArtifactProxy(store, proxied, destination, root)
        return cls(store, registry or store, proxy, uploads, presigned)


@dataclass(frozen=True)
class ParsedRequest:
    """A request whose fields are read.

    Attributes
    ----------
    values : mapping
        Its fields by name; None for those that were not given.
    path : mapping of str to str
        The parts of the path that have names.
    url : str
        Of the server, as the client calls it, up to the API's prefix.
    range : str, optional
        The part of a file that is wanted, as HTTP writes it.
    authorization : str, optional
        As the request has brought it.
    body : Spool, optional
        The body, where it is a file.
    """

    values: Mapping[str, Any] = field(default_factory=dict)
    path: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    range: str | None = None
    authorization: str | None = None
    body: Spool | None = None

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def health(service: TrackingService, request: ParsedRequest) -> Response:
    """Say that the server answers."""
    return Response("OK")


def version(service: TrackingService, request: ParsedRequest) -> Response:
    """Return the version of MLflow whose protocol is spoken."""
    return Response(PROTOCOL_VERSION)


def server_info(service: TrackingService, request: ParsedRequest) -> Response:
    """Return what clients adapt to."""
    proxied = service.proxy.proxied
    signs = proxied and service.presigned and service.proxy.is_in_bucket
    return Response(
        {
            "store_type": "SqlStore",
            "workspaces_enabled": False,
            "trace_archival_enabled": False,
            "artifact_serving_enabled": proxied,
            "multipart_uploads_enabled": signs,
            "multipart_downloads_enabled": signs,
            "presigned_upload_run_id_supported": service.presigned,
            "presigned_upload_model_id_supported": service.presigned,
            "features_enabled": {"gateway": False},
        }
    )


def absent(service: TrackingService, request: ParsedRequest) -> Response:
    """Say that there is no such endpoint: clients do without it then."""
    raise NbtrackError(
        "This server does not have this endpoint: it serves experiments, runs, artifacts, logged "
        "models and the model registry; traces, prompts and the gateway it does not.",
        "ENDPOINT_NOT_FOUND",
    )
