"""TypeScript types of requests and responses, generated from those of Python.

After a change of a parameter or of a response::

    python tests/test_rpc.py

writes ``js/shared/src/requests.ts``. A test fails while that file is old. What widgets hold is
written by ``tests/view_types.py``: widgets lie above this package.
"""

from __future__ import annotations

import dataclasses
import inspect
import json
import types
from collections.abc import Iterable, Mapping
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from nbtrack.rpc.model_edits import ModelEdit
from nbtrack.rpc.models import CARD, ModelRef
from nbtrack.rpc.registry import Declaration, all_requests
from nbtrack.store import RunAction
from nbtrack.store.search import Direction
from nbtrack.views.comparison.query import Kind as ComparedKind
from nbtrack.views.json_types import ModelState, Pair, RunState, StoreInfo
from nbtrack.views.models.predictions import Prediction
from nbtrack.views.table.page import Best, SortKey
from nbtrack.views.table.page import Kind as ColumnKind
from nbtrack.views.table.run_query import Stage

HEAD = """\
/**
 * The requests of the front end about a store, and the responses to them, by name.
 *
 * Made by `python tests/test_rpc.py` from the types of Python; change those and make it again.
 */
"""
#: Types that have no name of their own in Python.
ALIASES: dict[str, Any] = {
    "RunState": RunState,
    "ModelState": ModelState,
    "Stage": Stage,
    "Direction": Direction,
    "Best": Best,
    "Action": RunAction,
    "ModelEdit": ModelEdit,
    "ModelRef": ModelRef,
    "Prediction": Prediction,
    "ColumnKind": ColumnKind,
    "ComparedKind": ComparedKind,
    "SortKey": SortKey,
    "Pair": Pair,
}
_PLAIN: dict[Any, str] = {
    str: "string",
    bool: "boolean",
    int: "number",
    float: "number",
    bytes: "DataView",
    object: "unknown",
    Any: "unknown",
}


def source() -> str:
    """Return a module of TypeScript with the types of requests and of the responses to them."""
    writer, table = written()
    return "\n".join([HEAD, *writer.declarations(), table, ""])


def written() -> tuple[Writer, str]:
    """Return what has written the types of requests, and the table of these."""
    requests: list[Declaration] = [*all_requests(), *CARD.requests.values()]
    writer = Writer([kind for each in requests for kind in _members(each.params)])
    lines = [
        f"  '{each.name}': {{ params: {writer.type_of(each.params)}; "
        f"response: {writer.type_of(each.body)} }};"
        for each in requests
    ]
    for hint in (*ALIASES.values(), StoreInfo):
        writer.type_of(hint)
    return writer, "\n".join(["export interface Requests {", *lines, "}"])


class Writer:
    """Writes types, and remembers those that have names.

    Parameters
    ----------
    params : iterable of type
        Dataclasses whose fields may be left out where they have a default.
    names : mapping
        Types that have no name of their own in Python, and how they are called.
    others : Writer, optional
        Writes another module, whose types are imported.
    """

    def __init__(
        self,
        params: Iterable[Any] = (),
        names: Mapping[str, Any] = ALIASES,
        others: Writer | None = None,
    ) -> None:
        self._params = frozenset(params)
        self._names: dict[Any, str] = {hint: name for name, hint in names.items()}
        self._others = others
        #: The names that were used of the other module.
        self.imports: set[str] = set()
        self._interfaces: dict[str, tuple[Any, str]] = {}
        self._aliases: dict[str, str] = {}

    def declarations(self) -> list[str]:
        """Return the types with names that were used so far, those without fields first."""
        interfaces = [text for _, text in self._interfaces.values()]
        return [*self._aliases.values(), "", *interfaces]

    def type_of(self, hint: Any) -> str:
        """Return a type as TypeScript has it."""
        if name := self._name_of(hint):
            if self._others is not None and name in self._others._aliases:
                self.imports.add(name)
            elif name not in self._aliases:
                self._aliases[name] = f"export type {name} = {self._unnamed(hint)};"
            return name
        return self._unnamed(hint)

    def _name_of(self, hint: Any) -> str | None:
        try:
            return self._names.get(hint)
        except TypeError:  # it has no hash
            return None

    def _unnamed(self, hint: Any) -> str:
        if hint in _PLAIN:
            return _PLAIN[hint]
        if hint is type(None):
            return "null"
        if is_typeddict(hint) or dataclasses.is_dataclass(hint):
            return self._interface(hint)
        return self._composed(hint, get_origin(hint), get_args(hint))

    def _composed(self, hint: Any, origin: Any, args: tuple[Any, ...]) -> str:
        if origin is Annotated:
            return self.type_of(args[1])
        if origin is Literal:
            return " | ".join(json.dumps(word).replace('"', "'") for word in args)
        if origin in (Union, types.UnionType):
            return " | ".join(dict.fromkeys(self.type_of(each) for each in args))
        if origin is list:
            item = self.type_of(args[0])
            return f"({item})[]" if " | " in item and item[0] != "[" else f"{item}[]"
        if origin is tuple:
            return f"[{', '.join(self.type_of(each) for each in args)}]"
        if origin in (dict, Mapping):
            return f"Record<{self.type_of(args[0])}, {self.type_of(args[1])}>"
        raise TypeError(f"{hint!r} has no counterpart in TypeScript")

    def _interface(self, kind: Any) -> str:
        name = _called(kind)
        if self._others is not None and name in self._others._interfaces:
            self.imports.add(name)
            return self._others._interface(kind)
        known = self._interfaces.get(name)
        if known is not None and known[0] is not kind:
            raise TypeError(f"two types are called {name}: {known[0]!r} and {kind!r}")
        if known is None:
            self._interfaces[name] = kind, ""
            self._interfaces[name] = kind, self._declaration(kind)
        return name

    def _declaration(self, kind: Any) -> str:
        hints = get_type_hints(kind, include_extras=True)
        if not hints:
            return (
                f"/** {_summary(kind)} */\nexport type {_called(kind)} = Record<string, never>;\n"
            )
        lines = [f"/** {_summary(kind)} */", f"export interface {_called(kind)} {{"]
        for name, hint in hints.items():
            mark = "" if self._is_needed(kind, name, hint) else "?"
            text = self.type_of(_inner(hint))
            if kind in self._params and (
                "[]" in text or text[0] == "["
            ):  # whoever asks may pass what it must not change
                text = f"readonly {text}"
            lines.append(f"  {name}{mark}: {text};")
        return "\n".join([*lines, "}", ""])

    def _is_needed(self, kind: Any, name: str, hint: Any) -> bool:
        if is_typeddict(kind):
            return name in kind.__required_keys__ and get_origin(hint) is not NotRequired
        missing = dataclasses.MISSING
        found = next(each for each in dataclasses.fields(kind) if each.name == name)
        has_none = found.default is missing and found.default_factory is missing
        return has_none or kind not in self._params


def _called(kind: Any) -> str:
    """Return how TypeScript calls a type: the JSON of a class X is XJson here, X there."""
    name: str = kind.__name__
    return name.removesuffix("Json").removesuffix("Row")


def _members(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)


def _inner(hint: Any) -> Any:
    return get_args(hint)[0] if get_origin(hint) is NotRequired else hint


def _summary(kind: Any) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ").replace("``", "`")
