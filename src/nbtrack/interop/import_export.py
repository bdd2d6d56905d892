"""``import_from`` and ``export_to``."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from nbtrack.errors import InvalidParameterError
from nbtrack.interop import format_detection
from nbtrack.interop.artifact_locations import ArtifactLocator, Roots, named_folders
from nbtrack.interop.importer import Importer
from nbtrack.interop.model_importer import ModelImporter
from nbtrack.interop.progress import Progress
from nbtrack.interop.report import ExportReport, ImportReport, Report
from nbtrack.interop.source import Source
from nbtrack.store import Store, open_store
from nbtrack.store.artifacts import local_path
from nbtrack.tracking import context

if TYPE_CHECKING:
    from nbtrack.interop.nbtrack_store import NbtrackStore

Uri = str | os.PathLike[str]


def import_from(
    source: Uri,
    store_uri: Uri | None = None,
    *,
    experiments: Sequence[str] | None = None,
    artifact_roots: Roots | None = None,
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
        files, offline runs of W&B, a database of trackio, CSV files; another nbtrack store, by
        its path or as ``postgresql://host/database``.
    store_uri : str or path, optional
        The store that they come to; by default the one that this process tracks to.
    experiments : sequence of str, optional
        Ids or names, of another nbtrack store; by default all.
    artifact_roots : sequence of str, or mapping of str to str, optional
        Where artifacts may come from beside the source's own folders (``mlruns`` and
        ``mlartifacts`` beside a database, what a server sends): ``["/data/artifacts"]``; or what
        the beginning of their places has become: ``{"/old/mlruns": "/new/mlruns"}``. What a
        source names elsewhere is not read, but named in the report.
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

    Examples
    --------
    >>> with nbtrack.start_run(run_name="elsewhere"):
    ...     nbtrack.log_metric("loss", 0.4)
    >>> _ = nbtrack.interop.export_to("other.duckdb")
    >>> nbtrack.set_tracking_uri("imported.duckdb")
    >>> report = nbtrack.interop.import_from("other.duckdb")
    >>> "elsewhere" in list(nbtrack.search_runs()["tags.mlflow.runName"])
    True
    >>> nbtrack.set_tracking_uri(None)
    """
    begin = time.monotonic()
    place = os.fspath(source)
    store = _store(store_uri)
    report = ImportReport(_shown(place), _shown(store.uri, store))
    roots = _checked(artifact_roots)
    opened = open_source(place, kind, report, named_folders(roots), experiments)
    for root in roots.values() if isinstance(roots, Mapping) else roots:
        if local_path(root) is None:
            store.access.choose(root)
    locator = ArtifactLocator(roots, opened.allowed)
    try:
        bring(opened, store, locator, report, progress=progress)
    finally:
        opened.close()
    report.seconds = time.monotonic() - begin
    return report


def export_to(
    target: Uri,
    store_uri: Uri | None = None,
    *,
    experiments: Sequence[str] | None = None,
    artifact_roots: Sequence[str] | None = None,
    progress: bool = True,
    kind: str | None = None,
) -> ExportReport:
    """Give the runs of a store to another tracker, or write them as tables.

    Doing it again is harmless: nothing doubles.

    Parameters
    ----------
    target : str or path
        The address of an MLflow server; an ``mlflow.db``, made where it is missing (which needs
        mlflow); another nbtrack store, by its path or as ``postgresql://host/database``; a folder
        for Parquet or CSV.
    store_uri : str or path, optional
        By default the store that this process tracks to.
    experiments : sequence of str, optional
        Ids or names; by default all.
    artifact_roots : sequence of str, optional
        Where artifacts may go beside the target's own places (``mlruns`` beside a database, what
        a server keeps itself), where the target says so.
    progress : bool
        Whether a bar shows how far it is.
    kind : str, optional
        ``mlflow-server``, ``mlflow-database``, ``parquet``, ``csv`` or ``nbtrack``, where the name
        of the target does not say it.

    Returns
    -------
    ExportReport
        What went, what was there, and what could not go, with reasons.

    Examples
    --------
    >>> with nbtrack.start_run():
    ...     nbtrack.log_metric("loss", 0.4)
    >>> nbtrack.interop.export_to("exported", kind="csv").ok
    True
    """
    begin = time.monotonic()
    place = os.fspath(target)
    store = _store(store_uri)
    found = (
        format_detection.target_kind(place)
        if kind is None
        else format_detection.check_kind(kind, format_detection.TARGETS)
    )
    report = ExportReport(_shown(store.uri, store), _shown(place))
    from nbtrack.interop.nbtrack_store import NbtrackStore

    roots = _checked(artifact_roots)
    source = NbtrackStore(store, report, experiments)
    with Progress(progress) as shown:
        match found:
            case "nbtrack":
                other = _store(place)
                if other is store:
                    raise InvalidParameterError(f"{place!r} is the store itself.")
                _copy(source, other, ArtifactLocator({}, source.allowed), report, shown)
            case "mlflow-database":
                from nbtrack.interop.to_mlflow_database import DatabaseExport

                DatabaseExport(
                    source, format_detection.path_of(place), report, shown, named_folders(roots)
                ).run()
            case "mlflow-server":
                from nbtrack.interop.to_mlflow_server import ServerExport

                ServerExport(source, place, report, shown, list(roots)).run()
            case "parquet":
                from nbtrack.interop.to_tables import export_parquet

                export_parquet(source, format_detection.path_of(place), report, shown)
            case _:
                from nbtrack.interop.to_tables import export_csv

                export_csv(source, format_detection.path_of(place), report, shown)
    report.seconds = time.monotonic() - begin
    return report


def open_source(
    place: str,
    kind: str | None,
    report: Report,
    named: Sequence[Path] = (),
    experiments: Sequence[str] | None = None,
) -> Source:
    """Return the source that a place is; each is imported when it is used."""
    found = (
        format_detection.source_kind(place)
        if kind is None
        else format_detection.check_kind(kind, format_detection.SOURCES)
    )
    if found == "nbtrack":
        from nbtrack.interop.nbtrack_store import NbtrackStore

        is_team = format_detection.is_team(place)
        store = _store(place if is_team else format_detection.path_of(place))
        return NbtrackStore(store, report, experiments, named)
    if experiments is not None:
        raise InvalidParameterError(
            f"Experiments of {_shown(place)} cannot be chosen: only those of a nbtrack store can."
        )
    if found == "mlflow-server":
        from nbtrack.interop.mlflow_server import MlflowServer

        return MlflowServer(place, report, named)
    path = format_detection.path_of(place)
    match found:
        case "mlflow-database":
            from nbtrack.interop.mlflow_database import MlflowDatabase

            return MlflowDatabase(path / "mlflow.db" if path.is_dir() else path, report, named)
        case "mlflow-files":
            from nbtrack.interop.mlflow_files import MlflowFiles

            return MlflowFiles(path, report, named)
        case "tensorboard":
            from nbtrack.interop.tensorboard import TensorBoard

            return TensorBoard(path, report, named)
        case "wandb":
            from nbtrack.interop.wandb import OfflineRuns

            return OfflineRuns(path, report, named)
        case "trackio":
            from nbtrack.interop.trackio import Trackio

            return Trackio(path, report, named)
    from nbtrack.interop.csv import CsvTables

    return CsvTables(path, report, named)


def bring(
    source: Source,
    store: Store,
    locator: ArtifactLocator,
    report: Report,
    *,
    progress: bool = False,
) -> None:
    """Bring everything of a source into a store."""
    from nbtrack.interop.nbtrack_store import NbtrackStore

    with Progress(progress) as shown:
        if isinstance(source, NbtrackStore):
            if source.store is store:
                raise InvalidParameterError(
                    f"{store.uri} is the store itself: nothing is to be imported."
                )
            _copy(source, store, locator, report, shown)
            return
        importer = Importer(source, store, locator, report, shown)
        importer.run()
        ModelImporter(importer).run()
        importer.finish()


def _copy(
    source: NbtrackStore,
    store: Store,
    locator: ArtifactLocator,
    report: Report,
    progress: Progress,
) -> None:
    """Copy one store of nbtrack into another: rows first, so that files have their runs."""
    from nbtrack.interop.store_copy import StoreCopy
    from nbtrack.interop.store_copy_files import FileCopy
    from nbtrack.interop.store_copy_models import ModelCopy

    copy = StoreCopy(source, store, locator, report, progress)
    copy.run()
    models = ModelCopy(copy)
    models.bring_models()
    FileCopy(copy, "runs").run(copy.runs)
    FileCopy(copy, "models").run(models.models)
    models.bring_registry()
    copy.finish()


def _store(uri: Uri | None) -> Store:
    """Return a store that is a file: what mirrors a server has only what was asked of it."""
    found = context.store() if uri is None else open_store(uri)
    if found.server is not None:
        server = format_detection.shown(found.server)
        raise InvalidParameterError(
            f"{server} is a tracking server. Name a store that is a file, such as runs.duckdb: "
            "import from the server into it, or export from it to the server."
        )
    return found


def _shown(place: str, store: Store | None = None) -> str:
    """Return what a place is called in reports: no password is in it."""
    if format_detection.is_team(place):
        return (store or open_store(place)).uri
    return format_detection.shown(place) if store is None else str(store.path)


def _checked(roots: Roots | None) -> Roots:
    """Return the places that the user has named; one place alone is a sequence of it."""
    if isinstance(roots, str | os.PathLike):
        return [os.fspath(roots)]
    return [os.fspath(root) for root in roots or ()] if not isinstance(roots, Mapping) else roots
