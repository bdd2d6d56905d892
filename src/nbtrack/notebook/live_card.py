"""The live card, and the thread that updates it from the journal in memory: no file is read."""

from __future__ import annotations

import _thread
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from IPython import display as ipython

from nbtrack.entities.found import found_of
from nbtrack.entities.run_data import GPU_PEAK, is_system_metric
from nbtrack.entities.runs import ERROR_TAG
from nbtrack.notebook.cells import cells_of
from nbtrack.notebook.live_points import LivePoints, StepRate
from nbtrack.redaction.secrets import HIDDEN
from nbtrack.store import now_ms
from nbtrack.tracking.kernel import shell
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import param_value
from nbtrack.views.chart.content import Head, RunRef
from nbtrack.views.chart.curves import Curve
from nbtrack.views.code import line_of_cell
from nbtrack.views.details.baselines import Baselines, facts_of, read_baselines
from nbtrack.views.details.run_diff import RunFacts, run_diff
from nbtrack.views.display import live_front_end
from nbtrack.views.json_types import RunDiffItem, found_items
from nbtrack.views.widgets.run_card import RunCard

LIVE_EVERY_S = 0.125
STATIC_EVERY_S = 1.0
HEAD_EVERY_S = 0.5
REST = 30  # after it took time from the training, wait so many times as long,
LONGEST_REST_S = 1.0  # but no longer than this: whoever looks on sees the curve grow
WAIT_S = 3.0
RESUMED_MS = 5000
MAX_CHILDREN = 50  # runs inside a run whose curves its card shows

show: Any = ipython.display


class LiveCard:
    """Shows a run while it is logged to, and what is left of it in the end.

    Parameters
    ----------
    run : ActiveRun
    source : str or None
        The code of its cell.
    literals : mapping
        Params that are logged when the cell ends.

    Attributes
    ----------
    facts : callable or None
        Gives more of the first line. A run that has some is a grid: it is not compared with others.
    """

    def __init__(self, run: ActiveRun, source: str | None, literals: Mapping[str, Any]) -> None:
        info = run.info
        self._run = run
        self._experiment_id = info.experiment_id
        self._source = source
        self._literals = {key: param_value(key, value) for key, value in literals.items()}
        own = RunRef(info.run_id, info.run_name, "live", "RUNNING")
        self._card = RunCard([own], store=run.store)
        self._card.on_stop = self._on_stop
        self.facts: Callable[[], Head] | None = None
        self._card.update_head(
            name=info.run_name, state="RUNNING", run_id=info.run_id, elapsed_s=0.0
        )
        self._points = LivePoints(run)
        self._children: dict[str, LivePoints] = {}
        self._draining = threading.RLock()
        self._journal = self._points.journal
        self._step_rate = StepRate()
        self._begin = time.monotonic()
        self._started_ms = now_ms()
        self._end: float | None = None
        self._live = live_front_end()
        self._handle: Any = None
        self._baselines: Baselines | None = None
        self._waiting: list[Curve] | None = None
        self._seen: set[str] = set()
        self._sent_params: dict[str, str] | None = None
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._read, name="nbtrack-baselines", daemon=True),
            threading.Thread(target=self._pump, name="nbtrack-card", daemon=True),
        ]

    def show(self) -> None:
        """Show the card below the cell, and start to feed it."""
        if self._live:
            self._handle = show(self._card, display_id=True)
        else:  # nobody looks: only the finished output is to be seen, in this place
            text = f"{self._run.info.run_name}, running"
            self._handle = show({"text/plain": text}, raw=True, display_id=True)
        cells_of(shell()).live[self._run.info.run_id] = self
        if self._run.joining is not None:
            self._run.joining.on_change.append(self._on_joining)
        for thread in self._threads:
            thread.start()

    def add_child(self, run: ActiveRun) -> None:
        """Show the curves of a run inside this one, too."""
        if len(self._children) >= MAX_CHILDREN or self._end is not None:
            return
        info = run.info
        with self._draining:
            self._children[info.run_id] = LivePoints(run)
            self._card.add_runs([RunRef(info.run_id, info.run_name, "plain", "RUNNING")])
        run.on_end.append(self._end_child)

    def show_runs(self, runs: Sequence[RunRef], curves: Sequence[Curve]) -> None:
        """Show runs of other processes, as the store has them now.

        Parameters
        ----------
        runs : sequence of RunRef
        curves : sequence of Curve
            All their points, thinned out.
        """
        with self._draining:
            self._card.add_runs(runs)
            self._card.replace_curves(curves)

    def finish(self, run: ActiveRun) -> None:
        """Replace the card with the picture and the data that stay in the notebook."""
        if os.getpid() != run.pid:
            return
        self._end = time.monotonic()
        self._stop.set()
        for thread in self._threads:
            if thread.is_alive() and thread is not threading.current_thread():
                thread.join(timeout=WAIT_S)
        cells_of(shell()).live.pop(run.info.run_id, None)
        for points in (self._points, *self._children.values()):
            points.close()
        try:
            self._card.update_head(state=run.info.status, elapsed_s=self._duration())
            self._card.set_run_state(run.info.run_id, run.info.status)
            self._drain()
            self._conclude()
        except Exception as error:  # noqa: BLE001  what is known is shown: no view stays live
            run.store.warn_once(f"The card of run {run.info.run_name} is not complete: {error!r}")
        try:
            data, metadata = self._card.finished_bundle()
            self._handle.update(data, metadata=metadata, raw=True)
            cells_of(shell()).keep(self._card)
        except Exception as error:  # noqa: BLE001  the run has ended well, whatever its card does
            run.store.warn_once(
                f"The card of run {run.info.run_name} cannot be finished: {error!r}"
            )

    # -- in the background -------------------------------------------------------------

    def _read(self) -> None:
        try:
            self._baselines = read_baselines(self._run.store, self._run.info)
        except Exception as error:  # noqa: BLE001  a thread has no caller: it is said, by name
            self._run.store.warn_once(f"The last runs cannot be shown beside the new one: {error}")

    def _pump(self) -> None:
        every = LIVE_EVERY_S if self._live else STATIC_EVERY_S
        sent_at = rest = 0.0
        try:
            while not self._stop.wait(max(every, rest)):
                begin = time.thread_time()
                self._drain()
                if self._live and time.monotonic() - sent_at >= HEAD_EVERY_S:
                    sent_at = time.monotonic()
                    self._tell()
                    self._card.catch_up()  # also where nothing was logged since
                rest = min(LONGEST_REST_S, REST * (time.thread_time() - begin))
        except Exception as error:  # noqa: BLE001  a thread has no caller: it is said, by name
            self._run.store.warn_once(
                f"The card of run {self._run.info.run_name} stands still, logging goes on: {error}"
            )

    def _drain(self) -> None:
        """Show what was logged since the last time."""
        with self._draining:
            own = self._points.take()
            curves = [
                *own,
                *(curve for points in self._children.values() for curve in points.take()),
            ]
            for curve in own:
                self._note(curve)
            if curves:
                self._card.append([*curves, *self._due_baselines()])

    def _note(self, curve: Curve) -> None:
        """Keep what the head says of what was logged."""
        self._seen.add(curve.key)
        if not is_system_metric(curve.key):
            for place in (0, int(curve.steps.argmax())):
                self._step_rate.add(int(curve.steps[place]), int(curve.times[place]) / 1000)
        for rank in self._baselines.ranks if self._baselines is not None else ():
            if rank.key == curve.key:
                rank.add(curve.steps, curve.values)

    def _end_child(self, run: ActiveRun) -> None:
        points = self._children.get(run.info.run_id)
        if points is None or self._end is not None or os.getpid() != run.pid:
            return
        with self._draining:
            points.close()
            self._drain()
            self._card.set_run_state(run.info.run_id, run.info.status)

    def _on_stop(self, interrupted: bool) -> None:
        """Interrupt the cell, or end the run where no cell runs."""
        if self._run.ended:
            return
        if cells_of(shell()).current is None:
            self._run.end("KILLED")
        elif not interrupted and threading.current_thread() is not threading.main_thread():
            interrupt_cell()

    def _due_baselines(self) -> list[Curve]:
        """Return the baselines' curves of metrics that this run has: others would stand alone."""
        if self._baselines is None:
            return []
        if self._waiting is None:
            self._waiting = list(self._baselines.curves)
        due = [curve for curve in self._waiting if curve.key in self._seen]
        if due:
            self._waiting = [curve for curve in self._waiting if curve.key not in self._seen]
            owners = {curve.run_id for curve in due}
            self._card.add_runs([run for run in self._baselines.runs if run.run_id in owners])
        return due

    def tell(self) -> None:
        """Show the first line as it is now: what it says has changed."""
        if self.facts is not None and self._end is None:
            self._card.update_head(**self.facts())

    def _tell(self) -> None:
        fields: Head = {"elapsed_s": round(self._elapsed(), 1)}
        if self._step_rate.step:
            fields |= {
                "step": self._step_rate.step,
                "steps_per_s": self._step_rate.per_second(),
                "overhead_percent": self._overhead(),
            }
        if self._baselines is not None:
            fields["experiment"] = self._baselines.experiment
            self._tell_params()
            fields["standing"] = self._rank_message()
        if self.facts is not None:
            fields |= self.facts()
        if fields.keys() - {"elapsed_s"}:
            self._card.update_head(**fields)

    def _rank_message(self) -> str | None:
        """Return how the run stands, by the primary metric of those that it has."""
        ranks = self._baselines.ranks if self._baselines is not None else []
        own = (rank for rank in ranks if rank.key in self._seen)
        first = next(own, None)
        return first.message() if first is not None else None

    def _tell_params(self) -> None:
        last = self._baselines.last if self._baselines is not None else None
        params = {**self._literals, **self._run.writer.params}
        if last is not None and self.facts is None and params != self._sent_params:
            self._sent_params = params
            # what the last run had and this one has not yet may still come
            before = {key: value for key, value in last.params.items() if key in params}
            now = RunFacts(params, source=self._source)
            found = run_diff(now, RunFacts(before, source=last.source))
            self._card.set_since([*found.items, *self._notes(params)], found.detail)

    def _elapsed(self) -> float:
        return (self._end or time.monotonic()) - self._begin

    def _duration(self) -> float:
        """Return how long the run took; of one that was resumed, this time."""
        info = self._run.info
        if info.end_time is not None and self._started_ms - info.start_time < RESUMED_MS:
            return max(0, info.end_time - info.start_time) / 1000
        return round(self._elapsed(), 2)

    def _overhead(self) -> float:
        """Return what logging cost, in per cent of the time.

        The journal times a sample of the calls: what it makes of a slow one may be more than there
        was time for.
        """
        return min(100.0, round(self._journal.cost_ns / max(self._elapsed() * 1e7, 1.0), 3))

    # -- in the end --------------------------------------------------------------------

    def _conclude(self) -> None:
        run = self._run
        stored = run.fetch()
        self._card.found = found_items(found_of(stored.data.tags), stored.data.params)
        if due := self._due_baselines():
            self._card.append(due)
        baselines = self._baselines
        fields: Head = {"standing": None}
        if self._step_rate.step:
            fields |= {
                "step": self._step_rate.step,
                "steps_per_s": self._step_rate.overall(),
                "overhead_percent": self._overhead(),
            }
        if baselines is not None:
            fields["experiment"] = baselines.experiment
        if (peak := stored.data.metrics.get(GPU_PEAK)) is not None:
            fields["gpu_memory_bytes"] = peak * 1e6
        error = stored.data.tags.get(ERROR_TAG) if run.info.status == "FAILED" else None
        if error:
            fields["error"] = " ".join(error.split()) + _where(run.cell_error or sys.exception())
        if self.facts is not None:
            fields |= self.facts()
        self._card.update_head(**fields)
        notes = self._notes(stored.data.params)
        if baselines is not None and baselines.last is not None and self.facts is None:
            found = run_diff(facts_of(stored, self._source), baselines.last)
            self._card.set_since([*found.items, *notes], found.detail)
        elif notes:
            self._card.set_since(notes)

    def _notes(self, params: Mapping[str, str]) -> list[RunDiffItem]:
        """Return what is said besides: what ``start_run`` did, which secrets were not kept."""
        joining = self._run.joining
        notes: list[RunDiffItem] = [
            {"label": "start_run()", "text": text, "kind": "info"}
            for text in (joining.notes if joining is not None else ())
        ]
        hidden = (name for name, value in params.items() if HIDDEN in value)
        if names := dict.fromkeys([*self._run.left_out, *hidden]):
            text = ", ".join(names)
            notes.append({"label": "secrets left out", "text": text, "kind": "info"})
        return notes

    def _on_joining(self) -> None:
        """Show what ``start_run`` in the cell has said of the run: another name or experiment."""
        info = self._run.info
        if info.experiment_id != self._experiment_id:
            self._experiment_id = info.experiment_id
            self._baselines = self._waiting = None
            threading.Thread(target=self._read, name="nbtrack-baselines", daemon=True).start()
        self._card.update_head(name=info.run_name)
        self._card.add_runs([RunRef(info.run_id, info.run_name, "live", info.status)])
        self._card.set_since(self._notes({}))


def _where(error: BaseException | None) -> str:
    """Return the line of the cell that failed."""
    frames = traceback.walk_tb(error.__traceback__ if error is not None else None)
    line = line_of_cell((frame.f_code.co_filename, line) for frame, line in frames)
    return f" (line {line})" if line else ""


def interrupt_cell() -> None:
    """Raise ``KeyboardInterrupt`` in the main thread, as Ctrl-C does."""
    main = threading.main_thread().ident
    if hasattr(signal, "pthread_kill") and main is not None:
        # unlike interrupt_main it wakes a call that sleeps or waits
        signal.pthread_kill(main, signal.SIGINT)
    else:
        _thread.interrupt_main()
