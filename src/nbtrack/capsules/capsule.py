"""Making a capsule: everything in a folder, then a zip file that is the same for the same run."""

from __future__ import annotations

import json
import os
import shlex
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtrack.capsules.crate import METADATA, crate_metadata
from nbtrack.capsules.run_folder import RunFolder
from nbtrack.capsules.work_folder import WorkFolder
from nbtrack.entities import Run
from nbtrack.errors import AlreadyExistsError, InvalidParameterError
from nbtrack.file_digests import sha256_of
from nbtrack.projects.lock_file import LockFile, lock_file, own_version
from nbtrack.reruns.project import up_to_code
from nbtrack.store import Store, get_experiment, get_run
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.environment_record import PACKAGES_FILE
from nbtrack.views.code import ENVIRONMENT_FILE, read_json, read_text

CAPSULE_FILE = "capsule.json"
WORK = "work"
DATA_BELOW = 100_000_000
_FIRST_DAY, _LAST_DAY = (1980, 1, 1, 0, 0, 0), (2107, 12, 31, 23, 59, 58)  # that zip files can say


@dataclass(frozen=True)
class Capsule:
    """What was written.

    Attributes
    ----------
    path : str
        The zip file.
    run_id : str
    size : int
        In bytes.
    code : str
        The notebook or script in it; empty where none was kept.
    data : list of str
        The files that the run read which are in it.
    left_out : list of str
        What is not in it, each a sentence.
    """

    path: str
    run_id: str
    size: int
    code: str = ""
    data: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)


def write_capsule(
    store: Store, run_id: str, path: str | os.PathLike[str], *, data_below: int, model: bool
) -> Capsule:
    """Write a run as a capsule; see ``nbtrack.capsule``."""
    target = Path(os.path.abspath(os.path.expanduser(path)))
    if target.suffix != ".zip":
        raise InvalidParameterError(f"A capsule is a zip file; {str(path)!r} does not end in .zip.")
    if target.exists():
        raise AlreadyExistsError(f"{target} exists already. Remove it, or choose another name.")
    if data_below < 0:
        raise InvalidParameterError(f"data_below is {data_below}; it is a number of bytes.")
    with store.read() as reader:
        run = get_run(reader, run_id)
        around = up_to_code(reader, run)
        made_by = around[-1]
        experiment = get_experiment(reader, made_by.info.experiment_id).name
    files = store.access.folder(made_by.info.artifact_uri)
    with tempfile.TemporaryDirectory(prefix="nbtrack-capsule-") as place:
        folder = Path(place)
        numbers = [RunFolder(store, each, folder, models=model) for each in around]
        for each in numbers:
            each.write()
        work = WorkFolder(made_by, experiment, files, folder / WORK)
        work.write(data_below)
        lock = _lock(files)
        left_out = [*work.left_out, *(text for each in numbers for text in each.left_out)]
        gone = [each for each in work.data if each.missing]
        left_out += [f"The data {each.path} is not in it: {each.missing}." for each in gone]
        _write_texts(folder, around, work, lock, left_out)
        start = f"{WORK}/{work.start}" if work.start != "." else WORK
        code = f"{WORK}/{work.code}" if work.code else ""
        metadata = crate_metadata(
            run,
            folder,
            code,
            work.data,
            [model for each in numbers for model in each.model_folders],
            start,
            work.command,
            read_json(files, ENVIRONMENT_FILE),
        )
        (folder / METADATA).write_text(_json(metadata), "utf-8")
        target.parent.mkdir(parents=True, exist_ok=True)
        _zip(folder, target, run.info.end_time or run.info.start_time)
    data = [each.path for each in work.data if not each.missing]
    return Capsule(str(target), run.info.run_id, target.stat().st_size, code, data, left_out)


def _lock(files: ArtifactFolder) -> LockFile:
    return lock_file(read_json(files, ENVIRONMENT_FILE), read_text(files, PACKAGES_FILE))


def _write_texts(
    folder: Path, around: Sequence[Run], work: WorkFolder, lock: LockFile, left_out: Sequence[str]
) -> None:
    run = around[0]
    (folder / "requirements.txt").write_text(lock.text(own_version()), "utf-8")
    (folder / "README.md").write_text(_readme(run, work, lock, left_out), "utf-8")
    digests = {
        path.relative_to(folder).as_posix(): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    record = {
        "version": 1,
        "run_id": run.info.run_id,
        "run_name": run.info.run_name,
        "runs": [each.info.run_id for each in around],
        "nbtrack": own_version(),
        "python": lock.python,
        "code": work.code,
        "command": work.command,
        "start": work.start,
        "data": [each._asdict() for each in work.data],
        "left_out": list(left_out),
        "sha256": digests,
    }
    (folder / CAPSULE_FILE).write_text(_json(record), "utf-8")


def _readme(run: Run, work: WorkFolder, lock: LockFile, left_out: Sequence[str]) -> str:
    notebook = work.code.endswith(".ipynb")
    python = lock.python or "3"
    inner = f"{WORK}/{work.start}" if work.start != "." else WORK
    lines = [
        f"# The run {run.info.run_name}",
        "",
        "A capsule of nbtrack: a run with its code, environment, data and numbers.",
        "",
        f"- `{WORK}/`: the folder that the code runs in"
        + (f"; `{WORK}/{work.code}` is the code" if work.code else "")
        + (f", with {sum(not each.missing for each in work.data)} files that it read." if work.data
           else "."),
        "- `mlruns/`: params, metrics, tags, artifacts and models, as a folder of MLflow.",
        f"- `requirements.txt`: the packages of Python {python} that were installed.",
        "- `ro-crate-metadata.json`: all this for machines (RO-Crate, Process Run Crate).",
        "",
        "`nbtrack open <this file> FOLDER` unpacks it, and brings the run into a store there.",
        "",
        "## Running it",
        "",
        "```console",
        f"uv venv --python {'.'.join(python.split('.')[:2])} .venv",
        "uv pip install --python .venv -r requirements.txt",
    ]  # fmt: skip
    if notebook:
        name = shlex.quote(work.code)
        lines.append(f"cd {inner} && ../.venv/bin/python -m jupyter execute {name}")
    elif work.command:
        up = "../" * (len(Path(inner).parts))
        words = " ".join(map(shlex.quote, work.command))
        lines.append(f"cd {shlex.quote(inner)} && {up}.venv/bin/python {words}")
    lines += ["```", ""]
    if lock.notes or left_out:
        lines += ["## What is not as it was", ""]
        lines += [f"- {each}" for each in [*lock.notes, *left_out]] + [""]
    return "\n".join(lines)


def _json(found: Any) -> str:
    return json.dumps(found, indent=1, ensure_ascii=False) + "\n"


def _zip(folder: Path, target: Path, time_ms: int) -> None:
    """Write a zip file whose bytes depend on names and contents only."""
    when = datetime.fromtimestamp(time_ms / 1000, UTC).timetuple()[:6]
    date = min(max(when, _FIRST_DAY), _LAST_DAY)
    part = target.with_name(f".{target.name}.part")
    try:
        with zipfile.ZipFile(part, "x", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(folder.rglob("*")):
                if not path.is_file():
                    continue
                info = zipfile.ZipInfo(path.relative_to(folder).as_posix(), date)
                info.compress_type = zipfile.ZIP_DEFLATED
                info.external_attr = 0o644 << 16
                info.create_system = 3
                with path.open("rb") as source, archive.open(info, "w", force_zip64=True) as out:
                    while data := source.read(1 << 20):
                        out.write(data)
        part.rename(target)
    finally:
        part.unlink(missing_ok=True)
