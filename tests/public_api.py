"""The public API in one text: what users, programs and shells rely on.

``python tests/public_api.py`` writes ``public_api.txt`` anew. It is done on purpose only: what
the text loses, or says differently, is a change that users of nbtrack have to follow.
"""

from __future__ import annotations

import enum
import functools
import importlib
import inspect
import json
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import click

import nbtrack
from nbtrack import errors
from nbtrack.cli.program import program
from nbtrack.protocol.artifact_urls import API
from nbtrack.server.messages import Request, Response
from nbtrack.server.mlflow.dispatch import call_endpoint
from nbtrack.server.mlflow.routes import MLFLOW
from nbtrack.server.mlflow.service import TrackingService
from nbtrack.store.opening import open_file
from nbtrack.variables import ALL
from source_tree import modules

SNAPSHOT = Path(__file__).with_suffix(".txt")
# Beside the modules that ``dir(nbtrack)`` names: where MLflow's users import from.
DEEPER = [
    "nbtrack.entities.model_registry",
    "nbtrack.health",
    "nbtrack.models.model",
    "nbtrack.models.signature",
    "nbtrack.types.schema",
]
# What modules without ``__all__`` have for users.
NAMES = {
    "nbtrack.config": ["enable_async_logging"],
    "nbtrack.models.model": ["Model"],
    "nbtrack.models.signature": ["ModelSignature", "infer_signature"],
    "nbtrack.entities.model_registry": [
        "ModelParam",
        "ModelVersion",
        "ModelVersionTag",
        "RegisteredModel",
        "RegisteredModelAlias",
        "RegisteredModelTag",
    ],
}
# Users pass them on; what they can do is the business of nbtrack.
OPAQUE = {"nbtrack.store.Store"}
# Users get them, and do not make them.
GIVEN = {
    "nbtrack.interop.ExportReport",
    "nbtrack.interop.ImportReport",
    "nbtrack.models.ModelInfo",
    "nbtrack.pyfunc.PyFuncModel",
    "nbtrack.projects.SubmittedRun",
    "nbtrack.store.CompactReport",
    "nbtrack.ActiveModel",
    "nbtrack.ActiveRun",
}
# Programs that nbtrack starts for itself; only it knows their arguments.
INNER_PROGRAMS = {
    "nbtrack.projects.notebook",
    "nbtrack.projects.tracking_server",
    "nbtrack.reruns",
    "nbtrack.views.parquet_child",
}
# Requests that are refused with texts that MLflow's clients and its tests rely on, in this order.
REFUSED: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "experiments/create", {}),
    ("POST", "experiments/create", {"name": "Default"}),
    ("GET", "experiments/get", {"experiment_id": "77"}),
    ("GET", "experiments/get-by-name", {"experiment_name": "x"}),
    ("GET", "runs/get", {"run_id": "abc"}),
    ("POST", "runs/search", {"max_results": "abc"}),
    ("POST", "runs/log-batch", {"run_id": "abc", "metrics": [{"key": "m"}]}),
    ("POST", "runs/log-parameter", {"run_id": "kept", "key": "p", "value": "2"}),
    ("POST", "runs/log-parameter", {"run_id": "kept", "key": "p\n", "value": "2"}),
    ("POST", "runs/log-parameter", {"run_id": "kept", "key": "../p", "value": "2"}),
    ("POST", "runs/log-parameter", {"run_id": "deleted", "key": "p", "value": "2"}),
    ("GET", "registered-models/get", {"name": "x"}),
    ("POST", "registered-models/create", {"name": "net"}),
    ("GET", "model-versions/get", {"name": "x", "version": "2"}),
    ("POST", "model-versions/transition-stage", {"name": "net", "version": "1", "stage": "Prod"}),
    ("GET", "logged-models/{model_id}", {"model_id": "m-1"}),
    ("POST", "{path:path}", {}),
]
VARIABLE = re.compile(r"(?:NBTRACK|MLFLOW)_[A-Z][A-Z0-9_]*")


class Section(NamedTuple):
    """A part of the text; ``lacks`` is the package without which it cannot be told."""

    title: str
    lines: list[str]
    lacks: str | None = None


class Told:
    """What has been told already, and where: the second time it is only named."""

    def __init__(self) -> None:
        self.places: dict[int, str] = {}

    def section(self, name: str) -> Section:
        """Return what a module has for users."""
        try:
            module = importlib.import_module(name)
            names = NAMES.get(name) or set(module.__all__) - public_modules()
            values = {each: getattr(module, each) for each in names}
        except ModuleNotFoundError as error:
            return Section(name, [], error.name)
        for each, value in values.items():  # told under its own name, where it has it
            if getattr(value, "__name__", "") == each:
                self.places.setdefault(id(value), f"{name}.{each}")
        return Section(name, [line for each in sorted(names) for line in self.lines(module, each)])

    def lines(self, module: ModuleType, name: str) -> list[str]:
        """Return what there is to say about one name of a module."""
        value = getattr(module, name)
        if not callable(value):
            return [name if name.startswith("__") else f"{name} = {shown(value)}"]
        place = self.places.setdefault(id(value), f"{module.__name__}.{name}")
        if place != f"{module.__name__}.{name}":
            return [f"{name} is {place}"]
        if not inspect.isclass(value):
            return [name + signature(value)]
        return list(class_lines(place, value))


def sections() -> list[Section]:
    """Return the public API as it is now."""
    told = Told()
    inside = [f"nbtrack.{name}" for name in sorted(public_modules())]
    return [
        *(told.section(name) for name in ["nbtrack", *inside, *DEEPER]),
        Section("errors", list(error_tree(errors.NbtrackError))),
        Section("python -m", programs()),
        Section("commands", list(commands(program, "nbtrack"))),
        Section("environment variables", sorted(variables())),
        Section("messages", list(messages())),
    ]


def show(parts: Iterable[Section]) -> str:
    """Return the text of these sections."""
    return "\n\n".join("\n".join([f"[{part.title}]", *part.lines]) for part in parts) + "\n"


def public_modules() -> set[str]:
    """Return the names of ``nbtrack`` that are modules."""
    return {name for name in nbtrack.__all__ if f"nbtrack.{name}" in modules()}


def class_lines(place: str, kind: type) -> Iterator[str]:
    """Tell about a class: how it is made, and what its instances have."""
    members: dict[str, Any] = {}
    for base in reversed(kind.__mro__):
        if base.__module__.startswith("nbtrack"):
            members |= dict.fromkeys(getattr(base, "__annotations__", ()), ...) | vars(base)
    maker = members.get("__init__", members.get("__new__"))
    is_base = issubclass(kind, enum.Enum) or getattr(kind, "_is_protocol", False)
    is_made = maker is not None and place not in OPAQUE | GIVEN and not is_base
    yield f"class {place.rpartition('.')[2]}{signature(maker, bound=True) if is_made else ''}"
    for member, value in sorted(members.items(), key=lambda each: each[0]):
        is_field = member in getattr(kind, "__dataclass_fields__", ())
        is_public = not member.startswith("_") or member in ("__call__", "__enter__", "__exit__")
        if is_public and place not in OPAQUE:
            yield f"    {member}: attribute" if is_field else f"    {member_line(member, value)}"


def member_line(name: str, value: Any) -> str:
    if isinstance(value, property | functools.cached_property):
        return f"{name}: property"
    if isinstance(value, classmethod | staticmethod):
        kind = "class" if isinstance(value, classmethod) else "static"
        return f"{name}{signature(value.__func__, bound=kind == 'class')} {kind}"
    if inspect.isfunction(value):
        return name + signature(value, bound=True)
    if inspect.isdatadescriptor(value) or value is ...:
        return f"{name}: attribute"
    return f"{name} = {shown(value.value if isinstance(value, enum.Enum) else value)}"


def signature(function: Any, *, bound: bool = False) -> str:
    """Return a signature in the same words on every version of Python."""
    parameters = list(inspect.signature(function).parameters.values())[bound:]
    parts: list[str] = []
    for number, each in enumerate(parameters):
        kinds = [earlier.kind for earlier in parameters[:number]]
        if each.kind is each.KEYWORD_ONLY and not {each.KEYWORD_ONLY, each.VAR_POSITIONAL} & {
            *kinds
        }:
            parts.append("*")
        elif kinds and kinds[-1] is each.POSITIONAL_ONLY is not each.kind:
            parts.append("/")
        stars = {each.VAR_POSITIONAL: "*", each.VAR_KEYWORD: "**"}.get(each.kind, "")
        default = "" if each.default is each.empty else f"={shown(each.default)}"
        parts.append(stars + each.name + default)
    return f"({', '.join(parts)})"


def shown(value: Any) -> str:
    """Return a value, unless it says where in memory it is."""
    if isinstance(value, enum.Enum):
        return f"{type(value).__name__}.{value.name}"
    if value is None or isinstance(value, bool | int | float | str | tuple | frozenset):
        return repr(value)
    return "..."


def error_tree(kind: type[errors.NbtrackError], depth: int = 0) -> Iterator[str]:
    """Tell about an error and those below it: code, status."""
    made = kind("what happened")
    yield f"{'    ' * depth}{kind.__name__} {made.error_code} {made.get_http_status_code()}"
    for below in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
        if below.__module__ == errors.__name__:
            yield from error_tree(below, depth + 1)


def programs() -> list[str]:
    """Return the modules that ``python -m`` runs."""
    return [
        name.removesuffix(".__main__")
        for name, path in modules().items()
        if re.search(r'^if __name__ == "__main__":', path.read_text("utf-8"), re.MULTILINE)
        and name not in INNER_PROGRAMS
    ]


def commands(command: click.Command, name: str) -> Iterator[str]:
    """Tell about a command, its parameters and the commands in it."""
    yield name
    for each in command.params:
        yield "    " + parameter_line(each)
    if isinstance(command, click.Group):
        for inner, below in sorted(command.commands.items()):
            yield from commands(below, f"{name} {inner}")


def parameter_line(each: click.Parameter) -> str:
    spelled = "/".join([*each.opts, *each.secondary_opts])
    if isinstance(each, click.Argument):
        spelled = each.name.upper() if each.name else ""
    choices = (
        f" {'|'.join(map(str, each.type.choices))}" if isinstance(each.type, click.Choice) else ""
    )
    is_flag = isinstance(each, click.Option) and each.is_flag
    told = ["flag" if is_flag else each.type.name + choices]
    told += ["required"] if each.required else []
    told += ["repeated"] if each.multiple or each.nargs != 1 else []
    if isinstance(each.default, str | int | float) and not isinstance(each.default, bool):
        told.append(f"default {each.default!r}")
    return f"{spelled}: {', '.join(told)}"


def variables() -> set[str]:
    """Return the environment variables that are read under names of ours or of MLflow's."""
    return {name for each in ALL for name in each.names if VARIABLE.fullmatch(name)}


def messages() -> Iterator[str]:
    """Tell how the tracking server refuses: the request, the status, the code and the text."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_file(Path(folder, "nbtrack.duckdb"))
        service = TrackingService.of(store)
        kept, deleted = (
            _ask(service, "POST", "runs/create", {"experiment_id": "0"})["run"]["info"]["run_id"]
            for _ in range(2)
        )
        _ask(service, "POST", "runs/log-parameter", {"run_id": kept, "key": "p", "value": "1"})
        _ask(service, "POST", "runs/delete", {"run_id": deleted})
        _ask(service, "POST", "registered-models/create", {"name": "net"})
        for method, path, fields in REFUSED:
            ids = {"run_id": {"kept": kept, "deleted": deleted}.get(fields.get("run_id", ""))}
            given = fields | {name: value for name, value in ids.items() if value}
            told = _ask(service, method, path, given)
            text = told["message"].replace(kept, "kept").replace(deleted, "deleted")
            yield f"{method} {path} {json.dumps(fields)}: {told['error_code']} {text}"
        store.close()


def _ask(service: TrackingService, method: str, path: str, fields: dict[str, Any]) -> Any:
    """Return what the tracking server answers to a request of MLflow's protocol."""
    wanted = (method, f"{API}/{path}" if path.startswith("{") else f"{API}/mlflow/{path}")
    route = next(each for each in MLFLOW if (each.method, each.path) == wanted)
    request = Request(
        body=json.dumps(fields).encode(),
        queries={name: [value] for name, value in fields.items()},
        path=fields,
        content_type="application/json",
    )
    reply = call_endpoint(service, route, request)
    assert isinstance(reply, Response)
    assert not isinstance(reply.body, str)
    return reply.body


if __name__ == "__main__":
    SNAPSHOT.write_text(show(sections()), "utf-8")
