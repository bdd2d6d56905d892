"""Experiments, runs and files as records of JSON, with the keys that docs/cli.md lists."""

from __future__ import annotations

from typing import Any

from nbtrack.entities import Experiment, FileInfo, Run, RunInfo

RUN_FIELDS = (
    "run_id",
    "run_name",
    "experiment_id",
    "status",
    "lifecycle_stage",
    "start_time",
    "end_time",
    "user_id",
    "artifact_uri",
)


def run_record(run: Run) -> dict[str, Any]:
    """Return a run: the fields of its info, params, last values of its metrics, tags."""
    return {
        **{field: getattr(run.info, field) for field in RUN_FIELDS},
        "duration_s": duration_s(run.info),
        "params": run.data.params,
        "metrics": run.data.metrics,
        "tags": run.data.tags,
    }


def duration_s(info: RunInfo) -> float | None:
    """Return the seconds that a run took so far, if that is known."""
    from nbtrack.views.details.details import duration_s as seconds

    return seconds(info.status, info.start_time, info.end_time)


def experiment_record(experiment: Experiment) -> dict[str, Any]:
    """Return an experiment with the fields that MLflow's protocol gives it."""
    return experiment.to_dictionary()


def file_record(file: FileInfo) -> dict[str, Any]:
    """Return a file or folder of artifacts: ``path``, ``is_dir``, ``file_size``."""
    return {"path": file.path, "is_dir": file.is_dir, "file_size": file.file_size}
