"""Classes and functions that a function has made, with the local names they were made from."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import deserialize, serialize
from programs import run

MODULE = """
def imported():
    import collections, json as text
    from dataclasses import dataclass, field as made
    @dataclass
    class Bag(collections.OrderedDict):
        size: int = 3
        items_seen: list = made(default_factory=list)
        def shown(self):
            return text.dumps([self.size, self.items_seen])
    return Bag()

def derived(scale):
    class Base:
        def scaled(self, x):
            return x * scale
    class Own(Base):
        def twice(self, x):
            return 2 * self.scaled(x)
    return Own()

def annotated():
    from decimal import Decimal
    def half(x: Decimal) -> Decimal:
        return x / 2
    return half

def typed():
    from dataclasses import dataclass
    @dataclass
    class Message:
        text: str
        to: str = "all"
    class Echo:
        def predict(self, messages: list[Message], default: Message = None) -> dict[str, Message]:
            return {message.to: message.text for message in messages}
    return Echo(), Message("x")

def bare():
    class Marker:
        kind = "bare"
    return Marker()

def chosen(name):
    import collections
    base = getattr(collections, name)
    class Own(base):
        def first(self):
            return self.data[:1]
    class Other(collections.UserDict):
        kind = base.__name__
        def shown(self):
            return self.kind
    return Own(), Other()
"""
SAVE = """
import json, sys, made_inside as made
from nbtrack.models.objects import serialize
own, other = made.chosen("UserList")
saved = {"bag": made.imported(), "own": made.derived(5), "half": made.annotated(), "list": own}
saved |= {"bare": made.bare(), "typed": made.typed()}
for name, value in saved.items():
    serialized = serialize(value)
    assert not serialized.weights and not serialized.extra
    with open(name + ".json", "w") as file:
        json.dump([serialized.tree, serialized.sources], file)
try:
    serialize(other)
except Exception as error:
    print(error)
"""


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A folder of objects whose module is gone, and what was said of the one that was refused."""
    folder = tmp_path_factory.mktemp("nested")
    (folder / "made_inside.py").write_text(MODULE)
    said = run(SAVE, cwd=folder)
    (folder / "made_inside.py").unlink()
    return folder, said


def loaded(saved: tuple[Path, str], name: str) -> Any:
    tree, sources = json.loads((saved[0] / f"{name}.json").read_text())
    return deserialize(tree, {}, sources, trusted=True)


def test_imports_of_the_function_around_come_along(saved: tuple[Path, str]) -> None:
    bag = loaded(saved, "bag")
    assert bag.shown() == "[3, []]"
    assert type(bag).__mro__[1].__name__ == "OrderedDict"


def test_a_base_that_is_local_comes_along(saved: tuple[Path, str]) -> None:
    assert loaded(saved, "own").twice(3) == 30


def test_annotations_of_local_imports_come_along(saved: tuple[Path, str]) -> None:
    from decimal import Decimal

    half = loaded(saved, "half")
    assert half(Decimal(3)) == Decimal("1.5")
    assert half.__annotations__["x"] is Decimal


def test_a_base_that_was_chosen_comes_along(saved: tuple[Path, str]) -> None:
    assert loaded(saved, "list").first() == []


def test_annotations_of_local_classes_come_along(saved: tuple[Path, str]) -> None:
    echo, message = loaded(saved, "typed")
    hint = type(echo).predict.__annotations__["messages"]
    assert hint.__args__ == (type(message),)
    assert echo.predict([message]) == {"all": "x"}


def test_a_class_without_methods_comes_along(saved: tuple[Path, str]) -> None:
    assert loaded(saved, "bare").kind == "bare"


def test_a_local_name_that_is_gone_is_named(saved: tuple[Path, str]) -> None:
    assert "'Other' was made inside of 'chosen' from its variable 'base', which is gone" in saved[1]
    assert "outside of a function" in saved[1]


def test_a_value_of_the_body_that_is_gone_is_named() -> None:
    factor = len("four")

    class Lost:
        value = factor

        def shown(self) -> int:
            return self.value

    with pytest.raises(InvalidParameterError, match="variable 'factor'"):
        serialize(Lost())
