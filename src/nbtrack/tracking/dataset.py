"""What every dataset is: a name, a digest, where from, which columns, how much."""

from __future__ import annotations

import json
import warnings
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from nbtrack import entities
from nbtrack.entities import shown
from nbtrack.entities.runs import SOURCE_NAME, SOURCE_TYPE, USER
from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.dataset_sources import DatasetSource, resolve_source
from nbtrack.tracking.environment import quick_tags
from nbtrack.validation import MAX_DATASET_DIGEST, MAX_DATASET_NAME

MAX_SCHEMA = 1_048_575
_SOURCE_TAGS = (USER, SOURCE_NAME, SOURCE_TYPE)


class Dataset(ABC):
    """Data that a run has read; ``nbtrack.log_input`` notes it.

    Parameters
    ----------
    source : DatasetSource
        Where the data came from.
    name : str, optional
        By default ``"dataset"``.
    digest : str, optional
        By default computed from the data.

    Raises
    ------
    InvalidParameterError
        If the name is longer than 500 characters or the digest than 36.

    Examples
    --------
    >>> import numpy as np
    >>> data = nbtrack.data.from_numpy(np.zeros((8, 2)), name="train")
    >>> data.to_entity().name, data.to_dict()["source_type"]
    ('train', 'code')
    >>> data.to_json()[:17]
    '{"name": "train",'
    """

    def __init__(
        self, source: DatasetSource, name: str | None = None, digest: str | None = None
    ) -> None:
        self.source = source
        self.name = name or "dataset"
        self._digest = digest
        _check_length("name", self.name, MAX_DATASET_NAME)
        _check_length("digest", digest or "", MAX_DATASET_DIGEST)

    def __repr__(self) -> str:
        return shown.line(self)

    def _repr_html_(self) -> str:
        return shown.table(self)

    def _shown(self) -> dict[str, Any]:
        return {"name": self.name, "digest": self.digest}

    @property
    def digest(self) -> str:
        """Eight hexadecimal digits; equal data has equal ones."""
        if self._digest is None:
            self._digest = self._compute_digest()
        return self._digest

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any] | None:
        """The columns or tensors and their types, None if they fit none of MLflow's."""

    @property
    @abstractmethod
    def profile(self) -> dict[str, Any] | None:
        """How much data there is."""

    @abstractmethod
    def _compute_digest(self) -> str: ...

    def to_entity(self) -> entities.Dataset:
        """Return the dataset as it is stored."""
        schema = None if self.schema is None else json.dumps(self.schema)
        if schema is not None and len(schema) > MAX_SCHEMA:
            warnings.warn(
                f"The schema of the dataset {self.name!r} is longer than {MAX_SCHEMA} characters "
                "and is not kept.",
                NbtrackWarning,
                stacklevel=2,
            )
            schema = None
        return entities.Dataset(
            name=self.name,
            digest=self.digest,
            source_type=self.source.kind,
            source=json.dumps(self.source.to_dict()),
            schema=schema,
            profile=None if self.profile is None else json.dumps(self.profile),
        )

    _to_mlflow_entity = to_entity

    def to_dict(self) -> dict[str, Any]:
        """Return name, digest, source type, source, schema and profile, as stored."""
        return self.to_entity().to_dictionary()

    def to_json(self) -> str:
        """Return ``to_dict`` as JSON."""
        return json.dumps(self.to_dict())


class MetaDataset(Dataset):
    """Data of which only the description is known.

    Parameters
    ----------
    source : str, path or DatasetSource
        Where the data came from.
    name, digest : str, optional
        As in ``Dataset``.
    schema : dict, optional
        Of the data.

    Examples
    --------
    >>> from nbtrack.data import MetaDataset
    >>> data = MetaDataset("s3://bucket/train.parquet", name="train", digest="v3")
    >>> with nbtrack.start_run():
    ...     nbtrack.log_input(data, context="training")
    """

    def __init__(
        self,
        source: Any,
        name: str | None = None,
        digest: str | None = None,
        schema: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(source_of(source), name, digest)
        self._schema = schema

    @property
    def schema(self) -> dict[str, Any] | None:
        """What was given."""
        return self._schema

    @property
    def profile(self) -> None:
        """Nothing is known of it."""
        return

    def _compute_digest(self) -> str:
        digest = Digest()
        digest.words(self.name, json.dumps(self.source.to_dict(), sort_keys=True))
        return digest.text()


def source_of(source: Any) -> DatasetSource:
    """Return the source that a user means; None is the code that runs."""
    return resolve_source(source, _code_tags)


def _code_tags() -> Mapping[str, str]:
    tags = quick_tags()
    return {name: tags[name] for name in _SOURCE_TAGS}


def _check_length(what: str, value: str, most: int) -> None:
    if len(value) > most:
        raise InvalidParameterError(
            f"The {what} of a dataset has at most {most} characters; got {len(value)}: "
            f"{value[:40]!r}..."
        )
