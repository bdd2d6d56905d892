"""What is logged of a call that fits a model, whichever library does: params, data, the model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from nbtrack.autologging.estimators.fitted import Fitted, remember
from nbtrack.autologging.training import Training
from nbtrack.callables import signature_of
from nbtrack.models.signature import infer_signature
from nbtrack.tracking.dataset import Dataset, source_of
from nbtrack.tracking.dataset_digest import Digest
from nbtrack.tracking.datasets import from_numpy, from_pandas, from_polars

MODEL = "model"
EXAMPLE_ROWS = 5


def arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return the arguments of a call by name, with the defaults; None if the call is wrong.

    Parameters
    ----------
    function : callable
    args, kwargs
        As the user has given them. What takes names only may be given by place, too: the
        libraries go on to understand that for a while.
    """
    signature = signature_of(function)
    try:
        given = dict(zip(signature.parameters, args, strict=False))
        bound = signature.bind(**given, **kwargs)
    except TypeError:
        return None
    bound.apply_defaults()
    return bound.arguments


def with_callback(
    callback: Any, call: Mapping[str, Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """Return the arguments of a call with one more callback, the first; lists stay as they are.

    Parameters
    ----------
    callback : object
    call : dict
        All arguments by name.
    args, kwargs
        As the user has given them.
    """
    callbacks = [callback, *(call["callbacks"] or ())]
    place = list(call).index("callbacks")
    if place < len(args):
        return (*args[:place], callbacks, *args[place + 1 :]), kwargs
    return args, {**kwargs, "callbacks": callbacks}


def params_set(given: Iterable[tuple[str, Any]], *without: str) -> dict[str, Any]:
    """Return the params that say something: set, and no data; functions by their names.

    Parameters
    ----------
    given : iterable of (str, object)
    *without : str
        Those to leave out.
    """
    found = {}
    for name, value in given:
        if name in without or value is None or (isinstance(value, float) and math.isnan(value)):
            continue
        if isinstance(value, str | int | float | list | tuple | dict) or hasattr(value, "dtype"):
            if getattr(value, "ndim", 0) == 0:
                found[name] = value
        elif callable(value):
            found[name] = getattr(value, "__name__", type(value).__name__)
        else:
            found[name] = type(value).__name__
    return found


class Description(Dataset):
    """Data of which no frame and no array is at hand, such as a library's own matrix.

    Parameters
    ----------
    shape : tuple of int
        Rows and columns.
    columns : mapping of str to str, optional
        Types by name.
    name : str, optional
    digest : Digest, optional
        Of as much of the data as can be read.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        columns: Mapping[str, str] | None = None,
        name: str | None = None,
        digest: Digest | None = None,
    ) -> None:
        super().__init__(source_of(None), name)
        self._shape, self._columns = shape, dict(columns or {})
        self._read = digest or Digest()

    @property
    def schema(self) -> dict[str, Any] | None:
        """The columns, as ``mlflow_colspec``."""
        if not self._columns:
            return None
        columns = [
            {"type": kind, "name": name, "required": False} for name, kind in self._columns.items()
        ]
        return {"mlflow_colspec": columns}

    @property
    def profile(self) -> dict[str, Any]:
        """``num_rows`` and ``num_elements``."""
        rows, columns = self._shape
        return {"num_rows": rows, "num_elements": rows * columns}

    def _compute_digest(self) -> str:
        self._read.words(self._shape, *self._columns.items())
        return self._read.text()


def described(features: Any, target: Any = None, name: str | None = None) -> Dataset | None:
    """Return what a dataset is, None of what nothing is known about.

    Parameters
    ----------
    features : DataFrame, array, sparse matrix or sequence
    target : array-like, optional
    name : str, optional
    """
    import numpy as np

    package = type(features).__module__.partition(".")[0]
    if package == "pandas":
        frame = features.to_frame() if features.ndim == 1 else features
        return from_pandas(frame, name=name)
    if package == "polars":
        return from_polars(features, name=name)
    if package == "scipy":
        digest = Digest()
        digest.array(np.asarray(features.data))
        return Description(features.shape, name=name, digest=digest)
    if not isinstance(features, np.ndarray | list | tuple):
        return None
    target = None if target is None else np.asarray(target)
    return from_numpy(np.asarray(features), targets=target, name=name)


def log_data(session: Training, features: Any, target: Any = None, name: str | None = None) -> None:
    """Log a dataset: the one of the training, or with a name one that is evaluated on.

    Parameters
    ----------
    session : Training
    features : Dataset, or what :func:`described` takes
    target : array-like, optional
    name : str, optional
    """
    if not session.settings.log_datasets:
        return
    found = features if isinstance(features, Dataset) else described(features, target, name)
    if found is not None:
        session.log_dataset(found, "train" if name is None else "eval")


def rows_of(features: Any) -> Any:
    """Return a copy of the first rows, None of what has none to show.

    Parameters
    ----------
    features : DataFrame, array or sequence
    """
    import numpy as np

    if type(features).__module__.partition(".")[0] == "pandas":
        return features.iloc[:EXAMPLE_ROWS].copy()
    if isinstance(features, np.ndarray | list):
        return np.array(features[:EXAMPLE_ROWS])
    return None


def log_model(
    session: Training, flavor: Any, model: Any, rows: Any, step: int, **more: Any
) -> None:
    """Log the model that was trained, if that is wanted.

    Parameters
    ----------
    session : Training
    flavor : module
        It has ``log_model`` and a ``Predictor``.
    model : object
    rows : DataFrame or array or None
        A sample of the data, for its signature and its input example.
    step : int
        The last one: the metrics there are those of the model, too.
    **more
        For this ``log_model`` alone.
    """
    settings = session.settings
    if not settings.log_models:
        return
    signature: Any = False
    if settings.log_model_signatures and rows is not None:
        predict = flavor.Predictor(model).predict
        signature = session.attempt(
            "The signature of the model", lambda: infer_signature(rows, predict(rows.copy()))
        )
    flavor.log_model(
        model,
        name=MODEL,
        signature=signature or False,
        input_example=rows if settings.log_input_examples else None,
        registered_model_name=settings.registered_model_name,
        run_id=session.run.info.run_id,
        step=step,
        **more,
    )


def log_class(session: Training, model: Any) -> None:
    """Log what is trained, under the tags that estimators of scikit-learn have.

    Where ``sklearn`` is logged as well, scores of the model go to the run from now on.

    Parameters
    ----------
    session : Training
    model : object
    """
    kind = type(model)
    full = f"{kind.__module__}.{kind.__qualname__}"
    session.run.writer.set_tags({"estimator_name": kind.__name__, "estimator_class": full})
    remember(model, Fitted(session.run, None))
