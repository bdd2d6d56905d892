"""What each endpoint takes and answers, for the documentation: from the tables and the code."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from nbtrack.models.scoring.payloads import TO_THE_MODEL
from nbtrack.models.scoring.responses import PREDICTIONS
from nbtrack.models.scoring.shapes import INPUTS, INSTANCES, RECORDS, SPLIT
from nbtrack.protocol.fields import OneOf, Repeated, boolean, double, integer, string
from nbtrack.server.messages import Route
from nbtrack.server.mlflow.routes import MLFLOW
from nbtrack.server.mlflow.service import absent
from nbtrack.server.routes import OURS
from nbtrack.server.scoring.endpoints import ROUTES, invocations

_PLAIN = {string: "text", integer: "whole number", double: "number", boolean: "true or false"}
_FILE, _TEXT = "a file", "text"
_SCORED = {
    SPLIT: "object of columns, data, index",
    RECORDS: "list: object",
    INSTANCES: "list of rows: arrays or objects",
    INPUTS: "array, or object of arrays",
    "params": "object",
    **dict.fromkeys(TO_THE_MODEL, "JSON"),
}


@dataclass(frozen=True)
class EndpointField:
    """A field of a request: its name, what it is, and whether it must be there."""

    name: str
    kind: str
    required: bool


@dataclass(frozen=True)
class DescribedEndpoint:
    """An endpoint as the documentation shows it.

    Attributes
    ----------
    methods : tuple of str
        Of HTTP.
    paths : tuple of str
        Below the address of the server; each has it.
    summary : str
        One sentence.
    fields : tuple of EndpointField
        Of the request: of its JSON body, or of its query.
    answer : tuple of str
        The fields of the JSON that is answered; or ``("a file",)``, ``("text",)``.
    scope : {"tracking", "store", "context", "scoring"}
        ``tracking`` is MLflow's protocol, ``scoring`` a served model; the others are asked by the
        pages of nbtrack.
    """

    methods: tuple[str, ...]
    paths: tuple[str, ...]
    summary: str
    fields: tuple[EndpointField, ...]
    answer: tuple[str, ...]
    scope: str


def describe_endpoints() -> list[DescribedEndpoint]:
    """Return the endpoints of ``nbtrack server``, in the order of their tables."""
    found: dict[Callable[..., Any], list[Route]] = {}
    for route in (*MLFLOW, *OURS):
        if route.endpoint is not absent:
            found.setdefault(route.endpoint, []).append(route)
    return [_described(function, routes) for function, routes in found.items()]


def describe_scoring() -> list[DescribedEndpoint]:
    """Return the endpoints of a served model, in the order of their table."""
    found: dict[Callable[..., Any], list[tuple[str, str]]] = {}
    for path, methods in ROUTES.items():
        for method, endpoint in methods.items():
            found.setdefault(endpoint, []).append((method, path))
    return [
        DescribedEndpoint(
            tuple(dict.fromkeys(method for method, _ in places)),
            tuple(dict.fromkeys(path for _, path in places)),
            _summary(function),
            tuple(EndpointField(name, kind, required=False) for name, kind in _SCORED.items())
            if function is invocations
            else (),
            (PREDICTIONS,) if function is invocations else (_TEXT,),
            "scoring",
        )
        for function, places in found.items()
    ]


def _summary(function: Callable[..., Any]) -> str:
    return (inspect.getdoc(function) or "").split("\n\n")[0].replace("\n", " ")


def _described(function: Callable[..., Any], routes: list[Route]) -> DescribedEndpoint:
    first = routes[0]
    prefix = "" if first.scope == "tracking" else "/nbtrack"
    return DescribedEndpoint(
        tuple(dict.fromkeys(route.method for route in routes)),
        tuple(dict.fromkeys(f"{prefix}{route.path}" for route in routes)),
        _summary(function),
        tuple(
            EndpointField(field.name, kind_of(field.read), field.required) for field in first.fields
        ),
        tuple(dict.fromkeys(_answers(function))),
        first.scope,
    )


def kind_of(read: Callable[..., Any]) -> str:
    """Return in words what a field is."""
    if isinstance(read, OneOf):
        return f"one of {', '.join(read.names)}"
    if isinstance(read, Repeated):
        return f"list: {kind_of(read.read)}"
    if fields := getattr(read, "fields", None):
        return f"object of {', '.join(field.name for field in fields)}"
    return _PLAIN.get(read, "JSON")


def _answers(function: Callable[..., Any]) -> Iterator[str]:
    """Give the names in what a function answers: they stand in its code word for word."""
    space = inspect.getmodule(function)
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for node in ast.walk(tree):
        if not isinstance(node, ast.Return) or not isinstance(node.value, ast.Call):
            continue
        called, given = ast.unparse(node.value.func), node.value.args
        if called == "FileResponse":
            yield _FILE
        elif called == "Response":
            yield from _names(given[0], space)
        elif inspect.isfunction(below := _named(space, called)):
            yield from _answers(below)


def _names(body: ast.expr, space: Any) -> Iterator[str]:
    if isinstance(body, ast.Dict):
        for key in body.keys:
            if isinstance(key, ast.Constant):
                yield str(key.value)
            elif key is not None:  # the name of a constant
                yield str(_named(space, ast.unparse(key)))
    elif isinstance(body, ast.Call):  # encode.omit_none(runs=..., next_page_token=...)
        yield from (word.arg for word in body.keywords if word.arg is not None)
    else:
        yield _TEXT


def _named(space: Any, path: str) -> Any:
    """Return what a module has under a name, such as ``presigned.download``."""
    found = space
    for part in path.split("."):
        found = getattr(found, part, None)
    return found
