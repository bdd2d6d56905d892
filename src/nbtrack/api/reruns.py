"""Having a run again."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, overload

from nbtrack.errors import InvalidParameterError
from nbtrack.suggestions import suggests_keywords
from nbtrack.tracking import context
from nbtrack.tracking import start as _start

if TYPE_CHECKING:
    from nbtrack.entities import Run
    from nbtrack.reruns import Verdict


@overload
def rerun(
    run: str,
    *,
    as_new: Literal[False] = ...,
    params: None = ...,
    cells: Literal["needed", "all"] = ...,
    timeout: float | None = ...,
    env: bool = ...,
) -> Verdict: ...


@overload
def rerun(
    run: str,
    *,
    as_new: Literal[True],
    params: Mapping[str, Any] | None = ...,
    cells: Literal["needed", "all"] = ...,
    timeout: float | None = ...,
    env: bool = ...,
) -> Run: ...


@suggests_keywords
def rerun(
    run: str,
    *,
    as_new: bool = False,
    params: Mapping[str, Any] | None = None,
    cells: Literal["needed", "all"] = "needed",
    timeout: float | None = None,
    env: bool = False,
) -> Verdict | Run:
    """Execute the cells of a run in a fresh kernel, and compare what they log with the run.

    This runs the code that was recorded, in a copy of the notebook's folder and with a store of its
    own. What differs is had once more, and then with all cells that were executed, so that the
    verdict can name the cause. It stays with the run, as the tag ``nbtrack.reproduced``: ``yes``,
    ``no`` or ``failed``.

    Parameters
    ----------
    run : str
        Its id, the beginning of it, or its name; of several with one name the latest that is no
        variation.
    as_new : bool, optional
        Make a variation instead: a run of its own in the store, and no verdict.
    params : mapping, optional
        For a variation: new values of literals that the cells assign.
    cells : {"needed", "all"}, optional
        Those that the run needed, or all that were executed before it.
    timeout : float, optional
        Seconds that each attempt may take.
    env : bool, optional
        Execute them in the environment that was recorded: the same versions of all packages. It is
        made where it is not there yet, by uv or virtualenv, which takes the network.

    Returns
    -------
    Verdict or Run
        ``verdict.same``, ``verdict.text``, ``verdict.items``; of a variation its run.

    Raises
    ------
    NotFoundError
        If there is no such run.
    InvalidStateError
        If it still runs, is deleted, or its code was not kept.
    MissingDependencyError
        If ipykernel is not installed.
    ProjectError
        If the recorded environment cannot be made.

    Examples
    --------
    A run of a notebook; the first executes code, and the second makes a run of its own:

    >>> verdict = nbtrack.rerun("baseline")  # doctest: +SKIP
    >>> verdict.text  # doctest: +SKIP
    'same numbers'
    >>> run = nbtrack.rerun("baseline", as_new=True, params={"lr": 0.01})  # doctest: +SKIP
    """
    from nbtrack.reruns import rerun as verified
    from nbtrack.reruns import vary
    from nbtrack.store import find_original

    if params and not as_new:
        raise InvalidParameterError("With other params it is another run: say as_new=True.")
    store = context.store()
    with store.read() as reader:
        run_id, said = find_original(reader, run, _start.active_experiment_id(store))
    if said:
        sys.stderr.write(f"nbtrack: {said}\n")
    if as_new:
        return vary(store, run_id, params, cells=cells, timeout=timeout, shown=True, env=env)
    return verified(store, run_id, cells=cells, timeout=timeout, shown=True, env=env)
