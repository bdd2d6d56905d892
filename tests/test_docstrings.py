"""What public docstrings say of parameters and errors is so: numpydoc's rules for both sections."""

from __future__ import annotations

import builtins
import importlib
import inspect
import re
from collections.abc import Callable, Iterator
from functools import cache
from itertools import pairwise
from typing import Any, NamedTuple

import nbtrack
from nbtrack.errors import NbtrackError
from public_api import DEEPER, GIVEN, NAMES, OPAQUE, public_modules

# "As in ``log_metric``", "see :func:`save_model`": what is described there need not be here.
REFERENCE = re.compile(r"(?:[Ss]ee|[Aa]s in|those of|As)\s+(?::\w+:`|``)([\w.]+)`")


class Documented(NamedTuple):
    """A function, and the text that tells how to call it."""

    function: Callable[..., Any]
    text: str


@cache
def public_functions() -> dict[str, Documented]:
    """Return the functions, methods and constructors that users call, by their places."""
    found: dict[str, Documented] = {}
    known: set[int] = set()
    for module in ["nbtrack", *(f"nbtrack.{name}" for name in sorted(public_modules())), *DEEPER]:
        for place, each in functions_of(module):
            if id(each.function) not in known:
                known.add(id(each.function))
                found[place] = each
    return found


def functions_of(module_name: str) -> Iterator[tuple[str, Documented]]:
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError:  # a framework that is not installed
        return
    for name in sorted(NAMES.get(module_name) or module.__all__):
        try:
            value = getattr(module, name)
        except ModuleNotFoundError:  # it is made of a framework
            continue
        place = f"{module_name}.{name}"
        if inspect.isclass(value) and place not in OPAQUE:
            yield from methods_of(place, value)
        elif inspect.isfunction(value) and not name.startswith("_"):
            yield place, Documented(inspect.unwrap(value), inspect.getdoc(value) or "")


def methods_of(place: str, kind: type) -> Iterator[tuple[str, Documented]]:
    """Give the public methods of a class, and its constructor where somebody has written one."""
    for base in kind.__mro__:
        if not base.__module__.startswith("nbtrack"):
            continue
        for name, value in vars(base).items():
            method = value.__func__ if isinstance(value, classmethod | staticmethod) else value
            if inspect.isfunction(method) and not name.startswith("_"):
                text = inspect.cleandoc(method.__doc__ or "")
                yield f"{place}.{name}", Documented(inspect.unwrap(method), text)
        maker = vars(base).get("__init__")
        is_written = maker and not hasattr(base, "__dataclass_fields__") and place not in GIVEN
        if is_written and not getattr(base, "_is_protocol", False):
            yield place, Documented(maker, inspect.getdoc(kind) or "")


def parameters(function: Callable[..., Any]) -> list[str]:
    stars = {inspect.Parameter.VAR_POSITIONAL: "*", inspect.Parameter.VAR_KEYWORD: "**"}
    found = inspect.signature(function).parameters.values()
    return [
        stars.get(each.kind, "") + each.name for each in found if each.name not in ("self", "cls")
    ]


def section(text: str, title: str) -> list[str]:
    """Return the names that a section tells about."""
    match = re.search(rf"^{title}\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", text, re.MULTILINE | re.DOTALL)
    entries = re.findall(r"^(\S.*)$", match.group(1), re.MULTILINE) if match else []
    return [name.strip() for entry in entries for name in entry.partition(" : ")[0].split(",")]


def described(place: str) -> set[str]:
    """Return the parameters that a docstring describes, itself or where it leads to."""
    text = public_functions()[place].text
    found = set(section(text, "Parameters"))
    if place.startswith("nbtrack.Client."):  # what many methods take, the class tells once
        found |= set(re.findall(r"``(\w+)``", str(nbtrack.Client.__doc__).partition("Notes\n")[2]))
    for name in REFERENCE.findall(text):
        around = place.rpartition(".")[0]
        for there in (name, f"{around}.{name}", f"nbtrack.{name}"):
            if there in public_functions() and there != place:
                found |= described(there)
    return found


def test_parameters_that_are_documented_exist() -> None:
    wrong = {
        place: sorted(set(section(each.text, "Parameters")) - set(parameters(each.function)))
        for place, each in public_functions().items()
        if not set(section(each.text, "Parameters")) <= set(parameters(each.function))
    }
    assert not wrong


# Lightning and transformers call them, with what they always give; the last one is inner.
SAID_ELSEWHERE = re.compile(r"\.NbtrackLogger\.|\.NbtrackCallback\.on_|\.RunData\.of_rows$")


def test_parameters_that_are_documented_have_a_text() -> None:
    bare = {
        (place, name)
        for place, each in public_functions().items()
        for name in without_text(each.text)
        if not SAID_ELSEWHERE.search(place)
    }
    assert bare == set()


def without_text(text: str) -> list[str]:
    """Return the parameters of a docstring of which it says the type alone."""
    match = re.search(r"^Parameters\n-+\n(.*?)(?=^\w[\w ]*\n-+\n|\Z)", text, re.M | re.S)
    lines = match.group(1).strip().splitlines() if match else []
    following = pairwise([*lines, ""])
    return [line for line, after in following if line[:1].strip() and not after.startswith(" ")]


def known_errors(kind: type[NbtrackError] = NbtrackError) -> set[str]:
    return {kind.__name__}.union(*(known_errors(each) for each in kind.__subclasses__()))


def test_errors_that_are_documented_exist() -> None:
    wrong = {
        (place, name)
        for place, each in public_functions().items()
        for name in section(each.text, "Raises")
        if not hasattr(builtins, name) and name not in known_errors()
    }
    assert not wrong


def test_every_parameter_is_described() -> None:
    found = {
        place: left
        for place, each in sorted(public_functions().items())
        if (left := [name for name in parameters(each.function) if name not in described(place)])
    }
    assert not found, "describe them there, or say where they are described (see REFERENCE)"
