"""MLflow's endpoints: what is asked where, with which fields, and whether it reads or writes.

The server answers what is in this table, and a client can call nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal
from urllib.parse import quote

from nbtrack.protocol.artifact_urls import API, ARTIFACTS
from nbtrack.protocol.fields import (
    MODEL_STATUSES,
    RUN_STATUSES,
    VIEW_TYPES,
    Field,
    Fields,
    boolean,
    double,
    integer,
    message,
    one_of,
    repeated,
    string,
    strings,
)

PROTOCOL_VERSION = "3.18.0"
"""The version of MLflow whose protocol this is."""

AJAX = "/ajax-api/2.0"
API_3 = "/api/3.0"
AJAX_3 = "/ajax-api/3.0"

_PART = re.compile(r"\{(\w+)(?::path)?\}")


@dataclass(frozen=True)
class Endpoint:
    """One endpoint.

    Attributes
    ----------
    action : {"read", "write"}
    methods : sequence of str
        Of HTTP; a client uses the first.
    path : str
        Below each prefix; ``{name}`` stands for one part of it, ``{name:path}`` for all the rest.
    fields : tuple of Field
        Of the request.
    prefixes : tuple of str
        The APIs that have it: MLflow's pages ask their own.
    """

    action: Literal["read", "write"]
    methods: tuple[str, ...]
    path: str
    fields: Fields = ()
    prefixes: tuple[str, ...] = (API, AJAX)

    @property
    def method(self) -> str:
        """That of a client."""
        return self.methods[0]

    @cached_property
    def parts(self) -> frozenset[str]:
        """The names of the parts of the path."""
        return frozenset(_PART.findall(self.path))

    @cached_property
    def names(self) -> frozenset[str]:
        """The names of all that a request may give: fields, and parts of the path."""
        return self.parts.union(field.name for field in self.fields)

    def place(self, given: Mapping[str, Any]) -> str:
        """Return the path of a request below the server's address, with its parts.

        Parameters
        ----------
        given : mapping
            The fields of the request, and the parts of the path.

        Raises
        ------
        TypeError
            If one of them is not in this table.
        """
        if unknown := given.keys() - self.names:
            raise TypeError(f"{self.path} has no field {min(unknown)!r}")
        path = _PART.sub(lambda part: quote(str(given[part[1]]), safe=""), self.path)
        return self.prefixes[0] + path

    def label(self, given: Mapping[str, Any]) -> str:
        """Return the path as messages say it, such as ``runs/get``."""
        return self.place(given).removeprefix(f"{API}/mlflow/")


def _read(
    methods: str, path: str, *fields: Field, prefixes: tuple[str, ...] = (API, AJAX)
) -> Endpoint:
    return Endpoint("read", tuple(methods.split()), path, fields, prefixes)


def _write(
    methods: str, path: str, *fields: Field, prefixes: tuple[str, ...] = (API, AJAX)
) -> Endpoint:
    return Endpoint("write", tuple(methods.split()), path, fields, prefixes)


# -- fields ------------------------------------------------------------------------------------

RUN_ID = Field("run_id", string, required=True, also="run_uuid")
EXPERIMENT_ID = Field("experiment_id", string, required=True)
MODEL_ID = Field("model_id", string, required=True)
NAME = Field("name", string, required=True)
VERSION = Field("version", string, required=True)
KEY = Field("key", string, required=True)
PAGE_TOKEN = Field("page_token", string)
MAX_RESULTS = Field("max_results", integer)
ORDER_BY = Field("order_by", strings)
FILTER = Field("filter", string)
PAIRS = repeated(message(Field("key", string), Field("value", string)))
TAGS = Field("tags", PAIRS)
PARAMS = Field("params", PAIRS)
VIEW_TYPE = one_of(*VIEW_TYPES)
RUN_STATUS = one_of(*RUN_STATUSES)
MODEL_STATUS = one_of(*MODEL_STATUSES.values(), start=0)
DATASET = message(
    Field("name", string, required=True),
    Field("digest", string, required=True),
    Field("source_type", string, required=True),
    Field("source", string, required=True),
    Field("schema", string),
    Field("profile", string),
)
DATASETS = repeated(message(Field("tags", PAIRS), Field("dataset", DATASET, required=True)))
MODEL_INPUTS = repeated(message(MODEL_ID))
MODEL_OUTPUTS = repeated(message(MODEL_ID, Field("step", integer)))
METRIC = message(
    KEY,
    Field("value", double, required=True),
    Field("timestamp", integer, required=True),
    Field("step", integer),
    Field("model_id", string),
    Field("dataset_name", string),
    Field("dataset_digest", string),
)
SEARCHED_DATASETS = repeated(
    message(Field("dataset_name", string, required=True), Field("dataset_digest", string))
)
MODEL_ORDER = repeated(
    message(
        Field("field_name", string, required=True),
        Field("ascending", boolean),
        Field("dataset_name", string),
        Field("dataset_digest", string),
    )
)
_VALUE = Field("value", string)
_PATH = Field("path", string, required=True)
_DESCRIPTION = Field("description", string)
_EXPERIMENT_IDS = Field("experiment_ids", strings)
_PARTS = repeated(
    message(Field("part_number", integer), Field("etag", string), Field("url", string))
)
_METRIC_KEY = Field("metric_key", string, required=True)
_SEARCH: Fields = (FILTER, MAX_RESULTS, ORDER_BY, PAGE_TOKEN)

# -- experiments -------------------------------------------------------------------------------

CREATE_EXPERIMENT = _write(
    "POST", "/mlflow/experiments/create", NAME, Field("artifact_location", string), TAGS,
)  # fmt: skip
SEARCH_EXPERIMENTS = _read(
    "POST GET", "/mlflow/experiments/search", *_SEARCH, Field("view_type", VIEW_TYPE),
)  # fmt: skip
GET_EXPERIMENT = _read("GET", "/mlflow/experiments/get", EXPERIMENT_ID)
GET_EXPERIMENT_BY_NAME = _read(
    "GET", "/mlflow/experiments/get-by-name", Field("experiment_name", string, required=True),
)  # fmt: skip
DELETE_EXPERIMENT = _write("POST", "/mlflow/experiments/delete", EXPERIMENT_ID)
RESTORE_EXPERIMENT = _write("POST", "/mlflow/experiments/restore", EXPERIMENT_ID)
UPDATE_EXPERIMENT = _write(
    "POST", "/mlflow/experiments/update", EXPERIMENT_ID, Field("new_name", string),
)  # fmt: skip
SET_EXPERIMENT_TAG = _write(
    "POST", "/mlflow/experiments/set-experiment-tag", EXPERIMENT_ID, KEY, _VALUE,
)  # fmt: skip
DELETE_EXPERIMENT_TAG = _write(
    "POST", "/mlflow/experiments/delete-experiment-tag", EXPERIMENT_ID, KEY,
)  # fmt: skip
SEARCH_DATASETS = _read("POST", "/mlflow/experiments/search-datasets", _EXPERIMENT_IDS)

# -- runs --------------------------------------------------------------------------------------

CREATE_RUN = _write(
    "POST", "/mlflow/runs/create", Field("experiment_id", string), Field("user_id", string),
    Field("run_name", string), Field("start_time", integer), TAGS,
)  # fmt: skip
UPDATE_RUN = _write(
    "POST", "/mlflow/runs/update", RUN_ID, Field("status", RUN_STATUS), Field("end_time", integer),
    Field("run_name", string),
)  # fmt: skip
DELETE_RUN = _write("POST", "/mlflow/runs/delete", RUN_ID)
RESTORE_RUN = _write("POST", "/mlflow/runs/restore", RUN_ID)
GET_RUN = _read("GET", "/mlflow/runs/get", RUN_ID)
SEARCH_RUNS = _read(
    "POST", "/mlflow/runs/search", *_SEARCH, _EXPERIMENT_IDS, Field("run_view_type", VIEW_TYPE),
)  # fmt: skip
LOG_METRIC = _write(
    "POST", "/mlflow/runs/log-metric", RUN_ID, KEY, Field("value", double, required=True),
    Field("timestamp", integer, required=True), Field("step", integer), Field("model_id", string),
    Field("dataset_name", string), Field("dataset_digest", string),
)  # fmt: skip
LOG_PARAM = _write("POST", "/mlflow/runs/log-parameter", RUN_ID, KEY, _VALUE)
SET_TAG = _write("POST", "/mlflow/runs/set-tag", RUN_ID, KEY, _VALUE)
DELETE_TAG = _write("POST", "/mlflow/runs/delete-tag", RUN_ID, KEY)
LOG_BATCH = _write(
    "POST", "/mlflow/runs/log-batch", RUN_ID, Field("metrics", repeated(METRIC)), PARAMS, TAGS,
)  # fmt: skip
LOG_INPUTS = _write(
    "POST", "/mlflow/runs/log-inputs", RUN_ID, Field("datasets", DATASETS),
    Field("models", MODEL_INPUTS),
)  # fmt: skip
LOG_OUTPUTS = _write(
    "POST", "/mlflow/runs/outputs", RUN_ID, Field("models", MODEL_OUTPUTS, required=True),
)  # fmt: skip
LOG_MODEL = _write(
    "POST", "/mlflow/runs/log-model", RUN_ID, Field("model_json", string, required=True),
)  # fmt: skip
GET_HISTORY = _read(
    "GET", "/mlflow/metrics/get-history", RUN_ID, _METRIC_KEY, PAGE_TOKEN, MAX_RESULTS,
)  # fmt: skip
GET_HISTORY_BULK = _read(
    "GET", "/mlflow/metrics/get-history-bulk", Field("run_id", strings),
    Field("metric_key", string), MAX_RESULTS,
)  # fmt: skip
GET_HISTORY_BULK_INTERVAL = _read(
    "GET", "/mlflow/metrics/get-history-bulk-interval",
    Field("run_ids", strings, required=True), _METRIC_KEY, Field("start_step", integer),
    Field("end_step", integer), MAX_RESULTS,
)  # fmt: skip

# -- artifacts ---------------------------------------------------------------------------------

LIST_ARTIFACTS = _read("GET", "/mlflow/artifacts/list", RUN_ID, Field("path", string), PAGE_TOKEN)
PRESIGN_UPLOAD = _write(
    "POST", "/mlflow/artifacts/presigned-upload-url", Field("run_id", string), _PATH,
    Field("expiration", integer), Field("model_id", string),
)  # fmt: skip
PRESIGN_DOWNLOAD = _read(
    "POST", "/mlflow/artifacts/presigned-download-url", RUN_ID, _PATH, Field("expiration", integer),
)  # fmt: skip
LIST_PROXIED = _read("GET", ARTIFACTS, Field("path", string))
DOWNLOAD = _read("GET", f"{ARTIFACTS}/{{path:path}}")
UPLOAD = _write("PUT", f"{ARTIFACTS}/{{path:path}}")
DELETE_ARTIFACT = _write("DELETE", f"{ARTIFACTS}/{{path:path}}")
START_PARTS = _write(
    "POST", "/mlflow-artifacts/mpu/create/{path:path}", _PATH, Field("num_parts", integer),
)  # fmt: skip
UPLOAD_PART = _write("PUT", "/mlflow-artifacts/mpu/part/{upload_id}/{number}")
FINISH_PARTS = _write(
    "POST", "/mlflow-artifacts/mpu/complete/{path:path}", _PATH, Field("upload_id", string),
    Field("parts", _PARTS),
)  # fmt: skip
ABORT_PARTS = _write(
    "POST", "/mlflow-artifacts/mpu/abort/{path:path}", _PATH, Field("upload_id", string),
)  # fmt: skip
PRESIGNED = _read("GET", "/mlflow-artifacts/presigned/{path:path}")
GET_ARTIFACT = _read("GET", "/get-artifact", RUN_ID, _PATH, prefixes=("",))
UPLOAD_ARTIFACT = _write(
    "POST", "/mlflow/upload-artifact", Field("run_id", string, also="run_uuid"),
    Field("path", string), prefixes=(AJAX,),
)  # fmt: skip

# -- logged models -----------------------------------------------------------------------------

_MODEL = "/mlflow/logged-models/{model_id}"
CREATE_LOGGED_MODEL = _write(
    "POST", "/mlflow/logged-models", EXPERIMENT_ID, Field("name", string),
    Field("model_type", string), Field("source_run_id", string), PARAMS, TAGS,
)  # fmt: skip
SEARCH_LOGGED_MODELS = _read(
    "POST", "/mlflow/logged-models/search", _EXPERIMENT_IDS, FILTER, MAX_RESULTS, PAGE_TOKEN,
    Field("datasets", SEARCHED_DATASETS), Field("order_by", MODEL_ORDER),
)  # fmt: skip
GET_LOGGED_MODEL = _read("GET", _MODEL, Field("allow_deleted", boolean))
FINALIZE_LOGGED_MODEL = _write("PATCH", _MODEL, Field("status", MODEL_STATUS, required=True))
DELETE_LOGGED_MODEL = _write("DELETE", _MODEL)
SET_LOGGED_MODEL_TAGS = _write("PATCH", f"{_MODEL}/tags", TAGS)
DELETE_LOGGED_MODEL_TAG = _write("DELETE", f"{_MODEL}/tags/{{tag_key:path}}")
LOG_LOGGED_MODEL_PARAMS = _write("POST", f"{_MODEL}/params", PARAMS)
LIST_LOGGED_MODEL_FILES = _read(
    "GET", f"{_MODEL}/artifacts/directories", Field("artifact_directory_path", string), PAGE_TOKEN,
)  # fmt: skip
GET_LOGGED_MODEL_FILE = _read(
    "GET", f"{_MODEL}/artifacts/files", Field("artifact_file_path", string, required=True),
)  # fmt: skip

# -- model registry ----------------------------------------------------------------------------

_ALIAS = Field("alias", string, required=True)
CREATE_REGISTERED_MODEL = _write(
    "POST", "/mlflow/registered-models/create", NAME, TAGS, _DESCRIPTION,
)  # fmt: skip
RENAME_REGISTERED_MODEL = _write(
    "POST", "/mlflow/registered-models/rename", NAME, Field("new_name", string),
)  # fmt: skip
UPDATE_REGISTERED_MODEL = _write("PATCH", "/mlflow/registered-models/update", NAME, _DESCRIPTION)
DELETE_REGISTERED_MODEL = _write("DELETE", "/mlflow/registered-models/delete", NAME)
GET_REGISTERED_MODEL = _read("GET", "/mlflow/registered-models/get", NAME)
SEARCH_REGISTERED_MODELS = _read("GET", "/mlflow/registered-models/search", *_SEARCH)
GET_LATEST_VERSIONS = _read(
    "POST GET", "/mlflow/registered-models/get-latest-versions", NAME, Field("stages", strings),
)  # fmt: skip
SET_REGISTERED_MODEL_TAG = _write("POST", "/mlflow/registered-models/set-tag", NAME, KEY, _VALUE)
DELETE_REGISTERED_MODEL_TAG = _write("DELETE", "/mlflow/registered-models/delete-tag", NAME, KEY)
SET_ALIAS = _write("POST", "/mlflow/registered-models/alias", NAME, _ALIAS, VERSION)
DELETE_ALIAS = _write("DELETE", "/mlflow/registered-models/alias", NAME, _ALIAS)
GET_VERSION_BY_ALIAS = _read("GET", "/mlflow/registered-models/alias", NAME, _ALIAS)
CREATE_MODEL_VERSION = _write(
    "POST", "/mlflow/model-versions/create", NAME, Field("source", string, required=True),
    Field("run_id", string), TAGS, Field("run_link", string), _DESCRIPTION,
    Field("model_id", string),
)  # fmt: skip
UPDATE_MODEL_VERSION = _write("PATCH", "/mlflow/model-versions/update", NAME, VERSION, _DESCRIPTION)
TRANSITION_STAGE = _write(
    "POST", "/mlflow/model-versions/transition-stage", NAME, VERSION,
    Field("stage", string, required=True), Field("archive_existing_versions", boolean),
)  # fmt: skip
DELETE_MODEL_VERSION = _write("DELETE", "/mlflow/model-versions/delete", NAME, VERSION)
GET_MODEL_VERSION = _read("GET", "/mlflow/model-versions/get", NAME, VERSION)
SEARCH_MODEL_VERSIONS = _read("GET", "/mlflow/model-versions/search", *_SEARCH)
GET_DOWNLOAD_URI = _read("GET", "/mlflow/model-versions/get-download-uri", NAME, VERSION)
SET_MODEL_VERSION_TAG = _write("POST", "/mlflow/model-versions/set-tag", NAME, VERSION, KEY, _VALUE)
DELETE_MODEL_VERSION_TAG = _write("DELETE", "/mlflow/model-versions/delete-tag", NAME, VERSION, KEY)
GET_MODEL_VERSION_ARTIFACT = _read(
    "GET", "/model-versions/get-artifact", NAME, VERSION, _PATH, prefixes=("",),
)  # fmt: skip

# -- the server --------------------------------------------------------------------------------

HEALTH = _read("GET", "/health", prefixes=("",))
GET_VERSION = _read("GET", "/version", prefixes=("",))
GET_SERVER_INFO = _read("GET", "/mlflow/server-info", prefixes=(API_3, AJAX_3, API, AJAX))

ABSENT = _read("GET POST PUT PATCH DELETE", "/{path:path}", prefixes=(API, AJAX, API_3, AJAX_3))
