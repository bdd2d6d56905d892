"""Captures what goes to a run without a log call: source, params, output and figures of a cell."""

from __future__ import annotations

import ast
import json
import numbers
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbtrack.entities.runs import CELL_TAG
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.notebook.cell_dependencies import Executed, as_record, backward_slice
from nbtrack.notebook.figures import ShownFigures
from nbtrack.notebook.literals import assigned_names, literal_params, object_params
from nbtrack.notebook.memory import PeakMemory
from nbtrack.notebook.printed import PrintedTail
from nbtrack.notebook.secrets import SecretsOfCells
from nbtrack.tracking.kernel import number_of
from nbtrack.tracking.run import ActiveRun
from nbtrack.validation import check_key, metric_value

SOURCE_FILE = ".nbtrack/cell.py"
CELLS_FILE = ".nbtrack/cells.json"
OUTPUT_FILE = ".nbtrack/output.txt"
CELL_ID_TAG = "nbtrack.cell.id"


class CellCapture:
    """What one cell gives to its run.

    Parameters
    ----------
    run : ActiveRun
    shell : InteractiveShell
    source : str
        The cell without the line of ``%%track``.
    cell_id : str or None
        The front end's id of the cell.
    earlier : list of Executed
        The cells that were executed before it.

    Attributes
    ----------
    source : str
        The cell without the secrets in it, as it is kept.
    literals : dict
        The params that were found in the source; they are logged when the cell ends, each
        only where the run has no param of that name.
    """

    def __init__(
        self,
        run: ActiveRun,
        shell: Any,
        source: str,
        cell_id: str | None,
        earlier: Sequence[Executed] = (),
    ) -> None:
        self.run = run
        self._shell = shell
        self._cell_id = cell_id
        self._earlier = list(earlier)
        self._python = _as_python(shell, source)
        self._clean = SecretsOfCells(run, shell.user_ns)
        self._source = source
        self.source = self._clean.source(source)
        self.literals = {
            name: self._clean.value(value) for name, value in literal_params(self._python).items()
        }
        self._names = assigned_names(self._python)
        self._before: dict[str, int] = {}
        self._printed = PrintedTail()
        self._figures = ShownFigures(shell)
        self._memory = PeakMemory()
        self._tags = {CELL_TAG: str(number_of(shell))} | ({CELL_ID_TAG: cell_id} if cell_id else {})

    def start(self) -> None:
        """Keep the source, and begin to watch."""
        self.run.writer.set_tags(self._tags)
        self._safely("source", self._keep_source)
        self._keep_needed(set(self._shell.user_ns))
        self._safely("literals", lambda: self.run.writer.suggest_params(self.literals))
        namespace = self._shell.user_ns
        self._before = {name: id(namespace[name]) for name in self._names if name in namespace}
        self._safely("peak memory", self._memory.start)
        self._figures.start()
        self._printed.start()

    def finish(self, result: Any, *, failed: bool) -> None:
        """Stop watching, and log what was found."""
        self._printed.stop()
        self._safely("figures", lambda: self._figures.stop(result))
        self._safely("params", lambda: self._log_params(failed=failed))
        self._safely("result", lambda: self._log_result(result))
        self._safely("peak memory", lambda: self.run.writer.log_metrics(self._memory.metrics()))
        self._safely("figures", lambda: self._figures.store(self.run.writer.artifacts))
        self._safely("output", self._keep_output)

    def _safely(self, what: str, work: Callable[[], Any]) -> None:
        """Do one thing; what stands in its way is said, and the cell is none the worse."""
        try:
            work()
        except Exception as error:  # noqa: BLE001  a run without its figures is still a run
            self.run.store.warn_once(
                f"The {what} of run {self.run.info.run_name} was not kept: {error}"
            )

    def _keep_source(self) -> None:
        self.run.writer.artifacts.put_bytes(
            SOURCE_FILE, self.source.encode("utf-8", "backslashreplace")
        )

    def _keep_needed(self, names: set[str]) -> None:
        number = number_of(self._shell)
        cell = Executed(number, self._cell_id, self._source, lambda _source: self._python)
        _keep_needed(self.run, cell, self._earlier, names, self._clean)

    def _keep_output(self) -> None:
        text = self._clean.output(self._printed.text(), "output")
        if text.strip():
            self.run.writer.artifacts.put_bytes(
                OUTPUT_FILE, text.encode("utf-8", "backslashreplace")
            )

    def _log_params(self, *, failed: bool) -> None:
        namespace = self._shell.user_ns
        names = [
            name
            for name in self._names
            if name in namespace and not (failed and self._before.get(name) == id(namespace[name]))
        ]
        fields = object_params(names, namespace)
        found = {
            **{name: self._clean.value(each) for name, each in fields.items()},
            **self.literals,
        }
        log_missing_params(self.run, found)

    def _log_result(self, result: Any) -> None:
        metrics = result_metrics(result, self._python)
        if metrics:
            known = self.run.data.metrics
            self.run.writer.log_metrics({k: v for k, v in metrics.items() if k not in known})


def keep_cell(
    run: ActiveRun, cell: Executed, earlier: Sequence[Executed], namespace: Mapping[str, Any]
) -> None:
    """Keep the cell that has started a run, and the earlier cells that it needs.

    Parameters
    ----------
    run : ActiveRun
    cell : Executed
    earlier : list of Executed
        The cells that were executed before it.
    namespace : mapping of str to object
        The variables of the notebook.
    """
    tags = {CELL_TAG: str(cell.number)} | ({CELL_ID_TAG: cell.cell_id} if cell.cell_id else {})
    run.writer.set_tags(tags)
    clean = SecretsOfCells(run, namespace)
    _keep_needed(run, cell, earlier, set(namespace), clean, with_source=True)


def _keep_needed(
    run: ActiveRun,
    cell: Executed,
    earlier: Sequence[Executed],
    names: set[str],
    clean: SecretsOfCells,
    *,
    with_source: bool = False,
) -> None:
    """Keep the earlier cells that a cell needs: in a thread, since many are to be parsed."""

    def keep() -> None:
        run.ending.wait(0.25)  # stay out of the way of the first steps
        try:
            if with_source:
                source = clean.source(cell.text).encode("utf-8", "backslashreplace")
                run.writer.artifacts.put_bytes(SOURCE_FILE, source)
            record = as_record(backward_slice(earlier, cell, names), cell, clean.source)
            text = json.dumps(record, indent=1)
            run.writer.artifacts.put_bytes(CELLS_FILE, text.encode("utf-8"))
        except Exception as error:  # noqa: BLE001  a thread has no caller: it is said once, by name
            run.store.warn_once(f"The source of run {run.info.run_name} was not kept: {error}")

    run.in_background(threading.Thread(target=keep, daemon=True))


def log_missing_params(run: ActiveRun, params: Mapping[str, Any]) -> None:
    """Log params that the run does not have yet; the others stay as they are."""
    for key, value in params.items():
        try:
            run.writer.log_params({key: value})
        except InvalidParameterError:  # it has one already, or the name cannot be one
            continue


def result_metrics(result: Any, source: str) -> dict[str, float]:
    """Return what the last expression of a cell gives as metrics.

    Parameters
    ----------
    result : object
        A number, an array of one number, or a dict with numbers among its values.
    source : str
        The cell as Python: a number is called as the expression, or ``result``.
    """
    if isinstance(result, dict):
        pairs = {str(key): value for key, value in result.items() if _is_number(value)}
    elif _is_number(result):
        pairs = {_name_of_last(source): result}
    else:
        return {}
    return {key: metric_value(key, value) for key, value in pairs.items() if _is_key(key)}


def _is_number(value: Any) -> bool:
    if isinstance(value, bool):
        return False
    if isinstance(value, numbers.Real):
        return True
    module = type(value).__module__.partition(".")[0]
    return module in ("numpy", "torch", "tensorflow", "jax", "jaxlib") and (
        getattr(value, "shape", None) == () and "bool" not in str(getattr(value, "dtype", "bool"))
    )


def _is_key(key: str) -> bool:
    try:
        check_key(key)
    except NbtrackError:
        return False
    return True


def _name_of_last(source: str) -> str:
    try:
        body = ast.parse(source).body
    except (SyntaxError, ValueError):
        body = []
    last = body[-1].value if body and isinstance(body[-1], ast.Expr) else None
    if isinstance(last, ast.Name):
        return last.id
    return last.attr if isinstance(last, ast.Attribute) else "result"


def _as_python(shell: Any, source: str) -> str:
    try:
        return str(shell.transform_cell(source))
    except Exception:  # noqa: BLE001  the cell itself will say what is wrong with it
        return source
