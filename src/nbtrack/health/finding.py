"""One thing that was found out."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How much a finding matters."""

    OK = "ok"
    NOTE = "note"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True)
class Finding:
    """One thing that was found out.

    Attributes
    ----------
    subject : str
        What it is about, such as ``store`` or ``lock``.
    text : str
        What was found.
    level : Level
    fix : str
        What to do about it; empty where there is nothing to do.
    """

    subject: str
    text: str
    level: Level = Level.OK
    fix: str = ""


def note(subject: str, text: str, fix: str = "") -> Finding:
    """Return a finding that is good to know."""
    return Finding(subject, text, Level.NOTE, fix)


def warning(subject: str, text: str, fix: str = "") -> Finding:
    """Return a finding that may harm later."""
    return Finding(subject, text, Level.WARNING, fix)


def problem(subject: str, text: str, fix: str = "") -> Finding:
    """Return a finding that keeps nbtrack from its work."""
    return Finding(subject, text, Level.PROBLEM, fix)
