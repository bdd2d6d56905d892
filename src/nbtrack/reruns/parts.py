"""The parts of a run that was resumed, executed one after the other as they were."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import replace

from nbtrack.entities import Run
from nbtrack.entities.runs import RESUMED
from nbtrack.errors import InvalidStateError
from nbtrack.reruns.planned_cells import PlannedCell, words_of
from nbtrack.views.code import RunSource


def check_parts(run: Run, parts: Sequence[RunSource]) -> None:
    """Refuse a run of which not all parts have kept their cells.

    Parameters
    ----------
    run : Run
    parts : sequence of RunSource
        Those that are recorded.

    Raises
    ------
    InvalidStateError
    """
    name = f"The run {run.info.run_name} ({run.info.run_id})"
    advice = (
        "Numbers of a part cannot be had without its cells. Have all of it run in notebooks that "
        "have loaded nbtrack (%load_ext nbtrack), or from the beginning as a new run: that one can "
        "be run again."
    )
    text = run.data.tags.get(RESUMED, "")
    processes = 1 + (int(text) if text.isdigit() else 0)
    known = len({part.kernel for part in parts if part.text is not None})
    if processes > known:
        raise InvalidStateError(
            f"{name} was resumed: {processes} processes have logged to it, and only {known} of "
            f"them kept the cells. The others were scripts, or notebooks without nbtrack. {advice}"
        )
    if any(part.text is None for part in parts):
        raise InvalidStateError(f"{name} was resumed, and the cells of a part are gone. {advice}")
    if parts[0].line is not None and resumes(parts[0].line):
        raise InvalidStateError(
            f"{name} was resumed, and the cells that began it were not kept. {advice}"
        )


def together(parts: Sequence[tuple[str, list[PlannedCell]]]) -> list[PlannedCell]:
    """Return the cells of all parts in the order of execution, each once.

    Parameters
    ----------
    parts : sequence of tuple
        What tells the kernel of a part from others, and its cells. Those of one kernel have run
        in the order of their execution counts; kernels came one after the other.
    """
    sessions: dict[str, dict[tuple[int, int], PlannedCell]] = {}
    for kernel, cells in parts:
        known = sessions.setdefault(kernel, {})
        for place, cell in enumerate(cells):
            key = (cell.number or 0, 0 if cell.number else place)
            if key not in known or cell.own or not known[key].own:
                known[key] = cell
    return [
        replace(cell, session=number)
        for number, cells_of in enumerate(sessions.values())
        for _, cell in sorted(cells_of.items())
    ]


def resumes(line: str) -> bool:
    """Return whether a line of ``%%track`` goes on with a run."""
    return any(word.partition("=")[0] == "--resume" for word in words_of(line))


def with_run_id(source: str, old: str, new: str | None) -> str:
    """Return a cell that goes on with the run that its rerun has made.

    Parameters
    ----------
    source : str
    old, new : str
        The ids of both; None where there is no new one.
    """
    if new is None:
        return source
    first, newline, rest = source.partition("\n")
    if first.startswith("%%track") and resumes(first):
        words = words_of(first)
        for place, word in enumerate(words):
            if word.startswith("--resume="):
                words[place] = f"--resume={new}"
            elif place and words[place - 1] == "--resume":
                words[place] = new
        first = " ".join([words[0], *map(shlex.quote, words[1:])])
    return f"{first}{newline}{rest}".replace(old, new)
