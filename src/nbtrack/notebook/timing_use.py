"""Whether code computes with the time of day, or takes results as they are completed.

How long something took is nobody's result, and is not compared. What is looked for is a value that
another day or another machine changes: ``datetime.now().year - born``, a loop that ends after a
minute, ``[f.result() for f in as_completed(futures)]``. Seeds are left out: what is drawn with them
is kept with the run.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from typing import Literal

_CLOCKS = frozenset({
    "time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns",
    "process_time", "thread_time", "default_timer",
})  # fmt: skip
_DATES = frozenset({"now", "utcnow", "today"})
_OF = frozenset({"time", "timeit", "datetime", "date", "dt", "Timestamp", "pd", "pandas"})
_SAME = frozenset({"int", "float", "round", "abs"})
_TEXTS = frozenset({"strftime", "isoformat", "ctime", "format", "replace"})
_BY_COMPLETION = frozenset({"as_completed", "imap_unordered"})
_KEEPS = frozenset({"append", "extend", "put", "write", "appendleft"})
_Time = Literal["clock", "date", "length", ""]
_MOMENTS: frozenset[_Time] = frozenset({"clock", "date"})


def computes_with_clock(sources: Iterable[str]) -> bool:
    """Return whether cells compute with the time of day, or do as much as there is time for.

    Parameters
    ----------
    sources : iterable of str
        Python, in the order in which it ran.
    """
    reader = _Clock()
    for tree in _parsed(sources):
        reader.visit(tree)
    return reader.found


def takes_completion_order(sources: Iterable[str]) -> bool:
    """Return whether cells keep results in the order in which they were completed.

    Parameters
    ----------
    sources : iterable of str
        Python.
    """
    return any(_keeps_order(node) for tree in _parsed(sources) for node in ast.walk(tree))


def _parsed(sources: Iterable[str]) -> Iterable[ast.Module]:
    for source in sources:
        try:
            yield ast.parse(source)
        except (SyntaxError, ValueError, RecursionError):
            continue


def _keeps_order(node: ast.AST) -> bool:
    match node:
        case ast.For() if _by_completion(node.iter):
            calls = (each.func for each in ast.walk(node) if isinstance(each, ast.Call))
            return any(isinstance(each, ast.Attribute) and each.attr in _KEEPS for each in calls)
        case ast.ListComp(generators=[first, *_]):
            return _by_completion(first.iter)
        case ast.Call(func=ast.Name("list"), args=[first]):
            return _by_completion(first)
    return False


def _by_completion(node: ast.expr) -> bool:
    """Return whether something yields results as they come: in ``tqdm(...)``, too."""
    names = {getattr(each, "id", getattr(each, "attr", "")) for each in ast.walk(node)}
    sorts = isinstance(node, ast.Call) and getattr(node.func, "id", "") == "sorted"
    return bool(names & _BY_COMPLETION) and not sorts


class _Clock(ast.NodeVisitor):
    """Goes through code; remembers which names are moments, or lengths of time."""

    def __init__(self) -> None:
        self.found = False
        self._times: dict[str, _Time] = {}

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Do nothing: it is a text for people, or the name of a file."""

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "attr", getattr(node.func, "id", ""))
        if not _is_seed(name):
            self.generic_visit(node)

    def visit_Assign(self, node: ast.Assign) -> None:
        if any(map(_is_seed, map(_name, node.targets))):
            return
        self.generic_visit(node)
        for target in node.targets:
            self._bind(target, self._time_of(node.value))

    def visit_AugAssign(self, node: ast.AugAssign) -> None:
        self.generic_visit(node)
        if self._time_of(node.value):
            self._bind(node.target, "length")

    def visit_While(self, node: ast.While) -> None:
        self._end(node.test)
        self.generic_visit(node)

    def visit_If(self, node: ast.If) -> None:
        if any(isinstance(each, ast.Break | ast.Return) for each in node.body):
            self._end(node.test)
        self.generic_visit(node)

    def visit_BinOp(self, node: ast.BinOp) -> None:
        times = [self._time_of(each) for each in (node.left, node.right)]
        formats = isinstance(getattr(node.left, "value", None), str)  # "at %s" % datetime.now()
        self.found |= bool(_MOMENTS & set(times)) and not formats and not self._time_of(node)
        self.generic_visit(node)

    def _bind(self, target: ast.expr, time: _Time) -> None:
        name = _name(target)
        if name and time:
            self._times[name] = time
        elif name:
            self._times.pop(name, None)

    def _end(self, test: ast.expr) -> None:
        """Note that the time decides how often something is done."""
        for each in ast.walk(test):
            if isinstance(each, ast.Compare):
                self.found |= any(self._time_of(part) for part in [each.left, *each.comparators])

    def _time_of(self, node: ast.expr) -> _Time:
        """Return what an expression is of time: a moment, how long something took, or nothing."""
        match node:
            case ast.Name() | ast.Attribute() if (name := _name(node)) in self._times:
                return self._times[name]
            case ast.Attribute(value=value):
                return self._time_of(value)
            case ast.Call(func=ast.Name(id=name), args=[first, *_]) if name in _SAME:
                return self._time_of(first)
            case ast.Call(func=called, args=arguments):
                if read := _reads_clock(called, arguments):
                    return read
                is_value = isinstance(called, ast.Attribute) and called.attr not in _TEXTS
                return self._time_of(called) if is_value else ""
            case ast.BinOp(op=ast.Mod()):
                return ""
            case ast.BinOp(left=left, right=right):
                times = (self._time_of(left), self._time_of(right))
                if isinstance(node.op, ast.Sub) and _is_length(times, right):
                    return "length"
                moments = [each for each in times if each in _MOMENTS]
                if not moments:
                    return "length" if "length" in times else ""
                shifted = "length" in times or isinstance(left, ast.Constant)
                return moments[0] if shifted or isinstance(right, ast.Constant) else ""
        return ""


def _is_length(times: tuple[_Time, _Time], right: ast.expr) -> bool:
    """Return whether a difference is how long something took: ``begin`` may be an argument."""
    unknown = not times[1] and isinstance(right, ast.Name | ast.Attribute)
    return times[0] in _MOMENTS and (times[1] in _MOMENTS or (times[0] == "clock" and unknown))


def _is_seed(name: str) -> bool:
    return "seed" in name.lower() or name in ("default_rng", "RandomState", "Random")


def _name(node: ast.expr) -> str:
    """Return ``a`` or ``self.a`` as a text."""
    return ast.unparse(node) if isinstance(node, ast.Name | ast.Attribute) else ""


def _reads_clock(called: ast.expr, arguments: Sequence[ast.expr]) -> _Time:
    match called:
        case ast.Attribute(attr=attr, value=ast.Name(id=name) | ast.Attribute(attr=name)):
            if name in _OF and attr in _DATES:
                return "date"
            return "clock" if name in _OF and attr in _CLOCKS else ""
        case ast.Name(id=name) if name in _CLOCKS and not arguments:
            return "clock"
    return ""
