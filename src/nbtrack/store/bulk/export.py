"""What a store holds, in bulk, for those who copy it elsewhere."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from nbtrack.store.bulk.models import BulkVersion, read_versions
from nbtrack.store.points import Points
from nbtrack.store.queries import SQL
from nbtrack.store.reader import Reader
from nbtrack.store.registry import get_model_versions


class BulkExperiment(NamedTuple):
    """An experiment with its tags; times in milliseconds since the epoch."""

    experiment_id: str
    name: str
    stage: str
    created: int
    updated: int
    tags: dict[str, str]


class BulkSeries(NamedTuple):
    """A metric of a run: its number in the database, and how many points it has."""

    number: int
    run_id: str
    key: str
    point_count: int


class BulkRegisteredModel(NamedTuple):
    """A registered model with its versions; ``greatest`` is the last number that was given."""

    name: str
    description: str | None
    greatest: int
    created: int
    updated: int
    versions: list[BulkVersion]


def read_experiments(reader: Reader) -> list[BulkExperiment]:
    """Return all experiments, deleted ones too."""
    tags: dict[str, dict[str, str]] = defaultdict(dict)
    for experiment, key, value in reader.named("bulk.experiment_tags"):
        tags[experiment][key] = value
    return [
        BulkExperiment(number, name, stage, created, updated, tags[number])
        for number, name, stage, _, created, updated in reader.named("bulk.experiments")
    ]


def read_run_ids(reader: Reader, experiment_ids: Sequence[str]) -> dict[str, int | None]:
    """Return the runs of some experiments, the first one first, and when each was deleted."""
    rows = reader.named("bulk.run_ids", experiments=list(experiment_ids))
    return {run_id: deleted for run_id, deleted, _ in rows}


def read_series(reader: Reader, run_ids: Sequence[str]) -> list[BulkSeries]:
    """Return the metrics of some runs that have points."""
    return [BulkSeries(*row) for row in reader.named("bulk.series_of_runs", runs=list(run_ids))]


def read_points(reader: Reader, series: Sequence[BulkSeries]) -> Points:
    """Return all points of some metrics; the number of each is its place among them.

    Parameters
    ----------
    reader : Reader
    series : sequence of BulkSeries
        In the order of their numbers.
    """
    import numpy as np

    numbers = [each.number for each in series]
    first, last = min(numbers, default=0), max(numbers, default=0)
    found = reader.columns(SQL["bulk.points_of_series"], series=numbers, first=first, last=last)
    places = np.searchsorted(np.array(numbers), found["series"])
    return Points(places, found["step"], found["time"], found["value"])


def read_model_stages(reader: Reader, experiment_ids: Sequence[str]) -> dict[str, str]:
    """Return the lifecycle stage of the logged models of some experiments, in their order."""
    rows = reader.named("bulk_models.ids", experiments=list(experiment_ids))
    return {model_id: stage for model_id, stage, _ in rows}


def read_registered_models(reader: Reader) -> list[BulkRegisteredModel]:
    """Return all registered models with their versions and the tags of those."""
    found = []
    for name, description, greatest, created, updated in reader.named("bulk_models.registered"):
        versions = read_versions(reader, name)
        entities = get_model_versions(reader, [(name, each.version) for each in versions])
        tags = {entity.version: entity.tags for entity in entities}
        for each in versions:
            each.tags = dict(tags.get(each.version, {}))
        found.append(BulkRegisteredModel(name, description, greatest, created, updated, versions))
    return found
