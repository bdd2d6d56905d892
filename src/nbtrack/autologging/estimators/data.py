"""What an estimator is fitted with: examples, labels, weights, and how they are described."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

from nbtrack.callables import parameters_of
from nbtrack.tracking.dataset import Dataset, MetaDataset
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.datasets import from_numpy, from_pandas, from_polars

EXAMPLE_ROWS = 5
_SIGNATURE_ROWS = 1_000
_MOST_BYTES = 1 << 30
_DENSE = 10_000_000  # a sparse matrix of more elements is not made dense to be described


class TrainingData:
    """The arguments of a call of ``fit``.

    Parameters
    ----------
    fit : callable
        The method, as its class has it.
    estimator : estimator
    args : tuple
    kwargs : mapping
        The other arguments.

    Attributes
    ----------
    x_name : str
        What the method calls the examples.
    given_x : object
        The examples themselves.
    x, y, weights : object
        Examples, labels and weights of the examples; None where there are none.
    """

    def __init__(
        self,
        fit: Callable[..., Any],
        estimator: Any,
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> None:
        names = list(parameters_of(fit))[1:]
        given = dict(zip(names, args, strict=False)) | dict(kwargs)
        # estimators call them X and y, or by names of their own
        first, second = [*names, "X", "y"][:2] if len(names) > 1 else ("X", "y")
        self.x_name = first
        self.given_x = given.get(first, args[0] if args else None)
        self.x, self.y = self.given_x, given.get(second)
        self.weights = given.get("sample_weight")
        self.copied = changes_its_data(estimator)
        if self.copied:
            self.x, self.y = _copied(self.x), _copied(self.y)
        self.first_rows = _readable(self.first(EXAMPLE_ROWS))

    def fresh(self) -> Any:
        """Return the examples for one call; a copy if the estimator may change what it is given."""
        return _copied(self.x) if self.copied else self.x

    def first(self, rows: int) -> Any:
        """Return a copy of the first examples.

        Parameters
        ----------
        rows : int
            How many at most.
        """
        x: Any = self.x
        x = x.tocsr() if hasattr(x, "tocsr") else x
        try:
            return None if x is None else _copied(x[:rows])
        except Exception:  # noqa: BLE001  a dictionary, a data set of torch: whatever it raises
            return None

    def sample(self) -> tuple[Any, Any]:
        """Return as many examples as a signature needs to know what can be missing.

        For the estimator, and for the signature.
        """
        found = self.first(_SIGNATURE_ROWS)
        return found, _readable(found)

    def dataset(self, name: str | None) -> Dataset | None:
        """Return the description of the examples and labels.

        Parameters
        ----------
        name : str or None
            What the user calls the examples.
        """
        return described(self.x, self.y, name)


def described(x: Any, y: Any = None, name: str | None = None) -> Dataset | None:
    """Return the description of data, None for what is no table and no array.

    Parameters
    ----------
    x, y : object
        Examples, and labels if there are any.
    name : str, optional
        By default ``"dataset"``.
    """
    import numpy as np

    kind = type(x).__module__.partition(".")[0]
    if kind == "pandas" and hasattr(x, "columns"):
        return from_pandas(x, name=name)
    if kind == "polars" and hasattr(x, "columns"):
        return from_polars(x, name=name)
    if kind == "scipy":
        if x.shape[0] * x.shape[1] > _DENSE:
            return MetaDataset(None, name, _digest_of_sparse(x, y))
        x = x.toarray()
    elif isinstance(x, list | tuple):
        x = _as_array(x)
    elif not hasattr(x, "__array__"):
        return None
    targets = None if y is None else _as_array(y.toarray() if hasattr(y, "toarray") else y)
    return from_numpy(np.asarray(x), targets=targets, name=name)


def _digest_of_sparse(x: Any, y: Any) -> str:
    """Return the digest of a matrix that is too large to be made dense, and of its labels."""
    rows = x.tocsr()
    rows = rows if rows.has_sorted_indices else rows.sorted_indices()
    digest = Digest()
    digest.words(rows.shape)
    labels = [] if y is None else [_as_array(y.toarray() if hasattr(y, "toarray") else y)]
    for part in (rows.data, rows.indices, rows.indptr, *labels):
        digest.array(part)
    return digest.text()


def _copied(x: Any) -> Any:
    """Return a copy of a table or an array; what is something else, or huge, itself."""
    kind = type(x).__module__.partition(".")[0]
    if kind == "pandas":
        size = x.memory_usage().sum() if hasattr(x, "columns") else x.nbytes
        return x.copy() if size <= _MOST_BYTES else x
    if kind in ("numpy", "scipy"):
        return x.copy() if getattr(x, "nbytes", 0) <= _MOST_BYTES else x
    if isinstance(x, list | tuple):
        return copy.copy(x)
    return x


def _readable(x: Any) -> Any:
    """Return examples as a signature knows them."""
    if type(x).__module__.partition(".")[0] != "polars" or not hasattr(x, "columns"):
        return x
    import pandas as pd

    return pd.DataFrame({name: x[name].to_list() for name in x.columns})


def _as_array(values: Any) -> Any:
    import numpy as np

    if isinstance(values, list | tuple) and any(isinstance(each, str) for each in values[:1]):
        return np.array(values, dtype=object)  # else each text takes as much as the longest
    return np.asarray(values)


def rows_of(x: Any) -> int:
    """Return the number of examples.

    Parameters
    ----------
    x : array-like
    """
    shape = getattr(x, "shape", None)
    return int(shape[0]) if shape else len(x)


def changes_its_data(estimator: Any) -> bool:
    """Return whether an estimator may write into the data that it is given.

    Those of scikit-learn do where a parameter such as ``copy_X`` is False. What code of the
    user's own does in a pipeline is not known.

    Parameters
    ----------
    estimator : estimator
    """
    try:
        params = estimator.get_params(deep=True)
    except Exception:  # noqa: BLE001  an estimator of the user's whose constructor takes *args
        return True
    for name, value in params.items():
        if value is False and name.rpartition("__")[2].startswith("copy"):
            return True
    parts = [estimator, *(value for value in params.values() if hasattr(value, "get_params"))]
    return any(
        type(part).__name__ == "FunctionTransformer"
        or not type(part).__module__.startswith("sklearn.")
        for part in parts
        if not isinstance(part, type)
    )
