"""Writes responses of a server into the mirror: logged models and the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion
from nbtrack.protocol import decode
from nbtrack.protocol.artifact_urls import proxied_uri
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Reader
from nbtrack.store.remote.payload import LOCAL_MODEL
from nbtrack.store.remote.sync_state import SyncState

Json = dict[str, Any]
PROMPT = "mlflow.prompt.is_prompt"
_TABLES = (
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
)


def put_models(
    reader: Reader, url: str, sync_state: SyncState, found: Sequence[Json], busy: set[str]
) -> None:
    """Write logged models with params, tags and metrics; not those with a journal here."""
    decoded = map(decode.logged_model, found)
    models = {sync_state.local_id(model.model_id): model for model in decoded}
    models = {model_id: m for model_id, m in models.items() if model_id not in busy}
    if not models:
        return
    ids = list(models)
    locations = [proxied_uri(url, model.artifact_location) for model in models.values()]
    sources = [model.source_run_id for model in models.values()]
    columns: dict[str, list[Any]] = {
        "model_id": ids,
        "experiment_id": [model.experiment_id for model in models.values()],
        "name": [model.name for model in models.values()],
        "model_type": [model.model_type for model in models.values()],
        "source_run_id": [sync_state.local_id(source) if source else None for source in sources],
        "status": [str(model.status) for model in models.values()],
    }
    reader.named(
        "fold_models.add",
        **columns,
        artifact_location=locations,
        created=[model.creation_timestamp for model in models.values()],
        host=[None] * len(ids),
        pid=[None] * len(ids),
        started=[None] * len(ids),
        place=[None] * len(ids),
    )
    reader.named(
        "remote.update_models",
        **columns,
        message=[model.status_message for model in models.values()],
        location=locations,
        updated=[model.last_updated_timestamp for model in models.values()],
    )
    _put_details(reader, sync_state, models)


def _put_details(reader: Reader, sync_state: SyncState, models: dict[str, LoggedModel]) -> None:
    ids = list(models)
    reader.named("remote.remove_tags_of_models", ids=ids)
    reader.named("remote.remove_metrics_of_models", ids=ids)
    tags = [
        (model_id, key, value)
        for model_id, model in models.items()
        for key, value in model.tags.items()
        if key != LOCAL_MODEL
    ]
    params = [(model_id, *pair) for model_id, m in models.items() for pair in m.params.items()]
    for what, rows in (("tags", tags), ("params", params)):
        if rows:
            owners, keys, values = (list(column) for column in zip(*rows, strict=True))
            reader.named(f"fold_models.add_{what}", models=owners, keys=keys, values=values)
    metrics = [
        (
            model_id, m.key, decode.unclamped(m.value), m.step, m.timestamp,
            sync_state.local_id(m.run_id) if m.run_id else None, m.dataset_name, m.dataset_digest,
        )
        for model_id, model in models.items()
        for m in model.metrics or ()
    ]  # fmt: skip
    if metrics:
        names = (
            "models", "keys", "values", "steps", "times", "runs", "dataset_names",
            "dataset_digests",
        )  # fmt: skip
        columns = [list(column) for column in zip(*metrics, strict=True)]
        reader.named("fold_models.add_metrics", **dict(zip(names, columns, strict=True)))


def drop_missing_models(
    reader: Reader,
    sync_state: SyncState,
    experiment_ids: Sequence[str],
    found: set[str],
    busy: set[str],
) -> None:
    """Mark logged models of some experiments as deleted that the server has no more."""
    there = {sync_state.local_id(model_id) for model_id in found} | busy
    for (model_id,) in reader.named("remote.active_models", ids=list(experiment_ids)):
        if model_id not in there:
            reader.named("models.delete", model_id=model_id, now=now_ms())


def put_registry(
    reader: Reader,
    url: str,
    sync_state: SyncState,
    models: Sequence[Json],
    versions: Sequence[Json],
) -> None:
    """Make the registry that of the server; prompts, which are kept there too, are left out."""
    for table in _TABLES:
        reader.named(f"remote.clear_{table}")
    decoded = map(decode.registered_model, models)
    kept = {model.name: model for model in decoded if model.tags.get(PROMPT) != "true"}
    found = [v for v in map(decode.model_version, versions) if v.name in kept]
    for name, model in kept.items():
        reader.named(
            "remote.add_registered_model",
            name=name,
            description=model.description,
            greatest=max((version.version for version in found if version.name == name), default=0),
            created=model.creation_timestamp,
            updated=model.last_updated_timestamp,
        )
        for key, value in model.tags.items():
            reader.named("registry.add_tag", name=name, key=key, value=value)
        for alias, number in model.aliases.items():
            reader.named("registry.add_alias", name=name, alias=alias, version=number)
    for version in found:
        _put_version(reader, url, sync_state, version)


def _put_version(reader: Reader, url: str, sync_state: SyncState, version: ModelVersion) -> None:
    source = version.source or ""
    model_id = version.model_id
    if not model_id and source.startswith("models:/m-"):
        model_id = source.removeprefix("models:/")
    reader.named(
        "remote.add_model_version",
        name=version.name,
        version=version.version,
        stage=version.current_stage,
        description=version.description,
        user_id=version.user_id,
        source=source,
        storage=proxied_uri(url, source),
        run_id=sync_state.local_id(version.run_id) if version.run_id else None,
        run_link=version.run_link,
        model_id=sync_state.local_id(model_id) if model_id else None,
        status=version.status,
        message=version.status_message,
        created=version.creation_timestamp,
        updated=version.last_updated_timestamp,
    )
    for key, value in version.tags.items():
        reader.named(
            "registry.add_version_tag",
            name=version.name,
            version=version.version,
            key=key,
            value=value,
        )
