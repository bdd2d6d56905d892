"""The runs of a grid, for scripts: a loop over combinations, or a function called with each."""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FrameType
from typing import TYPE_CHECKING, Any, overload

from nbtrack.entities.runs import ERROR_TAG
from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as starting
from nbtrack.tracking.grid import Grid, run_to_resume
from nbtrack.tracking.grid_values import parse_values
from nbtrack.tracking.kernel import in_notebook, shell
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import metric_value
from nbtrack.views.metric_names import primary_metric
from nbtrack.views.table.run_query import is_seed

if TYPE_CHECKING:
    import pandas as pd

    from nbtrack.entities import Run

_LEAVING = frozenset({"POP_TOP", "END_FOR", "POP_ITER"})


class GridRuns:
    """The runs of a grid: iterate over it to make them; see ``nbtrack.grid``."""

    def __init__(self, grid: Grid, run_name: str | None, resume: str | None) -> None:
        self._grid = grid
        self._name = run_name
        self._resume = resume
        self._card: Any = None
        self._begun = False

    def __repr__(self) -> str:
        done = len(self._grid.counted("FINISHED"))
        return f"<GridRuns: {done} of {self._grid.total} finished>"

    def __len__(self) -> int:
        return self._grid.total

    def __iter__(self) -> Iterator[dict[str, Any]]:
        self._begin()
        error: BaseException | None = None
        try:
            while (run := self._grid.next()) is not None:
                active = self._grid.start(run)
                self._tell()
                left: FrameType | None = None
                try:
                    yield dict(run.params)
                except GeneratorExit:
                    left = sys._getframe(1)
                    return
                finally:
                    status = _end(active, left, sys.exception())
                    if status == "FAILED":
                        error = RuntimeError("The loop over the grid was left by an exception.")
                    self._grid.ended(run, status)
                    self._tell()
        except BaseException as reason:
            error = reason
            raise
        finally:
            self._end(error)

    @property
    def parent(self) -> ActiveRun:
        """The run that has those of the grid inside it."""
        if not self._begun:
            raise InvalidParameterError("The grid has not begun: iterate over it first.")
        return self._grid.parent

    @property
    def best(self) -> Run | None:
        """The best run so far, as the store has it; None where no metric tells which one it is."""
        from nbtrack.store import get_run

        best = self._grid.best()
        if best is None:
            return None
        with self.parent.store.read() as reader:
            return get_run(reader, best.runs[0].run_id)

    def frame(self) -> pd.DataFrame:
        """Return the runs as a DataFrame, with the columns of ``nbtrack.search_runs``."""
        from nbtrack.entities import ViewType
        from nbtrack.entities.runs import PARENT
        from nbtrack.store import runs_frame

        info = self.parent.info
        condition = f"tags.`{PARENT}` = '{info.run_id}'"
        with self.parent.store.read() as reader:
            return runs_frame(reader, [info.experiment_id], condition, ViewType.ACTIVE_ONLY)

    def _call(self, function: Callable[..., object], jobs: int) -> None:
        """Call a function with each combination."""
        self._begin(jobs)
        error: BaseException | None = None
        try:
            if jobs > 1:
                self._in_processes(function, jobs)
            else:
                error = self._one_by_one(function)
        except BaseException as reason:
            error = reason
            raise
        finally:
            self._end(error)
        if error is not None:
            raise error

    def _one_by_one(self, function: Callable[..., object]) -> BaseException | None:
        last: BaseException | None = None
        while (run := self._grid.next()) is not None:
            active = self._grid.start(run)
            self._tell()
            try:
                with active:
                    active.writer.log_metrics(returned(function(**run.params), self._grid.metric))
            except Exception as error:  # noqa: BLE001  it is kept with its run, and the others run
                last = error
            finally:
                self._grid.ended(run, active.info.status)
                self._tell()
        return None if self._grid.counted("FINISHED") else last

    def _in_processes(self, function: Callable[..., object], jobs: int) -> None:
        from nbtrack.tracking.grid_processes import run_in_processes

        if function.__module__ == "__main__" and in_notebook():
            name = getattr(function, "__name__", "the function")
            raise InvalidParameterError(
                f"{name} is defined in the notebook, which other processes cannot import. Use "
                "%%track --grid --jobs on a cell that calls it, or move it into a module."
            )
        info = self._grid.parent.info
        work = FunctionWork(
            function,
            self._grid.parent.store.uri,
            info.experiment_id,
            info.run_id,
            self._grid.metric,
        )
        run_in_processes(self._grid, jobs, work, self._tell)
        if not self._grid.counted("FINISHED") and (failed := self._grid.counted("FAILED")):
            raise InvalidParameterError(
                f"All runs have failed. {failed[0].name}: {failed[0].error}"
            )

    def _begin(self, jobs: int = 1) -> None:
        if self._begun:
            raise InvalidParameterError(
                "This grid has run already. Call nbtrack.grid again to run it once more."
            )
        self._begun = True
        store = context.store()
        run_id = None
        if self._resume:
            self._grid.check_resume()
            run_id = run_to_resume(store, starting.active_experiment_id(store), self._resume)
        nested = run_id is None and context.own() is not None
        parent = starting.start_run(run_id=run_id, run_name=self._name, nested=nested)
        self._grid.begin(parent, resumed=run_id is not None)
        if in_notebook():
            from nbtrack.notebook.cells import cells_of
            from nbtrack.notebook.grid_card import GridCard

            self._card = GridCard(self._grid, cells_of(shell()), jobs)

    def _tell(self) -> None:
        if self._card is not None:
            self._card.tell()

    def _end(self, error: BaseException | None) -> None:
        parent = self._grid.parent
        try:
            self._grid.keep_best()
        finally:
            if self._card is not None:
                self._card.ending()
            parent.end_with(error)
            if self._card is not None:
                self._card.finish()


@dataclass(frozen=True)
class FunctionWork:
    """Calls a function in another process, each time as a run."""

    function: Callable[..., object]
    uri: str
    experiment_id: str
    parent_id: str
    metric: str | None

    def prepare(self) -> None:
        """Choose the store."""
        context.set_uri(self.uri)

    def run(self, params: dict[str, Any], name: str, started: Callable[[str], None]) -> str:
        """Call it; its errors stay with the run."""
        active = starting.start_run(
            experiment_id=self.experiment_id, run_name=name, parent_run_id=self.parent_id
        )
        started(active.info.run_id)
        try:
            with active:
                active.writer.log_params(params)
                active.writer.log_metrics(returned(self.function(**params), self.metric))
        except (Exception, KeyboardInterrupt):  # noqa: BLE001  it is kept with the run
            return active.info.status
        return active.info.status


@overload
def grid(
    values: Mapping[str, Any] | None = ...,
    /,
    *,
    run_name: str | None = ...,
    sampler: str = ...,
    trials: int | None = ...,
    minimize: str | None = ...,
    maximize: str | None = ...,
    sampler_seed: int | None = ...,
    resume: str | None = ...,
    **params: Any,
) -> GridRuns: ...


@overload
def grid(
    function: Callable[..., object],
    values: Mapping[str, Any] | None = ...,
    /,
    *,
    jobs: int = ...,
    run_name: str | None = ...,
    sampler: str = ...,
    trials: int | None = ...,
    minimize: str | None = ...,
    maximize: str | None = ...,
    sampler_seed: int | None = ...,
    resume: str | None = ...,
    **params: Any,
) -> GridRuns: ...


def grid(
    first: Callable[..., object] | Mapping[str, Any] | None = None,
    second: Mapping[str, Any] | None = None,
    /,
    *,
    jobs: int = 1,
    run_name: str | None = None,
    sampler: str = "grid",
    trials: int | None = None,
    minimize: str | None = None,
    maximize: str | None = None,
    sampler_seed: int | None = None,
    resume: str | None = None,
    **params: Any,
) -> GridRuns:
    """Run each combination of params as a run inside a parent run.

    In a loop, an iteration is a run: it ends when the next one starts. An exception that leaves
    the loop ends it. With a function, it is called with each combination, and the numbers that it
    returns are metrics; a call that fails is a run that has failed, and the others go on.

    Parameters
    ----------
    first : callable or mapping, optional
        The function to call, or values by the names of params, where those are no names of Python.
    second : mapping, optional
        Such values, after a function.
    jobs : int
        In how many processes the function is called. It must be one of a module.
    run_name : str, optional
        Of the parent.
    sampler : {"grid", "random", "optuna"}
        Which combinations: all, or ``trials`` random ones, or those that Optuna proposes.
    trials : int, optional
        How many runs a sampler makes.
    minimize, maximize : str, optional
        The metric that tells which run is best; Optuna needs it.
    sampler_seed : int, optional
        Of the sampler.
    resume : str, optional
        The id or the name of a grid that was interrupted: what has finished is not run again.
    **params : iterable or str
        The values of each param; as a text what ``%%track --grid`` takes, such as ``"0..4"`` or,
        with a sampler, ``"log(1e-5,1e-1)"``.

    Returns
    -------
    GridRuns
        Iterate over it, where no function is given. It has ``parent``, ``best`` and ``frame()``.

    Examples
    --------
    >>> for params in nbtrack.grid(lr=[1e-3, 1e-2], seed=range(2)):  # a run for each
    ...     nbtrack.log_metric("loss", params["lr"] + params["seed"])
    >>> def train(lr, seed):
    ...     nbtrack.log_metric("loss", lr + seed)
    >>> nbtrack.grid(train, lr=[1e-3, 1e-2], seed=range(2)).best.data.params
    {'lr': '0.001', 'seed': '0'}
    """
    function = first if callable(first) else None
    given = second if function is not None else first
    if (function is None and second is not None) or not isinstance(given, Mapping | None):
        raise InvalidParameterError(
            "grid takes a function, values by their names, or both: grid(train, lr=[1e-3, 1e-4])."
        )
    if function is None and jobs != 1:
        raise InvalidParameterError(
            f"jobs={jobs} needs a function to call, grid(train, ...): a loop is one process."
        )
    space = {**(given or {}), **params}
    found = Grid(
        {name: _read(name, values) for name, values in space.items()},
        sampler=sampler,
        trials=trials,
        minimize=minimize,
        maximize=maximize,
        seed=sampler_seed,
        primary=primary_metric,
        is_seed=is_seed,
    )
    runs = GridRuns(found, run_name, resume)
    if function is not None:
        runs._call(function, jobs)
    return runs


@suggests_keywords
def returned(value: object, metric: str | None) -> dict[str, float]:
    """Return the numbers that a function has returned, by name."""
    pairs = value.items() if isinstance(value, Mapping) else [(metric or "result", value)]
    found = {}
    for key, number in pairs:
        if isinstance(number, bool | str) or number is None:
            continue
        try:
            found[str(key)] = metric_value(str(key), number)
        except InvalidParameterError:
            continue  # what is no number is no metric
    return found


def _read(name: str, values: Any) -> Any:
    return parse_values(f"{name}={values}")[1] if isinstance(values, str) else values


def _end(active: ActiveRun, left: FrameType | None, error: BaseException | None) -> str:
    """End the run of an iteration as the loop has gone; return its status."""
    if left is not None:
        if _by_break(left):
            active.end()
        else:
            where = f"line {left.f_lineno} of {left.f_code.co_filename.rpartition('/')[2]}"
            active.writer.set_tags({ERROR_TAG: f"An exception has left the loop in {where}."})
            active.end("FAILED")
    else:
        active.end_with(error)
    return active.info.status


def _by_break(frame: FrameType) -> bool:
    """Return whether a loop was left by ``break`` or ``return``, not by an exception.

    A generator that is closed is not told why: the instruction that its loop is at says it.
    """
    code = frame.f_code.co_code
    at = frame.f_lasti
    return 0 <= at < len(code) and dis.opname[code[at]] in _LEAVING
