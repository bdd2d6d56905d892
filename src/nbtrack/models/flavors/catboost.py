"""Models of CatBoost, in CatBoost's own format."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.native_files import (
    Predictor,
    describe,
    described,
    read_elsewhere,
)
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "catboost"
_CLASSES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")
_FORMATS = ("cbm", "json")
_FILE = "model.cb"
# it predicts, too: what is wrong with a tree shows only then;
# an error is an answer, and is said where the file is read in earnest: only a crash counts here
_READ = """
import catboost, numpy
model = catboost.CatBoost()
try:
    model.load_model(*given)
except Exception:
    raise SystemExit(0)
names, texts = model.feature_names_, model.get_cat_feature_indices()
other = [*model.get_text_feature_indices(), *model.get_embedding_feature_indices()]
rows = [[str(v) if i in texts else v for i in range(len(names))] for v in (0, -1e30, 1e30)]
if not other:
    try:
        model.predict(numpy.array(rows, dtype=object), thread_count=1)
    except Exception:
        raise SystemExit(3)
"""


@spelled_out(SaveOptions)
def save_model(
    cb_model: Any,
    path: str | os.PathLike[str],
    *,
    format: Literal["cbm", "json"] = "cbm",
    pool: Any = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of CatBoost as a folder.

    Parameters
    ----------
    cb_model : catboost.CatBoost, CatBoostClassifier, ...
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    format : {"cbm", "json"}, optional
        CatBoost's format.
    pool : catboost.Pool, optional
        The data that it was trained on, which ``"json"`` needs for categories.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, has not been trained, or there is no such format.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> import catboost
    >>> model = catboost.CatBoostRegressor(iterations=5, allow_writing_files=False, silent=True)
    >>> _ = nbtrack.catboost.save_model(model.fit([[0.0], [1.0]], [0.0, 2.0]), "booster")
    >>> nbtrack.catboost.load_model("booster").tree_count_
    5
    """
    return logging.save(path=path, **_parts(cb_model, format, pool), **options)


@spelled_out(LogOptions)
def log_model(
    cb_model: Any,
    artifact_path: str | None = None,
    *,
    format: Literal["cbm", "json"] = "cbm",
    pool: Any = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of CatBoost; see :func:`save_model`.

    Parameters
    ----------
    cb_model : catboost.CatBoost, CatBoostClassifier, ...
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    format, pool
        As in :func:`save_model`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import catboost
    >>> model = catboost.CatBoostRegressor(iterations=5, allow_writing_files=False, silent=True)
    >>> with nbtrack.start_run():
    ...     fitted = model.fit([[0.0], [1.0]], [0.0, 2.0])
    ...     info = nbtrack.catboost.log_model(fitted, name="booster")
    """
    return logging.log(artifact_path=artifact_path, **_parts(cb_model, format, pool), **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of CatBoost.

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
    >>> import catboost
    >>> model = catboost.CatBoostRegressor(iterations=5, allow_writing_files=False, silent=True)
    >>> fitted = model.fit([[0.0], [1.0]], [0.0, 2.0])
    >>> info = nbtrack.catboost.log_model(fitted, name="booster")
    >>> nbtrack.catboost.load_model(info.model_uri).tree_count_
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


def _parts(cb_model: Any, format: str, pool: Any) -> dict[str, Any]:
    catboost = framework("catboost")

    if not isinstance(cb_model, catboost.CatBoost):
        raise InvalidParameterError(
            f"{type(cb_model).__name__} is no model of CatBoost (CatBoostClassifier, ...)."
        )
    if format not in _FORMATS:
        raise InvalidParameterError(
            f"format={format!r} is none of 'cbm', 'json', the formats that CatBoost reads again."
        )
    if not cb_model.is_fitted():
        raise InvalidParameterError("The model of CatBoost has not been trained: call fit first.")
    kind = next(each.__name__ for each in type(cb_model).__mro__ if each.__name__ in _CLASSES)

    def write(folder: Path, model: Model) -> None:
        cb_model.save_model(str(folder / _FILE), format=format, pool=pool)
        model.requirements.add_package("catboost")
        describe(
            model,
            FLAVOR,
            loader="mlflow.catboost",
            pyfunc={"data": _FILE},
            catboost_version=catboost.__version__,
            data=_FILE,
            model_type=kind,
            save_format=format,
        )

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(_read(folder / _FILE, kind, format)).predict

    return {"write": write, "predict": Predictor(cb_model).predict, "check": check}


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known.get("data", _FILE))
    kind, format = str(known.get("model_type")), str(known.get("save_format", "cbm"))
    if kind not in _CLASSES or format not in _FORMATS:
        raise InvalidParameterError(
            f"The model {opened.place.uri!r} is a {kind} in the format {format!r}, and CatBoost "
            f"has only {', '.join(_CLASSES)} in the formats {', '.join(_FORMATS)}."
        )
    check_files(opened, [name])
    file = opened.file(name)
    if not opened.own:
        read_elsewhere(_READ, str(file), format, file=file, library="CatBoost")
    with working("load model"):
        return _read(file, kind, format)


def _read(file: Path, kind: str, format: str) -> Any:
    made = getattr(framework("catboost"), kind)()
    made.load_model(str(file), format=format)
    return made
