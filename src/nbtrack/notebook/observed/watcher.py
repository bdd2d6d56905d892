"""Watches what a cell does to the objects that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.observed.code_names import CodeNames, names_in_texts, names_of_cell
from nbtrack.notebook.observed.effects import Compared, compare
from nbtrack.notebook.observed.kinds import address
from nbtrack.notebook.observed.known import Known
from nbtrack.notebook.observed.marks import SIMPLE
from nbtrack.notebook.observed.rules import Looks
from nbtrack.notebook.observed.walk import Walk

BUDGET = 0.05
_SHELL = re.compile(r"_{1,3}|_i{1,3}|_(i?\d+|oh|dh|ih|sh|exit_code)|__.*")
_NO_USERS = frozenset({"In", "Out", "exit", "quit", "open", "get_ipython"})
_ANY = frozenset({"globals", "locals", "eval", "exec"})  # may read any variable by a text


class ObjectWatcher:
    """Looks at the variables that a cell names before and after it.

    Parameters
    ----------
    namespace : dict
        The variables of the notebook.
    """

    def __init__(self, namespace: dict[str, Any]) -> None:
        self._namespace = namespace
        self._looks = Looks(namespace)
        self._known = Known()
        self._knows = True
        self._code = CodeNames()
        self._before: Walk | None = None
        self._values: dict[str, Any] = {}
        self._shown = 0
        self._wanted: frozenset[str] | set[str] = frozenset()
        self._in_texts: set[str] = set()

    @property
    def code(self) -> CodeNames:
        """What the cell that runs now names, and the functions that it reaches."""
        return self._code

    def forget(self) -> None:
        """Expect nothing of what the next cell finds: this one may have changed anything."""
        self._known.forget()
        self._knows = False

    def before(self, cell: Executed, seen: Observation) -> None:
        """Mark what the cell reaches."""
        names = cell.names
        self._code = names_of_cell(cell.as_python)
        if not seen.follows:
            self._known.forget()
        self._looks.forget_own()
        self._looks.prepare(self._code.words)
        wanted = self._code.names | names.used | names.changes | names.touched
        self._values = _values(self._namespace)
        if self._code.names_all or names.opaque:
            wanted |= self._values.keys()
        self._wanted = wanted
        self._in_texts = names_in_texts(self._code)
        self._shown = _shown(self._namespace)
        walk = Walk(self._namespace, self._looks)
        walk.start(sorted(wanted))
        walk.go(BUDGET)
        walk.close()
        self._before = walk
        self._code = self._code.with_others(walk.uses.values())
        self._look_between(walk, seen)

    def after(self, cell: Executed, seen: Observation) -> None:
        """Look again, and note what differs."""
        before, self._before = self._before, None
        if before is None:
            return
        self._looks.forget_own()
        now = Walk(self._namespace, self._looks)
        now.start(sorted(self._wanted | before.roots.keys()))
        now.go(BUDGET)
        found = compare(before, now)
        found.opaque |= before.unreached | now.unreached
        seen.complete = not (before.cut or now.cut)
        self._look_at_others(found, before, now, seen)
        now.close()
        self._note(found, before, now, seen, cell)

    def _look_between(self, walk: Walk, seen: Observation) -> None:
        """Note which variables of the cell are not what the cell before has left."""
        known, knows = self._known, self._knows
        self._knows = True
        if not (seen.follows and knows):
            known.update(walk, self._values)
            return
        if known.values != self._values:
            names = known.values.keys() | self._values.keys()
            seen.between |= {n for n in names if known.values.get(n) != self._values.get(n)}
        changed = known.changed_since(walk)
        if changed or seen.between:
            known.update(walk, self._values)
            seen.between |= known.holders(changed)

    def _look_at_others(self, found: Compared, before: Walk, now: Walk, seen: Observation) -> None:
        """Look at what the cell does not name: what is new, and what may hold something changed."""
        known, values = self._known, _values(self._namespace)
        others = {name for name, value in values.items() if known.values.get(name) != value}
        others |= known.names_not_looked_at(values)
        if changes := bool(found.changed or found.gone):
            others |= known.holders(found.gone) | known.holders(known.unreached)
        now.follows = False
        now.start(others)
        now.go(BUDGET)
        gone, found.gone = found.gone, set()
        found.look_at(gone, before, now)
        known.update(now, values)
        if changes:
            found.opaque |= known.unreached
            sharing = known.sharing(found.changed)
            found.changed |= sharing
            now.start(known.holders(sharing - now.marks.keys()))  # they are known as they were
            now.go(BUDGET)
            known.update(now, values)
            seen.complete &= not now.cut

    def _note(
        self, found: Compared, before: Walk, now: Walk, seen: Observation, cell: Executed
    ) -> None:
        was, values = self._values, self._known.values
        seen.bound |= {name for name, value in values.items() if was.get(name) != value}
        seen.deleted |= was.keys() - values.keys()
        if _shown(self._namespace) > self._shown:
            seen.bound |= {"_", "Out", "_oh", f"_{cell.number}"}
        changed = self._known.holders(found.changed)
        unproven = self._known.holders(found.opaque)
        seen.changed |= changed - (seen.bound - was.keys())
        seen.regrouped |= self._known.holders(found.regrouped)
        seen.unproven |= unproven - changed
        seen.reads |= self._reads(cell, before, now)

    def _reads(self, cell: Executed, before: Walk, now: Walk) -> set[str]:
        """Return the names of the cell, and those that the functions it reaches use."""
        found = set(cell.names.used | cell.names.changes | self._in_texts)
        if self._code.names & _ANY:
            found |= self._values.keys()
        for walk in (before, now):
            found = _with_functions(walk, found)
        found -= {"open", "exit", "quit", "get_ipython"}
        return {name for name in found if name in self._namespace or name in self._values}


def _with_functions(walk: Walk, names: set[str]) -> set[str]:
    """Return names, and those that the functions use that they reach."""
    found = set(names)
    if not walk.uses:
        return found
    waiting = [root for name in found if (root := walk.roots.get(name)) is not None]
    seen = set(waiting)
    while waiting:
        here = waiting.pop()
        inside = list(walk.marks[here].children) if here in walk.marks else []
        if here in walk.uses:
            more = walk.uses[here].names - found
            found |= more
            inside += [root for name in more if (root := walk.roots.get(name)) is not None]
        fresh = set(inside) - seen
        seen |= fresh
        waiting += fresh
    return found


def _values(namespace: Mapping[str, Any]) -> dict[str, Any]:
    """Return numbers and texts, and the addresses of what else variables are: not the shell's."""
    found: dict[str, Any] = {}
    for name, value in list(namespace.items()):
        if type(name) is str and ((name[:1] != "_" and name not in _NO_USERS) or _is_users(name)):
            kind = type(value)
            found[name] = (kind, value) if address(kind) in SIMPLE else address(value)
    return found


@lru_cache(10_000)
def _is_users(name: str) -> bool:
    return name not in _NO_USERS and not _SHELL.fullmatch(name)


def _shown(namespace: Mapping[str, Any]) -> int:
    results = namespace.get("_oh")
    return len(results) if type(results) is dict else 0
