"""What objects that a cell used say about its run: optimizers, estimators, Keras histories.

They are known by their classes, and nothing of them is called but ``get_params`` of scikit-learn's
estimators.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from nbtrack.notebook.literals import MAX_ITEMS, is_param_name, leaf_params
from nbtrack.notebook.observed.kinds import MRO, module_of, name_of
from nbtrack.tracking.random_reach import attributes_of

_FLAGS = frozenset({"foreach", "capturable", "differentiable", "fused", "maximize"})
_NO_SETTINGS = frozenset({"params", "param_names", "initial_lr", "decoupled_weight_decay"})


def objects_of(names: Iterable[str], namespace: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return the variables that a cell used, but for those of its loops: they are only the last."""
    loops = _loop_variables(source)
    return {
        name: namespace[name]
        for name in sorted(names)
        if name in namespace and name not in loops and is_param_name(name)
    }


def optimizer_params(objects: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the param groups of PyTorch's optimizers, each with the name of its variable.

    The learning rate is that of the start, where a scheduler has changed it since.
    """
    for name, value in objects.items():
        if not _is_a(value, "torch.optim", "Optimizer"):
            continue
        groups = [group for group in value.param_groups if type(group) is dict]
        many = len(groups) > 1
        found: dict[str, Any] = {name: type(value).__name__}
        for number, group in enumerate(groups):
            for key, item in group.items():
                if key in _NO_SETTINGS or (key in _FLAGS and not item) or item is None:
                    continue
                item = group.get("initial_lr", item) if key == "lr" else item
                alike = many and all(_same(other.get(key), group.get(key)) for other in groups)
                if alike or not many:
                    found |= leaf_params(f"{name}.{key}", _plain(item))
                else:
                    found |= leaf_params(f"{name}.{number}.{key}", _plain(item))
        yield name, dict(list(found.items())[:MAX_ITEMS])


def estimator_params(objects: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield what ``get_params`` says of scikit-learn's estimators, each with its variable."""
    for name, value in objects.items():
        if issubclass(type(value), type) or not _is_a(value, "sklearn.base", "BaseEstimator"):
            continue
        found: dict[str, Any] = {name: type(value).__name__}
        for key, item in value.get_params().items():
            found |= leaf_params(f"{name}.{key}", item)
        yield name, dict(list(found.items())[:MAX_ITEMS])


def histories(objects: Mapping[str, Any], result: Any = None) -> Iterator[tuple[str, Any]]:
    """Yield Keras's ``History`` objects: of variables, of models, and what a cell returned."""
    seen: set[int] = set()
    candidates = [*objects.items(), ("history", result)]
    # a model keeps the history of its last fit
    candidates += [
        (name, attributes_of(v).get("history")) for name, v in objects.items() if _is_keras(v)
    ]
    for name, value in candidates:
        if _is_keras(value) and _is_a(value, "", "History") and id(value) not in seen:
            seen.add(id(value))
            yield name, value


def history_length(history: Any) -> int:
    """Return how many epochs a ``History`` has."""
    epochs = attributes_of(history).get("epoch")
    return len(epochs) if type(epochs) is list else 0


def history_curves(history: Any) -> tuple[list[int], dict[str, list[Any]]]:
    """Return the epochs of a ``History``, counted from 1, and what it has of each."""
    facts = attributes_of(history)
    epochs, curves = facts.get("epoch"), facts.get("history")
    if type(epochs) is not list or type(curves) is not dict:
        return [], {}
    steps = [int(epoch) + 1 for epoch in epochs]
    return steps, {
        str(key): list(values)
        for key, values in curves.items()
        if isinstance(values, list) and len(values) == len(steps)
    }


def history_epochs(history: Any) -> dict[str, Any]:
    """Return how many epochs a ``History`` was asked for, as a param."""
    asked = attributes_of(history).get("params")
    epochs = asked.get("epochs") if type(asked) is dict else None
    return {"epochs": epochs} if type(epochs) is int else {}


def _is_a(value: Any, module: str, name: str) -> bool:
    return any(
        name_of(kind) == name and module_of(kind).startswith(module)
        for kind in MRO.__get__(type(value))
    )


def _is_keras(value: Any) -> bool:
    modules = (module_of(kind).partition(".")[0] for kind in MRO.__get__(type(value)))
    return any(module in ("keras", "tf_keras", "tensorflow") for module in modules)


def _plain(value: Any) -> Any:
    """Return a learning rate that is a tensor as its number."""
    if module_of(type(value)) == "torch" and type(value).__name__ == "Tensor" and value.dim() == 0:
        return float(value.detach())
    return value


def _same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and isinstance(one, float | int | str | tuple) and one == other


def _loop_variables(source: str) -> set[str]:
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return set()
    loops = [node.target for node in ast.walk(tree) if isinstance(node, ast.For | ast.AsyncFor)]
    return {part.id for loop in loops for part in ast.walk(loop) if isinstance(part, ast.Name)}
