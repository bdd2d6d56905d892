"""The schema of a serialized object: which kinds of nodes there are, and what each holds.

A tree that comes from a file is checked against it before anything is made of it, so that
whoever reads the nodes finds what is written here, and looks at nothing else.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from nbtrack.errors import InvalidParameterError

VERSION = 1
MAX_DEPTH = 400
"""How deep values may lie in each other; a module is up to three nodes deep in the tree."""

_PLAIN = frozenset({str, bool, int, float, type(None)})


@dataclass(frozen=True)
class _Kind:
    """What the nodes of a kind hold.

    ``plain`` has the types of the fields that are plain values, ``parts`` those that hold
    further nodes, in the order in which they are written.
    """

    plain: tuple[tuple[str, tuple[type, ...]], ...]
    parts: tuple[tuple[str, Callable[[Any], list[Any] | None]], ...] = ()
    optional: frozenset[str] = frozenset()


def _node(value: Any) -> list[Any]:
    return [value]


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _pairs(value: Any) -> list[Any] | None:
    if not isinstance(value, list):
        return None
    found: list[Any] = []
    for pair in value:
        if not isinstance(pair, list) or len(pair) != 2:
            return None
        found += pair
    return found


def _named(value: Any) -> list[Any] | None:
    return list(value.values()) if isinstance(value, dict) else None


def _kind(*parts: tuple[str, Any], optional: frozenset[str] = frozenset(), **plain: Any) -> _Kind:
    return _Kind(tuple(plain.items()), parts, optional)


def _made(by: str) -> _Kind:
    rest = (("arguments", _list), ("state", _node), ("items", _list), ("pairs", _pairs))
    return _kind((by, _node), *rest, optional=frozenset(dict(rest)))


_ITEMS = _kind(("items", _list))
_VALUE = _kind(value=(str,))
KINDS: Mapping[str, _Kind] = {
    "ref": _kind(id=(int,)),
    "float": _VALUE,
    "complex": _VALUE,
    "bytes": _VALUE,
    "bytearray": _VALUE,
    "list": _ITEMS,
    "tuple": _ITEMS,
    "set": _ITEMS,
    "frozenset": _ITEMS,
    "dict": _kind(("items", _pairs)),
    "global": _kind(module=(str,), name=(str,)),
    "module": _kind(module=(str,)),
    "own": _kind(file=(str,), name=(str,)),
    "made": _kind(("variables", _named), file=(str,), name=(str,)),
    "method": _kind(("self", _node), name=(str,)),
    "ndarray": _kind(
        name=(str,), dtype=(str, list), shape=(list,), fortran=(bool,),
        optional=frozenset({"fortran"}),
    ),
    "objects": _kind(("items", _list), shape=(list,)),
    "scalar": _kind(dtype=(str,), value=(str,)),
    "tensor": _kind(
        name=(str,), kind=(str,), requires_grad=(bool,), device=(str,),
        optional=frozenset({"kind", "requires_grad", "device"}),
    ),
    "call": _made("function"),
    "object": _made("class"),
    "parametrized": _made("class"),
}  # fmt: skip
_RECORD = {"path": str, "origin": str, "package": bool, "whole": bool, "values": dict}


@dataclass(frozen=True)
class Form:
    """A tree of the version that is read here.

    Attributes
    ----------
    root : object
        The node of the object itself.
    files : dict of str to dict
        The record of each source file.
    python : str
        The version of Python that it was saved under.
    """

    root: Any
    files: dict[str, dict[str, Any]]
    python: str

    @classmethod
    def of(cls, tree: Any) -> Form:
        """Return a tree, with its files, once these are known to be well described.

        Raises
        ------
        InvalidParameterError
            If it is of another version, or has no root or no proper files.
        """
        if not isinstance(tree, dict) or tree.get("nbtrack_objects") != VERSION:
            found = tree.get("nbtrack_objects") if isinstance(tree, dict) else tree
            raise InvalidParameterError(
                f"This object was saved in the form {str(found)[:80]!r}; this version of nbtrack "
                f"reads form {VERSION}. Install the version of nbtrack that saved it."
            )
        files = tree.get("files")
        if "root" not in tree or not isinstance(files, dict):
            raise damaged("it has no root, or no list of files")
        for name, record in files.items():
            for key, kind in _RECORD.items():
                if not isinstance(record, dict) or not isinstance(record.get(key), kind):
                    raise damaged(f"its file {name!r} has no proper {key!r}")
        return cls(tree["root"], files, str(tree.get("python", "?"))[:20])

    @functools.cached_property
    def nodes(self) -> list[dict[str, Any]]:
        """Every node, once all are known to be well described.

        Raises
        ------
        InvalidParameterError
            If one is of no known kind, or does not hold what its kind does.
        """
        values = [value for record in self.files.values() for value in record["values"].values()]
        found = _checked([self.root, *values])
        for node in found:
            if node["~"] in ("own", "made") and node["file"] not in self.files:
                raise damaged(f"it names the file {node['file']!r}, which it does not have")
        return found

    @functools.cached_property
    def shared(self) -> dict[int, dict[str, Any]]:
        """The nodes that others refer to, by their number.

        Raises
        ------
        InvalidParameterError
            If two have the same.
        """
        found: dict[int, dict[str, Any]] = {}
        for node in self.nodes:
            if "id" not in node or node["~"] == "ref":
                continue
            if found.setdefault(node["id"], node) is not node:
                raise damaged(f"it has two values with the number {node['id']}")
        return found


def nodes_in(root: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a tree of the right form, in the order in which it was serialized."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            yield node
            below: list[Any] = []
            _add_parts(node, below)
            waiting += reversed(below)


def _checked(roots: list[Any]) -> list[dict[str, Any]]:
    """Return every node of these trees, those that lie deeper later."""
    found: list[dict[str, Any]] = []
    level = roots
    for _ in range(3 * MAX_DEPTH):
        below: list[Any] = []
        for node in level:
            if type(node) not in _PLAIN:
                _add_parts(node, below)
                found.append(node)
        if not below:
            return found
        level = below
    raise damaged("its values lie too deep in each other")


def damaged(why: str) -> InvalidParameterError:
    """Return the error for a description that nbtrack cannot have written."""
    return InvalidParameterError(
        f"The description of this object is damaged: {why}. Get the file anew, or save the object "
        "again."
    )


def _add_parts(node: Any, below: list[Any]) -> None:
    """Check a node, and add the nodes right below it."""
    name = node.get("~") if isinstance(node, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise damaged(f"there is no kind of node {str(node if name is None else name)[:80]!r}")
    for key, types in kind.plain:
        missing = key not in node and key in kind.optional
        if not missing and not isinstance(node.get(key), types):
            raise damaged(f"a node {name!r} has no proper {key!r}")
    if not isinstance(node.get("id", 0), int):
        raise damaged(f"a node {name!r} has no proper 'id'")
    for key, taken in kind.parts:
        if key not in node and key in kind.optional:
            continue
        inner = taken(node[key]) if key in node else None
        if inner is None:
            raise damaged(f"a node {name!r} has no proper {key!r}")
        below += [part for part in inner if type(part) not in _PLAIN]
