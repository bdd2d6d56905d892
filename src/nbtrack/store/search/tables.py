"""Where in the database each kind of search finds what filters name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

_RUN = {
    "run_id": "t.run_id",
    "run_name": "t.run_name",
    "user_id": "t.user_id",
    "status": "t.status",
    "artifact_uri": (
        "CASE WHEN contains(t.artifact_uri, ':') OR starts_with(t.artifact_uri, '/') "
        "THEN t.artifact_uri ELSE {folder} || '/' || "
        "coalesce(t.artifact_uri, 'artifacts/' || t.experiment_id || '/' || t.run_id) END"
    ),
    "start_time": "epoch_ms(t.start_time)",
    "end_time": "epoch_ms(t.end_time)",
}
_EXPERIMENT = {
    "name": "t.name",
    "experiment_id": "t.experiment_id",
    "creation_time": "epoch_ms(t.creation_time)",
    "last_update_time": "epoch_ms(t.last_update_time)",
}
_LOGGED_MODEL = {
    "model_id": "t.model_id",
    "name": "t.name",
    "model_type": "t.model_type",
    "status": "t.status",
    "status_message": "t.status_message",
    "source_run_id": "t.source_run_id",
    "experiment_id": "t.experiment_id",
    "artifact_location": (
        "CASE WHEN contains(t.artifact_location, ':') OR starts_with(t.artifact_location, '/') "
        "THEN t.artifact_location ELSE {folder} || '/' || coalesce(t.artifact_location, "
        "'artifacts/' || t.experiment_id || '/models/' || t.model_id || '/artifacts') END"
    ),
    "creation_timestamp": "epoch_ms(t.creation_time)",
    "last_updated_timestamp": "epoch_ms(t.last_updated_time)",
}
_REGISTERED_MODEL = {
    "name": "t.name",
    "creation_timestamp": "epoch_ms(t.creation_time)",
    "last_updated_timestamp": "epoch_ms(t.last_updated_time)",
}
_MODEL_VERSION = {
    "name": "t.name",
    "version_number": "t.version",
    "run_id": "t.run_id",
    "source_path": "t.source",
    "model_id": "t.model_id",
    "user_id": "t.user_id",
    "current_stage": "t.current_stage",
    "creation_timestamp": "epoch_ms(t.creation_time)",
    "last_updated_timestamp": "epoch_ms(t.last_updated_time)",
}


@dataclass(frozen=True)
class Tables:
    """The tables of one kind of search; the searched one is ``t``.

    Attributes
    ----------
    owner : str
        The column by which the others belong to it, or several in parentheses.
    outer : str
        The same, of the searched table.
    attributes : mapping of str to str
        The SQL of each attribute.
    tags, params, metrics : str
        Tables with ``key`` and ``value``.
    """

    owner: str
    outer: str
    attributes: Mapping[str, str]
    tags: str
    params: str = ""
    metrics: str = ""


RUN_TABLES = Tables("run_id", "t.run_id", _RUN, "tags", "params", "series")
EXPERIMENT_TABLES = Tables("experiment_id", "t.experiment_id", _EXPERIMENT, "experiment_tags")
LOGGED_MODEL_TABLES = Tables(
    "model_id",
    "t.model_id",
    _LOGGED_MODEL,
    "logged_model_tags",
    "logged_model_params",
    "logged_model_metrics",
)
REGISTERED_MODEL_TABLES = Tables("name", "t.name", _REGISTERED_MODEL, "registered_model_tags")
MODEL_VERSION_TABLES = Tables(
    "(name, version)", "(t.name, t.version)", _MODEL_VERSION, "model_version_tags"
)
