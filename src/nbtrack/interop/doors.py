"""``import_from`` and ``export_to``: the one way in and the one way out."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from nbtrack.errors import InvalidParameterError
from nbtrack.interop import kinds
from nbtrack.interop.artifact_places import Places
from nbtrack.interop.importing import Importer
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import ExportReport, ImportReport, Report
from nbtrack.interop.source import Source
from nbtrack.store.store import Store, open_store
from nbtrack.tracking import context

Uri = str | os.PathLike[str]


def import_from(
    source: Uri,
    store_uri: Uri | None = None,
    *,
    artifact_roots: Mapping[str, str] | None = None,
    progress: bool = True,
    kind: str | None = None,
) -> ImportReport:
    """Bring the runs of another tracker into a store, with all that belongs to them.

    Run ids are kept. What is in the store already stays as it is, and gets what it lacks, so
    importing again is harmless, and completes what was cut off.

    Parameters
    ----------
    source : str or path
        An ``mlflow.db``, an ``mlruns`` folder, the address of an MLflow server, TensorBoard event
        files, offline runs of W&B, a database of trackio, CSV files, another nbtrack store.
    store_uri : str or path, optional
        The store that they come to; by default the one that this process tracks to.
    artifact_roots : mapping of str to str, optional
        What the beginning of artifact places has become: ``{"/old/mlruns": "/new/mlruns"}``.
    progress : bool
        Whether a bar shows how far it is.
    kind : str, optional
        What the source is, where that cannot be seen: one of ``mlflow-database``,
        ``mlflow-files``, ``mlflow-server``, ``tensorboard``, ``wandb``, ``trackio``, ``csv``,
        ``nbtrack``.

    Returns
    -------
    ImportReport
        What came, what was known, and what could not come, with reasons.

    Raises
    ------
    NotFoundError, InvalidParameterError
        If there is nothing to import.
    StoreLockedError
        If someone holds the store.
    MissingDependencyError
        If a package is missing that reads the source.
    """
    begin = time.monotonic()
    place = os.fspath(source)
    store = _store(store_uri)
    report = ImportReport(kinds.shown(place), str(store.path))
    opened = open_source(place, kind, report)
    near = None if opened.kind == "mlflow-server" else _near(place)
    places = Places(artifact_roots or {}, near)
    try:
        bring(opened, store, places, report, progress=progress)
    finally:
        opened.close()
    report.seconds = time.monotonic() - begin
    return report


def export_to(
    target: Uri,
    store_uri: Uri | None = None,
    *,
    experiments: Sequence[str] | None = None,
    progress: bool = True,
    kind: str | None = None,
) -> ExportReport:
    """Give the runs of a store to another tracker, or write them as tables.

    Doing it again is harmless: nothing doubles.

    Parameters
    ----------
    target : str or path
        The address of an MLflow server; an ``mlflow.db``, made where it is missing (which needs
        mlflow); another nbtrack store; a folder for Parquet or CSV.
    store_uri : str or path, optional
        By default the store that this process tracks to.
    experiments : sequence of str, optional
        Ids or names; by default all.
    progress : bool
        Whether a bar shows how far it is.
    kind : str, optional
        ``mlflow-server``, ``mlflow-database``, ``parquet``, ``csv`` or ``nbtrack``, where the name
        of the target does not say it.

    Returns
    -------
    ExportReport
        What went, what was there, and what could not go, with reasons.
    """
    begin = time.monotonic()
    place = os.fspath(target)
    store = _store(store_uri)
    found = kinds.target_kind(place) if kind is None else kinds.check_kind(kind, kinds.TARGETS)
    report = ExportReport(str(store.path), kinds.shown(place))
    from nbtrack.interop.nbtrack_store import NbtrackStore

    source = NbtrackStore(store, report, experiments)
    with Progress(progress) as shown:
        match found:
            case "nbtrack":
                other = _store(place)
                if other is store:
                    raise InvalidParameterError(f"{place!r} is the store itself.")
                Importer(source, other, Places({}, None), report, shown).run()
            case "mlflow-database":
                from nbtrack.interop.to_mlflow_database import DatabaseExport

                DatabaseExport(source, kinds.path_of(place), report, shown).run()
            case "mlflow-server":
                from nbtrack.interop.to_mlflow_server import ServerExport

                ServerExport(source, place, report, shown).run()
            case "parquet":
                from nbtrack.interop.to_parquet import export_parquet

                export_parquet(source, kinds.path_of(place), report, shown)
            case _:
                from nbtrack.interop.to_csv import export_csv

                export_csv(source, kinds.path_of(place), report, shown)
    report.seconds = time.monotonic() - begin
    return report


def open_source(place: str, kind: str | None, report: Report) -> Source:
    """Return the source that a place is; each is imported when it is used."""
    found = kinds.source_kind(place) if kind is None else kinds.check_kind(kind, kinds.SOURCES)
    if found == "mlflow-server":
        from nbtrack.interop.mlflow_server import MlflowServer

        return MlflowServer(place, report)
    path = kinds.path_of(place)
    match found:
        case "mlflow-database":
            from nbtrack.interop.mlflow_database import MlflowDatabase

            return MlflowDatabase(path / "mlflow.db" if path.is_dir() else path, report)
        case "mlflow-files":
            from nbtrack.interop.mlflow_files import MlflowFiles

            return MlflowFiles(path, report)
        case "tensorboard":
            from nbtrack.interop.tensorboard import TensorBoard

            return TensorBoard(path, report)
        case "wandb":
            from nbtrack.interop.wandb import OfflineRuns

            return OfflineRuns(path, report)
        case "trackio":
            from nbtrack.interop.trackio import Trackio

            return Trackio(path, report)
        case "csv":
            from nbtrack.interop.csv import CsvTables

            return CsvTables(path, report)
    from nbtrack.interop.nbtrack_store import NbtrackStore

    return NbtrackStore(_store(path), report)


def bring(
    source: Source, store: Store, places: Places, report: Report, *, progress: bool = False
) -> None:
    """Bring everything of a source into a store."""
    if getattr(source, "store", None) is store:
        raise InvalidParameterError(f"{store.path} is the store itself: nothing is to be imported.")
    with Progress(progress) as shown:
        Importer(source, store, places, report, shown).run()


def _store(uri: Uri | None) -> Store:
    """Return a store that is a file: what mirrors a server has only what was asked of it."""
    from nbtrack.store.remote.store import RemoteStore

    found = context.store() if uri is None else open_store(uri)
    if isinstance(found, RemoteStore):
        server = kinds.shown(found.uri)
        raise InvalidParameterError(
            f"{server} is a tracking server. Name a store that is a file, such as runs.duckdb: "
            "import from the server into it, or export from it to the server."
        )
    return found


def _near(place: str) -> Path:
    path = kinds.path_of(place)
    return path.parent if path.is_file() or path.name == "mlruns" else path
