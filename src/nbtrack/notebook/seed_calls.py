"""What the code of a cell says about randomness: calls that seed, and sources nobody can seed."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from types import BuiltinFunctionType, CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from nbtrack.notebook.observed.code_names import names_of_cell

_SEEDS = re.compile(
    r"(^|_)(re)?seed$|seed_(everything|all|worker)|^(set|fix|init)_.*seeds?$|manual_seed|"
    r"^set_(rng_)?state(_all)?$|^setstate$|^restore_random_state$|^fix_random"
)
_CLOCKS = frozenset({
    "time", "time_ns", "perf_counter", "now", "utcnow", "today", "getpid", "urandom", "uuid4",
    "uuid1", "randbits", "randbelow", "token_bytes", "token_hex",
})  # fmt: skip
_SYSTEM = {
    "urandom": ("os",),
    "getrandom": ("os",),
    "SystemRandom": ("random", "secrets"),
    **dict.fromkeys(("uuid1", "uuid4"), ("uuid",)),
    **dict.fromkeys(
        ("choice", "randbelow", "randbits", "token_bytes", "token_hex", "token_urlsafe"),
        ("secrets",),
    ),
}
_FRESH = frozenset({"default_rng", "RandomState", "Random", "SeedSequence", *(
    ["PCG64", "PCG64DXSM", "MT19937", "Philox", "SFC64"]
)})  # fmt: skip
MAX_FUNCTIONS = 200


@dataclass
class SeedCalls:
    """What the code of a cell says.

    Attributes
    ----------
    seeds : bool
        Whether it calls something that seeds, also in functions of the notebook that it calls.
    from_clock : bool
        Whether it seeds from the clock, or with nothing.
    system : set of str
        Calls that draw from the operating system, such as ``"uuid.uuid4()"``.
    unseeded : set of str
        Generators that it makes without a seed, such as ``"default_rng()"``.
    """

    seeds: bool = False
    from_clock: bool = False
    system: set[str] = field(default_factory=set)
    unseeded: set[str] = field(default_factory=set)


def seed_calls(source: str, namespace: Mapping[str, Any]) -> SeedCalls:
    """Return what Python source says about randomness.

    Parameters
    ----------
    source : str
    namespace : mapping of str to object
        The variables, among them the functions that it calls.
    """
    found = SeedCalls()
    words = names_of_cell(source).words
    if any(word in _SYSTEM or word in _FRESH or _SEEDS.search(word) for word in words):
        tree = ast.parse(source)
        whence = _imported(tree, namespace)
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                _note(node, whence, found)
    if not found.seeds:
        found.seeds = any(_SEEDS.search(name) for name in _names_in_reach(words, namespace))
    return found


def _note(call: ast.Call, whence: Mapping[str, str], found: SeedCalls) -> None:
    owner, name = _called(call)
    if name is None:
        return
    arguments = [*call.args, *(each.value for each in call.keywords)]
    nothing = all(isinstance(each, ast.Constant) and each.value is None for each in arguments)
    if _SEEDS.search(name):
        clock = any(
            isinstance(node, ast.Call) and _called(node)[1] in _CLOCKS
            for each in arguments
            for node in ast.walk(each)
        )
        if clock or (nothing and name == "seed"):
            found.from_clock = True
        else:
            found.seeds = True
    module = whence.get(owner or name, owner or "")
    if name in _SYSTEM and module in _SYSTEM[name]:
        found.system.add(f"{module}.{name}()")
    if name in _FRESH and nothing and (name != "Random" or module == "random"):
        found.unseeded.add(f"{name}()")


def _called(call: ast.Call) -> tuple[str | None, str | None]:
    """Return what a call names: ``("np", "seed")`` of ``np.seed()``, ``(None, "f")`` of ``f()``."""
    function = call.func
    if isinstance(function, ast.Name):
        return None, function.id
    if isinstance(function, ast.Attribute):
        owner = function.value
        return (owner.id if isinstance(owner, ast.Name) else None), function.attr
    return None, None


def _imported(tree: ast.AST, namespace: Mapping[str, Any]) -> dict[str, str]:
    """Return the modules that names are, or come from."""
    found = {}
    for name, value in list(namespace.items()):
        kind = type(value)
        if kind is ModuleType:
            found[name] = str(vars(value).get("__name__"))
        elif kind in (FunctionType, BuiltinFunctionType, MethodType, type) and name in _SYSTEM:
            found[name] = str(value.__module__)
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {each.asname or each.name: each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {each.asname or each.name: node.module for each in node.names}
    return found


def _names_in_reach(names: Iterable[str], namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the names in the code of the notebook's functions that are reached by names."""
    waiting = list(names)
    seen = set(waiting)
    room = MAX_FUNCTIONS
    while waiting and room:
        value = namespace.get(waiting.pop())
        if type(value) is not FunctionType or value.__module__ != "__main__":
            continue
        room -= 1
        for name in _names_of(value.__code__):
            yield name
            if name not in seen:
                seen.add(name)
                waiting.append(name)


def _names_of(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from _names_of(constant)
