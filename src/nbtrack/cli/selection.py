"""Finds the runs and experiments that the arguments of a command name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from nbtrack.entities import Experiment
from nbtrack.errors import InvalidParameterError, NotFoundError

if TYPE_CHECKING:
    from nbtrack.store import Store


def store() -> Store:
    """Return the store that the command works on."""
    from nbtrack.tracking import context

    return context.store()


def run_of(word: str) -> str:
    """Return the id of a run that is given by its id, the beginning of it, or its name.

    Raises
    ------
    NotFoundError
        If there is none; the message has the nearest name.
    """
    from nbtrack.store import find_run

    with store().read() as reader:
        return find_run(reader, word, "0")


def original_of(word: str) -> str:
    """Return the id of a run as `run_of` does, and say of several with that name which it is."""
    from nbtrack.cli.output import note
    from nbtrack.store import find_original

    with store().read() as reader:
        run_id, said = find_original(reader, word, "0")
    if said:
        note(said)
    return run_id


def run_by_id(word: str) -> str:
    """Return the id of a run by its id or the beginning of it: names may mean several runs.

    Raises
    ------
    NotFoundError
        If there is not exactly one.
    """
    from nbtrack.store import run_ids_starting

    with store().read() as reader:
        found = run_ids_starting(reader, word)
    if word in found:
        return word
    if len(found) != 1:
        what = "Several runs have an id that starts" if found else "No run has an id that starts"
        raise NotFoundError(
            f"{what} with {word!r}. `nbtrack runs list --view all` shows the ids of all runs."
        )
    return found[0]


def experiment_of(experiment_id: str | None, name: str | None) -> Experiment:
    """Return the experiment that is given by its id or by its name: one of both.

    Raises
    ------
    click.UsageError
        If both are given, or none.
    NotFoundError
        If there is no such experiment.
    """
    from nbtrack.api.stores import get_experiment, get_experiment_by_name
    from nbtrack.tracking.search import no_such_experiment

    if (experiment_id is None) == (name is None):
        raise click.UsageError("Give one of --experiment-id and --experiment-name.")
    if experiment_id is not None:
        return get_experiment(experiment_id)
    found = get_experiment_by_name(str(name))
    if found is None:
        raise no_such_experiment(store(), [str(name)])
    return found


def experiments_of(ids: Sequence[str], names: Sequence[str]) -> list[str] | None:
    """Return the ids of the experiments of a search; None where nothing was said, for all."""
    if not ids and not names:
        return None
    return [
        *(experiment_of(each, None).experiment_id for each in ids),
        *(experiment_of(None, each).experiment_id for each in names),
    ]


def pairs(texts: Sequence[str], option: str) -> dict[str, str]:
    """Return options of the form ``NAME=VALUE`` as a dictionary.

    Raises
    ------
    click.UsageError
        If one has no ``=``, or a name comes twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise click.UsageError(f"{option} {text!r} is not of the form NAME=VALUE.")
        if name in found:
            raise click.UsageError(f"{option} names {name!r} twice.")
        found[name] = value
    return found


def seconds_of(text: str) -> float:
    """Return the seconds of a time such as ``1d2h3m4s``; parts may be fractions.

    Raises
    ------
    InvalidParameterError
        If it is no such time.
    """
    import re

    found = re.fullmatch(r"(?:([\d.]+)d)?(?:([\d.]+)h)?(?:([\d.]+)m)?(?:([\d.]+)s)?", text.strip())
    try:
        if found is None or not any(found.groups()):
            raise ValueError
        parts = [float(part or 0) for part in found.groups()]
    except ValueError:
        raise InvalidParameterError(
            f"{text!r} is no time; write it as 7d, 12h, 30m or 1d2h3m4s."
        ) from None
    return sum(part * unit for part, unit in zip(parts, (86400, 3600, 60, 1), strict=True))
