"""From a tree to SQL: fixed fragments, every value bound.

A condition is never NULL, so that NOT, AND and OR mean what they say: what a
run has logged is looked up with ``IN (SELECT ...)``, which is true or false.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store.queries import SQL
from nbtrack.store.search.grammar import parse_order
from nbtrack.store.search.tables import RUN_TABLES, Tables
from nbtrack.store.search.tree import And, Comparison, Identifier, Node, Not, Order
from nbtrack.store.search.vocabulary import Vocabulary

_OPERATORS = {
    "=": "= {}",
    "!=": "!= {}",
    ">": "> {}",
    ">=": ">= {}",
    "<": "< {}",
    "<=": "<= {}",
    "LIKE": "LIKE {}",
    "ILIKE": "ILIKE {}",
    "IN": "IN (SELECT unnest({}::VARCHAR[]))",
    "NOT IN": "NOT IN (SELECT unnest({}::VARCHAR[]))",
    "IS NULL": "IS NULL",
    "IS NOT NULL": "IS NOT NULL",
}
_OF_NUMBERS = {  # a param that is no number is none of them
    "!=": "IS DISTINCT FROM {}",
    "IN": "IN (SELECT unnest({}::DOUBLE[]))",
    "NOT IN": "NOT IN (SELECT unnest({}::DOUBLE[])) IS NOT FALSE",
}
_AGGREGATES = {
    "last": "last_value",
    "min": "min_value",
    "max": "max_value",
    "count": "count::DOUBLE",
}
_DATASET = {
    "name": "name",
    "digest": "digest",
    "context": "json_extract_string(tags, '$.\"mlflow.data.context\"')",
}
PROMPT = Identifier("tag", "mlflow.prompt.is_prompt")


class FilterCompiler:
    """Collects the fragments of one search, and the values they are bound to.

    Parameters
    ----------
    folder : str
        The folder of the store, which relative artifact URIs start at.
    tables : Tables
        What is searched.

    Attributes
    ----------
    values : dict of str to object
        What the ``$names`` of the fragments stand for.
    joins : list of str
        The joins that the order needs; the searched table is ``t``.
    """

    def __init__(self, folder: str, tables: Tables = RUN_TABLES) -> None:
        self.values: dict[str, Any] = {}
        self.joins: list[str] = []
        self._folder = folder
        self._tables = tables
        self._metric_scope = ""

    def only_metrics_of(self, datasets: Sequence[tuple[str, str | None]]) -> str:
        """Let conditions on metrics look at those of some datasets (name, digest); return it."""
        tests = []
        for name, digest in datasets:
            test = f"dataset_name = {self.bind(name)}"
            if digest is not None:
                test = f"{test} AND dataset_digest = {self.bind(digest)}"
            tests.append(f"({test})")
        scope = f"({' OR '.join(tests)})"
        self._metric_scope = f" AND {scope}"
        return SQL["search.of_datasets"].format(test=scope)

    def bind(self, value: Any) -> str:
        """Return the placeholder of a value."""
        name = f"v{len(self.values)}"
        self.values[name] = list(value) if isinstance(value, tuple) else value
        return f"${name}"

    def in_stages(self, stages: list[str]) -> str:
        """Return the condition that the lifecycle stage is one of these."""
        return SQL["search.stages"].format(stages=self.bind(stages))

    def in_experiments(self, experiment_ids: list[str]) -> str:
        """Return the condition that the run is in one of these experiments."""
        return SQL["search.of_experiments"].format(experiments=self.bind(experiment_ids))

    def condition(self, node: Node | None) -> str:
        """Return the SQL condition of a tree; ``true`` for none."""
        if node is None:
            return "true"
        if isinstance(node, Comparison):
            return self._comparison(node)
        if isinstance(node, Not):
            return f"(NOT {self.condition(node.operand)})"
        word = " AND " if isinstance(node, And) else " OR "
        return f"({word.join(map(self.condition, node.operands))})"

    def _comparison(self, node: Comparison) -> str:
        where = node.identifier
        if where.entity == "attribute":
            return f"coalesce({self._test(self._attribute(where.key), node)}, false)"
        if where.entity == "dataset":
            test = self._test(_DATASET[where.key], node)
            return SQL["search.dataset"].format(test=test)
        table, column = self._table(where)
        parts = {
            "outer": self._tables.outer,
            "owner": self._tables.owner,
            "table": table,
            "key": self.bind(where.key),
        }
        if node.operator == "IS NULL":
            return SQL["search.not_logged"].format(**parts, column=column)
        if where == PROMPT and node.operator in ("=", "!="):
            # what has no such tag is no prompt
            found = SQL["search.logged"].format(**parts, test=f"value = {self.bind('true')}")
            return found if (node.operator == "=") == (node.value == "true") else f"(NOT {found})"
        test = self._test(column, node)
        if where.entity == "metric":
            test = f"{test}{self._metric_scope}"
        return SQL["search.logged"].format(**parts, test=test)

    def _test(self, column: str, node: Comparison) -> str:
        numbers = node.value if isinstance(node.value, tuple) else (node.value,)
        by_size = node.identifier.entity == "param" and isinstance(numbers[0], float)
        fragment = (_OF_NUMBERS if by_size else {}).get(node.operator, _OPERATORS[node.operator])
        placeholder = self.bind(node.value) if "{}" in fragment else ""
        if by_size:
            column = f"try_cast({column} AS DOUBLE)"
        test = f"{column} {fragment.format(placeholder)}"
        # DuckDB sorts NaN above every number and equal to itself; here it only differs from all
        if (by_size or node.identifier.entity == "metric") and node.operator in (
            "=",
            ">",
            ">=",
            "<",
            "<=",
        ):
            return f"({test} AND NOT isnan({column}))"
        return test

    def _table(self, identifier: Identifier) -> tuple[str, str]:
        tables = self._tables
        if identifier.entity == "metric":
            column = _AGGREGATES[identifier.aggregate] if tables is RUN_TABLES else "value"
            return tables.metrics, column
        return (tables.params if identifier.entity == "param" else tables.tags), "value"

    def _attribute(self, key: str) -> str:
        fragment = self._tables.attributes[key]
        if "{folder}" in fragment:
            return f"({fragment.format(folder=self.bind(self._folder))})"
        return fragment

    def order(self, orders: Iterable[Order]) -> list[str]:
        """Return the terms of ORDER BY: numbers, then NaN, then what lacks the key."""
        terms: list[str] = []
        for entry in orders:
            where = entry.identifier
            order = "ASC" if entry.ascending else "DESC"
            if where.entity == "attribute":
                terms += self.order_by_attribute(where.key, ascending=entry.ascending)
                continue
            table, column = self._table(where)
            name = f"o{len(self.joins)}"
            self.joins.append(
                SQL["search.order_join"].format(
                    owner=self._tables.owner,
                    table=table,
                    column=column,
                    key=self.bind(where.key),
                    name=name,
                )
            )
            if where.entity == "metric":
                terms.append(f"isnan({name}.value) ASC NULLS LAST")
            terms.append(f"{name}.value {order} NULLS LAST")
        return terms

    def order_by_attribute(self, key: str, *, ascending: bool) -> list[str]:
        """Return the terms of ORDER BY for an attribute: what has none comes last."""
        return [f"{self._attribute(key)} {'ASC' if ascending else 'DESC'} NULLS LAST"]

    def order_by_metric(
        self, key: str, dataset: tuple[str | None, str | None], *, ascending: bool
    ) -> list[str]:
        """Return the terms of ORDER BY for the latest value of a logged model's metric.

        Parameters
        ----------
        key : str
        dataset : (str or None, str or None)
            Only metrics of the dataset of this name, or digest, count.
        ascending : bool
        """
        columns = ("dataset_name", "dataset_digest")
        pairs = zip(columns, dataset, strict=True)
        tests = [f"{column} = {self.bind(text)}" for column, text in pairs if text]
        name = f"o{len(self.joins)}"
        self.joins.append(
            SQL["search.order_by_metric"].format(
                key=self.bind(key), scope=" AND ".join(tests) or "true", name=name
            )
        )
        order = "ASC" if ascending else "DESC"
        return [f"isnan({name}.value) ASC NULLS LAST", f"{name}.value {order} NULLS LAST"]


def parse_orders(order_by: Sequence[str] | None, vocabulary: Vocabulary) -> list[Order]:
    """Return the entries of ``order_by``.

    Raises
    ------
    InvalidParameterError
        If one cannot be parsed, or names what an earlier one has named.
    """
    if isinstance(order_by, str):
        raise InvalidParameterError(
            f"order_by is a list of texts, not one text: write order_by=[{order_by!r}]."
        )
    orders = [parse_order(text, vocabulary) for text in order_by or ()]
    names = [entry.identifier for entry in orders]
    twice = sorted({f"{n.entity}.{n.key}" for n in names if names.count(n) > 1})
    if twice:
        raise InvalidParameterError(
            f"`order_by` contains duplicate fields: {twice}. Name each field once."
        )
    return orders
