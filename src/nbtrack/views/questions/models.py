"""Questions of models: the registry as a tree, all of one model, and what changes the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from nbtrack.entities import LoggedModel, ModelVersion
from nbtrack.errors import InvalidParameterError
from nbtrack.store import logged_models
from nbtrack.store.registry_edits import ModelSource
from nbtrack.store.store import Store
from nbtrack.views import previews
from nbtrack.views.details.tree_query import number
from nbtrack.views.metric_names import primary_metric
from nbtrack.views.models.facts import latest_metrics, logged_model, model_version
from nbtrack.views.models.query import model_tree
from nbtrack.views.questions.question import Answer, Question

if TYPE_CHECKING:
    from nbtrack.views.questions import Answerer


def tree(store: Store, question: Question) -> Answer:
    """Return the registered models that fit a filter, each with its versions."""
    with store.read() as reader:
        found = model_tree(reader, question.text("filter", ""))
    rows = [
        {
            "name": row.name,
            "description": row.description or None,
            "updated_ms": row.updated_ms,
            "total": row.total,
            "versions": [_version(each, found.models) for each in row.versions],
        }
        for row in found.rows
    ]
    return Answer({"models": rows, "total": found.total, "logged": found.logged})


def details(store: Store, question: Question) -> Answer:
    """Return all that is known of a version, or of a logged model."""
    facts, _ = _facts_of(store, question)
    return Answer(facts)


def preview(store: Store, question: Question) -> Answer:
    """Return what there is to see of one file of a model."""
    facts, _ = _facts_of(store, question)
    found = previews.preview(store.access.folder(facts["location"]), question.text("path"))
    return Answer(*found.as_answer())


def act(store: Store, question: Question) -> Answer:
    """Change the registry; ``action`` is one of those of `ACTIONS`."""
    action = question.text("action")
    if action not in ACTIONS:
        raise InvalidParameterError(f"action is {action!r}; use one of {', '.join(ACTIONS)}.")
    ACTIONS[action](store, question)
    return Answer({})


def _facts_of(store: Store, question: Question) -> tuple[dict[str, Any], Mapping[str, Any]]:
    model_id = question.optional("model_id")
    if model_id is not None:
        return logged_model(store, question.text("model_id"))
    return model_version(store, question.text("name"), question.integer("version"))


def _version(version: ModelVersion, models: Mapping[str, LoggedModel]) -> dict[str, Any]:
    model = models.get(version.model_id or "")
    values = latest_metrics((model.metrics if model is not None else None) or ())
    key = primary_metric(list(values))
    return {
        "version": version.version,
        "stage": version.current_stage,
        "aliases": list(version.aliases),
        "state": "READY" if model is None else str(model.status),
        "model_id": version.model_id,
        "run_id": version.run_id,
        "created_ms": version.creation_timestamp,
        "description": version.description or None,
        "metric": None if key is None else {"key": key, "value": number(values[key])},
    }


def _set_alias(store: Store, asked: Question) -> None:
    store.registry.set_alias(asked.text("name"), asked.text("alias"), asked.integer("version"))


def _delete_alias(store: Store, asked: Question) -> None:
    store.registry.delete_alias(asked.text("name"), asked.text("alias"))


def _stage(store: Store, asked: Question) -> None:
    store.registry.transition_stage(
        asked.text("name"),
        asked.integer("version"),
        asked.text("stage"),
        archive_existing=asked.flag("archive_existing", False),
    )


def _describe(store: Store, asked: Question) -> None:
    name, text = asked.text("name"), asked.text("description")
    if asked.optional("version") is None:
        store.registry.update_model(name, text)
    else:
        store.registry.update_version(name, asked.integer("version"), text)


def _tag(store: Store, asked: Question) -> None:
    name, version = asked.text("name"), asked.integer("version")
    store.registry.set_version_tag(name, version, asked.text("key"), asked.text("value"))


def _untag(store: Store, asked: Question) -> None:
    name, version = asked.text("name"), asked.integer("version")
    store.registry.delete_version_tag(name, version, asked.text("key"))


def _rename(store: Store, asked: Question) -> None:
    store.registry.rename_model(asked.text("name"), asked.text("new_name"))


def _register(store: Store, asked: Question) -> None:
    with store.read() as reader:
        model = logged_models.get_logged_model(reader, asked.text("model_id"))
    source = ModelSource(
        model.model_uri, model.artifact_location, model.source_run_id, model.model_id
    )
    store.registry.create_version(asked.text("name"), source, make_model=True)


def _delete_version(store: Store, asked: Question) -> None:
    store.registry.delete_version(asked.text("name"), asked.integer("version"))


def _delete_model(store: Store, asked: Question) -> None:
    store.registry.delete_model(asked.text("name"))


ACTIONS: Mapping[str, Callable[[Store, Question], None]] = {
    "set_alias": _set_alias,
    "delete_alias": _delete_alias,
    "stage": _stage,
    "describe": _describe,
    "tag": _tag,
    "untag": _untag,
    "register": _register,
    "rename": _rename,
    "delete_version": _delete_version,
    "delete_model": _delete_model,
}

QUESTIONS: Mapping[str, Answerer] = {
    "tree": tree,
    "details": details,
    "preview": preview,
    "act": act,
}
