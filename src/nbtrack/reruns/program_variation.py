"""A variation of a script's or a project's run: its command with other values, as a new run."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT, RERUN_OF, SOURCE_NAME
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.projects.record import PROJECT_FILE
from nbtrack.projects.variables import as_given
from nbtrack.reruns.execution import Settings, made_runs
from nbtrack.reruns.program import Program, ProgramPart
from nbtrack.reruns.program_execution import executed_program
from nbtrack.reruns.progress import Progress
from nbtrack.store import Store, get_run, now_ms, with_parents
from nbtrack.variables import ONLY_URI, RUN_CONTEXT
from nbtrack.views.code import ENVIRONMENT_FILE


def vary_program(
    store: Store,
    program: Program,
    params: Mapping[str, Any],
    settings: Settings,
    progress: Progress,
) -> Run:
    """Run the command of a run with other values, and return the new run.

    Parameters
    ----------
    store : Store
        The store of the run, that the new one goes to.
    program : Program
    params : mapping
        Of a project its params, of a script the values of its options.
    settings : Settings
    progress : Progress

    Raises
    ------
    InvalidParameterError
        If the command has no such option.
    NbtrackError
        If the command fails, or makes no run.
    """
    run = program.run
    run_id = run.info.run_id
    program = _with_params(program, params)
    tags = {RERUN_OF: run_id, SOURCE_NAME: run.data.tags.get(SOURCE_NAME, "")}
    variables = {ONLY_URI.name: as_given(store), RUN_CONTEXT.name: json.dumps(tags)}
    settings = replace(settings, variables={**settings.variables, **variables})
    since = now_ms()
    progress.command("variation", program.shown)
    with executed_program(program, settings) as end:
        made = program.place.find(made_runs(store, run_id, since))
        if made is not None:
            _say_where(store, made, end.folder, program)
    if end.code:
        raise NbtrackError(f"The variation has failed: {end.error.rstrip('.')}.")
    if made is None:
        raise NbtrackError("The command was run, and made no run.")
    with store.read() as reader:
        return get_run(reader, made.info.run_id)


def words_with(words: Sequence[str], params: Mapping[str, Any]) -> list[str]:
    """Return a command with other values of its options: ``--lr 0.1``, ``--lr=0.1``, ``lr=0.1``.

    Raises
    ------
    InvalidParameterError
        If it has no such option.
    """
    found = list(words)
    for name, value in params.items():
        options = {f"{dashes}{each}" for dashes in ("--", "-") for each in _spellings(name)}
        for place, word in enumerate(found):
            option, equals, _ = word.partition("=")
            if equals and option in options | {name}:
                found[place] = f"{option}={value}"
                break
            if word in options and place + 1 < len(found):
                found[place + 1] = str(value)
                break
        else:
            raise InvalidParameterError(
                f"The command of the run has no option {name!r}: it is "
                f"{' '.join(['python', *words])}. A variation replaces the value of an option."
            )
    return found


def _parts_with(parts: Sequence[ProgramPart], params: Mapping[str, Any]) -> list[ProgramPart]:
    """Return the commands with other values in each that has the option; the first has all."""
    found = [replace(parts[0], words=words_with(parts[0].words, params))]
    for part in parts[1:]:
        words = part.words
        for name, value in params.items():
            with contextlib.suppress(InvalidParameterError):  # it goes on with what the first had
                words = words_with(words, {name: value})
        found.append(replace(part, words=words))
    return found


def _spellings(name: str) -> set[str]:
    return {name, name.replace("_", "-"), name.replace("-", "_")}


def _with_params(program: Program, params: Mapping[str, Any]) -> Program:
    if program.project is None:
        return replace(program, parts=_parts_with(program.parts, params))
    arguments = program.project.arguments
    arguments["parameters"].update(params)
    values = [f"-P {name}={value}" for name, value in arguments["parameters"].items()]
    program.project.command = " ".join([arguments["entry_point"], *values])
    return program


def _say_where(store: Store, made: Run, folder: Path, program: Program) -> None:
    """Let a new run say where its code comes from: it ran in a folder that is gone."""
    with store.read() as reader:
        around = takewhile(lambda each: RERUN_OF in each.data.tags, with_parents(reader, made))
        *_, made = made, *around
    kept = (SOURCE_NAME, GIT_COMMIT)
    writer = store.writer(made.info.run_id)
    original = program.made_by.data.tags
    writer.set_tags({key: original[key] for key in kept if key in original})
    for path in (ENVIRONMENT_FILE, PROJECT_FILE):
        if writer.artifacts.exists(path):
            text = writer.artifacts.read_bytes(path).decode("utf-8", "replace")
            text = text.replace(str(folder), str(program.folder or program.original))
            if path == PROJECT_FILE and program.project is not None:
                ran = {"ran_in": str(folder)}  # which params may name
                text = json.dumps({**json.loads(text), **program.project.origin, **ran}, indent=1)
            writer.artifacts.put_bytes(path, text.encode("utf-8", "replace"))
