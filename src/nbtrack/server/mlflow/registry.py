"""The model registry: registered models, their versions, tags and aliases."""

from __future__ import annotations

from nbtrack.entities import ModelVersion, RegisteredModel
from nbtrack.limits import missing
from nbtrack.protocol import decode, encode
from nbtrack.server.messages import FileReply, Reply
from nbtrack.server.mlflow.artifacts import opened
from nbtrack.server.mlflow.served import Asked, Served
from nbtrack.store import registry

MAX_MODELS = 100
MAX_VERSIONS = 200_000


def _model(served: Served, found: RegisteredModel) -> encode.Json:
    latest = [_version(served, version) for version in found.latest_versions]
    return encode.registered_model(found, latest)


def _version(served: Served, found: ModelVersion) -> encode.Json:
    source = found.source
    if source is not None and not source.startswith(("models:", "runs:")):
        source = served.places.shown(source)
    return encode.model_version(found, source)


def create_model(served: Served, asked: Asked) -> Reply:
    """Make a registered model."""
    tags = decode.tags(asked["tags"])
    made = served.registry.registry.create_model(asked["name"], tags, asked["description"])
    return Reply({"registered_model": _model(served, made)})


def get_model(served: Served, asked: Asked) -> Reply:
    """Return a registered model."""
    with served.registry.read() as reader:
        found = registry.get_registered_model(reader, asked["name"])
    return Reply({"registered_model": _model(served, found)})


def rename_model(served: Served, asked: Asked) -> Reply:
    """Give a registered model another name."""
    if not asked["new_name"]:
        raise missing("new_name")
    found = served.registry.registry.rename_model(asked["name"], asked["new_name"])
    return Reply({"registered_model": _model(served, found)})


def update_model(served: Served, asked: Asked) -> Reply:
    """Give a registered model another description."""
    found = served.registry.registry.update_model(asked["name"], asked["description"])
    return Reply({"registered_model": _model(served, found)})


def delete_model(served: Served, asked: Asked) -> Reply:
    """Remove a registered model."""
    served.registry.registry.delete_model(asked["name"])
    return Reply({})


def search_models(served: Served, asked: Asked) -> Reply:
    """Return a page of the registered models that fit a filter."""
    from nbtrack.store.search.registry import search_registered_models

    limit = asked["max_results"]
    with served.registry.read() as reader:
        found = search_registered_models(
            reader,
            asked["filter"] or None,
            MAX_MODELS if limit is None else limit,
            asked["order_by"],
            asked["page_token"] or None,
        )
    listed = [_model(served, model) for model in found]
    return Reply(encode.omit_none(registered_models=listed, next_page_token=found.token))


def latest_versions(served: Served, asked: Asked) -> Reply:
    """Return the latest version of each stage."""
    with served.registry.read() as reader:
        found = registry.get_latest_versions(reader, asked["name"], asked["stages"])
    return Reply(encode.omit_none(model_versions=[_version(served, version) for version in found]))


def set_model_tag(served: Served, asked: Asked) -> Reply:
    """Set a tag of a registered model."""
    value = asked["value"] or ""
    served.registry.registry.set_model_tag(asked["name"], asked["key"], value)
    return Reply({})


def delete_model_tag(served: Served, asked: Asked) -> Reply:
    """Remove a tag of a registered model."""
    served.registry.registry.delete_model_tag(asked["name"], asked["key"])
    return Reply({})


def set_alias(served: Served, asked: Asked) -> Reply:
    """Let an alias name a version."""
    served.registry.registry.set_alias(asked["name"], asked["alias"], asked["version"])
    return Reply({})


def delete_alias(served: Served, asked: Asked) -> Reply:
    """Remove an alias."""
    served.registry.registry.delete_alias(asked["name"], asked["alias"])
    return Reply({})


def version_of_alias(served: Served, asked: Asked) -> Reply:
    """Return the version that an alias names."""
    with served.registry.read() as reader:
        found = registry.get_by_alias(reader, asked["name"], asked["alias"])
    return Reply({"model_version": _version(served, found)})


def create_version(served: Served, asked: Asked) -> Reply:
    """Make the next version of a registered model."""
    from nbtrack.tracking.registration import Stores, create_model_version

    made = create_model_version(
        Stores(served.store, served.registry),
        asked["name"],
        served.places.inner(asked["source"]),
        asked["run_id"] or None,
        decode.tags(asked["tags"]),
        asked["run_link"] or None,
        asked["description"],
        asked["model_id"] or None,
    )
    return Reply({"model_version": _version(served, made)})


def get_version(served: Served, asked: Asked) -> Reply:
    """Return a version."""
    with served.registry.read() as reader:
        found = registry.get_version(reader, asked["name"], asked["version"])
    return Reply({"model_version": _version(served, found)})


def update_version(served: Served, asked: Asked) -> Reply:
    """Give a version another description."""
    found = served.registry.registry.update_version(
        asked["name"], asked["version"], asked["description"]
    )
    return Reply({"model_version": _version(served, found)})


def set_stage(served: Served, asked: Asked) -> Reply:
    """Move a version to a stage."""
    found = served.registry.registry.transition_stage(
        asked["name"],
        asked["version"],
        asked["stage"],
        archive_existing=bool(asked["archive_existing_versions"]),
    )
    return Reply({"model_version": _version(served, found)})


def delete_version(served: Served, asked: Asked) -> Reply:
    """Remove a version."""
    served.registry.registry.delete_version(asked["name"], asked["version"])
    return Reply({})


def search_versions(served: Served, asked: Asked) -> Reply:
    """Return a page of the model versions that fit a filter."""
    from nbtrack.store.search.registry import search_model_versions

    limit = asked["max_results"]
    with served.registry.read() as reader:
        found = search_model_versions(
            reader,
            asked["filter"] or None,
            MAX_VERSIONS if limit is None else limit,
            asked["order_by"],
            asked["page_token"] or None,
        )
    listed = [_version(served, version) for version in found]
    return Reply(encode.omit_none(model_versions=listed, next_page_token=found.token))


def download_uri(served: Served, asked: Asked) -> Reply:
    """Return where a client finds the files of a version."""
    return Reply({"artifact_uri": served.places.shown(_storage(served, asked))})


def _storage(served: Served, asked: Asked) -> str:
    with served.registry.read() as reader:
        return registry.storage_location(reader, asked["name"], asked["version"])


def file_of_version(served: Served, asked: Asked) -> FileReply:
    """Open a file of a version, as MLflow's pages do."""
    location = served.places.checked(_storage(served, asked))
    folder = served.registry.access.folder(location)
    return opened(folder, asked["path"], asked.range)


def set_version_tag(served: Served, asked: Asked) -> Reply:
    """Set a tag of a version."""
    served.registry.registry.set_version_tag(
        asked["name"], asked["version"], asked["key"], asked["value"] or ""
    )
    return Reply({})


def delete_version_tag(served: Served, asked: Asked) -> Reply:
    """Remove a tag of a version."""
    served.registry.registry.delete_version_tag(asked["name"], asked["version"], asked["key"])
    return Reply({})
