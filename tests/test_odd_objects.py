"""Objects whose methods fail disturb nothing that looks at the variables of a notebook."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from nbtrack.notebook.grown import grown_curves, lengths
from nbtrack.notebook.in_reach import estimator_params, histories, objects_of, optimizer_params
from nbtrack.notebook.literals import object_params
from nbtrack.notebook.observed.code_names import CodeNames
from nbtrack.notebook.observed.known import Known
from nbtrack.notebook.observed.rules import Looks
from nbtrack.notebook.observed.walk import Walk
from nbtrack.notebook.observed.world import World
from nbtrack.notebook.result_metrics import result_metrics
from nbtrack.notebook.seed_calls import seed_calls
from nbtrack.redaction.secrets import secrets_in_scope
from nbtrack.tracking.random_reach import generators_in_reach

ran: list[str] = []
METHODS = (
    "__getattr__", "__getattribute__", "__eq__", "__ne__", "__hash__", "__len__", "__bool__",
    "__iter__", "__next__", "__repr__", "__str__", "__contains__", "__getitem__", "__call__",
    "__float__", "__int__", "__index__", "__array__", "__reduce_ex__", "__sizeof__", "__dir__",
    "__fspath__", "__lt__", "__length_hint__", "__torch_function__", "get_params", "startswith",
    "keys", "items", "values",
)  # fmt: skip
PROPERTIES = (
    "__class__", "__dict__", "__module__", "__name__", "__mro__", "__doc__", "shape", "dtype",
    "param_groups", "history", "state", "__array_interface__", "__dataclass_fields__",
)  # fmt: skip


def fails(name: str) -> Any:
    def call(*_arguments: Any, **_named: Any) -> Any:
        ran.append(name)
        raise RuntimeError(name)

    return call


METHODS_THAT_FAIL = {name: fails(name) for name in METHODS}
ATTRIBUTES_THAT_FAIL = {name: property(fails(name)) for name in PROPERTIES}
OF_CLASS = {k: v for k, v in METHODS_THAT_FAIL.items() if k not in ("__call__", "__getattribute__")}
Meta: Any = type("Meta", (type,), OF_CLASS | ATTRIBUTES_THAT_FAIL)


def odd(base: type = object) -> Any:
    """Return a class of which everything fails, and so does all of its own class."""
    own = METHODS_THAT_FAIL | {k: v for k, v in ATTRIBUTES_THAT_FAIL.items() if k != "__mro__"}
    return type.__call__(Meta, "Odd", (base,), own)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    thing, listed, text = odd(), odd(list), odd(str)
    found: dict[Any, Any] = {
        "losses": list.__new__(listed), "one": object.__new__(thing), "kind": thing,
        "key": str.__new__(text, "abc"), "cfg": {"a": object.__new__(thing), "lr": 0.1},
        "loss": [1.0],
    }  # fmt: skip
    found["held"] = [found["one"], (found["losses"], found["key"])]
    found[3] = found["one"]
    monkeypatch.setitem(sys.modules, "odd", type(sys)("odd"))
    ran.clear()
    return found


def test_nothing_of_them_runs(variables: dict[str, Any]) -> None:
    walk = Walk(variables, Looks(variables))
    walk.start(list(variables))
    walk.go(5)
    known = Known()
    known.update(walk, {})
    assert known.changed_since(walk) == set()
    World().changes(World(), CodeNames(), variables)
    assert generators_in_reach(variables) == []
    assert secrets_in_scope(variables) == set()
    assert seed_calls("one, losses", variables).seeds is False
    before = lengths({name: value for name, value in variables.items() if type(name) is str})
    assert ("loss" in {key for _, key in before}, ran) == (True, [])


def test_params_and_metrics_of_others_are_found(variables: dict[str, Any]) -> None:
    before = lengths({"loss": variables["loss"]})
    variables["loss"] += [0.5, 0.25]
    names = [name for name in variables if type(name) is str]
    objects = objects_of(names, variables, "")
    assert list(grown_curves(names, variables, before, "loss.append(1)")) == ["loss"]
    assert not [*optimizer_params(objects), *estimator_params(objects), *histories(objects)]
    assert object_params(names, variables) == {}
    assert result_metrics(variables["one"], "one") == {}
    assert result_metrics({"loss": 0.5, "other": variables["one"]}, "found") == {"loss": 0.5}
