"""Opening a capsule, which may be a stranger's: nothing of it runs, nothing leaves the folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from nbtrack.capsules.capsule import CAPSULE_FILE, WORK
from nbtrack.errors import AlreadyExistsError, InvalidParameterError, NotFoundError
from nbtrack.file_digests import sha256_of
from nbtrack.interop import import_from
from nbtrack.reruns import Verdict
from nbtrack.reruns import rerun as run_again
from nbtrack.store import open_store
from nbtrack.untrusted_files import unpack
from nbtrack.validation import check_run_id

STORE = "nbtrack.duckdb"
_MAX_RECORD = 50_000_000


@dataclass(frozen=True)
class OpenedCapsule:
    """A capsule that was unpacked.

    Attributes
    ----------
    folder : str
    store : str
        The store in it that has the run.
    run_id, run_name : str
    code : str
        The notebook or script to run, with its folder; empty where none was kept.
    missing : list of str
        What the capsule does not have, each a sentence.
    verdict : Verdict or None
        What came of running it again, where that was asked for.
    """

    folder: str
    store: str
    run_id: str
    run_name: str
    code: str = ""
    missing: list[str] = field(default_factory=list)
    verdict: Verdict | None = None


def open_capsule(
    path: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    rerun: bool = False,
    env: bool = False,
    shown: bool = True,
) -> OpenedCapsule:
    """Unpack a capsule; see ``nbtrack.open_capsule``. ``shown``: whether a rerun shows a bar."""
    if env and not rerun:
        raise InvalidParameterError(
            "env=True says where rerun=True runs the code: give both (--rerun --env)."
        )
    opened = _opened(path, folder)
    if not rerun:
        return opened
    store = open_store(opened.store)
    try:
        verdict = run_again(store, opened.run_id, shown=shown, env=env)
    finally:
        store.close()
    return replace(opened, verdict=verdict)


def _opened(path: str | os.PathLike[str], folder: str | os.PathLike[str]) -> OpenedCapsule:
    source = Path(os.path.abspath(os.path.expanduser(path)))
    target = Path(os.path.abspath(os.path.expanduser(folder)))
    if not source.is_file():
        raise NotFoundError(f"There is no capsule {source}.")
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise AlreadyExistsError(f"{target} is not empty: name a folder that is, or a new one.")
    target.mkdir(parents=True, exist_ok=True)
    unpack(source, target)
    record = _record(source, target)
    run_id = check_run_id(str(record.get("run_id")))
    if (target / STORE).exists():
        raise InvalidParameterError(f"{source} is not opened: a capsule has no {STORE} of its own.")
    missing = [str(each) for each in _list(record, "left_out")]
    missing += _damaged(target, record)
    store = target / STORE
    report = import_from(target / "mlruns", store, kind="mlflow-files", progress=False)
    missing += [f"{each.what} {each.name}: {each.reason}" for each in report.problems]
    code = str(record.get("code") or "")
    shown = f"{WORK}/{code}" if code and (target / WORK / code).is_file() else ""
    name = str(record.get("run_name") or run_id)
    return OpenedCapsule(str(target), str(store), run_id, name, shown, missing)


def _record(source: Path, folder: Path) -> Mapping[str, Any]:
    file = folder / CAPSULE_FILE
    try:
        if file.stat().st_size > _MAX_RECORD:
            raise ValueError("it is too long")
        found = json.loads(file.read_text("utf-8"))
        if not isinstance(found, dict) or not isinstance(found.get("run_id"), str):
            raise ValueError("it names no run")
    except (OSError, ValueError, RecursionError) as error:
        raise InvalidParameterError(
            f"{source} is no capsule: its {CAPSULE_FILE} cannot be read ({error})."
        ) from None
    if found.get("version") != 1:
        raise InvalidParameterError(
            f"{source} is a capsule of version {found.get('version')!r}: a newer nbtrack reads it."
        )
    return found


def _damaged(folder: Path, record: Mapping[str, Any]) -> list[str]:
    """Return which files are not those that the capsule was made of."""
    recorded = record.get("sha256")
    found = []
    for path, sha256 in (recorded if isinstance(recorded, dict) else {}).items():
        place = folder / str(path)
        inside = Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder))
        if not inside or not place.is_file():
            found.append(f"{path} is not in the capsule, though it was made of it.")
        elif sha256_of(place) != sha256:
            found.append(f"{path} has another content than when the capsule was made.")
    return found


def _list(record: Mapping[str, Any], key: str) -> list[Any]:
    found = record.get(key)
    return found if isinstance(found, list) else []
