"""What a server answers about models goes into the mirror: logged models and the registry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nbtrack.protocol.artifact_urls import proxied_uri
from nbtrack.store.journal import now_ms
from nbtrack.store.reader import Reader
from nbtrack.store.remote.mirror import number_of
from nbtrack.store.remote.outbox import LOCAL_MODEL
from nbtrack.store.remote.spool import Spool

Json = dict[str, Any]
PROMPT = "mlflow.prompt.is_prompt"
STATUSES = {
    "LOGGED_MODEL_PENDING": "PENDING",
    "LOGGED_MODEL_READY": "READY",
    "LOGGED_MODEL_UPLOAD_FAILED": "FAILED",
}
_TABLES = (
    "registered_models",
    "registered_model_tags",
    "registered_model_aliases",
    "model_versions",
    "model_version_tags",
)


def put_models(
    reader: Reader, url: str, spool: Spool, found: Sequence[Json], busy: set[str]
) -> None:
    """Write logged models with params, tags and metrics; not those with a journal here."""
    models = {spool.local_id(str(m["info"]["model_id"])): m for m in found}
    models = {model_id: m for model_id, m in models.items() if model_id not in busy}
    if not models:
        return
    ids = list(models)
    infos = [model["info"] for model in models.values()]
    locations = [proxied_uri(url, str(info.get("artifact_uri") or "")) for info in infos]
    sources = [info.get("source_run_id") for info in infos]
    columns: dict[str, list[Any]] = {
        "model_id": ids,
        "experiment_id": [str(info["experiment_id"]) for info in infos],
        "name": [str(info.get("name") or "") for info in infos],
        "model_type": [info.get("model_type") or None for info in infos],
        "source_run_id": [spool.local_id(source) if source else None for source in sources],
        "status": [STATUSES.get(str(info.get("status")), "UNSPECIFIED") for info in infos],
    }
    reader.named(
        "fold_models.add",
        **columns,
        artifact_location=locations,
        created=[int(info.get("creation_timestamp_ms") or 0) for info in infos],
        host=[None] * len(ids),
        pid=[None] * len(ids),
        started=[None] * len(ids),
        place=[None] * len(ids),
    )
    reader.named(
        "remote.update_models",
        **columns,
        message=[info.get("status_message") for info in infos],
        location=locations,
        updated=[int(info.get("last_updated_timestamp_ms") or 0) for info in infos],
    )
    _put_details(reader, spool, models)


def _put_details(reader: Reader, spool: Spool, models: dict[str, Json]) -> None:
    ids = list(models)
    reader.named("remote.remove_tags_of_models", ids=ids)
    reader.named("remote.remove_metrics_of_models", ids=ids)
    tags = [
        (model_id, str(tag["key"]), str(tag.get("value", "")))
        for model_id, model in models.items()
        for tag in model["info"].get("tags") or ()
        if tag["key"] != LOCAL_MODEL
    ]
    params = [
        (model_id, str(pair["key"]), str(pair.get("value", "")))
        for model_id, model in models.items()
        for pair in (model.get("data") or {}).get("params") or ()
    ]
    for what, rows in (("tags", tags), ("params", params)):
        if rows:
            owners, keys, values = (list(column) for column in zip(*rows, strict=True))
            reader.named(f"fold_models.add_{what}", models=owners, keys=keys, values=values)
    metrics = [
        (
            model_id, str(m["key"]), number_of(m.get("value")), int(m.get("step") or 0),
            int(m.get("timestamp") or 0),
            spool.local_id(str(m["run_id"])) if m.get("run_id") else None,
            m.get("dataset_name"), m.get("dataset_digest"),
        )
        for model_id, model in models.items()
        for m in (model.get("data") or {}).get("metrics") or ()
    ]  # fmt: skip
    if metrics:
        names = (
            "models", "keys", "values", "steps", "times", "runs", "dataset_names",
            "dataset_digests",
        )  # fmt: skip
        columns = [list(column) for column in zip(*metrics, strict=True)]
        reader.named("fold_models.add_metrics", **dict(zip(names, columns, strict=True)))


def drop_missing_models(
    reader: Reader, spool: Spool, experiment_ids: Sequence[str], found: set[str], busy: set[str]
) -> None:
    """Mark logged models of some experiments as deleted that the server has no more."""
    there = {spool.local_id(model_id) for model_id in found} | busy
    for (model_id,) in reader.named("remote.active_models", ids=list(experiment_ids)):
        if model_id not in there:
            reader.named("models.delete", model_id=model_id, now=now_ms())


def put_registry(
    reader: Reader, url: str, spool: Spool, models: Sequence[Json], versions: Sequence[Json]
) -> None:
    """Make the registry that of the server; prompts, which are kept there too, are left out."""
    for table in _TABLES:
        reader.named(f"remote.clear_{table}")
    kept = [m for m in models if _pairs(m.get("tags")).get(PROMPT) != "true"]
    names = {str(model["name"]) for model in kept}
    found = [version for version in versions if str(version["name"]) in names]
    for model in kept:
        name = str(model["name"])
        numbers = [int(v["version"]) for v in found if v["name"] == name]
        reader.named(
            "remote.add_registered_model",
            name=name,
            description=model.get("description") or None,
            greatest=max(numbers, default=0),
            created=int(model.get("creation_timestamp") or 0),
            updated=int(model.get("last_updated_timestamp") or 0),
        )
        for key, value in _pairs(model.get("tags")).items():
            reader.named("registry.add_tag", name=name, key=key, value=value)
        for alias in model.get("aliases") or ():
            reader.named(
                "registry.add_alias",
                name=name,
                alias=str(alias["alias"]),
                version=int(alias["version"]),
            )
    for version in found:
        _put_version(reader, url, spool, version)


def _put_version(reader: Reader, url: str, spool: Spool, version: Json) -> None:
    name, number = str(version["name"]), int(version["version"])
    source = str(version.get("source") or "")
    model_id, run_id = version.get("model_id"), version.get("run_id")
    if not model_id and source.startswith("models:/m-"):
        model_id = source.removeprefix("models:/")
    reader.named(
        "remote.add_model_version",
        name=name,
        version=number,
        stage=str(version.get("current_stage") or "None"),
        description=version.get("description") or None,
        user_id=version.get("user_id"),
        source=source,
        storage=proxied_uri(url, source),
        run_id=spool.local_id(run_id) if run_id else None,
        run_link=version.get("run_link"),
        model_id=spool.local_id(model_id) if model_id else None,
        status=str(version.get("status") or "READY"),
        message=version.get("status_message"),
        created=int(version.get("creation_timestamp") or 0),
        updated=int(version.get("last_updated_timestamp") or 0),
    )
    for key, value in _pairs(version.get("tags")).items():
        reader.named("registry.add_version_tag", name=name, version=number, key=key, value=value)


def _pairs(found: Any) -> dict[str, str]:
    return {str(pair["key"]): str(pair.get("value", "")) for pair in found or ()}
