"""The data of an evaluation: features, what is right, and perhaps what was predicted."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.value_types import as_array, is_tensor
from nbtrack.tracking.dataset import Dataset
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.datasets import (
    HuggingFaceDataset,
    NumpyDataset,
    PandasDataset,
    from_numpy,
    from_pandas,
    from_polars,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Array = np.ndarray[Any, Any]


class EvaluationDataset:
    """Features, targets and predictions, example by example.

    Parameters
    ----------
    data : DataFrame, array or list
        The features; of a frame also the other columns that are named here.
    targets : str or array, optional
        The column with what is right; of arrays, an array.
    name, digest : str, optional
        As in ``nbtrack.data``.
    path : str, optional
        Where the data lies, for the tag ``mlflow.datasets``.
    feature_names : list of str, optional
        Of a frame, which columns the model gets; of an array, what to call them.
    predictions : str, optional
        The column with what was predicted.

    Raises
    ------
    InvalidParameterError
        If there is no such column, or the lengths differ.
    """

    def __init__(
        self,
        data: Any,
        *,
        targets: Any = None,
        name: str | None = None,
        path: str | None = None,
        feature_names: Sequence[str] | None = None,
        predictions: str | None = None,
        digest: str | None = None,
    ) -> None:
        import pandas as pd

        for what, value in (("name", name), ("path", path)):
            if value is not None and '"' in value:
                raise InvalidParameterError(
                    f'Dataset {what} cannot include a double quote (") but got {value}'
                )
        given = None if feature_names is None else list(feature_names)
        if given is not None and len(set(given)) < len(given):
            raise InvalidParameterError(
                "`feature_names` argument must be a list containing unique feature names; got "
                f"{given}."
            )
        self._name = name
        self.path = path
        self.targets_name = targets if isinstance(targets, str) else None
        self.predictions_name = predictions
        self.has_targets = targets is not None
        self.has_predictions = predictions is not None
        self.predictions_data: Array | None = None
        self.labels_data: Array | None = None
        self.features_data: pd.DataFrame | Array
        if isinstance(data, pd.DataFrame):
            self._take_frame(data, given)
        else:
            self._take_array(data, targets, given)
        self._digest = digest

    @property
    def digest(self) -> str:
        """Equal data has equal ones."""
        import pandas as pd

        if self._digest is None:
            digest = Digest()
            features = self.features_data
            if isinstance(features, pd.DataFrame):
                digest.frame(features)
            else:
                digest.array(features)
            for part in (self.labels_data, self.predictions_data):
                if part is not None:
                    digest.array(part)
            digest.words(*self.feature_names)
            self._digest = digest.text()
        return self._digest

    @property
    def hash(self) -> str:
        """The digest, by MLflow's other name."""
        return self.digest

    @property
    def name(self) -> str:
        """The name that was given, else the digest."""
        return self._name or self.digest

    def frame(self) -> pd.DataFrame | None:
        """Return a copy of the features as a frame; None if they are no table."""
        import pandas as pd

        if isinstance(self.features_data, pd.DataFrame):
            return self.features_data.copy().set_axis(self.feature_names, axis=1)
        if self.features_data.ndim != 2:
            return None
        return pd.DataFrame(self.features_data.copy(), columns=self.feature_names)

    def _take_frame(self, data: pd.DataFrame, names: list[str] | None) -> None:
        labels: Any = self.targets_name
        if self.has_targets and labels is None:
            raise InvalidParameterError(
                "If data is a DataFrame, `targets` must be the name of the column which contains "
                "the labels: data.assign(target=...), targets='target'."
            )
        taken = {"targets": labels, "predictions": self.predictions_name}
        for what, column in taken.items():
            if column is not None:
                self._check_column(data, what, column)
        if labels is not None:
            self.labels_data = _values(data[labels])
        if self.predictions_name is not None:
            self.predictions_data = _values(data[self.predictions_name])
        if names is None:
            used = [column for column in taken.values() if column is not None]
            self.features_data = data.drop(columns=used)
        else:
            for column in names:
                self._check_column(data, "feature_names", column)
            self.features_data = data[names]
        self.feature_names = [
            each if isinstance(each, str) else f"feature_{each}"
            for each in self.features_data.columns
        ]

    @staticmethod
    def _check_column(data: pd.DataFrame, what: str, column: str) -> None:
        if column not in data.columns:
            raise InvalidParameterError(
                f"The data has no column {column!r}, which {what} names. Its columns are "
                f"{[str(each) for each in data.columns[:20]]}."
            )

    def _take_array(self, data: Any, targets: Any, names: list[str] | None) -> None:
        features = array_of(data, "data")
        if features.ndim < 1 or features.dtype == object:
            raise InvalidParameterError(
                "The data is no table: give a DataFrame, or an array with one row for each example."
            )
        if features.ndim == 1:
            features = features[:, None]
        if targets is not None:
            if isinstance(targets, str):
                raise InvalidParameterError(
                    f"If data is an array or a list, `targets` is an array or a list too, not the "
                    f"name {targets!r}."
                )
            self.labels_data = array_of(targets, "targets")
            if len(self.labels_data) != len(features):
                raise InvalidParameterError(
                    f"The input features example rows must be the same length with labels array: "
                    f"there are {len(features)} and {len(self.labels_data)}."
                )
        size = features.shape[1] if features.ndim == 2 else 0
        if names is not None and len(names) != size:
            raise InvalidParameterError(
                f"feature name list must be the same length with feature data: {len(names)} names, "
                f"{size} features."
            )
        digits = math.ceil(math.log10(size + 1))
        self.features_data = features
        self.feature_names = names or [f"feature_{i + 1:0{digits}d}" for i in range(size)]


def as_dataset(data: Any, **how: Any) -> tuple[Dataset, EvaluationDataset]:
    """Return data as the dataset that is logged, and as that which is evaluated.

    Parameters
    ----------
    data : DataFrame, array, tensor, list or Dataset
        Of pandas, Polars, NumPy, PyTorch, or of ``nbtrack.data``.
    **how
        ``targets``, ``predictions``, ``path`` and ``feature_names``, as in the class.

    Raises
    ------
    InvalidParameterError
        If the data is of another kind, or a column is missing.
    """
    import pandas as pd

    if isinstance(data, Dataset):
        known = _parts(data)
        how.update({name: each for name, each in known.items() if each is not None})
        found = EvaluationDataset(**how, name=data.name, digest=data.digest)
        return data, found
    columns = {name: how.get(name) for name in ("targets", "predictions")}
    if isinstance(data, pd.DataFrame):
        return _named(EvaluationDataset(data, **how), from_pandas(data, **columns))
    if type(data).__module__.partition(".")[0] == "polars" and hasattr(data, "columns"):
        return _named(EvaluationDataset(from_polars(data).df, **how), from_polars(data, **columns))
    if how.get("predictions") is not None:
        raise InvalidParameterError(
            f"predictions={how['predictions']!r} names a column, so that the data has to be a "
            f"DataFrame; got {type(data).__name__}."
        )
    found = EvaluationDataset(data, **how)
    features: Any = found.features_data
    return _named(found, from_numpy(features, targets=found.labels_data))


def _named(found: EvaluationDataset, dataset: Dataset) -> tuple[Dataset, EvaluationDataset]:
    found._name, found._digest = dataset.name, dataset.digest
    return dataset, found


def _parts(data: Dataset) -> dict[str, Any]:
    if isinstance(data, PandasDataset):
        return {"data": data.df, "targets": data.targets, "predictions": data.predictions}
    if isinstance(data, HuggingFaceDataset):
        return {"data": data.ds.to_pandas(), "targets": data.targets}
    if isinstance(data, NumpyDataset):
        if isinstance(data.features, dict) or isinstance(data.targets, dict):
            raise InvalidParameterError(
                "A dataset of several arrays by name cannot be evaluated; give one array of "
                "features and one of targets."
            )
        return {"data": data.features, "targets": data.targets}
    raise InvalidParameterError(
        f"A {type(data).__name__} has no data, only its description. Load it, and pass a DataFrame "
        "or an array."
    )


def array_of(values: Any, what: str) -> Array:
    """Return values as an array.

    Raises
    ------
    InvalidParameterError
        If they are none.
    """
    import numpy as np

    try:
        if is_tensor(values):
            return np.asarray(as_array(values))
        if hasattr(values, "to_numpy"):
            return np.asarray(_values(values))
        return np.asarray(values)
    except ValueError as error:
        raise InvalidParameterError(
            f"The {what} are no array: {error}. All rows have the same length."
        ) from None


def _values(column: Any) -> Array:
    import numpy as np

    found = column.to_numpy()
    # a nullable column without missing values is what it looks like
    if found.dtype == object and getattr(column.dtype, "kind", "O") in "iufb":
        return np.asarray(found if column.isna().any() else found.astype(column.dtype.kind))
    return np.asarray(found)
