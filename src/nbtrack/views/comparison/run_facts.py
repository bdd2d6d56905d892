"""What is known of a run, for the difference between two of them."""

from __future__ import annotations

import json
from typing import Any, TypedDict

from nbtrack.entities.runs import DATA_CONTEXT, NOTE
from nbtrack.store import Reader, get_experiment, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.store.search import Direction, direction_of
from nbtrack.views.code import ENVIRONMENT_FILE, read_text
from nbtrack.views.comparison.query import metric_extents
from nbtrack.views.details.baselines import source_of
from nbtrack.views.formats import OUR_TAGS, by_name, json_number
from nbtrack.views.json_types import Pair, RunState

MAX_ENVIRONMENT = 400_000


class DiffMetric(TypedDict):
    """A metric of a run; a value that is no finite number is a text."""

    key: str
    last: float | str | None
    min: float | str | None
    max: float | str | None
    step: int
    direction: Direction | None


class DiffDataset(TypedDict):
    """A dataset that a run has used."""

    name: str
    digest: str
    context: str
    rows: int | None


class DiffGit(TypedDict):
    """The code that was checked out."""

    commit: str | None
    branch: str | None
    dirty: bool | None


class DiffEnvironment(TypedDict):
    """The part of a run's environment that is compared."""

    python: str
    platform: str
    gpu: str
    packages: dict[str, str]
    git: DiffGit | None


class DiffHead(TypedDict):
    """What is known of a run, but what many runs share."""

    run_id: str
    name: str
    experiment: str
    state: RunState
    start_ms: int
    duration_s: float | None
    note: str
    params: list[Pair]
    tags: list[Pair]
    metrics: list[DiffMetric]
    datasets: list[DiffDataset]


class DiffRun(DiffHead):
    """What is known of a run; ``environment`` is null where it was not kept."""

    environment: DiffEnvironment | None
    source: str | None


def run_facts(reader: Reader, run_id: str) -> DiffRun:
    """Return what is known of a run as plain JSON.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    run = get_run(reader, run_id)
    info, tags, params = run.info, run.data.tags, run.data.params
    folder = reader.access.folder(info.artifact_uri)
    duration = None if info.end_time is None else max(0, info.end_time - info.start_time) / 1000
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "experiment": get_experiment(reader, info.experiment_id).name,
        "state": info.status,
        "start_ms": info.start_time,
        "duration_s": duration,
        "note": tags.get(NOTE, ""),
        "params": by_name(params),
        "tags": by_name(tags, OUR_TAGS),
        "metrics": [
            {
                "key": key,
                "last": json_number(last),
                "min": json_number(low),
                "max": json_number(high),
                "step": step,
                "direction": direction_of(key),
            }
            for key, last, low, high, step in metric_extents(reader, run_id)
        ],
        "datasets": [
            {
                "name": found.dataset.name,
                "digest": found.dataset.digest,
                "context": _context(found.tags),
                "rows": _rows(found.dataset.profile),
            }
            for found in run.inputs.dataset_inputs
        ],
        "environment": _environment(folder),
        "source": source_of(folder),
    }


def _context(tags: Any) -> str:
    found = (tag.value for tag in tags or () if tag.key == DATA_CONTEXT)
    return next(found, "")


def _rows(profile: str | None) -> int | None:
    try:
        found = json.loads(profile or "{}")
    except ValueError:
        return None
    for name in ("num_rows", "num_examples", "rows"):
        if isinstance(found.get(name), int):
            return int(found[name])
    shapes = [value for key, value in found.items() if key.endswith("shape")]
    shapes = [s["features"] if isinstance(s, dict) and "features" in s else s for s in shapes]
    first = next((s for s in shapes if isinstance(s, list) and s), None)
    return int(first[0]) if first and isinstance(first[0], int) else None


def _environment(folder: ArtifactFolder) -> DiffEnvironment | None:
    """Return the part of a run's environment that is compared."""
    text = read_text(folder, ENVIRONMENT_FILE, MAX_ENVIRONMENT)
    if text is None:
        return None
    try:
        found = json.loads(text)
        python, platform = found.get("python") or {}, found.get("platform") or {}
        git = found.get("git") or None
        gpus = found.get("gpus") or []
        return {
            "python": str(python.get("version") or ""),
            "platform": " ".join(
                str(platform[part]) for part in ("system", "release", "machine") if part in platform
            ),
            "gpu": ", ".join(str(g.get("name", g) if isinstance(g, dict) else g) for g in gpus),
            "packages": {str(k): str(v) for k, v in (found.get("packages") or {}).items()},
            "git": None
            if git is None
            else {
                "commit": git.get("commit"),
                "branch": git.get("branch"),
                "dirty": git.get("dirty", bool(git.get("changed_count"))),
            },
        }
    except (ValueError, AttributeError, RecursionError):
        return None
