"""What people change on runs afterwards: name, note, tags, archive, and what a table remembers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Literal

from nbtrack.entities import LifecycleStage
from nbtrack.errors import InvalidParameterError, NotFoundError
from nbtrack.limits import MAX_EXPERIMENT_TAG_VALUE, check_key
from nbtrack.store import experiments
from nbtrack.store.forwarding import forwarded
from nbtrack.store.journal import now_ms
from nbtrack.store.liveness import silent_runs
from nbtrack.store.reader import Reader
from nbtrack.store.store import Store
from nbtrack.store.writer import RUN_NAME, checked_tags

Action = Literal["archive", "unarchive", "delete", "restore", "keep", "discard"]
ACTIONS: tuple[Action, ...] = ("archive", "unarchive", "delete", "restore", "keep", "discard")
NOTE = "mlflow.note.content"
ARCHIVED = "nbtrack.archived"
KEPT = "nbtrack.kept"
TABLE_TAG = "nbtrack.table"
MAX_NAME = 250
MAX_SETS = 30


def edit_run(store: Store, run_id: str, column: str, value: str) -> str:
    """Change the name, the note or a tag of a run; an empty note or tag goes away.

    Parameters
    ----------
    store : Store
    run_id : str
    column : str
        ``run_name``, ``note`` or ``tags.<key>``.
    value : str

    Returns
    -------
    str
        The value as it is kept.

    Raises
    ------
    InvalidParameterError
        If it cannot be a name or a tag, or the column cannot be edited.
    NotFoundError
        If there is no such run.
    """
    text = value.strip()
    if column == "run_name":
        if not text:
            raise InvalidParameterError("A run needs a name; this one is empty.")
        if len(text) > MAX_NAME or "\n" in text:
            raise InvalidParameterError(
                f"A run's name is one line of at most {MAX_NAME} characters; "
                f"this one has {len(text)}."
            )
        _set_tags(store, [run_id], {RUN_NAME: text})
        return text
    key = NOTE if column == "note" else column.removeprefix("tags.")
    if column != "note" and not column.startswith("tags."):
        raise InvalidParameterError(
            f"The column {column!r} cannot be edited: only the name, the note and tags can."
        )
    if column != "note" and key.startswith(("mlflow.", "nbtrack.")):
        raise InvalidParameterError(f"The tag {key!r} is kept by nbtrack itself; choose another.")
    _set_tags(store, [run_id], {check_key(key): text or None})
    return text


def act_on_runs(store: Store, action: str, run_ids: Sequence[str]) -> list[str]:
    """Archive, delete, restore, ... runs; return those that it was done to.

    Parameters
    ----------
    store : Store
    action : str
        One of `ACTIONS`. ``keep`` says that an interrupted run is wanted as it is,
        ``discard`` deletes it; both leave runs that were not interrupted. A run that shows no
        sign of life is interrupted by them.
    run_ids : sequence of str

    Raises
    ------
    InvalidParameterError
        If there is no such action, or nothing that it could be done to.
    """
    if action not in ACTIONS:
        raise InvalidParameterError(f"action is {action!r}; use one of {', '.join(ACTIONS)}.")
    ids = list(dict.fromkeys(run_ids))
    if action in ("keep", "discard"):
        ids = _interrupted(store, ids)
        if not ids:
            raise InvalidParameterError(
                f"None of the selected runs was interrupted, so there is nothing to {action}."
            )
    if action in ("archive", "unarchive"):
        _set_tags(store, ids, {ARCHIVED: "true" if action == "archive" else None})
    elif action == "keep":
        _set_tags(store, ids, {KEPT: "true"})
    else:
        _set_stage(store, ids, deleted=action != "restore")
    return ids


def remembered_sets(reader: Reader, experiment_ids: Sequence[str] | None) -> dict[str, Any] | None:
    """Return the column sets of an experiment; None where there is not exactly one."""
    if experiment_ids is None or len(experiment_ids) != 1:
        return None
    rows = reader.named("edits.experiment_tag", experiment_id=experiment_ids[0], key=TABLE_TAG)
    try:
        kept = json.loads(rows[0][0]) if rows else {}
    except ValueError:  # somebody has set the tag to something else
        kept = {}
    if not isinstance(kept, dict):
        kept = {}
    named = kept.get("named")
    return {
        "last": kept.get("last") if isinstance(kept.get("last"), dict) else None,
        "named": named if isinstance(named, dict) else {},
    }


def remember_set(
    store: Store,
    experiment_ids: Sequence[str] | None,
    name: str | None,
    chosen: dict[str, Any] | None,
) -> dict[str, Any] | None:
    """Keep a column set of an experiment, or forget it; return all of them.

    Parameters
    ----------
    name : str or None
        None for what was used last.
    chosen : dict or None
        None forgets it.
    """
    with store.read() as reader:
        sets = remembered_sets(reader, experiment_ids)
    if sets is None or experiment_ids is None:
        if name is None:
            return None
        raise InvalidParameterError(
            "Column sets are kept with an experiment, and this table shows several."
        )
    if name is None:
        sets["last"] = chosen
    elif chosen is None:
        sets["named"].pop(name, None)
    else:
        sets["named"][name] = chosen
    text = json.dumps(sets, separators=(",", ":"))
    if len(sets["named"]) > MAX_SETS or len(text) > MAX_EXPERIMENT_TAG_VALUE:
        raise InvalidParameterError(
            f"{len(sets['named'])} column sets are too many to keep; forget some."
        )
    experiments.set_tags(store, experiment_ids[0], {TABLE_TAG: text})
    return sets


def _interrupted(store: Store, run_ids: list[str]) -> list[str]:
    with store.read() as reader:
        found = {row[0] for row in reader.named("edits.interrupted", run_ids=run_ids)}
        silent = [run_id for run_id in silent_runs(reader) if run_id in run_ids]
    if silent:
        with store.write() as reader:
            reader.named("fold.interrupt", runs=silent)
    found.update(silent)
    return [run_id for run_id in run_ids if run_id in found]


def _check_there(reader: Reader, run_ids: Sequence[str]) -> None:
    found = {row[0] for row in reader.named("edits.existing", run_ids=list(run_ids))}
    missing = [run_id for run_id in run_ids if run_id not in found]
    if missing:
        raise NotFoundError(f"Run with id={missing[0]} not found")


@forwarded("set_tags_of_runs")
def _set_tags(store: Store, run_ids: Sequence[str], tags: dict[str, str | None]) -> None:
    """Set tags in one transaction; None removes one. Deleted runs may be edited, too."""
    checked_tags({key: value for key, value in tags.items() if value is not None})
    with store.write() as reader:
        _check_there(reader, run_ids)
        for key, value in tags.items():
            reader.named("edits.remove_tag", run_ids=list(run_ids), key=key)
            if value is not None:
                reader.named("edits.add_tag", run_ids=list(run_ids), key=key, value=value)
            if key == RUN_NAME and value is not None:
                reader.named("edits.rename", run_ids=list(run_ids), name=value)


@forwarded("set_stage_of_runs")
def _set_stage(store: Store, run_ids: Sequence[str], *, deleted: bool) -> None:
    stage = LifecycleStage.DELETED if deleted else LifecycleStage.ACTIVE
    with store.write() as reader:
        _check_there(reader, run_ids)
        for run_id in run_ids:
            reader.named("experiments.set_stage_of_run", run_id=run_id, stage=stage, now=now_ms())
    store.writers.set_deleted(run_ids, deleted=deleted)
