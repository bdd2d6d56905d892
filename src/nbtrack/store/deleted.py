"""What goes for good: deleted runs, logged models and experiments, and found values left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field

from nbtrack.entities.found import FOUND_TAG, Found, found_of, found_tag
from nbtrack.errors import InvalidStateError, NotFoundError
from nbtrack.store.reader import Reader

_OF_RUNS = (
    "points",
    "series",
    "params",
    "tags",
    "artifacts",
    "inputs",
    "model_inputs",
    "model_outputs",
    "runs",
)
_OF_MODELS = ("params", "tags", "metrics", "artifacts", "inputs", "outputs", "rows")
_OF_EXPERIMENTS = ("experiment_tags", "datasets", "experiments")


@dataclass(frozen=True)
class PurgeFilter:
    """Ids of what should go; everything that was deleted where none is given.

    Attributes
    ----------
    runs, experiments, models : collection of str
        An experiment goes with its runs and models.
    """

    runs: Collection[str] = ()
    experiments: Collection[str] = ()
    models: Collection[str] = ()

    def takes(self, experiment_id: str, owner: str | None = None) -> bool:
        """Return whether an experiment, or a run or model in it, should go."""
        if not (self.runs or self.experiments or self.models):
            return True
        return experiment_id in self.experiments or owner in (*self.runs, *self.models)


@dataclass(frozen=True)
class PurgeItem:
    """A run or a logged model that goes for good.

    Attributes
    ----------
    id, name, experiment_id : str
    location : str or None
        Where its artifacts are, where that is not the usual place.
    """

    id: str
    name: str
    experiment_id: str
    location: str | None


@dataclass(frozen=True)
class PurgePlan:
    """What goes for good.

    Attributes
    ----------
    runs, models : list of Gone
    experiments : dict of str to str
        Ids and names of deleted experiments of which nothing else is left.
    """

    runs: list[PurgeItem] = field(default_factory=list)
    models: list[PurgeItem] = field(default_factory=list)
    experiments: dict[str, str] = field(default_factory=dict)

    def first(self, most: int | None) -> PurgePlan:
        """Return so many of the runs and models, or all; experiments go with the last of them."""
        if most is None or len(self.runs) + len(self.models) <= most:
            return self
        return PurgePlan(self.runs[:most], self.models[: max(0, most - len(self.runs))])

    def __add__(self, other: PurgePlan) -> PurgePlan:
        return PurgePlan(
            [*self.runs, *other.runs],
            [*self.models, *other.models],
            {**self.experiments, **other.experiments},
        )


def find_deleted(reader: Reader, before: int, chosen: PurgeFilter) -> PurgePlan:
    """Return what was deleted before a moment, and was chosen.

    Parameters
    ----------
    reader : Reader
    before : int
        Milliseconds since the epoch.
    chosen : Chosen
    """
    runs = [PurgeItem(*row) for row in reader.named("maintenance.deleted_runs", before=before)]
    models = [PurgeItem(*row) for row in reader.named("maintenance.deleted_models", before=before)]
    runs = [each for each in runs if chosen.takes(each.experiment_id, each.id)]
    models = [each for each in models if chosen.takes(each.experiment_id, each.id)]
    going = {each.id for each in (*runs, *models)}
    deleted = dict(reader.named("maintenance.deleted_experiments", before=before))
    staying = {
        experiment_id
        for experiment_id, owner in reader.named("maintenance.owners", experiments=list(deleted))
        if owner not in going
    }
    experiments = {i: n for i, n in deleted.items() if i not in staying and chosen.takes(i)}
    return PurgePlan(runs, models, experiments)


def check_chosen(reader: Reader, chosen: PurgeFilter) -> None:
    """Raise unless all that was chosen was deleted before.

    Raises
    ------
    NotFoundError
        If something does not exist that was chosen.
    InvalidStateError
        If it was not deleted.
    """
    for noun, query, ids in (
        ("run", "stages_of_runs", chosen.runs),
        ("experiment", "stages_of_experiments", chosen.experiments),
        ("logged model", "stages_of_models", chosen.models),
    ):
        stages = dict(reader.named(f"maintenance.{query}", ids=list(ids))) if ids else {}
        for each in ids:
            if each not in stages:
                raise NotFoundError(f"There is no {noun} with the id {each!r}.")
            if stages[each] != "deleted":
                raise InvalidStateError(
                    f"The {noun} {each!r} is not deleted. Only what was deleted before can go for "
                    "good: delete it first."
                )


def remove_deleted(reader: Reader, gone: PurgePlan) -> None:
    """Remove the rows of what goes."""
    for nouns, argument, ids, suffix in (
        (_OF_RUNS, "runs", [each.id for each in gone.runs], ""),
        (_OF_MODELS, "models", [each.id for each in gone.models], "_of_models"),
        (_OF_EXPERIMENTS, "experiments", list(gone.experiments), ""),
    ):
        if ids:
            for noun in nouns:
                reader.named(f"maintenance.remove_{noun}{suffix}", **{argument: ids})


def remove_found(reader: Reader, run_id: str, kind: str, key: str) -> list[Found]:
    """Remove a param or a metric of a run that was found without a log call; return what is left.

    Raises
    ------
    NotFoundError
        If nothing of that name was found: what was logged stays.
    """
    tags = {name: value for _, name, value in reader.named("runs.tags", run_ids=[run_id])}
    found = found_of(tags)
    left = [each for each in found if (each.kind, each.key) != (kind, key)]
    if len(left) == len(found):
        raise NotFoundError(
            f"The {kind} {key!r} of run {run_id} was not found by %%track, or is left out already. "
            "What code has logged stays."
        )
    removals = ["remove_param"]
    if kind == "metric":
        removals = ["remove_shared_points", "remove_points", "remove_series"]
    for name in removals:
        reader.named(f"edits.{name}", run_id=run_id, key=key)
    reader.named("edits.remove_tag", run_ids=[run_id], key=FOUND_TAG)
    if left:
        reader.named("edits.add_tag", run_ids=[run_id], key=FOUND_TAG, value=found_tag(left))
    return left
