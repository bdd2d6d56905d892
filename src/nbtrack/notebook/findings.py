"""What was found about a run without a log call, where each came from, and what is left out."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

from nbtrack.entities.found import FOUND_TAG, Found, FoundKind, found_tag
from nbtrack.errors import NbtrackError
from nbtrack.notebook.result_metrics import is_key
from nbtrack.redaction.names import is_private
from nbtrack.store import now_ms
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import metric_value

ROOM = 7000  # characters: a tag has 8,000
MAX_METRICS = 30


class Findings:
    """Logs what was found, each once, and remembers its source.

    Parameters
    ----------
    run : ActiveRun
    without : sequence of str
        Names or patterns that are left out.
    """

    def __init__(self, run: ActiveRun, without: Sequence[str]) -> None:
        self._run = run
        self._without = list(without)
        self._found: list[Found] = []
        self._room = ROOM
        self._metrics = 0
        self._unwanted: list[Found] = []

    def wanted(self, names: Mapping[str, Any]) -> dict[str, Any]:
        """Return what is not left out."""
        return {name: value for name, value in names.items() if not self._is_left_out(name)}

    def params(self, source: str, found: Mapping[str, Any]) -> None:
        """Log params that the run does not have yet; the others stay as they are."""
        known = self._run.writer.params
        for key, value in self.wanted(found).items():
            if key in known:
                continue
            try:
                self._run.writer.log_params({key: value})
            except NbtrackError:  # the name cannot be one, or another process has it already
                continue
            self._note("param", source, key)

    def object_params(self, source: str, name: str, found: Mapping[str, Any]) -> None:
        """Log params of an object, but those that the run has under their own names alone.

        Parameters
        ----------
        source, name : str
            Where they come from, and the variable.
        found : mapping
            By names such as ``optimizer.lr``; with ``lr = 0.1`` there is one already.
        """
        known = {(key.rpartition(".")[2], value) for key, value in self._run.writer.params.items()}
        self.params(
            source,
            {
                key: value
                for key, value in found.items()
                if key == name or (key.rpartition(".")[2], str(value)) not in known
            },
        )

    def metric(self, source: str, key: str, values: Sequence[Any], steps: Sequence[int]) -> None:
        """Log the points of a metric."""
        if self._is_left_out(key) or not is_key(key) or self._metrics >= MAX_METRICS:
            return
        if is_private(key):
            return
        now = now_ms()
        points = [
            (key, metric_value(key, value), step, now)
            for value, step in zip(values, steps, strict=False)
        ]
        self._run.writer.log_points(points)
        self._metrics += 1
        self._note("metric", source, key)

    def automatic(self, found: Sequence[Found]) -> None:
        """Remember what was logged by itself, and by what."""
        for each in found:
            self._note(each.kind, each.source, each.key)
            if self._is_left_out(each.key):
                self._unwanted.append(each)

    def keep(self) -> None:
        """Keep where what was found came from, as a tag of the run."""
        if self._found:
            self._run.writer.set_tags({FOUND_TAG: found_tag(self._found)})
        for each in self._unwanted:  # it was logged before it could be left out
            self._run.store.runs.leave_out(self._run.info.run_id, each.kind, each.key)

    def _is_left_out(self, key: str) -> bool:
        return any(fnmatchcase(key, pattern) for pattern in self._without)

    def _note(self, kind: FoundKind, source: str, key: str) -> None:
        self._room -= len(json.dumps([key, source])) + 40 // (len(self._found) + 1)
        if self._room > 0:
            self._found.append(Found(kind, key, source))
