"""The card of a run: what it is, what changed since the last one, and its live chart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Literal, TypedDict, Unpack

import traitlets as t

from nbtrack.errors import InvalidParameterError
from nbtrack.views.chart.content import STATES, ChartContent, Head
from nbtrack.views.formats import shareable
from nbtrack.views.json_types import FoundItem, RunDiffDetail, RunDiffItem
from nbtrack.views.widgets.metric_chart import MetricChart
from nbtrack.views.widgets.view import Synced, refuse_unknown, synced

HEAD_FIELDS = tuple(Head.__annotations__)
KINDS = ("better", "worse", "same", "info")


class FinishedMessage(TypedDict):
    """The finished output, as the notebook keeps it: by MIME type."""

    type: Literal["finished"]
    id: int
    data: dict[str, object]
    metadata: dict[str, object]


class RunCard(MetricChart):
    """A live chart with two lines above it.

    Takes what `MetricChart` takes; `update_head` and `set_since` fill the lines.
    """

    _entry = "run_card"
    head: Synced[Head] = synced(t.Dict())
    since: Synced[list[RunDiffItem]] = synced(t.List(t.Dict()))
    detail: Synced[RunDiffDetail] = synced(t.Dict())
    stoppable = t.Bool(False).tag(sync=True)

    #: Params and metrics that no code has logged: the finished output has them.
    found: Sequence[FoundItem] = ()

    #: Called when the user wants the run to stop; true where the page has interrupted the cell.
    on_stop: Callable[[bool], None] | None = None

    def update_head(self, **fields: Unpack[Head]) -> None:
        """Change what the first line says.

        Parameters
        ----------
        **fields
            ``name``, ``state``, ``experiment``, ``run_id``, ``elapsed_s`` (seconds),
            ``steps_per_s``, ``step``, ``overhead_percent`` (what logging cost),
            ``gpu_memory_bytes`` (the most that the cell had on one GPU), ``error`` (one line),
            ``standing`` (one line), ``progress`` (of a grid, one line), ``printed`` (the last
            lines). While the state is ``RUNNING`` the browser counts the seconds on.
        """
        refuse_unknown(
            "RunCard.update_head",
            {k: v for k, v in fields.items() if k not in HEAD_FIELDS},
            HEAD_FIELDS,
        )
        if fields.get("state", "RUNNING") not in STATES:
            raise InvalidParameterError(
                f"A run's state is one of {', '.join(STATES)}, not {fields['state']!r}."
            )
        with self._lock:
            self.head = shareable({**self.head, **fields})

    def set_since(self, items: Sequence[RunDiffItem], detail: RunDiffDetail | None = None) -> None:
        """Say what changed since the last run.

        Parameters
        ----------
        items : sequence of dict
            ``{"label", "text", "kind"}`` each; the kind is ``better``, ``worse``, ``same`` or
            ``info``.
        detail : dict, optional
            What a click shows: ``code_diff`` (a unified diff) and ``params`` (triples of name,
            old and new value).
        """
        for item in items:
            if item.get("kind", "info") not in KINDS:
                raise InvalidParameterError(
                    f"The kind of {item.get('label')!r} is {item['kind']!r}; "
                    f"use one of {', '.join(KINDS)}."
                )
        with self._lock:
            self.detail = shareable(detail or {})
            self.since = [shareable({"kind": "info", **item}) for item in items]

    def set_run_state(self, run_id: str, state: str) -> None:
        """Say what became of a run; of the card's own, the first line says it too."""
        with self._lock:
            super().set_run_state(run_id, state)
            if self.head.get("run_id") == run_id:
                self.head = self.head | {"state": state}

    def _on_message(self, widget: Any, message: Any, buffers: Any) -> None:
        super()._on_message(widget, message, buffers)
        if threading.current_thread() is not threading.main_thread() and not self.stoppable:
            # this kernel hears messages while a cell runs, so it can stop one
            self.stoppable = self.on_stop is not None
        if isinstance(message, dict) and message.get("type") == "stop" and self.on_stop:
            self.on_stop(bool(message.get("interrupted")))
        if isinstance(message, dict) and message.get("type") == "finish":
            data, metadata = self.finished_bundle()
            said: FinishedMessage = {
                "type": "finished",
                "id": message.get("id", 0),
                "data": data,
                "metadata": metadata,
            }
            self.send(said)

    def _finished(self) -> ChartContent:
        return replace(
            super()._finished(),
            head=self.head.copy(),
            since=list(self.since),
            detail=self.detail.copy(),
            found=self.found,
        )
