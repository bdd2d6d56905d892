"""Types of what pages are answered: those that several have in common, of models, of stores.

Of ``Annotated[A, B]``, A is what Python takes it for and B what the front end does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, NotRequired, TypeAlias, TypedDict

from nbtrack.entities.found import Found, FoundKind

MAX_FOUND_VALUE = 30
RunState: TypeAlias = Annotated[
    str, Literal["RUNNING", "SCHEDULED", "FINISHED", "FAILED", "KILLED", "INTERRUPTED"]
]
ModelState: TypeAlias = Annotated[str, Literal["PENDING", "READY", "FAILED"]]
#: A param or a tag: its key and its value.
Pair: TypeAlias = Annotated[list[str], tuple[str, str]]

#: A param, and what it was before and is now; null where it was not there.
Change: TypeAlias = Annotated[list[str | None], tuple[str, str | None, str | None]]


class RunDiffItem(TypedDict):
    """One thing that is different."""

    label: str
    text: str
    kind: Annotated[str, Literal["better", "worse", "same", "info"]]


class RunDiffDetail(TypedDict, total=False):
    """What a click shows: a unified diff of the code, and all params that changed."""

    params: list[Change]
    code_diff: str


class FoundItem(TypedDict):
    """A param or a metric that was found without a log call; ``source`` says where.

    ``value`` is that of a param, which says what the name alone does not.
    """

    kind: FoundKind
    key: str
    source: str
    value: NotRequired[str]


def found_items(found: Iterable[Found], params: Mapping[str, str]) -> list[FoundItem]:
    """Return what was found about a run that has these params, as the front end has it."""
    items: list[FoundItem] = []
    for kind, key, source in found:
        item: FoundItem = {"kind": kind, "key": key, "source": source}
        if kind == "param" and key in params:
            item["value"] = _one_line(params[key])
        items.append(item)
    return items


def _one_line(value: str) -> str:
    text = " ".join(value.split())
    return text if len(text) <= MAX_FOUND_VALUE else f"{text[: MAX_FOUND_VALUE - 1]}…"


class StoreInfo(TypedDict):
    """A store that the server knows."""

    id: str
    name: str
    path: str
    source: Literal["folder", "kernel", "setting"]
    running: int | None
    error: str | None


class ColumnSpec(TypedDict):
    """An input or an output of a model."""

    name: str | None
    type: str
    required: bool


class ParamSpec(TypedDict):
    """A param that a model takes."""

    name: str
    type: str
    default: Annotated[Any, object]


class Signature(TypedDict):
    """What goes into a model and what comes out."""

    inputs: list[ColumnSpec]
    outputs: list[ColumnSpec]
    params: list[ParamSpec]


class FileFacts(TypedDict):
    """What an MLmodel file says; ``parameters`` is how many numbers a network has learned."""

    flavors: list[str]
    predicts: bool
    signature: Signature | None
    size: int | None
    device: str | None
    precision: str | None
    parameters: int | None
    created_ms: int | None
    python: str | None


class ModelMetric(TypedDict):
    """The latest value of a metric; a word stands for a number that is not finite."""

    key: str
    value: float | str | None
    step: int | None


class VersionLink(TypedDict):
    """Where a logged model is registered."""

    name: str
    version: int
    stage: Annotated[str | None, str]
    aliases: list[str]


class RunModel(TypedDict):
    """A model that a run has logged."""

    model_id: str
    name: str
    state: ModelState
    message: str | None
    model_type: str | None
    created_ms: int
    size: int | None
    flavors: list[str]
    device: str | None
    precision: str | None
    parameters: int | None
    signature: Signature | None
    metrics: list[ModelMetric]
    versions: list[VersionLink]
    uri: str
    load: str


class RunOfModel(TypedDict):
    """The run that has logged a model."""

    run_id: str
    name: str
    state: RunState
    experiment_id: str
    experiment: str
    end_ms: int | None


class DatasetLink(TypedDict):
    """A dataset that the run of a model has used."""

    name: str
    digest: str
    context: str | None


class CodeOfModel(TypedDict):
    """Where the code of a model's run stands: the commit, the cell, the notebook."""

    commit: str | None
    branch: str | None
    cell: str | None
    source: str | None


class ModelFile(TypedDict):
    """A file of a model; the size is null where it is not known."""

    path: str
    size: int | None


class ModelFacts(FileFacts):
    """All that is known of a version, of a logged model or of a folder with a model."""

    kind: Literal["folder", "logged", "version"]
    name: str
    version: int | None
    model_id: str | None
    uri: str
    location: str
    state: ModelState | None
    message: str | None
    model_type: str | None
    stage: str | None
    aliases: list[str]
    description: str | None
    user: str | None
    params: list[Pair]
    metrics: list[ModelMetric]
    tags: list[Pair]
    versions: list[VersionLink]
    run: RunOfModel | None
    datasets: list[DatasetLink]
    code: CodeOfModel | None
    files: list[ModelFile]
    requirements: list[str]
    load: str
