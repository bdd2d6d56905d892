"""Names of a search that nothing in the store has, and which ones were probably meant.

A search for what nobody has logged finds nothing, as in MLflow; who asks from a keyboard wants to
know that it was a typing mistake.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from nbtrack.errors import InvalidParameterError
from nbtrack.store.reader import Reader
from nbtrack.store.search.grammar import parse_filter
from nbtrack.store.search.sql import parse_orders
from nbtrack.store.search.tables import (
    EXPERIMENT_TABLES,
    LOGGED_MODEL_TABLES,
    MODEL_VERSION_TABLES,
    REGISTERED_MODEL_TABLES,
    RUN_TABLES,
    Tables,
)
from nbtrack.store.search.tree import AGGREGATES, And, Comparison, Identifier, Node, Not, Or
from nbtrack.store.search.vocabulary import (
    EXPERIMENTS,
    LOGGED_MODELS,
    MODEL_VERSIONS,
    REGISTERED_MODELS,
    RUNS,
    UnknownAttributeError,
    Vocabulary,
)
from nbtrack.suggestions import closest

_PLAIN = re.compile(r"[\w./:\-]+")
_KEYED = ("metric", "param", "tag")
_MOST_NAMED = 10
_SEARCHED = {
    "run": (RUNS, RUN_TABLES),
    "experiment": (EXPERIMENTS, EXPERIMENT_TABLES),
    "logged model": (LOGGED_MODELS, LOGGED_MODEL_TABLES),
    "registered model": (REGISTERED_MODELS, REGISTERED_MODEL_TABLES),
    "model version": (MODEL_VERSIONS, MODEL_VERSION_TABLES),
}


@dataclass(frozen=True)
class UnknownName:
    """A metric, param or tag that nothing has.

    Attributes
    ----------
    entity : {"metric", "param", "tag"}
    key : str
    meant : str or None
        What was probably meant, as it is written in a filter.
    known : list of str
        The first of those that there are.
    """

    entity: str
    key: str
    meant: str | None
    known: list[str]

    def text(self, owner: str = "run") -> str:
        """Return a message that says what there is not, and what there is.

        Parameters
        ----------
        owner : str
            What is searched.
        """
        said = f"No {owner} has the {self.entity} {self.key!r}."
        if self.meant is not None:
            return f"{said} Did you mean {self.meant}?"
        if not self.known:
            return f"{said} There is no {self.entity} yet."
        more = ", ..." if len(self.known) > _MOST_NAMED else ""
        return f"{said} There are {', '.join(self.known[:_MOST_NAMED])}{more}."


def unknown_names(
    reader: Reader,
    filter_string: str | None = "",
    order_by: Sequence[str] | None = None,
    vocabulary: Vocabulary = RUNS,
    tables: Tables = RUN_TABLES,
    *,
    there: Collection[str] = (),
) -> list[UnknownName]:
    """Return the metrics, params and tags that a search names and nothing in the store has.

    Parameters
    ----------
    reader : Reader
        It has been refreshed for the search.
    filter_string : str, optional
    order_by : list of str, optional
    vocabulary, tables
        What is searched; by default runs.
    there : collection of str
        Names that are known to be there, such as ``metrics.loss``.
    """
    named = list(_identifiers(parse_filter(filter_string, vocabulary)))
    named += [each.identifier for each in parse_orders(order_by, vocabulary)]
    return unknown_keys(
        reader, [each for each in named if f"{each.entity}s.{each.key}" not in there], tables
    )


def meant_names(reader: Reader, searched: str, filter_string: str | None) -> list[str]:
    """Return a sentence for each name of a filter that is like one that is there, and is not there.

    Parameters
    ----------
    reader : Reader
        It has been refreshed for the search.
    searched : {"run", "experiment", "logged model", "registered model", "model version"}
    filter_string : str, optional
    """
    unknown = unknown_names(reader, filter_string, None, *_SEARCHED[searched])
    return [each.text(searched) for each in unknown if each.meant is not None]


def unknown_keys(
    reader: Reader, named: Iterable[Identifier], tables: Tables = RUN_TABLES
) -> list[UnknownName]:
    """Return those of some metrics, params and tags that nothing in the store has."""
    known: dict[str, list[str]] = {}
    found: dict[tuple[str, str], UnknownName] = {}
    for each in named:
        if each.entity not in _KEYED or (each.entity, each.key) in found:
            continue
        if each.entity not in known:
            known[each.entity] = _keys(reader, each.entity, tables)
        keys = known[each.entity]
        if each.key not in keys:
            found[each.entity, each.key] = _unknown(each, keys)
    return list(found.values())


def _unknown(named: Identifier, keys: list[str]) -> UnknownName:
    # metrics.loss.mni is a metric of that name to the grammar
    forms = {key: _written(named.entity, key) for key in keys}
    head, dot, _ = named.key.rpartition(".")
    if named.entity == "metric" and dot and head in keys:
        forms |= {f"{head}.{each}": f"metrics.{head}.{each}" for each in (*AGGREGATES, "best")}
        del forms[head]
    meant = closest(named.key, forms)
    return UnknownName(named.entity, named.key, forms.get(meant or ""), keys[: _MOST_NAMED + 1])


def _identifiers(node: Node | None) -> Iterator[Identifier]:
    if isinstance(node, Comparison):
        if node.operator != "IS NULL":  # asks for what a run has not
            yield node.identifier
    elif isinstance(node, Not):
        yield from _identifiers(node.operand)
    elif isinstance(node, And | Or):
        for each in node.operands:
            yield from _identifiers(each)


def _keys(reader: Reader, entity: str, tables: Tables) -> list[str]:
    table = {"metric": tables.metrics, "param": tables.params, "tag": tables.tags}[entity]
    if not table:
        return []
    return reader.hints("search.keys", table=table)


def _written(entity: str, key: str) -> str:
    shown = key if _PLAIN.fullmatch(key) else "`" + key.replace("`", "``") + "`"
    return f"{entity}s.{shown}"


@contextmanager
def prefix_suggested(reader: Reader, tables: Tables = RUN_TABLES) -> Iterator[None]:
    """Say of an attribute that there is not which metric, param or tag has its name.

    ``val_loss < 0.3`` lacks its prefix; only the store knows which one.
    """
    try:
        yield
    except UnknownAttributeError as error:
        forms: dict[str, str] = {}
        for entity in _KEYED:
            for key in _keys(reader, entity, tables):
                forms.setdefault(key, _written(entity, key))
        if error.key in forms:
            meant = forms[error.key]
        else:
            forms |= {name: name for name in error.attributes}
            meant = forms.get(closest(error.key, forms) or "", "")
        if not meant:
            raise
        raise InvalidParameterError(f"{error.message} Did you mean {meant}?") from None
