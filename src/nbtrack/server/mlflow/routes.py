"""MLflow's endpoints, and what serves each of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbtrack.protocol import endpoints
from nbtrack.protocol.encode import MAX_BYTES
from nbtrack.protocol.endpoints import Endpoint
from nbtrack.server.messages import FileResponse, Request, Response, Route
from nbtrack.server.mlflow import (
    artifacts,
    experiments,
    logged_models,
    logs,
    metrics,
    presigned,
    registry,
    runs,
    service,
)

MAX_BODY = 16 * 1024 * 1024
MAX_FILE = 1 << 40

Handler = Callable[[Any, Any], Response | FileResponse]
Opens = Callable[[Any, Any], Path]
IsQuick = Callable[[Any, Request], bool]


def _routes(
    endpoint: Endpoint,
    handler: Handler,
    *,
    max_body: int = MAX_BODY,
    opens: Opens | None = None,
    is_quick: IsQuick | None = None,
) -> list[Route]:
    return [
        Route(
            method,
            prefix + endpoint.path,
            handler,
            "tracking",
            max_body,
            lambda _request: endpoint.action,
            endpoint.fields,
            opens,
            is_quick,
        )
        for prefix in endpoint.prefixes
        for method in endpoint.methods
    ]


def _is_always_quick(_service: Any, _request: Request) -> bool:
    return True


MLFLOW: tuple[Route, ...] = (
    *_routes(endpoints.CREATE_EXPERIMENT, experiments.create),
    *_routes(endpoints.SEARCH_EXPERIMENTS, experiments.search),
    *_routes(endpoints.GET_EXPERIMENT, experiments.get),
    *_routes(endpoints.GET_EXPERIMENT_BY_NAME, experiments.get_by_name),
    *_routes(endpoints.DELETE_EXPERIMENT, experiments.delete),
    *_routes(endpoints.RESTORE_EXPERIMENT, experiments.restore),
    *_routes(endpoints.UPDATE_EXPERIMENT, experiments.update),
    *_routes(endpoints.SET_EXPERIMENT_TAG, experiments.set_tag),
    *_routes(endpoints.DELETE_EXPERIMENT_TAG, experiments.delete_tag),
    *_routes(endpoints.SEARCH_DATASETS, experiments.search_datasets),
    *_routes(endpoints.CREATE_RUN, runs.create),
    *_routes(endpoints.UPDATE_RUN, runs.update),
    *_routes(endpoints.DELETE_RUN, runs.delete),
    *_routes(endpoints.RESTORE_RUN, runs.restore),
    *_routes(endpoints.GET_RUN, runs.get),
    *_routes(endpoints.SEARCH_RUNS, runs.search),
    *_routes(endpoints.LOG_METRIC, logs.metric, is_quick=logs.is_open),
    *_routes(endpoints.LOG_PARAM, logs.param, is_quick=logs.is_open),
    *_routes(endpoints.SET_TAG, logs.set_tag, is_quick=logs.is_open),
    *_routes(endpoints.DELETE_TAG, logs.delete_tag),
    *_routes(endpoints.LOG_BATCH, logs.batch, max_body=MAX_BYTES, is_quick=logs.is_open),
    *_routes(endpoints.LOG_INPUTS, logs.inputs, is_quick=logs.is_open),
    *_routes(endpoints.LOG_OUTPUTS, logs.outputs, is_quick=logs.is_open),
    *_routes(endpoints.LOG_MODEL, logs.model),
    *_routes(endpoints.GET_HISTORY, metrics.history),
    *_routes(endpoints.GET_HISTORY_BULK, metrics.bulk),
    *_routes(endpoints.GET_HISTORY_BULK_INTERVAL, metrics.bulk_interval),
    *_routes(endpoints.LIST_ARTIFACTS, artifacts.of_run),
    *_routes(endpoints.PRESIGN_UPLOAD, presigned.upload_to_run),
    *_routes(endpoints.PRESIGN_DOWNLOAD, presigned.download_of_run),
    *_routes(endpoints.LIST_PROXIED, artifacts.listing),
    *_routes(endpoints.DOWNLOAD, artifacts.download),
    *_routes(endpoints.UPLOAD, artifacts.upload, max_body=MAX_FILE, opens=artifacts.gathered),
    *_routes(endpoints.DELETE_ARTIFACT, artifacts.delete),
    *_routes(endpoints.START_PARTS, artifacts.start_parts),
    *_routes(
        endpoints.UPLOAD_PART, artifacts.part, max_body=MAX_FILE, opens=artifacts.part_gathered
    ),
    *_routes(endpoints.FINISH_PARTS, artifacts.finish_parts),
    *_routes(endpoints.ABORT_PARTS, artifacts.abort_parts),
    *_routes(endpoints.PRESIGNED, artifacts.presigned_file),
    *_routes(endpoints.GET_ARTIFACT, artifacts.file_of_run),
    *_routes(endpoints.UPLOAD_ARTIFACT, artifacts.put_in_run),
    *_routes(endpoints.CREATE_LOGGED_MODEL, logged_models.create),
    *_routes(endpoints.SEARCH_LOGGED_MODELS, logged_models.search),
    *_routes(endpoints.GET_LOGGED_MODEL, logged_models.get),
    *_routes(endpoints.FINALIZE_LOGGED_MODEL, logged_models.finalize),
    *_routes(endpoints.DELETE_LOGGED_MODEL, logged_models.delete),
    *_routes(endpoints.SET_LOGGED_MODEL_TAGS, logged_models.set_tags),
    *_routes(endpoints.DELETE_LOGGED_MODEL_TAG, logged_models.delete_tag),
    *_routes(endpoints.LOG_LOGGED_MODEL_PARAMS, logged_models.log_params),
    *_routes(endpoints.LIST_LOGGED_MODEL_FILES, logged_models.files),
    *_routes(endpoints.GET_LOGGED_MODEL_FILE, logged_models.file),
    *_routes(endpoints.CREATE_REGISTERED_MODEL, registry.create_model),
    *_routes(endpoints.RENAME_REGISTERED_MODEL, registry.rename_model),
    *_routes(endpoints.UPDATE_REGISTERED_MODEL, registry.update_model),
    *_routes(endpoints.DELETE_REGISTERED_MODEL, registry.delete_model),
    *_routes(endpoints.GET_REGISTERED_MODEL, registry.get_model),
    *_routes(endpoints.SEARCH_REGISTERED_MODELS, registry.search_models),
    *_routes(endpoints.GET_LATEST_VERSIONS, registry.latest_versions),
    *_routes(endpoints.SET_REGISTERED_MODEL_TAG, registry.set_model_tag),
    *_routes(endpoints.DELETE_REGISTERED_MODEL_TAG, registry.delete_model_tag),
    *_routes(endpoints.SET_ALIAS, registry.set_alias),
    *_routes(endpoints.DELETE_ALIAS, registry.delete_alias),
    *_routes(endpoints.GET_VERSION_BY_ALIAS, registry.version_of_alias),
    *_routes(endpoints.CREATE_MODEL_VERSION, registry.create_version),
    *_routes(endpoints.UPDATE_MODEL_VERSION, registry.update_version),
    *_routes(endpoints.TRANSITION_STAGE, registry.transition_stage),
    *_routes(endpoints.DELETE_MODEL_VERSION, registry.delete_version),
    *_routes(endpoints.GET_MODEL_VERSION, registry.get_version),
    *_routes(endpoints.SEARCH_MODEL_VERSIONS, registry.search_versions),
    *_routes(endpoints.GET_DOWNLOAD_URI, registry.download_uri),
    *_routes(endpoints.SET_MODEL_VERSION_TAG, registry.set_version_tag),
    *_routes(endpoints.DELETE_MODEL_VERSION_TAG, registry.delete_version_tag),
    *_routes(endpoints.GET_MODEL_VERSION_ARTIFACT, registry.file_of_version),
    *_routes(endpoints.HEALTH, service.health, is_quick=_is_always_quick),
    *_routes(endpoints.GET_VERSION, service.version, is_quick=_is_always_quick),
    *_routes(endpoints.GET_SERVER_INFO, service.server_info, is_quick=_is_always_quick),
    *_routes(endpoints.ABSENT, service.absent, is_quick=_is_always_quick),
)
