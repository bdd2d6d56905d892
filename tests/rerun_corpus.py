"""Executes the corpus of notebooks, and has every run of it again from its record.

Usage::

    python tests/rerun_corpus.py [NAME ...] [-j 2] [--prove] [--write]

Each notebook is executed in a fresh kernel. Then, in another fresh kernel and an empty folder, the
cells run that the record of each tracked cell has kept, and the cell itself. A run is *same* when
all its numbers come back (exact, or close), *badged* when they do not and a warning says so, and
*wrong* otherwise: there must be none. ``--prove`` finds by execution which cells are needed: those
without which the numbers differ, where everything else was left out that makes no difference; what
was kept without need is counted, and what was lost. ``--write`` writes benchmarks/corpus.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
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
    repeat,
    states_of,
    tracked_cells,
)

REPORT = Path(__file__).parents[1] / "benchmarks" / "corpus.md"
SAME = ("exact", "close")


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
        ``exact``, ``close``, ``different`` or ``failed``.
    verdict : {"same", "badged", "wrong"}
    kept, executed : int
        How many cells the record has kept, of how many that ran before.
    lost, needless : list of int
        By proof; None where nobody has asked for it.
    warnings : list of str
    detail : str
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


class Repeats:
    """Has the cells of one run again, as its record has them or some of all that were executed."""

    def __init__(self, of: CorpusNotebook, cell: TrackedCell, work: Path, folder: Path) -> None:
        self._of = of
        self._cell = cell
        self._states = states_of(cell, work)
        self._folders: Iterator[Path] = (folder / f"again{i}" for i in range(10_000))
        self._recorded = {each.number: each.source for each in cell.source.needed}

    def by_record(self) -> tuple[str, str]:
        """Return the result of the cells that the record has kept, with what went wrong."""
        return self._result(self._cell.kept, lambda number: self._recorded[number])

    def with_cells(self, numbers: Sequence[int]) -> str:
        """Return the result of some of the cells, as they were typed."""
        return self._result(numbers, lambda number: self._of.executed[number - 1].source)[0]

    def proved(self) -> list[int]:
        """Return cells that are enough, and none of which can be left out."""
        enough = list(range(1, self._cell.number))
        if self.with_cells(enough) not in SAME:
            return enough
        for number in reversed(range(1, self._cell.number)):
            fewer = [each for each in enough if each != number]
            if self.with_cells(fewer) in SAME:
                enough = fewer
        return enough

    def _result(self, numbers: Sequence[int], source: Callable[[int], str]) -> tuple[str, str]:
        own = self._cell.number
        code = self._of.executed
        steps = [
            Step(each, source(each), self._states.get(each), code[each - 1].fails)
            for each in numbers
        ]
        steps.append(Step(own, code[own - 1].source, self._states.get(own), code[own - 1].fails))
        for each in self._cell.source.continued:
            if each.number is not None:
                state = self._states.get(each.number)
                steps.append(Step(each.number, each.source, state, each.failed))
        try:
            now = repeat(steps, own, next(self._folders))
        except CellEndedOtherwiseError as error:
            return "failed", str(error).partition("\n")[0]
        return is_same(self._cell.runs, now), f"{self._cell.runs} then, {now} again"


def judge(name: str, *, prove: bool = False) -> list[Judged]:
    """Execute a notebook and have each of its tracked cells again."""
    of = notebook(name)
    found = []
    with tempfile.TemporaryDirectory(prefix="nbtrack-corpus-") as place:
        work = execute(of, Path(place) / "first")
        for cell in tracked_cells(work):
            repeats = Repeats(of, cell, work, Path(place) / str(cell.number))
            result, detail = repeats.by_record()
            verdict = "same" if result in SAME else "badged" if cell.warnings else "wrong"
            judged = Judged(name, cell.number, result, verdict, len(cell.kept), cell.number - 1)
            judged.warnings, judged.detail = cell.warnings, "" if verdict == "same" else detail
            if prove:
                needed = set(repeats.proved())
                judged.needless = sorted(set(cell.kept) - needed)
                judged.lost = sorted(needed - set(cell.kept)) if verdict != "same" else []
            found.append(judged)
    return found


def table(all_judged: Sequence[Judged]) -> str:
    """Return the results as Markdown."""
    count = Counter(each.verdict for each in all_judged)
    first = (
        f"{len({each.name for each in all_judged})} notebooks, {len(all_judged)} tracked cells: "
        f"{count['same']} the same, {count['badged']} badged, "
        f"{count['wrong']} wrong without a badge."
    )
    lines = [
        first,
        "",
        "| notebook | cell | numbers | verdict | kept | lost | needless | warnings |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for each in all_judged:
        lost, needless = (_cells(cells) for cells in (each.lost, each.needless))
        lines.append(
            f"| {each.name} | {each.number} | {each.result} | {each.verdict} | {each.kept} of "
            f"{each.executed} | {lost} | {needless} | {', '.join(each.warnings)} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Run the command; return 1 where a run is wrong without a badge."""
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
    text = table(found)
    print(text)
    if options.write:
        REPORT.write_text(f"{_HEAD}\n{text}\n", "utf-8")
    return int(any(each.verdict == "wrong" for each in found))


_HEAD = """\
# Runs of the corpus, run again

Written by `python tests/rerun_corpus.py --write`: each notebook of `tests/corpus` is executed in a
fresh kernel, then what its record has kept, in another fresh kernel and an empty folder. *Lost*
cells are needed and not in the record; *needless* ones make no difference (both found by leaving
out cells, with `--prove`).
"""


def _cells(cells: list[int] | None) -> str:
    return "" if cells is None else ", ".join(map(str, cells)) or "–"


if __name__ == "__main__":
    sys.exit(main())
