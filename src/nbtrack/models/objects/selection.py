"""Statements of a notebook, chosen and put in an order in which they can be executed."""

from __future__ import annotations

import ast
import builtins
import itertools
import re
import sys
from collections import ChainMap
from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import statements
from nbtrack.models.objects.references import is_file, is_own, is_whole, module_of, reference
from nbtrack.models.objects.source_files import VALUE, SourceFile, SourceFiles
from nbtrack.models.objects.statements import Statement

Changes = Mapping[int, Mapping[str, Any]]
"""What was set on classes and functions after their definition, by their ids: places and values."""

DELETED: Any = object()
"""The value of an attribute that the source defines and the class does not have any more."""

WRAPPERS: dict[type, tuple[str, ...]] = {
    staticmethod: ("__func__",),
    classmethod: ("__func__",),
    property: ("fget", "fset", "fdel"),
}
"""What wraps functions in a class, and the attributes that hold them."""

_LITERAL_SIZE = 2000
_KNOWN = frozenset(dir(builtins)) | {"get_ipython", "__name__", "__file__", "__doc__"}


class Selection:
    """A file of chosen statements, each behind those that it needs to be executed."""

    def __init__(
        self,
        files: SourceFiles,
        file: SourceFile,
        namespace: dict[str, Any],
        changes: Changes,
    ) -> None:
        self.file = file
        self.namespace = namespace
        self._changes = changes
        self._changed: list[str] = []
        self._files = files
        self._parts: list[str] = []
        self._imports: list[str] = []
        self._owners: dict[str, Any] = {}
        self._statements: dict[str, tuple[Statement, Mapping[str, Any]]] = {}
        self._complete: set[str] = set()
        self._factories: dict[Any, str] = {}
        self._postponed = False

    def owner_of(self, name: str) -> Any:
        """Return the object whose name this is here, or None."""
        return self._owners.get(name)

    def text(self) -> str:
        """Return the source of the file."""
        head = ["from __future__ import annotations\n"] if self._postponed else []
        imports = "".join(f"{line}\n" for line in dict.fromkeys(self._imports))
        text = "\n".join([*head, *([imports] if imports else [])])
        for before, part in itertools.pairwise([text, *self._parts]):
            close = before.count("\n") == part.count("\n") == 1
            text += part if close or not before else f"\n\n{part}"
        changed = "".join(f"{line}\n" for line in self._changed)
        return f"{text}\n\n{changed}" if changed else text

    def add(self, value: Any) -> tuple[str, str]:
        """Write what makes a function or class, with what it needs; return file and name."""
        name = value.__qualname__.partition(".")[0]
        outer = value
        if name != value.__qualname__:
            outer = statements.namespace_of(value).get(name, value)
        self._define(name, outer)
        self._finish(name)
        return self.file.name, value.__qualname__

    def add_factory(
        self, value: Any, free: dict[str, Any], given: dict[str, Any]
    ) -> tuple[str, str]:
        """Write a function that makes a nested function or class anew; return file and name.

        Parameters
        ----------
        value : function or class
        free : dict
            The variables around it: these are the parameters of the function.
        given : dict
            What it was given later: its places, with the names of parameters, or ``DELETED``.
        """
        found = statements.statement_of(value)
        if found is None:
            raise _no_source(value)
        statement, namespace = found
        key = (statement.text, tuple(sorted(free)), tuple(given.items()))
        if key not in self._factories:
            short = re.sub(r"\W", "", value.__name__) or "function"
            name = f"make_{short}_{len(self._factories) + 1}"
            self._factories[key] = name
            inner = statement.text.rstrip()
            made = statement.binds
            if given:
                inner = inner if made else f"made = {inner}"
                made = made or "made"
                inner += "".join(f"\n{_assignment(t, made, v)}" for t, v in given.items())
            body = f"{inner}\nreturn {made}" if made else f"return {inner}"
            around = [v for v in sorted(free) if v != statement.binds]
            lines = "".join(f"    {line}\n" if line.strip() else "\n" for line in body.splitlines())
            text = f"def {name}({', '.join(around)}):\n{lines}"
            at_once, later = statements.names_in(text)
            self._postponed |= statement.postponed
            self._statements[name] = (Statement(text, name, at_once, later), namespace)
            self._owners[name] = value
            self._emit(name)
            self._finish(name)
        return self.file.name, self._factories[key]

    def _define(self, name: str, value: Any) -> None:
        """Write the statement that makes a name, behind what it needs at once."""
        if name in self._owners:
            if self._owners[name] is not value:
                raise _no_source(value)
            return
        self._owners[name] = value
        found = statements.statement_of(value)
        if found is None:
            raise _no_source(value)
        statement, namespace = found
        self._postponed |= statement.postponed
        if statement.binds not in (name, ""):
            # another name for the same thing
            self._define(statement.binds, value)
            self._parts.append(f"{name} = {statement.binds}\n")
            return
        self._write(name, value, statement, namespace)
        self._change(name, value)

    def _write(
        self, name: str, value: Any, statement: Statement, namespace: dict[str, Any]
    ) -> None:
        """Write a statement behind what its class is derived from: ``class Net(Net)``, too."""
        bases = statements.written_bases(value, ast.parse(statement.text).body[0])
        earlier = bases.get(name)
        later = statement.later
        if earlier is not None:
            found = statements.statement_of(earlier)
            if found is None or found[0].text == statement.text:
                raise _no_source(earlier)
            self._write(name, earlier, *found)
            self._change(name, earlier, at_once=True)
            later |= self._statements[name][0].later
        # the bases are those that it has, whatever their names stand for now
        made = replace(statement, later=later)
        self._statements[name] = (made, ChainMap(bases, namespace) if bases else namespace)
        self._emit(name)

    def _change(self, name: str, value: Any, *, at_once: bool = False) -> None:
        """Write what a class or function was given after its statement had run."""
        lines = self._parts if at_once else self._changed
        end = "\n" if at_once else ""
        inner = f"{value.__qualname__}."
        below = [v for v in vars(value).values() if isinstance(v, type)]
        for owner in (value, *(kind for kind in below if kind.__qualname__.startswith(inner))):
            for target, given in self._changes.get(id(owner), {}).items():
                place = target.format(name if owner is value else owner.__qualname__)
                if given is DELETED:
                    lines.append(f"del {place}{end}")
                else:
                    lines.append(f"{place} = {self._expression(given, place)}{end}")

    def _expression(self, value: Any, place: str) -> str:
        """Return Python that makes a value where the definitions of the file are known."""
        if _is_literal(value):
            return repr(value)
        for kind, parts in WRAPPERS.items():
            if type(value) is kind:
                made = [self._expression(getattr(value, p), f"{place}.{p}") for p in parts]
                return f"{kind.__name__}({', '.join(made)})"
        self.file.values[place] = self._files.serialize(value, place)
        return f"{VALUE}({place!r})"

    def _emit(self, name: str) -> None:
        statement, namespace = self._statements[name]
        for needed in sorted(statement.at_once - {name}):
            self._provide(needed, namespace, statement)
            self._finish(needed)
        self._parts.append(statement.text)

    def _finish(self, name: str) -> None:
        """Provide what the functions behind a name need when they are called."""
        if name in self._complete or name not in self._statements:
            return
        self._complete.add(name)
        statement, namespace = self._statements[name]
        for needed in sorted(statement.later):
            self._provide(needed, namespace, statement)
            self._finish(needed)

    def _provide(self, name: str, namespace: Mapping[str, Any], user: Statement) -> None:
        if name in self._owners:
            return
        if name not in namespace:
            return  # a built-in, or something that was not there either
        if name in _KNOWN and namespace[name] is getattr(builtins, name, None):
            return
        if name in ("get_ipython", "__name__", "__file__", "__doc__", "__builtins__"):
            return
        value = namespace[name]
        if (line := self._import_line(name, value)) is not None:
            self._owners[name] = value
            self._imports.append(line)
        elif statements.is_definition(value) and is_own(getattr(value, "__module__", None)):
            self._provide_definition(name, value, user)
        else:
            self._owners[name] = value
            self._provide_value(name, value, user)

    def _import_line(self, name: str, value: Any) -> str | None:
        if isinstance(value, ModuleType):
            module = module_of(value)
            if module is None or module == "__main__":
                return None
            if is_own(module) and is_file(module):
                module = self._files.add_module(value)
            if module == name:
                return f"import {module}"
            parent, _, last = module.rpartition(".")
            if last == name and parent:
                return f"from {parent} import {last}"
            return f"import {module} as {name}"
        found = reference(value) if callable(value) else None
        if found is None and is_whole(value):
            found = self._files.add_module(sys.modules[value.__module__]), value.__qualname__
        if found is None or "." in found[1]:
            return None
        module, original = found
        return f"from {module} import {original}" + (f" as {name}" if original != name else "")

    def _provide_definition(self, name: str, value: Any, user: Statement) -> None:
        try:
            if statements.is_nested(value) and not _is_top_lambda(value):
                raise _no_source(value)
            if statements.unwrapped_source(value) is not None:
                raise _no_source(value)
            if _is_top_lambda(value) or value.__name__ != name:
                self._provide_assigned(name, value)
            else:
                self._define(name, value)
        except InvalidParameterError:
            self._owners[name] = value
            self._provide_value(name, value, user)

    def _provide_assigned(self, name: str, value: Any) -> None:
        """Write ``name = <lambda>``, or another name for a function or class."""
        found = statements.statement_of(value)
        if found is None:
            raise _no_source(value)
        statement, namespace = found
        if _is_top_lambda(value):
            self._owners[name] = value
            text = f"{name} = {statement.text}\n"
            made = Statement(text, name, statement.at_once, statement.later)
            self._statements[name] = (made, namespace)
            self._emit(name)
            self._change(name, value)
            return
        named: Any = namespace.get(value.__name__)
        if named is not value:
            raise _no_source(value)  # its own name stands for something else by now
        self._define(value.__name__, value)
        self._owners[name] = value
        self._statements[name] = (
            Statement("", name, frozenset(), frozenset({value.__name__})), namespace,
        )  # fmt: skip
        self._parts.append(f"{name} = {value.__name__}\n")

    def _provide_value(self, name: str, value: Any, user: Statement) -> None:
        if _is_literal(value):
            self._parts.append(f"{name} = {value!r}\n")
            return
        try:
            self.file.values[name] = self._files.serialize(value, f"@{self.file.name}.{name}")
        except InvalidParameterError as error:
            self._files.note(
                f"{name!r} ({type(value).__name__}), which {user.binds or 'a function'} uses, is "
                f"not saved: {error} What needs it will fail when it is called."
            )
            return
        self._parts.append(f"{name} = {VALUE}({name!r})\n")


def _assignment(target: str, name: str, value: Any) -> str:
    place = target.format(name)
    return f"del {place}" if value is DELETED else f"{place} = {value}"


def _is_literal(value: Any) -> bool:
    """Return whether the ``repr`` of a value is Python that makes the same value."""
    if not _is_plain(value):
        return False
    text = repr(value)
    if len(text) > _LITERAL_SIZE:
        return False
    try:
        return bool(ast.literal_eval(text) == value)
    except (ValueError, SyntaxError):
        return False


def _is_plain(value: Any) -> bool:
    if type(value) in (list, tuple, set):
        return all(map(_is_plain, value))
    if type(value) is dict:
        return all(_is_plain(key) and _is_plain(item) for key, item in value.items())
    return value is None or type(value) in (int, float, complex, str, bytes, bool)


def _is_top_lambda(value: Any) -> bool:
    return getattr(value, "__qualname__", "") == "<lambda>"


def _no_source(value: Any) -> InvalidParameterError:
    name = getattr(value, "__qualname__", repr(value))
    return InvalidParameterError(
        f"The source of {name!r} ({getattr(value, '__module__', '?')}) is not known, so it cannot "
        "be saved. Define it in a cell of the notebook or in a .py file and make the model anew."
    )
