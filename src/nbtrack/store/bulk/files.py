"""Files of runs and models in bulk: which of them are recorded, and recording more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from nbtrack.store.reader import Reader


class RecordedFile(NamedTuple):
    """A file as the database has it; the time in milliseconds since the epoch."""

    size: int
    time: int
    sha256: str | None


def recorded_files(reader: Reader, run_ids: Sequence[str]) -> dict[str, dict[str, RecordedFile]]:
    """Return the recorded artifacts of some runs, by run and path."""
    found: dict[str, dict[str, RecordedFile]] = {run_id: {} for run_id in run_ids}
    for run_id, path, *file in reader.named("bulk.artifacts_of_runs", runs=list(run_ids)):
        found[run_id][path] = RecordedFile(*file)
    return found


def recorded_model_files(reader: Reader, model_id: str) -> dict[str, RecordedFile]:
    """Return the recorded files of a logged model, by path."""
    rows = reader.named("bulk_models.artifacts", model_id=model_id)
    return {path: RecordedFile(*file) for path, *file in rows}


def record_files(
    reader: Reader, of: Literal["runs", "models"], files: Mapping[tuple[str, str], RecordedFile]
) -> None:
    """Record files of runs or models; what was recorded of the same paths is replaced.

    Parameters
    ----------
    reader : Reader
    of : str
        What the files belong to.
    files : mapping
        By (run or model, path).
    """
    noun = "fold" if of == "runs" else "fold_models"
    where = {of: [owner for owner, _ in files], "paths": [path for _, path in files]}
    reader.named(f"{noun}.remove_artifacts", **where)
    reader.named(
        f"{noun}.add_artifacts",
        **where,
        sizes=[file.size for file in files.values()],
        hashes=[file.sha256 for file in files.values()],
        times=[file.time for file in files.values()],
    )
