"""MLflow's endpoints: the table that says what is asked where, and with which fields."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbtrack.server.messages import FileReply, Reply, Request
from nbtrack.server.mlflow import (
    artifacts,
    experiments,
    histories,
    information,
    logged_models,
    logs,
    registry,
    runs,
    wire,
)
from nbtrack.server.mlflow.fields import (
    Field,
    Fields,
    each,
    flag,
    message,
    real,
    text,
    texts,
    whole,
)
from nbtrack.server.mlflow.wire import (
    EXPERIMENT_ID,
    FILTER,
    KEY,
    MAX_RESULTS,
    NAME,
    ORDER_BY,
    PAGE_TOKEN,
    PARAMS,
    RUN_ID,
    TAGS,
    VERSION,
)  # fmt: skip
from nbtrack.server.route import Action, Route

MAX_BODY = 16 * 1024 * 1024
MAX_FILE = 1 << 40

Endpoint = Callable[[Any, Any], Reply | FileReply]
Opens = Callable[[Any, Any], Path]
IsQuick = Callable[[Any, Request], bool]


def _action(action: Action) -> Callable[[Request], Action]:
    return lambda _request: action


def _routes(
    action: Action,
    methods: str,
    path: str,
    endpoint: Endpoint,
    *fields: Field,
    prefixes: tuple[str, ...] = (wire.API, wire.AJAX),
    max_body: int = MAX_BODY,
    opens: Opens | None = None,
    is_quick: IsQuick | None = None,
) -> list[Route]:
    return [
        Route(
            method,
            prefix + path,
            endpoint,
            "tracking",
            max_body,
            _action(action),
            fields,
            opens,
            is_quick,
        )
        for prefix in prefixes
        for method in methods.split()
    ]


def _read(
    methods: str, path: str, endpoint: Endpoint, *fields: Field, **options: Any
) -> list[Route]:
    return _routes("read", methods, path, endpoint, *fields, **options)


def _write(
    methods: str, path: str, endpoint: Endpoint, *fields: Field, **options: Any
) -> list[Route]:
    return _routes("write", methods, path, endpoint, *fields, **options)


def _log(path: str, endpoint: Endpoint, *fields: Field, max_body: int = MAX_BODY) -> list[Route]:
    return _write("POST", path, endpoint, *fields, max_body=max_body, is_quick=logs.is_open)


def _is_always_quick(_served: Any, _request: Request) -> bool:
    return True


_VALUE = Field("value", text)
_PATH = Field("path", text, required=True)
_DESCRIPTION = Field("description", text)
_EXPERIMENT_IDS = Field("experiment_ids", texts)
_PARTS = each(message(Field("part_number", whole), Field("etag", text), Field("url", text)))
_METRIC_KEY = Field("metric_key", text, required=True)
_SERVER: dict[str, Any] = {"prefixes": ("",)}
_PAGES: dict[str, Any] = {"prefixes": (wire.AJAX,)}
_SEARCH: Fields = (FILTER, MAX_RESULTS, ORDER_BY, PAGE_TOKEN)

EXPERIMENTS = [
    *_write("POST", "/mlflow/experiments/create", experiments.create,
            NAME, Field("artifact_location", text), TAGS),
    *_read("GET POST", "/mlflow/experiments/search", experiments.search,
           *_SEARCH, Field("view_type", wire.VIEW_TYPE)),
    *_read("GET", "/mlflow/experiments/get", experiments.get, EXPERIMENT_ID),
    *_read("GET", "/mlflow/experiments/get-by-name", experiments.get_by_name,
           Field("experiment_name", text, required=True)),
    *_write("POST", "/mlflow/experiments/delete", experiments.delete, EXPERIMENT_ID),
    *_write("POST", "/mlflow/experiments/restore", experiments.restore, EXPERIMENT_ID),
    *_write("POST", "/mlflow/experiments/update", experiments.update,
            EXPERIMENT_ID, Field("new_name", text)),
    *_write("POST", "/mlflow/experiments/set-experiment-tag", experiments.set_tag,
            EXPERIMENT_ID, KEY, _VALUE),
    *_write("POST", "/mlflow/experiments/delete-experiment-tag", experiments.delete_tag,
            EXPERIMENT_ID, KEY),
    *_read("POST", "/mlflow/experiments/search-datasets", experiments.search_datasets,
           _EXPERIMENT_IDS),
]  # fmt: skip

RUNS = [
    *_write("POST", "/mlflow/runs/create", runs.create,
            Field("experiment_id", text), Field("user_id", text), Field("run_name", text),
            Field("start_time", whole), TAGS),
    *_write("POST", "/mlflow/runs/update", runs.update,
            RUN_ID, Field("status", wire.RUN_STATUS), Field("end_time", whole),
            Field("run_name", text)),
    *_write("POST", "/mlflow/runs/delete", runs.delete, RUN_ID),
    *_write("POST", "/mlflow/runs/restore", runs.restore, RUN_ID),
    *_read("GET", "/mlflow/runs/get", runs.get, RUN_ID),
    *_read("POST", "/mlflow/runs/search", runs.search,
           *_SEARCH, _EXPERIMENT_IDS, Field("run_view_type", wire.VIEW_TYPE)),
    *_log("/mlflow/runs/log-metric", logs.metric,
          RUN_ID, KEY, Field("value", real, required=True),
          Field("timestamp", whole, required=True), Field("step", whole), Field("model_id", text),
          Field("dataset_name", text), Field("dataset_digest", text)),
    *_log("/mlflow/runs/log-parameter", logs.param, RUN_ID, KEY, _VALUE),
    *_log("/mlflow/runs/set-tag", logs.set_tag, RUN_ID, KEY, _VALUE),
    *_write("POST", "/mlflow/runs/delete-tag", logs.delete_tag, RUN_ID, KEY),
    *_log("/mlflow/runs/log-batch", logs.batch,
          RUN_ID, Field("metrics", each(wire.METRIC)), PARAMS, TAGS,
          max_body=logs.MAX_BATCH_BYTES),
    *_log("/mlflow/runs/log-inputs", logs.inputs,
          RUN_ID, Field("datasets", wire.DATASETS), Field("models", wire.MODEL_INPUTS)),
    *_log("/mlflow/runs/outputs", logs.outputs, RUN_ID, Field("models", wire.MODEL_OUTPUTS)),
    *_write("POST", "/mlflow/runs/log-model", logs.model,
            RUN_ID, Field("model_json", text, required=True)),
    *_read("GET", "/mlflow/metrics/get-history", histories.history,
           RUN_ID, _METRIC_KEY, PAGE_TOKEN, MAX_RESULTS),
    *_read("GET", "/mlflow/metrics/get-history-bulk", histories.bulk,
           Field("run_id", texts), Field("metric_key", text), MAX_RESULTS),
    *_read("GET", "/mlflow/metrics/get-history-bulk-interval", histories.bulk_interval,
           Field("run_ids", texts), _METRIC_KEY, Field("start_step", whole),
           Field("end_step", whole), MAX_RESULTS),
]  # fmt: skip

ARTIFACTS = [
    *_read("GET", "/mlflow/artifacts/list", artifacts.of_run,
           RUN_ID, Field("path", text), PAGE_TOKEN),
    *_write("POST", "/mlflow/artifacts/presigned-upload-url", artifacts.no_presigned_for_run),
    *_read("POST", "/mlflow/artifacts/presigned-download-url", artifacts.no_presigned_for_run),
    *_read("GET", "/mlflow-artifacts/artifacts", artifacts.listing, Field("path", text)),
    *_read("GET", "/mlflow-artifacts/artifacts/{path:path}", artifacts.download),
    *_write("PUT", "/mlflow-artifacts/artifacts/{path:path}", artifacts.upload,
            max_body=MAX_FILE, opens=artifacts.gathered),
    *_write("DELETE", "/mlflow-artifacts/artifacts/{path:path}", artifacts.delete),
    *_write("POST", "/mlflow-artifacts/mpu/create/{path:path}", artifacts.start_parts,
            _PATH, Field("num_parts", whole)),
    *_write("PUT", "/mlflow-artifacts/mpu/part/{upload_id}/{number}", artifacts.part,
            max_body=MAX_FILE, opens=artifacts.part_gathered),
    *_write("POST", "/mlflow-artifacts/mpu/complete/{path:path}", artifacts.finish_parts,
            _PATH, Field("upload_id", text), Field("parts", _PARTS)),
    *_write("POST", "/mlflow-artifacts/mpu/abort/{path:path}", artifacts.abort_parts,
            _PATH, Field("upload_id", text)),
    *_read("GET", "/mlflow-artifacts/presigned/{path:path}", artifacts.no_presigned),
    *_read("GET", "/get-artifact", artifacts.file_of_run, RUN_ID, _PATH, **_SERVER),
    *_write("POST", "/mlflow/upload-artifact", artifacts.put_in_run, RUN_ID, _PATH, **_PAGES),
]  # fmt: skip

_MODEL = "/mlflow/logged-models/{model_id}"
LOGGED_MODELS = [
    *_write("POST", "/mlflow/logged-models", logged_models.create,
            EXPERIMENT_ID, Field("name", text), Field("model_type", text),
            Field("source_run_id", text), PARAMS, TAGS),
    *_read("POST", "/mlflow/logged-models/search", logged_models.search,
           *(_EXPERIMENT_IDS, FILTER, MAX_RESULTS, PAGE_TOKEN),
           Field("datasets", wire.SEARCHED_DATASETS), Field("order_by", wire.MODEL_ORDER)),
    *_read("GET", _MODEL, logged_models.get, Field("allow_deleted", flag)),
    *_write("PATCH", _MODEL, logged_models.finalize,
            Field("status", wire.MODEL_STATUS, required=True)),
    *_write("DELETE", _MODEL, logged_models.delete),
    *_write("PATCH", f"{_MODEL}/tags", logged_models.set_tags, TAGS),
    *_write("DELETE", f"{_MODEL}/tags/{{tag_key:path}}", logged_models.delete_tag),
    *_write("POST", f"{_MODEL}/params", logged_models.log_params, PARAMS),
    *_read("GET", f"{_MODEL}/artifacts/directories", logged_models.files,
           Field("artifact_directory_path", text), PAGE_TOKEN),
    *_read("GET", f"{_MODEL}/artifacts/files", logged_models.file,
           Field("artifact_file_path", text, required=True)),
]  # fmt: skip

_ALIAS = Field("alias", text, required=True)
REGISTRY = [
    *_write("POST", "/mlflow/registered-models/create", registry.create_model,
            NAME, TAGS, _DESCRIPTION),
    *_write("POST", "/mlflow/registered-models/rename", registry.rename_model,
            NAME, Field("new_name", text)),
    *_write("PATCH", "/mlflow/registered-models/update", registry.update_model,
            NAME, _DESCRIPTION),
    *_write("DELETE", "/mlflow/registered-models/delete", registry.delete_model, NAME),
    *_read("GET", "/mlflow/registered-models/get", registry.get_model, NAME),
    *_read("GET", "/mlflow/registered-models/search", registry.search_models, *_SEARCH),
    *_read("POST GET", "/mlflow/registered-models/get-latest-versions",
           registry.latest_versions, NAME, Field("stages", texts)),
    *_write("POST", "/mlflow/registered-models/set-tag", registry.set_model_tag,
            NAME, KEY, _VALUE),
    *_write("DELETE", "/mlflow/registered-models/delete-tag", registry.delete_model_tag,
            NAME, KEY),
    *_write("POST", "/mlflow/registered-models/alias", registry.set_alias, NAME, _ALIAS, VERSION),
    *_write("DELETE", "/mlflow/registered-models/alias", registry.delete_alias, NAME, _ALIAS),
    *_read("GET", "/mlflow/registered-models/alias", registry.version_of_alias, NAME, _ALIAS),
    *_write("POST", "/mlflow/model-versions/create", registry.create_version,
            NAME, Field("source", text, required=True), Field("run_id", text), TAGS,
            Field("run_link", text), _DESCRIPTION, Field("model_id", text)),
    *_write("PATCH", "/mlflow/model-versions/update", registry.update_version,
            NAME, VERSION, _DESCRIPTION),
    *_write("POST", "/mlflow/model-versions/transition-stage", registry.set_stage,
            NAME, VERSION, Field("stage", text, required=True),
            Field("archive_existing_versions", flag)),
    *_write("DELETE", "/mlflow/model-versions/delete", registry.delete_version, NAME, VERSION),
    *_read("GET", "/mlflow/model-versions/get", registry.get_version, NAME, VERSION),
    *_read("GET", "/mlflow/model-versions/search", registry.search_versions, *_SEARCH),
    *_read("GET", "/mlflow/model-versions/get-download-uri", registry.download_uri,
           NAME, VERSION),
    *_write("POST", "/mlflow/model-versions/set-tag", registry.set_version_tag,
            NAME, VERSION, KEY, _VALUE),
    *_write("DELETE", "/mlflow/model-versions/delete-tag", registry.delete_version_tag,
            NAME, VERSION, KEY),
    *_read("GET", "/model-versions/get-artifact", registry.file_of_version,
           NAME, VERSION, _PATH, **_SERVER),
]  # fmt: skip

INFORMATION = [
    *_read("GET", "/health", information.health, is_quick=_is_always_quick, **_SERVER),
    *_read("GET", "/version", information.version, is_quick=_is_always_quick, **_SERVER),
    *_read("GET", "/mlflow/server-info", information.server_info, is_quick=_is_always_quick,
           prefixes=(wire.API_3, wire.AJAX_3, wire.API, wire.AJAX)),
]  # fmt: skip

_ANY = "GET POST PUT PATCH DELETE"
ABSENT = [
    *_read(_ANY, "/{path:path}", information.absent, is_quick=_is_always_quick,
           prefixes=(wire.API, wire.AJAX, wire.API_3, wire.AJAX_3)),
]  # fmt: skip

MLFLOW: tuple[Route, ...] = (
    *EXPERIMENTS,
    *RUNS,
    *ARTIFACTS,
    *LOGGED_MODELS,
    *REGISTRY,
    *INFORMATION,
    *ABSENT,
)
