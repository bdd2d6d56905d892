"""Writes benchmarks/foreign.md from the results of benchmarks/foreign.py.

Usage::

    python benchmarks/foreign_table.py FIRST.json MENDED.json HELD_OUT.json [--write]

FIRST has the results as they were first met, MENDED those of the notebooks that were executed again
after faults of nbtrack were mended, HELD_OUT those of notebooks that nobody had looked at before.
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
    parser.add_argument("first", type=Path)
    parser.add_argument("mended", type=Path)
    parser.add_argument("held_out", type=Path)
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    first, mended, held = map(read, (options.first, options.mended, options.held_out))
    again = {row["notebook"] for row in mended}
    after = [*(row for row in first if row["notebook"] not in again), *mended]
    text = "\n".join(
        [
            _HEAD,
            "## As first met\n",
            summary(first),
            "\n## After mending\n",
            f"{len(again)} of these notebooks were executed again, with fewer cells; the others",
            "are as above. Runs that were not the same at first and are not in this table:\n",
            *missing(first, after),
            summary(after),
            "\n## Held out\n",
            summary(held),
            "\n## What was not the same\n",
            *listed("first met", first),
            *listed("after mending", after),
            *listed("held out", held),
            "\n## What was not compared\n",
            *skipped([*first, *held]),
            "",
        ]
    )
    print(text)
    if options.write:
        REPORT.write_text(text, "utf-8")


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


def missing(first: Rows, after: Rows) -> Iterable[str]:
    """Yield the runs that did not give their numbers, and were not compared again."""
    known = {(row["notebook"], row["number"]) for row in after if row["verdict"] in VERDICTS}
    for row in first:
        name = (row["notebook"], row["number"])
        if row["verdict"] in VERDICTS[1:] and name not in known:
            yield f"- `{name[0]}` [{name[1]}]"
    yield ""


def listed(when: str, rows: Rows) -> Iterable[str]:
    """Yield a line for each run that did not give its numbers."""
    for row in rows:
        if row["verdict"] in VERDICTS[1:]:
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
said so before. *Wrong*: neither, also where all cells were needed. *Failed*: it could not be run
again. A cell of more than 45 s (later 58 s, on a busy machine) ended its notebook. A third of the
notebooks, by a digest of the path, was held out: executed once, at the end, and nothing was mended
for it. Old names of matplotlib's styles (`seaborn-whitegrid`) were given to the notebooks that use
them. Not all notebooks with such cells were executed: time was short, and those that need
TensorFlow or a download at their beginning were left out.
"""


if __name__ == "__main__":
    main()
