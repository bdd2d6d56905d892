"""What a grid varies, which combinations it runs, and the cell with other values in its places."""

from __future__ import annotations

import ast
from argparse import Namespace
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from IPython.core.error import UsageError

from nbtrack.errors import InvalidParameterError, MissingDependencyError
from nbtrack.notebook.grid_changes import changed_names, states_of
from nbtrack.notebook.grid_literals import grid_cell, set_outside
from nbtrack.notebook.names import names_of
from nbtrack.notebook.options import parse_options
from nbtrack.tracking.grid_samplers import OptunaSampler, ProductSampler, RandomSampler
from nbtrack.tracking.grid_values import Range, combination_name, parse_values


@dataclass
class Config:
    lr: float = 0.5
    width: int = 8


@pytest.mark.parametrize(
    ("text", "name", "values"),
    [
        ("lr=1e-3,1e-4", "lr", [1e-3, 1e-4]),
        ("seed=0..4", "seed", [0, 1, 2, 3, 4]),
        ("n=0..10..5,64", "n", [0, 5, 10, 64]),
        ("n=3..1", "n", [3, 2, 1]),
        ("hidden=(64,64),(128,)", "hidden", [(64, 64), (128,)]),
        ("opt=adam,sgd", "opt", ["adam", "sgd"]),
        ("flag=True,None,'a,b'", "flag", [True, None, "a,b"]),
        ("cfg.lr=1,1.0,1", "cfg.lr", [1, 1.0]),
        ("lr=log(1e-5,1e-1)", "lr", Range("log", 1e-5, 0.1)),
        ("n=int(1, 8)", "n", Range("int", 1, 8)),
    ],
)
def test_values_are_literals_else_texts(text: str, name: str, values: Any) -> None:
    found = parse_values(text)
    assert found == (name, values)
    assert (
        list(map(type, found[1])) == list(map(type, values)) if isinstance(values, list) else True
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr", "name=value"),
        ("=1", "name=value"),
        ("2lr=1", "name=value"),
        ("n=0..4..-1", "never arrives"),
        ("n=0..99999999", "more than 10,000"),
        ("lr=log(0,1)", "more than 0"),
        ("lr=uniform(2,1)", "smaller number second"),
        ("n=int(0.5,2)", "no whole numbers"),
        ("lr=log(1)", "two numbers"),
    ],
)
def test_values_that_cannot_be_read_are_explained(text: str, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse_values(text)


def test_options_of_a_grid() -> None:
    options = parse_options("a --grid lr=1,2 --grid=seed=0..1 --sampler random --trials 9 --seed 0")
    assert options.grid == {"lr": [1, 2], "seed": [0, 1]}
    assert (options.name, options.sampler, options.trials, options.seed) == ("a", "random", 9, 0)
    with pytest.raises(UsageError, match="say what varies"):
        parse_options("--trials 3")
    with pytest.raises(UsageError, match="lr is given twice"):
        parse_options("--grid lr=1 --grid lr=2")


def asked(sampler: Any) -> list[dict[str, Any]]:
    found = []
    while (each := sampler.ask()) is not None:
        found.append(each[1])
        sampler.tell(each[0], each[1].get("lr"))
    return found


def test_a_grid_is_the_product_and_needs_values() -> None:
    combinations = asked(ProductSampler({"a": [1, 2], "b": ["x", "y"]}))
    assert combinations == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]
    assert combination_name(combinations[1], ["a", "b"]) == "a=1 b=y"
    with pytest.raises(InvalidParameterError, match=r"lr=log\(0.1,1\) is a range"):
        ProductSampler({"lr": Range("log", 0.1, 1)})


def test_random_combinations_are_those_of_their_seed_and_within_the_ranges() -> None:
    space = {"lr": Range("log", 1e-4, 1), "n": Range("int", 1, 3), "opt": ["a", "b"]}
    one = asked(RandomSampler(space, 40, seed=1))
    assert one == asked(RandomSampler(space, 40, seed=1))
    assert one != asked(RandomSampler(space, 40, seed=2))
    assert {each["n"] for each in one} == {1, 2, 3}
    assert sum(each["lr"] < 1e-2 for each in one) in range(10, 31)  # even in the logarithm
    assert all(1e-4 <= each["lr"] <= 1 for each in one)


def test_optuna_is_told_and_learns() -> None:
    pytest.importorskip("optuna")
    sampler = OptunaSampler({"lr": Range("log", 1e-4, 1), "net": [(8,), (16,)]}, 20, 0, "min")
    combinations = asked(sampler)
    assert len(sampler.study.trials) == 20
    assert sampler.study.best_value == min(each["lr"] for each in combinations)
    early, late = combinations[:10], combinations[10:]
    assert max(c["lr"] for c in late) < max(c["lr"] for c in early)
    assert all(c["net"] in [(8,), (16,)] for c in combinations)


def test_without_optuna_it_is_said_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(MissingDependencyError, match="pip install optuna"):
        OptunaSampler({"lr": [1]}, 1, None, "min")


def run_with(source: str, values: Mapping[str, Any], namespace: dict[str, Any]) -> dict[str, Any]:
    names = names_of(source)
    used = names.reads | names.used
    cell = grid_cell(ast.parse(source).body, list(values), used, namespace)
    for name in cell.outside:
        set_outside(namespace, name, values[name])
    exec(compile(cell.with_values(values), "cell", "exec"), namespace)
    return namespace


@pytest.mark.parametrize(
    ("source", "values", "found"),
    [
        ("lr = 1e-2\nr = lr", {"lr": 5}, 5),
        ("lr: float = -1\nr = lr", {"lr": 5}, 5),
        ("n, lr = 64, 2 * 3\nr = (n, lr)", {"lr": 5}, (64, 5)),
        ("lr = 1\nlr *= 2\nr = lr", {"lr": 5}, 10),
        ("cfg = dict(lr=1, opt={'b': 2})\nr = cfg", {"cfg.opt.b": 5}, {"lr": 1, "opt": {"b": 5}}),
        ("cfg = Config(lr=1)\nr = cfg", {"cfg.lr": 5}, Config(lr=5)),
        ("cfg = Config(lr=1)\nr = cfg", {"cfg.width": 5}, Config(lr=1, width=5)),
        ("args = Namespace(lr=1)\nr = args.lr", {"args.lr": 5}, 5),
        ("class CFG:\n    lr = 1\nr = CFG.lr", {"CFG.lr": 5}, 5),
        ("r = warm * 2", {"warm": 5}, 10),
        ("r = old.lr", {"old.lr": 5}, 5),
        ("hidden = [1]\nr = hidden", {"hidden": [2, 3]}, [2, 3]),
    ],
)
def test_values_stand_in_the_place_of_literals(source: str, values: Any, found: Any) -> None:
    old = Config(lr=3)
    space = {"Config": Config, "Namespace": Namespace, "warm": 3, "old": old}
    assert run_with(source, values, space)["r"] == found
    assert old.lr == 3


@pytest.mark.parametrize(
    ("source", "name", "message"),
    [
        ("lr = warm * 2", "lr", r"computes lr in line 1 \(warm \* 2\)"),
        ("lr = 1\nlr = 2", "lr", "in lines 1, 2"),
        ("for lr in [1, 2]: pass", "lr", r"inside a block .* in line 1"),
        ("(lr, b), c = f", "lr", "unpacked in line 1"),
        ("rate = 1", "rte", "no rte, in the cell or before it. Did you mean rate?"),
        ("x = 1", "warm", "does not use warm"),
        ("cfg = dict(lr=1)", "cfg.lrs", "Did you mean lr?"),
        ("cfg = 3", "cfg.lr", "takes a dict or a call with keywords"),
        ("r = old", "old.with", "old has no with. Did you mean width?"),
        ("def lr(): pass", "lr", "function or class in line 1"),
    ],
)
def test_what_cannot_be_replaced_is_refused(source: str, name: str, message: str) -> None:
    with pytest.raises(UsageError, match=message.replace("?", r"\?")):
        run_with(source, {name: 5}, {"warm": 3, "old": Config(), "f": None})


def test_lines_stay_those_of_the_cell() -> None:
    source = "hidden = [\n  1,\n  2,\n]\n1 / 0"
    with pytest.raises(ZeroDivisionError) as caught:
        run_with(source, {"hidden": [1, 2, 3]}, {})
    assert caught.traceback[-1].lineno + 1 == 5


def test_objects_that_a_run_has_changed_are_found() -> None:
    space: dict[str, Any] = {"losses": [], "table": {}, "same": [1], "n": 3}
    before = states_of(space, space)
    space["losses"].append(1)
    space["table"] = {"a": 1}  # another object: the next run begins with it as it was
    assert changed_names(before, space) == ["losses"]
