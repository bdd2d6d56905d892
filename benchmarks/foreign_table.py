"""Writes benchmarks/foreign.md from the results of benchmarks/foreign.py.

Usage::

    python benchmarks/foreign_table.py FIRST MENDED HELD_OUT UNSEEN UNSEEN_MENDED LAST LAST_MENDED
        [--write]

FIRST has the results as they were first met, MENDED those of the notebooks that were executed again
after faults of nbtrack were mended, HELD_OUT those of notebooks that nobody had looked at before;
UNSEEN those of more such notebooks, later, and UNSEEN_MENDED those of them that were executed again
after what they had shown was mended; LAST and LAST_MENDED the same of notebooks that were executed
after all of that. The numbers of one are never among those of another.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

REPORT = Path(__file__).with_name("foreign.md")
VERDICTS = ("same", "badged", "wrong", "failed")
FILES = ("first", "mended", "held_out", "unseen", "unseen_mended", "last", "last_mended")
Rows = list[dict[str, Any]]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Write the table of notebooks of others.")
    for name in FILES:
        parser.add_argument(name, type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    first, mended, held, unseen, again, last, last_again = (
        read(getattr(options, name)) for name in FILES
    )
    after, later = replaced(first, mended), replaced(unseen, again)
    at_last = replaced(last, last_again)
    parts = [
        ("As first met", "first met", first, ""),
        ("After mending", "after mending", after, again_text(first, mended, after)),
        ("Held out", "held out", held, _HELD),
        ("Held out, later", "held out later", unseen, _UNSEEN),
        (
            "Held out, later: after mending",
            "held out later, after mending",
            later,
            again_text(unseen, again, later),
        ),
        ("Held out, last", "held out last", last, _LAST),
        (
            "Held out, last: after mending",
            "held out last, after mending",
            at_last,
            again_text(last, last_again, at_last),
        ),
    ]
    sections = [
        f"## {title}\n\n{f'{text}{chr(10)}{chr(10)}' if text else ''}{summary(rows)}\n"
        for title, _, rows, text in parts
    ]
    text = "\n".join(
        [
            _HEAD,
            *sections,
            "## What was not the same, or badged needlessly\n",
            *(line for _, when, rows, _ in parts for line in listed(when, rows)),
            "\n## What was not compared\n",
            *skipped([*first, *held, *unseen, *last]),
            "",
        ]
    )
    print(text)
    if options.write:
        REPORT.write_text(text, "utf-8")


def replaced(rows: Rows, again: Rows) -> Rows:
    """Return results, those of runs that were compared again by what came of it then."""
    newer = {(row["notebook"], row["number"]): row for row in again if row["verdict"] in VERDICTS}
    return [newer.get((row["notebook"], row["number"]), row) for row in rows]


def again_text(first: Rows, again: Rows, after: Rows) -> str:
    """Return how many runs were compared again, and which were not that had not been the same."""
    compared = {(row["notebook"], row["number"]) for row in again if row["verdict"] in VERDICTS}
    known = {(row["notebook"], row["number"]) for row in first if row["verdict"] in VERDICTS}
    left = [
        f"- `{row['notebook']}` [{row['number']}]"
        for row in after
        if row["verdict"] in VERDICTS[1:] and (row["notebook"], row["number"]) not in compared
    ]
    text = (
        f"{counted(len(compared & known))} compared again; the others are as above, and\n"
        "were the same there" + (", but for these:\n\n" if left else ".")
    )
    return text + "\n".join(left)


def counted(runs: int) -> str:
    """Return how many runs were, in words."""
    return f"{runs} of these runs {'was' if runs == 1 else 'were'}"


def read(path: Path) -> Rows:
    """Return the results of a file; of those of one cell the latest."""
    found: dict[Any, dict[str, Any]] = {}
    for line in path.read_text("utf-8").splitlines() if path.exists() else ():
        row = json.loads(line)
        found[row["notebook"], row["number"]] = row
    return list(found.values())


def summary(rows: Rows) -> str:
    """Return a table by repository."""
    compared = [row for row in rows if row["verdict"] in VERDICTS]
    lines = [
        "| repository | notebooks | runs | same | badged | wrong | failed | badged needlessly |",
        "|---|---|---|---|---|---|---|---|",
    ]
    lines += [
        _line(name, [row for row in compared if _repository(row) == name])
        for name in sorted({_repository(row) for row in compared})
    ]
    return "\n".join([*lines, _line("all", compared)])


def listed(when: str, rows: Rows) -> Iterable[str]:
    """Yield a line for each run that did not give its numbers, or had a badge without need."""
    for row in rows:
        if row["verdict"] in VERDICTS[1:] or (row["verdict"] == "same" and row["warnings"]):
            badges = f" Badges: {', '.join(row['warnings'])}." if row["warnings"] else ""
            text = " ".join(row["text"].split())[:300]
            name = f"`{row['notebook']}` [{row['number']}]"
            yield f"- {when}, {name}, {row['verdict']}: {text}.{badges}"


def skipped(rows: Rows) -> Iterable[str]:
    """Yield a line for each notebook with cells that could not be compared."""
    reasons: dict[str, list[str]] = {}
    for row in rows:
        if row["verdict"] == "skipped":
            text = " ".join(row["text"].split())[:160]
            cell = f"[{row['number']}] " if row["number"] is not None else ""
            reasons.setdefault(row["notebook"], []).append(f"{cell}{text}")
    for name, texts in sorted(reasons.items()):
        yield f"- `{name}`: {'; '.join(texts)}"


def _line(name: str, rows: Sequence[dict[str, Any]]) -> str:
    count = Counter(row["verdict"] for row in rows)
    needless = sum(row["verdict"] == "same" and bool(row["warnings"]) for row in rows)
    notebooks = len({row["notebook"] for row in rows})
    numbers = [notebooks, len(rows), *(count[verdict] for verdict in VERDICTS), needless]
    return f"| {name} | {' | '.join(map(str, numbers))} |"


def _repository(row: dict[str, Any]) -> str:
    return str(row["notebook"]).partition("/")[0]


_HEAD = """\
# Notebooks of others, run again

Written by `python benchmarks/foreign_table.py`, from what `python benchmarks/foreign.py` has found:
in notebooks of public repositories some cells that train or evaluate were tracked, evenly among all
that do (four, later two of each notebook), each notebook was executed in a fresh kernel, without a
network, and `nbtrack.rerun` judged the runs, with the files there that were there at the beginning.
*Same*: the numbers came back by the cells of the record. *Badged*: they did not, and a warning had
said so before. *Wrong*: neither, also where all cells were needed, and where the numbers are the
same and a model or data set counts as another one. *Failed*: it could not be run again. *Badged
needlessly*: the same, with a warning. A cell of more than 45 s (later 58 to 150 s, on a busy
machine) ended its notebook. Old names of matplotlib's styles (`seaborn-whitegrid`) were given to
the notebooks that use them. Those that need TensorFlow or a download at their beginning were left
out.
"""
_HELD = """\
A third of the notebooks, by a digest of the path: executed once, after mending, and nothing was
mended for it."""
_UNSEEN = """\
Notebooks that nobody had looked at, most of them in repositories of other authors, chosen before
the first was executed, and executed once, with nbtrack as it was before anything of this was known.
All that was added for them is the package `d2l`, and the names that `makemore` has."""
_LAST = """\
More notebooks that nobody had looked at, in the same repositories: chosen by a digest of the path
before the first was executed, and executed once, with nbtrack as it was after all of the above."""


if __name__ == "__main__":
    main()
