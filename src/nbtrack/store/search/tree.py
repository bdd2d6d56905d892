"""The tree of a filter: what ``grammar`` reads and ``sql`` compiles.

Two-valued logic: a comparison with something that a run lacks is false, also
``!=``; so ``NOT`` of it is true.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

AGGREGATES = ("min", "max", "last", "count")

Value: TypeAlias = "float | str | tuple[str, ...] | tuple[float, ...] | None"


@dataclass(frozen=True)
class Identifier:
    """What is compared or ordered by.

    Attributes
    ----------
    entity : str
        ``metric``, ``param``, ``tag``, ``attribute`` or ``dataset``.
    key : str
    aggregate : str
        For a metric one of ``AGGREGATES``, ``last`` being the latest value;
        empty for everything else.
    """

    entity: str
    key: str
    aggregate: str = ""


@dataclass(frozen=True)
class Comparison:
    """``identifier operator value``; the value is None for ``IS [NOT] NULL``."""

    identifier: Identifier
    operator: str
    value: Value


@dataclass(frozen=True)
class Not:
    """True where ``operand`` is false."""

    operand: Node


@dataclass(frozen=True)
class And:
    """True where all of at least two ``operands`` are."""

    operands: tuple[Node, ...]


@dataclass(frozen=True)
class Or:
    """True where one of at least two ``operands`` is."""

    operands: tuple[Node, ...]


Node: TypeAlias = "Comparison | Not | And | Or"


@dataclass(frozen=True)
class Order:
    """One entry of ``order_by``."""

    identifier: Identifier
    ascending: bool = True


def to_text(node: Node) -> str:
    """Return a filter that parses to this tree."""
    if isinstance(node, Comparison):
        return _comparison(node)
    if isinstance(node, Not):
        return f"NOT {_enclosed(node.operand, (And, Or))}"
    if isinstance(node, And):
        return " AND ".join(_enclosed(operand, (And, Or)) for operand in node.operands)
    return " OR ".join(_enclosed(operand, (Or,)) for operand in node.operands)


def _enclosed(node: Node, kinds: tuple[type, ...]) -> str:
    text = to_text(node)
    return f"({text})" if isinstance(node, kinds) else text


def _comparison(node: Comparison) -> str:
    left = identifier_text(node.identifier)
    if node.value is None:
        return f"{left} {node.operator}"
    if isinstance(node.value, tuple):
        return f"{left} {node.operator} ({', '.join(map(_literal, node.value))})"
    return f"{left} {node.operator} {_literal(node.value)}"


def identifier_text(identifier: Identifier) -> str:
    """Return an identifier as it is written in a filter."""
    key = identifier.key.replace("`", "``")
    suffix = "" if identifier.aggregate in ("", "last") else f".{identifier.aggregate}"
    return f"{identifier.entity}.`{key}`{suffix}"


def _literal(value: str | float) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    # an infinite literal is one that is too large for a float
    return repr(value).replace("inf", "1e999")
