"""Logged models."""

from __future__ import annotations

import json
from typing import Any

from nbtrack.entities import LoggedModel
from nbtrack.errors import InvalidParameterError
from nbtrack.limits import check_path_like, missing
from nbtrack.protocol import decode, encode
from nbtrack.protocol.fields import MODEL_STATUS_NAMES
from nbtrack.server.messages import FileReply, Reply
from nbtrack.server.mlflow.artifacts import opened
from nbtrack.server.mlflow.places import Target
from nbtrack.server.mlflow.served import Asked, Served
from nbtrack.store import logged_models
from nbtrack.store.registry_edits import VERSIONS_TAG

MAX_RESULTS = 50


def _shown(served: Served, found: LoggedModel) -> encode.Json:
    return encode.logged_model(found, served.places.of_model(found), _registrations(found))


def _registrations(found: LoggedModel) -> list[encode.Json]:
    try:
        listed = json.loads(found.tags.get(VERSIONS_TAG, "[]"))
        return [{"name": str(v["name"]), "version": str(v["version"])} for v in listed]
    except (ValueError, TypeError, KeyError):
        return []


def create(served: Served, asked: Asked) -> Reply:
    """Make a logged model that is PENDING."""
    from nbtrack.tracking.logged_models import initialize

    found = initialize(
        served.store,
        asked["name"] or None,
        run_id=asked["source_run_id"] or None,
        experiment_id=asked["experiment_id"],
        params=decode.tags(asked["params"]),
        tags=decode.tags(asked["tags"]),
        model_type=asked["model_type"] or None,
        use_active=False,
    )
    return Reply({"model": _shown(served, found)})


def get(served: Served, asked: Asked) -> Reply:
    """Return a logged model."""
    with served.store.read() as reader:
        found = logged_models.get_logged_model(
            reader, asked.path["model_id"], deleted=bool(asked["allow_deleted"])
        )
    return Reply({"model": _shown(served, found)})


def finalize(served: Served, asked: Asked) -> Reply:
    """Say how a logged model ended."""
    from nbtrack.tracking import model_edits

    status = MODEL_STATUS_NAMES[asked["status"]]
    if status not in ("READY", "FAILED"):
        raise InvalidParameterError(
            f"Invalid model status: {asked['status']}. Expected statuses: ['READY', 'FAILED']"
        )
    found = model_edits.finalize(served.store, asked.path["model_id"], status)
    return Reply({"model": _shown(served, found)})


def delete(served: Served, asked: Asked) -> Reply:
    """Mark a logged model as deleted."""
    served.store.logged_models.delete(asked.path["model_id"])
    return Reply({})


def set_tags(served: Served, asked: Asked) -> Reply:
    """Set tags."""
    from nbtrack.tracking import model_edits

    model_id = asked.path["model_id"]
    model_edits.set_tags(served.store, model_id, decode.tags(asked["tags"]))
    return Reply({"model": _shown(served, model_edits.get(served.store, model_id))})


def delete_tag(served: Served, asked: Asked) -> Reply:
    """Remove a tag."""
    from nbtrack.tracking import model_edits

    model_edits.delete_tag(served.store, asked.path["model_id"], asked.path["tag_key"])
    return Reply({})


def log_params(served: Served, asked: Asked) -> Reply:
    """Log params."""
    from nbtrack.tracking import model_edits

    params = decode.tags(asked["params"])
    model_edits.log_params(served.store, asked.path["model_id"], params)
    return Reply({})


def search(served: Served, asked: Asked) -> Reply:
    """Return a page of the logged models that fit a filter."""
    from nbtrack.store.search.logged_models import search_logged_models

    if not asked["experiment_ids"]:
        raise missing("experiment_ids")
    limit = asked["max_results"]
    with served.store.read() as reader:
        found = search_logged_models(
            reader,
            asked["experiment_ids"],
            asked["filter"] or None,
            asked["datasets"],
            MAX_RESULTS if limit is None else limit,
            [_order(entry) for entry in asked["order_by"] or ()],
            asked["page_token"] or None,
        )
    listed = [_shown(served, model) for model in found]
    return Reply(encode.omit_none(models=listed, next_page_token=found.token))


def _order(entry: dict[str, Any]) -> dict[str, Any]:
    return {**entry, "ascending": entry["ascending"] is not False}


def _folder(served: Served, asked: Asked) -> Target:
    return Target(asked.path["model_id"], "", True)


def files(served: Served, asked: Asked) -> Reply:
    """List the files of a logged model."""
    with served.store.read() as reader:
        found = logged_models.get_logged_model(reader, asked.path["model_id"])
    path = (asked["artifact_directory_path"] or "").rstrip("/")
    if path:
        check_path_like(path, "artifact_directory_path")
    listed = served.places.folder(_folder(served, asked)).list(path or None)
    return Reply(
        encode.omit_none(root_uri=served.places.of_model(found), files=encode.file_infos(listed))
    )


def file(served: Served, asked: Asked) -> FileReply:
    """Open a file of a logged model, as MLflow's pages do."""
    folder = served.places.folder(_folder(served, asked))
    return opened(folder, asked["artifact_file_path"], asked.range)
