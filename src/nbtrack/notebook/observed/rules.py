"""How to look at an object without running code of the user's."""

from __future__ import annotations

import types
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.notebook.observed.builtin_rules import BASES, EXACT, IGNORED, Rule
from nbtrack.notebook.observed.code_names import names_of_code
from nbtrack.notebook.observed.kinds import (
    Layout,
    address,
    class_items,
    is_own,
    layout_of,
    module_items,
    module_of,
)
from nbtrack.notebook.observed.library_rules import (
    ALONE,
    INERT,
    LIBRARIES,
    QUIET,
    STATEFUL,
    behind_gradients,
    is_inert_library,
    is_tensor,
)
from nbtrack.notebook.observed.marks import Mark, contents
from nbtrack.notebook.observed.stdlib_rules import BESIDES, DATA

_CLASS_KEYS = frozenset({
    "__dict__", "__weakref__", "__doc__", "__module__", "__abstractmethods__", "_abc_impl",
    "__annotations__", "__static_attributes__", "__firstlineno__", "__annotations_cache__",
    "__parameters__", "__orig_bases__", "__annotate_func__",
})  # fmt: skip
_GRADIENTS = frozenset({"backward", "grad", "autograd"})
# what writes into a tensor without its version showing it
_RAW = frozenset({"data", "numpy", "__array__", "from_dlpack", "asarray", "from_numpy", "fused",
                  "data_ptr"})  # fmt: skip
_SIZED: dict[type, Callable[[Any], int]] = {
    **{kind: kind.__len__ for kind in (list, dict, set, frozenset, tuple)},
    OrderedDict: dict.__len__,
}


@dataclass(slots=True)
class Kind:
    """How to look at the objects of a type.

    Attributes
    ----------
    kind : type
    rule : callable or None
        Fills in a mark; None where nothing of them ever changes, or nobody needs it.
    size : callable or None
        How many items a built-in container has.
    tensor : bool
    """

    kind: type
    rule: Rule | None
    size: Callable[[Any], int] | None = None
    tensor: bool = False


class Looks:
    """Looks at objects; what it knows of their types is kept from walk to walk.

    Parameters
    ----------
    namespace : dict
        The variables of the notebook: what its functions call globals.

    Attributes
    ----------
    kinds : dict of int to Kind
        By the address of the type.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self.kinds: dict[int, Kind] = {}
        self._own: list[int] = []
        self.versions_may_lie = False
        self._follows_gradients = False
        for kind, rule in EXACT.items():
            self.kinds[address(kind)] = Kind(kind, rule, _SIZED.get(kind))
        for kind in IGNORED:
            self.kinds[address(kind)] = Kind(kind, None)
        self.kinds[address(types.FunctionType)] = Kind(types.FunctionType, self._function)

    def prepare(self, words: frozenset[str]) -> None:
        """Look in the way that code needs which names these words."""
        self.versions_may_lie = bool(_RAW & words)
        self._follows_gradients = bool(_GRADIENTS & words)

    def adapt(self, words: frozenset[str], looked: list[Any]) -> list[tuple[Any, list[Any]]]:
        """Look in the way that more code needs; return what belongs to tensors besides.

        Parameters
        ----------
        words : frozenset of str
        looked : list of object
            What was looked at already.
        """
        self.versions_may_lie |= bool(_RAW & words)
        if self._follows_gradients or not _GRADIENTS & words:
            return []
        self._follows_gradients = True
        tensors = [value for value in looked if self._is_tensor(value)]
        return [(value, behind_gradients(value)) for value in tensors]

    def _is_tensor(self, value: Any) -> bool:
        return self.kinds[address(type(value))].tensor

    def forget_own(self) -> None:
        """Forget the user's own classes: one of them may be gone, and another in its place."""
        for here in self._own:
            del self.kinds[here]
        self._own = []

    def kind_of(self, kind: type) -> Kind:
        """Return how to look at the objects of a type that is not known yet."""
        rule, own = self._rule_for(kind)
        tensor = rule is not None and is_tensor(kind)
        here = address(kind)
        found = self.kinds[here] = Kind(kind, self._with_gradients(rule) if tensor else rule)
        found.tensor = tensor
        if own:
            self._own.append(here)
        return found

    def _with_gradients(self, rule: Any) -> Rule:
        def look(value: Any, seen: Mark) -> None:
            rule(value, seen)
            if self._follows_gradients:
                seen.inside += behind_gradients(value)

        return look

    def _rule_for(self, kind: type) -> tuple[Rule | None, bool]:
        layout = layout_of(kind)
        if "builtins.type" in layout.bases:
            return self._class, layout.own
        if "builtins.module" in layout.bases:
            return self._module, layout.own
        for name in layout.bases & LIBRARIES.keys():
            if name in ALONE:
                return LIBRARIES[name], layout.own
            return self._with_attributes(LIBRARIES[name], layout), layout.own
        if not (layout.own or layout.bases & DATA) and (
            layout.bases & INERT or layout.root in QUIET
        ):
            return None, False
        if layout.bases & INERT:
            return self._with_attributes(None, layout), layout.own
        for name, base_rule in BASES.items():
            if name in layout.bases:
                return self._with_attributes(base_rule, layout), layout.own
        if layout.native:
            if is_inert_library(layout):
                return None, False
            return self._with_attributes(_opaque, layout), layout.own
        return self._with_attributes(None, layout), layout.own

    def _with_attributes(self, rule: Rule | None, layout: Layout) -> Rule:
        """Return a rule that looks at the attributes of an instance too."""
        dictionary, slots, own = layout.dictionary, layout.slots, layout.own
        besides = frozenset[str]().union(*(BESIDES[name] for name in layout.bases & BESIDES.keys()))
        inherits = own or any(is_own(name.rpartition(".")[0]) for name in layout.bases)

        def look(value: Any, seen: Mark) -> None:
            attributes: list[Any] = []
            if dictionary is not None:
                found = dictionary.__get__(value)
                if type(found) is dict:
                    if besides:
                        found = {key: item for key, item in found.items() if key not in besides}
                    attributes += [*found.keys(), *found.values()]
            for slot in slots:
                try:
                    attributes.append(slot.__get__(value))
                except AttributeError:
                    attributes.append(None)
            shown, inside = contents(attributes)
            seen.inside += inside
            if inherits:
                seen.inside.append(type(value))
            if rule is not None:
                rule(value, seen)
            seen.content = (seen.content, shown)

        return look

    def _function(self, value: Any, seen: Mark) -> None:
        held = [value.__defaults__, value.__kwdefaults__, value.__closure__, value.__dict__]
        parts = [part for part in held if part]
        for part in parts:
            shown, inside = contents(list(part.values()) if type(part) is dict else list(part))
            seen.inside += inside
            seen.content = (seen.content, shown)
        seen.content = (seen.content, address(value.__code__))
        variables = value.__globals__
        if variables is self._namespace:
            seen.code = value.__code__
        elif is_own(str(variables.get("__name__", ""))):
            self._own_globals(value, seen)
        elif not parts:
            seen.ignored = True

    def _own_globals(self, value: Any, seen: Mark) -> None:
        variables = value.__globals__
        names = sorted(names_of_code(value.__code__).names & variables.keys())
        shown, inside = contents([variables[name] for name in names])
        seen.content = (seen.content, shown)
        seen.inside += inside

    def _class(self, value: Any, seen: Mark) -> None:
        if not is_own(module_of(value)):
            seen.ignored = True
            return
        items = {k: v for k, v in class_items(value).items() if k not in _CLASS_KEYS}
        seen.content, inside = contents([*items.keys(), *items.values()])
        seen.inside += [*inside, *type.__dict__["__bases__"].__get__(value)]
        if is_own(module_of(type(value))):  # its metaclass may keep something as well
            seen.inside.append(type(value))

    def _module(self, value: Any, seen: Mark) -> None:
        items = module_items(value)
        name = items.get("__name__")
        if name == "logging":
            seen.inside.append(items.get("root"))
            return
        if type(name) is not str or not is_own(name) or name == "__main__":
            seen.opaque = name in STATEFUL
            seen.ignored = not seen.opaque
            return
        items = {k: v for k, v in items.items() if not k.startswith("__")}
        seen.content, inside = contents([*items.keys(), *items.values()])
        seen.inside += inside


def _opaque(_value: Any, seen: Mark) -> None:
    seen.opaque = True
