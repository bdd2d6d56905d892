"""What the last expression of a cell gives as metrics, and how they are called."""

from __future__ import annotations

import ast
import numbers
from typing import Any

from nbtrack.errors import NbtrackError
from nbtrack.notebook.names import inner_cell
from nbtrack.notebook.observed.kinds import module_of
from nbtrack.store.search import direction_of
from nbtrack.validation import check_key, metric_value

UNNAMED = "result"
_THROUGH = frozenset({
    "item", "mean", "numpy", "cpu", "detach", "tolist", "sum", "float", "round", "int", "abs",
    "array", "asarray", "squeeze", "max", "min", "compute", "result", "last", "get",
})  # fmt: skip


def result_metrics(result: Any, source: str) -> dict[str, float]:
    """Return what the last expression of a cell gives as metrics.

    Parameters
    ----------
    result : object
        A number, an array of one number, a tuple of numbers, or a dict with numbers among its
        values.
    source : str
        The cell as Python: a number is called as the expression, or ``result``.
    """
    last = last_expression(source)
    if issubclass(type(result), dict):
        pairs = [(str(key), value) for key, value in dict.items(result)]
    elif issubclass(type(result), tuple):
        parts = last.elts if isinstance(last, ast.Tuple) else []
        names = [name_of(part) for part in parts]
        pairs = list(zip(names, result, strict=False)) if len(names) == len(result) else []
        pairs = [(name, value) for name, value in pairs if name != UNNAMED]
    else:
        pairs = [(name_of(last), result)]
    return {k: metric_value(k, v) for k, v in pairs if is_number(v) and is_key(k)}


def printed_result(source: str, printed: str) -> dict[str, float]:
    """Return the numbers that stand alone in the last line of the output, by the code's names.

    Parameters
    ----------
    source : str
        The cell as Python; its last statement must be ``print(acc, f1)``, with names of metrics.
    printed : str
        What it has printed.
    """
    call = last_expression(source)
    if not isinstance(call, ast.Call) or getattr(call.func, "id", "") != "print":
        return {}
    names = [name_of(_formatted(argument)) for argument in call.args]
    words = (printed.rstrip().splitlines() or [""])[-1].split()
    if len(words) != len(names) or not all(map(direction_of, names)):
        return {}
    try:
        return dict(zip(names, map(float, words), strict=True))
    except ValueError:  # they are more than numbers
        return {}


def _formatted(node: ast.expr) -> ast.expr:
    """Return what ``f"{acc:.3f}"`` formats."""
    if isinstance(node, ast.JoinedStr) and len(node.values) == 1:
        (part,) = node.values
        return part.value if isinstance(part, ast.FormattedValue) else node
    return node


def is_number(value: Any) -> bool:
    """Return whether a value is a number, or an array of one number."""
    if issubclass(type(value), bool):
        return False
    try:
        if isinstance(value, numbers.Real):
            return True
    except Exception:  # noqa: BLE001  an object may answer with any error; it is no number then
        return False
    module = module_of(type(value)).partition(".")[0]
    return module in ("numpy", "torch", "tensorflow", "jax", "jaxlib") and (
        getattr(value, "shape", None) == () and "bool" not in str(getattr(value, "dtype", "bool"))
    )


def is_key(key: str) -> bool:
    """Return whether a metric may have this name."""
    try:
        check_key(key)
    except NbtrackError:
        return False
    return True


def last_expression(source: str) -> ast.expr | None:
    """Return the expression that a cell ends with."""
    try:
        body = ast.parse(inner_cell(source)).body
    except (SyntaxError, ValueError):
        return None
    return body[-1].value if body and isinstance(body[-1], ast.Expr) else None


def name_of(node: ast.expr | None) -> str:
    """Return what to call the value of an expression.

    ``acc`` and ``run.acc`` by their names, ``round(acc, 3)`` and ``losses.mean()`` by what they
    are about, ``history["loss"][-1]`` by its key, ``accuracy_score(y, p)`` by the function where
    that has the name of a metric.
    """
    while node is not None:
        if isinstance(node, ast.Name):
            return node.id
        if isinstance(node, ast.Attribute):
            return node.attr
        if isinstance(node, ast.Subscript):
            key = node.slice
            if isinstance(key, ast.Constant) and isinstance(key.value, str):
                return key.value
            node = node.value
        elif isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            if len(name) > 2 and direction_of(name) is not None:
                return str(name)
            if name not in _THROUGH:
                return UNNAMED
            method = isinstance(node.func, ast.Attribute) and not _is_module(node.func.value)
            node = node.func.value if method else next(iter(node.args), None)  # type: ignore[attr-defined]
        else:
            return UNNAMED
    return UNNAMED


def _is_module(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in ("np", "numpy", "torch", "math", "jnp", "tf")
