"""What the front end asks for: every request is declared once, and does what it is declared as."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.rpc import access_of, respond, typescript
from nbtrack.rpc.registry import TOPICS, all_requests, topic_of
from nbtrack.rpc.request import parse
from nbtrack.tracking import context
from nbtrack.views.widgets.view import View
from shown_models import log_folder
from view_types import WIDGETS, own_traits, source

SHARED = Path(__file__).parents[1] / "js" / "shared" / "src"
#: Files of the front end, and what makes them.
TYPES: Mapping[str, Callable[[], str]] = {
    "requests.ts": typescript.source,
    "view_data.ts": source,
}

#: Of every request some parameters with which it has something to say, or to do.
PARAMS: Mapping[str, dict[str, Any]] = {
    "chart.runs": {"run_ids": ["$run"]},
    "chart.window": {"run_ids": ["$run"], "keys": ["loss"], "window": [0, 9]},
    "compare.data": {"experiment_ids": ["0"]},
    "compare.diff": {"a": "$run", "b": "$run"},
    "compare.images": {"run_ids": ["$run"]},
    "compare.importance": {"experiment_ids": None, "metric": "loss"},
    "models.act": {"action": "set_alias", "name": "net", "alias": "best", "version": 1},
    "models.details": {"name": "net", "version": 1},
    "models.lineage": {"name": "net", "version": 1},
    "models.preview": {"model_id": "$model", "path": "MLmodel"},
    "models.tree": {},
    "rerun.plan": {"run_id": "$run"},
    "run.artifacts": {"run_id": "$run"},
    "run.details": {"run_id": "$run"},
    "run.found": {"run_id": "$run"},
    "run.images": {"run_id": "$run"},
    "run.lineage": {"run_id": "$run", "metric": "loss"},
    "run.stop_after": {"run_id": "$run"},
    "run.leave_out": {"run_id": "$run", "kind": "param", "key": "guess"},
    "run.loading": {"run_id": "$run"},
    "run.preview": {"run_id": "$run", "path": "note.txt"},
    "run.reproduced": {"run_id": "$run"},
    "run.source": {"run_id": "$run"},
    "store.act": {"action": "note", "experiment_id": "0", "note": "mine"},
    "store.experiments": {},
    "store.hint": {"filter": "metrics.los < 1"},
    "store.tree": {"experiment_id": "0"},
    "table.act": {"action": "archive", "run_ids": ["$run"]},
    "table.columns": {"experiment_ids": ["0"]},
    "table.curves": {"run_ids": ["$run"], "keys": ["loss"]},
    "table.edit": {"run_id": "$run", "column": "note", "value": "mine"},
    "table.export": {"columns": ["run_name", "metrics.loss"], "format": "csv"},
    "table.ids": {"filter": "metrics.loss < 9"},
    "table.remember": {"experiment_ids": ["0"], "name": "mine", "set": {"columns": ["run_name"]}},
    "table.unfinished": {"filter": "metrics.loss <"},
    "table.rows": {"columns": ["run_name", "metrics.loss"], "group": ["params.lr"]},
}


@pytest.fixture
def ids(workdir: Path) -> dict[str, str]:
    """A run with something of everything, and a model that is registered."""
    with nbtrack.start_run() as run:
        nbtrack.log_param("lr", 0.1)
        for step in range(5):
            nbtrack.log_metric("loss", 1 / (step + 1), step=step)
        nbtrack.log_param("guess", 3)
        found = [{"kind": "param", "from": "cell 3", "keys": ["guess", "rest"]}]
        nbtrack.set_tag("nbtrack.found", json.dumps(found))
        nbtrack.log_text("hello", "note.txt")
        model = log_folder("net", run.info.run_id)
    nbtrack.register_model(model.model_uri, "net")
    return {"$run": run.info.run_id, "$model": model.model_id}


def content() -> str:
    """All that the store holds, in its tables and in its folder."""
    store = context.store()
    with store.read() as reader:
        names = [row[0] for row in reader.rows("SELECT table_name FROM duckdb_tables()")]
        rows = {name: reader.rows(f'SELECT * FROM "{name}"') for name in sorted(names)}
    found = {name: sorted(map(repr, table)) for name, table in rows.items()}
    for path in sorted(store.folder.rglob("*")):
        if path.is_file():
            found[str(path)] = [hashlib.sha256(path.read_bytes()).hexdigest()]
    return json.dumps(found, indent=1)


def given(value: Any, ids: Mapping[str, str]) -> Any:
    """Parameters with the ids that they stand for."""
    text = json.dumps(value)
    for name, found in ids.items():
        text = text.replace(name, found)
    return json.loads(text)


def test_every_request_is_tried_here() -> None:
    tried = {
        each.name for each in all_requests() if each.access != "execute"
    }  # test_rerun_requests
    assert sorted(PARAMS) == sorted(tried)


@pytest.mark.parametrize("name", sorted(PARAMS))
def test_a_request_writes_just_when_it_is_declared_so(name: str, ids: dict[str, str]) -> None:
    request = {"type": name, **given(PARAMS[name], ids)}
    before = content()
    respond(context.store(), request)
    changed = content() != before
    assert access_of(request) == ("write" if changed else "read")


@pytest.mark.parametrize("name", TYPES)
def test_the_types_of_the_front_end_are_those_of_python(name: str) -> None:
    assert (SHARED / name).read_text("utf-8") == TYPES[name](), "python tests/test_rpc.py makes it"


def views(base: type[View] = View) -> list[type[View]]:
    """All views of the package, without the classes that anywidget makes of them for instances."""
    own = [base] if getattr(sys.modules[base.__module__], base.__name__, None) is base else []
    own = [each for each in own if each.__module__.startswith("nbtrack.")]
    return [*own, *(view for each in base.__subclasses__() for view in views(each))]


def test_the_page_knows_every_widget_that_has_traits() -> None:
    assert {view for view in views() if own_traits(view)} == set(WIDGETS)


def test_names_begin_with_their_topic() -> None:
    for name in TOPICS:
        assert topic_of(name).name == name
        for verb, declared in topic_of(name).requests.items():
            assert declared.name == f"{name}.{verb}"


def test_what_nobody_has_declared_is_refused(workdir: Path) -> None:
    for name in ("store.drop", "drop", ""):
        with pytest.raises(InvalidParameterError, match=f"There is no question '{name}'"):
            access_of({"type": name})
        with pytest.raises(InvalidParameterError, match=f"There is no question '{name}'"):
            respond(context.store(), {"type": name})
    with pytest.raises(InvalidParameterError, match="The question has no type; it needs a text"):
        respond(context.store(), {})


@dataclass(frozen=True)
class Wanted:
    text: str
    number: float = 1.0
    count: int | None = None
    flag: bool = False
    way: Literal["up", "down"] = "up"
    names: list[str] = field(default_factory=list)
    pairs: Annotated[list[Any], list[tuple[str, int]]] = field(default_factory=list)
    by_name: Mapping[str, str] | None = None


def test_parameters_are_what_they_have_to_be() -> None:
    assert parse(Wanted, {"text": "a", "type": "x.y", "more": 1}) == Wanted("a")
    found = parse(Wanted, {"text": "", "number": 2, "count": None, "pairs": [1], "way": "down"})
    assert found == Wanted("", 2.0, pairs=[1], way="down")


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("text", None, "text is None; a text is needed."),
        ("number", True, "number is True; a number is needed."),
        ("number", float("inf"), "number is inf; a finite number is needed."),
        ("count", 1.5, "count is 1.5; a whole number is needed."),
        ("flag", 1, "flag is 1; true or false is needed."),
        ("way", "left", "way is 'left'; use one of up, down."),
        ("way", 3, "way is 3; a text is needed."),
        ("names", "a", "names is 'a'; a list of texts is needed."),
        ("names", ["a", 1], "names has 1 in it; only texts are allowed."),
        ("pairs", "a", "pairs is 'a'; a list is needed."),
        ("by_name", [], "by_name is \\[\\]; an object is needed."),
    ],
)
def test_other_parameters_are_refused(field: str, value: Any, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        parse(Wanted, {"text": "a", field: value})


@dataclass(frozen=True)
class Named:
    name: str


@dataclass(frozen=True)
class Numbered:
    number: int


@dataclass(frozen=True)
class Add:
    action: Literal["add"]
    number: int


@dataclass(frozen=True)
class Drop:
    action: Literal["drop", "forget"]


def test_of_several_kinds_the_fields_say_which_one_is_meant() -> None:
    either: Any = Named | Numbered
    assert parse(either, {"name": "a", "number": 1}) == Named("a")
    assert parse(either, {"name": None, "number": 1}) == Numbered(1)
    with pytest.raises(InvalidParameterError, match="The question has no number"):
        parse(either, {})
    change: Any = Add | Drop
    assert parse(change, {"action": "forget"}) == Drop("forget")
    with pytest.raises(InvalidParameterError, match="action is 'x'; use one of add, drop, forget"):
        parse(change, {"action": "x"})


if __name__ == "__main__":
    for file, make in TYPES.items():
        (SHARED / file).write_text(make(), "utf-8")
