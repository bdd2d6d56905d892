"""Experiments."""

from __future__ import annotations

import json

from nbtrack.entities import ViewType
from nbtrack.entities.runs import DATA_CONTEXT
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.limits import missing
from nbtrack.protocol import decode, encode
from nbtrack.protocol.artifact_urls import SCHEME
from nbtrack.protocol.fields import VIEW_TYPES
from nbtrack.server.messages import Reply
from nbtrack.server.mlflow.served import Asked, Served
from nbtrack.store import experiments

MAX_DATASETS_OF = 20


def create(served: Served, asked: Asked) -> Reply:
    """Make an experiment."""
    location = asked["artifact_location"]
    if location:
        _check_location(location)
        if location.startswith(f"{SCHEME}:"):
            location = None  # that is where they go anyway
    tags = decode.tags(asked["tags"])
    return Reply({"experiment_id": served.store.experiments.create(asked["name"], location, tags)})


def _check_location(location: str) -> None:
    """Refuse what would lead elsewhere once it is joined with the path of a run."""
    parts = location.replace("\\", "/").split("/")
    if ".." in parts or any(mark in location for mark in "?#") or "%" in location:
        raise InvalidParameterError(
            f"Invalid artifact_location: '{location}'. It is a plain path or URI, without '..', "
            "query or fragment."
        )


def get(served: Served, asked: Asked) -> Reply:
    """Return an experiment by its id."""
    with served.store.read() as reader:
        found = experiments.get(reader, asked["experiment_id"])
    return Reply({"experiment": encode.experiment(found, served.places.of_experiment(found))})


def get_by_name(served: Served, asked: Asked) -> Reply:
    """Return an experiment by its name."""
    name = asked["experiment_name"]
    with served.store.read() as reader:
        found = experiments.find_by_name(reader, name)
    if found is None:
        raise NotFoundError(f"Could not find experiment with name '{name}'")
    return Reply({"experiment": encode.experiment(found, served.places.of_experiment(found))})


def search(served: Served, asked: Asked) -> Reply:
    """Return a page of the experiments that fit a filter."""
    from nbtrack.store.search.experiments import search_experiments

    with served.store.read() as reader:
        found = search_experiments(
            reader,
            view_number(asked["view_type"]),
            asked["max_results"] or 0,
            asked["filter"],
            asked["order_by"],
            asked["page_token"],
        )
    listed = [encode.experiment(each, served.places.of_experiment(each)) for each in found]
    return Reply(encode.omit_none(experiments=listed, next_page_token=found.token))


def view_number(name: str | None) -> int:
    """Return the number of a view type; without one it is ACTIVE_ONLY."""
    return ViewType.ACTIVE_ONLY if name is None else VIEW_TYPES.index(name) + 1


def delete(served: Served, asked: Asked) -> Reply:
    """Mark an experiment as deleted."""
    served.store.experiments.delete(asked["experiment_id"])
    return Reply({})


def restore(served: Served, asked: Asked) -> Reply:
    """Bring an experiment back."""
    served.store.experiments.restore(asked["experiment_id"])
    return Reply({})


def update(served: Served, asked: Asked) -> Reply:
    """Give an experiment another name."""
    if not asked["new_name"]:
        raise missing("new_name")
    served.store.experiments.rename(asked["experiment_id"], asked["new_name"])
    return Reply({})


def set_tag(served: Served, asked: Asked) -> Reply:
    """Set a tag."""
    tag = {asked["key"]: asked["value"] or ""}
    served.store.experiments.set_tags(asked["experiment_id"], tag)
    return Reply({})


def delete_tag(served: Served, asked: Asked) -> Reply:
    """Remove a tag."""
    served.store.experiments.delete_tag(asked["experiment_id"], asked["key"])
    return Reply({})


def search_datasets(served: Served, asked: Asked) -> Reply:
    """Return which datasets the runs of some experiments have read, and in which contexts."""
    ids = asked["experiment_ids"] or []
    if not 1 <= len(ids) <= MAX_DATASETS_OF:
        raise InvalidParameterError(
            "SearchDatasets request must specify at least one experiment_id."
            if not ids
            else f"SearchDatasets request cannot specify more than {MAX_DATASETS_OF} "
            f"experiment_ids. Received {len(ids)} experiment_ids."
        )
    with served.store.read() as reader:
        reader.refresh(runs_of=ids)
        rows = reader.named("experiments.datasets", experiment_ids=ids)
    found = {(*key, json.loads(tags).get(DATA_CONTEXT)): None for *key, tags in rows}
    names = ("experiment_id", "name", "digest", "context")
    summaries = [encode.omit_none(**dict(zip(names, row, strict=True))) for row in found]
    return Reply(encode.omit_none(dataset_summaries=summaries))
