"""All there is to see of one run, as JSON."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypedDict

from nbtrack.entities import DatasetInput, Run, RunInfo
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import (
    ARCHIVED,
    DATA_CONTEXT,
    ERROR_TAG,
    GIT_BRANCH,
    GIT_COMMIT,
    GIT_REPO_URL,
    HOST,
    KEPT,
    NOTE,
    SOURCE_NAME,
    SOURCE_TYPE,
    TRACEBACK_FILE,
)
from nbtrack.store import Store, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import (
    ENVIRONMENT_FILE,
    RunSource,
    line_of_cell,
    read_json,
    read_text,
    source_of_run,
)
from nbtrack.views.details.baselines import facts_of, source_of
from nbtrack.views.details.query import Details, Link, previous_run, run_details
from nbtrack.views.details.reproducibility import BadgeJson
from nbtrack.views.details.rerun_progress import RerunOffer, rerun_offer
from nbtrack.views.details.run_diff import run_diff
from nbtrack.views.details.tree_query import last_step
from nbtrack.views.details.tree_run import duration_s, ending, is_set
from nbtrack.views.details.verdict_badges import run_badges
from nbtrack.views.formats import OUR_TAGS, by_name, json_number, natural_order
from nbtrack.views.images import has_images
from nbtrack.views.json_types import Pair, RunDiffDetail, RunDiffItem, RunModel, RunState
from nbtrack.views.models.facts import models_of_run, short_facts
from nbtrack.views.verdict import Verdict, verdict_of

MAX_PROFILE = 2000
MAX_TRACEBACK = 20_000
_FRAME = re.compile(r'^  File "([^"]*)", line (\d+)', re.MULTILINE)
#: What a file says; whoever shows it looks at what it is.
Unknown: TypeAlias = Annotated[Any, object]


class RunLink(TypedDict):
    """A run that is referred to."""

    run_id: str
    name: str
    state: RunState


class RunHead(TypedDict):
    """What a run is; see `TreeRun`."""

    run_id: str
    name: str
    experiment_id: str
    experiment: str
    state: RunState
    stage: str
    archived: bool
    kept: bool
    start_ms: int
    end_ms: int | None
    duration_s: float | None
    user: str | None
    last_step: int | None
    ending: str | None
    note: str | None
    parent: RunLink | None
    children: list[RunLink]


class Failure(TypedDict):
    """Why a run failed: the error, the line of the cell it came from, and the way to it."""

    error: str
    line: int | None
    traceback: str | None


class MetricFacts(TypedDict):
    """What is known of a metric of a run; a word stands for a number that is not finite."""

    key: str
    last: float | str | None
    min: float | str | None
    max: float | str | None
    step: int
    count: int
    spark: list[float | None]


class DatasetFacts(TypedDict):
    """A dataset that a run has used."""

    name: str
    digest: str
    context: str | None
    source: Unknown
    profile: Unknown


class Git(TypedDict):
    """The code that was checked out; ``changed`` are the files that differed from the commit."""

    commit: str
    branch: str | None
    dirty: bool | None
    repo: str | None
    changed: list[str]


class Environment(TypedDict):
    """Where a run ran, as far as it was kept."""

    python: str | None
    executable: Unknown
    platform: str | None
    packages: list[Pair]
    git: Git | None
    gpu: str | None
    cuda: Unknown
    notebook: str | None
    folder: Unknown
    host: str | None
    cpu_count: Unknown
    memory: Unknown


class CellSource(TypedDict):
    """The code of a run's cell."""

    text: str
    execution_count: int | None


class BaselineDiff(TypedDict):
    """What is different from the run before."""

    run_id: str
    name: str
    items: list[RunDiffItem]
    detail: RunDiffDetail


class FullRun(TypedDict):
    """All there is to see of a run, but its artifacts."""

    run: RunHead
    failure: Failure | None
    params: list[Pair]
    tags: list[Pair]
    metrics: list[MetricFacts]
    datasets: list[DatasetFacts]
    environment: Environment
    source: CellSource | None
    badges: list[BadgeJson]
    verdict: Verdict | None
    rerun: RerunOffer
    models: list[RunModel]
    has_images: bool
    since: BaselineDiff | None


def details(store: Store, run_id: str) -> FullRun:
    """Return all there is to see of a run.

    The store is free again before the files of the run are read: they may be far away.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    with store.read() as reader:
        found = run_details(reader, run_id)
        previous_id = previous_run(reader, found.run.info)
        previous = None if previous_id is None else get_run(reader, previous_id)
        models = models_of_run(reader, found.run.info.run_id)
    run, params = found.run, found.run.data.params
    folder = store.access.folder(run.info.artifact_uri)
    environment = read_json(folder, ENVIRONMENT_FILE)
    source = source_of_run(run, folder)
    return {
        "run": _run(found),
        "failure": _failure(run.data.tags.get(ERROR_TAG), folder),
        "params": by_name(params),
        "tags": by_name(run.data.tags, OUR_TAGS),
        "metrics": _metrics(found),
        "datasets": [_dataset(each) for each in run.inputs.dataset_inputs],
        "environment": _environment(environment, run.data.tags),
        "source": None
        if source.text is None
        else {"text": source.text, "execution_count": source.number},
        "badges": [badge.as_json() for badge in run_badges(run, source, folder, environment)],
        "verdict": verdict_of(run.data.tags),
        "rerun": rerun_offer(run.data.tags, source, folder),
        "models": [short_facts(each) for each in models],
        "has_images": has_images(run.data.tags),
        "since": None if previous is None else _baseline_diff(store, run, previous, source),
    }


def _run(found: Details) -> RunHead:
    info: RunInfo = found.run.info
    tags = found.run.data.tags
    step = last_step(found.series)
    return {
        "run_id": info.run_id,
        "name": info.run_name,
        "experiment_id": info.experiment_id,
        "experiment": found.experiment,
        "state": info.status,
        "stage": info.lifecycle_stage,
        "archived": is_set(tags.get(ARCHIVED)),
        "kept": is_set(tags.get(KEPT)),
        "start_ms": info.start_time,
        "end_ms": info.end_time,
        "duration_s": duration_s(info.status, info.start_time, info.end_time),
        "user": info.user_id or None,
        "last_step": step,
        "ending": ending(info.status, step, tags.get(SOURCE_TYPE), found.silent_s),
        "note": tags.get(NOTE),
        "parent": None if found.parent is None else _link(found.parent),
        "children": [_link(child) for child in found.children],
    }


def _failure(error: str | None, folder: ArtifactFolder) -> Failure | None:
    if not error:
        return None
    trace = read_text(folder, TRACEBACK_FILE)
    own = (trace or "").rpartition("\nTraceback ")[2]  # without those of its causes
    line = line_of_cell((file, int(line)) for file, line in _FRAME.findall(own))
    shown = trace if trace is None or len(trace) <= MAX_TRACEBACK else f"…{trace[-MAX_TRACEBACK:]}"
    return {"error": error, "line": line, "traceback": shown}


def _link(link: Link) -> RunLink:
    return {"run_id": link.run_id, "name": link.name, "state": link.status}


def _metrics(found: Details) -> list[MetricFacts]:
    rows = sorted(found.series, key=lambda row: (is_system_metric(row.key), natural_order(row.key)))
    return [
        {
            "key": row.key,
            "last": json_number(row.last),
            "min": json_number(row.min),
            "max": json_number(row.max),
            "step": row.last_step,
            "count": row.count,
            "spark": found.sparks[row.number],
        }
        for row in rows
    ]


def _dataset(each: DatasetInput) -> DatasetFacts:
    dataset = each.dataset
    tags = {tag.key: tag.value for tag in each.tags}
    return {
        "name": dataset.name,
        "digest": dataset.digest,
        "context": tags.get(DATA_CONTEXT),
        "source": _parsed(dataset.source),
        "profile": _parsed(dataset.profile),
    }


def _parsed(text: str | None) -> Any:
    """Return JSON as what it says, as far as it is short and can be sent on."""
    if text is None or len(text) > MAX_PROFILE:
        return None if text is None else text[:MAX_PROFILE] + "…"
    try:
        return json.loads(text, parse_constant=str)
    except ValueError:
        return text


def _environment(kept: Mapping[str, Any], tags: Mapping[str, str]) -> Environment:
    python, platform = _mapping(kept.get("python")), _mapping(kept.get("platform"))
    names = ("system", "release", "machine")
    gpus = kept.get("gpus")
    return {
        "python": python.get("version"),
        "executable": python.get("executable"),
        "platform": " ".join(str(platform[n]) for n in names if platform.get(n)) or None,
        "packages": [[name, str(v)] for name, v in _mapping(kept.get("packages")).items()],
        "git": _git(_mapping(kept.get("git")), tags),
        "gpu": ", ".join(str(_mapping(gpu).get("name")) for gpu in gpus) or None
        if isinstance(gpus, list)
        else None,
        "cuda": kept.get("cuda") or kept.get("torch_cuda"),
        "notebook": tags.get(SOURCE_NAME),
        "folder": kept.get("folder"),
        "host": tags.get(HOST),
        "cpu_count": kept.get("cpu_count"),
        "memory": kept.get("memory"),
    }


def _git(kept: Mapping[str, Any], tags: Mapping[str, str]) -> Git | None:
    commit = kept.get("commit") or tags.get(GIT_COMMIT)
    if not commit:
        return None
    return {
        "commit": commit,
        "branch": kept.get("branch") or tags.get(GIT_BRANCH),
        "dirty": kept.get("dirty"),
        "repo": kept.get("repo_url") or tags.get(GIT_REPO_URL),
        "changed": kept.get("changed") or [],
    }


def _baseline_diff(store: Store, run: Run, previous: Run, source: RunSource) -> BaselineDiff:
    """Return what is different from the run before, as the card of a run says it."""
    before = source_of(store.access.folder(previous.info.artifact_uri))
    found = run_diff(facts_of(run, source.text), facts_of(previous, before))
    return {
        "run_id": previous.info.run_id,
        "name": previous.info.run_name,
        "items": found.items,
        "detail": found.detail,
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
