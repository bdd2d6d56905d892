"""Has a run again, as often as it takes to say what differs and why."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Any

from nbtrack.entities import ViewType
from nbtrack.file_digests import TimeBudget
from nbtrack.reruns.comparison import (
    Comparison,
    compare_facts,
    facts_of,
    listed,
    other_packages,
)
from nbtrack.reruns.execution import (
    Execution,
    Settings,
    executed,
    fixed_order,
    one_thread,
)
from nbtrack.reruns.folder_copy import made_by
from nbtrack.reruns.plan import Part, Plan
from nbtrack.reruns.progress import Attempt, Progress
from nbtrack.reruns.verdict import Verdict, day, verdict_of
from nbtrack.store import Store, now_ms
from nbtrack.store.search import search_experiments
from nbtrack.views.data_state import DataFile, data_files

_OF_ORDER = "the same with a fixed PYTHONHASHSEED: it depends on the order of sets"
CHEAP_S = 60.0
"""What one attempt may take for its cause to be looked for by four more."""
HASH_S = 600.0
_OTHERS = ("changed", "missing")


class Reproduction:
    """Has a run again, and judges it.

    Parameters
    ----------
    store : Store
    plan : Plan
    settings : Settings
    progress : Progress
    """

    def __init__(self, store: Store, plan: Plan, settings: Settings, progress: Progress) -> None:
        self._plan = plan
        self._settings = settings
        self._progress = progress
        self._held = contextlib.ExitStack()
        with store.read() as reader:
            self._then = facts_of(reader, plan.run)
            found = search_experiments(reader, ViewType.ALL, 1000)
        self._experiments = {each.experiment_id: each.name for each in found}

    def verdict(self, part: Part = "needed") -> Verdict:
        """Execute the cells, once or more, and return what came of it."""
        with self._held:
            first = self._execute(part, "first")
            if first.failure is not None or first.facts is None:
                return self._after_failure(part, first)
            compared = self._compared(first)
            if compared.result != "different":
                return self._same(first, compared, part)
            gone = [each.path for each in self._files_now() if each.state in _OTHERS]
            changed = [*gone, *_other_datasets(compared)]
            if changed:
                text = f"{_differs(compared)}: {listed(changed)} changed since"
                return self._different(first, compared, part, "data changed", text)
            return self._without_results(part) or self._after_difference(part, first, compared)

    def _without_results(self, part: Part) -> Verdict | None:
        """Execute without what the cells have written, where they may not have done so with it.

        ``if Path("model.pt").exists()`` goes another way then, and ``os.mkdir("out")`` fails.
        """
        made, folder = made_by(self._plan.files), self._plan.folder
        if folder is None or not any((folder / name).is_file() for name in made):
            return None
        again = self._execute(part, "again", fresh=True)
        if again.failure is not None or again.facts is None:
            return None
        compared = self._compared(again)
        if compared.result == "different":
            return None
        return self._same(again, compared, part, " (without the files that its cells write)")

    def _after_failure(self, part: Part, first: Execution) -> Verdict:
        timed_out = first.failure is not None and first.failure.error.name == "Timeout"
        if not timed_out and (same := self._without_results(part)) is not None:
            return same
        if part == "needed" and self._more_cells() and not timed_out:
            everything = self._execute("all", "all cells")
            if everything.failure is None and everything.facts is not None:
                compared = self._compared(everything)
                if compared.result != "different":
                    return self._lost(everything, compared)
        what = (
            f"{first.failure}{self._advice(first)}"
            if first.failure is not None
            else "its cells were executed, and made no such run"
        )
        what = first.copy.as_original(what)
        return self._verdict(first, None, result="failed", text=what, cause="error", cells=part)

    def _after_difference(self, part: Part, first: Execution, compared: Comparison) -> Verdict:
        again = self._execute(part, "again")
        assert first.facts is not None  # noqa: S101  for the type checker
        if again.facts is None or again.failure is not None:
            cause = f"{_differs(compared)}, and a second time {again.failure or 'made no run'}"
            return self._different(first, compared, part, "not deterministic", cause)
        between = compare_facts(first.facts, again.facts)
        if between.result == "different":
            why = self._why_not_deterministic(part, first)
            text = f"{_differs(compared)}: not deterministic, two reruns differ too{why}"
            return self._different(first, compared, part, "not deterministic", text)
        if part == "needed" and self._more_cells():
            everything = self._execute("all", "all cells")
            if everything.facts is not None and everything.failure is None:
                of_all = self._compared(everything)
                if of_all.result != "different":
                    return self._lost(everything, of_all)
        packages = listed(other_packages(self._plan.packages, first.facts))
        text = f"{_differs(compared)}, in the same way each time"
        unsure = [each.path for each in self._files_now() if each.state == "may have changed"]
        if unsure:
            text += f"; a possible cause: {listed(unsure)} may be other data than then"
        elif packages:
            text += f"; a possible cause: {packages}"
        elif self._plan.source.left_out:
            text += f"; the record has left out {self._plan.source.left_out} of the earliest cells"
        elif warnings := [f.text for f in self._plan.source.findings if f.level == "warning"]:
            text += f"; a possible cause: {warnings[0]}"
        return self._different(first, compared, part, "environment" if packages else None, text)

    def _why_not_deterministic(self, part: Part, first: Execution) -> str:
        """Name the cause, where looking for it takes little time."""
        if first.seconds > CHEAP_S:
            return ""
        causes: list[tuple[dict[str, str], Attempt, str]] = [
            (fixed_order(), "fixed order", _OF_ORDER),
            (one_thread(), "one thread", "the same with one thread"),
        ]
        for variables, attempt, words in causes:
            settings = replace(self._settings, variables={**self._settings.variables, **variables})
            one = self._execute(part, attempt, settings)
            other = self._execute(part, attempt, settings)
            if one.facts is None or other.facts is None:
                return ""
            if compare_facts(one.facts, other.facts).result != "different":
                return f" ({words})"
        return " (something draws numbers without a seed, or reads the clock)"

    def _execute(
        self, part: Part, attempt: Attempt, settings: Settings | None = None, *, fresh: bool = False
    ) -> Execution:
        return self._held.enter_context(
            executed(
                self._plan,
                part,
                settings or self._settings,
                self._progress,
                attempt,
                self._experiments,
                fresh=fresh,
            )
        )

    def _compared(self, done: Execution) -> Comparison:
        assert done.facts is not None  # noqa: S101  for the type checker
        return compare_facts(self._then, done.facts, done.copy.as_original)

    def _more_cells(self) -> bool:
        return len(self._plan.everything) > len(self._plan.needed)

    def _same(self, done: Execution, compared: Comparison, part: Part, how: str = "") -> Verdict:
        date = now_ms()
        text = f"verified on {day(date)}: same numbers{compared.how_close}{how}"
        return self._verdict(
            done, compared, date=date, result=compared.result, text=text, cells=part
        )

    def _lost(self, done: Execution, compared: Comparison) -> Verdict:
        date = now_ms()
        text = (
            f"verified on {day(date)}: same numbers{compared.how_close} with all cells; one that "
            "the run needed had been left out"
        )
        return self._verdict(
            done, compared, date=date, result=compared.result, text=text, cells="all", cause="lost"
        )

    def _different(
        self, done: Execution, compared: Comparison, part: Part, cause: str | None, text: str
    ) -> Verdict:
        return self._verdict(done, compared, result="different", text=text, cause=cause, cells=part)

    def _verdict(
        self, done: Execution, compared: Comparison | None, *, date: int | None = None, **more: Any
    ) -> Verdict:
        date = date or now_ms()
        return verdict_of(self._then, done.facts, compared, date=date, **more)

    def _files_now(self) -> list[DataFile]:
        """Return what the run has read, with what it is now."""
        if self._plan.folder is None:
            return []
        found = data_files(self._plan.artifacts, here=self._plan.folder, budget=TimeBudget(HASH_S))
        made = made_by(self._plan.files)
        return [each for each in found if each.mode == "read" and each.path not in made]

    def _advice(self, done: Execution) -> str:
        """Say what to do about a cell that fails."""
        failure = done.failure
        if failure is None:
            return ""
        name, text = failure.error.name, failure.error.text
        if name == "ModuleNotFoundError":
            return ". Install it, or run it again in the recorded environment"
        if name in ("FileNotFoundError", "NotADirectoryError"):
            if self._plan.folder is None:
                shown = self._plan.environment.get("folder") or "of the notebook"
                return f". The folder {shown} is not on this machine"
            left = [path for path in done.copy.left_out if path in text]
            return f". {left[0]} is too large for the copy of the folder" if left else ""
        if name == "NameError":
            left_out = self._plan.source.left_out
            return (
                f". The record has left out {left_out} of the earliest cells"
                if left_out
                else ". The cell that defines it is not in the record"
            )
        if name == "StdinNotImplementedError":
            return ". It asks for input, which a rerun has not"
        if name == "NotFoundError" or "RESOURCE_DOES_NOT_EXIST" in text:
            return ". Runs and models of your store are not in that of a rerun"
        return ""


def _other_datasets(compared: Comparison) -> list[str]:
    """Return the logged datasets that have another digest now."""
    found = [item for item in compared.items if item.kind == "text" and item.differs]
    return [item.key for item in found if item.key.startswith("dataset ")]


def _differs(compared: Comparison) -> str:
    return f"differs in {listed(compared.differs)}"
