"""``start_run`` in a cell below ``%%track``: it joins the run of the cell.

The cell has its run already, so the first call gives that run its name, experiment and tags, and
leaving the block leaves it open: it ends with the cell. A cell that starts several runs is
different. Where that can be seen, the run of the cell is their parent; where it cannot, those
after the first are runs of their own beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any, Literal, Protocol

from nbtrack.entities.runs import PARENT, RUN_NAME
from nbtrack.tracking.kernel import cell_number
from nbtrack.validation import check_experiment_id

if TYPE_CHECKING:
    from nbtrack.entities import RunInfo
    from nbtrack.store import RunWriter, Store


class CellRun(Protocol):
    """What is used of the run of a tracked cell; see `nbtrack.tracking.run.ActiveRun`."""

    writer: RunWriter
    cell: int | None
    ended: bool

    @property
    def info(self) -> RunInfo:
        """What the run is."""

    @property
    def store(self) -> Store:
        """Where it is logged to."""

    def _know(self, **fields: Any) -> None:
        """Take note of what of ``info`` has changed."""


Way = Literal["join", "inside", "beside", "apart", "elsewhere"]
_SAID: dict[Way, str] = {
    "join": "in the cell joined this run",
    "inside": "in the cell makes several runs: they are inside this one",
    "beside": "in the cell made more runs: they are beside this one",
    "apart": "in the cell went on with another run",
    "elsewhere": "in the cell made a run of its own, in another store or experiment",
}


class Joining:
    """The run of a tracked cell, as ``start_run`` in that cell finds it.

    Parameters
    ----------
    run : CellRun
    fixed : collection of str
        What the line of ``%%track`` has given, and code does not change: ``"name"``,
        ``"experiment"``, keys of tags.
    makes_several : callable
        Returns whether the cell will start more than one run, as far as its code says.

    Attributes
    ----------
    is_open : bool
        Whether a block that has joined is open.
    is_used : bool
        Whether one was.
    notes : list of str
        What the card says of ``start_run()``, each once.
    on_change : list of callable
        Called when there is something new to say.
    """

    def __init__(
        self,
        run: CellRun,
        fixed: Collection[str] = (),
        makes_several: Callable[[], bool] = lambda: False,
    ) -> None:
        self.run = run
        self.is_open = False
        self.is_used = False
        self._status: str | None = None
        self._error: BaseException | None = None
        self.notes: list[str] = []
        self.on_change: list[Callable[[], None]] = []
        self._fixed = frozenset(fixed)
        self._makes_several = makes_several

    @property
    def is_here(self) -> bool:
        """Whether the cell runs whose run it is, and no block that has joined is open."""
        return not self.is_open and not self.run.ended and self.run.cell == cell_number()

    def way(self, run_id: str | None, experiment_id: str | None, store: Any) -> Way:
        """Return what a call of ``start_run`` does; if it does not join, the card says so.

        Parameters
        ----------
        run_id : str or None
            The run that it goes on with.
        experiment_id : str or None
            The experiment that it wants, or that is active.
        store : Store
            Where it would track to.
        """
        if run_id is not None:
            return "join" if run_id == self.run.info.run_id else self._say("apart")
        if self.is_used:
            return self._say("beside")
        movable = self.run.store.moves_runs or not self._differs(experiment_id)
        if store is not self.run.store or not movable:
            return self._say("elsewhere")
        return self._say("inside") if self._makes_several() else "join"

    def _differs(self, experiment_id: str | None) -> bool:
        return "experiment" not in self._fixed and experiment_id not in (
            None,
            self.run.info.experiment_id,
        )

    def join(self, experiment_id: str | None, tags: Mapping[str, str], parent: str | None) -> None:
        """Give the run what a call of ``start_run`` says.

        Parameters
        ----------
        experiment_id : str or None
            Where it belongs.
        tags : mapping of str to str
            The name of the run among them.
        parent : str or None
            The run that it belongs under.
        """
        run = self.run
        self.move(experiment_id)
        kept = {key: value for key, value in tags.items() if key not in self._fixed}
        if "name" in self._fixed:
            kept.pop(RUN_NAME, None)
        if parent is not None:
            kept[PARENT] = parent
        if kept:
            run.writer.set_tags(kept)
        if RUN_NAME in kept:
            run._know(run_name=kept[RUN_NAME])
        self.is_open = self.is_used = True
        self._say("join")

    def move(self, experiment_id: str | None) -> None:
        """Put the run into an experiment, if it is in another; its artifacts stay in their place.

        Parameters
        ----------
        experiment_id : str or None
        """
        run = self.run
        if experiment_id is None or not self._differs(experiment_id):
            return
        wanted = check_experiment_id(experiment_id)
        run.store.experiments.location_of_new(wanted)  # it is there, and not deleted
        name = run.store.experiments.last_known_name(wanted)
        run.writer.append([("update", {"experiment_id": wanted, "experiment": name})])
        run._know(experiment_id=wanted)

    def _say(self, way: Way) -> Way:
        text = _SAID[way]
        if text not in self.notes:
            self.notes.append(text)
        for tell in self.on_change:
            tell()
        return way

    def leave_block(self, error: BaseException | None) -> None:
        """Leave a ``with`` block that has joined; ``end_run`` may have done so already."""
        if self.is_open:
            self.is_open = False
            self._error = error

    def end(self, status: str) -> None:
        """Let the run end with a status, once its cell has ended.

        Parameters
        ----------
        status : {"FINISHED", "FAILED", "KILLED"}
        """
        self.is_open = False
        self._status = None if status == "FINISHED" else status

    def outcome(self) -> tuple[BaseException | None, str | None]:
        """Return the error that has left the block, and how the code has ended the run."""
        error, self._error = self._error, None  # its frames hold what the cell has made
        return error, self._status
