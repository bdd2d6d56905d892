"""What a model of Keras has of the user's own, and how it is loaded where that is not."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FunctionType, ModuleType
from typing import Any

from nbtrack.models.objects.references import is_own
from nbtrack.models.requirements import framework

_COMPILED = ("optimizer", "_compile_loss", "_compile_metrics")
_CHECKED_PARAMETERS = 50_000_000


def own_parts(model: Any) -> dict[str, Any]:
    """Return the classes and functions of a model that no installed package has, by name.

    Those of its layers, of what they hold (activations, initializers, regularizers, ...) and of
    what it was compiled with: loss, metrics, optimizer and schedule.
    """
    keras = framework("keras")
    found: dict[str, Any] = {}
    seen: set[int] = set()
    compiled = [getattr(model, name, None) for name in _COMPILED] if model.compiled else []
    waiting: list[Any] = [model, *model._flatten_layers(), *compiled]
    while waiting:
        value = waiting.pop()
        if id(value) in seen or isinstance(value, keras.Variable | str | bytes | type):
            continue
        seen.add(id(value))
        kind = type(value)
        if isinstance(value, FunctionType):
            if is_own(value.__module__) and value.__name__.isidentifier():
                found.setdefault(keras.saving.get_registered_name(value), value)
        elif isinstance(value, Mapping):
            waiting += value.values()
        elif isinstance(value, list | tuple | set):
            waiting += value
        else:
            if is_own(kind.__module__):
                found.setdefault(keras.saving.get_registered_name(kind), kind)
            if is_own(kind.__module__) or kind.__module__.startswith("keras."):
                waiting += getattr(value, "__dict__", {}).values()
    return found


def can_be_checked(model: Any, parts: Mapping[str, Any]) -> bool:
    """Return whether a model can be loaded here as in a process without its notebook.

    Not if it is large, or has parts from modules beside the notebook, which would be run again.
    """
    homes = {getattr(part, "__module__", None) for part in parts.values()}
    small = not model.built or model.count_params() < _CHECKED_PARAMETERS
    return small and homes <= {"__main__"}


@contextmanager
def same_registry() -> Iterator[None]:
    """Leave the classes that are registered with Keras as they are."""
    from keras.src.saving import object_registration as registry

    known = (registry.GLOBAL_CUSTOM_OBJECTS, registry.GLOBAL_CUSTOM_NAMES)
    kept = [dict(one) for one in known]
    try:
        yield
    finally:
        for one, before in zip(known, kept, strict=True):
            one.clear()
            one.update(before)


@contextmanager
def without_notebook() -> Iterator[None]:
    """Load as a process does that has neither the notebook's names nor what it has registered."""
    from keras.src.saving import object_registration as registry

    main = sys.modules["__main__"]
    with same_registry():
        registry.GLOBAL_CUSTOM_OBJECTS.clear()
        registry.GLOBAL_CUSTOM_NAMES.clear()
        sys.modules["__main__"] = ModuleType("__main__")
        try:
            yield
        finally:
            sys.modules["__main__"] = main
