"""Results of statsmodels: as their values, or as the pickle that MLflow has."""

from __future__ import annotations

import copy
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models import logging
from nbtrack.models.flavors import native_files
from nbtrack.models.flavors.native_files import describe, described
from nbtrack.models.folder import check_files
from nbtrack.models.frozen_files import read_frozen, taken_apart, write_frozen
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "statsmodels"
SOURCE = "source"
_FILES = {SOURCE: "results", "pickle": "model.statsmodels"}
Format = Literal["source", "pickle"] | None


@spelled_out(SaveOptions)
def save_model(
    statsmodels_model: Any,
    path: str | os.PathLike[str],
    *,
    remove_data: bool = False,
    serialization_format: Format = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save results of statsmodels as a folder.

    Parameters
    ----------
    statsmodels_model : statsmodels.base.model.Results
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    remove_data : bool, optional
        Leave the data out that the model was fitted to, where statsmodels can.
    serialization_format : {"source", "pickle"}, optional
        ``"source"``, the default, keeps the values of the results, and no pickle. ``"pickle"`` is
        what MLflow reads, and only loads with consent.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If they are no such results, or a part of them cannot be kept.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> import statsmodels.api as sm
    >>> fitted = sm.OLS([0.0, 2.0, 4.1], [[0.0], [1.0], [2.0]]).fit()
    >>> _ = nbtrack.statsmodels.save_model(fitted, "ols")
    >>> nbtrack.statsmodels.load_model("ols").params.round(1)
    array([2.])
    """
    parts = _parts(statsmodels_model, remove_data, serialization_format)
    return logging.save(path=path, **parts, **options)


@spelled_out(LogOptions)
def log_model(
    statsmodels_model: Any,
    artifact_path: str | None = None,
    *,
    remove_data: bool = False,
    serialization_format: Format = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log results of statsmodels; see :func:`save_model`.

    Parameters
    ----------
    statsmodels_model : statsmodels.base.model.Results
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    remove_data, serialization_format
        As in :func:`save_model`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import statsmodels.api as sm
    >>> with nbtrack.start_run():
    ...     fitted = sm.OLS([0.0, 2.0, 4.1], [[0.0], [1.0], [2.0]]).fit()
    ...     info = nbtrack.statsmodels.log_model(fitted, name="ols")
    """
    parts = _parts(statsmodels_model, remove_data, serialization_format)
    return logging.log(artifact_path=artifact_path, **parts, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load results of statsmodels.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets results be loaded that you have not saved yourself.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> import statsmodels.api as sm
    >>> fitted = sm.OLS([0.0, 2.0, 4.1], [[0.0], [1.0], [2.0]]).fit()
    >>> info = nbtrack.statsmodels.log_model(fitted, name="ols")
    >>> nbtrack.statsmodels.load_model(info.model_uri).params.round(1)
    array([2.])
    """
    return _loaded(open_model(model_uri, dst_path), trust)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the model for ``pyfunc``."""
    return Predictor(_loaded(as_opened(path), trust))


class Predictor(native_files.Predictor):
    """Results that predict from a frame; those of a time series from its first and last date."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions.

        Parameters
        ----------
        data : DataFrame or array
            What the model takes. For a time series a frame of one row, with the columns ``start``
            and ``end``.
        params : dict, optional
            Those of the results' own ``predict``.

        Raises
        ------
        InvalidParameterError
            If it is a time series, and the frame is none of that kind.
        """
        base = framework("statsmodels.tsa.base.tsa_model")
        if not isinstance(self.model.model, base.TimeSeriesModel):
            return self.model.predict(data, **(params or {}))
        columns = list(getattr(data, "columns", ()))
        if not {"start", "end"} <= set(columns) or len(data) != 1:
            raise InvalidParameterError(
                f"A model of a time series predicts from a frame of one row with the columns "
                f"'start' and 'end', and this has {len(data)} rows with {columns}."
            )
        first, last = data["start"].iloc[0], data["end"].iloc[0]
        return self.model.predict(start=first, end=last, **(params or {}))


def _parts(results: Any, remove_data: bool, wanted: str | None) -> dict[str, Any]:
    base = framework("statsmodels.base.model")
    wrapper = framework("statsmodels.base.wrapper")

    if wanted not in (None, *_FILES):
        raise InvalidParameterError(
            f"serialization_format={wanted!r} is none of {', '.join(map(repr, _FILES))}."
        )
    if not isinstance(results, base.Results | wrapper.ResultsWrapper):
        raise InvalidParameterError(
            f"{type(results).__name__} is no result of statsmodels: pass what fit() returns."
        )
    if remove_data:
        results = copy.deepcopy(results)  # the user goes on with those in memory
        results.remove_data()
    kind = wanted or SOURCE
    kept = None
    if kind == SOURCE:
        kept, _ = taken_apart(results, "serialization_format='pickle'")

    def write(folder: Path, model: Model) -> None:
        name = _FILES[kind]
        model.requirements.add_package("statsmodels")
        if kept is None:
            results.save(folder / name)
        else:
            write_frozen(kept, folder / name)
            _check_formula(results, folder / name)
            model.requirements.add_module(*kept.modules)
            model.requirements.add_package("nbtrack")
            for text in kept.notes:
                warn(text)
        own = kind == SOURCE
        describe(
            model,
            FLAVOR,
            loader="nbtrack.statsmodels" if own else "mlflow.statsmodels",
            pyfunc={"data": name},
            statsmodels_version=framework("statsmodels").__version__,
            data=name,
            serialization_format=kind,
        )

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(read_frozen(folder / _FILES[SOURCE], trusted=True)).predict

    predicts = Predictor(results).predict if hasattr(results, "predict") else None
    return {"write": write, "predict": predicts, "check": None if kept is None else check}


def _check_formula(results: Any, folder: Path) -> None:
    """Raise if the formula cannot be evaluated again, as statsmodels does where it is loaded."""
    formula = getattr(getattr(results, "model", None), "formula", None)
    if formula is None:
        return
    try:
        read_frozen(folder, trusted=True)
    except InvalidParameterError as error:
        raise InvalidParameterError(
            f"The model of the formula {formula!r} cannot be saved: statsmodels evaluates it again "
            f"where the model is loaded ({error.message}). Put what functions of your own compute "
            "into a column, and name that in the formula."
        ) from error


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    kind = known.get("serialization_format", "pickle")
    name = str(known.get("data", _FILES["pickle"]))
    file = opened.file(name)
    if kind == SOURCE:
        check_files(opened, [name])
        opened.ask("the source that came with it", trust)
        with working("load model"):
            return read_frozen(file, trusted=True)
    opened.ask("a pickle", trust)
    with working("load model"):
        return framework("statsmodels.iolib.api").load_pickle(str(file))
