"""A grid: a parent run, and a run inside it for each combination of params."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from nbtrack.entities.run_data import RunData
from nbtrack.entities.runs import BEST_TAG, ERROR_TAG, GRID_TAG, PARENT, STOP_TAG
from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.store import Reader, find_run
from nbtrack.store.search import direction_of
from nbtrack.suggestions import did_you_mean
from nbtrack.tracking import start as starting
from nbtrack.tracking.grid_samplers import MAX_RUNS, Sampler, make_sampler
from nbtrack.tracking.grid_values import Range, Values, checked_space, combination_name
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import param_value

Primary = Callable[[Iterable[str]], str | None]


@dataclass
class GridRun:
    """One combination of a grid.

    Attributes
    ----------
    number : int
        From 1 on.
    params : dict
    name : str
        Of its run.
    run_id : str
        Empty before the run has started.
    status : str
        Empty before the run has started.
    value : float or None
        The metric that the grid is about, once the run has finished.
    error : str
        Of a failed run, in one line.
    seconds : float
        How long it took; 0 for one that an earlier session has run.
    """

    number: int
    params: dict[str, Any]
    name: str
    run_id: str = ""
    status: str = ""
    value: float | None = None
    error: str = ""
    seconds: float = 0.0
    key: Any = field(default=None, repr=False)
    began: float = field(default=0.0, repr=False)


@dataclass(frozen=True)
class GridBest:
    """The best combination of a grid, over its seeds.

    Attributes
    ----------
    runs : list of GridRun
        Those of the combination, the best first.
    mean, spread : float
        Of the metric; the spread is the standard deviation, 0 for one run.
    """

    runs: list[GridRun]
    mean: float
    spread: float


class Grid:
    """What a grid runs, what it has run, and how it went.

    Parameters
    ----------
    space : mapping of str to list or Range
        What varies.
    sampler : {"grid", "random", "optuna"}
    trials : int, optional
        How many runs a sampler makes.
    minimize, maximize : str, optional
        The metric that tells which run is best; otherwise a rule chooses one.
    seed : int, optional
        Of the sampler.
    primary : callable, optional
        The rule.
    is_seed : callable, optional
        Says of a name whether runs that differ in it only are repetitions.

    Attributes
    ----------
    runs : list of GridRun
        Those that have started, and those that were there.
    metric, direction : str or None
        What the runs are judged by.
    """

    parent: ActiveRun

    def __init__(
        self,
        space: Mapping[str, Any],
        *,
        sampler: str = "grid",
        trials: int | None = None,
        minimize: str | None = None,
        maximize: str | None = None,
        seed: int | None = None,
        primary: Primary = lambda keys: None,
        is_seed: Callable[[str], bool] = lambda name: False,
    ) -> None:
        if minimize and maximize:
            raise InvalidParameterError(
                f"A grid has one goal: minimize {minimize} or maximize {maximize}."
            )
        self.space: dict[str, Values] = checked_space(space)
        self.metric = minimize or maximize
        self.direction: Literal["min", "max"] | None = (
            "min" if minimize else "max" if maximize else None
        )
        self.asked_metric = self.metric is not None
        self.sampler: Sampler = make_sampler(sampler, self.space, trials, seed, self.direction)
        self.runs: list[GridRun] = []
        self._sampler_name = sampler
        self._primary = primary
        self._is_seed = is_seed
        self._known: dict[tuple[str, ...], list[GridRun]] = {}
        self._unread: list[GridRun] = []  # of those that have ended
        self._stopped = False

    @property
    def varied(self) -> list[str]:
        """The names that have more than one value."""
        found = [n for n, v in self.space.items() if isinstance(v, Range) or len(v) > 1]
        return found or list(self.space)

    @property
    def seeds(self) -> list[str]:
        """Those of them that only repeat a run."""
        return [name for name in self.varied if self._is_seed(name)]

    @property
    def total(self) -> int:
        """How many runs there will be."""
        return self.sampler.total

    def begin(self, parent: ActiveRun, *, resumed: bool = False) -> None:
        """Take a run as the parent; of one that is resumed, what has finished is not run again."""
        self.parent = parent
        listed = {n: str(v) if isinstance(v, Range) else v for n, v in self.space.items()}
        spec = {"values": listed, "sampler": self._sampler_name, "total": self.total}
        text = json.dumps(spec, default=str)
        parent.writer.set_tags({GRID_TAG: text if len(text) < 5000 else text[:4999] + "…"})
        if resumed:
            parent.writer.set_tags({STOP_TAG: ""})
            self._read_finished()

    def check_resume(self) -> None:
        """Refuse to go on with what cannot be resumed.

        Raises
        ------
        InvalidParameterError
            If it is a study of Optuna.
        """
        if self._sampler_name == "optuna":
            raise InvalidParameterError(
                "A study of Optuna cannot be resumed: what it has learned is not kept. Start a new "
                "one, without resume."
            )

    def next(self) -> GridRun | None:
        """Return what to run next; None when all is done, or somebody wants no more."""
        self._read_ended()
        while not self._stopped and (asked := self.sampler.ask()) is not None:
            key, params = asked
            run = GridRun(len(self.runs) + 1, params, combination_name(params, self.varied))
            run.key = key
            done = self._known.get(self._texts(params))
            if not done:
                self.runs.append(run)
                return run
            known = done.pop()
            known.number, known.name, known.params = run.number, run.name, params
            self.runs.append(known)
            self.sampler.tell(key, known.value)
        return None

    def start(self, run: GridRun, *, shown: bool = False) -> ActiveRun:
        """Start the run of a combination, inside the parent; ``shown`` as for `start_run`."""
        active = starting.start_run(
            experiment_id=self.parent.info.experiment_id,
            run_name=run.name,
            nested=True,
            shown=shown,
        )
        active.writer.log_params(run.params)
        self.started(run, active.info.run_id)
        return active

    def started(self, run: GridRun, run_id: str) -> None:
        """Note that a run has started, here or in another process."""
        run.run_id, run.status, run.began = run_id, "RUNNING", time.monotonic()

    def ended(self, run: GridRun, status: str) -> None:
        """Note how a run has ended; its metrics are looked at.

        Where the store cannot be read just then, that comes before the next run, or at the end.

        Raises
        ------
        InvalidParameterError
            If it has finished without the metric that the sampler needs.
        """
        run.status, run.seconds = status, time.monotonic() - run.began
        self._unread.append(run)
        self._read_ended()

    def stop(self) -> None:
        """Start no more runs."""
        self._stopped = True

    @property
    def stop_is_asked(self) -> bool:
        """Whether no more runs will be started, as far as this process knows."""
        return self._stopped

    def keep_best(self) -> None:
        """Keep with the parent which run was best."""
        self._read_ended()
        if self._unread:
            self.parent.store.warn_once(
                f"The store could not be read: {self.parent.info.run_name} does not know how "
                f"{len(self._unread)} of its runs ended, and which was best."
            )
        if best := self.best():
            self.parent.writer.set_tags({BEST_TAG: best.runs[0].run_id})

    def counted(self, *statuses: str) -> list[GridRun]:
        """Return the runs with one of some statuses."""
        return [run for run in self.runs if run.status in statuses]

    def best(self) -> GridBest | None:
        """Return the best combination; over its seeds, where a seed is among what varies."""
        groups: dict[tuple[str, ...], list[GridRun]] = {}
        names = [name for name in self.space if name not in self.seeds]
        for run in self.runs:
            if run.value is not None:
                groups.setdefault(tuple(str(run.params[n]) for n in names), []).append(run)
        if not groups or self.direction is None:
            return None
        sign = 1 if self.direction == "min" else -1
        means = {key: statistics.fmean(_values(runs)) for key, runs in groups.items()}
        known = [key for key, mean in means.items() if mean == mean]
        if not known:
            return None
        key = min(known, key=lambda each: sign * means[each])
        runs = sorted(groups[key], key=lambda run: sign * (run.value or 0.0))
        spread = statistics.stdev(_values(runs)) if len(runs) > 1 else 0.0
        return GridBest(runs, means[key], spread)

    def seconds_left(self, jobs: int = 1) -> float | None:
        """Return how long the rest will take, by what the runs have taken so far."""
        taken = [run.seconds for run in self.counted("FINISHED", "FAILED") if run.seconds]
        if not taken:
            return None
        each = statistics.fmean(taken)
        waiting = self.total - len(self.runs)
        going = sum(
            max(0.0, each - (time.monotonic() - run.began)) for run in self.counted("RUNNING")
        )
        return (waiting * each + going) / jobs

    def _read_ended(self) -> None:
        """Look at the runs that have ended, and whether somebody wants no more of them."""
        while self._unread:
            run = self._unread[0]
            try:
                with self.parent.store.read() as reader:
                    parent = _data_of(reader, self.parent.info.run_id)
                    data = _data_of(reader, run.run_id)
            except NbtrackError:  # it is kept for the next time
                return
            self._unread.pop(0)
            self._stopped = self._stopped or bool(parent.tags.get(STOP_TAG))
            run.error = " ".join(data.tags.get(ERROR_TAG, "").split())
            finished = run.status == "FINISHED"
            if finished:
                self._judge(run, data.metrics)
            self.sampler.tell(run.key, run.value)
            if finished and self.asked_metric and run.value is None:
                self._missing(run, data.metrics)

    def _judge(self, run: GridRun, metrics: Mapping[str, float]) -> None:
        if self.metric is None:
            self.metric = self._primary(key for key in metrics if not key.startswith("system/"))
            self.direction = None if self.metric is None else direction_of(self.metric)
        run.value = metrics.get(self.metric) if self.metric is not None else None

    def _missing(self, run: GridRun, metrics: Mapping[str, float]) -> None:
        if self._sampler_name != "optuna" and len(self.counted("FINISHED")) > 1:
            return
        keys = sorted(key for key in metrics if not key.startswith("system/"))
        hint = " ".join([did_you_mean(str(self.metric), keys), "It"]).strip()
        listed = ", ".join(keys[:10]) if keys else "none"
        raise InvalidParameterError(
            f"The run {run.name} has no metric {self.metric!r}. {hint} has: {listed}."
        )

    def _read_finished(self) -> None:
        """Find the runs of an earlier session that have finished."""
        from nbtrack.store.search import search_runs

        store, info = self.parent.store, self.parent.info
        condition = f"tags.`{PARENT}` = '{info.run_id}' AND attributes.status = 'FINISHED'"
        with store.read() as reader:
            found = search_runs(reader, [info.experiment_id], condition, max_results=MAX_RUNS)
        for each in found:
            params = {name: each.data.params.get(name, "") for name in self.space}
            run = GridRun(0, params, each.info.run_name, each.info.run_id, "FINISHED")
            self._judge(run, each.data.metrics)
            self._known.setdefault(tuple(params.values()), []).append(run)

    def _texts(self, params: Mapping[str, Any]) -> tuple[str, ...]:
        return tuple(param_value(name, params[name]) for name in self.space)


def run_to_resume(store: Any, experiment_id: str, name: str) -> str:
    """Return the id of a grid's parent by its name or id.

    Raises
    ------
    InvalidParameterError
        If that run is none.
    """
    from nbtrack.store import get_run

    with store.read() as reader:
        run_id: str = find_run(reader, name, experiment_id)
        tags = get_run(reader, run_id).data.tags
    if GRID_TAG not in tags:
        raise InvalidParameterError(f"The run {name} is no grid, so it has no runs to go on with.")
    return run_id


def _data_of(reader: Reader, run_id: str) -> RunData:
    """Return the data of a run; empty data of one that somebody has deleted for good."""
    from nbtrack.store import get_run

    try:
        return get_run(reader, run_id).data
    except NotFoundError:
        return RunData()


def _values(runs: Iterable[GridRun]) -> list[float]:
    return [run.value for run in runs if run.value is not None]
