"""Shows the card of a run below its cell, and replaces it by the finished output."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from nbtrack.tracking.kernel import shell
from nbtrack.tracking.run import ActiveRun
from nbtrack.views.display import display_mode

MAX_CARDS = 8  # in one cell: a loop over runs does not fill the notebook


def show_card(
    run: ActiveRun, *, source: str | None = None, literals: Mapping[str, Any] | None = None
) -> None:
    """Show the card of a run that has started; it is a picture when the run has ended.

    The curves of a run inside another run of the same cell come into the card of that one;
    nothing is shown where ``NBTRACK_DISPLAY`` is ``off``.

    Parameters
    ----------
    run : ActiveRun
    source : str, optional
        The code of its cell, for the line that says what changed.
    literals : mapping, optional
        Params that are logged when the cell ends.
    """
    from nbtrack.notebook.cells import cells_of

    if run.pid != os.getpid():
        return
    try:
        cells = cells_of(shell())
        if display_mode() == "off":
            return
        outer = _outermost(run)
        if outer is not None:
            card = cells.live.get(outer.info.run_id)
            if card is not None:
                card.add_child(run)
            return
        cells.cards += 1
        if cells.cards > MAX_CARDS:
            if cells.cards == MAX_CARDS + 1:
                _say_that_no_more_come()
            return
        from nbtrack.notebook.live_card import LiveCard

        card = LiveCard(run, source, literals or {})
        run.on_end.append(card.finish)
        card.show()
    except Exception as error:  # noqa: BLE001  a run is not stopped by what it looks like
        run.store.warn_once(f"The card of run {run.info.run_name} cannot be shown: {error!r}")


def keep_source(run: ActiveRun, *, within_cell: bool = False) -> None:
    """Keep the cell that has started a run; what stands in the way is said, and the run goes on.

    Parameters
    ----------
    run : ActiveRun
    within_cell : bool, optional
        Whether a run is passed over that starts while no cell runs.
    """
    from nbtrack.notebook.cells import cells_of

    if run.pid != os.getpid():
        return
    try:
        if (current := shell()) is None:
            return
        cells = cells_of(current)
        if cells.current is not None or not within_cell:
            cells.keep_source(run)
    except Exception as error:  # noqa: BLE001  a run without its source is still a run
        run.store.warn_once(f"The source of run {run.info.run_name} was not kept: {error!r}")


def _outermost(run: ActiveRun) -> ActiveRun | None:
    """Return the run of the same cell that this one is inside, the outermost one."""
    inside = (other for other in run.outer if not other.ended and other.cell == run.cell)
    return next(inside, None)


def _say_that_no_more_come() -> None:
    from IPython import display as ipython

    text = f"The first {MAX_CARDS} runs of this cell have cards; nbtrack.runs() shows all of them."
    show: Any = ipython.display
    show({"text/plain": text}, raw=True)
