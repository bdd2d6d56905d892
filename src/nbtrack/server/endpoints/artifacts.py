"""Artifacts as files to download."""

from __future__ import annotations

from pathlib import PurePosixPath

from nbtrack.errors import InvalidParameterError
from nbtrack.server import wire
from nbtrack.server.messages import FileReply, Request
from nbtrack.store.runs import get_run
from nbtrack.store.store import Store


def artifact(store: Store, request: Request) -> FileReply:
    """Open an artifact; it is only ever saved by the browser, never shown or run."""
    missing = [name for name in (wire.RUN_ID, wire.PATH) if not request.query.get(name)]
    if missing:
        raise InvalidParameterError(f"The address has no {' and no '.join(missing)}.")
    path = request.query[wire.PATH]
    with store.read() as reader:
        run = get_run(reader, request.query[wire.RUN_ID])
    opened = store.access.folder(run.info.artifact_uri).open(path)
    return FileReply(opened, PurePosixPath(path).name)
