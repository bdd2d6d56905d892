"""Logged models and registered models that come from elsewhere in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from nbtrack.entities import Metric
from nbtrack.store.reader import Reader
from nbtrack.validation import storable


@dataclass
class BulkModel:
    """A logged model as it goes into the database; times in milliseconds since the epoch.

    Attributes
    ----------
    artifact_location : str or None
        As it is stored; None for the usual place.
    """

    model_id: str
    experiment_id: str
    name: str
    model_type: str | None = None
    source_run_id: str | None = None
    status: str = "READY"
    message: str | None = None
    stage: str = "active"
    artifact_location: str | None = None
    created: int = 0
    updated: int = 0
    params: Mapping[str, str] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    metrics: Sequence[Metric] = ()


@dataclass
class BulkVersion:
    """A version of a registered model as it goes into the database."""

    version: int
    source: str
    storage_location: str
    stage: str = "None"
    description: str | None = None
    user_id: str | None = None
    run_id: str | None = None
    run_link: str | None = None
    model_id: str | None = None
    status: str = "READY"
    message: str | None = None
    created: int = 0
    updated: int = 0
    tags: Mapping[str, str] = field(default_factory=dict)


_MODEL = (
    "model_id", "experiment_id", "name", "model_type", "source_run_id", "status", "message",
    "stage", "artifact_location", "created", "updated",
)  # fmt: skip
_VERSION = (
    "version", "source", "storage_location", "stage", "description", "user_id", "run_id",
    "run_link", "model_id", "status", "message", "created", "updated",
)  # fmt: skip


def known_models(reader: Reader, model_ids: Sequence[str]) -> dict[str, tuple[str, str | None]]:
    """Return (experiment, artifact location) of those logged models that are here already."""
    rows = reader.named("bulk_models.known", models=list(model_ids))
    return {model_id: (experiment, location) for model_id, experiment, location in rows}


def add_model(reader: Reader, model: BulkModel) -> None:
    """Add a logged model with its params, tags and metrics; what is here already stays."""
    ours = {name: _text(getattr(model, name)) for name in _MODEL}
    reader.named("bulk_models.add", **ours)
    ended = {name: ours[name] for name in ("model_id", "status", "message")}
    reader.named("bulk_models.finish", **ended)
    for query, pairs in (
        ("fold_models.add_params", model.params),
        ("bulk_models.add_tags", model.tags),
    ):
        if pairs:
            reader.named(
                query,
                models=[model.model_id] * len(pairs),
                keys=[storable(key) for key in pairs],
                values=[storable(value) for value in pairs.values()],
            )
    if model.metrics:
        reader.named(
            "fold_models.add_metrics",
            models=[model.model_id] * len(model.metrics),
            keys=[storable(metric.key) for metric in model.metrics],
            values=[metric.value for metric in model.metrics],
            steps=[metric.step for metric in model.metrics],
            times=[metric.timestamp for metric in model.metrics],
            runs=[metric.run_id for metric in model.metrics],
            dataset_names=[metric.dataset_name for metric in model.metrics],
            dataset_digests=[metric.dataset_digest for metric in model.metrics],
        )


def add_registered_model(
    reader: Reader,
    name: str,
    *,
    description: str | None,
    created: int,
    updated: int,
    tags: Mapping[str, str],
) -> bool:
    """Add a registered model without versions, where there is none; return whether it is new."""
    new = not reader.named("registry.models", names=[name])
    texts = {"name": storable(name), "description": _text(description)}
    reader.named("bulk_models.add_registered", **texts, created=created, updated=updated)
    for key, value in tags.items():
        reader.named("bulk_models.add_registered_tag", name=name, key=key, value=storable(value))
    return new


_READ = (
    "version", "stage", "description", "user_id", "source", "storage_location", "run_id",
    "run_link", "model_id", "status", "message", "created", "updated",
)  # fmt: skip


def read_versions(reader: Reader, name: str) -> list[BulkVersion]:
    """Return the versions of a registered model in the order of their numbers, without tags."""
    rows = reader.named("bulk_models.versions", name=name)
    return [BulkVersion(**dict(zip(_READ, row, strict=True))) for row in rows]


def add_model_version(reader: Reader, name: str, version: BulkVersion) -> bool | None:
    """Add a version under its own number.

    Returns
    -------
    bool or None
        Whether it is new; None where another version has its number here.
    """
    known = {
        each.version: (each.run_id, each.model_id, each.created)
        for each in read_versions(reader, name)
    }
    if version.version in known:
        same = (version.run_id, version.model_id, version.created)
        return False if known[version.version] == same else None
    ours = {field: _text(getattr(version, field)) for field in _VERSION}
    reader.named("bulk_models.add_version", name=name, **ours)
    for key, value in version.tags.items():
        reader.named(
            "bulk_models.add_version_tag",
            name=name,
            version=version.version,
            key=key,
            value=storable(value),
        )
    return True


def finish_registered_model(
    reader: Reader, name: str, *, greatest: int, aliases: Mapping[str, int]
) -> list[str]:
    """Keep given numbers from being given again, and add aliases; return those that are taken."""
    reader.named("bulk_models.keep_numbers", name=name, greatest=greatest)
    kept = {alias: version for _, alias, version in reader.named("registry.aliases", names=[name])}
    for alias, version in aliases.items():
        reader.named("bulk_models.add_alias", name=name, alias=alias, version=version)
    return [alias for alias, version in aliases.items() if kept.get(alias, version) != version]


def _text(value: Any) -> Any:
    return storable(value) if isinstance(value, str) else value
