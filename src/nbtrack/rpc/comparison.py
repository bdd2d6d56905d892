"""Requests of comparisons: values of many runs, param importance, two runs in full."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated, Any, TypedDict

from nbtrack.errors import InvalidParameterError
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Response
from nbtrack.store import Store
from nbtrack.views.comparison.data import ComparedRuns, Scope, compare_runs
from nbtrack.views.comparison.importance import Importance, find_importance
from nbtrack.views.comparison.run_facts import DiffRun, run_facts
from nbtrack.views.images import RunImages, images_of_runs

REQUESTS = Topic("compare")
_NOT_SAID: list[str] = []


@dataclass(frozen=True)
class ScopeParams:
    """Which runs are compared: these, or those of experiments (null for all) that fit a filter."""

    run_ids: list[str] | None = None
    experiment_ids: list[str] | None = field(default_factory=lambda: _NOT_SAID)
    filter: str = ""

    @property
    def scope(self) -> Scope:
        """Return it as views take it.

        Raises
        ------
        InvalidParameterError
            If it does not say which runs are meant.
        """
        if self.run_ids is not None:
            return Scope(None, "", self.run_ids)
        if self.experiment_ids is _NOT_SAID:
            raise InvalidParameterError("The question names no runs: it has no experiment_ids.")
        return Scope(self.experiment_ids, self.filter)


@dataclass(frozen=True)
class DataParams(ScopeParams):
    """``columns`` are by default the params that differ and the primary metrics."""

    columns: list[str] | None = None


@dataclass(frozen=True)
class ImportanceParams(ScopeParams):
    """``metric`` is by default the primary one."""

    metric: str | None = None


@dataclass(frozen=True)
class DiffParams:
    """The ids of two runs."""

    a: str
    b: str


@dataclass(frozen=True)
class ImagesParams:
    """The ids of the runs that are shown."""

    run_ids: list[str]


class ComparedImages(TypedDict):
    """The images of those runs that have logged some; ``note`` says why there are none to show."""

    runs: list[RunImages]
    note: str


class Diff(TypedDict):
    """What is known of two runs; the browser lays it side by side."""

    a: DiffRun
    b: DiffRun


@REQUESTS.reads("data")
def data(store: Store, params: DataParams) -> Response[ComparedRuns]:
    """Return the values of columns, one float64 buffer each."""
    with store.read() as reader:
        return Response(*compare_runs(reader, params.scope, params.columns).as_response())


@REQUESTS.reads("importance")
def importance(
    store: Store, params: ImportanceParams
) -> Response[Annotated[dict[str, Any], Importance]]:
    """Return which params a metric depends on."""
    return Response(find_importance(store, params.scope, params.metric or None).as_json())


@REQUESTS.reads("diff")
def diff(store: Store, params: DiffParams) -> Response[Diff]:
    """Return what is known of two runs."""
    with store.read() as reader:
        first, second = (run_facts(reader, run_id) for run_id in (params.a, params.b))
    return Response({"a": first, "b": second})


@REQUESTS.reads("images")
def images(store: Store, params: ImagesParams) -> Response[ComparedImages]:
    """Return the images of runs, by key and step."""
    return Response({"runs": images_of_runs(store, params.run_ids), "note": ""})
