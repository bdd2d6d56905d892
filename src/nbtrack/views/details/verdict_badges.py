"""The badges of a run: what came of running it again, and what is not as it was."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

from nbtrack.entities import Run, RunStatus
from nbtrack.entities.runs import HOST
from nbtrack.errors import NbtrackError
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.code import RunSource
from nbtrack.views.data_state import DataFile, data_files
from nbtrack.views.details.reproducibility import Badge, badges
from nbtrack.views.environment_difference import environment_difference
from nbtrack.views.this_machine import is_same_installation, may_look
from nbtrack.views.verdict import Verdict, day_of, verdict_of

PROJECT_FILE = ".nbtrack/project.json"
SOURCES_FILE = ".nbtrack/project.zip"
MAX_NAMES = 5
_NOT_LOOKED_AT = Badge(
    "not looked at here",
    "info",
    "Whether its data, notebook and project are still the same: a server tells that only the user "
    "who has started it, since the answer says what is on its machine.",
)
_CELLS = {
    "needed": "The cells that the run needed were run again",
    "all": "All cells that had run before it were run again",
}


def run_badges(
    run: Run, source: RunSource, folder: ArtifactFolder, environment: Mapping[str, Any]
) -> list[Badge]:
    """Return all badges of a run, its verdict first.

    Parameters
    ----------
    run : Run
    source : RunSource
    folder : ArtifactFolder
        Its artifacts.
    environment : mapping
        What was kept of its environment.
    """
    git = environment.get("git")
    changed = git.get("changed") if isinstance(git, Mapping) else None
    found = badges(run, source, changed=changed if isinstance(changed, list) else ())
    host = run.data.tags.get(HOST)
    read = [each for each in data_files(folder, host=host) if each.mode == "read"]
    gone = [each for each in read if each.state in ("changed", "missing")]
    unsure = [each for each in read if each.state == "may have changed"]
    verdict = verdict_of(run.data.tags)
    date = None if verdict is None else verdict["date"]
    found += _data_badges(gone, unsure, is_newer=any(_is_newer(each, date) for each in gone))
    found += [*_project_badges(folder, host), *_environment_badges(run, environment)]
    if not may_look() and (read or source.text is not None or folder.exists(PROJECT_FILE)):
        found.append(_NOT_LOOKED_AT)
    if verdict is None:
        return found
    files = [each.path for each in unsure if _is_newer(each, date)]
    return [*_verdict_badges(run, verdict, files), *found]


def _verdict_badges(run: Run, verdict: Verdict, files: Sequence[str]) -> Iterator[Badge]:
    word = "verified: " if verdict["reproduced"] == "yes" else ""
    kind: Literal["good", "warning"] = "good" if word else "warning"
    yield Badge(f"{word}{verdict['short']}{day_of(verdict)}", kind, _detail(verdict))
    reasons = []
    if _went_on(run, verdict):
        reasons.append("the run has logged more")
    if files:
        more = f" and {len(files) - MAX_NAMES} more" if len(files) > MAX_NAMES else ""
        reasons.append(f"files that it read have changed: {', '.join(files[:MAX_NAMES])}{more}")
    if reasons:
        text = f"Since it was run again, {'; '.join(reasons)}. Run it again to know what holds now."
        yield Badge("verdict out of date", "warning", text)


def _detail(verdict: Verdict) -> str:
    how = _CELLS.get(verdict["cells"] or "", "It was run again")
    where = " in the recorded environment" if verdict["environment"] == "recorded" else ""
    cause = f" Cause: {verdict['cause']}." if verdict["cause"] else ""
    text = verdict["text"]
    return f"{how}{where}: {text}{'' if text.endswith('.') else '.'}{cause}"


def _went_on(run: Run, verdict: Verdict) -> bool:
    """Return whether a run went on after its verdict."""
    date = verdict["date"]
    if date is None:
        return False
    latest = max((metric.timestamp for metric in run.data._metric_objs), default=0)
    running = run.info.status == RunStatus.to_string(RunStatus.RUNNING)
    return running or latest > date or (run.info.end_time or 0) > date


def _is_newer(file: DataFile, date: int | None) -> bool:
    """Return whether a file is gone, or was written after a date (ms)."""
    return date is not None and (file.state == "missing" or (file.written or 0) > date)


def _data_badges(
    gone: Sequence[DataFile], unsure: Sequence[DataFile], *, is_newer: bool
) -> Iterator[Badge]:
    """Yield a badge where data has changed since; ``is_newer``: also since it was run again."""
    if gone:
        text = f"{_named(gone)} {'is' if len(gone) == 1 else 'are'} not as the run has read it."
        text += " That is since it was run again." if is_newer else ""
        yield Badge("data changed", "warning", text)
    elif unsure:
        text = f"{_named(unsure)}: written since, or other files came; not compared by content."
        yield Badge("data may have changed", "info", text)


def _project_badges(folder: ArtifactFolder, host: str | None) -> Iterator[Badge]:
    """Yield a badge where the folder of a project is not as it was."""
    read = [each for each in data_files(folder, PROJECT_FILE, host=host) if each.mode == "read"]
    changed = [each for each in read if each.state in ("changed", "missing")]
    if not changed:
        return
    kept = _kept_sources(folder)
    lost = [each for each in changed if each.path not in kept]
    if lost:
        text = f"{_named(lost)} {'is' if len(lost) == 1 else 'are'} not as the run had it."
        yield Badge("project changed", "warning", text)
    else:
        text = f"{_named(changed)}: other source now; that of the run was kept with it."
        yield Badge("project changed", "info", text)


def _kept_sources(folder: ArtifactFolder) -> set[str]:
    try:
        with zipfile.ZipFile(io.BytesIO(folder.read_bytes(SOURCES_FILE))) as archive:
            return set(archive.namelist())
    except (NbtrackError, OSError, zipfile.BadZipFile):
        return set()


def _environment_badges(run: Run, environment: Mapping[str, Any]) -> Iterator[Badge]:
    # elsewhere, such as in the process of a server, it would differ and mean nothing
    here = is_same_installation(environment, run.data.tags.get(HOST))
    if here and (changes := environment_difference(environment).changes):
        shown = "; ".join(map(str, changes[:MAX_NAMES]))
        yield Badge("environment differs", "info", f"{shown}{_more(changes)}.")


def _named(files: Sequence[DataFile]) -> str:
    names = (f"{f.path} (missing)" if f.state == "missing" else f.path for f in files[:MAX_NAMES])
    return f"{', '.join(names)}{_more(files)}"


def _more(items: Sequence[Any]) -> str:
    more = len(items) - MAX_NAMES
    return f" and {more} more" if more > 0 else ""
