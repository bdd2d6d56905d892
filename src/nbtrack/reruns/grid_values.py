"""What a grid has given one of its runs: values in the place of literals, and options."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator
from dataclasses import dataclass

from nbtrack.entities import Run
from nbtrack.entities.runs import GRID_TAG, PARENT
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.reruns.planned_cells import words_of
from nbtrack.store import Reader, get_run
from nbtrack.store.search import search_runs
from nbtrack.views.code import CELLS_FILE, RunSource, source_of_run

_WITH_VALUE = {"-p": "--param", "--param": "--param", "-x": "--without", "--without": "--without"}


@dataclass(frozen=True)
class GridValues:
    """What a run has of its grid.

    Attributes
    ----------
    values : dict of str to str
        What stands in the place of literals of the cell.
    options : str
        Of the line of ``%%track --grid`` those that are about each run, with a space before.
    """

    values: dict[str, str]
    options: str = ""


def grid_of(reader: Reader, run: Run, source: RunSource) -> GridValues | None:
    """Return what a run has of its grid; None for others, and for a grid that is run as a whole.

    Parameters
    ----------
    reader : Reader
    run : Run
    source : RunSource
        The code of it.

    Raises
    ------
    InvalidParameterError
        If the run is a grid whose line of ``%%track`` was not kept.
    """
    if GRID_TAG in run.data.tags:
        if source.line is None and has_cells(reader, run):
            raise InvalidParameterError(
                f"The line of %%track --grid of {run.info.run_name} was not kept. Run those again "
                f"that it has made: nbtrack rerun {run.info.run_id}"
            )
        return None
    parent = run.data.tags.get(PARENT)
    if parent is None:
        return None
    try:
        grid = get_run(reader, parent)
        values = json.loads(grid.data.tags.get(GRID_TAG, "{}")).get("values", {})
    except (ValueError, AttributeError, NotFoundError):
        return None
    if not values:
        return None
    line = source_of_run(grid, reader.access.folder(grid.info.artifact_uri)).line or ""
    known = {name: run.data.params[name] for name in values if name in run.data.params}
    words = list(_of_each(line, known))
    return GridValues(known, "".join(f" {shlex.quote(word)}" for word in words))


def runs_of(reader: Reader, grid: Run) -> list[Run]:
    """Return the runs that a grid has made, in the order in which they began."""
    condition = f"tags.`{PARENT}` = '{grid.info.run_id}'"
    order = ["attributes.start_time ASC"]
    return list(search_runs(reader, [grid.info.experiment_id], condition, order_by=order))


def has_cells(reader: Reader, grid: Run) -> bool:
    """Return whether each run of a grid has kept the cell that made it, as ``%%track`` does."""
    found = runs_of(reader, grid)
    return bool(found) and all(
        reader.access.folder(run.info.artifact_uri).exists(CELLS_FILE) for run in found
    )


def _of_each(line: str, known: dict[str, str]) -> Iterator[str]:
    """Yield the options of a grid's line that are about each run; a value of the grid wins."""
    words = words_of(line)
    for place, word in enumerate(words):
        written, equals, attached = word.partition("=")
        option = _WITH_VALUE.get(written)
        if word == "--auto":
            yield word
        elif option is not None:
            value = attached if equals else words[place + 1] if place + 1 < len(words) else ""
            if not (option == "--param" and value.partition("=")[0] in known):
                yield f"{option}={value}"
