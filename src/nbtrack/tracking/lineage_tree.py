"""What is known of where a model, a run or a number comes from, and how it is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion, Run
from nbtrack.entities.runs import (
    CELL_TAG,
    GIT_BRANCH,
    GIT_COMMIT,
    GIT_DIRTY,
    GIT_REPO_URL,
    SOURCE_NAME,
    SOURCE_TYPE,
    USER,
)

MAX_SHOWN = 12
_CODE_TAGS = {
    "source": SOURCE_NAME,
    "kind": SOURCE_TYPE,
    "cell": CELL_TAG,
    "commit": GIT_COMMIT,
    "branch": GIT_BRANCH,
    "repository": GIT_REPO_URL,
    "changed": GIT_DIRTY,
    "user": USER,
}


@dataclass(frozen=True)
class Code:
    """The code that made a model; None is what is not known.

    Attributes
    ----------
    source : str or None
        The notebook or the script.
    kind : str or None
        ``NOTEBOOK``, ``LOCAL``, ...
    cell : str or None
        The number of the notebook's cell.
    commit, branch, repository : str or None
        Of git.
    changed : str or None
        Whether files differed from the commit: ``true`` or ``false``.
    user : str or None
    """

    source: str | None = None
    kind: str | None = None
    cell: str | None = None
    commit: str | None = None
    branch: str | None = None
    repository: str | None = None
    changed: str | None = None
    user: str | None = None

    @classmethod
    def of(cls, tags: Mapping[str, str]) -> Code:
        """Return what the tags of a run, or of a model, say."""
        return cls(**{name: tags.get(tag) for name, tag in _CODE_TAGS.items()})

    def __str__(self) -> str:
        parts = [self.source or "unknown source"]
        if self.cell:
            parts.append(f"cell {self.cell}")
        if self.commit:
            changed = ", with changes" if self.changed == "true" else ""
            parts.append(f"commit {self.commit[:10]}{changed}")
        return ", ".join(parts)


@dataclass(frozen=True)
class Data:
    """A dataset that the run has read, and what for."""

    name: str
    digest: str
    context: str | None
    source_type: str
    source: str

    def __str__(self) -> str:
        what = f" ({self.context})" if self.context else ""
        return f"{self.name}{what}, digest {self.digest}, from {self.source_type}"


@dataclass(frozen=True)
class Ancestor:
    """A run that the run is nested in, or a model that it has read."""

    id: str
    name: str


@dataclass(frozen=True, repr=False)
class Lineage:
    """Where a model, a run or a number comes from; ``print`` shows it as a tree.

    Attributes
    ----------
    uri : str
        As it was asked for; of a run its id.
    version : ModelVersion or None
    model : LoggedModel or None
    run : Run or None
    experiment : str or None
        The name of the run's experiment.
    code : Code
    data : list of Data
    params : dict of str to str
    metrics : dict of str to float
        Those of the model, else of the run.
    parents : list of Ancestor
        The runs that the run is nested in, the innermost first.
    models : list of Ancestor
        The logged models that the run has read.
    versions : list of (str, int)
        All versions that the logged model is registered as.
    inputs : list of Lineage
        Where the models come from that the run has read, and so on; each model once.
    reproduced : str or None
        ``"yes"``, ``"no"`` or ``"failed"``: what came of running the run again, if it was.
    files : list of dict
        The files that the cells of the run have read and written: ``path``, ``mode``, ``size``,
        ``count``, ``sha256``, ``cells``, and ``state``, what they are now.
    """

    uri: str
    version: ModelVersion | None = None
    model: LoggedModel | None = None
    run: Run | None = None
    experiment: str | None = None
    code: Code = field(default_factory=Code)
    data: list[Data] = field(default_factory=list)
    params: dict[str, str] = field(default_factory=dict)
    metrics: dict[str, float] = field(default_factory=dict)
    parents: list[Ancestor] = field(default_factory=list)
    models: list[Ancestor] = field(default_factory=list)
    versions: list[tuple[str, int]] = field(default_factory=list)
    inputs: list[Lineage] = field(default_factory=list)
    reproduced: str | None = None
    files: list[dict[str, Any]] = field(default_factory=list)

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
            "models": [asdict(item) for item in self.models],
            "versions": [list(item) for item in self.versions],
            "inputs": [item.to_dictionary() for item in self.inputs],
            "reproduced": self.reproduced,
            "files": list(self.files),
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
        read = [item for item in self.files if item["mode"] == "read"]
        for item in read[:MAX_SHOWN]:
            digest = f", sha256 {item['sha256'][:10]}" if item["sha256"] else ""
            facts.append(f"file: {item['path']}, {item['size']:,} bytes{digest}, {item['state']}")
        if len(read) > MAX_SHOWN:
            facts.append(f"and {len(read) - MAX_SHOWN} more files")
        if self.params:
            facts.append("params: " + _listed(self.params))
        if self.metrics:
            facts.append("metrics: " + _listed({k: f"{v:.6g}" for k, v in self.metrics.items()}))
        if self.reproduced:
            facts.append(f"run again, same numbers: {self.reproduced}")
        known = {item.model.model_id: item for item in self.inputs if item.model}
        for model in self.models:
            more = repr(known[model.id]).partition("\n")[2] if model.id in known else ""
            facts.append(f"read model {model.name} ({model.id})\n{more}".rstrip("\n"))
        facts += [f"nested in {item.name} ({item.id})" for item in self.parents]
        own = None if self.version is None else (self.version.name, self.version.version)
        facts += [f"also models:/{n}/{v}" for n, v in self.versions if (n, v) != own]
        return facts


def _listed(values: Mapping[str, str]) -> str:
    pairs = [f"{key}={value}" for key, value in list(values.items())[:MAX_SHOWN]]
    more = len(values) - len(pairs)
    return ", ".join(pairs) + (f" and {more} more" if more else "")
