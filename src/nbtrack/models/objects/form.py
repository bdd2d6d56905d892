"""The form of a description: the kinds of nodes there are, and what each of them holds.

A tree that comes from a file is checked against it before anything is made of it, so that
whoever reads the nodes finds what is written here, and looks at nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nbtrack.errors import InvalidParameterError

VERSION = 1
MAX_DEPTH = 400
"""How deep values may lie in each other; a module is up to three nodes deep in the tree."""

_PLAIN = (str, bool, int, float, type(None))


@dataclass(frozen=True)
class _Kind:
    """What the nodes of a kind hold.

    ``plain`` has the types of the fields that are plain values, ``parts`` those that hold
    further nodes, in the order in which they are written.
    """

    plain: Mapping[str, tuple[type, ...]]
    parts: Mapping[str, Callable[[Any], list[Any] | None]] = field(default_factory=dict)
    optional: frozenset[str] = frozenset()


def _node(value: Any) -> list[Any]:
    return [value]


def _list(value: Any) -> list[Any] | None:
    return value if isinstance(value, list) else None


def _pairs(value: Any) -> list[Any] | None:
    if not isinstance(value, list):
        return None
    if not all(isinstance(pair, list) and len(pair) == 2 for pair in value):
        return None
    return [part for pair in value for part in pair]


def _named(value: Any) -> list[Any] | None:
    return list(value.values()) if isinstance(value, dict) else None


def _made(by: str) -> _Kind:
    rest = {"arguments": _list, "state": _node, "items": _list, "pairs": _pairs}
    return _Kind({}, {by: _node, **rest}, frozenset(rest))


_ITEMS = _Kind({}, {"items": _list})
_VALUE: Mapping[str, tuple[type, ...]] = {"value": (str,)}
_TENSOR_EXTRAS: Mapping[str, tuple[type, ...]] = {
    "kind": (str,),
    "requires_grad": (bool,),
    "device": (str,),
}
KINDS: Mapping[str, _Kind] = {
    "ref": _Kind({"id": (int,)}),
    "float": _Kind(_VALUE),
    "complex": _Kind(_VALUE),
    "bytes": _Kind(_VALUE),
    "bytearray": _Kind(_VALUE),
    "list": _ITEMS,
    "tuple": _ITEMS,
    "set": _ITEMS,
    "frozenset": _ITEMS,
    "dict": _Kind({}, {"items": _pairs}),
    "global": _Kind({"module": (str,), "name": (str,)}),
    "module": _Kind({"module": (str,)}),
    "own": _Kind({"file": (str,), "name": (str,)}),
    "made": _Kind({"file": (str,), "name": (str,)}, {"variables": _named}),
    "method": _Kind({"name": (str,)}, {"self": _node}),
    "ndarray": _Kind({"name": (str,), "dtype": (str, list), "shape": (list,)}),
    "objects": _Kind({"shape": (list,)}, {"items": _list}),
    "scalar": _Kind({"dtype": (str,), "value": (str,)}),
    "tensor": _Kind({"name": (str,), **_TENSOR_EXTRAS}, optional=frozenset(_TENSOR_EXTRAS)),
    "call": _made("function"),
    "object": _made("class"),
    "parametrized": _made("class"),
}
_RECORD = {"path": str, "origin": str, "package": bool, "whole": bool, "values": dict}


@dataclass(frozen=True)
class Form:
    """A tree that has the right form.

    Attributes
    ----------
    root : object
        The node of the object itself.
    files : dict of str to dict
        The record of each source file.
    nodes : list of dict
        Every node, those of the root before those of the files.
    python : str
        The version of Python that it was saved under.
    """

    root: Any
    files: dict[str, dict[str, Any]]
    nodes: list[dict[str, Any]]
    python: str

    @classmethod
    def of(cls, tree: Any) -> Form:
        """Check a tree.

        Raises
        ------
        InvalidParameterError
            If it is of another version, or has a node that no object is described by.
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
        values = [value for record in files.values() for value in record["values"].values()]
        nodes = [node for root in (tree["root"], *values) for node in nodes_in(root)]
        for node in nodes:
            if node["~"] in ("own", "made") and node["file"] not in files:
                raise damaged(f"it names the file {node['file']!r}, which it does not have")
        return cls(tree["root"], files, nodes, str(tree.get("python", "?"))[:20])


def nodes_in(root: Any) -> Iterator[dict[str, Any]]:
    """Yield every node of a tree, in the order in which it was frozen.

    Raises
    ------
    InvalidParameterError
        If a node is of no known kind, or does not hold what its kind does.
    """
    waiting = [(root, 0)]
    while waiting:
        node, depth = waiting.pop()
        if isinstance(node, _PLAIN):
            continue
        if depth > 3 * MAX_DEPTH:
            raise damaged("its values lie too deep in each other")
        parts = _parts(node)
        yield node
        waiting += [(part, depth + 1) for part in reversed(parts)]


def damaged(why: str) -> InvalidParameterError:
    """Return the error for a description that nbtrack cannot have written."""
    return InvalidParameterError(
        f"The description of this object is damaged: {why}. Get the file anew, or save the object "
        "again."
    )


def _parts(node: Any) -> list[Any]:
    """Return the nodes right below a node."""
    name = node.get("~") if isinstance(node, dict) else None
    kind = KINDS.get(name) if isinstance(name, str) else None
    if kind is None:
        raise damaged(f"there is no kind of node {str(node if name is None else name)[:80]!r}")
    for key, types in kind.plain.items():
        missing = key not in node and key in kind.optional
        if not missing and not isinstance(node.get(key), types):
            raise damaged(f"a node {name!r} has no proper {key!r}")
    if not isinstance(node.get("id", 0), int):
        raise damaged(f"a node {name!r} has no proper 'id'")
    found: list[Any] = []
    for key, taken in kind.parts.items():
        if key not in node and key in kind.optional:
            continue
        inner = taken(node[key]) if key in node else None
        if inner is None:
            raise damaged(f"a node {name!r} has no proper {key!r}")
        found += inner
    return found
