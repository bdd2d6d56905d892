"""Runs as people name them: by id, the beginning of one, or a name."""

from __future__ import annotations

import re
from datetime import UTC

from nbtrack.errors import NotFoundError
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.suggestions import closest, did_you_mean

_SHOWN = "nbtrack.runs() shows the runs there are."
_ID = re.compile(r"[0-9a-f]{6,32}")


def find_run(reader: Reader, name: str, experiment_id: str) -> str:
    """Return the id of a run that is given by its id, the beginning of it, or its name.

    Parameters
    ----------
    reader : Reader
    name : str
    experiment_id : str
        Of runs with the same name it is the latest, one of this experiment before others.

    Raises
    ------
    NotFoundError
        If there is none; the message has the nearest name.
    """
    known = reader.experiment_id(experiment_id)
    reader.refresh(runs_of=[known])
    rows = reader.named("run_lookup.by_name", name=name, experiment_id=known)
    if not rows or str(rows[0][1]) != known:
        reader.refresh(runs_of=None)  # only now: a server may have many more
        rows = reader.named("run_lookup.by_name", name=name, experiment_id=known)
    if not rows and _ID.fullmatch(name):
        rows = reader.named("run_lookup.by_id", name=name)
    if len(rows) == 1:
        return str(rows[0][0])
    if rows:
        raise NotFoundError(f"Several runs have an id that starts with {name!r}. Give more of it.")
    hint = did_you_mean(name, latest_run_names(reader, 500), _SHOWN)
    raise NotFoundError(f"There is no run with the name or id {name!r}. {hint}")


def find_original(reader: Reader, name: str, experiment_id: str) -> tuple[str, str]:
    """Return the id of a run as `find_run` does, by its name rather one that is no variation.

    Parameters
    ----------
    reader : Reader
    name : str
    experiment_id : str

    Returns
    -------
    run_id : str
    said : str
        Which of several with that name it is, for people; empty where there is one.

    Raises
    ------
    NotFoundError
        If there is none; the message has the nearest name.
    """
    found = find_run(reader, name, experiment_id)
    reader.refresh(runs_of=None)
    known = reader.experiment_id(experiment_id)
    rows = reader.named("run_lookup.originals", name=name, experiment_id=known)
    if not rows or rows[0][2] == 1:
        return found, ""
    run_id, started, count, again = rows[0]
    which = "the newest" if again else "the newest that is no variation"
    began = started.replace(tzinfo=UTC).astimezone()
    return str(run_id), (
        f"{count} runs are called {name!r}; this is {which}, {run_id[:8]}, which began on "
        f"{began:%Y-%m-%d at %H:%M:%S}. An id names another."
    )


def no_such_run(reader: Reader, run_id: str) -> NotFoundError:
    """Return the error of an id that no run has; where it is the name of one, it says so."""
    # a hint: a mirror looks at what it has
    found = reader.connection.execute(SQL["run_lookup.named"], {"name": run_id}).fetchall()
    hint = f". {run_id!r} is the name of a run, whose id is {found[0][0]!r}." if found else ""
    return NotFoundError(f"Run with id={run_id} not found{hint}")


def run_ids_starting(reader: Reader, prefix: str) -> list[str]:
    """Return the ids of runs that start with a text; two of them say that there are several.

    Runs that are deleted are found too.
    """
    reader.refresh(runs_of=None)
    return [run_id for (run_id,) in reader.named("run_lookup.by_id", name=prefix)]


def latest_run_names(reader: Reader, limit: int) -> list[str]:
    """Return the names of the runs that started last, each once.

    Parameters
    ----------
    reader : Reader
    limit : int
        How many names at most.
    """
    reader.refresh(runs_of=None)
    return [name for (name,) in reader.named("run_lookup.latest_names", limit=limit)]


def no_run_fits(reader: Reader, filter: str) -> NotFoundError:
    """Return the error of a filter that no run fits; it names the nearest run."""
    said = f"No run has the name or fits the filter {filter!r}."
    return NotFoundError(f"{said} {filter_hint(reader, filter) or _SHOWN}")


def filter_hint(reader: Reader, filter: str) -> str:
    """Return a sentence on what a filter that no run fits may have meant.

    Parameters
    ----------
    reader : Reader
    filter : str
        A condition, or words that a run may have in its name.

    Returns
    -------
    str
        Empty where nothing there is like it.
    """
    from nbtrack.store.search.free_text import is_filter_expression
    from nbtrack.store.search.suggested_names import unknown_names

    if is_filter_expression(filter):
        unknown = unknown_names(reader, filter)
        if unknown:
            return unknown[0].text()
        if "name" not in filter:  # a value of it is no name of a run
            return ""
    names = latest_run_names(reader, 500)
    quoted = re.findall(r"""['"]([^'"]+)['"]""", filter)
    words = [filter, *quoted, *(word.strip(",'\"") for word in filter.split())]
    found = [(word, closest(word, names)) for word in words]
    near = [meant for word, meant in found if meant is not None and meant != word]
    return f"Did you mean {near[0]!r}?" if near else ""


def run_file_digests(reader: Reader, run_id: str) -> dict[str, tuple[int, str]]:
    """Return the recorded size and SHA-256 of the artifacts of a run, by path."""
    rows = reader.named("models.run_artifacts", run_id=run_id)
    return {path: (int(size), str(sha256)) for path, size, sha256 in rows if sha256}


def count_running_runs(reader: Reader) -> int:
    """Return how many runs are running."""
    reader.refresh(runs_of=None)
    return int(reader.named("tree.running")[0][0])
