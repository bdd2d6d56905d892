"""Artifacts on their way out of a store: plain copies, which the other tracker may change."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from nbtrack.errors import NbtrackError
from nbtrack.interop.report import Report
from nbtrack.store.artifact_roots import local_path
from nbtrack.store.artifacts import ArtifactFolder


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
        there = {entry.path: entry.file_size for entry in target.walk()}
        for entry in source.walk():
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
