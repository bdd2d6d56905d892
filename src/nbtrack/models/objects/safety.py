"""What thawing would run: only what is known to be harmless does so without consent."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

# modules whose classes keep data and compute, and do nothing when an object of them is made
_CLASSES = (
    "torch.nn.", "torch.ao.nn.", "torchvision.models.", "torchvision.ops.", "torch.optim.",
)  # fmt: skip
_FUNCTIONS = ("torch.nn.functional", "torch._C._nn", "torch.special", "torch.linalg", "math")
_EXACT = {
    ("torch", name)
    for name in (
        "Size", "relu", "tanh", "sigmoid", "softmax", "exp", "log", "sin", "cos", "sqrt", "abs",
        "add", "mul", "sub", "div", "matmul", "cat", "stack", "sum", "mean", "max", "min", "square",
    )
} | {
    ("builtins", name)
    for name in (
        "int", "float", "complex", "bool", "str", "bytes", "list", "tuple", "dict", "set",
        "frozenset", "slice", "range", "object", "abs", "min", "max", "sum", "round", "len",
    )
} | {
    ("collections", "OrderedDict"), ("collections", "defaultdict"), ("collections", "Counter"),
    ("collections", "deque"), ("functools", "partial"), ("datetime", "datetime"),
    ("datetime", "date"), ("datetime", "timedelta"), ("datetime", "timezone"),
    ("decimal", "Decimal"), ("fractions", "Fraction"), ("pathlib", "PurePosixPath"),
    ("uuid", "UUID"), ("numpy", "dtype"),
}  # fmt: skip


def code_in(tree: dict[str, Any]) -> list[str]:
    """Return what thawing a tree would run that is not known to be harmless.

    Returns
    -------
    list of str
        Source files by their path, and installed functions and classes by their full names.
    """
    files = [record["path"] for record in tree["files"].values()]
    names = {
        f"{node['module']}.{node['name']}" if "name" in node else node["module"]
        for node in nodes(tree)
        if node["~"] in ("global", "module") and not _is_harmless(node)
    }
    return [*files, *sorted(names)]


def nodes(tree: Any) -> Iterator[dict[str, Any]]:
    """Yield every tagged node below a tree, in the order in which it was frozen."""
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "~" in found:
                yield found
            waiting += reversed(found.values())
        elif isinstance(found, list):
            waiting += reversed(found)


def _is_harmless(node: dict[str, Any]) -> bool:
    module, name = str(node["module"]), str(node.get("name", ""))
    if node["~"] == "module":
        return module in _FUNCTIONS or module in ("torch", "torch.nn", "numpy")
    if "." in name:
        return False
    if (module, name) in _EXACT or (module in _FUNCTIONS and not name.startswith("_")):
        return True
    return name.lstrip("_")[:1].isupper() and f"{module}.".startswith(_CLASSES)
