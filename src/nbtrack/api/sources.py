"""The code of a run."""

from __future__ import annotations

from nbtrack.tracking import context
from nbtrack.tracking import start as _start


def source(run: str) -> str:
    """Return the code of a run: its cell, and before it the earlier cells that it needed.

    Parameters
    ----------
    run : str
        Its name, its id, or the beginning of the id; of several with one name the latest.

    Returns
    -------
    str
        Each cell below a comment that says why it is there; ``""`` for the run of a script.

    Raises
    ------
    NotFoundError
        If there is no such run.
    """
    from nbtrack.store.run_lookup import find_run
    from nbtrack.views.code import source_text

    store = context.store()
    with store.read() as reader:
        return source_text(reader, find_run(reader, run, _start.active_experiment_id(store)))
