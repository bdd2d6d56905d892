"""The metadata of a capsule: an RO-Crate 1.1 with the Process Run Crate profile.

https://w3id.org/ro/crate/1.1, https://w3id.org/ro/wfrun/process/0.5
"""

from __future__ import annotations

import hashlib
import mimetypes
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nbtrack.capsules.work_folder import DataFile
from nbtrack.entities import Run
from nbtrack.entities.runs import ERROR_TAG

METADATA = "ro-crate-metadata.json"
CRATE = "https://w3id.org/ro/crate/1.1"
PROFILE = "https://w3id.org/ro/wfrun/process/0.5"
_STATUS = {"FINISHED": "CompletedActionStatus", "RUNNING": "ActiveActionStatus"}


def crate_metadata(
    run: Run, folder: Path, code: str, data: Sequence[DataFile], models: Sequence[str], start: str
) -> dict[str, Any]:
    """Return the JSON-LD of a capsule.

    Parameters
    ----------
    run : Run
    folder : Path
        What is in the capsule.
    code : str
        The notebook or script that was run, as a path in the capsule; may be empty.
    data : sequence of DataFile
        What the run has read.
    models : sequence of str
        Folders of models that it has made.
    start : str
        The folder that paths of ``data`` start in.
    """
    results = f"mlruns/{run.info.experiment_id}/{run.info.run_id}/"
    here = [each for each in data if not each.missing]
    elsewhere = [each for each in data if each.missing]
    inputs = [_path_in(start, each.path) for each in here]
    inputs += [f"#data-{each.sha256[:12]}-{place}" for place, each in enumerate(elsewhere)]
    files = [
        path.relative_to(folder).as_posix()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.relative_to(folder).parts[0] != "mlruns"
    ]
    folders = [results, *(f"{model}/" for model in models)]
    instrument = code or "#code"
    agent = {"@id": f"#{_word(run.info.user_id or 'unknown')}"}
    action: dict[str, Any] = {
        "@id": f"#{run.info.run_id}",
        "@type": "CreateAction",
        "name": f"The run {run.info.run_name}",
        "instrument": _id(instrument),
        "object": [_id(each) for each in inputs]
        + [_id(f"#param-{number}") for number in range(len(run.data.params))],
        "result": [_id(each) for each in folders],
        "startTime": _iso(run.info.start_time),
        "agent": agent,
        "actionStatus": _id(
            f"http://schema.org/{_STATUS.get(run.info.status, 'FailedActionStatus')}"
        ),
    }
    if run.info.end_time:
        action["endTime"] = _iso(run.info.end_time)
    if error := run.data.tags.get(ERROR_TAG):
        action["error"] = error
    graph: list[dict[str, Any]] = [
        {
            "@id": METADATA,
            "@type": "CreativeWork",
            "about": _id("./"),
            "conformsTo": _id(CRATE),
        },
        {
            "@id": "./",
            "@type": "Dataset",
            "name": f"The run {run.info.run_name}",
            "description": "A run of nbtrack with its code, environment, data and numbers.",
            "datePublished": datetime.now(UTC).date().isoformat(),
            "license": "The capsule says nothing about rights: ask who made it.",
            "conformsTo": _id(PROFILE),
            "hasPart": [_id(each) for each in [*files, *folders]],
            "mentions": _id(action["@id"]),
        },
        {
            "@id": PROFILE,
            "@type": "CreativeWork",
            "name": "Process Run Crate",
            "version": "0.5",
        },
        {**agent, "@type": "Person", "name": run.info.user_id or "unknown"},
        action,
    ]
    if not code:
        graph.append({"@id": "#code", "@type": "SoftwareApplication", "name": "Code not kept"})
    graph += [
        {"@id": f"#param-{number}", "@type": "PropertyValue", "name": key, "value": value}
        for number, (key, value) in enumerate(sorted(run.data.params.items()))
    ]
    graph += [_file(folder, each, is_code=each == code) for each in files]
    graph += [
        {"@id": each, "@type": "Dataset", "name": "Params, metrics and artifacts of the run"}
        if each == results
        else {"@id": each, "@type": "Dataset", "name": "A model that the run has made"}
        for each in folders
    ]
    graph += [
        {
            "@id": f"#data-{each.sha256[:12]}-{place}",
            "@type": "CreativeWork",
            "name": each.path,
            "description": f"Not in the capsule: {each.missing}.",
            "identifier": f"sha256:{each.sha256}",
            "size": str(each.size),
        }
        for place, each in enumerate(elsewhere)
    ]
    return {"@context": f"{CRATE}/context", "@graph": graph}


def _file(folder: Path, path: str, *, is_code: bool) -> dict[str, Any]:
    place = folder / path
    kind = "application/x-ipynb+json" if path.endswith(".ipynb") else mimetypes.guess_type(path)[0]
    return {
        "@id": path,
        "@type": ["File", "SoftwareSourceCode"] if is_code else "File",
        "name": path,
        "contentSize": str(place.stat().st_size),
        "sha256": digest(place),
        **({"encodingFormat": kind} if kind else {}),
    }


def digest(file: Path) -> str:
    """Return the SHA-256 of a file."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _id(name: str) -> dict[str, str]:
    return {"@id": name}


def _path_in(start: str, path: str) -> str:
    return f"{start}/{path}"


def _word(text: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in text)


def _iso(time: int) -> str:
    return datetime.fromtimestamp(time / 1000, UTC).isoformat(timespec="seconds")
