"""The schema of journal events; what does not fit counts as damage."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from nbtrack.validation import INT64_MAX, MAX_TIME_MS

Check = Callable[[Any], bool]

RUN_STATUSES = frozenset({"RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "INTERRUPTED"})
MODEL_STATUSES = frozenset({"UNSPECIFIED", "PENDING", "READY", "FAILED"})
SHARED = ("model_metric", "model_input", "model_output")
"""Events about models that a run's journal may have."""


def _text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return value.isascii() or bool(value.encode())
    except UnicodeEncodeError:  # half a character: no database takes it
        return False


def _name(value: Any) -> bool:
    return _text(value) and value != ""


def _whole(value: Any) -> bool:
    return type(value) is int and -INT64_MAX - 1 <= value <= INT64_MAX


def _size(value: Any) -> bool:
    return type(value) is int and 0 <= value <= INT64_MAX


def _time(value: Any) -> bool:
    return type(value) is int and 0 <= value <= MAX_TIME_MS


def _value(value: Any) -> bool:
    if type(value) is int:
        try:
            float(value)
        except OverflowError:
            return False
    return type(value) in (int, float)


def _number(value: Any) -> bool:
    return type(value) is int and 0 < value < 2**32


def _texts(value: Any) -> bool:
    return isinstance(value, dict) and all(_text(k) and _text(v) for k, v in value.items())


def _tags(value: Any) -> bool:
    try:
        return isinstance(value, str) and (value == "" or _texts(json.loads(value)))
    except (ValueError, RecursionError):
        return False


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


def _one_of(known: frozenset[str]) -> Check:
    return lambda value: isinstance(value, str) and value in known


_MAYBE = _or_none(_text)
_OWNER: dict[str, Check] = {
    "host": _MAYBE, "pid": _or_none(_whole), "started": _or_none(_whole), "place": _MAYBE,
}  # fmt: skip
_PAIR: dict[str, Check] = {"key": _name, "value": _text}
_FILE: dict[str, Check] = {"path": _name, "size": _size, "sha256": _MAYBE}
_MODEL: dict[str, Check] = {"model_id": _name}

SHAPES: dict[str, dict[str, Check]] = {
    "open": {},
    "close": {},
    "series": {"number": _number, "key": _name},
    "run": {
        "experiment_id": _name, "run_name": _text, "status": _one_of(RUN_STATUSES),
        "start_time": _time, "user_id": _text, "artifact_uri": _MAYBE, "experiment": _MAYBE,
        **_OWNER,
    },
    "update": {
        "status": _or_none(_one_of(RUN_STATUSES)), "run_name": _MAYBE,
        "end_time": _or_none(_time), "experiment_id": _or_none(_name), "experiment": _MAYBE,
        **_OWNER,
    },
    "param": _PAIR,
    "tag": _PAIR,
    "untag": {"key": _name},
    "suggest": {"params": _texts},
    "artifact": _FILE,
    "input": {
        "name": _name, "digest": _name, "source_type": _name, "source": _name,
        "schema": _MAYBE, "profile": _MAYBE, "tags": _or_none(_tags),
    },
    "model": {
        **_MODEL, "experiment_id": _name, "name": _name, "model_type": _MAYBE,
        "source_run_id": _MAYBE, "status": _one_of(MODEL_STATUSES), "artifact_location": _MAYBE,
        "created": _time, **_OWNER,
    },
    "model_update": {
        **_MODEL, "status": _one_of(MODEL_STATUSES), "message": _MAYBE, **_OWNER,
    },
    "model_clear": _MODEL,
    "model_param": {**_MODEL, **_PAIR},
    "model_tag": {**_MODEL, **_PAIR},
    "model_untag": {**_MODEL, "key": _name},
    "model_artifact": {**_MODEL, **_FILE},
    "model_metric": {
        **_MODEL, "key": _name, "value": _value, "step": _whole, "time": _time,
        "dataset_name": _MAYBE, "dataset_digest": _MAYBE,
    },
    "model_input": {**_MODEL, "run_id": _name},
    "model_output": {**_MODEL, "run_id": _name, "step": _whole},
}  # fmt: skip


def is_known(event: Mapping[str, Any]) -> bool:
    """Return whether this version knows the kind of an event; a newer one may write others."""
    return event.get("event") in SHAPES


def is_sound(event: Any, owner: str) -> bool:
    """Return whether an event makes sense in the journal of a run or a model.

    Parameters
    ----------
    event : any
        What a line of the journal says.
    owner : str
        The run or the model that the journal belongs to: it writes to no other.
    """
    if not isinstance(event, dict) or not _name(event.get("event")) or not _time(event.get("t")):
        return False
    kind = event["event"]
    shape = SHAPES.get(kind)
    if shape is None:
        return True
    if not all(check(event.get(field)) for field, check in shape.items()):
        return False
    own_run = bool(event.get("run_id", owner) == owner)
    if not kind.startswith("model"):
        return own_run
    if event["model_id"] == owner:
        return event.get("run_id") is None or _name(event["run_id"])
    return own_run and kind in SHARED
