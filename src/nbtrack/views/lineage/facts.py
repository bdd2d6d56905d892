"""What is known of where a model, a run or a number comes from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

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
from nbtrack.views.code import NeededCell
from nbtrack.views.data_state import DataFile

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


@dataclass(frozen=True)
class MadeModel:
    """A model that the run has logged, and what it is registered as.

    Attributes
    ----------
    id, name, status : str
    versions : list of (str, int, list of str)
        Name, version and aliases.
    """

    id: str
    name: str
    status: str
    versions: list[tuple[str, int, list[str]]]


@dataclass(frozen=True)
class RecordedEnvironment:
    """What the run was made with; None is what was not kept.

    Attributes
    ----------
    python, platform, gpu, driver : str or None
    packages : dict of str to str
        The versions of what it had imported.
    """

    python: str | None
    platform: str | None
    packages: dict[str, str]
    gpu: str | None
    driver: str | None

    def __str__(self) -> str:
        count = len(self.packages)
        parts = [
            self.python and f"Python {self.python}",
            count and f"{count} {'package' if count == 1 else 'packages'}",
            self.gpu,
            self.driver and f"driver {self.driver}",
            self.platform,
        ]
        return ", ".join(str(part) for part in parts if part)


@dataclass(frozen=True, repr=False)
class LineageFacts:
    """Where a model, a run or a number comes from.

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
    variation_of : Ancestor or None
        The run whose cells made it, with other params.
    children : list of Ancestor
        The runs that are nested in it, at most 200.
    models : list of Ancestor
        The logged models that the run has read.
    made : list of MadeModel
        Those that it has logged, of a model only this one.
    versions : list of (str, int)
        All versions that the logged model is registered as.
    inputs : sequence of LineageFacts
        Where the models come from that the run has read, and so on; each model once.
    reproduced : str or None
        ``"yes"``, ``"no"`` or ``"failed"``: what came of running the run again, if it was.
    verdict : str or None
        The same with what differs and the date.
    files : list of DataFile
        The files that the run has read and written, and what they are now.
    cells : list of NeededCell
        The earlier cells that the run needed, in the order in which they ran.
    source : str or None
        The cell of the run itself.
    environment : RecordedEnvironment or None
    metric : str or None
        The metric that was asked about.
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
    variation_of: Ancestor | None = None
    children: list[Ancestor] = field(default_factory=list)
    models: list[Ancestor] = field(default_factory=list)
    made: list[MadeModel] = field(default_factory=list)
    versions: list[tuple[str, int]] = field(default_factory=list)
    inputs: Sequence[LineageFacts] = field(default_factory=list)
    reproduced: str | None = None
    verdict: str | None = None
    files: list[DataFile] = field(default_factory=list)
    cells: list[NeededCell] = field(default_factory=list)
    source: str | None = None
    environment: RecordedEnvironment | None = None
    metric: str | None = None
