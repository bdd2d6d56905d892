"""The card of a run: what it is, what changed since the last one, and its live chart."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import traitlets as t

from nbtrack.errors import InvalidParameterError
from nbtrack.views.chart.content import STATES, ChartContent
from nbtrack.views.formats import shareable
from nbtrack.views.widgets.metric_chart import MetricChart
from nbtrack.views.widgets.view import refuse_unknown

HEAD_FIELDS = (
    "name",
    "state",
    "experiment",
    "run_id",
    "elapsed_s",
    "steps_per_s",
    "step",
    "overhead_percent",
    "error",
    "standing",
)
KINDS = ("better", "worse", "same", "info")


class RunCard(MetricChart):
    """A live chart with two lines above it.

    Takes what `MetricChart` takes; `update_head` and `set_since` fill the lines.
    """

    _entry = "run_card"
    head = t.Dict().tag(sync=True)
    since = t.List(t.Dict()).tag(sync=True)
    detail = t.Dict().tag(sync=True)
    stoppable = t.Bool(False).tag(sync=True)

    #: Called when the user wants the run to stop; true where the page has interrupted the cell.
    on_stop: Callable[[bool], None] | None = None

    def update_head(self, **fields: Any) -> None:
        """Change what the first line says.

        Parameters
        ----------
        **fields
            ``name``, ``state``, ``experiment``, ``run_id``, ``elapsed_s`` (seconds),
            ``steps_per_s``, ``step``, ``overhead_percent`` (what logging cost), ``error``
            (one line), ``standing`` (one line). While the state is ``RUNNING`` the browser counts
            the seconds on.
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

    def set_since(
        self, items: Sequence[Mapping[str, Any]], detail: Mapping[str, Any] | None = None
    ) -> None:
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
            self.since = [{"kind": "info", **shareable(item)} for item in items]

    def set_run_state(self, run_id: str, state: str) -> None:
        """Say what became of a run; of the card's own, the first line says it too."""
        with self._lock:
            super().set_run_state(run_id, state)
            if self.head.get("run_id") == run_id:
                self.head = {**self.head, "state": state}

    def _on_message(self, widget: Any, message: Any, buffers: Any) -> None:
        super()._on_message(widget, message, buffers)
        if threading.current_thread() is not threading.main_thread() and not self.stoppable:
            # this kernel hears messages while a cell runs, so it can stop one
            self.stoppable = self.on_stop is not None
        if isinstance(message, dict) and message.get("type") == "stop" and self.on_stop:
            self.on_stop(bool(message.get("interrupted")))
        if isinstance(message, dict) and message.get("type") == "finish":
            data, metadata = self.finished_bundle()
            answer = {"type": "finished", "id": message.get("id")}
            self.send({**answer, "data": data, "metadata": metadata})

    def _finished(self) -> ChartContent:
        return replace(
            super()._finished(),
            head=dict(self.head),
            since=list(self.since),
            detail=dict(self.detail),
        )
