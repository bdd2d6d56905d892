"""A lineage as an RO-Crate: each run of the chain an action, without the files themselves."""

from __future__ import annotations

import hashlib
from typing import Any

from nbtrack.entities import Run
from nbtrack.entities.run_data import is_system_metric
from nbtrack.views.code import NeededCell
from nbtrack.views.lineage.crate import Crate, ref, refs
from nbtrack.views.lineage.facts import LineageFacts

_LICENSE = "Nothing is known about rights: ask who made it."


def crate_of(line: LineageFacts) -> dict[str, Any]:
    """Return a lineage as the JSON-LD of a Process Run Crate.

    Files and models are described with their names and digests; they are not part of the crate.
    """
    what = line.uri if line.run is None else f"the run {line.run.info.run_name}"
    if line.model is not None:
        what = f"the model {line.model.name}"
    if line.metric is not None:
        what = f"{line.metric} of {what}"
    crate = Crate(
        f"Where {what} comes from",
        "Runs with their code, environment, data, models and numbers, as nbtrack has kept them.",
        _LICENSE,
    )
    _chain(crate, line)
    return crate.document()


def _chain(crate: Crate, line: LineageFacts) -> list[str]:
    """Add the run of a model or a number after those before it; return the models it made."""
    read = [_model(crate, each.id, each.name) for each in line.models]
    for each in line.inputs:
        _chain(crate, each)
    made = [_model(crate, each.id, each.name) for each in line.made]
    for model in line.made:
        for name, version, aliases in model.versions:
            crate.add(
                f"#version-{name}-{version}",
                "CreativeWork",
                name=f"models:/{name}/{version}",
                version=str(version),
                alternateName=[f"models:/{name}@{alias}" for alias in aliases],
                isBasedOn=ref(f"#model-{model.id}"),
            )
    if line.run is not None:
        _run(crate, line, line.run, read, made)
    return made


def _model(crate: Crate, model_id: str, name: str) -> str:
    return crate.add(
        f"#model-{model_id}", "CreativeWork", name=name, identifier=f"models:/{model_id}"
    )


def _run(crate: Crate, line: LineageFacts, run: Run, read: list[str], made: list[str]) -> None:
    files: dict[str, list[str]] = {"read": [], "written": []}
    for file in line.files:
        name = crate.data(file.path, file.sha256, file.size, f"Now: {file.state}.")
        files[file.mode].append(name)
    data = [
        crate.add(
            f"#dataset-{each.digest}",
            "CreativeWork",
            name=each.name,
            identifier=each.digest,
            description=each.context,
        )
        for each in line.data
    ]
    params = crate.values(run, "param", run.data.params)
    numbers = {key: value for key, value in line.metrics.items() if not is_system_metric(key)}
    metrics = crate.values(run, "metric", {key: str(value) for key, value in numbers.items()})
    about = [str(line.code)] if line.code.source else []
    about += [f"Experiment {line.experiment}."] if line.experiment else []
    about += [f"Part of the run {each.name} ({each.id})." for each in line.parents[:1]]
    if (original := line.variation_of) is not None:
        about.append(f"The cells of the run {original.name} ({original.id}) with other params.")
    action = crate.action(
        run,
        _code(crate, line, run),
        [*files["read"], *data, *read, *params],
        [*made, *metrics, *files["written"]],
        " ".join(about) or "A run of nbtrack.",
    )
    if line.verdict:
        crate.add(
            f"#verdict-{run.info.run_id}",
            "ReviewAction",
            name="Run again",
            object=ref(action),
            description=line.verdict,
        )


def _code(crate: Crate, line: LineageFacts, run: Run) -> str:
    code, found = line.code, line.environment
    sources = [each.source for each in line.cells]
    cells = [_cell(crate, run, each, place) for place, each in enumerate(line.cells, 1)]
    if line.source is not None:
        sources.append(line.source)
        number = int(code.cell) if code.cell and code.cell.isdigit() else None
        own = NeededCell(line.source, "The run itself.", number)
        cells.append(_cell(crate, run, own, len(cells) + 1))
    software = [] if found is None else crate.software(found.python, found.packages, found.driver)
    return crate.add(
        f"#code-{run.info.run_id}",
        "SoftwareSourceCode",
        name=code.source or "Code that was not kept",
        version=code.commit or _digest(sources),
        url=code.repository,
        codeRepository=code.repository,
        hasPart=refs(cells),
        softwareRequirements=refs(software),
    )


def _cell(crate: Crate, run: Run, cell: NeededCell, place: int) -> str:
    return crate.add(
        f"#cell-{run.info.run_id}-{place}",
        "CreativeWork",  # a SoftwareSourceCode would be a tool that something was made with
        name=f"Cell [{cell.number or '?'}]",
        description=cell.why,
        encodingFormat="text/x-python",
        position=place,
        text=cell.source,
    )


def _digest(sources: list[str]) -> str | None:
    text = "\n".join(sources)
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()}" if text else None
