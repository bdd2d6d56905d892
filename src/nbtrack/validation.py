"""What a key, a name, a value may look like: MLflow's rules and wording."""

from __future__ import annotations

import math
import os
import posixpath
import re
import sys
from collections.abc import Mapping
from typing import Any

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.redaction.values import without_secret

MAX_KEY = 250
MAX_PARAM_VALUE = 6000
MAX_TAG_VALUE = 8000
MAX_EXPERIMENT_TAG_VALUE = 20000
MAX_EXPERIMENT_NAME = 500
MAX_DATASET_NAME = 500
MAX_DATASET_DIGEST = 36
MAX_BATCH = 1000
MAX_BATCH_PARAMS = 100
MAX_BATCH_TAGS = 100
MAX_SEARCH_RESULTS = 50000

MAX_ALIAS = 255
MAX_REGISTRY_TAG_VALUE = 100_000
MAX_ARTIFACT_LOCATION = 2048
MAX_TIME_MS = 253_402_300_799_999  # the end of the year 9999
INT64_MAX = 2**63 - 1
_SECONDS = (1_000_000_000, 10_000_000_000)  # of the years 2001 to 2286

_NOT_IN_KEYS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_RUN_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,255}")
_EXPERIMENT_ID = re.compile(r"[a-zA-Z0-9][\w\-]{0,63}")
_ALIAS = re.compile(r"[\w\-]*")
_ALIAS_OF_VERSION = re.compile(r"[vV]\d+")
ALL_STAGES = ("None", "Staging", "Production", "Archived")
ACTIVE_STAGES = ("Staging", "Production")
_MAX_INT = int(sys.float_info.max)
_URI = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]+):")

SEE_DOCS = "See the API docs for more information about request parameters."


def missing(parameter: str) -> InvalidParameterError:
    """Return the error for a required parameter that was not given."""
    return InvalidParameterError(f"Missing value for required parameter '{parameter}'. {SEE_DOCS}")


def invalid(parameter: str, value: object, why: str) -> InvalidParameterError:
    """Return the error for a value that cannot be used for a parameter."""
    text = str(value)
    shown = text if len(text) <= 300 else f"{text[:60]}... ({len(text)} characters)"
    return InvalidParameterError(
        f"Invalid value \"{shown}\" for parameter '{parameter}' supplied: {why}"
    )


def check_key(key: Any, what: str = "key") -> str:
    """Return ``key`` when it may name a metric, a param or a tag.

    Parameters
    ----------
    key : str
        Text without control characters, at most 250 characters; a normal relative path
        when read as one. MLflow's servers take fewer: letters, digits, ``_ - . : /`` and
        spaces; what they refuse is left out when it is sent, and said.
    what : str
        How the message calls it, such as ``metrics[0].name``.

    Raises
    ------
    InvalidParameterError
        With MLflow's wording.
    """
    if not isinstance(key, str) or not key:
        if key is None or key == "":
            raise missing(what)
        raise invalid(what, key, f"Names must be text, not {type(key).__name__}.")
    if _NOT_IN_KEYS.search(key):
        raise invalid(what, repr(key)[1:-1], "Names may not contain line breaks or other controls.")
    check_path_like(key, what)
    if len(key) > MAX_KEY:
        raise invalid(what, key, f"'{what}' exceeds the maximum length of {MAX_KEY} characters")
    return key


def pairs_of(what: str, given: Any) -> list[tuple[Any, Any]]:
    """Return what a mapping, or an iterable of pairs, holds."""
    try:
        return [(k, v) for k, v in (given.items() if hasattr(given, "items") else given)]
    except (TypeError, ValueError):
        hint = ": vars() of it is one" if hasattr(given, "__dict__") else ""
        raise InvalidParameterError(
            f"{what} must be a mapping of names to values; got {type(given).__name__}{hint}."
        ) from None


def check_path_like(name: str, what: str) -> None:
    """Refuse a name that would mean another place when read as a path."""
    normal = posixpath.normpath(name)
    if normal != name or normal == "." or normal.startswith(("..", "/")):
        raise invalid(
            what,
            name,
            "Names may be treated as files in certain cases, and must not resolve to other names "
            f"when treated as such. This name would resolve to {normal!r}",
        )


def check_run_id(run_id: Any) -> str:
    """Return ``run_id`` when it has the form of one."""
    if not run_id:
        raise missing("run_id")
    if not isinstance(run_id, str) or not _RUN_ID.fullmatch(run_id):
        raise invalid("run_id", run_id, "A run has an id such as search_runs shows it.")
    return run_id


def check_experiment_id(experiment_id: Any) -> str:
    """Return ``experiment_id`` as text when it has the form of one."""
    if experiment_id is None or experiment_id == "":
        raise missing("experiment_id")
    text = str(experiment_id)
    if not _EXPERIMENT_ID.fullmatch(text):
        raise InvalidParameterError(f"Invalid experiment ID: {experiment_id!r}")
    return text


def check_experiment_name(name: Any) -> str:
    """Return ``name`` when it may name an experiment."""
    if name is None or name == "":
        raise InvalidParameterError("Invalid experiment name: ''. Give a name that is not empty.")
    if not isinstance(name, str):
        raise InvalidParameterError(f"Invalid experiment name: {name!r}. Expects a string.")
    if len(name) > MAX_EXPERIMENT_NAME:
        raise InvalidParameterError(
            f"'name' exceeds the maximum length of {MAX_EXPERIMENT_NAME} characters: the "
            f"experiment's has {len(name)}."
        )
    return storable(name)


def check_artifact_location(location: Any) -> str | None:
    """Return where an experiment keeps its artifacts: a URI, or an absolute path; or None."""
    if location is None or location == "":
        return None
    text = storable(os.fspath(location))
    scheme = _URI.match(text)
    if scheme is not None and scheme.group(1).lower() == "runs":
        raise invalid("artifact_location", text, "Give a folder, or a URI such as s3://bucket/x.")
    if len(text) > MAX_ARTIFACT_LOCATION:
        raise invalid(
            "artifact_location", text, f"At most {MAX_ARTIFACT_LOCATION} characters are kept."
        )
    return text if scheme is not None else os.path.abspath(os.path.expanduser(text))


def dataset_fields(given: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the fields of a dataset as text.

    Raises
    ------
    InvalidParameterError
        If one that must be there is empty, or name or digest are too long.
    """
    fields = {name: None if v is None else storable(str(v)) for name, v in given.items()}
    for name in ("source", "profile"):
        if text := fields.get(name):
            fields[name] = without_secret(f"dataset.{name}", text, "Field")
    for name, limit in (
        ("name", MAX_DATASET_NAME),
        ("digest", MAX_DATASET_DIGEST),
        ("source_type", None),
        ("source", None),
    ):
        text = fields.get(name)
        if not text:
            raise missing(name)
        if limit is not None and len(text) > limit:
            raise InvalidParameterError(
                f"'{name}' exceeds the maximum length of {limit} characters: "
                f"the dataset's has {len(text)}."
            )
    return fields


def check_step(step: Any) -> int:
    """Return ``step`` as an integer; whole floats and NumPy integers are fine."""
    if type(step) is int:
        if -INT64_MAX - 1 <= step <= INT64_MAX:
            return step
        raise invalid("step", step, "A step must fit in 64 bits.")
    if step is None:
        return 0
    try:
        number = float(step)
    except (TypeError, ValueError):
        number = math.nan
    if isinstance(step, str) or not number.is_integer():
        raise invalid("step", step, "A step must be a whole number.")
    return check_step(int(step))


def check_timestamp(timestamp: Any, name: str = "timestamp") -> int:
    """Return ``timestamp``, in milliseconds since the epoch, as an integer."""
    try:
        if isinstance(timestamp, str):
            raise TypeError
        value = int(timestamp)
    except (TypeError, ValueError, OverflowError):
        raise invalid(
            name, timestamp, "Times are whole numbers of milliseconds since 1970."
        ) from None
    if not 0 <= value <= MAX_TIME_MS:
        raise invalid(
            name,
            timestamp,
            "Times are nonnegative milliseconds since 1970, before the year 10000.",
        )
    if _SECONDS[0] <= value < _SECONDS[1]:
        warn(
            f"{name}={timestamp!r} is in January to April 1970 when read as milliseconds, which it "
            "is; it looks like seconds. Give milliseconds: int(time.time() * 1000).",
            stacklevel=4,
        )
    return value


def metric_value(key: str, value: Any) -> float:
    """Return a metric's value as a float.

    Numbers, booleans, numeric text, and 0-d or one-element arrays and tensors
    of any library are fine.

    Raises
    ------
    InvalidParameterError
        If the value is no single number.
    """
    if isinstance(value, int) and abs(value) > _MAX_INT:
        raise invalid("value", value, f"Metric '{key}' is too large for a 64-bit float.")
    # item() comes first: float() of an array, or of a tensor with a gradient, warns
    item = getattr(value, "item", None)
    if item is not None and hasattr(value, "filled") and _is_masked(value):
        return math.nan
    try:
        return float(value if item is None else item())
    except Exception:  # noqa: BLE001  any library's scalar may fail in its own way
        pass
    shape = getattr(value, "shape", None)
    hint = f" of shape {tuple(shape)}" if shape is not None else ""
    raise invalid(
        "value",
        value if len(repr(value)) < 80 else type(value).__name__,
        f"Metric '{key}' needs a single number; got {type(value).__name__}{hint}. "
        "Log one number, such as its mean.",
    )


def _is_masked(array: Any) -> bool:
    """Return whether a masked array of NumPy hides its only value."""
    mask = array.mask
    return bool(mask.all() if hasattr(mask, "all") else mask)


def param_value(key: str, value: Any) -> str:
    """Return a param's value as text, at most 6,000 characters."""
    return _text(key, value, MAX_PARAM_VALUE, "Param")


def tag_value(key: str, value: Any) -> str:
    """Return a tag's value as text, at most 8,000 characters."""
    return _text(key, value, MAX_TAG_VALUE, "Tag")


def experiment_tag_value(key: str, value: Any) -> str:
    """Return the value of an experiment's tag as text; more than 20,000 characters are refused."""
    text = without_secret(key, storable(str(value)), "Tag")
    if len(text) > MAX_EXPERIMENT_TAG_VALUE:
        raise InvalidParameterError(
            f"'value' exceeds the maximum length of {MAX_EXPERIMENT_TAG_VALUE} characters: that of "
            f"experiment tag '{key}' has {len(text)}."
        )
    return text


def registry_tag_value(key: str, value: Any) -> str:
    """Return the value of a tag of the registry as text, at most 100,000 characters."""
    text = without_secret(key, storable(str(value)), "Tag")
    if len(text) > MAX_REGISTRY_TAG_VALUE:
        raise InvalidParameterError(
            f"'value' exceeds the maximum length of {MAX_REGISTRY_TAG_VALUE} characters: that of "
            f"tag '{key}' has {len(text)}. Log it as an artifact instead."
        )
    return text


def check_model_name(name: Any, what: str = "name") -> str:
    """Return ``name`` when it may name a registered model."""
    if name is None or not str(name).strip():
        raise missing(what)
    if not isinstance(name, str) or "/" in name or ":" in name:
        raise InvalidParameterError(
            f"Invalid model name '{name}'. Names cannot contain '/' or ':'. Use dashes or dots."
        )
    check_path_like(name, what)
    return storable(name)


def check_version(version: Any) -> int:
    """Return the number of a model version."""
    try:
        if isinstance(version, bool | float):
            raise ValueError
        return int(version)
    except (TypeError, ValueError):
        raise InvalidParameterError(
            f"Parameter 'version' must be an integer, got '{version}'. Aliases and stages are "
            "looked up with get_model_version_by_alias and get_latest_versions."
        ) from None


def check_stage(stage: Any) -> str:
    """Return a stage of a model version as MLflow writes it, whatever its case."""
    for known in ALL_STAGES:
        if str(stage).lower() == known.lower():
            return known
    raise InvalidParameterError(
        f"Invalid Model Version stage: {stage}. Value must be one of {', '.join(ALL_STAGES)}."
    )


def check_alias(alias: Any) -> str:
    """Return ``alias`` when it may name a version of a registered model."""
    if alias is None or alias == "":
        raise InvalidParameterError("Registered model alias name cannot be empty.")
    if not isinstance(alias, str) or not _ALIAS.fullmatch(alias):
        raise InvalidParameterError(
            f"Invalid alias name: '{alias}'. Names may only contain alphanumerics, "
            "underscores (_), and dashes (-)."
        )
    if len(alias) > MAX_ALIAS:
        raise InvalidParameterError(
            f"'Registered model alias name' exceeds the maximum length of {MAX_ALIAS} characters: "
            f"this one has {len(alias)}."
        )
    if alias.lower() == "latest":
        raise InvalidParameterError(
            "'latest' alias name (case insensitive) is reserved. models:/<name>/latest is the "
            "greatest version."
        )
    if _ALIAS_OF_VERSION.fullmatch(alias):
        raise InvalidParameterError(
            f"Version alias name '{alias}' is reserved. models:/<name>/{alias[1:]} is that version."
        )
    return storable(alias)


def storable(text: str) -> str:
    """Return text with half characters (lone surrogates) spelled out: nothing can store them."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(key: str, value: Any, limit: int, what: str) -> str:
    text = without_secret(key, storable(value if type(value) is str else str(value)), what)
    if len(text) <= limit:
        return text
    from nbtrack.config import truncates_long_values

    if not truncates_long_values():
        raise invalid(
            "value",
            text[:40] + "...",
            f"{what} '{key}' exceeds the maximum length of {limit} characters "
            f"(it has {len(text)}). Log it with log_text as an artifact instead.",
        )
    warn(
        f"{what} '{key}' has {len(text)} characters and was cut to {limit}; "
        "log_text keeps long text whole.",
        stacklevel=4,
    )
    return text[:limit]


def check_distinct_params(params: Mapping[str, str] | list[tuple[str, str]]) -> None:
    """Refuse a batch that gives one param two values."""
    if isinstance(params, Mapping):
        return
    seen: dict[str, str] = {}
    for key, value in params:
        if seen.setdefault(key, value) != value:
            raise InvalidParameterError(
                f"Duplicate parameter keys have been submitted: '{key}' with values "
                f"'{seen[key]}' and '{value}'. Please ensure the request contains only one "
                "param value per param key."
            )
