"""Writes benchmarks/foreign.md from the results of benchmarks/foreign.py.

Usage::

    python benchmarks/foreign_table.py FOUND[,MENDED] [FOUND[,MENDED] ...] [--write]

One argument for each set of notebooks, in the order of ``_SETS``: a file with the results as they
were found and, after a comma, one with those of the notebooks that were executed again after faults
of nbtrack were mended that the first had shown. A run of one set is never in another.
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
Rows = list[dict[str, Any]]


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Write the table of notebooks of others.")
    parser.add_argument("sets", nargs="+", metavar="FOUND[,MENDED]", help="files of results")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    found: Rows = []
    parts: list[tuple[str, str, Rows, str]] = []
    for (title, when, text), files in zip(_SETS, options.sets, strict=True):
        rows, *again = (read(Path(name)) for name in files.split(","))
        found += rows
        parts.append((title, when, rows, text))
        for newer in again:
            after = replaced(rows, newer)
            mended = "After mending" if not text else f"{title}: after mending"
            parts.append((mended, f"{when}, after mending", after, again_text(rows, newer, after)))
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
            *skipped(found),
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
    kept, earlier, metrics = (
        sum(row.get(name, 0) for row in compared) for name in ("kept", "earlier", "metrics")
    )
    text = f"\nOf the {earlier} cells before these runs {kept} were kept."
    if metrics:
        text += f" {metrics} metrics were compared, at least one of each run."
    return "\n".join([*lines, _line("all", compared), text])


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
        yield f"- `{name}`: {'; '.join(dict.fromkeys(texts))}"


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

_FOURTH = """\
Notebooks of nine more repositories, five of them of new authors. Of those whose packages could be
installed and whose data are beside them or in scikit-learn, four of each repository were chosen by
a digest of the path before the first was executed; they were executed once, with nbtrack as it was
after all of the above. Addresses of files of the repository itself were replaced by their paths.
Of the ninth, `Practical_RL`, none qualified. A cell had 120 s. The metrics of two of the runs, in
`Machine Learning for Diabetes`, were not counted."""
_REST = """\
What else qualified there, and of the notebooks above those of which no cell could be executed as it
stood: executed once, by the same version of nbtrack, in today's Python (`print` as a function) and
with the names that NumPy, pandas and scikit-learn have now (`np.int` is `int`)."""
_SETS = [
    ("As first met", "first met", ""),
    ("Held out", "held out", _HELD),
    ("Held out, later", "held out later", _UNSEEN),
    ("Held out, last", "held out last", _LAST),
    ("Held out, other repositories", "held out, other repositories", _FOURTH),
    ("Held out, other repositories: the rest", "held out, the rest", _REST),
]


if __name__ == "__main__":
    main()
