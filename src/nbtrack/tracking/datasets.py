"""Datasets by the library that holds the data: pandas, NumPy, Polars, Hugging Face."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from nbtrack import entities
from nbtrack.errors import InvalidParameterError
from nbtrack.tracking.dataset import Dataset, source_of
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.dataset_schema import frame_schema, tensor_schema
from nbtrack.tracking.dataset_sources import (
    DatasetSource,
    HuggingFaceDatasetSource,
    source_from_json,
)

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

    Arrays = np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]]

__all__ = [
    "Dataset",
    "HuggingFaceDataset",
    "NumpyDataset",
    "PandasDataset",
    "PolarsDataset",
    "from_huggingface",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "get_source",
]


class PandasDataset(Dataset):
    """A DataFrame of pandas; one column may be the target, one the predictions.

    Parameters
    ----------
    df : pandas.DataFrame
        The data.
    source : DatasetSource
        Where it came from.
    targets, predictions : str, optional
        Columns of the frame.
    name, digest : str, optional
        As in ``Dataset``.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": [1.0, 2.0], "label": [0, 1]})
    >>> train = nbtrack.data.from_pandas(frame, targets="label", name="train")
    >>> type(train).__name__, train.profile
    ('PandasDataset', {'num_rows': 2, 'num_elements': 4})
    >>> train.to_dict()["name"], len(train.digest)
    ('train', 8)
    """

    def __init__(
        self,
        df: pd.DataFrame,
        source: DatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
        predictions: str | None = None,
    ) -> None:
        for what, column in (("targets", targets), ("predictions", predictions)):
            if column is not None and column not in df.columns:
                raise InvalidParameterError(
                    f"The specified pandas DataFrame does not contain the specified {what} "
                    f"column '{column}'. Its columns are {[str(c) for c in df.columns[:20]]}."
                )
        super().__init__(source, name, digest)
        self.df = df
        self.targets = targets
        self.predictions = predictions

    @property
    def schema(self) -> dict[str, Any] | None:
        """The columns, as ``mlflow_colspec``."""
        return frame_schema(self.df)

    @property
    def profile(self) -> dict[str, Any]:
        """``num_rows`` and ``num_elements``."""
        return {"num_rows": len(self.df), "num_elements": int(self.df.size)}

    def _compute_digest(self) -> str:
        digest = Digest()
        digest.frame(self.df)
        return digest.text()


class NumpyDataset(Dataset):
    """Arrays of NumPy: features and perhaps targets, each one array or several by name.

    Parameters
    ----------
    features, targets : numpy.ndarray or dict of str to numpy.ndarray
        Examples along the first dimension.
    source : DatasetSource
        Where it came from.
    name, digest : str, optional
        As in ``Dataset``.

    Examples
    --------
    >>> import numpy as np
    >>> train = nbtrack.data.from_numpy(np.zeros((8, 2)), targets=np.zeros(8))
    >>> type(train).__name__, train.profile["features_shape"]
    ('NumpyDataset', [8, 2])
    """

    def __init__(
        self,
        features: Arrays,
        source: DatasetSource,
        targets: Arrays | None = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        super().__init__(source, name, digest)
        self.features = _arrays(features)
        self.targets = None if targets is None else _arrays(targets)

    @property
    def schema(self) -> dict[str, Any]:
        """The tensors, as ``mlflow_tensorspec``."""
        return tensor_schema(self.features, self.targets)

    @property
    def profile(self) -> dict[str, Any]:
        """``features_shape``, ``features_size``, ``features_nbytes``; likewise the targets."""
        found = _profile("features", self.features)
        if self.targets is not None:
            found.update(_profile("targets", self.targets))
        return found

    def _compute_digest(self) -> str:
        digest = Digest()
        for part in (self.features, self.targets):
            named = part if isinstance(part, dict) else {"": part}
            for name in sorted(named):
                digest.words(name)
                array = named[name]
                if array is not None:
                    digest.array(array)
        return digest.text()


class PolarsDataset(PandasDataset):
    """A DataFrame of Polars.

    Parameters
    ----------
    df : polars.DataFrame
        The data.
    source : DatasetSource
        Where it came from.
    **options
        As in ``PandasDataset``: targets, name, digest, predictions.

    Examples
    --------
    >>> import polars as pl
    >>> train = nbtrack.data.from_polars(pl.DataFrame({"x": [1.0, 2.0]}))
    >>> type(train).__name__, train.profile["num_rows"]
    ('PolarsDataset', 2)
    """

    def __init__(self, df: Any, source: DatasetSource, **options: Any) -> None:
        import pandas as pd

        # column by column, which needs no pyarrow as df.to_pandas() does
        columns = {name: df[name].to_numpy() for name in df.columns}
        super().__init__(pd.DataFrame(columns), source, **options)
        self.polars = df


class HuggingFaceDataset(Dataset):
    """A ``datasets.Dataset`` of Hugging Face.

    Parameters
    ----------
    ds : datasets.Dataset
        The data.
    source : DatasetSource
        Where it came from.
    targets : str, optional
        A column.
    name, digest : str, optional
        As in ``Dataset``.

    Examples
    --------
    >>> import datasets
    >>> train = nbtrack.data.from_huggingface(datasets.Dataset.from_dict({"x": [1, 2, 3]}))
    >>> type(train).__name__, train.profile["num_rows"]
    ('HuggingFaceDataset', 3)
    """

    def __init__(
        self,
        ds: Any,
        source: DatasetSource,
        targets: str | None = None,
        name: str | None = None,
        digest: str | None = None,
    ) -> None:
        if targets is not None and targets not in ds.column_names:
            raise InvalidParameterError(
                f"The specified Hugging Face dataset does not contain the specified targets "
                f"column '{targets}'. Its columns are {ds.column_names[:20]}."
            )
        super().__init__(source, name, digest)
        self.ds = ds
        self.targets = targets

    @property
    def schema(self) -> dict[str, Any] | None:
        """The columns, as ``mlflow_colspec``, judged by the first rows."""
        return frame_schema(self._first(100))

    @property
    def profile(self) -> dict[str, Any]:
        """``num_rows``, ``dataset_size`` and ``size_in_bytes``, as the library knows them."""
        return {
            "num_rows": int(self.ds.num_rows),
            "dataset_size": self.ds.dataset_size,
            "size_in_bytes": self.ds.size_in_bytes,
        }

    def _compute_digest(self) -> str:
        digest = Digest()
        digest.words(self.ds.num_rows)
        digest.frame(self._first(1_000))
        return digest.text()

    def _first(self, rows: int) -> pd.DataFrame:
        # as Arrow, so that pictures and sounds are not decoded
        frame: pd.DataFrame = self.ds.with_format("arrow")[:rows].to_pandas()
        return frame


def from_pandas(
    df: pd.DataFrame,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PandasDataset:
    """Return a dataset of a DataFrame.

    Parameters
    ----------
    df : pandas.DataFrame
        The data; it is not stored, only described.
    source : str, path or DatasetSource, optional
        Where it came from; the code that runs when nothing is said.
    targets, predictions : str, optional
        Columns of the frame.
    name, digest : str, optional
        ``"dataset"`` and what is computed, when nothing is said.

    Raises
    ------
    InvalidParameterError
        If the frame has no such column.

    Examples
    --------
    >>> import pandas as pd
    >>> frame = pd.DataFrame({"x": [1.0, 2.0], "label": [0, 1]})
    >>> train = nbtrack.data.from_pandas(frame, source="train.csv", targets="label", name="train")
    >>> with nbtrack.start_run():
    ...     nbtrack.log_input(train, context="training")
    """
    where = source_of(source)
    return PandasDataset(df, where, targets, name, digest, predictions)


def from_numpy(
    features: Arrays,
    source: Any = None,
    targets: Arrays | None = None,
    name: str | None = None,
    digest: str | None = None,
) -> NumpyDataset:
    """Return a dataset of arrays; see ``from_pandas`` for the other parameters.

    Parameters
    ----------
    features, targets : numpy.ndarray or dict of str to numpy.ndarray
        Examples along the first dimension.
    source, name, digest : optional
        As in ``from_pandas``.

    Examples
    --------
    >>> import numpy as np
    >>> train = nbtrack.data.from_numpy(np.zeros((8, 2)), targets=np.zeros(8), name="train")
    >>> train.profile["features_shape"]
    [8, 2]
    """
    return NumpyDataset(features, source_of(source), targets, name, digest)


def from_polars(
    df: Any,
    source: Any = None,
    targets: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    predictions: str | None = None,
) -> PolarsDataset:
    """Return a dataset of a Polars DataFrame; see ``from_pandas``.

    Examples
    --------
    >>> import polars as pl
    >>> nbtrack.data.from_polars(pl.DataFrame({"x": [1.0, 2.0]})).profile["num_rows"]
    2
    """
    where = source_of(source)
    options = {"name": name, "digest": digest, "predictions": predictions}
    return PolarsDataset(df, where, targets=targets, **options)


def from_huggingface(
    ds: Any,
    path: str | None = None,
    targets: str | None = None,
    data_dir: str | None = None,
    data_files: Any = None,
    revision: str | None = None,
    name: str | None = None,
    digest: str | None = None,
    trust_remote_code: bool | None = None,
    source: Any = None,
) -> HuggingFaceDataset:
    """Return a dataset of a ``datasets.Dataset``.

    Parameters
    ----------
    ds : datasets.Dataset
        The data; it is not stored, only described.
    path, data_dir, data_files, revision : optional
        What ``load_dataset`` was given; where the data came from, unless ``source`` says it.
    targets, name, digest, source : optional
        As in ``from_pandas``.
    trust_remote_code : bool, optional
        Not used: code from the hub is never run.

    Examples
    --------
    >>> import datasets
    >>> train = datasets.Dataset.from_dict({"text": ["good", "bad"], "label": [1, 0]})
    >>> nbtrack.data.from_huggingface(train, targets="label").profile["num_rows"]
    2
    """
    if path is None:
        where = source_of(source)
    else:
        split = str(ds.split) if getattr(ds, "split", None) is not None else None
        config = getattr(getattr(ds, "info", None), "config_name", None)
        where = HuggingFaceDatasetSource(path, config, data_dir, data_files, split, revision)
    return HuggingFaceDataset(ds, where, targets, name, digest)


def get_source(dataset: Any) -> DatasetSource:
    """Return where a dataset came from; its ``load()`` gets the data again.

    Parameters
    ----------
    dataset : Dataset, entities.Dataset or entities.DatasetInput
        A dataset that was made here, or one that a run has read.

    Examples
    --------
    >>> from pathlib import Path
    >>> import pandas as pd
    >>> _ = Path("train.csv").write_text("x")
    >>> with nbtrack.start_run() as run:
    ...     data = nbtrack.data.from_pandas(pd.DataFrame({"x": [1.0]}), source="train.csv")
    ...     nbtrack.log_input(data)
    >>> Path(nbtrack.data.get_source(run.inputs.dataset_inputs[0]).load()).name
    'train.csv'
    """
    if isinstance(dataset, Dataset):
        return dataset.source
    if isinstance(dataset, entities.DatasetInput):
        dataset = dataset.dataset
    if isinstance(dataset, entities.Dataset):
        return source_from_json(dataset.source_type, dataset.source)
    raise InvalidParameterError(
        f"A dataset is needed, such as run.inputs.dataset_inputs[0]; got {type(dataset).__name__}."
    )


def _arrays(given: Any) -> Arrays:
    import numpy as np

    if isinstance(given, Mapping):
        return {str(name): np.asarray(array) for name, array in given.items()}
    return np.asarray(given)


def _profile(what: str, arrays: Arrays) -> dict[str, Any]:
    named = arrays if isinstance(arrays, dict) else {"": arrays}
    found: dict[str, dict[str, Any]] = {
        f"{what}_shape": {name: list(array.shape) for name, array in named.items()},
        f"{what}_size": {name: int(array.size) for name, array in named.items()},
        f"{what}_nbytes": {name: int(array.nbytes) for name, array in named.items()},
    }
    return dict(found) if isinstance(arrays, dict) else {k: v[""] for k, v in found.items()}
