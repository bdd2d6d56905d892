"""Records what a tracked cell shows of its run where its code logs nothing.

What the code logs comes first: params are looked for in other cells and in objects only when the
code has logged none, metrics in histories, lists and output only when it has logged none.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from functools import cached_property
from typing import Any, NamedTuple

from nbtrack.notebook.cell_dependencies import Slice, names_in_reach
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.findings import Findings
from nbtrack.notebook.grown import grown_curves, lengths
from nbtrack.notebook.in_reach import (
    estimator_params,
    histories,
    history_curves,
    history_epochs,
    history_length,
    objects_of,
    optimizer_params,
)
from nbtrack.notebook.literals import literal_params, object_params
from nbtrack.notebook.names import captured_name
from nbtrack.notebook.printed_numbers import Printed, printed_numbers
from nbtrack.notebook.result_metrics import is_number, printed_result
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import metric_value
from nbtrack.views.metric_names import parse_metric

THIS_CELL = "this cell"
LAST_VALUE = "last value"
PRINTED = "printed"


class Curve(NamedTuple):
    """The points of a metric, and where they are from."""

    source: str
    key: str
    values: Sequence[float]
    steps: Sequence[int]


class Offers:
    """What there is besides log calls.

    Parameters
    ----------
    run : ActiveRun
    findings : Findings
        Takes what is found.
    cell : Executed
        The cell, whose ``python`` returns it without magics.
    earlier : list of Executed
    needed : callable
        Returns the earlier cells that it needed.
    clean : callable
        Takes a secret out of a value.
    """

    def __init__(
        self,
        run: ActiveRun,
        findings: Findings,
        cell: Executed,
        earlier: Sequence[Executed],
        needed: Callable[[], Slice],
        clean: Callable[[Any], Any],
    ) -> None:
        self._run = run
        self._findings = findings
        self._cell = cell
        self._python = cell.python(cell.text)
        self._earlier = earlier
        self._needed = needed
        self._clean = clean
        self._lengths: dict[tuple[int, str], int] = {}
        self._epochs: dict[int, int] = {}
        self._params: set[str] = set()

    def start(self, namespace: Mapping[str, Any]) -> None:
        """Remember how everything was before the cell."""
        self._params = set(self._run.writer.params)
        self._lengths = lengths(namespace)
        self._epochs = {
            id(history): history_length(history) for _, history in histories(dict(namespace))
        }

    def logs_params(self, automatic: Set[str] = frozenset()) -> bool:
        """Return whether the code of the cell has logged params itself.

        Parameters
        ----------
        automatic : set of str
            Those that a library, or a loop, has logged by itself.
        """
        return not self._params >= self._run.writer.params.keys() - automatic

    def params(self, namespace: Mapping[str, Any], *, objects: bool = True) -> None:
        """Log literals of the cells that the cell needed, and what objects say that it used.

        Parameters
        ----------
        namespace : mapping of str to object
        objects : bool, optional
            Whether optimizers, estimators and histories are asked: not where they have been
            logged by themselves.
        """
        used = self._used() - self._cell.names.binds
        for needed in reversed(self._needed().cells):
            if not needed.for_safety:
                self._findings.params(
                    f"cell {needed.cell.number}", self._of_cell(needed.cell, used, namespace)
                )
            used -= needed.cell.names.always  # an earlier cell gave another value
        if not objects:
            return
        used_objects = objects_of(self._reach, namespace, self._python)
        for name, history in self._histories(used_objects, None):
            self._findings.object_params(name, name, history_epochs(history))
        for found in (optimizer_params(used_objects), estimator_params(used_objects)):
            for name, params in found:
                # what the code names comes first: the rest are defaults, for the most part
                keys = sorted(params, key=lambda key: not self._is_named(key))
                clean = {key: self._clean(params[key]) for key in keys}
                self._findings.object_params(name, name, clean)

    def metrics(
        self,
        namespace: Mapping[str, Any],
        result: Any,
        printed: str,
        last: Mapping[str, float],
    ) -> list[Curve]:
        """Return curves of histories, of lists that grew and of the output, each once.

        Parameters
        ----------
        namespace : mapping of str to object
        result : object
            What the cell returned.
        printed : str
        last : mapping of str to float
            The metrics that it gives; they are known.
        """
        known: dict[str, Sequence[float]] = {key: [value] for key, value in last.items()}
        found: list[Curve] = []

        def add(source: str, key: str, values: Sequence[float], steps: Sequence[int]) -> None:
            if not all(map(is_number, values)):  # a history may hold anything
                return
            found.append(Curve(source, key, values, steps))
            known[key] = [metric_value(key, value) for value in values]

        for name, history in self._histories(
            objects_of(self._reach, namespace, self._python), result
        ):
            steps, curves = history_curves(history)
            start = self._epochs.get(id(history), 0)
            for key, values in curves.items():
                if key not in known:
                    add(name, key, values[start:], steps[start:])
        grown = grown_curves(self._reach, namespace, self._lengths, self._python)
        for key, (path, numbers) in grown.items():
            if not _is_known(key, Printed(numbers), known):
                add(path, key, numbers, range(len(numbers)))
        captured: Any = namespace.get(captured_name(self._cell.source) or "")
        if type(captured).__module__ == "IPython.utils.capture":
            printed = f"{captured.stdout}\n{captured.stderr}"
        for key, value in printed_result(self._python, printed).items():
            if not _is_known(key, Printed([value], digits=3), known):
                add(PRINTED, key, [value], [0])
        before = dict(known)
        for key, curve in printed_numbers(printed).items():
            if not _is_known(key, curve, before):
                add(PRINTED, self._clean(key), curve.values, curve.steps)
        return found

    def _is_named(self, key: str) -> bool:
        last = re.split(r"\.|__", key)[-1]
        return re.search(rf"\b{re.escape(last)}\b", self._python) is not None

    @cached_property
    def _reach(self) -> frozenset[str]:
        return names_in_reach(self._earlier, self._cell)

    def _histories(self, objects: Mapping[str, Any], result: Any) -> Iterator[tuple[str, Any]]:
        for name, history in histories(objects, result):
            if history_length(history) > self._epochs.get(id(history), 0):
                yield name, history

    def _used(self) -> set[str]:
        """Return the names that the cell and those that it needed use."""
        cells = [self._cell, *(each.cell for each in self._needed().cells if not each.for_safety)]
        used = set(self._reach)
        for cell in cells:
            used |= cell.names.used
            used.update(*cell.names.inside.values())
        return used

    def _of_cell(
        self, cell: Executed, used: set[str], namespace: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the literals and the settings of an earlier cell whose names are used.

        Addresses are left out: they say where something is, not how the run was set.
        """
        names = [name for name in sorted(cell.names.binds) if name in used]
        literals = literal_params(cell.python(cell.text))
        found = {
            key: self._clean(value)
            for key, value in literals.items()
            if key.partition(".")[0] in names
        }
        objects = object_params(names, namespace)
        found = {**{key: self._clean(value) for key, value in objects.items()}, **found}
        return {key: value for key, value in found.items() if "://" not in str(value)}


def _is_known(key: str, curve: Printed, known: Mapping[str, Sequence[float]]) -> bool:
    """Return whether numbers are another form of what was found already, rounded maybe."""
    if key in known:
        return True
    if all(float(value).is_integer() for value in curve.values if math.isfinite(value)):
        return False
    room = 0.51 * 10.0**-curve.digits + 1e-12
    split = parse_metric(key).split
    return any(
        _is_part(curve.values, values if len(curve.values) > 1 else values[-1:], room)
        for name, values in known.items()
        if parse_metric(name).split == split
    )


def _is_part(values: Sequence[float], of: Sequence[float], room: float) -> bool:
    """Return whether values are some of others, in their order."""
    others = iter(of)
    return all(any(abs(value - other) <= room for other in others) for value in values)
