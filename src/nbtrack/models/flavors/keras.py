"""Models of Keras 3, on any of its backends: ``.keras`` files, and the source of own layers."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.keras_parts import (
    can_be_checked,
    own_parts,
    same_registry,
    without_notebook,
)
from nbtrack.models.folder import check_files
from nbtrack.models.frozen_files import read_frozen, write_frozen
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.objects import serialize
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework
from nbtrack.models.user_files import use_code
from nbtrack.models.verification import STRUCTURE, UnfaithfulModelError
from nbtrack.untrusted_files import check_archive

FLAVOR = "keras"
DATA = "data"
CLASSES = "custom_objects"
_FILE = "model.keras"


@spelled_out(SaveOptions)
def save_model(
    model: Any,
    path: str | os.PathLike[str],
    *,
    save_model_kwargs: dict[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of Keras as a folder.

    Parameters
    ----------
    model : keras.Model
        The model. The source of layers that were defined in the notebook is saved beside it.
    path : str or path
        A folder that does not exist yet, or is empty.
    save_model_kwargs : dict, optional
        Options of ``model.save``.
    custom_objects : mapping, optional
        Classes and functions by the names that the model has for them; they are saved with it.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no model of Keras, or a part of it cannot be saved.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> _ = nbtrack.keras.save_model(model, "dense")
    >>> nbtrack.keras.load_model("dense").count_params()
    3
    """
    saving = _Saving(model, save_model_kwargs, custom_objects)
    predict = Predictor(model).predict
    return logging.save(saving.write, path, predict=predict, check=saving.check, **options)


@spelled_out(LogOptions)
def log_model(
    model: Any,
    artifact_path: str | None = None,
    *,
    save_model_kwargs: dict[str, Any] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of Keras; see :func:`save_model`.

    Parameters
    ----------
    model : keras.Model
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    save_model_kwargs : dict, optional
        Options of ``model.save``.
    custom_objects : mapping, optional
        Classes and functions by the names that the model has for them; they are saved with it.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import keras
    >>> with nbtrack.start_run():
    ...     model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    ...     info = nbtrack.keras.log_model(model, name="dense")
    """
    saving = _Saving(model, save_model_kwargs, custom_objects)
    return logging.log(
        saving.write,
        artifact_path=artifact_path,
        predict=Predictor(model).predict,
        check=saving.check,
        **options,
    )


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    custom_objects: Mapping[str, Any] | None = None,
    load_model_kwargs: dict[str, Any] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of Keras.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    custom_objects : mapping, optional
        Classes and functions of your own by name; they come before those that were saved.
    load_model_kwargs : dict, optional
        Options of ``keras.saving.load_model``.
    trust : bool, optional
        True lets saved source and Lambda layers run of a model that you have not saved yourself.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> import keras
    >>> model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    >>> info = nbtrack.keras.log_model(model, name="dense")
    >>> nbtrack.keras.load_model(info.model_uri).count_params()
    3
    """
    return loaded(open_model(model_uri, dst_path), trust, custom_objects, load_model_kwargs)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the model for ``pyfunc``."""
    return Predictor(loaded(as_opened(path), trust))


class Predictor:
    """A model of Keras that predicts from frames and arrays.

    Parameters
    ----------
    model : keras.Model
        The model.
    """

    def __init__(self, model: Any) -> None:
        self.model = model

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the predictions as an array; as a frame for a frame."""
        options = {"verbose": 0, **(params or {})}
        if type(data).__name__ == "DataFrame":
            found = self.model.predict(data.to_numpy(), **options)
            return type(data)(found, index=data.index)
        return self.model.predict(data, **options)

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return self.model


def is_keras(model: Any) -> bool:
    """Return whether this is a model of Keras 3."""
    keras = framework("keras")

    return isinstance(model, keras.Model)


def loaded(
    opened: OpenedModel,
    trust: bool | None,
    custom_objects: Mapping[str, Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Any:
    """Return the model of an opened folder."""
    keras = framework("keras")

    flavors = opened.model.flavors
    known = flavors[FLAVOR] if FLAVOR in flavors else opened.flavor("tensorflow")
    if known.get("save_exported_model"):
        raise InvalidParameterError(
            f"{opened.place.uri!r} holds an exported program of TensorFlow, not a model of Keras. "
            "Load it with tensorflow.saved_model.load."
        )
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    folder = str(known.get("data", DATA))
    check_files(opened, [folder, CLASSES])
    classes: dict[str, Any] = {}
    if known.get(CLASSES):
        opened.ask("the source of its own layers", trust)
        classes = read_frozen(opened.path / CLASSES, trusted=True)
    given: dict[str, Any] = {**(options or {})}
    given["custom_objects"] = {**classes, **(custom_objects or {})}
    file = opened.file(folder) / _FILE
    check_archive(file)
    try:
        with working("load model"):
            return keras.saving.load_model(file, **{"safe_mode": True, **given})
    except ValueError as error:
        if "safe_mode" not in str(error) and "unsafe" not in str(error):
            raise
    opened.ask("the code of a Lambda layer", trust)
    return keras.saving.load_model(file, **{**given, "safe_mode": False})


class _Saving:
    """A model of Keras on its way into a folder."""

    def __init__(
        self, model: Any, options: dict[str, Any] | None, custom_objects: Mapping[str, Any] | None
    ) -> None:
        keras = framework("keras")

        if not is_keras(model):
            raise InvalidParameterError(
                f"{type(model).__name__} is no model of Keras 3 ({keras.__version__} is here)."
            )
        self._model = model
        self._options = options or {}
        self._own = {**own_parts(model), **(custom_objects or {})}
        self._checked = can_be_checked(model, self._own)

    @property
    def check(self) -> Callable[[Path], Callable[..., Any]] | None:
        """Loads what was written, and returns what predicts with it."""
        if not self._checked:
            return None
        return lambda folder: Predictor(self._loaded(folder)).predict

    def write(self, folder: Path, model: Model) -> None:
        """Write the files and say in the MLmodel what they are."""
        keras = framework("keras")

        (folder / DATA).mkdir()
        try:
            self._model.save(folder / DATA / _FILE, **self._options)
        except NotImplementedError as error:
            name = next(iter(re.findall(r"Object (\w+) was", str(error))), "a part of it")
            raise InvalidParameterError(
                f"Keras does not know how {name} is made again, since it has no get_config(). "
                "Define one that returns the arguments of __init__ as plain values "
                "(keras.saving.serialize_keras_object makes them of layers and functions), and "
                "make the model anew with its weights (set_weights)."
            ) from error
        (folder / DATA / "keras_module.txt").write_text("keras", "utf-8")
        if self._own:
            with same_registry():
                serialized = serialize(self._own)
            write_frozen(serialized, folder / CLASSES)
            model.requirements.add_module(*serialized.modules)
            model.requirements.add_package("nbtrack")
        if self._own and self._checked:
            self._check_loading(folder)
            model.nbtrack["verified"] = STRUCTURE
        model.requirements.add_package("keras")
        model.requirements.add_module(keras.backend.backend())
        model.add_pyfunc("mlflow.keras")
        more: dict[str, Any] = {CLASSES: sorted(self._own)} if self._own else {}
        if model.code_folder:
            more["code"] = model.code_folder
        if model.extra_files:
            more["extra_files"] = model.extra_files
        model.add_flavor(
            FLAVOR,
            data=DATA,
            keras_version=keras.__version__,
            keras_backend=keras.backend.backend(),
            save_exported_model=False,
            **more,
        )

    def _loaded(self, folder: Path) -> Any:
        keras = framework("keras")

        with without_notebook():
            kept = folder / CLASSES
            parts = read_frozen(kept, trusted=True) if kept.is_dir() else {}
            return keras.saving.load_model(
                folder / DATA / _FILE, custom_objects=parts, safe_mode=False
            )

    def _check_loading(self, folder: Path) -> None:
        try:
            self._loaded(folder)
        except Exception as error:
            reason = str(error).partition("\n\nconfig=")[0]
            raise UnfaithfulModelError(
                "The model is not saved, since it could not be loaded without the notebook: "
                f"{type(error).__name__}: {reason[:600]}. A class of your own needs a "
                "get_config() that returns all arguments of its __init__ (name and dtype too: "
                "pass **kwargs on to super().__init__)."
            ) from error
