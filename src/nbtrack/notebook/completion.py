"""Completion of the line of ``%%track``: options, experiments, runs."""

from __future__ import annotations

import re
from collections.abc import Sequence

from IPython.core.completer import (
    CompletionContext,
    SimpleCompletion,
    SimpleMatcherResult,
    context_matcher,
)

from nbtrack.errors import NbtrackError
from nbtrack.notebook.options import KNOWN
from nbtrack.tracking import context

MAX_NAMES = 50
_LINE = re.compile(r"\s*%%track\s(?P<before>.*?)(?P<word>\S*)$")


@context_matcher()  # type: ignore[untyped-decorator]
def track_matcher(asked: CompletionContext) -> SimpleMatcherResult:
    """Complete what stands before the cursor on the first line of a tracked cell."""
    line = asked.line_with_cursor[: asked.cursor_position]
    match = _LINE.match(line) if asked.cursor_line == 0 else None
    if match is None:
        return SimpleMatcherResult(completions=[])
    before = match["before"].split()
    kind, names = _names_after(before[-1] if before else "", match["word"])
    fitting = [name for name in names if name.startswith(match["word"])]
    # the completer replaces the token only, which is a part of names such as a-b
    kept = len(match["word"]) - len(asked.token)
    texts = [name[kept:] if 0 <= kept <= len(name) else name for name in map(_quoted, fitting)]
    return SimpleMatcherResult(
        completions=[SimpleCompletion(text, type=kind) for text in texts],
        suppress=True,
    )


def _names_after(option: str, word: str) -> tuple[str, Sequence[str]]:
    if option in ("-e", "--experiment"):
        return "experiment", experiment_names()
    if option == "--resume":
        return "run", run_names()
    if word.startswith("-") or not word:
        return "option", KNOWN
    return "run", ()


def experiment_names() -> list[str]:
    """Return the names of the experiments, the newest first; none if the store cannot say."""
    from nbtrack.tracking.search import search_experiments

    try:
        found = search_experiments(context.store(), 1, MAX_NAMES, None, None)
    except NbtrackError:
        return []
    return [experiment.name for experiment in found]


def run_names() -> list[str]:
    """Return the names of the latest runs, each once."""
    from nbtrack.store import latest_run_names

    try:
        with context.store().read() as reader:
            return latest_run_names(reader, MAX_NAMES)
    except NbtrackError:
        return []


def _quoted(name: str) -> str:
    return f'"{name}"' if re.search(r"\s", name) else name
