"""What a search may name, and how each thing may be compared."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from nbtrack.entities import RunStatus
from nbtrack.entities.runs import REPRODUCED, RUN_NAME, WARNINGS
from nbtrack.errors import InvalidParameterError
from nbtrack.store.search.metric_direction import direction_of
from nbtrack.store.search.tree import AGGREGATES, Identifier
from nbtrack.suggestions import did_you_mean

NUMBER_OPERATORS = ("=", "!=", ">", ">=", "<", "<=", "IS NULL", "IS NOT NULL")
TEXT_OPERATORS = ("=", "!=", "LIKE", "ILIKE", "IN", "NOT IN")
KEYED_TEXT_OPERATORS = (*TEXT_OPERATORS, "IS NULL", "IS NOT NULL")


class UnknownAttributeError(InvalidParameterError):
    """A search names an attribute that there is not.

    Attributes
    ----------
    key : str
    attributes : list of str
        Those that there are.
    """

    def __init__(self, message: str, key: str = "", attributes: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.key = key
        self.attributes = list(attributes)


STATUS_NAMES = frozenset(RunStatus.to_string(number) for number in RunStatus.all_status())


@dataclass(frozen=True)
class Vocabulary:
    """The names of one kind of search.

    Attributes
    ----------
    entities : mapping of str to str
        Prefix as written, such as ``params``, to entity, such as ``param``.
    attributes : mapping of str to str
        Attribute as written to attribute.
    numbers : frozenset of str
        The attributes that are numbers (times are milliseconds since the epoch).
    dataset_keys : frozenset of str
    tag_attributes : mapping of str to str
        Tags that mirror an attribute.
    attribute_tags : mapping of str to str
        Attributes that are kept as a tag; a search treats them as that tag.
    aggregates : bool
        Whether a metric may be asked for its ``min``, ``max``, ...
    """

    entities: Mapping[str, str]
    attributes: Mapping[str, str]
    numbers: frozenset[str] = frozenset()
    dataset_keys: frozenset[str] = frozenset()
    tag_attributes: Mapping[str, str] = field(default_factory=dict)
    attribute_tags: Mapping[str, str] = field(default_factory=dict)
    aggregates: bool = True

    def identifier(self, entity: str, key: str, aggregate: str = "") -> Identifier:
        """Return what a written identifier means.

        Raises
        ------
        InvalidParameterError
            If there is no such entity, attribute or aggregate.
        """
        known = self.entities.get(entity)
        if known is None:
            raise InvalidParameterError(
                f"Invalid entity type '{entity}'. Valid values are {sorted(self.entities)}. "
                "Put keys with other characters between backticks, as in metrics.`my key`. "
                + did_you_mean(entity, self.entities, shown=lambda meant: f"{meant}.{key}")
            )
        if known == "metric" and (self.aggregates or not aggregate):
            return Identifier(known, key, _aggregate(key, aggregate))
        if aggregate:
            raise InvalidParameterError(
                f"Invalid aggregate '{aggregate}' of {known} '{key}': only metrics have aggregates."
            )
        if known == "tag" and key in self.tag_attributes:
            return Identifier("attribute", self.tag_attributes[key])
        if known == "attribute" and key in self.attribute_tags:
            return Identifier("tag", self.attribute_tags[key])
        if known == "attribute":
            return Identifier(known, self._attribute(key))
        if known == "dataset" and key not in self.dataset_keys:
            raise InvalidParameterError(
                f"Invalid dataset key '{key}' specified. Valid keys are "
                f"{sorted(self.dataset_keys)}. {did_you_mean(key, sorted(self.dataset_keys))}"
            )
        return Identifier(known, key)

    def _attribute(self, key: str) -> str:
        if key not in self.attributes:
            known = sorted({*self.attributes.values(), *self.attribute_tags})
            raise UnknownAttributeError(
                f"Invalid attribute key '{key}' specified. Valid keys are {known}. "
                "Metrics, params and tags need their prefix, as in metrics.acc or params.lr.",
                key,
                known,
            )
        return self.attributes[key]

    def is_number(self, identifier: Identifier) -> bool:
        """Return whether the identifier is compared with numbers."""
        if identifier.entity == "attribute":
            return identifier.key in self.numbers
        return identifier.entity == "metric"

    def operators(self, identifier: Identifier) -> tuple[str, ...]:
        """Return the comparators that fit the identifier."""
        if self.is_number(identifier):
            return NUMBER_OPERATORS
        return KEYED_TEXT_OPERATORS if identifier.entity in ("param", "tag") else TEXT_OPERATORS


def _aggregate(key: str, aggregate: str) -> str:
    if not aggregate:
        return "last"
    if aggregate == "best":
        best = direction_of(key)
        if best is None:
            raise InvalidParameterError(
                f"The name of metric '{key}' does not tell whether its smallest or its largest "
                f"value is the best. Use metrics.`{key}`.min or metrics.`{key}`.max."
            )
        return best
    if aggregate not in AGGREGATES:
        raise InvalidParameterError(
            f"Invalid aggregate '{aggregate}' of metric '{key}'. Valid values are "
            f"{sorted((*AGGREGATES, 'best'))}. {did_you_mean(aggregate, (*AGGREGATES, 'best'))}"
        )
    return aggregate


_ATTRIBUTE = {"attribute": "attribute", "attributes": "attribute", "attr": "attribute"}
_TAG = {"tag": "tag", "tags": "tag"}

RUNS = Vocabulary(
    entities={
        **_ATTRIBUTE,
        **_TAG,
        "run": "attribute",
        "metric": "metric",
        "metrics": "metric",
        "param": "param",
        "params": "param",
        "parameter": "param",
        "parameters": "param",
        "dataset": "dataset",
        "datasets": "dataset",
    },
    attributes={
        "run_id": "run_id",
        "run_name": "run_name",
        "run name": "run_name",
        "Run name": "run_name",
        "Run Name": "run_name",
        "user_id": "user_id",
        "status": "status",
        "artifact_uri": "artifact_uri",
        "start_time": "start_time",
        "created": "start_time",
        "Created": "start_time",
        "end_time": "end_time",
    },
    numbers=frozenset({"start_time", "end_time"}),
    dataset_keys=frozenset({"name", "digest", "context"}),
    tag_attributes={RUN_NAME: "run_name"},
    attribute_tags={"reproduced": REPRODUCED, "warnings": WARNINGS},
)

EXPERIMENTS = Vocabulary(
    entities={**_ATTRIBUTE, **_TAG, "experiment": "attribute"},
    attributes={
        "name": "name",
        "experiment_id": "experiment_id",
        "creation_time": "creation_time",
        "last_update_time": "last_update_time",
    },
    numbers=frozenset({"creation_time", "last_update_time"}),
)

_MODEL_TIMES = {
    "creation_timestamp": "creation_timestamp",
    "creation_time": "creation_timestamp",
    "last_updated_timestamp": "last_updated_timestamp",
}

LOGGED_MODELS = Vocabulary(
    entities={
        **_ATTRIBUTE,
        **_TAG,
        "metric": "metric",
        "metrics": "metric",
        "param": "param",
        "params": "param",
    },
    attributes={
        **{
            name: name
            for name in (
                "model_id",
                "name",
                "model_type",
                "status",
                "status_message",
                "source_run_id",
                "experiment_id",
                "artifact_location",
            )
        },
        **_MODEL_TIMES,
        "creation_timestamp_ms": "creation_timestamp",
        "last_updated_timestamp_ms": "last_updated_timestamp",
    },
    numbers=frozenset({"creation_timestamp", "last_updated_timestamp"}),
    aggregates=False,
)

REGISTERED_MODELS = Vocabulary(
    entities={**_ATTRIBUTE, **_TAG},
    attributes={"name": "name", "timestamp": "last_updated_timestamp", **_MODEL_TIMES},
    numbers=frozenset({"creation_timestamp", "last_updated_timestamp"}),
)

MODEL_VERSIONS = Vocabulary(
    entities={**_ATTRIBUTE, **_TAG},
    attributes={
        "name": "name",
        "version_number": "version_number",
        "version": "version_number",
        "run_id": "run_id",
        "source_path": "source_path",
        "model_id": "model_id",
        "user_id": "user_id",
        "current_stage": "current_stage",
        "stage": "current_stage",
        **_MODEL_TIMES,
    },
    numbers=frozenset({"version_number", "creation_timestamp", "last_updated_timestamp"}),
)
