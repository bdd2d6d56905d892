"""The verdict on a run of a script: run again once, and once more where it differs."""

from __future__ import annotations

import contextlib
import os

from nbtrack.reruns.comparison import (
    Comparison,
    Facts,
    compare_facts,
    facts_of,
    listed,
    other_packages,
)
from nbtrack.reruns.execution import Settings
from nbtrack.reruns.program import Program
from nbtrack.reruns.program_execution import ProgramEnd, executed_program
from nbtrack.reruns.progress import Attempt, Progress
from nbtrack.reruns.verdict import Outcome, Verdict, day, verdict_of
from nbtrack.store import Store, now_ms

_STOPPED = ("KILLED", "INTERRUPTED", "FAILED")


def program_verdict(
    store: Store, program: Program, settings: Settings, progress: Progress
) -> Verdict:
    """Run the command of a run again, and return what came of it.

    Parameters
    ----------
    store : Store
    program : Program
    settings : Settings
    progress : Progress
    """
    with store.read() as reader:
        then = facts_of(reader, program.run)
    with contextlib.ExitStack() as held:

        def execute(attempt: Attempt) -> ProgramEnd:
            progress.command(attempt, program.shown)
            return held.enter_context(executed_program(program, settings))

        first = execute("first")
        note = _note(program, first)
        if first.error or first.facts is None:
            text = f"{first.error}{note}"
            return _verdict(then, None, None, "failed", text, cause="error")
        compared = _compared(program, then, first)
        if compared.result != "different":
            text = f"verified on {day(now_ms())}: same numbers{compared.how_close}{note}"
            return _verdict(then, first.facts, compared, compared.result, text)
        text, cause = f"differs in {listed(compared.differs)}", "data changed"
        if program.project is not None and first.changed:
            text += f": {listed(first.changed)} changed since"
            return _verdict(then, first.facts, compared, "different", text, cause=cause)
        more, found = _why(program, first, execute("again"))
        text += f"{more}{_stopped(program)}{note}"
        return _verdict(then, first.facts, compared, "different", text, cause=found)


def _why(program: Program, first: ProgramEnd, again: ProgramEnd) -> tuple[str, str | None]:
    """Return what a second time says of the cause."""
    if again.error or again.facts is None or first.facts is None:
        return f", and a second time {again.error}", "not deterministic"
    if compare_facts(first.facts, again.facts).result == "different":
        return ": not deterministic, two reruns differ too", "not deterministic"
    other = other_packages(program.packages, first.facts)
    more = f"; a possible cause: {listed(other)}" if other else ""
    return f", in the same way each time{more}", "environment" if other else None


def _stopped(program: Program) -> str:
    """Say which parts ended before their time: when they are run again nobody stops them."""
    found = [f"part {n}" for n, part in enumerate(program.parts) if part.after in _STOPPED]
    return f"; {listed(found)} had been stopped, and was not now" if found else ""


def _note(program: Program, end: ProgramEnd) -> str:
    """Say which files were not as they had been."""
    shown = listed(end.changed)
    if program.project is not None:
        return f". These files are not as they were: {shown}" if end.changed else ""
    commits = [part.commit[:10] for part in program.parts if part.commit is not None]
    if not commits:
        return ". This is of the script as it was, and of the other files as they are now"
    if end.changed:
        several = "commits" if len(set(commits)) > 1 else "commit"
        named = listed(list(dict.fromkeys(commits)))
        return f". This is of the {several} {named}; other files were: {shown}"
    return ""


def _compared(program: Program, then: Facts, end: ProgramEnd) -> Comparison:
    def as_original(text: str) -> str:
        return text.replace(os.fspath(end.folder), program.original)

    return compare_facts(then, end.facts, as_original) if end.facts else Comparison([])


def _verdict(
    then: Facts,
    now: Facts | None,
    compared: Comparison | None,
    result: Outcome,
    text: str,
    cause: str | None = None,
) -> Verdict:
    return verdict_of(then, now, compared, date=now_ms(), result=result, text=text, cause=cause)
