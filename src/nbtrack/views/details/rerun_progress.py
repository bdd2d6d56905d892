"""How far running a run again has come, and the process that does it."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Mapping
from typing import Any, TypedDict

import psutil

from nbtrack.entities.runs import RERUN, SOURCE_TYPE
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import ENVIRONMENT_FILE, RunSource, read_json
from nbtrack.views.this_machine import may_look

PROJECT_FILE = ".nbtrack/project.json"
START_S = 120.0  # a process writes its tag so many seconds after it began, at the latest
CLOCK_S = 2.0


class RerunProgress(TypedDict):
    """How far running a run again has come; ``is_here`` says that it can be stopped from here."""

    cell: int
    cells: int
    attempt: str
    started: int | None
    is_here: bool


class RerunOffer(TypedDict):
    """Whether a run can be run again, and how far that has come where somebody does it."""

    is_possible: bool
    progress: RerunProgress | None


def command_of(tags: Mapping[str, str], folder: ArtifactFolder) -> str | None:
    """Return the command of a script's or a project's run, where that can be run again."""
    if tags.get(SOURCE_TYPE) == "PROJECT":
        return tags.get("nbtrack.project.command") if folder.exists(PROJECT_FILE) else None
    words = read_json(folder, ENVIRONMENT_FILE).get("command")
    if tags.get(SOURCE_TYPE) != "LOCAL" or not isinstance(words, list) or not words:
        return None
    return shlex.join(["python", *map(str, words)])


def rerun_offer(tags: Mapping[str, str], source: RunSource, folder: ArtifactFolder) -> RerunOffer:
    """Return whether a run has kept what it takes to run it again, and how far that has come."""
    possible = source.text is not None or command_of(tags, folder) is not None
    return {"is_possible": possible, "progress": progress_of(tags)}


def progress_of(tags: Mapping[str, str]) -> RerunProgress | None:
    """Return how far running a run again has come; None where nobody runs it, or who did is gone.

    Parameters
    ----------
    tags : mapping of str to str
        Those of the run. What a process on another machine has written is believed, and of any
        process where whoever asks is not told of this machine.
    """
    facts = _facts(tags)
    if facts is None:
        return None
    here = may_look() and facts.get("host") == socket.gethostname()
    age = age_of(facts) if here else None
    if here and age is None:
        return None
    started = _number(facts.get("started"))
    attempt = facts.get("attempt")
    return {
        "cell": _count(facts.get("cell")),
        "cells": _count(facts.get("cells")),
        "attempt": attempt if isinstance(attempt, str) else "first",
        "started": None if started is None else int(started),
        "is_here": age is not None and age <= START_S,
    }


def check_ours(tags: Mapping[str, str]) -> None:
    """Check that a process of this user, on this machine, runs a run again.

    Raises
    ------
    NotFoundError
        If nobody runs it again, or the process is gone, or does that for a user in its kernel.
    InvalidParameterError
        If that is done on another machine.
    """
    facts = _facts(tags)
    if facts is None:
        raise NotFoundError("Nobody runs this run again, so there is nothing to stop.")
    if facts.get("host") != socket.gethostname():
        raise InvalidParameterError(f"It is run again on {facts.get('host')}: stop it there.")
    age = age_of(facts)
    if age is None or age > START_S:  # a kernel whose user runs it again has other things to do
        raise NotFoundError(
            f"The process {facts.get('pid')} that ran it again is gone, or does other things too."
        )


def _facts(tags: Mapping[str, str]) -> dict[str, Any] | None:
    try:
        found = json.loads(tags.get(RERUN, ""))
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and found.get("state") == "running" else None


def age_of(facts: Mapping[str, Any]) -> float | None:
    """Return for how many seconds a process of this user had been there when it began with a run.

    None where it is gone: a number that was given to another process since does not count.
    """
    pid, started = _number(facts.get("pid")), _number(facts.get("started"))
    if pid is None or started is None or not 0 < pid < 2**31:
        return None
    try:
        process = psutil.Process(int(pid))
        age = started / 1000 - process.create_time()
        mine = process.username() == psutil.Process().username()
        gone = process.status() == psutil.STATUS_ZOMBIE
    except psutil.Error:
        return None
    return age if mine and not gone and age >= -CLOCK_S else None


def _number(value: Any) -> float | None:
    """Return a number as JSON has it; NaN and infinities are none."""
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return value if is_number and abs(value) < 1e15 else None


def _count(value: Any) -> int:
    return int(max(0, _number(value) or 0))
