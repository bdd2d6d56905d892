"""Requests of models: the registry as a tree, all of one model, and what changes the registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Protocol, TypeAlias, TypedDict

from nbtrack.entities import ModelVersion
from nbtrack.rpc.model_edits import ModelEdit
from nbtrack.rpc.registry import Topic
from nbtrack.rpc.request import Done, NoParams, Response
from nbtrack.store import Store, get_model_version
from nbtrack.views import previews
from nbtrack.views.formats import json_number
from nbtrack.views.json_types import ModelFacts, ModelState
from nbtrack.views.lineage.page import LineagePage, lineage_page
from nbtrack.views.lineage.query import LineageQuery
from nbtrack.views.metric_names import primary_metric
from nbtrack.views.models.facts import logged_model, model_version
from nbtrack.views.models.predictions import Prediction
from nbtrack.views.models.query import ModelTree, model_tree

REQUESTS = Topic("models")
#: What only the card of a model answers: no server has the model in its memory.
CARD = Topic("model")


@dataclass(frozen=True)
class ModelTreeParams:
    """``filter`` is in the search grammar, or words of the names."""

    filter: str = ""


class MetricValue(TypedDict):
    """A metric; a word stands for a number that is not finite."""

    key: str
    value: float | str | None


class TreeVersion(TypedDict):
    """A version in the tree."""

    version: int
    stage: Annotated[str | None, str]
    aliases: list[str]
    state: ModelState
    model_id: str | None
    run_id: str | None
    run_name: str | None
    created_ms: int
    description: str | None
    metric: MetricValue | None


class TreeModel(TypedDict):
    """A registered model with its latest versions, and those that have an alias or a stage."""

    name: str
    description: str | None
    updated_ms: int
    total: int
    versions: list[TreeVersion]


class RegistryTree(TypedDict):
    """The registry; ``logged`` says how many logged models the store has, registered or not."""

    models: list[TreeModel]
    total: int
    logged: int


@dataclass(frozen=True)
class LoggedModelRef:
    """A logged model."""

    model_id: str


@dataclass(frozen=True)
class VersionRef:
    """A version of a registered model."""

    name: str
    version: int


ModelRef: TypeAlias = LoggedModelRef | VersionRef


@dataclass(frozen=True)
class LoggedModelFile(LoggedModelRef):
    """One of its files."""

    path: str


@dataclass(frozen=True)
class VersionFile(VersionRef):
    """One of its files."""

    path: str


@REQUESTS.reads("tree")
def tree(store: Store, params: ModelTreeParams) -> Response[RegistryTree]:
    """Return the registered models that fit a filter, each with its versions."""
    with store.read() as reader:
        found = model_tree(reader, params.filter)
    rows: list[TreeModel] = [
        {
            "name": row.name,
            "description": row.description or None,
            "updated_ms": row.updated_ms,
            "total": row.total,
            "versions": [_version(each, found) for each in row.versions],
        }
        for row in found.rows
    ]
    return Response({"models": rows, "total": found.total, "logged": found.logged})


@REQUESTS.reads("details")
def details(store: Store, params: ModelRef) -> Response[ModelFacts]:
    """Return all that is known of a version, or of a logged model."""
    return Response(_facts_of(store, params))


@REQUESTS.reads("lineage")
def lineage(store: Store, params: ModelRef) -> Response[LineagePage]:
    """Return where a version, or a logged model, comes from."""
    query = LineageQuery(store, store)
    if isinstance(params, LoggedModelRef):
        found = query.of_model(f"models:/{params.model_id}", params.model_id)
    else:
        with store.read() as reader:
            version = get_model_version(reader, params.name, params.version)
        uri = f"models:/{version.name}/{version.version}"
        found = query.of_model(uri, version.model_id, version.run_id, version)
    return Response(lineage_page(store, found))


@REQUESTS.reads("preview")
def preview(store: Store, params: LoggedModelFile | VersionFile) -> Response[previews.PreviewJson]:
    """Return what there is to see of one file of a model."""
    folder = store.access.folder(_facts_of(store, params)["location"])
    return Response(*previews.preview(folder, params.path).as_response())


@REQUESTS.writes("act")
def act(store: Store, params: ModelEdit) -> Response[Done]:
    """Change the registry."""
    params.apply(store)
    return Response({})


def _facts_of(store: Store, ref: ModelRef) -> ModelFacts:
    if isinstance(ref, LoggedModelRef):
        return logged_model(store, ref.model_id)[0]
    return model_version(store, ref.name, ref.version)[0]


def _version(version: ModelVersion, tree: ModelTree) -> TreeVersion:
    model = tree.models.get(version.model_id or "")
    values = tree.values.get(version.model_id or "", {})
    key = primary_metric(list(values))
    return {
        "version": version.version,
        "stage": version.current_stage,
        "aliases": list(version.aliases),
        "state": "READY" if model is None else str(model.status),
        "model_id": version.model_id,
        "run_id": version.run_id,
        "run_name": tree.run_names.get(version.run_id or ""),
        "created_ms": version.creation_timestamp,
        "description": version.description or None,
        "metric": None if key is None else {"key": key, "value": json_number(values[key].value)},
    }


@dataclass(frozen=True)
class PredictParams:
    """What stands in the form: texts by column, or one text of JSON; and the params by name."""

    fields: Annotated[Any, Mapping[str, str]] = None
    text: Annotated[Any, str] = ""
    params: Annotated[Any, Mapping[str, str]] = None


class Card(Protocol):
    """The card of a model."""

    def refresh(self) -> None:
        """Show what the model is now."""

    def predict(self, given: Mapping[str, Any]) -> Prediction:
        """Return what the model predicts.

        Raises
        ------
        NbtrackError
            If the model cannot be asked so, or fails.
        """


@CARD.reads("refresh")
def refresh(card: Card, params: NoParams) -> Response[Done]:
    """Show what the model is now."""
    card.refresh()
    return Response({})


@CARD.reads("predict")
def predict(card: Card, params: PredictParams) -> Response[Prediction]:
    """Return what the model predicts."""
    return Response(card.predict(vars(params)))
