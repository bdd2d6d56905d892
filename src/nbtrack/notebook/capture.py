"""Captures what goes to a run without a log call: source, params, output and figures of a cell."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from nbtrack.autologging.training import logged
from nbtrack.entities.found import FoundKind, found_of
from nbtrack.entities.run_data import is_system_metric
from nbtrack.entities.runs import CELL_TAG
from nbtrack.errors import NbtrackError
from nbtrack.notebook.automatic import Automatic, is_covered
from nbtrack.notebook.executed import Executed
from nbtrack.notebook.figures import ShownFigures
from nbtrack.notebook.findings import Findings
from nbtrack.notebook.literals import assigned_names, literal_params, object_params
from nbtrack.notebook.memory import PeakMemory
from nbtrack.notebook.names import inner_cell
from nbtrack.notebook.offers import LAST_VALUE, THIS_CELL, Offers
from nbtrack.notebook.printed import PrintedTail
from nbtrack.notebook.result_metrics import result_metrics
from nbtrack.notebook.secrets import SecretsOfCells
from nbtrack.notebook.source_record import SOURCE_FILE, SourceRecord
from nbtrack.tracking.kernel import number_of
from nbtrack.tracking.run import ActiveRun

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
    executed : Executed
        The cell as the shell has it.
    earlier : list of Executed
        The cells that were executed before it.
    without : sequence of str
        Names or patterns of what is left out.
    line : str
        The line of ``%%track``.
    auto : bool
        Whether libraries and loops are logged by themselves while the cell runs.

    Attributes
    ----------
    run : ActiveRun
    record : SourceRecord
        What is kept of its cells.
    has_inner : bool
        Whether the code has started runs inside this one: it logs what it wants to.
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
        executed: Executed,
        earlier: Sequence[Executed] = (),
        without: Sequence[str] = (),
        *,
        line: str = "",
        auto: bool = False,
    ) -> None:
        self.run = run
        self.has_inner = False
        self._shell = shell
        self._python = _as_python(shell, inner_cell(source))
        self._clean = SecretsOfCells(run, shell.user_ns)
        self.source = self._clean.source(source)
        self._automatic = Automatic(run, wanted=auto)
        self._findings = Findings(run, without)
        literals = self._findings.wanted(literal_params(self._python))
        self.literals = {name: self._clean.value(value) for name, value in literals.items()}
        cell_id = executed.cell_id
        cell = Executed(number_of(shell), cell_id, source, lambda _source: self._python)
        names = set(shell.user_ns)
        self.record = SourceRecord(
            run, executed, earlier, names, self._clean, line, keeps_cell=False
        )
        self._offers = Offers(
            run, self._findings, cell, list(earlier), self.record.slice, self._clean.value
        )
        self._names = assigned_names(self._python)
        self._before: dict[str, int] = {}
        self._printed = PrintedTail()
        self._figures = ShownFigures(shell)
        self._memory = PeakMemory()
        self._code = [*(each.text for each in earlier), source]
        self._tags = {CELL_TAG: str(number_of(shell))} | ({CELL_ID_TAG: cell_id} if cell_id else {})

    def start(self) -> None:
        """Keep the source, and begin to watch."""
        self.run.writer.set_tags(self._tags)
        self._safely("source", self._keep_source)
        self.record.start()
        self._safely("literals", lambda: self.run.writer.suggest_params(self.literals))
        namespace = self._shell.user_ns
        self._before = {name: id(namespace[name]) for name in self._names if name in namespace}
        self._safely("peak memory", lambda: self._memory.start(self._code))
        self._safely("state", lambda: self._offers.start(namespace))
        self._figures.start()
        self._printed.start()
        self._safely("autologging", self._automatic.start)

    def end_autologging(self) -> None:
        """Let the functions be again that were wrapped, before anybody looks at the variables."""
        self._safely("autologging", self._automatic.finish)

    def finish(self, result: Any, *, failed: bool) -> None:
        """Stop watching, and log what was found."""
        self._printed.stop()
        self._safely("figures", lambda: self._figures.stop(result))
        self._safely("params", lambda: self._log_params(failed=failed))
        self._safely("metrics", lambda: self._log_metrics(result))
        self._safely("autologging", self._automatic.finish)
        self._safely("sources", self._findings.keep)
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
        asked = not self.has_inner and not self._offers.logs_params(self._automatic_keys("param"))
        self._findings.params(THIS_CELL, found)
        self._safely("autologging", lambda: self._findings.automatic(self._automatic.finish()))
        if asked:
            self._offers.params(namespace, objects=not self._automatic_keys("param"))

    def _log_metrics(self, result: Any) -> None:
        last = result_metrics(result, self._python)
        automatic = self._automatic_keys("metric")
        keys = set(self.run.writer.journal.keys) - automatic
        logs = any(not is_system_metric(key) for key in keys)
        curves = []
        if not self.has_inner and not logs:
            printed = self._printed.heard()
            found_curves = self._offers.metrics(self._shell.user_ns, result, printed, last)
            curves = [each for each in found_curves if not is_covered(each.key, automatic)]
        if not last and not curves:
            return  # then nobody is asked what the run has
        known, found = self._known_metrics()
        for key, value in last.items():
            if key not in known:
                self._findings.metric(LAST_VALUE, key, [value], [0])
        if known - automatic <= found:  # other processes of the cell have logged nothing either
            for curve in curves:
                self._findings.metric(*curve)

    def _automatic_keys(self, kind: FoundKind) -> set[str]:
        return {each.key for each in logged(self.run) if each.kind == kind}

    def _known_metrics(self) -> tuple[set[str], set[str]]:
        """Return the metrics that the run has, and those that an earlier cell of it has found."""
        try:
            data = self.run.data
        except NbtrackError:  # a server does not answer: what this process has logged is known
            keys, found = self.run.writer.journal.keys, set()
        else:
            keys, found = list(data.metrics), {each.key for each in found_of(data.tags)}
        return {key for key in keys if not is_system_metric(key)}, found


def keep_cell(
    run: ActiveRun,
    cell: Executed,
    earlier: Sequence[Executed],
    namespace: Mapping[str, Any],
    line: str | None = None,
) -> SourceRecord:
    """Keep the cell that has started a run, and the earlier cells that it needs.

    Parameters
    ----------
    run : ActiveRun
    cell : Executed
    earlier : list of Executed
        The cells that were executed before it.
    namespace : mapping of str to object
        The variables of the notebook.
    line : str, optional
        The line of ``%%track``: of a grid, or of a cell that has a run of its own, too.
    """
    tags = {CELL_TAG: str(cell.number)} | ({CELL_ID_TAG: cell.cell_id} if cell.cell_id else {})
    run.writer.set_tags(tags)
    clean = SecretsOfCells(run, namespace)
    record = SourceRecord(run, cell, earlier, set(namespace), clean, line)
    record.start()
    return record


def _as_python(shell: Any, source: str) -> str:
    try:
        return str(shell.transform_cell(source))
    except Exception:  # noqa: BLE001  the cell itself will say what is wrong with it
        return source
