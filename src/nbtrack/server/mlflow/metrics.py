"""Histories of metrics: whole, in pages, of several runs, and thinned out."""

from __future__ import annotations

from collections.abc import Sequence

from nbtrack.errors import InvalidParameterError
from nbtrack.protocol import encode
from nbtrack.server.messages import Response
from nbtrack.server.mlflow.service import ParsedRequest, TrackingService
from nbtrack.store import get_run, metric_history_page, metric_steps, metrics_at_steps
from nbtrack.store.search import make_page_token, read_page_token
from nbtrack.validation import SEE_DOCS, check_run_id

MAX_POINTS = 25_000
MAX_RUNS = 100
MAX_PER_RUN = 2_500
_ALL = 2**62


def history(service: TrackingService, request: ParsedRequest) -> Response:
    """Return the points of a metric by (timestamp, step, value); in pages where that is asked."""
    run_id, limit, start = (
        request["run_id"],
        request["max_results"],
        read_page_token(request["page_token"]),
    )
    if limit is not None and limit <= 0:
        raise InvalidParameterError(
            f"Invalid value {limit} for parameter 'max_results' supplied. It must be a positive "
            "integer."
        )
    if limit is not None:
        limit = min(limit, MAX_POINTS)  # the token of the page leads to the rest
    with service.store.read() as reader:
        get_run(reader, run_id)
        wanted = _ALL if limit is None else limit + 1
        found = metric_history_page(reader, run_id, request["metric_key"], start, wanted)
    token = make_page_token(start + limit) if limit is not None and len(found) > limit else None
    points = [encode.metric(point) for point in found[:limit]]
    return Response(encode.omit_none(metrics=points, next_page_token=token))


def bulk(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a metric of several runs, one run after the other."""
    run_ids, key = request["run_id"] or [], request["metric_key"]
    if not run_ids:
        raise InvalidParameterError(
            "GetMetricHistoryBulk request must specify at least one run_id."
        )
    if len(run_ids) > MAX_RUNS:
        raise InvalidParameterError(
            f"GetMetricHistoryBulk request cannot specify more than {MAX_RUNS} run_ids. Received "
            f"{len(run_ids)} run_ids."
        )
    if key is None:
        raise InvalidParameterError("GetMetricHistoryBulk request must specify a metric_key.")
    left = MAX_POINTS if request["max_results"] is None else min(request["max_results"], MAX_POINTS)
    points = []
    with service.store.read() as reader:
        for run_id in sorted(run_ids):
            if left <= 0:
                break
            found = metric_history_page(reader, check_run_id(run_id), key, 0, left)
            left -= len(found)
            points += [{**encode.metric(point), "run_id": run_id} for point in found]
    return Response({"metrics": points})


def bulk_interval(service: TrackingService, request: ParsedRequest) -> Response:
    """Return a metric of several runs at steps that are spread evenly over an interval.

    Each run keeps its first and its last step.
    """
    run_ids, first, last = request["run_ids"], request["start_step"], request["end_step"]
    if len(run_ids) > MAX_RUNS:
        raise InvalidParameterError(
            f"GetMetricHistoryBulkInterval request must specify at most {MAX_RUNS} run_ids. "
            f"Received {len(run_ids)} run_ids. {SEE_DOCS}"
        )
    limit = MAX_PER_RUN if request["max_results"] is None else request["max_results"]
    if not 1 <= limit <= MAX_PER_RUN:
        raise InvalidParameterError(f"max_results must be between 1 and {MAX_PER_RUN}. {SEE_DOCS}")
    if (first is None) != (last is None):
        raise InvalidParameterError(
            "If either start step or end step are specified, both must be specified."
        )
    if first is not None and first > last:
        raise InvalidParameterError(
            "end_step must be greater than start_step. "
            f"Found start_step={first} and end_step={last}."
        )
    key = request["metric_key"]
    points: list[encode.Json] = []
    with service.store.read() as reader:
        reader.refresh(runs=[*map(check_run_id, run_ids)], history=[key])
        for run_id in run_ids:
            steps = spread(metric_steps(reader, run_id, key, first, last), limit)
            points += [
                {**encode.metric(metric), "run_id": run_id}
                for metric in metrics_at_steps(reader, run_id, key, steps, MAX_PER_RUN)
            ]
    return Response(encode.omit_none(metrics=points))


def spread(steps: Sequence[int], limit: int) -> list[int]:
    """Return at most ``limit`` of some steps, evenly spread, with the first and the last."""
    if len(steps) <= limit:
        return list(steps)
    if limit == 1:
        return [steps[-1]]
    width = (len(steps) - 1) / (limit - 1)
    return [steps[round(place * width)] for place in range(limit)]
