"""Executes the corpus of notebooks, and has every run of it again from its record.

Usage::

    python tests/rerun_corpus.py [NAME ...] [-j 2] [--prove] [--write]

Each notebook is executed in a fresh kernel. Then ``nbtrack.rerun`` has the runs of each tracked
cell again, without the files that cells have written. A run is *same* when it gives its numbers by
the cells that its record has kept, *badged* when it does not and a warning had said so before, and
*wrong* otherwise: there must be none, and no warning that the notebook does not name as right
(``warns``) on a run that is the same. ``--prove`` finds by execution which cells are needed: those
without which the numbers differ, where everything else was left out that makes no difference; what
was kept without need is counted, and what was lost. ``--write`` writes
benchmarks/corpus.md, where the rows of notebooks that were not executed stay as they were.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

from corpus_notebooks import CorpusNotebook, names, notebook
from corpus_runs import (
    CellEndedOtherwiseError,
    Step,
    TrackedCell,
    execute,
    is_same,
    remove_files,
    repeat,
    rerun_all,
    states_of,
    tracked_cells,
)
from nbtrack.reruns import Verdict

REPORT = Path(__file__).parents[1] / "benchmarks" / "corpus.md"
SAME = ("exact", "close")
COLUMNS = [
    "notebook",
    "cell",
    "numbers",
    "verdict",
    "kept",
    "lost",
    "needless",
    "warnings",
    "judge",
]
Row = tuple[str, ...]


@dataclass
class Judged:
    """How having a tracked cell again went.

    Attributes
    ----------
    name : str
        Of the notebook.
    number : int
        The execution count of the cell.
    result : str
        ``exact``, ``close``, ``different``, ``failed``, or ``lost`` where all cells are needed.
    verdict : {"same", "badged", "wrong"}
    kept, executed : int
        How many cells the record has kept, of how many that ran before.
    lost, needless : list of int
        By proof; None where nobody has asked for it, or the numbers never come back.
    warnings : list of str
    detail : str
    needless_warnings : list of str
        Of a run that is the same, those that its notebook does not name as right.
    """

    name: str
    number: int
    result: str
    verdict: str
    kept: int
    executed: int
    lost: list[int] | None = None
    needless: list[int] | None = None
    warnings: list[str] = field(default_factory=list)
    detail: str = ""
    needless_warnings: list[str] = field(default_factory=list)


class Repeats:
    """Has some of all cells again that were executed, and those of a run."""

    def __init__(self, of: CorpusNotebook, cell: TrackedCell, work: Path, folder: Path) -> None:
        self._of = of
        self._cell = cell
        self._states = states_of(cell, work)
        self._folders: Iterator[Path] = (folder / f"again{i}" for i in range(10_000))

    def proved(self) -> list[int] | None:
        """Return cells that are enough, and none of which can be left out.

        None where all of them do not give the same numbers either: then nothing is proved.
        """
        enough = list(range(1, self._cell.number))
        if self.with_cells(enough) not in SAME:
            return None
        for number in reversed(range(1, self._cell.number)):
            fewer = [each for each in enough if each != number]
            if self.with_cells(fewer) in SAME:
                enough = fewer
        return enough

    def with_cells(self, numbers: Sequence[int]) -> str:
        """Return the result of some of the cells, as they were typed."""
        own = self._cell.number
        code = self._of.executed
        steps = [
            Step(each, code[each - 1].source, self._states.get(each), code[each - 1].fails)
            for each in [*numbers, own]
        ]
        for each in self._cell.source.continued:
            if each.number is not None:
                state = self._states.get(each.number)
                steps.append(Step(each.number, each.source, state, each.failed))
        try:
            now = repeat(steps, own, next(self._folders))
        except CellEndedOtherwiseError:
            return "failed"
        return is_same(self._cell.runs, now)


def judge(name: str, *, prove: bool = False) -> list[Judged]:
    """Execute a notebook and have each of its tracked cells again."""
    of = notebook(name)
    found = []
    with tempfile.TemporaryDirectory(prefix="nbtrack-corpus-") as place:
        work = execute(of, Path(place) / "first")
        remove_files(work, [work / f"{name}.ipynb"])
        for cell in tracked_cells(work):
            if not cell.number:  # runs inside of others, which are compared with those
                continue
            result, detail = worst(rerun_all(cell))
            verdict = "same" if result in SAME else "badged" if cell.warnings else "wrong"
            judged = Judged(name, cell.number, result, verdict, len(cell.kept), cell.number - 1)
            judged.warnings, judged.detail = cell.warnings, "" if verdict == "same" else detail
            if verdict == "same":
                judged.needless_warnings = sorted(set(cell.warnings) - of.warns)
            if prove:
                repeats = Repeats(of, cell, work, Path(place) / str(cell.number))
                proved = repeats.proved()
                if proved is not None:
                    kept, needed = set(cell.kept), set(proved)
                    judged.needless = sorted(kept - needed)
                    judged.lost = sorted(needed - kept) if verdict != "same" else []
            found.append(judged)
    return found


def worst(verdicts: Sequence[Verdict]) -> tuple[str, str]:
    """Return the worst result of the runs of a cell, with what was said of it."""
    found = [("lost" if each.cause == "lost" else each.result, each.text) for each in verdicts]
    order = ("exact", "close", "lost", "different", "failed")
    return max(found, key=lambda each: order.index(each[0]))


def table(rows: Sequence[Row]) -> str:
    """Return the results as Markdown."""
    rows = sorted(rows, key=lambda row: (row[0], int(row[1])))
    count = Counter(row[3] for row in rows)
    first = (
        f"{len({row[0] for row in rows})} notebooks, {len(rows)} tracked cells: "
        f"{count['same']} the same, {count['badged']} badged, "
        f"{count['wrong']} wrong without a badge."
    )
    head = [" | ".join(("", *COLUMNS, "")).strip(), "|---" * len(COLUMNS) + "|"]
    return "\n".join([first, "", *head, *(f"| {' | '.join(row)} |" for row in rows)])


def row_of(each: Judged) -> Row:
    """Return a result as a row of the table."""
    kept = f"{each.kept} of {each.executed}"
    lost, needless = (_cells(cells) for cells in (each.lost, each.needless))
    found = (each.name, str(each.number), each.result, each.verdict, kept, lost, needless)
    return (*found, ", ".join(each.warnings), "rerun")


def rows_in(text: str) -> list[Row]:
    """Return the rows of a table that was written before."""
    lines = [line for line in text.splitlines() if line.startswith("| ")][1:]
    rows = [[cell.strip() for cell in line.strip()[1:-1].split("|")] for line in lines]
    return [(*row, "executor") if len(row) < len(COLUMNS) else tuple(row) for row in rows]


def main() -> int:
    """Run the command; return 1 where a run is wrong without a badge, or warns needlessly."""
    parser = argparse.ArgumentParser(description="Have the runs of the corpus again.")
    parser.add_argument("names", nargs="*", metavar="NAME", help="of notebooks; all by default")
    parser.add_argument("-j", type=int, default=2, help="how many at once")
    parser.add_argument("--prove", action="store_true", help="find the needed cells by execution")
    parser.add_argument("--write", action="store_true", help=f"write {REPORT.name}")
    options = parser.parse_args()
    with ThreadPoolExecutor(options.j) as pool:
        futures = [
            (name, pool.submit(judge, name, prove=options.prove))
            for name in options.names or names()
        ]
        found = []
        for name, future in futures:
            try:
                found += future.result()
            except CellEndedOtherwiseError as error:
                found.append(Judged(name, 0, "failed", "wrong", 0, 0, detail=str(error)))
            for each in found:
                if each.name == name and each.verdict != "same":
                    print(f"{name} [{each.number}] {each.verdict}: {each.detail}", file=sys.stderr)
                for warning in each.needless_warnings if each.name == name else ():
                    print(f"{name} [{each.number}] warns needlessly: {warning}", file=sys.stderr)
    rows = [row_of(each) for each in found]
    print(table(rows))
    if options.write:
        done = {row[0] for row in rows}
        rows += [row for row in rows_in(REPORT.read_text("utf-8")) if row[0] not in done]
        REPORT.write_text(f"{_HEAD}\n{table(rows)}\n", "utf-8")
    return int(any(each.verdict == "wrong" or each.needless_warnings for each in found))


_HEAD = """\
# Runs of the corpus, run again

Written by `python tests/rerun_corpus.py --write`: each notebook of `tests/corpus` is executed in a
fresh kernel, then `nbtrack.rerun` has its runs again without the files that its cells have written.
*Lost* cells are needed and not in the record; *needless* ones make no difference (both found by
leaving out cells, with `--prove`; empty where that was not asked for). Rows whose judge is
`executor` are of before `nbtrack.rerun` judged: the cells of the record in an empty folder.

Some runs come back and have a warning all the same; their notebooks name it as right (`# warns:`),
and the command fails where there is another one. *Background work* goes on when its cell has ended:
what it has done by the next cell depends on the time. *Hidden state* of `edited_cell`: the run used
what a cell had left before it was edited, and no cell of the notebook has that code any more; the
record has. *Cell edited since*, *cell deleted since* and *ran out of order*: whoever runs the
notebook from top to bottom gets something else than the run.
"""


def _cells(cells: list[int] | None) -> str:
    return "" if cells is None else ", ".join(map(str, cells)) or "–"


if __name__ == "__main__":
    sys.exit(main())
