"""The metadata of a capsule: an RO-Crate with what is in it."""

from __future__ import annotations

import mimetypes
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from nbtrack.capsules.work_folder import DataFile
from nbtrack.entities import Run
from nbtrack.entities.runs import GIT_COMMIT, GIT_REPO_URL
from nbtrack.file_digests import sha256_of
from nbtrack.views.lineage.crate import METADATA, Crate, refs

__all__ = ["METADATA", "crate_metadata"]

_LICENSE = "The capsule says nothing about rights: ask who made it."


def crate_metadata(
    run: Run,
    folder: Path,
    code: str,
    data: Sequence[DataFile],
    models: Sequence[str],
    start: str,
    command: Sequence[str] = (),
    environment: Mapping[str, Any] | None = None,
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
    command : sequence of str
        The words after the interpreter that ran a script.
    environment : mapping, optional
        What was kept of its environment.
    """
    crate = Crate(
        f"The run {run.info.run_name}",
        "A run of nbtrack with its code, environment, data and numbers.",
        _LICENSE,
    )
    originals = {f"{start}/{each.path}": each.path for each in data if not each.missing}
    instrument, inputs = "#code", []
    software = _software(crate, environment or {})
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if not path.is_file() or name.startswith("mlruns/"):
            continue
        about = _about(path, name)
        if name == code:
            tags = run.data.tags
            about |= {
                "version": tags.get(GIT_COMMIT) or about["sha256"],
                "url": tags.get(GIT_REPO_URL),
                "softwareRequirements": refs(software),
            }
            instrument = crate.part(name, ["File", "SoftwareSourceCode"], **about)
        elif name in originals:
            inputs.append(crate.part(name, "File", **about, alternateName=originals[name]))
        else:
            crate.part(name, "File", **about)
    if not code:
        crate.add(instrument, "SoftwareSourceCode", name="Code that was not kept")
    inputs += [
        crate.data(each.path, each.sha256, each.size, f"Not in the capsule: {each.missing}.")
        for each in data
        if each.missing
    ]
    inputs += crate.values(run, "param", run.data.params)
    results = [
        crate.part(
            f"mlruns/{run.info.experiment_id}/{run.info.run_id}/",
            "Dataset",
            name="Params, metrics and artifacts of the run",
        )
    ]
    results += [
        crate.part(f"{model}/", "Dataset", name="A model that the run has made") for model in models
    ]
    words = shlex.join(["python", *command]) if command else f"All cells of {code or 'a notebook'}"
    crate.action(run, instrument, inputs, results, words)
    return crate.document()


def _software(crate: Crate, environment: Mapping[str, Any]) -> list[str]:
    python, packages = environment.get("python"), environment.get("packages")
    version = python.get("version") if isinstance(python, Mapping) else None
    driver = environment.get("driver")
    return crate.software(
        version if isinstance(version, str) else None,
        {str(k): str(v) for k, v in packages.items()} if isinstance(packages, Mapping) else {},
        driver if isinstance(driver, str) else None,
    )


def _about(place: Path, name: str) -> dict[str, Any]:
    kind = "application/x-ipynb+json" if name.endswith(".ipynb") else mimetypes.guess_type(name)[0]
    return {
        "name": name,
        "contentSize": str(place.stat().st_size),
        "sha256": sha256_of(place),
        "encodingFormat": kind,
    }
