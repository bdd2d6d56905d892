"""Exports artifacts: plain copies, and uploads to an MLflow server."""

from __future__ import annotations

import io
import os
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.interop.files import every_file
from nbtrack.interop.nbtrack_store import NbtrackStore
from nbtrack.interop.report import Report
from nbtrack.protocol.artifact_urls import proxied_path
from nbtrack.protocol.client import RestClient
from nbtrack.protocol.transfer import ProxiedFolder
from nbtrack.store.artifacts import ArtifactAccess, ArtifactFolder, local_path

CARD = "MLmodel"


class Uploads:
    """Sends folders of artifacts.

    Parameters
    ----------
    client : RestClient
    report : Report
    source : NbtrackStore
        Whose artifacts are sent.
    named : sequence of str
        Places that the server may send them to, beside its own.

    Attributes
    ----------
    places : dict
        Folder here -> folder there.
    """

    def __init__(
        self, client: RestClient, report: Report, source: NbtrackStore, named: Sequence[str] = ()
    ) -> None:
        self._client = client
        self._report = report
        self._source = source
        self._access = ArtifactAccess(source.store.folder, named, server=client.url)
        self.places: dict[str, str] = {}

    def there(self, place: str) -> str:
        """Return where something is there that is in one of the folders here."""
        for here, there in self.places.items():
            if place == here or place.startswith(f"{here}/"):
                return there + place[len(here) :]
        return place

    def send(
        self, uri: str, target: str, owner: str, renamed: Mapping[str, str] | None = None
    ) -> None:
        """Send what is new of a folder.

        Parameters
        ----------
        uri : str
            Where the files are.
        target : str
            Where the server says that they belong.
        owner : str
            The run or the model, for the report.
        renamed : mapping of str to str, optional
            Ids that the MLmodel file of a model names, and what they are there.
        """
        files = self._source.folder(uri)
        path = proxied_path(target)
        if path is not None:
            self._send(files, ProxiedFolder(self._client, path), owner, renamed or {})
        elif self._access.allows(target):
            copy_folder(files, target, owner, self._report)
        elif self._has_any(files, owner):
            self._report.fail(
                "artifacts",
                owner,
                f"The server keeps them at {target}, not behind its own address. Start it with "
                "--serve-artifacts and let the experiment have an artifact location of the server; "
                "or, if that place is yours to write to, name it: --artifact-root.",
            )

    def _has_any(self, files: ArtifactFolder, owner: str) -> bool:
        try:
            return any(True for _ in every_file(files))
        except NbtrackError as error:
            self._report.fail("artifacts", owner, error)
            return False

    def _send(
        self, source: ArtifactFolder, target: ProxiedFolder, owner: str, renamed: Mapping[str, str]
    ) -> None:
        try:
            known = {entry.path: entry.file_size for entry in every_file(target)}
        except NotFoundError:
            known = {}
        try:
            for entry in every_file(source):
                size = entry.file_size or 0
                if known.get(entry.path, -1) == size:
                    self._report.count("artifacts", known=1)
                    continue
                with source.open(entry.path) as stream:
                    if entry.path == CARD and renamed:
                        content = stream.read()
                        for old, new in renamed.items():
                            content = content.replace(old.encode(), new.encode())
                        target.put(entry.path, io.BytesIO(content), len(content))
                    else:
                        target.put(entry.path, stream, size)
                self._report.count("artifacts", came=1)
        except (NbtrackError, OSError) as error:
            self._report.fail("artifacts", owner, error)


def copy_folder(source: ArtifactFolder, place: str, owner: str, report: Report) -> None:
    """Copy what is new of an artifact folder to another place.

    Parameters
    ----------
    source : ArtifactFolder
        Where the artifacts are.
    place : str
        A local path or a URI; object storage through fsspec.
    owner : str
        The run or the model, for the report.
    report : Report
    """
    try:
        target = ArtifactFolder(place)
        there = {entry.path: entry.file_size for entry in every_file(target)}
        for entry in every_file(source):
            if there.get(entry.path, -1) == entry.file_size:
                report.count("artifacts", known=1)
                continue
            try:
                _copy(source, target, entry.path)
                report.count("artifacts", came=1)
            except (NbtrackError, OSError) as error:
                report.fail("artifacts", f"{owner}/{entry.path}", error)
    except (NbtrackError, OSError) as error:
        report.fail("artifacts", owner, error)


def _copy(source: ArtifactFolder, target: ArtifactFolder, path: str) -> None:
    local = local_path(target.uri)
    if local is None:
        with source.open(path) as stream:
            target.put_stream(path, stream)
        return
    final = Path(local, path)
    final.parent.mkdir(parents=True, exist_ok=True)
    part = final.with_name(f".{final.name}.{os.getpid()}.part")
    with source.open(path) as stream, part.open("wb") as file:
        shutil.copyfileobj(stream, file, 1 << 20)
    part.replace(final)
