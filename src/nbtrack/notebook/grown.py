"""Lists of numbers that grew while a cell ran: ``losses.append(loss)`` is a curve."""

from __future__ import annotations

import ast
import re
from collections import OrderedDict, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from nbtrack.notebook.observed.kinds import module_of
from nbtrack.notebook.result_metrics import is_key
from nbtrack.store.search import direction_of

MIN_POINTS = 2
MAX_POINTS = 50_000
MAX_ITEMS = 50
_PLAIN = frozenset({"list", "history", "hist", "log", "logs", "curve", "values", "vals", "all"})
_NO_CURVES = re.compile(
    r"(^|_)(pred|preds|predictions?|labels?|targets?|y|x|xs|ys|true|ids?|idx|index|indices|steps?"
    r"|epochs?|iterations?|tokens?|words?|times?|lengths?|sizes?|ns?|probs?|logits?|outputs?)$"
)


def lengths(namespace: Mapping[str, Any]) -> dict[tuple[int, str], int]:
    """Return how long the lists of a namespace are, and those in its dicts."""
    return {(id(found), key): len(found) for key, found in _lists(list(namespace), namespace)}


def grown_curves(
    names: Iterable[str],
    namespace: Mapping[str, Any],
    before: Mapping[tuple[int, str], int],
    source: str,
) -> dict[str, tuple[str, list[Any]]]:
    """Return the lists of numbers that grew during a cell.

    A list that the cell has made itself counts if its code appends to it, or if it has the name
    of a metric and is no literal.

    Parameters
    ----------
    names : iterable of str
        Those that the cell used.
    namespace : mapping of str to object
    before : mapping
        What `lengths` said before the cell.
    source : str
        The cell as Python.

    Returns
    -------
    dict of str to (str, list)
        By the name of the metric, ``loss`` of ``losses``: what the list is called in the code, and
        its numbers; of a list that was there before, only those that are new.
    """
    appended, literals = _written(source)
    found: dict[str, tuple[str, list[Any]]] = {}
    seen: set[int] = set()
    for path, values in _lists(sorted(names), namespace):
        name = path.partition(".")[0]
        start = before.get((id(values), path), 0)
        called = path.rpartition(".")[2]
        says = direction_of(called) is not None
        is_new = (id(values), path) not in before
        if is_new and not (name in appended or (says and path not in literals)):
            continue
        if id(values) in seen or len(values) - start < MIN_POINTS or len(values) > MAX_POINTS:
            continue
        if not says and (
            _NO_CURVES.search(called) or not any(type(v) is float for v in values[:100])
        ):
            continue
        numbers = [_number(value) for value in values[start:]]
        key = metric_name(called)
        if any(number is None for number in numbers) or not is_key(key):
            continue
        seen.add(id(values))
        found[path if key in found else key] = (path, numbers)
    return found


def metric_name(name: str) -> str:
    """Return what one value of a list is called: ``loss`` of ``losses`` and ``loss_history``."""
    words = [word for word in name.split("_") if word]
    while len(words) > 1 and words[-1].lower() in _PLAIN:
        words.pop()
    while len(words) > 1 and words[0].lower() in _PLAIN:
        words.pop(0)
    if not words:
        return name
    last = words[-1]
    if last.endswith(("sses", "shes")):
        last = last[:-2]
    elif last.endswith("ies"):
        last = last[:-3] + "y"
    elif last.endswith("s") and not last.endswith(("ss", "us", "is")) and len(last) > 3:
        last = last[:-1]
    return "_".join([*words[:-1], last])


def _lists(names: Iterable[str], namespace: Mapping[str, Any]) -> list[tuple[str, list[Any]]]:
    """Return the lists among some variables, and in the dicts among them, by name."""
    found: list[tuple[str, list[Any]]] = []
    for name in names:
        value: Any = namespace.get(name)
        if name.startswith("_") or name in ("In", "Out"):
            continue
        if type(value) is list:
            found.append((name, value))
        elif _is_dict(value) and 0 < len(value) <= MAX_ITEMS:
            for key, item in list(value.items()):
                if type(key) is not str:
                    continue
                if type(item) is list:
                    found.append((f"{name}.{key}", item))
                elif _is_dict(item) and 0 < len(item) <= MAX_ITEMS:  # evals_result of XGBoost
                    found += [
                        (f"{name}.{key}-{inner}", each)
                        for inner, each in list(item.items())
                        if type(inner) is str and type(each) is list
                    ]
    return found


def _is_dict(value: Any) -> bool:
    kind = type(value)
    return kind is dict or kind is defaultdict or kind is OrderedDict


def _number(value: Any) -> float | None:
    kind = type(value)
    if kind is float or kind is int:
        return float(value)
    if module_of(kind) == "numpy" and getattr(value, "shape", None) == ():
        return float(value) if value.dtype.kind in "fiu" else None
    if module_of(kind) == "torch" and kind.__name__ == "Tensor" and value.dim() == 0:
        return float(value.detach())
    return None


def _written(source: str) -> tuple[set[str], set[str]]:
    """Return the names that a cell appends to, and those that it sets to a literal list."""
    appended: set[str] = set()
    literals: set[str] = set()
    given: set[str] = set()
    empty: set[str] = set()
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return appended, literals
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            if getattr(node.func, "attr", "") in ("append", "extend", "insert"):
                appended |= _base(node.func)
            arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
            given |= {argument.id for argument in arguments if isinstance(argument, ast.Name)}
        if isinstance(node, ast.AugAssign):
            appended |= _base(node.target)
        elif isinstance(node, ast.Assign):
            targets = {target.id for target in node.targets if isinstance(target, ast.Name)}
            if isinstance(node.value, ast.List) and node.value.elts:
                literals |= targets
            elif isinstance(node.value, ast.List | ast.Dict):
                empty |= targets
    # train(..., evals_result=results) fills what was made for it
    return appended | (given & empty), literals


def _base(node: ast.expr) -> set[str]:
    while isinstance(node, ast.Subscript | ast.Attribute):
        node = node.value
    return {node.id} if isinstance(node, ast.Name) else set()
