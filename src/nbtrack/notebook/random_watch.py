"""Sees what each cell draws at random, keeps the state before it, and says what cannot be kept."""

from __future__ import annotations

import sys
from itertools import chain
from typing import Any, Literal

from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Finding, Observation
from nbtrack.notebook.seed_calls import SeedCalls, seed_calls
from nbtrack.notebook.system_entropy import EntropyWatch, forks
from nbtrack.tracking import random_generators as generators
from nbtrack.tracking.random_reach import Found, generators_in_reach, is_looked_at
from nbtrack.tracking.random_state import (
    Generator,
    RandomState,
    name_of,
    of_the_process,
    state_of,
)

UNSEEDED = "unseeded"


class RandomWatch:
    """Watches the generators of a shell.

    Parameters
    ----------
    shell : InteractiveShell
    """

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self._reach: dict[str, list[Found]] = {}
        self._before: dict[int, tuple[Found, Generator]] = {}
        self._entropy = EntropyWatch()
        self._forks = forks()
        self._seeded: set[str] = set()  # of generators in which nothing says so
        self._unseeded: set[str] = set()  # seeded from the clock, or from the system
        self._earlier: list[Finding] | None = None  # about cells that were not watched
        self._allocated = 0
        self._modules = 0

    def before(self, cell: Executed, seen: Observation) -> None:
        """Keep the states before a cell."""
        self._search(seen.between if seen.follows else None)
        found = of_the_process()
        if self._earlier is None:
            self._earlier = _drawn_before(found, cell)
            self._look_back(cell)
        self._before = _read([*found, *self._in_reach()])
        self._forks, self._allocated = forks(), _allocations()
        self._modules = len(sys.modules)
        self._entropy.start()

    def after(self, cell: Executed, seen: Observation) -> None:
        """Compare them with the states after it."""
        self._entropy.stop()
        looked = seen.bound | seen.regrouped | seen.unproven
        self._search(looked if seen.complete else None)
        now = _read([*of_the_process(), *self._in_reach()])
        away = [found for found, _ in self._before.values() if id(found.value) not in now]
        still = {**_read(away), **now}
        changed = {
            key
            for key, (_, was) in self._before.items()
            if key in still and still[key][1].state != was.state
        }
        made = {key: each for key, each in now.items() if key not in self._before}
        self._look(cell, seen, changed, made)

    def _search(self, changed: set[str] | None) -> None:
        """Look for generators: in variables that were changed, or are new; None means all."""
        names = set(filter(is_looked_at, list(self._shell.user_ns)))
        if changed is None:
            self._reach = {}
        self._reach = {n: found for n, found in self._reach.items() if n in names}
        new = (names & changed if changed else set()) | (names - self._reach.keys())
        if new:
            self._reach |= {name: [] for name in new}
            for found in generators_in_reach(self._shell.user_ns, sorted(new)):
                self._reach[str(found.path[0])].append(found)

    def _in_reach(self) -> list[Found]:
        """Return the generators in reach, those first that are the fewest steps away."""
        return sorted(chain(*self._reach.values()), key=lambda found: len(found.path))

    def _look(
        self,
        cell: Executed,
        seen: Observation,
        changed: set[int],
        made: dict[int, tuple[Found, Generator]],
    ) -> None:
        forked = forks() != self._forks
        asked = self._entropy.asked
        calls = seed_calls(cell.as_python, self._shell.user_ns)
        before = [was for _, was in self._before.values()]
        drew = {self._before[key][1].name for key in changed}
        self._note_seeds(calls, changed, seen)
        drew -= self._only_seeded(changed, seen)
        states: list[Generator] = []
        lost: set[str] = set()
        for found, state in made.values():
            self._look_at_new(found, state, states, lost, seen)
        drew |= {each.name for each in states}
        if forked:  # the child draws from what it inherits, and this process does not change
            drew |= {each.name for each in before}
        if drew:
            kept = RandomState((*before, *states)).only(drew)
            seen.random_state = kept if kept.generators else None
            if kept.dropped:
                seen.findings.append(self._lost(cell, kept.dropped, "it is too large to be kept"))
            if not forked:
                seen.findings += self._unseeded_findings(cell, changed, made, states)
        own = [found for found, _ in made.values() if found.path and type(found.path[0]) is str]
        fresh = [each for each in own if generators.is_seeded(each.kind, each.value) is False]
        blind = not self._entropy.watches and _has_numpy() and calls.unseeded and not fresh
        if calls.system or calls.from_clock:
            names = sorted(calls.system) or ("a seed from the clock or the system",)
            seen.findings.append(self._lost(cell, names, "nobody can set it again"))
        elif lost:
            seen.findings.append(self._lost(cell, sorted(lost), "it was made and used there"))
        elif asked > len(fresh) or blind:
            text = "a generator was made there without a seed, or seeded from the system"
            seen.findings.append(self._lost(cell, (), text))
        elif "Random()" in calls.unseeded:
            seen.findings.append(self._lost(cell, sorted(calls.unseeded), "it has no seed"))
        seen.findings += self._earlier or []
        if _uses_gpu(self._allocated):
            seen.findings.append(_digits(cell))

    def _look_back(self, cell: Executed) -> None:
        """Look for seeds of Python's generator in the cells before the first that is watched."""
        manager = getattr(self._shell, "history_manager", None)
        for source in list(getattr(manager, "input_hist_raw", None) or []):
            if "seed" in source and seed_calls(cell.python(source), self._shell.user_ns).seeds:
                self._seeded.add(name_of("python", ()))

    def _look_at_new(
        self,
        found: Found,
        state: Generator,
        states: list[Generator],
        lost: set[str],
        seen: Observation,
    ) -> None:
        """Look at a generator that was not there before the cell, or could not be reached."""
        first = generators.first_state(found.kind, found.value)
        is_seeded = generators.is_seeded(found.kind, found.value)
        if not found.path or isinstance(found.path[0], int):  # its library was imported here
            if first is not None and first != state.state:
                states.append(Generator(found.kind, (), first))
            if is_seeded:
                seen.seeded.add(state.name)
        elif is_seeded is False:
            if first is not None and first != state.state:
                lost.add(state.name)
        else:
            seen.seeded.add(state.name)

    def _only_seeded(self, changed: set[int], seen: Observation) -> set[str]:
        """Return the generators that a cell has seeded, and not drawn from since."""
        looked = [self._before[key] for key in changed]
        return {
            was.name
            for found, was in looked
            if was.name in seen.seeded
            and generators.is_at_seed(
                found.kind, found.value, generators.read(found.kind, found.value)
            )
        }

    def _note_seeds(self, calls: SeedCalls, changed: set[int], seen: Observation) -> None:
        torch = None
        for key in changed:
            found, was = self._before[key]
            if (
                found.kind == "torch"
                and was.device is None
                and generators.first_state("torch", found.value) != _first_of(was)
            ):
                torch = found
        for key in changed:
            found, was = self._before[key]
            reseeded = torch is not None and (found is torch or found.path == ())
            if calls.from_clock:
                self._unseeded.add(was.name)
            elif (calls.seeds and (found.path == () or was.device is not None)) or (
                reseeded and generators.is_seeded("torch", torch.value)  # type: ignore[union-attr]
            ):
                seen.seeded.add(was.name)
        if calls.seeds:  # also where it is in that state already
            self._seeded.add(name_of("python", ()))
        self._seeded |= seen.seeded
        self._unseeded -= seen.seeded

    def _unseeded_findings(
        self,
        cell: Executed,
        changed: set[int],
        made: dict[int, tuple[Found, Generator]],
        states: list[Generator],
    ) -> list[Finding]:
        names = set()
        named = "random" in cell.source
        looked = [self._before[key] for key in changed]
        looked += [each for each in made.values() if each[1].name in {s.name for s in states}]
        for found, was in looked:
            says = generators.is_seeded(found.kind, found.value)
            if was.device is not None or found.kind == "keras":
                continue  # seeded by PyTorch's and Python's
            if says is None:
                says = was.name in self._seeded or bool(was.path)
            if found.kind == "python" and len(sys.modules) > self._modules and not named:
                continue  # libraries draw from it while they are imported
            if not says or was.name in self._unseeded:
                names.add(was.name)
        if not names:
            return []
        text = (
            f"Cell {cell.number} drew from what no cell has seeded: {', '.join(sorted(names))}. It "
            "repeats here with the state that was kept, and not from the code alone."
        )
        return [Finding(UNSEEDED, "info", text)]

    def _lost(self, cell: Executed, names: Any, why: str) -> Finding:
        what = f" from {', '.join(names)}" if names else ""
        level: Literal["warning"] = "warning"
        text = f"Cell {cell.number} may draw other values{what} when it runs again: {why}."
        return Finding(UNSEEDED, level, text)


def _has_numpy() -> bool:
    return "numpy.random.bit_generator" in sys.modules


def _read(found: Any) -> dict[int, tuple[Found, Generator]]:
    """Return the states of generators by the identity of the generators."""
    read: dict[int, tuple[Found, Generator]] = {}
    for each in found:
        if id(each.value) not in read and (state := state_of(each)) is not None:
            read[id(each.value)] = each, state
    return read


def _first_of(was: Generator) -> Any:
    """Return the state that a torch generator was seeded to, from its state: the seed is in it."""
    torch: Any = sys.modules["torch"]
    other = torch.Generator()
    generators.write("torch", other, was.state)
    return generators.first_state("torch", other)


def _drawn_before(found: list[Found], cell: Executed) -> list[Finding]:
    """Return what the cells before the first one that is watched have drawn, as far as one sees."""
    if cell.number <= 1:
        return []
    names = []
    for each in found:
        first = generators.first_state(each.kind, each.value)
        if generators.is_seeded(each.kind, each.value) or first is None:
            continue
        if first != generators.read(each.kind, each.value):
            names.append(name_of(each.kind, ()))
    if not names:
        return []
    text = (
        f"Cells before nbtrack was loaded drew from {', '.join(names)}, which nothing had seeded: "
        "they draw other values when they run again."
    )
    return [Finding(UNSEEDED, "warning", text)]


def _allocations() -> int:
    """Return how often memory was allocated on GPUs; 0 where none is used."""
    torch: Any = sys.modules.get("torch")
    cuda = getattr(torch, "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return 0
    devices = range(cuda.device_count())
    return sum(int(cuda.memory_stats(i).get("allocation.all.allocated", 0)) for i in devices)


def _uses_gpu(allocated: int) -> bool:
    """Return whether a cell used a GPU, and nothing makes its sums have one order."""
    torch: Any = sys.modules.get("torch")
    if _allocations() == allocated:
        return False
    return not torch.are_deterministic_algorithms_enabled()


def _digits(cell: Executed) -> Finding:
    text = (
        f"Cell {cell.number} used a GPU without torch.use_deterministic_algorithms(True): its "
        "numbers may differ in the last digits."
    )
    return Finding("digits", "info", text)
