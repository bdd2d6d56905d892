"""Registered models and their versions as a tree, and the links between models and runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from nbtrack.entities import LoggedModel, ModelVersion
from nbtrack.store import Reader, get_logged_models, get_model_versions
from nbtrack.store.search import is_filter_expression, select_run_ids

MAX_MODELS = 200
MAX_VERSIONS = 20
_NO_STAGE = "None"


@dataclass(frozen=True)
class ModelRow:
    """A registered model of the tree.

    Attributes
    ----------
    name : str
    description : str or None
    updated_ms : int
    total : int
        How many versions it has.
    versions : list of ModelVersion
        The latest ones, and all that have an alias or a stage; the latest first.
    """

    name: str
    description: str | None
    updated_ms: int
    total: int
    versions: list[ModelVersion]


@dataclass(frozen=True)
class ModelTree:
    """What of the registry fits a filter.

    Attributes
    ----------
    rows : list of ModelRow
        The model that was changed last comes first.
    total : int
        How many registered models fit.
    models : dict of str to LoggedModel
        The logged models of the versions, by id.
    values : dict of str to dict
        Their metrics, by id.
    run_names : dict of str to str
        The names of the runs that the versions come from, by id, as far as this store has them.
    logged : int
        How many logged models the store has.
    """

    rows: list[ModelRow]
    total: int
    models: dict[str, LoggedModel]
    values: dict[str, dict[str, ModelValue]]
    run_names: dict[str, str]
    logged: int


def model_tree(reader: Reader, filter_string: str = "") -> ModelTree:
    """Return the registered models that fit a filter, with their most important versions.

    Parameters
    ----------
    reader : Reader
    filter_string : str
        Plain words are looked for in names, descriptions, aliases and stages; an expression of
        the search grammar is about the runs that the versions come from.

    Raises
    ------
    InvalidParameterError
        If the expression cannot be read.
    """
    reader.refresh(models_of=None, registry=True)
    text = filter_string.strip()
    by_name: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in reader.named("model_tree.versions"):
        by_name[row[0]].append(row)
    infos = reader.named("model_tree.models")
    if text and is_filter_expression(text):
        runs = set(select_run_ids(reader, None, text).run_ids)
        for name, rows in by_name.items():
            by_name[name] = [row for row in rows if row[3] in runs]
        infos = [info for info in infos if by_name[info[0]]]
    elif text:
        words = text.lower().split()
        infos = [info for info in infos if _has_words(info, by_name[info[0]], words)]
    shown = infos[:MAX_MODELS]
    chosen = [pair for info in shown for pair in _chosen(by_name[info[0]])]
    versions: dict[str, list[ModelVersion]] = defaultdict(list)
    for version in get_model_versions(reader, chosen):
        versions[version.name].append(version)
    ids = [v.model_id for found in versions.values() for v in found if v.model_id is not None]
    models = get_logged_models(reader, ids, deleted=True)
    values = values_of(reader, models)
    run_ids = sorted({v.run_id for found in versions.values() for v in found if v.run_id})
    reader.refresh(runs=run_ids)
    return ModelTree(
        rows=[
            ModelRow(name, description, updated, total, versions[name])
            for name, description, updated, total in shown
        ],
        total=len(infos),
        models={model.model_id: model for model in models},
        values=values,
        run_names=dict(reader.named("model_tree.run_names", run_ids=run_ids)),
        logged=reader.named("model_tree.logged")[0][0],
    )


def versions_of(reader: Reader, model_ids: Sequence[str]) -> dict[str, list[ModelVersion]]:
    """Return the versions that some logged models are registered as, by model id."""
    found: dict[str, list[ModelVersion]] = defaultdict(list)
    reader.refresh(registry=True)
    rows = reader.named("model_tree.versions_of", model_ids=list(model_ids))
    for version in get_model_versions(reader, [(name, number) for _, name, number in rows]):
        found[str(version.model_id)].append(version)
    return dict(found)


@dataclass(frozen=True)
class ModelValue:
    """The value of a metric that is shown of a model, and its step."""

    value: float
    step: int


def values_of(reader: Reader, models: Sequence[LoggedModel]) -> dict[str, dict[str, ModelValue]]:
    """Return the metrics of some models by key, by model id.

    Of a model that was logged without a step they are what its run had logged last when it was
    made: the points of step 0, which are its by MLflow's rule, tell of its beginning. What was
    logged of it later, such as an evaluation, comes first.
    """
    runs = [model.source_run_id for model in models if model.source_run_id is not None]
    reader.refresh(models=[model.model_id for model in models], runs=runs)
    found: dict[str, dict[str, ModelValue]] = {model.model_id: {} for model in models}
    late: dict[str, set[str]] = {}
    for model_id, key, value, step, is_later in reader.named(
        "model_tree.of_runs", model_ids=list(found)
    ):
        if is_later:
            late.setdefault(model_id, set()).add(key)
        else:
            found[model_id][key] = ModelValue(value, step)
    if late:
        keys = sorted(set().union(*late.values()))
        reader.refresh(runs=runs, history=keys)
        rows = reader.named("model_tree.of_runs_before", model_ids=list(late), keys=keys)
        for model_id, key, value, step in rows:
            if key in late[model_id]:
                found[model_id][key] = ModelValue(value, step)
    for model in models:
        found[model.model_id] |= _own_values(model, found[model.model_id])
    return found


def _own_values(model: LoggedModel, of_run: Mapping[str, ModelValue]) -> dict[str, ModelValue]:
    """Return the value of each metric of a model at its greatest step, as far as it is its own."""
    found: dict[str, ModelValue] = {}
    for each in model.metrics or ():
        if each.key in of_run and each.timestamp <= model.creation_timestamp:
            continue
        step = each.step or 0
        if each.key not in found or step >= found[each.key].step:
            found[each.key] = ModelValue(each.value, step)
    return found


def sizes_of(reader: Reader, model_ids: Sequence[str]) -> dict[str, int]:
    """Return how many bytes the recorded files of some logged models have."""
    reader.refresh(models=model_ids)
    return dict(reader.named("model_tree.sizes", model_ids=list(model_ids)))


def files_of(reader: Reader, model_id: str) -> list[tuple[str, int | None]]:
    """Return path and size of the recorded files of a logged model."""
    reader.refresh(models=[model_id])
    return [(row[0], row[1]) for row in reader.named("models.artifacts", model_id=model_id)]


def _has_words(info: tuple[Any, ...], rows: list[tuple[Any, ...]], words: list[str]) -> bool:
    name, description = info[0], info[1] or ""
    texts = [name, description]
    for _, _, stage, _, _, logged, aliases in rows:
        texts += [logged, *aliases, *([] if stage == _NO_STAGE else [stage])]
    text = " ".join(texts).lower()
    return all(word.removeprefix("@") in text for word in words)


def _chosen(rows: list[tuple[Any, ...]]) -> list[tuple[str, int]]:
    """Return the versions to show of a model, of rows that have the latest first."""
    return [
        (row[0], row[1])
        for place, row in enumerate(rows)
        if place < MAX_VERSIONS or row[6] or row[2] != _NO_STAGE
    ]
