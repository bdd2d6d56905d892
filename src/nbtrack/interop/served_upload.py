"""Artifacts on their way to an MLflow server, wherever it keeps them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from urllib.parse import urlsplit

from nbtrack.errors import NbtrackError, NotFoundError
from nbtrack.interop.copying import copy_folder
from nbtrack.interop.report import Report
from nbtrack.interop.served_files import ServedFiles, served_path
from nbtrack.store.artifact_roots import local_path
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.remote.rest import RestClient

HERE = ("localhost", "127.0.0.1", "::1")
CARD = "MLmodel"


class Uploads:
    """Sends folders of artifacts.

    Parameters
    ----------
    client : RestClient
    report : Report

    Attributes
    ----------
    places : dict
        Folder here -> folder there.
    """

    def __init__(self, client: RestClient, report: Report) -> None:
        self._client = client
        self._report = report
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
        path = served_path(target)
        if path is not None:
            self._send(ArtifactFolder(uri), ServedFiles(self._client, path), owner, renamed or {})
        elif self._is_reachable(target):
            copy_folder(uri, target, owner, self._report)
        elif any(True for _ in ArtifactFolder(uri).walk()):
            self._report.fail(
                "artifacts",
                owner,
                f"The server keeps them in a folder of its own machine, {target}. Start it with "
                "--serve-artifacts and let the experiment have an artifact location of the server.",
            )

    def _is_reachable(self, target: str) -> bool:
        try:
            is_local = local_path(target) is not None
        except NbtrackError:
            return False
        return not is_local or urlsplit(self._client.url).hostname in HERE

    def _send(
        self, source: ArtifactFolder, target: ServedFiles, owner: str, renamed: Mapping[str, str]
    ) -> None:
        try:
            known = {entry.path: entry.file_size for entry in target.walk()}
        except NotFoundError:
            known = {}
        try:
            for entry in source.walk():
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
