"""Models of XGBoost: boosters and those of its scikit-learn interface, in XGBoost's own format."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging, ubjson
from nbtrack.models.flavors.native_files import read_elsewhere
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import (
    OpenedModel,
    UnreadableModelError,
    as_opened,
    open_model,
    reads_model,
)
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework
from nbtrack.models.user_files import use_code

FLAVOR = "xgboost"
_FORMATS = ("ubj", "json", "deprecated", "xgb")
_READ = """
import ctypes, os
library, booster = ctypes.CDLL(given[0]), ctypes.c_void_p()
library.XGBoosterCreate(None, ctypes.c_uint64(0), ctypes.byref(booster))
library.XGBoosterLoadModel(booster, ctypes.c_char_p(os.fsencode(given[1])))
"""


@spelled_out(SaveOptions)
def save_model(
    xgb_model: Any,
    path: str | os.PathLike[str],
    *,
    model_format: str = "ubj",
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of XGBoost as a folder.

    Parameters
    ----------
    xgb_model : xgboost.Booster or xgboost.XGBModel
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    model_format : {"ubj", "json"}, optional
        XGBoost's format.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, or there is no such format.

    Examples
    --------
    >>> import xgboost
    >>> booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix([[0.0], [1.0]], [0.0, 2.0]), 5)
    >>> _ = nbtrack.xgboost.save_model(booster, "booster")
    >>> nbtrack.xgboost.load_model("booster").num_boosted_rounds()
    5
    """
    write = _writer(xgb_model, model_format)
    return logging.save(write, path, predict=Predictor(xgb_model).predict, **options)


@spelled_out(LogOptions)
def log_model(
    xgb_model: Any,
    artifact_path: str | None = None,
    *,
    model_format: str = "ubj",
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of XGBoost; see :func:`save_model`.

    Parameters
    ----------
    xgb_model : xgboost.Booster or xgboost.XGBModel
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    model_format : {"ubj", "json"}, optional
        XGBoost's format.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import xgboost
    >>> booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix([[0.0], [1.0]], [0.0, 2.0]), 5)
    >>> with nbtrack.start_run():
    ...     info = nbtrack.xgboost.log_model(booster, name="booster")
    """
    write, predict = _writer(xgb_model, model_format), Predictor(xgb_model).predict
    return logging.log(write, artifact_path=artifact_path, predict=predict, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of XGBoost, as the class that it was.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets code run that came with a model from elsewhere (``code_paths``).

    Examples
    --------
    >>> import xgboost
    >>> booster = xgboost.train({"max_depth": 2}, xgboost.DMatrix([[0.0], [1.0]], [0.0, 2.0]), 5)
    >>> info = nbtrack.xgboost.log_model(booster, name="booster")
    >>> nbtrack.xgboost.load_model(info.model_uri).num_boosted_rounds()
    5
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


class Predictor:
    """A model of XGBoost that predicts from frames and arrays.

    Parameters
    ----------
    xgb_model : xgboost.Booster or xgboost.XGBModel
        The model.
    """

    def __init__(self, xgb_model: Any) -> None:
        self.xgb_model = xgb_model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions; ``params`` are those of the model's own ``predict``."""
        xgboost = framework("xgboost")

        if isinstance(self.xgb_model, xgboost.Booster) and not isinstance(data, xgboost.DMatrix):
            data = xgboost.DMatrix(data, enable_categorical=True)
        return self.xgb_model.predict(data, **(params or {}))

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return self.xgb_model


def _writer(xgb_model: Any, model_format: str) -> logging.Write:
    xgboost = framework("xgboost")

    if not isinstance(xgb_model, xgboost.Booster | xgboost.XGBModel):
        raise InvalidParameterError(
            f"{type(xgb_model).__name__} is no model of XGBoost (Booster, XGBClassifier, ...)."
        )
    if model_format not in _FORMATS:
        raise InvalidParameterError(f"model_format={model_format!r} is none of 'ubj', 'json'.")

    def write(folder: Path, model: Model) -> None:
        file = folder / f"model.{model_format}"
        xgb_model.save_model(file)
        kind = type(xgb_model)
        model.requirements.add_package("xgboost")
        if isinstance(xgb_model, xgboost.XGBModel):
            model.requirements.add_package("scikit-learn")
        model.add_pyfunc("mlflow.xgboost", data=file.name)
        more = {"extra_files": model.extra_files} if model.extra_files else {}
        model.add_flavor(
            FLAVOR,
            xgb_version=xgboost.__version__,
            data=file.name,
            model_class=f"{kind.__module__}.{kind.__qualname__}",
            model_format=model_format,
            code=model.code_folder,
            **more,
        )

    return write


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = opened.flavor(FLAVOR)
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    check_files(opened, [known["data"]])
    made = _class(opened, str(known.get("model_class", "xgboost.core.Booster")), trust)()
    file = opened.file(known["data"])
    if not opened.own:
        _check_readable(file)
    with working("load model"):
        made.load_model(file)
    if isinstance(made, framework("xgboost").XGBModel) and _has_categories(made):
        made.enable_categorical = True  # which the file does not say
    return made


def _has_categories(model: Any) -> bool:
    return "c" in (model.get_booster().feature_types or ())


def _check_readable(file: Path) -> None:
    """Raise where XGBoost would crash: its readers do not withstand what is made to break them.

    Every length in the file is looked at first, then a process of its own reads it, by the
    library alone, which is fast. Models that are known to be as they were saved need neither.
    """
    content = file.read_bytes()
    try:
        if file.suffix == ".ubj":
            ubjson.check(content)
        elif file.suffix == ".json":
            json.loads(content)
    except (ValueError, RecursionError) as error:
        raise UnreadableModelError(
            f"The file {str(file)!r} is damaged: {error}. Get the model anew."
        ) from None
    library = framework("xgboost.libpath").find_lib_path()[0]
    read_elsewhere(_READ, library, str(file), file=file, library="XGBoost")


def _class(opened: OpenedModel, name: str, trust: bool | None) -> Any:
    """Return the class of the model; one of another package is code, and needs consent."""
    module, _, own = name.rpartition(".")
    if module.partition(".")[0] != "xgboost":
        opened.ask(f"the class {name}", trust)
    return getattr(framework(module), own)
