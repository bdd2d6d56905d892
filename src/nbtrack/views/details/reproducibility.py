"""Whether a run can be reproduced from its notebook: why it may not, as badges."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypedDict

from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_DIRTY, SOURCE_NAME
from nbtrack.redaction.source import is_same_source
from nbtrack.views.code import RunSource, SourceFinding
from nbtrack.views.this_machine import named_file

MAX_NOTEBOOK = 50_000_000
MAX_TEXTS = 5
_TRACK = re.compile(r"\s*%%track(?=\s|$)[^\n]*\n?")


class BadgeJson(TypedDict):
    """Something to know before one trusts a run; see `Badge`."""

    text: str
    kind: Literal["warning", "info", "good"]
    detail: str


@dataclass(frozen=True)
class Badge:
    """Something to know before one trusts a run.

    Attributes
    ----------
    text : str
        In a few words.
    kind : {"warning", "info", "good"}
    detail : str
        In a sentence.
    """

    text: str
    kind: Literal["warning", "info", "good"]
    detail: str

    def as_json(self) -> BadgeJson:
        """Return the badge as a JSON object."""
        return {"text": self.text, "kind": self.kind, "detail": self.detail}


def badges(run: Run, source: RunSource, *, changed: Sequence[str] = ()) -> list[Badge]:
    """Return why a run may not give the same numbers when it is run again.

    Cells that ran in another order than they stand in, cells that were edited or deleted since,
    values that no cell defines, a commit that is not all of the code. What the notebook looks like
    now is known only where its file is there and was saved after the run began.

    Parameters
    ----------
    run : Run
    source : RunSource
    changed : list of str
        Files that differed from the commit.
    """
    found = []
    if run.data.tags.get(GIT_DIRTY) == "true":
        names = ", ".join(changed[:5]) or "tracked files"
        found.append(Badge("uncommitted changes", "warning", f"{names} differed from the commit."))
    if edited := [cell for cell in source.needed if cell.edited]:
        found.append(
            Badge(
                "hidden state",
                "warning",
                f"{_cells(edited)} ran again with other code before this run; "
                "it used what the earlier code had left.",
            )
        )
    if source.missing:
        found.append(
            Badge("hidden state", "warning", f"No cell defines {', '.join(source.missing)}.")
        )
    if source.again:
        found.append(
            Badge(
                "ran before",
                "info",
                f"The cell had run before and went on with its {', '.join(source.again)}.",
            )
        )
    if left_out := run.data.tags.get("nbtrack.left_out"):
        found.append(
            Badge(
                "secrets left out",
                "info",
                f"Not kept, because they look like secrets: {left_out}. Its code asks for them.",
            )
        )
    return found + _recorded(source) + _since(run, source)


def _recorded(source: RunSource) -> list[Badge]:
    """Return what was found when the run was made; findings of one kind make one badge."""
    kinds: dict[str, list[SourceFinding]] = {}
    for finding in source.findings:
        kinds.setdefault(finding.kind, []).append(finding)
    return [
        Badge(
            kind,
            "warning" if any(each.level == "warning" for each in found) else "info",
            " ".join(each.text for each in found[:MAX_TEXTS]),
        )
        for kind, found in kinds.items()
    ]


def _since(run: Run, source: RunSource) -> list[Badge]:
    """Compare the cells of a run with its notebook as it is saved now."""
    notebook = _notebook(run)
    if not notebook:
        return []
    found = []
    known = [cell for cell in source.needed if cell.cell_id]
    if gone := [cell for cell in known if cell.cell_id not in notebook]:
        found.append(
            Badge("cell deleted since", "warning", f"{_cells(gone)} is no longer in the notebook.")
        )
    if changed := [
        cell
        for cell in known
        if cell.cell_id in notebook
        and not (cell.edited and _is_known(notebook[cell.cell_id][1], cell.cell_id, source))
        and not _same(notebook[cell.cell_id][1], cell.source)
    ]:
        found.append(
            Badge("cell edited since", "warning", f"{_cells(changed)} has other code now.")
        )
    if (
        source.cell_id in notebook
        and source.text is not None
        and not _same(notebook[source.cell_id][1], source.text)
    ):
        found.append(Badge("edited since", "info", "The cell of the run has other code now."))
    ids = [*(cell.cell_id for cell in known), source.cell_id]
    places = [notebook[cell_id][0] for cell_id in ids if cell_id in notebook]
    if places != sorted(places):
        found.append(
            Badge(
                "ran out of order",
                "warning",
                "The cells it needed ran in another order than they stand in the notebook.",
            )
        )
    return found


def _is_known(now: str, cell_id: str | None, source: RunSource) -> bool:
    """Return whether the code of a cell is what was executed before the run, in its place."""
    executed = [*source.needed, *source.others]
    return any(each.cell_id == cell_id and _same(now, each.source) for each in executed)


def _notebook(run: Run) -> dict[str | None, tuple[int, str]]:
    """Return place and source of the cells of a run's notebook, by id; empty if not known."""
    path = named_file(run.data.tags.get(SOURCE_NAME))
    if path is None or path.suffix != ".ipynb":
        return {}
    try:
        stat = path.stat()
        if stat.st_size > MAX_NOTEBOOK or stat.st_mtime * 1000 < run.info.start_time:
            return {}
        cells = json.loads(path.read_bytes()).get("cells", [])
        return {
            cell["id"]: (place, _joined(cell.get("source", "")))
            for place, cell in enumerate(cells)
            if cell.get("cell_type") == "code" and "id" in cell
        }
    except (OSError, ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return {}


def _joined(source: Any) -> str:
    return "".join(source) if isinstance(source, list) else str(source)


def _same(now: str, then: str) -> bool:
    return is_same_source(_bare(now), _bare(then))


def _bare(source: str) -> str:
    match = _TRACK.match(source)
    return (source[match.end() :] if match else source).strip()


def _cells(cells: Sequence[Any]) -> str:
    numbers = [f"[{cell.number}]" for cell in cells if cell.number is not None]
    return f"{'Cell' if len(cells) == 1 else 'Cells'} {', '.join(numbers)}"
