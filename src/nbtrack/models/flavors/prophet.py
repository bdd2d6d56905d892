"""Models of Prophet, as its own JSON."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.native_files import Predictor, describe, described
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "prophet"
_FILE = "model.pr"
_SAMPLES = 100_000


@spelled_out(SaveOptions)
def save_model(
    pr_model: Any,
    path: str | os.PathLike[str],
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of Prophet as a folder.

    Parameters
    ----------
    pr_model : prophet.Prophet
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, or has not been trained.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> import pandas as pd
    >>> from prophet import Prophet
    >>> frame = pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=30), "y": range(30)})
    >>> _ = nbtrack.prophet.save_model(Prophet().fit(frame), "forecast")
    >>> model = nbtrack.prophet.load_model("forecast")
    >>> len(model.predict(model.make_future_dataframe(7)))
    37
    """
    return logging.save(path=path, **_parts(pr_model), **options)


@spelled_out(LogOptions)
def log_model(
    pr_model: Any,
    artifact_path: str | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of Prophet; see :func:`save_model`.

    Parameters
    ----------
    pr_model : prophet.Prophet
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import pandas as pd
    >>> from prophet import Prophet
    >>> frame = pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=30), "y": range(30)})
    >>> with nbtrack.start_run():
    ...     info = nbtrack.prophet.log_model(Prophet().fit(frame), name="forecast")
    """
    return logging.log(artifact_path=artifact_path, **_parts(pr_model), **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of Prophet.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets code run that came with a model from elsewhere (``code_paths``).

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> import pandas as pd
    >>> from prophet import Prophet
    >>> frame = pd.DataFrame({"ds": pd.date_range("2026-01-01", periods=30), "y": range(30)})
    >>> info = nbtrack.prophet.log_model(Prophet().fit(frame), name="forecast")
    >>> model = nbtrack.prophet.load_model(info.model_uri)
    >>> len(model.predict(model.make_future_dataframe(7)))
    37
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


def _parts(pr_model: Any) -> dict[str, Any]:
    prophet = framework("prophet")

    if not isinstance(pr_model, prophet.Prophet):
        raise InvalidParameterError(f"{type(pr_model).__name__} is no model of Prophet.")
    if type(pr_model) is not prophet.Prophet:
        raise InvalidParameterError(
            f"{type(pr_model).__name__} is a class of your own, which Prophet would load as its "
            "own class. nbtrack.pyfunc.log_model saves it, as an attribute of a PythonModel."
        )
    if pr_model.history is None:
        raise InvalidParameterError("The model of Prophet has not been trained: call fit first.")

    def write(folder: Path, model: Model) -> None:
        text = framework("prophet.serialize").model_to_json(pr_model)
        (folder / _FILE).write_text(json.dumps(text), "utf-8")  # a text of JSON, as MLflow has it
        model.requirements.add_package("prophet")
        describe(
            model,
            FLAVOR,
            loader="mlflow.prophet",
            pyfunc={"data": _FILE},
            prophet_version=prophet.__version__,
            data=_FILE,
            model_type="Prophet",
        )

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(_read(folder / _FILE)).predict

    return {"write": write, "predict": Predictor(pr_model).predict, "check": check}


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known.get("data", _FILE))
    check_files(opened, [name])
    with working("load model"):
        return _read(opened.file(name))


def _read(file: Path) -> Any:
    text = json.loads(file.read_text("utf-8"))
    made = framework("prophet.serialize").model_from_json(text)
    samples = (made.uncertainty_samples, made.mcmc_samples)
    if not all(isinstance(n, int) and n <= _SAMPLES for n in samples):  # False is a number, too
        raise InvalidParameterError(
            f"The file {str(file)!r} asks for {samples[0]!r} samples of each prediction, which no "
            "memory holds. Get the model anew."
        )
    return made
