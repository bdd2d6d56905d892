"""Models of TensorFlow: those of Keras, and SavedModels that are read where TensorFlow is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError, MissingDependencyError
from nbtrack.models.flavors import keras as flavor
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out

FLAVOR = "tensorflow"


@spelled_out(SaveOptions)
def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    keras_model_kwargs: dict[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of Keras as a folder; see :func:`nbtrack.keras.save_model`.

    Parameters
    ----------
    model : keras.Model
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    keras_model_kwargs : dict, optional
        Options of ``model.save``.
    custom_objects : mapping, optional
        Classes and functions by the names that the model has for them; they are saved with it.
    **options
        As for every flavor.

    Raises
    ------
    InvalidParameterError
        If it is a module of TensorFlow that is no model of Keras.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> _ = nbtrack.tensorflow.save_model(model, "dense")
    >>> nbtrack.tensorflow.load_model("dense").count_params()
    3
    """
    _check(model)
    return flavor.save_model(
        model,
        path,
        save_model_kwargs=keras_model_kwargs,
        custom_objects=custom_objects,
        **options,
    )


@spelled_out(LogOptions)
def log_model(
    model: Any,
    artifact_path: str | None = None,
    *,
    keras_model_kwargs: dict[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of Keras; see :func:`nbtrack.keras.log_model`.

    Parameters
    ----------
    model : keras.Model
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    keras_model_kwargs : dict, optional
        Options of ``model.save``.
    custom_objects : mapping, optional
        Classes and functions by the names that the model has for them; they are saved with it.
    **options
        As for every flavor.

    Raises
    ------
    InvalidParameterError
        If it is a module of TensorFlow that is no model of Keras.

    Examples
    --------
    >>> import keras
    >>> with nbtrack.start_run():
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    ...     info = nbtrack.tensorflow.log_model(model, name="dense")
    """
    _check(model)
    return flavor.log_model(
        model,
        artifact_path,
        save_model_kwargs=keras_model_kwargs,
        custom_objects=custom_objects,
        **options,
    )


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    saved_model_kwargs: dict[str, Any] | None = None,
    keras_model_kwargs: dict[str, Any] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of Keras, or a SavedModel that MLflow has written.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    saved_model_kwargs, keras_model_kwargs : dict, optional
        Options of ``tensorflow.saved_model.load`` and of ``keras.saving.load_model``.
    trust : bool, optional
        True lets code run that you have not saved yourself: a SavedModel is a program.

    Raises
    ------
    MissingDependencyError
        If it is a SavedModel and TensorFlow is not installed.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> info = nbtrack.tensorflow.log_model(model, name="dense")
    >>> nbtrack.tensorflow.load_model(info.model_uri).count_params()
    3
    """
    return _loaded(open_model(model_uri, dst_path), trust, saved_model_kwargs, keras_model_kwargs)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> flavor.Predictor:
    """Load a model of Keras for ``pyfunc``."""
    opened = as_opened(path)
    if _saved_model(opened):
        raise InvalidParameterError(
            f"{opened.place.uri!r} is a SavedModel without the interface of Keras: load it with "
            "nbtrack.tensorflow.load_model."
        )
    return flavor.Predictor(_loaded(opened, trust))


def _loaded(
    opened: OpenedModel,
    trust: bool | None,
    saved_model_kwargs: dict[str, Any] | None = None,
    keras_model_kwargs: dict[str, Any] | None = None,
) -> Any:
    folder = _saved_model(opened)
    if folder is None:
        return flavor.loaded(opened, trust, None, keras_model_kwargs)
    opened.ask("a program of TensorFlow", trust)
    try:
        import tensorflow as tf
    except ImportError:
        raise MissingDependencyError(
            "This model is a SavedModel, which only TensorFlow reads: pip install tensorflow."
        ) from None
    return tf.saved_model.load(str(opened.file(folder)), **(saved_model_kwargs or {}))


def _saved_model(opened: OpenedModel) -> str | None:
    folder = opened.model.flavors.get(FLAVOR, {}).get("saved_model_dir")
    return None if folder is None else str(folder)


def _check(model: Any) -> None:
    if not flavor.is_keras(model):
        raise InvalidParameterError(
            f"{type(model).__name__} is no model of Keras 3. Modules of TensorFlow are not saved "
            "by nbtrack: write a SavedModel and log its folder with log_artifacts."
        )
