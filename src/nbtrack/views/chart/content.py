"""What a chart shows: runs, their curves, and how they are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal, TypedDict

from nbtrack.entities.run_data import is_system_metric
from nbtrack.errors import InvalidParameterError
from nbtrack.views.chart.curves import Curve
from nbtrack.views.json_types import FoundItem, RunDiffDetail, RunDiffItem, RunState

ROLES = ("live", "last", "best", "plain", "again")
STATES = ("RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "INTERRUPTED")


class RunRefJson(TypedDict):
    """A run that a chart shows, as the browser knows it; see `RunRef`."""

    id: str
    name: str
    role: Annotated[str, Literal["live", "last", "best", "plain", "again"]]
    state: RunState


class Head(TypedDict, total=False):
    """The first line of a run's card; see `nbtrack.views.widgets.run_card.RunCard.update_head`."""

    name: str
    state: RunState
    experiment: str
    run_id: str
    elapsed_s: float | None
    steps_per_s: float | None
    step: int | None
    overhead_percent: float | None
    gpu_memory_bytes: float | None
    error: str | None
    standing: str | None
    progress: str | None
    printed: str | None


@dataclass(frozen=True)
class RunRef:
    """A run that a chart shows.

    Attributes
    ----------
    run_id, name : str
        Its id, and how people call it.
    role : {"live", "last", "best", "plain", "again"}
        ``last`` and ``best`` are drawn as faint baselines behind the others.
    state : str
        ``RUNNING``, ``FINISHED``, ``FAILED``, ``KILLED`` or ``INTERRUPTED``.
    """

    run_id: str
    name: str
    role: str = "plain"
    state: str = "FINISHED"

    def __post_init__(self) -> None:
        for what, value, known in (("role", self.role, ROLES), ("state", self.state, STATES)):
            if value not in known:
                raise InvalidParameterError(
                    f"Run '{self.name}' has the {what} {value!r}; use one of {', '.join(known)}."
                )

    def as_json(self) -> RunRefJson:
        """Return the run as the browser knows it."""
        return {"id": self.run_id, "name": self.name, "role": self.role, "state": self.state}


@dataclass(frozen=True)
class ChartContent:
    """What a chart or a card shows.

    Attributes
    ----------
    runs, curves
        The runs and their points.
    title, x, smoothing, log_y, log_x
        As in `nbtrack.views.widgets.metric_chart.MetricChart`.
    head, since, detail
        The lines above a card, as in `nbtrack.views.widgets.run_card.RunCard`;
        ``head`` is ``None`` for a bare chart.
    found
        Params and metrics of a card's run that no code has logged.
    store_id
        Of the store that has the runs: a server that knows it is asked about a run that goes on,
        for detail, and for curves that found no room in the output.
    keys
        The metrics that were asked for; None for all but those of the machine.
    system
        The runs whose metrics of the machine are in the store, and not among the curves.
    """

    runs: Sequence[RunRef] = ()
    curves: Sequence[Curve] = ()
    title: str = ""
    x: str = "auto"
    smoothing: float = 0.0
    log_y: bool = False
    log_x: bool = False
    head: Head | None = None
    since: Sequence[RunDiffItem] = ()
    detail: RunDiffDetail = field(default_factory=RunDiffDetail)
    found: Sequence[FoundItem] = ()
    store_id: str = ""
    keys: Sequence[str] | None = None
    system: Sequence[str] = ()

    def unfolded(self) -> ChartContent:
        """Return what is seen at first: metrics of the machine are folded where there are others.

        They are counted by time: their steps say how often was measured.
        """
        if self.keys is not None:
            return self
        filled = [curve for curve in self.curves if len(curve)]
        others = [curve for curve in filled if not is_system_metric(curve.key)]
        if others or not filled:
            return replace(self, curves=others)
        return replace(self, x="time" if self.x == "time" else "relative")
