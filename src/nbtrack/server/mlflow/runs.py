"""Runs: made, changed, read, searched."""

from __future__ import annotations

from nbtrack.entities import Run, RunData, RunTag
from nbtrack.entities.runs import RUN_NAME
from nbtrack.protocol import decode, encode
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.experiments import view_number
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import get_run, now_ms, run_has_living_owner
from nbtrack.validation import check_run_id, check_timestamp

MAX_RUNS = 1000


def create(service: TrackingService, request: ParsedRequest) -> Response:
    """Make a run; it is in its journal, and belongs to no process of this machine."""
    from nbtrack.tracking import new_runs as runs

    tags = decode.tags(request["tags"])
    info, _ = runs.create(
        service.store,
        request["experiment_id"] or "0",
        run_name=request["run_name"] or None,
        start_time=request["start_time"] or None,
        tags=tags,
        user_id=request["user_id"] or None,
        owned=False,
    )
    tags[RUN_NAME] = info.run_name
    made = Run(info, RunData((), (), [RunTag(key, value) for key, value in tags.items()]))
    return Response({"run": encode.run(made, service.proxy.of_run(info))})


def update(service: TrackingService, request: ParsedRequest) -> Response:
    """Change status, end or name of a run."""
    run_id = check_run_id(request["run_id"])
    status, end_time = request["status"], request["end_time"] or None
    if end_time is not None:
        check_timestamp(end_time, "end_time")
    writer = service.store.writer(run_id)
    if request["run_name"]:
        writer.set_tags({RUN_NAME: request["run_name"]})
    if status in ("RUNNING", "SCHEDULED"):
        with service.store.read() as reader:  # a client that joins does not take the run over
            is_open = run_has_living_owner(reader, run_id)
        owner = {} if is_open else {"host": "", "pid": 0}
        writer.append([("update", {"status": status, **owner})])
    elif status is not None:
        writer.update(status=status, end_time=end_time or now_ms())
        if not writer.pinned:
            service.store.writers.forget(run_id)
    elif end_time is not None:
        writer.update(end_time=end_time)
    with service.store.read() as reader:
        info = get_run(reader, run_id).info
    return Response({"run_info": encode.run_info(info, service.proxy.of_run(info))})


def get(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a run."""
    with service.store.read() as reader:
        found = get_run(reader, request["run_id"])
    return Response({"run": encode.run(found, service.proxy.of_run(found.info))})


def delete(service: TrackingService, request: ParsedRequest) -> Response:
    """Mark a run as deleted."""
    service.store.runs.delete(request["run_id"])
    return Response({})


def restore(service: TrackingService, request: ParsedRequest) -> Response:
    """Bring a run back."""
    service.store.runs.restore(request["run_id"])
    return Response({})


def search(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a page of the runs that fit a filter."""
    from nbtrack.store.search import search_runs

    limit = request["max_results"]
    with service.store.read() as reader:
        found = search_runs(
            reader,
            request["experiment_ids"] or [],
            request["filter"] or "",
            view_number(request["run_view_type"]),
            MAX_RUNS if limit is None else limit,
            request["order_by"],
            request["page_token"],
        )
    listed = [encode.run(run, service.proxy.of_run(run.info), model_inputs=False) for run in found]
    return Response(encode.omit_none(runs=listed, next_page_token=found.token))
