"""Where a model comes from: version, logged model, run, data, code, params and metrics."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion, Run
from nbtrack.entities.runs import (
    CELL_TAG,
    DATA_CONTEXT,
    GIT_BRANCH,
    GIT_COMMIT,
    GIT_DIRTY,
    GIT_REPO_URL,
    PARENT,
    SOURCE_NAME,
    SOURCE_TYPE,
    USER,
)
from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.store import (
    Reader,
    Store,
    find_experiment,
    get_logged_models,
    get_model_version,
    get_runs,
    versions_of_logged_model,
)
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.tracking.model_locations import MODEL_FILE, ModelLocation, locate, store_of
from nbtrack.untrusted_files import read_yaml

MAX_PARENTS = 20
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
    """Where a model comes from; ``print`` shows it as a tree.

    Attributes
    ----------
    uri : str
        As it was asked for.
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
        }

    def __repr__(self) -> str:
        heads = [self._version_line(), self._model_line(), self._run_line()]
        lines = [line for line in heads if line] or [f"{self.uri}: nothing is known of it"]
        depth = len(lines)
        shown = ["   " * (at - 1) + "└─ " + line if at else line for at, line in enumerate(lines)]
        facts = self._facts()
        for index, fact in enumerate(facts):
            mark = "└─ " if index == len(facts) - 1 else "├─ "
            shown.append("   " * (depth - 1) + mark + fact)
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
        if self.params:
            facts.append("params: " + _listed(self.params))
        if self.metrics:
            facts.append("metrics: " + _listed({k: f"{v:.6g}" for k, v in self.metrics.items()}))
        facts += [f"read model {item.name} ({item.id})" for item in self.models]
        facts += [f"nested in {item.name} ({item.id})" for item in self.parents]
        own = None if self.version is None else (self.version.name, self.version.version)
        facts += [f"also models:/{n}/{v}" for n, v in self.versions if (n, v) != own]
        return facts


def _listed(values: Mapping[str, str]) -> str:
    pairs = [f"{key}={value}" for key, value in list(values.items())[:MAX_SHOWN]]
    more = len(values) - len(pairs)
    return ", ".join(pairs) + (f" and {more} more" if more else "")


def lineage(store: Store | None, names: Store, what: Any) -> Lineage:
    """Return where a model comes from.

    Parameters
    ----------
    store : Store or None
        Where runs and logged models are; None for that of the model.
    names : Store
        Whose registry is asked.
    what : str, path, ModelVersion, LoggedModel, or what has a ``model_uri``
        A URI is of those that ``locate`` knows.

    Raises
    ------
    NotFoundError
        If there is no such model.
    InvalidParameterError
        If it is nothing of these.
    """
    uri = _uri_of(what)
    place = locate(uri, store, names)
    version, versions = None, []
    model_id, run_id = place.model_id, place.run_id
    if place.version is not None:
        with names.read() as reader:
            version = get_model_version(reader, str(place.name), place.version)
    elif model_id is None and run_id is None:
        model_id, run_id = _written(place)
    if store is None:
        store = store_of(f"runs:/{run_id}") if model_id is None else store_of(f"models:/{model_id}")
    if model_id is not None:
        with names.read() as reader:
            versions = versions_of_logged_model(reader, model_id)
    with store.read() as reader:
        found = get_logged_models(reader, [model_id or ""], deleted=True)
        model = found[0] if found else None
        run = _run(reader, run_id or (model.source_run_id if model else None))
        metrics = {} if run is None else dict(run.data.metrics)
        tags = {**(model.tags if model else {}), **(run.data.tags if run else {})}
        return Lineage(
            uri,
            version,
            model,
            run,
            _experiment(reader, run),
            Code.of(tags),
            _data(run),
            model.params if model else (run.data.params if run else {}),
            {m.key: m.value for m in model.metrics} if model and model.metrics else metrics,
            _parents(reader, run),
            _models(reader, run),
            versions,
        )


def _uri_of(what: Any) -> str:
    if isinstance(what, ModelVersion):
        return f"models:/{what.name}/{what.version}"
    found = what if isinstance(what, str | os.PathLike) else getattr(what, "model_uri", None)
    if not isinstance(found, str | os.PathLike):
        raise InvalidParameterError(
            f"lineage knows nothing of a {type(what).__name__}: give the URI of a model, a version "
            "or a logged model."
        )
    return os.fspath(found)


def _written(place: ModelLocation) -> tuple[str | None, str | None]:
    """Return the model and the run that the MLmodel file of a folder names."""
    folder: ArtifactFolder = place.folder
    try:
        known = read_yaml(folder.read_bytes(MODEL_FILE), MODEL_FILE)
    except (NbtrackError, OSError):
        return None, None
    fields = known if isinstance(known, dict) else {}
    model_id, run_id = fields.get("model_id"), fields.get("run_id")
    return None if model_id is None else str(model_id), None if run_id is None else str(run_id)


def _run(reader: Reader, run_id: str | None) -> Run | None:
    try:
        return get_runs(reader, [run_id])[0] if run_id else None
    except NbtrackError:  # of another store, or removed for good
        return None


def _experiment(reader: Reader, run: Run | None) -> str | None:
    if run is None:
        return None
    found = find_experiment(reader, run.info.experiment_id)
    return None if found is None else found.name


def _data(run: Run | None) -> list[Data]:
    found = []
    for item in [] if run is None else run.inputs.dataset_inputs:
        tags = {tag.key: tag.value for tag in item.tags}
        known = item.dataset
        context = tags.get(DATA_CONTEXT)
        found.append(Data(known.name, known.digest, context, known.source_type, known.source))
    return found


def _parents(reader: Reader, run: Run | None) -> list[Ancestor]:
    found: list[Ancestor] = []
    seen = {run.info.run_id} if run else set()
    while run is not None and len(found) < MAX_PARENTS:
        run = _run(reader, run.data.tags.get(PARENT))
        if run is None or run.info.run_id in seen:
            break
        seen.add(run.info.run_id)
        found.append(Ancestor(run.info.run_id, run.info.run_name))
    return found


def _models(reader: Reader, run: Run | None) -> list[Ancestor]:
    ids = [item.model_id for item in run.inputs.model_inputs] if run else []
    found = get_logged_models(reader, ids, deleted=True)
    return [Ancestor(model.model_id, model.name) for model in found]
