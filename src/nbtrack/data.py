"""Datasets: ``from_pandas`` and its like describe data, ``get_source`` leads back to it."""

from __future__ import annotations

from nbtrack._names import look_elsewhere
from nbtrack.tracking.dataset import Dataset, MetaDataset
from nbtrack.tracking.dataset_sources import (
    CodeDatasetSource,
    DatasetSource,
    FileDatasetSource,
    HTTPDatasetSource,
    HuggingFaceDatasetSource,
)
from nbtrack.tracking.datasets import (
    HuggingFaceDataset,
    NumpyDataset,
    PandasDataset,
    PolarsDataset,
    from_huggingface,
    from_numpy,
    from_pandas,
    from_polars,
    get_source,
)

look_elsewhere(__name__)
__all__ = [
    "CodeDatasetSource",
    "Dataset",
    "DatasetSource",
    "FileDatasetSource",
    "HTTPDatasetSource",
    "HuggingFaceDataset",
    "HuggingFaceDatasetSource",
    "MetaDataset",
    "NumpyDataset",
    "PandasDataset",
    "PolarsDataset",
    "from_huggingface",
    "from_numpy",
    "from_pandas",
    "from_polars",
    "get_source",
]
