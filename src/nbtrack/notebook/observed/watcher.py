"""Watches what a cell does to the objects that it names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from nbtrack.notebook.executed import Executed
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.observed.code_names import CodeNames, names_in_texts, names_of_cell
from nbtrack.notebook.observed.effects import Compared, compare, holders
from nbtrack.notebook.observed.kinds import address
from nbtrack.notebook.observed.marks import is_simple
from nbtrack.notebook.observed.rules import Looks
from nbtrack.notebook.observed.walk import Walk

BUDGET = 0.05
_SHELL = re.compile(
    r"_{1,3}|_i{1,3}|_(i?\d+|oh|dh|ih|sh|exit_code)|In|Out|exit|quit|open|get_ipython"
)
_GRADIENTS = frozenset({"backward", "grad", "autograd"})
_ANY = frozenset({"globals", "locals", "eval", "exec"})  # may read any variable by a text
# what writes into a tensor without its version showing it
_RAW = frozenset({"data", "numpy", "__array__", "from_dlpack", "asarray", "from_numpy", "fused"})


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
        self._code = CodeNames()
        self._before: Walk | None = None
        self._values: dict[str, Any] = {}
        self._shown = 0
        self._wanted: frozenset[str] | set[str] = frozenset()
        self._in_texts: set[str] = set()

    @property
    def code(self) -> CodeNames:
        """What the cell that runs now names."""
        return self._code

    def before(self, cell: Executed, seen: Observation) -> None:
        """Mark what the cell reaches."""
        names = cell.names
        try:
            self._code = names_of_cell(cell.python(cell.text))
        except Exception:  # noqa: BLE001  the shell says what is wrong with the cell
            self._code = CodeNames()
        self._looks.forget_own()
        self._looks.versions_may_lie = bool(_RAW & self._code.words)
        self._looks.follows_gradients = bool(_GRADIENTS & self._code.words)
        wanted = self._code.names | names.used | names.changes | names.touched
        if self._code.names_all or names.opaque:
            wanted |= set(_users(self._namespace))
        self._wanted = wanted
        self._in_texts = names_in_texts(self._code)
        self._values = {name: _kept(self._namespace[name]) for name in _users(self._namespace)}
        self._shown = _shown(self._namespace)
        walk = Walk(self._namespace, self._looks)
        walk.start(sorted(wanted))
        walk.go(BUDGET)
        walk.close()
        self._before = walk

    def after(self, cell: Executed, seen: Observation) -> None:
        """Look again, and note what differs."""
        before, self._before = self._before, None
        if before is None:
            return
        self._looks.forget_own()
        for code in before.uses.values():
            self._code = self._code.with_other(code)
        now = Walk(self._namespace, self._looks)
        now.start(sorted(self._wanted | before.roots.keys()))
        now.go(BUDGET)
        found = compare(before, now)
        if found.changed or found.gone:
            now.follows = False
            now.skims = True
            now.wanted = found.gone
            known = set(now.marks)
            now.start(_users(self._namespace))
            now.go(BUDGET)
            found = compare(before, now)
            found.opaque = {here for here in found.opaque if here in known or here in found.gone}
        now.close()
        self._note(found, before, now, seen, cell)

    def _note(
        self, found: Compared, before: Walk, now: Walk, seen: Observation, cell: Executed
    ) -> None:
        values = {name: _kept(self._namespace[name]) for name in _users(self._namespace)}
        seen.bound |= {
            name
            for name, value in values.items()
            if name not in self._values or not _is_same(self._values[name], value)
        }
        seen.deleted |= self._values.keys() - values.keys()
        if _shown(self._namespace) > self._shown:
            seen.bound |= {"_", "Out", "_oh", f"_{cell.number}"}
        changed = holders(now, found.changed)
        unproven = holders(now, found.opaque | now.unreached | before.unreached)
        seen.changed |= changed - (seen.bound - self._values.keys())
        seen.unproven |= unproven - changed
        seen.reads |= self._reads(cell, before, now)
        seen.complete = not (before.cut or now.cut)

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


def _users(namespace: Mapping[str, Any]) -> list[str]:
    """Return the variables that are not the shell's."""
    return [
        name
        for name in list(namespace)
        if type(name) is str and not _SHELL.fullmatch(name) and not name.startswith("__")
    ]


def _kept(value: Any) -> Any:
    return ("value", value) if is_simple(value) else address(value)


def _is_same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


def _shown(namespace: Mapping[str, Any]) -> int:
    results = namespace.get("_oh")
    return len(results) if type(results) is dict else 0
