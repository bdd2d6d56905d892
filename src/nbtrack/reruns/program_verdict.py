"""The verdict on a run of a script: run again once, and once more where it differs."""

from __future__ import annotations

import contextlib
import os
import shlex
from typing import Any

from nbtrack.entities import Run
from nbtrack.reruns.comparison import Comparison, Facts, compare_facts, facts_of
from nbtrack.reruns.execution import Settings
from nbtrack.reruns.folder_copy import capsule_folder
from nbtrack.reruns.program import Program, ProgramEnd, executed_program, read_program
from nbtrack.reruns.progress import Attempt, Progress
from nbtrack.reruns.verdict import Verdict, day, verdict_of
from nbtrack.store import Store, now_ms


def program_verdict(store: Store, run: Run, settings: Settings, progress: Progress) -> Verdict:
    """Run the command of a run again, and return what came of it.

    Parameters
    ----------
    store : Store
    run : Run
    settings : Settings
    progress : Progress

    Raises
    ------
    InvalidStateError
        If it cannot be run.
    """
    with store.read() as reader:
        program = read_program(reader, run, capsule_folder(store.uri, run.info.run_id))
        then = facts_of(reader, run)
    with contextlib.ExitStack() as held:

        def execute(attempt: Attempt) -> ProgramEnd:
            progress.command(attempt, shlex.join(program.words))
            return held.enter_context(executed_program(program, settings))

        first = execute("first")
        if first.error or first.facts is None:
            return _verdict(then, None, None, program, "failed", first.error, cause="error")
        compared = _compared(program, then, first)
        if compared.result != "different":
            rounding = ", but for rounding" if compared.result == "close" else ""
            text = f"verified on {day(now_ms())}: same numbers{rounding}"
            return _verdict(then, first.facts, compared, program, compared.result, text)
        text = f"differs in {', '.join(compared.differs[:5])}"
        again = execute("again")
        if again.error or again.facts is None:
            text += f", and a second time {again.error}"
            cause: str | None = "not deterministic"
        elif compare_facts(first.facts, again.facts).result == "different":
            text += ": not deterministic, two reruns differ too"
            cause = "not deterministic"
        else:
            other = _other_packages(program, first.facts)
            text += ", in the same way each time"
            text += f"; a possible cause: {', '.join(other[:5])}" if other else ""
            cause = "environment" if other else None
        return _verdict(then, first.facts, compared, program, "different", text, cause=cause)


def _compared(program: Program, then: Facts, end: ProgramEnd) -> Comparison:
    def as_original(text: str) -> str:
        return text.replace(os.fspath(end.folder), os.fspath(program.folder or end.folder))

    return compare_facts(then, end.facts, as_original) if end.facts else Comparison([])


def _other_packages(program: Program, now: Facts) -> list[str]:
    return [
        f"{name} {version}, now {now.packages[name]}"
        for name, version in program.packages.items()
        if now.packages.get(name, version) != version
    ]


def _verdict(
    then: Facts,
    now: Facts | None,
    compared: Comparison | None,
    program: Program,
    result: Any,
    text: str,
    cause: str | None = None,
) -> Verdict:
    if program.commit is not None and program.changed:
        shown = ", ".join(program.changed[:5])
        text += f". This is of the commit {program.commit[:10]}; other files were: {shown}"
    elif program.commit is None:
        text += ". This is of the script as it was, and of the other files as they are now"
    return verdict_of(then, now, compared, date=now_ms(), result=result, text=text, cause=cause)
