"""The environment variables that nbtrack reads: one table, for the code and the documentation.

``NBTRACK_*`` comes first, MLflow's name is honoured beside it. An empty variable is not set.
"""

from __future__ import annotations

from nbtrack.environment import Topic, Variable

_places = Topic("Where runs go")
URI = _places.text(
    "NBTRACK_URI",
    "NBTRACK_TRACKING_URI",
    "MLFLOW_TRACKING_URI",
    says="The store: a file, a folder, the URL of a tracking server or of a team's catalog.",
    otherwise="nbtrack.duckdb in the working folder, or the one above it that is there",
)
REGISTRY_URI = _places.text(
    "NBTRACK_REGISTRY_URI",
    "MLFLOW_REGISTRY_URI",
    says="The store whose model registry is used.",
    otherwise="that of the runs",
)
EXPERIMENT_NAME = _places.text(
    "NBTRACK_EXPERIMENT_NAME",
    "MLFLOW_EXPERIMENT_NAME",
    says="The experiment of new runs; it is created if there is none.",
    otherwise="Default",
)
EXPERIMENT_ID = _places.text(
    "NBTRACK_EXPERIMENT_ID", "MLFLOW_EXPERIMENT_ID", says="The same by its id.", otherwise="0"
)
RUN_ID = _places.text(
    "NBTRACK_RUN_ID",
    "MLFLOW_RUN_ID",
    says="The run that the first start_run() continues; it is taken once.",
)
RUN_CONTEXT = _places.text(
    "MLFLOW_RUN_CONTEXT", says="Tags of new runs, as a JSON object.", otherwise="{}"
)
DATA_PATH = _places.text(
    "NBTRACK_DATA_PATH",
    says="Where a new team store puts its data: a shared folder or s3://bucket/path.",
)
REMOTE_DIR = _places.text(
    "NBTRACK_REMOTE_DIR",
    says="The folder where what goes to tracking servers and team stores is kept first.",
    otherwise="remote in the state folder of the user",
)

_recording = Topic("What is recorded and shown")
REDACT = _recording.flag(
    "NBTRACK_REDACT", says="Whether secrets are taken out of what is recorded.", default=True
)
DISPLAY = _recording.text(
    "NBTRACK_DISPLAY",
    says="How runs are shown in a notebook: live, static or off.",
    otherwise="live where a browser shows the notebook, else static",
)
TRUNCATE_LONG_VALUES = _recording.flag(
    "NBTRACK_TRUNCATE_LONG_VALUES",
    "MLFLOW_TRUNCATE_LONG_VALUES",
    says="Whether params and tags that are too long are cut, with a warning, or refused.",
    default=True,
)
ENABLE_ASYNC_LOGGING = _recording.flag(
    "NBTRACK_ENABLE_ASYNC_LOGGING",
    "MLFLOW_ENABLE_ASYNC_LOGGING",
    says="Whether logging calls return a handle where `synchronous` is not given.",
    default=False,
)

_system = Topic("System metrics")
ENABLE_SYSTEM_METRICS_LOGGING = _system.flag(
    "NBTRACK_ENABLE_SYSTEM_METRICS_LOGGING",
    "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING",
    says="Whether runs measure their machine where start_run() does not say.",
    default=False,
)
SYSTEM_METRICS_SAMPLING_INTERVAL = _system.number(
    "NBTRACK_SYSTEM_METRICS_SAMPLING_INTERVAL",
    "MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL",
    says="The time from one measurement to the next.",
    default=10.0,
    unit="seconds",
)
SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING = _system.whole(
    "NBTRACK_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING",
    "MLFLOW_SYSTEM_METRICS_SAMPLES_BEFORE_LOGGING",
    says="How many measurements make one point: their mean.",
    default=1,
    unit="measurements",
)
SYSTEM_METRICS_NODE_ID = _system.text(
    "NBTRACK_SYSTEM_METRICS_NODE_ID",
    "MLFLOW_SYSTEM_METRICS_NODE_ID",
    says="The name of this machine in the metrics of a run that several machines share.",
)

_client = Topic("Logging to a tracking server")
TRACKING_USERNAME = _client.text(
    "NBTRACK_TRACKING_USERNAME", "MLFLOW_TRACKING_USERNAME", says="The user name for the server."
)
TRACKING_PASSWORD = _client.text(
    "NBTRACK_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_PASSWORD",
    says="The password that goes with the user name.",
)
TRACKING_TOKEN = _client.text(
    "NBTRACK_TRACKING_TOKEN",
    "MLFLOW_TRACKING_TOKEN",
    says="The token for the server, where no user name and password are set.",
)
TRACKING_INSECURE_TLS = _client.flag(
    "NBTRACK_TRACKING_INSECURE_TLS",
    "MLFLOW_TRACKING_INSECURE_TLS",
    says="Whether the certificate of the server is not checked.",
    default=False,
)
TRACKING_SERVER_CERT_PATH = _client.text(
    "NBTRACK_TRACKING_SERVER_CERT_PATH",
    "MLFLOW_TRACKING_SERVER_CERT_PATH",
    "REQUESTS_CA_BUNDLE",
    "SSL_CERT_FILE",
    says="A file of certificates by which that of the server is checked.",
    otherwise="those of the system",
)
TRACKING_CLIENT_CERT_PATH = _client.text(
    "NBTRACK_TRACKING_CLIENT_CERT_PATH",
    "MLFLOW_TRACKING_CLIENT_CERT_PATH",
    says="A file with the client's own certificate and its key.",
)
HTTP_REQUEST_TIMEOUT = _client.number(
    "NBTRACK_HTTP_REQUEST_TIMEOUT",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
    says="How long one request may take.",
    default=120.0,
    unit="seconds",
)
HTTP_REQUEST_MAX_RETRIES = _client.whole(
    "NBTRACK_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    says="How often a request is tried again.",
    default=7,
    unit="attempts",
)

_server = Topic("Running a server")
HOST = _server.text(
    "NBTRACK_HOST",
    "MLFLOW_HOST",
    says="The address where `nbtrack server` and `nbtrack ui` listen.",
    otherwise="127.0.0.1",
)
PORT = _server.whole(
    "NBTRACK_PORT", "MLFLOW_PORT", says="Their port; 0 for one that is free.", default=5000
)
SERVER_TOKEN = _server.text(
    "NBTRACK_SERVER_TOKEN",
    says="What clients of the server must have.",
    otherwise="none for the user who starts it, on this machine; for others one is made",
)
SERVER_ALLOWED_HOSTS = _server.text(
    "MLFLOW_SERVER_ALLOWED_HOSTS", says="More names of the server, with commas between them."
)
ARTIFACT_ROOTS = _server.text(
    "NBTRACK_ARTIFACT_ROOTS",
    says="Places of artifacts, with commas between them, that clients may name and the page shows.",
    otherwise="only the server's own",
)
SERVER_PRESIGNED_URLS = _server.flag(
    "NBTRACK_SERVER_PRESIGNED_URLS",
    says="Whether clients that ask get signed URLs of artifacts in object storage.",
    default=True,
)
PRESIGNED_DOWNLOAD_URL_TTL = _server.whole(
    "MLFLOW_PRESIGNED_DOWNLOAD_URL_TTL_SECONDS",
    says="How long such a URL is good for, at most a week.",
    default=300,
    unit="seconds",
)
SERVER_CLIENT_TIMEOUT = _server.number(
    "NBTRACK_SERVER_CLIENT_TIMEOUT",
    says="How long a client may send, or read, nothing, or too little.",
    default=60.0,
    unit="seconds",
)
SERVER_MIN_RATE = _server.number(
    "NBTRACK_SERVER_MIN_RATE",
    says="What is too little.",
    default=4096.0,
    unit="bytes per second",
)
SERVER_BODY_TIMEOUT = _server.number(
    "NBTRACK_SERVER_BODY_TIMEOUT",
    says="How long a file may take to arrive.",
    default=86400.0,
    unit="seconds",
)
DEFAULT_ARTIFACT_ROOT = _server.text(
    "MLFLOW_DEFAULT_ARTIFACT_ROOT",
    says="Where clients put artifacts of new runs themselves: a path or URI that they all reach.",
    otherwise="they are sent through the server",
)
ARTIFACTS_DESTINATION = _server.text(
    "MLFLOW_ARTIFACTS_DESTINATION",
    says="Where the server keeps artifacts that are sent to it.",
    otherwise="beside the store",
)
SERVE_ARTIFACTS = _server.flag(
    "MLFLOW_SERVE_ARTIFACTS", says="Whether artifacts go through the server.", default=True
)
REGISTRY_STORE_URI = _server.text(
    "MLFLOW_REGISTRY_STORE_URI",
    says="The store whose model registry is served.",
    otherwise="the same",
)

_models = Topic("Models")
ACTIVE_MODEL_ID = _models.text(
    "NBTRACK_ACTIVE_MODEL_ID",
    "MLFLOW_ACTIVE_MODEL_ID",
    says="The logged model that metrics belong to.",
)
ALLOW_MODEL_CODE_EXECUTION = _models.flag(
    "MLFLOW_ALLOW_MODEL_CODE_EXECUTION",
    says="If false, no model is loaded that runs code, whatever was trusted.",
    default=True,
)
ALLOW_PICKLE_DESERIALIZATION = _models.flag(
    "MLFLOW_ALLOW_PICKLE_DESERIALIZATION", says="The same; either forbids it.", default=True
)
DEFAULT_PREDICTION_DEVICE = _models.text(
    "MLFLOW_DEFAULT_PREDICTION_DEVICE",
    says="Where PyTorch models are loaded by pyfunc, such as cuda.",
    otherwise="cpu",
)
SERVING_TOKEN = _models.text(
    "NBTRACK_SERVING_TOKEN",
    says="What requests to `nbtrack models serve` must bring.",
    otherwise="none on this machine; for others one is made",
)
SCORING_TIMEOUT = _models.number(
    "NBTRACK_SCORING_SERVER_REQUEST_TIMEOUT",
    "MLFLOW_SCORING_SERVER_REQUEST_TIMEOUT",
    says="How long a request to a served model may take.",
    default=60.0,
    unit="seconds",
)
ENV_ROOT = _models.text(
    "NBTRACK_ENV_ROOT",
    "MLFLOW_ENV_ROOT",
    says="The folder of the environments that projects make.",
    otherwise="envs in the cache folder of the user",
)

_storage = Topic("Object storage")
S3_ENDPOINT_URL = _storage.text(
    "MLFLOW_S3_ENDPOINT_URL",
    "AWS_ENDPOINT_URL_S3",
    "AWS_ENDPOINT_URL",
    says="The address of a storage that speaks S3.",
    otherwise="that of AWS",
)
S3_UPLOAD_EXTRA_ARGS = _storage.text(
    "MLFLOW_S3_UPLOAD_EXTRA_ARGS",
    says="What new objects are given, such as their encryption, as a JSON object.",
)
S3_IGNORE_TLS = _storage.flag(
    "MLFLOW_S3_IGNORE_TLS", says="Whether certificates are not checked.", default=False
)
S3_SIGNATURE_VERSION = _storage.text(
    "MLFLOW_S3_SIGNATURE_VERSION", says="How requests are signed.", otherwise="s3v4"
)
BOTO_CLIENT_ADDRESSING_STYLE = _storage.text(
    "MLFLOW_BOTO_CLIENT_ADDRESSING_STYLE",
    says="Where the name of the bucket stands: path, virtual or auto.",
    otherwise="auto",
)

_inner = Topic("Between processes of nbtrack", internal=True)
ONLY_URI = _inner.text(
    "NBTRACK_ONLY_URI",
    says="The only store of a rerun, whatever its code chooses.",
)
STORES_OF_PARENT = _inner.text(
    "NBTRACK_STORES_OF_PARENT",
    says="Where the process that started a worker of multiprocessing has its stores.",
)
COMPLETE = _inner.text("_NBTRACK_COMPLETE", says="What the completion of a shell asks for.")
TRACKING_AUTH = _inner.text(
    "MLFLOW_TRACKING_AUTH",
    says="Taken from projects that log to a store of this machine.",
)
SUPPRESS_PRINTING_URL = _inner.text(
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT",
    says="Set for projects that use mlflow: the URLs that it prints lead nowhere.",
)

ALL: tuple[Variable[object], ...] = tuple(
    value for value in list(globals().values()) if isinstance(value, Variable)
)
