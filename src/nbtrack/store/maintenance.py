"""Keeping a store small and quick: ``compact`` and ``sync``."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from nbtrack.errors import NbtrackError, warn
from nbtrack.store.journal import now_ms
from nbtrack.store.logged_models import usual_location
from nbtrack.store.reader import Reader
from nbtrack.store.store import Store, open_store


@dataclass(frozen=True)
class CompactReport:
    """What ``compact`` did.

    Attributes
    ----------
    runs : int
        Deleted runs that are gone for good now.
    experiments : int
        Deleted experiments without runs that are gone for good now.
    database_bytes : int
        By how much the database file has become smaller.
    artifact_bytes : int
        How many bytes of artifacts without an owner were removed.
    models : int
        Deleted logged models that are gone for good now; what is registered stays.
    """

    runs: int
    experiments: int
    database_bytes: int
    artifact_bytes: int
    models: int = 0


def sync(uri: str | os.PathLike[str] | None = None) -> int:
    """Fold every journal of a store into its database now.

    Parameters
    ----------
    uri : str or path, optional
        The store; by default the one that the process tracks to.

    Returns
    -------
    int
        The number of points that came in.

    Raises
    ------
    StoreLockedError
        If someone holds the file: it says which process. Nothing is lost.
    """
    return open_store(uri).fold()


def compact(
    uri: str | os.PathLike[str] | None = None, *, older_than_s: float = 0.0
) -> CompactReport:
    """Give the space of what is deleted back, sort the points, drop artifacts without an owner.

    Deleted runs and logged models cannot be restored afterwards. The database is written
    anew beside the old file and takes its place in one step.

    Parameters
    ----------
    uri : str or path, optional
        The store; by default the one that the process tracks to.
    older_than_s : float
        Only what was deleted so many seconds ago go.

    Raises
    ------
    StoreLockedError
        If someone holds the file: it says which process.
    DiskFullError
        If there is no room for the new file; the old one stays.
    """
    store = open_store(uri)
    before = now_ms() - int(older_than_s * 1000)
    with store.locked_for_writing():
        size = store.path.stat().st_size
        with store.write() as reader:
            gone = reader.named("maintenance.deleted_runs", before=before)
            _remove_runs(reader, [run_id for run_id, _, _ in gone])
            models = reader.named("maintenance.deleted_models", before=before)
            _remove_models(reader, [model_id for model_id, _, _ in models])
            experiments = _remove_experiments(reader, before)
        for run_id, experiment_id, artifact_uri in gone:
            store.writers.forget(run_id)
            _remove_artifacts(store, artifact_uri or f"artifacts/{experiment_id}/{run_id}")
        for model_id, experiment_id, location in models:
            _remove_artifacts(store, location or usual_location(experiment_id, model_id))
        _rewrite(store)
        freed = _remove_orphans(store)
        smaller = size - store.path.stat().st_size
        return CompactReport(len(gone), experiments, smaller, freed, len(models))


def _remove_runs(reader: Reader, runs: list[str]) -> None:
    for noun in (
        "points",
        "series",
        "params",
        "tags",
        "artifacts",
        "inputs",
        "model_inputs",
        "model_outputs",
        "runs",
    ):
        if runs:
            reader.named(f"maintenance.remove_{noun}", runs=runs)


def _remove_models(reader: Reader, models: list[str]) -> None:
    for noun in ("params", "tags", "metrics", "artifacts", "inputs", "outputs", "rows"):
        if models:
            reader.named(f"maintenance.remove_{noun}_of_models", models=models)


def _remove_experiments(reader: Reader, before: int) -> int:
    experiments = [e for (e,) in reader.named("maintenance.empty_experiments", before=before)]
    for noun in ("experiment_tags", "datasets", "experiments"):
        if experiments:
            reader.named(f"maintenance.remove_{noun}", experiments=experiments)
    return len(experiments)


def _remove_artifacts(store: Store, artifact_uri: str) -> None:
    from nbtrack.store.artifacts import ArtifactFolder
    from nbtrack.store.runs import resolved

    if _is_below(artifact_uri):
        return  # goes with the folders that have no run any more
    try:
        ArtifactFolder(resolved(store.folder, artifact_uri)).delete()
    except (NbtrackError, OSError) as error:
        warn(f"The artifacts in {artifact_uri} could not be removed: {error}")


def _is_below(artifact_uri: str) -> bool:
    path = PurePosixPath(artifact_uri)
    return ":" not in artifact_uri and not path.is_absolute() and ".." not in path.parts


def _rewrite(store: Store) -> None:
    from nbtrack.store import database

    fresh = store.path.with_name(store.path.name + ".compact")
    fresh.unlink(missing_ok=True)
    try:
        database.copy_sorted(store.path, fresh)
        fresh.replace(store.path)
    finally:
        fresh.unlink(missing_ok=True)


def _remove_orphans(store: Store) -> int:
    """Remove the folders of runs and models that nobody knows, and content that nobody uses."""
    from nbtrack.store import tails
    from nbtrack.store.content import sweep_artifacts

    folders = [
        place
        for place in (*store.artifacts.glob("*/*"), *store.artifacts.glob("*/models/*"))
        if place.is_dir() and place.parent.name != ".content" and place.name != "models"
    ]
    # the journal of a run, or of a model, is older than its folder: those made meanwhile have one
    known = {name.split(".", 1)[0] for name in tails.sizes(store.journals)}
    with store.read() as reader:
        known |= {owner for (owner,) in reader.named("maintenance.with_artifacts")}
    freed = 0
    for folder in folders:
        if folder.name not in known:
            freed += _size(folder)
            shutil.rmtree(folder, ignore_errors=True)
    return freed + (sweep_artifacts(store.artifacts) if store.artifacts.exists() else 0)


def _size(folder: Path) -> int:
    """Return the bytes that go with a folder: files that others share stay."""
    sizes = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return sum(s.st_size for s in sizes if s.st_nlink == 1)
