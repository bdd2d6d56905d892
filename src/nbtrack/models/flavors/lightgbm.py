"""Models of LightGBM: boosters as LightGBM's text, estimators as those of scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import lightgbm_text, logging
from nbtrack.models.flavors import sklearn
from nbtrack.models.flavors.native_files import Predictor, describe, described, read_elsewhere
from nbtrack.models.folder import check_files
from nbtrack.models.frozen_files import read_frozen
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

FLAVOR = "lightgbm"
BOOSTER = "lightgbm.basic.Booster"
_FILE = "model.lgb"
_READ = """
import ctypes, os
library, booster, count = ctypes.CDLL(given[0]), ctypes.c_void_p(), ctypes.c_int()
name = ctypes.c_char_p(os.fsencode(given[1]))
library.LGBM_BoosterCreateFromModelfile(name, ctypes.byref(count), ctypes.byref(booster))
"""
Format = Literal["skops", "source", "cloudpickle", "pickle"] | None


@spelled_out(SaveOptions)
def save_model(
    lgb_model: Any,
    path: str | os.PathLike[str],
    *,
    serialization_format: Format = None,
    skops_trusted_types: list[str] | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of LightGBM as a folder.

    Parameters
    ----------
    lgb_model : lightgbm.Booster or lightgbm.LGBMModel
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    serialization_format : {"skops", "source", "cloudpickle", "pickle"}, optional
        Of an estimator, as :func:`nbtrack.sklearn.save_model` has it; a booster is always
        LightGBM's text.
    skops_trusted_types : list of str, optional
        Types of your own that skops is to keep by their names.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, or a part of it cannot be kept.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> import lightgbm
    >>> model = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit([[0.0], [1.0]], [0.0, 2.0])
    >>> _ = nbtrack.lightgbm.save_model(model, "booster")
    >>> nbtrack.lightgbm.load_model("booster").n_estimators
    5
    """
    return logging.save(
        path=path, **_parts(lgb_model, serialization_format, skops_trusted_types), **options
    )


@spelled_out(LogOptions)
def log_model(
    lgb_model: Any,
    artifact_path: str | None = None,
    *,
    serialization_format: Format = None,
    skops_trusted_types: list[str] | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of LightGBM; see :func:`save_model`.

    Parameters
    ----------
    lgb_model : lightgbm.Booster or lightgbm.LGBMModel
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    serialization_format, skops_trusted_types
        As in :func:`save_model`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import lightgbm
    >>> model = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit([[0.0], [1.0]], [0.0, 2.0])
    >>> with nbtrack.start_run():
    ...     info = nbtrack.lightgbm.log_model(model, name="booster")
    """
    parts = _parts(lgb_model, serialization_format, skops_trusted_types)
    return logging.log(artifact_path=artifact_path, **parts, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of LightGBM, as the class that it was.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets a pickle run code that you have not saved yourself, and an estimator be made of
        types that skops does not know.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> import lightgbm
    >>> model = lightgbm.LGBMRegressor(n_estimators=5, verbose=-1).fit([[0.0], [1.0]], [0.0, 2.0])
    >>> info = nbtrack.lightgbm.log_model(model, name="booster")
    >>> nbtrack.lightgbm.load_model(info.model_uri).n_estimators
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


def _parts(lgb_model: Any, wanted: str | None, trusted: list[str] | None) -> dict[str, Any]:
    lightgbm = framework("lightgbm")

    is_booster = isinstance(lgb_model, lightgbm.Booster)
    if not is_booster and not isinstance(lgb_model, lightgbm.LGBMModel):
        raise InvalidParameterError(
            f"{type(lgb_model).__name__} is no model of LightGBM (Booster, LGBMClassifier, ...)."
        )
    if wanted is not None and wanted not in sklearn.FILES:
        raise InvalidParameterError(
            f"serialization_format={wanted!r} is none of {', '.join(map(repr, sklearn.FILES))}."
        )
    kept: dict[str, Any] = {}

    def write(folder: Path, model: Model) -> None:
        model.requirements.add_package("lightgbm")
        if is_booster:
            lgb_model.save_model(folder / _FILE)
            name, more = _FILE, {}
        else:
            model.requirements.add_package("scikit-learn")
            model.requirements.add_object(lgb_model)
            kind, unsafe = sklearn.dump(lgb_model, folder, wanted, trusted or [], model)
            name = sklearn.FILES[kind]
            more = {"serialization_format": kind, "skops_trusted_types": unsafe or trusted}
            kept.update(kind=kind, unsafe=unsafe)
        own = more.get("serialization_format") == sklearn.SOURCE
        kind_of_model = type(lgb_model)
        describe(
            model,
            FLAVOR,
            loader="nbtrack.lightgbm" if own else "mlflow.lightgbm",
            pyfunc={"data": name},
            lgb_version=lightgbm.__version__,
            data=name,
            model_class=f"{kind_of_model.__module__}.{kind_of_model.__qualname__}",
            **more,
        )

    def check(folder: Path) -> Callable[..., Any]:
        if is_booster:
            return Predictor(lightgbm.Booster(model_file=folder / _FILE)).predict
        place = folder / sklearn.FILES[kept["kind"]]
        if kept["kind"] == sklearn.SOURCE:
            return Predictor(read_frozen(place, trusted=True)).predict
        return Predictor(framework("skops.io").load(place, trusted=kept["unsafe"])).predict

    compared = wanted not in ("cloudpickle", "pickle")
    predict = Predictor(lgb_model).predict
    return {"write": write, "predict": predict, "check": check if compared else None}


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known["data"])
    if known.get("model_class", BOOSTER) != BOOSTER:
        return sklearn.read(opened, name, known.get("serialization_format", "cloudpickle"), trust)
    check_files(opened, [name])
    file = opened.file(name)
    if not opened.own:
        _check_readable(file)
    with working("load model"):
        return framework("lightgbm").Booster(model_file=file)


def _check_readable(file: Path) -> None:
    """Raise where LightGBM would crash, or read what is no part of the model."""
    try:
        lightgbm_text.check(file.read_bytes())
    except ValueError as error:
        raise UnreadableModelError(
            f"The file {str(file)!r} is damaged: {error}. Get the model anew."
        ) from None
    library = framework("lightgbm.libpath")._find_lib_path()[0]
    read_elsewhere(_READ, library, str(file), file=file, library="LightGBM")
