"""Runs: made, changed, read, searched."""

from __future__ import annotations

from nbtrack.entities import Run, RunData, RunTag
from nbtrack.entities.runs import RUN_NAME
from nbtrack.limits import check_run_id, check_timestamp
from nbtrack.protocol import decode, encode
from nbtrack.server.messages import Reply
from nbtrack.server.mlflow.experiments import view_number
from nbtrack.server.mlflow.served import Asked, Served
from nbtrack.store.journal import now_ms
from nbtrack.store.liveness import owner_of
from nbtrack.store.runs import get_run
from nbtrack.store.store import Store

MAX_RUNS = 1000


def create(served: Served, asked: Asked) -> Reply:
    """Make a run; it is in its journal, and belongs to no process of this machine."""
    from nbtrack.tracking import run as runs

    tags = decode.tags(asked["tags"])
    info, _ = runs.create(
        served.store,
        asked["experiment_id"] or "0",
        run_name=asked["run_name"] or None,
        start_time=asked["start_time"] or None,
        tags=tags,
        user_id=asked["user_id"] or None,
        owned=False,
    )
    tags[RUN_NAME] = info.run_name
    made = Run(info, RunData((), (), [RunTag(key, value) for key, value in tags.items()]))
    return Reply({"run": encode.run(made, served.places.of_run(info))})


def update(served: Served, asked: Asked) -> Reply:
    """Change status, end or name of a run."""
    run_id = check_run_id(asked["run_id"])
    status, end_time = asked["status"], asked["end_time"] or None
    if end_time is not None:
        check_timestamp(end_time, "end_time")
    writer = served.store.writer(run_id)
    if asked["run_name"]:
        writer.set_tags({RUN_NAME: asked["run_name"]})
    if status in ("RUNNING", "SCHEDULED"):
        owner = {} if _has_living_owner(served.store, run_id) else {"host": "", "pid": 0}
        writer.append([("update", {"status": status, **owner})])
    elif status is not None:
        writer.update(status=status, end_time=end_time or now_ms())
        if not writer.pinned:
            served.store.writers.forget(run_id)
    elif end_time is not None:
        writer.update(end_time=end_time)
    with served.store.read() as reader:
        info = get_run(reader, run_id).info
    return Reply({"run_info": encode.run_info(info, served.places.of_run(info))})


def _has_living_owner(store: Store, run_id: str) -> bool:
    """Return whether a process has the run open: a client that joins does not take it over."""
    with store.read() as reader:
        reader.refresh(runs=[run_id])
        host, *known = reader.named("experiments.run_owner", run_id=run_id)[0]
    return bool(host) and not owner_of(host, *known).is_gone()


def get(served: Served, asked: Asked) -> Reply:
    """Return a run."""
    with served.store.read() as reader:
        found = get_run(reader, asked["run_id"])
    return Reply({"run": encode.run(found, served.places.of_run(found.info))})


def delete(served: Served, asked: Asked) -> Reply:
    """Mark a run as deleted."""
    served.store.runs.delete(asked["run_id"])
    return Reply({})


def restore(served: Served, asked: Asked) -> Reply:
    """Bring a run back."""
    served.store.runs.restore(asked["run_id"])
    return Reply({})


def search(served: Served, asked: Asked) -> Reply:
    """Return a page of the runs that fit a filter."""
    from nbtrack.store.search.runs import search_runs

    limit = asked["max_results"]
    with served.store.read() as reader:
        found = search_runs(
            reader,
            asked["experiment_ids"] or [],
            asked["filter"] or "",
            view_number(asked["run_view_type"]),
            MAX_RUNS if limit is None else limit,
            asked["order_by"],
            asked["page_token"],
        )
    listed = [encode.run(run, served.places.of_run(run.info), model_inputs=False) for run in found]
    return Reply(encode.omit_none(runs=listed, next_page_token=found.token))
