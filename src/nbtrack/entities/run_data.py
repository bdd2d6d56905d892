"""What is logged to a run: metrics, params and tags; and which metrics are the machine's own."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

from nbtrack.entities import shown
from nbtrack.entities.base import Entity, entity

SYSTEM = "system/"
"""How the names of the machine's metrics begin: its load, memory, energy."""

# The most memory that a tracked cell had: one number each, no curve.
PROCESS_PEAK = "system/process_peak_memory_megabytes"
GPU_PEAK = "system/gpu_peak_memory_megabytes"
CELL_PEAKS = frozenset({PROCESS_PEAK, GPU_PEAK})


def is_system_metric(key: str) -> bool:
    """Return whether a metric is the machine's own: no run is judged by it."""
    return key.startswith(SYSTEM)


@entity
class Metric(Entity):
    """One point of a metric; ``value`` may be NaN or infinite."""

    key: str
    value: float
    timestamp: int
    step: int = 0
    model_id: str | None = None
    dataset_name: str | None = None
    dataset_digest: str | None = None
    run_id: str | None = None


@entity
class Param(Entity):
    """A parameter of a run: written once, always text."""

    key: str
    value: str


@entity
class RunTag(Entity):
    """A tag of a run."""

    key: str
    value: str


class RunData:
    """What was logged to a run: the latest metrics, params and tags.

    Attributes
    ----------
    metrics : dict of str to float
        The latest value of each metric: that of the greatest
        (step, timestamp, value).
    params, tags : dict of str to str

    Parameters
    ----------
    metrics : iterable of Metric
        The latest point of each.
    params : iterable of Param
        Each name once.
    tags : iterable of RunTag
        Each name once.

    Examples
    --------
    >>> with nbtrack.start_run() as run:
    ...     nbtrack.log_metric("loss", 0.4)
    >>> data = nbtrack.get_run(run.info.run_id).data
    >>> data.metrics["loss"], data.to_dictionary()["params"]
    (0.4, {})
    """

    __slots__ = ("_latest", "_objects", "metrics", "params", "tags")

    _latest: list[tuple[str, float, int, int]]
    _objects: list[Metric] | None

    def __init__(
        self,
        metrics: Iterable[Metric] = (),
        params: Iterable[Param] = (),
        tags: Iterable[RunTag] = (),
    ) -> None:
        self._objects = list(metrics)
        self._latest = [(m.key, m.value, m.timestamp, m.step) for m in self._objects]
        self.metrics = {m.key: m.value for m in self._objects}
        self.params = {p.key: p.value for p in params}
        self.tags = {t.key: t.value for t in tags}

    @classmethod
    def of_rows(
        cls,
        latest: list[tuple[str, float, int, int]],
        params: dict[str, str],
        tags: dict[str, str],
    ) -> RunData:
        """Return what was logged, without an object for each metric: lists of runs are long.

        Parameters
        ----------
        latest : list of (key, value, timestamp, step)
        params, tags : dict of str to str
        """
        made = cls()
        made._latest, made._objects = latest, None
        made.metrics = {key: value for key, value, _, _ in latest}
        made.params, made.tags = params, tags
        return made

    @property
    def _metric_objs(self) -> list[Metric]:
        """The latest point of each metric, under MLflow's name for them."""
        if self._objects is None:
            self._objects = [Metric(*row) for row in self._latest]
        return self._objects

    def to_dictionary(self) -> dict[str, Any]:
        """Return metrics, params and tags as one dictionary."""
        return {"metrics": self.metrics, "params": self.params, "tags": self.tags}

    def to_proto(self) -> SimpleNamespace:
        """Return lists of metrics, params and tags, each with ``key`` and ``value``."""
        return SimpleNamespace(
            metrics=self._metric_objs,
            params=[Param(*item) for item in self.params.items()],
            tags=[RunTag(*item) for item in self.tags.items()],
        )

    def __repr__(self) -> str:
        return shown.line(self)

    def _repr_html_(self) -> str:
        return shown.table(self)

    def _shown(self) -> dict[str, Any]:
        return {"metrics": self.metrics, "params": self.params, "tags": self.tags}
