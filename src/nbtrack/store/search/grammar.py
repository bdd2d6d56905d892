"""The grammar of filters: MLflow's, and OR, NOT, parentheses, aggregates, params by size.

::

    filter     := either | (nothing)
    either     := both (OR both)*
    both       := negation (AND negation)*
    negation   := NOT negation | '(' either ')' | comparison
    comparison := identifier (= | != | > | >= | < | <= | LIKE | ILIKE) value
                | param (= | != | > | >= | < | <=) number    -- of params that are numbers
                | identifier [NOT] IN '(' text (',' text)* ')'
                | param [NOT] IN '(' number (',' number)* ')'
                | identifier IS [NOT] NULL
    identifier := [entity '.'] key ['.' aggregate]
    key        := bare | `backticks` | "double quotes"
    aggregate  := min | max | best | last | count        -- of a metric
    value      := number | 'text' | "text"

Keywords may be upper or lower case; a quote inside quotes is doubled. A bare
key ends in an aggregate where it can: a metric whose name is ``val_loss.min``
is written with quotes, as in MLflow.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nbtrack.errors import InvalidParameterError
from nbtrack.store.search.tokens import Token, check_text, split_path, tokenize, unquote
from nbtrack.store.search.tree import (
    AGGREGATES,
    And,
    Comparison,
    Identifier,
    Node,
    Not,
    Or,
    Order,
    Value,
)
from nbtrack.store.search.vocabulary import STATUS_NAMES, Vocabulary

MAX_DEPTH = 50
MAX_COMPARISONS = 200

_BY_SIZE = frozenset({"<", "<=", ">", ">="})
_AS_NUMBERS = _BY_SIZE | {"=", "!="}
_END = Token("end", "", -1)
_Item = TypeVar("_Item", str, float)


def parse_filter(text: str | None, vocabulary: Vocabulary) -> Node | None:
    """Return the tree of a filter, None for an empty one.

    Parameters
    ----------
    text : str or None
    vocabulary : Vocabulary
        What the filter may name.

    Raises
    ------
    InvalidParameterError
        If the text is no filter, or names what there is not.
    """
    if text is None:
        return None
    check_text(text)
    parser = _Parser(text, vocabulary)
    if parser.token is _END:
        return None
    node = parser.either()
    parser.finish()
    return node


def parse_order(text: str, vocabulary: Vocabulary) -> Order:
    """Return one entry of ``order_by``: ``identifier [ASC | DESC]``."""
    check_text(text)
    parser = _Parser(text, vocabulary)
    if parser.token.kind not in ("path", "word", "quoted"):
        raise InvalidParameterError(f"Invalid order_by clause '{text}'. Could not be parsed.")
    identifier = parser.identifier()
    ascending = not parser.take("keyword", "DESC")
    if ascending:
        parser.take("keyword", "ASC")
    if parser.token is not _END:
        raise InvalidParameterError(
            f"Invalid order_by clause '{text}'. Could not be parsed: an identifier and "
            "ASC or DESC are expected, as in metrics.acc DESC."
        )
    if identifier.entity == "dataset":
        raise InvalidParameterError(
            f"Invalid order_by clause '{text}': a run may have several datasets, "
            "so they give no order."
        )
    return Order(identifier, ascending)


class _Parser:
    def __init__(self, text: str, vocabulary: Vocabulary) -> None:
        self.text = text
        self.vocabulary = vocabulary
        self.tokens = [*tokenize(text), _END]
        self.index = 0
        self.depth = 0
        self.comparisons = 0

    @property
    def token(self) -> Token:
        return self.tokens[self.index]

    def next(self) -> Token:
        token = self.token
        if token is not _END:
            self.index += 1
        return token

    def take(self, kind: str, text: str) -> bool:
        found = self.token.kind == kind and self.token.text == text
        if found:
            self.index += 1
        return found

    def fail(self, expected: str) -> InvalidParameterError:
        if self.token is _END:
            return InvalidParameterError(
                f"Invalid clause(s) in filter string: {self.text!r} ends where {expected} "
                "is expected."
            )
        return InvalidParameterError(
            f"Invalid clause(s) in filter string: {self.text[self.token.start :]!r}. "
            f"Here {expected} is expected."
        )

    def finish(self) -> None:
        if self.token is not _END:
            raise self.fail("AND, OR or the end")

    def either(self) -> Node:
        operands = [self.both()]
        while self.take("keyword", "OR"):
            operands.append(self.both())
        return operands[0] if len(operands) == 1 else Or(tuple(operands))

    def both(self) -> Node:
        operands = [self.negation()]
        while self.take("keyword", "AND"):
            operands.append(self.negation())
        return operands[0] if len(operands) == 1 else And(tuple(operands))

    def negation(self) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise InvalidParameterError(
                f"Invalid clause(s) in filter string: it is nested more than {MAX_DEPTH} deep."
            )
        node: Node
        if self.take("keyword", "NOT"):
            node = Not(self.negation())
        elif self.take("mark", "("):
            node = self.either()
            if not self.take("mark", ")"):
                raise self.fail("AND, OR or a closing parenthesis")
        else:
            node = self.comparison()
        self.depth -= 1
        return node

    def comparison(self) -> Comparison:
        self.comparisons += 1
        if self.comparisons > MAX_COMPARISONS:
            raise InvalidParameterError(
                f"Invalid filter string: it has more than {MAX_COMPARISONS} comparisons. "
                "IN ('a', 'b', ...) compares with any number of values at once."
            )
        identifier = self.identifier()
        operator = self.operator()
        is_number = identifier.entity == "param" and self.token.kind == "number"
        if is_number and operator in _AS_NUMBERS:
            return Comparison(identifier, operator, float(self.next().text))
        if operator in _BY_SIZE and identifier.entity == "param" and self.token is _END:
            raise self.fail("a number")
        allowed = self.vocabulary.operators(identifier)
        if operator not in allowed:
            hint = " Numbers are compared without quotes, as in params.lr > 0.01."
            raise InvalidParameterError(
                f"Invalid comparator '{operator}' not one of {list(allowed)} for "
                f"{identifier.entity} '{identifier.key}'."
                + (hint if identifier.entity == "param" and operator in _BY_SIZE else "")
            )
        return Comparison(identifier, operator, self.value(identifier, operator))

    def identifier(self) -> Identifier:
        token = self.token
        if token.kind not in ("path", "word", "quoted"):
            raise self.fail("a name such as metrics.acc, params.lr, tags.kind or status")
        self.index += 1
        if token.kind == "word":
            return self.vocabulary.identifier("attribute", token.text)
        if token.kind == "quoted":
            return self.vocabulary.identifier("attribute", unquote(token.text))
        entity, key, suffix, quoted = split_path(token.text)
        aggregates = self.vocabulary.aggregates
        if aggregates and not quoted and self.vocabulary.entities.get(entity) == "metric":
            head, _, tail = key.rpartition(".")
            if head and tail in (*AGGREGATES, "best"):
                key, suffix = head, tail
        return self.vocabulary.identifier(entity, key, suffix or "")

    def operator(self) -> str:
        start = self.index
        token = self.next()
        if token.kind == "operator":
            return token.text
        if token.kind == "keyword":
            if token.text in ("LIKE", "ILIKE", "IN"):
                return token.text
            if token.text == "NOT" and self.take("keyword", "IN"):
                return "NOT IN"
            if token.text == "IS":
                negated = self.take("keyword", "NOT")
                if self.take("keyword", "NULL"):
                    return "IS NOT NULL" if negated else "IS NULL"
        self.index = start
        raise self.fail("a comparator such as =, !=, >, LIKE, IN or IS NULL")

    def value(self, identifier: Identifier, operator: str) -> Value:
        if operator.endswith("NULL"):
            return None
        if operator.endswith("IN"):
            return self.several(identifier)
        if self.token is _END:
            raise self.fail("a value")
        if self.vocabulary.is_number(identifier):
            return self.number(identifier)
        return self.string(identifier)

    def number(self, identifier: Identifier) -> float:
        token = self.next()
        if token.kind == "number":
            return float(token.text)
        kind = "numeric attribute" if identifier.entity == "attribute" else identifier.entity
        what = kind if kind == "metric" else f"{kind}: {identifier.key}"
        raise InvalidParameterError(
            f"Expected numeric value type for {what}. Found {token.text}. Write it without quotes."
        )

    def string(self, identifier: Identifier) -> str:
        token = self.next()
        status = identifier == Identifier("attribute", "status")
        if token.kind == "string" or (token.kind == "quoted" and token.text[0] == '"'):
            value = unquote(token.text)
        elif status and token.kind == "word":
            value = token.text
        else:
            raise InvalidParameterError(
                "Parameter value is either not quoted or unidentified quote types used for "
                f"string value {token.text}. Use either single or double quotes, as in "
                f"{identifier.entity}.{identifier.key} = '{_unquoted(token)}'."
            )
        if status and value.upper() in STATUS_NAMES:
            return value.upper()
        return value

    def several(self, identifier: Identifier) -> tuple[str, ...] | tuple[float, ...]:
        if not self.take("mark", "("):
            raise self.fail("a list such as ('a', 'b')")
        if identifier.entity == "param" and self.token.kind == "number":
            return self._list(lambda: self.number(identifier))
        return self._list(lambda: self.string(identifier))

    def _list(self, read: Callable[[], _Item]) -> tuple[_Item, ...]:
        values = [read()]
        while self.take("mark", ","):
            values.append(read())
        if not self.take("mark", ")"):
            raise self.fail("a comma or the closing parenthesis of the list")
        return tuple(values)


def _unquoted(token: Token) -> str:
    return token.text if token.kind in ("word", "number") else "value"
