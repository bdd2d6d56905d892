"""A lineage: text, graph and JSON of what is known of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbtrack.views.data_state import DataFile
from nbtrack.views.lineage.drawing import html_of
from nbtrack.views.lineage.facts import Code, LineageFacts, MadeModel
from nbtrack.views.lineage.graph import LineageGraph, graph_of
from nbtrack.views.lineage.provenance import crate_of

MAX_SHOWN = 12


@dataclass(frozen=True, repr=False)
class Lineage(LineageFacts):
    """Where a model, a run or a number comes from.

    ``print`` shows it as a tree, a notebook as a graph. What is known stands in the attributes of
    `LineageFacts`.

    Attributes
    ----------
    inputs : list of Lineage
        Where the models come from that the run has read, and so on; each model once.
    """

    inputs: list[Lineage] = field(default_factory=list)

    @property
    def graph(self) -> LineageGraph:
        """The same as nodes and edges, from the data to the versions of models."""
        return graph_of(self)

    def to_json(self) -> str:
        """Return it as an RO-Crate, the JSON of research data: Process Run Crate 0.5.

        Each run of the chain is a ``CreateAction``, its code the instrument, what it has read its
        objects, models, metrics and files its results.
        """
        return json.dumps(crate_of(self), indent=1, ensure_ascii=False)

    def _repr_html_(self) -> str:
        return html_of(self.graph)

    def to_dictionary(self) -> dict[str, Any]:
        """Return all of it as plain values, such as JSON takes."""
        known = (self.version, self.model, self.run)
        version, model, run = (e if e is None else e.to_dictionary() for e in known)
        return {
            "uri": self.uri,
            "version": version,
            "model": model,
            "run": run,
            "experiment": self.experiment,
            "code": asdict(self.code),
            "data": [asdict(item) for item in self.data],
            "params": dict(self.params),
            "metrics": dict(self.metrics),
            "parents": [asdict(item) for item in self.parents],
            "variation_of": None if self.variation_of is None else asdict(self.variation_of),
            "children": [asdict(item) for item in self.children],
            "models": [asdict(item) for item in self.models],
            "made": [asdict(item) for item in self.made],
            "versions": [list(item) for item in self.versions],
            "inputs": [item.to_dictionary() for item in self.inputs],
            "reproduced": self.reproduced,
            "verdict": self.verdict,
            "files": [asdict(item) for item in self.files],
            "cells": [asdict(item) for item in self.cells],
            "source": self.source,
            "environment": None if self.environment is None else asdict(self.environment),
            "metric": self.metric,
        }

    def __repr__(self) -> str:
        heads = [self._version_line(), self._model_line(), self._run_line()]
        lines = [line for line in heads if line] or [f"{self.uri}: nothing is known of it"]
        depth = len(lines)
        shown = ["   " * (at - 1) + "└─ " + line if at else line for at, line in enumerate(lines)]
        facts = self._facts()
        for index, fact in enumerate(facts):
            mark, under = ("└─ ", "   ") if index == len(facts) - 1 else ("├─ ", "│  ")
            for line in fact.splitlines():
                shown.append("   " * (depth - 1) + mark + line)
                mark = under
        return "\n".join(shown)

    def _version_line(self) -> str:
        version = self.version
        if version is None:
            return ""
        stage = "" if version.current_stage in (None, "None") else f", {version.current_stage}"
        aliases = "".join(f" @{alias}" for alias in version.aliases)
        return f"models:/{version.name}/{version.version}{stage}{aliases}"

    def _model_line(self) -> str:
        model = self.model
        kind = f", {model.model_type}" if model and model.model_type else ""
        return (
            f"logged model {model.name} ({model.model_id}), {model.status}{kind}" if model else ""
        )

    def _run_line(self) -> str:
        if self.run is None:
            return ""
        info = self.run.info
        where = f", experiment {self.experiment}" if self.experiment else ""
        return f"run {info.run_name} ({info.run_id}), {info.status}{where}"

    def _facts(self) -> list[str]:
        facts = [f"code: {self.code}"] if self.code != Code() else []
        facts += [f"data: {item}" for item in self.data]
        for mode, word in (("read", "file"), ("written", "wrote")):
            files = [item for item in self.files if item.mode == mode]
            facts += [f"{word}: {_file(item)}" for item in files[:MAX_SHOWN]]
            if len(files) > MAX_SHOWN:
                facts.append(f"and {len(files) - MAX_SHOWN} more files {mode}")
        if self.cells:
            facts.append("cells: " + ", ".join(f"[{each.number or '?'}]" for each in self.cells))
        if self.environment is not None and str(self.environment):
            facts.append(f"environment: {self.environment}")
        if self.params:
            facts.append("params: " + _listed(self.params))
        if self.metrics:
            facts.append("metrics: " + _listed({k: f"{v:.6g}" for k, v in self.metrics.items()}))
        if self.reproduced:
            facts.append(f"run again, same numbers: {self.verdict or self.reproduced}")
        known = {item.model.model_id: item for item in self.inputs if item.model}
        for model in self.models:
            more = repr(known[model.id]).partition("\n")[2] if model.id in known else ""
            facts.append(f"read model {model.name} ({model.id})\n{more}".rstrip("\n"))
        if (original := self.variation_of) is not None:
            facts.append(f"variation of {original.name} ({original.id})")
        facts += [f"nested in {item.name} ({item.id})" for item in self.parents]
        if self.children:
            facts.append("nested runs: " + _first([item.name for item in self.children]))
        if self.model is None:
            facts += [f"made model {_made(item)}" for item in self.made]
        own = None if self.version is None else (self.version.name, self.version.version)
        facts += [f"also models:/{n}/{v}" for n, v in self.versions if (n, v) != own]
        return facts


def _file(item: DataFile) -> str:
    digest = f", sha256 {item.sha256[:10]}" if item.sha256 else ""
    return f"{item.path}, {item.size:,} bytes{digest}, {item.state}"


def _made(item: MadeModel) -> str:
    versions = ", ".join(
        " ".join([f"models:/{name}/{version}", *(f"@{alias}" for alias in aliases)])
        for name, version, aliases in item.versions
    )
    return f"{item.name} ({item.id})" + (f": {versions}" if versions else "")


def _listed(values: Mapping[str, str]) -> str:
    return _first([f"{key}={value}" for key, value in values.items()])


def _first(texts: list[str]) -> str:
    more = len(texts) - MAX_SHOWN
    return ", ".join(texts[:MAX_SHOWN]) + (f" and {more} more" if more > 0 else "")
