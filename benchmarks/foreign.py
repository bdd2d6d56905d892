"""Executes notebooks of others with some of their cells tracked, and has the runs again.

Usage::

    python benchmarks/foreign.py FOLDER [WORD ...] [--held-out] [--into RESULTS.json]
    python benchmarks/foreign.py --table

The folders in FOLDER are repositories, as they were checked out. Of each notebook that trains or
evaluates something some cells are tracked; where a run has no numbers, a tracked cell below
it logs those of the variables. Then ``nbtrack.rerun`` judges each run, with only the files there
that were there at the beginning. A run is *same* when it gives the numbers by the cells that its
record has kept, *badged* when it does not and a warning had said so before, and *wrong* otherwise.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))

from corpus_runs import LOAD, remove_files, rerun_all, silently, tracked_cells
from foreign_notebooks import ForeignNotebook, names_of, notebooks, tracked
from kernels import Kernel, bare_kernel
from nbtrack.reruns.planned_cells import without_installs
from programs import python_path

BESIDE = Path(__file__).resolve().parent
RERUN_S = 400.0


@dataclass
class Result:
    """How having a run again went, or why there is none.

    Attributes
    ----------
    notebook : str
    number : int or None
        The execution count of its cell.
    verdict : {"same", "badged", "wrong", "failed", "skipped"}
    text : str
    warnings : list of str
        The badges that it had before.
    kept, earlier : int
        How many cells were kept of those before it.
    seconds : float
        That having it again took.
    metrics : int
        How many metrics were compared, without those of a clock.
    """

    notebook: str
    number: int | None
    verdict: str
    text: str
    warnings: list[str] = field(default_factory=list)
    kept: int = 0
    earlier: int = 0
    seconds: float = 0.0
    metrics: int = 0


@dataclass
class Session:
    """A notebook while it is executed: what was executed, and how it went."""

    notebook: ForeignNotebook
    kernel: Kernel
    executed: list[tuple[str, str]] = field(default_factory=list)
    failed: dict[int, str] = field(default_factory=dict)
    stopped: str = ""
    cell_s: float = 58.0
    notebook_s: float = 240.0

    def run(self) -> None:
        """Execute all cells, as long as there is time."""
        begin = time.monotonic()
        self._execute("load", LOAD)
        for place, source in enumerate(self.notebook.cells):
            if place in self.notebook.tracked:
                self._execute(f"cell{place}", tracked(source))
                if not (self.stopped or self._failed_last or self._has_numbers()):
                    self._log_numbers(place, source)
            else:
                self._execute(f"cell{place}", source)
            if time.monotonic() - begin > self.notebook_s:
                self.stopped = f"after {self.notebook_s:.0f} s"
            if self.stopped:
                self.stopped += f", {len(self.notebook.cells) - place - 1} cells left"
                return

    @property
    def _failed_last(self) -> bool:
        return len(self.executed) in self.failed

    def _execute(self, cell_id: str, source: str) -> None:
        source = without_installs(source)
        self.executed.append((cell_id, source))
        manager = self.kernel.manager  # type: ignore[attr-defined]
        try:
            out = self.kernel.run(
                source, cell_id=cell_id, interrupt_after=self.cell_s, manager=manager
            )
        except Exception as error:  # noqa: BLE001  it does not answer
            self.stopped = f"{type(error).__name__} in cell {len(self.executed)}"
            return
        if out.error:
            self.failed[len(self.executed)] = f"{out.error[0]}: {out.error[1][:200]}"
            if out.error[0] == "KeyboardInterrupt":
                self.stopped = f"cell {len(self.executed)} takes more than {self.cell_s:.0f} s"

    def _has_numbers(self) -> bool:
        run = "__import__('nbtrack').last_active_run()"
        text = f"[k for k in {run}.data.metrics if not k.startswith('system/')]"
        return silently(self.kernel, "", {"found": text})["found"] != "[]"

    def _log_numbers(self, place: int, source: str) -> None:
        names = names_of(source)
        known = silently(self.kernel, "", {name: name for name in names})
        given = ", ".join(f"{name}={name}" for name in names if known[name] is not None)
        if given:
            code = f"%%track --quiet\nimport foreign_numbers\nforeign_numbers.log({given})"
            self._execute(f"numbers{place}", code)


def judged(
    folder: Path, notebook: ForeignNotebook, cell_s: float, notebook_s: float
) -> Iterator[Result]:
    """Execute a notebook, within so many seconds, and have its runs again."""
    with tempfile.TemporaryDirectory(prefix="nbtrack-foreign-") as place:
        root = Path(place, notebook.repository)
        shutil.copytree(folder / notebook.repository, root)
        path = Path(place, notebook.path)
        before = {file for file in root.rglob("*") if file.is_file()}
        (Path(place) / "kernel").mkdir()
        session = None
        with bare_kernel(
            Path(place) / "kernel", path.parent, JPY_SESSION_NAME=str(path), OMP_NUM_THREADS="1"
        ) as kernel:
            session = Session(notebook, kernel, cell_s=cell_s, notebook_s=notebook_s)
            session.run()
            _save(session, path)
        remove_files(root, before)
        yield from _judged(session, path.parent)


def _judged(session: Session, work: Path) -> Iterator[Result]:
    name = session.notebook.path
    found = 0
    for cell in tracked_cells(work):
        if cell.number in session.failed:
            text = f"the cell fails: {session.failed[cell.number]}"
            yield Result(name, cell.number, "skipped", text)
            continue
        if not any(cell.runs) or not cell.number:
            continue  # its numbers are in the run below it, or in the one around it
        found += 1
        begin = time.monotonic()
        try:
            (verdict,) = rerun_all(replace(cell, run_ids=cell.run_ids[:1]), RERUN_S)
            result, text = verdict.result, verdict.text
            same = verdict.same and verdict.cause != "lost"
        except Exception as error:  # noqa: BLE001  it is a result
            result, text, same = "failed", f"{type(error).__name__}: {error}", False
        kind = "same" if same else "badged" if cell.warnings else "wrong"
        if result == "failed":
            kind = "failed"
        seconds = round(time.monotonic() - begin, 1)
        kept, earlier = len(cell.kept), cell.number - 1
        metrics = len(cell.runs[0])
        yield Result(name, cell.number, kind, text, cell.warnings, kept, earlier, seconds, metrics)
    if session.stopped or not found:
        first = next(iter(session.failed.items()), None)
        why = session.stopped or (f"cell {first[0]}: {first[1]}" if first else "no numbers")
        yield Result(name, None, "skipped", why)


def _save(session: Session, path: Path) -> None:
    """Write the notebook as it was executed, so that no badge says that a cell was edited."""
    cells: list[dict[str, Any]] = [
        {
            "cell_type": "code",
            "id": cell_id,
            "metadata": {},
            "source": source,
            "outputs": [],
            "execution_count": None,
        }
        for cell_id, source in session.executed
    ]
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    content = {
        "cells": cells,
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(content), "utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Have runs of notebooks of others again.")
    parser.add_argument("folder", type=Path)
    parser.add_argument("words", nargs="*", metavar="WORD", help="of paths of notebooks")
    parser.add_argument("--held-out", action="store_true", help="the third that is held out")
    parser.add_argument("--cells", type=int, default=4, help="how many of each are tracked")
    parser.add_argument("--all", action="store_true", help="those, too, that are not held out")
    parser.add_argument("--cell-seconds", type=float, default=58.0, help="that a cell may take")
    parser.add_argument("--seconds", type=float, default=240.0, help="that a notebook may take")
    parser.add_argument("--list", action="store_true", help="only name the notebooks")
    parser.add_argument("--into", type=Path, help="a file with a line of JSON for each run")
    options = parser.parse_args()
    os.environ["PYTHONPATH"] = os.pathsep.join([str(BESIDE), python_path()])
    for notebook in notebooks(options.folder, options.words, options.cells):
        if not options.all and notebook.held_out != options.held_out:
            continue
        if options.list:
            print(notebook.path, len(notebook.cells), notebook.tracked)
            continue
        for result in judged(options.folder, notebook, options.cell_seconds, options.seconds):
            print(result.verdict, notebook.path, result.number, result.text, result.warnings)
            sys.stdout.flush()
            if options.into:
                with options.into.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asdict(result)) + "\n")


if __name__ == "__main__":
    main()
