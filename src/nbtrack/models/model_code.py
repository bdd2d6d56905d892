"""Models from code: a Python file that makes a model and says which it is (``set_model``)."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Mapping
from contextvars import ContextVar
from importlib import import_module
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.python_model import LoadedPythonModel, PythonModelContext
from nbtrack.models.user_files import SourceOnlyLoader
from nbtrack.untrusted_files import read_yaml

_model: ContextVar[Any] = ContextVar("nbtrack_model_from_code", default=None)
_config: ContextVar[Mapping[str, Any] | None] = ContextVar("nbtrack_model_config", default=None)
_numbers = itertools.count(1)


def set_model(model: Any) -> None:
    """Say which object of a file of code is the model.

    Parameters
    ----------
    model : PythonModel or callable
        The object.

    Raises
    ------
    InvalidParameterError
        If it is no model.

    Examples
    --------
    At the end of a file of code that ``nbtrack.pyfunc.log_model(python_model="model.py")`` logs:

    >>> from nbtrack.models import set_model
    >>> set_model(lambda model_input: model_input * 2)
    """
    if not hasattr(model, "predict") and not callable(model):
        raise InvalidParameterError(
            f"set_model was given {model!r}. A model has a method predict, or is a function."
        )
    _model.set(model)
    theirs = sys.modules.get("mlflow.models.model")
    if theirs is not None and "mlflow.pyfunc" in sys.modules:
        # MLflow runs this file, or may: it asks its own function
        theirs.set_model(_for_mlflow(model))


class ModelConfig:
    """The configuration that a file of code reads its settings from.

    Parameters
    ----------
    development_config : dict or path, optional
        What counts while the code is written, as long as no model is being saved or loaded
        with a ``model_config``.

    Examples
    --------
    >>> from nbtrack.models import ModelConfig
    >>> config = ModelConfig(development_config={"temperature": 0.7})
    >>> config.get("temperature"), config.to_dict()
    (0.7, {'temperature': 0.7})
    """

    def __init__(self, *, development_config: Mapping[str, Any] | str | Path | None = None) -> None:
        given = _config.get()
        self.config = read_config(development_config if given is None else given) or {}

    def get(self, key: str) -> Any:
        """Return a setting.

        Parameters
        ----------
        key : str
            Its name.

        Raises
        ------
        InvalidParameterError
            If there is none of this name.
        """
        if key not in self.config:
            has = ", ".join(map(repr, self.config)) or "nothing"
            raise InvalidParameterError(f"The model's configuration has no {key!r}, only {has}.")
        return self.config[key]

    def to_dict(self) -> dict[str, Any]:
        """Return all settings."""
        return dict(self.config)


def read_config(given: Mapping[str, Any] | str | Path | None) -> dict[str, Any] | None:
    """Return a configuration; a path names a YAML file.

    Raises
    ------
    InvalidParameterError
        If the file is not there or has no settings.
    """
    if given is None or isinstance(given, Mapping):
        return None if given is None else dict(given)
    if not Path(given).is_file():
        raise InvalidParameterError(f"model_config={str(given)!r}: there is no such file.")
    found = read_yaml(Path(given).read_bytes(), str(given))
    if not isinstance(found, dict):
        raise InvalidParameterError(f"model_config={str(given)!r} has no settings in it.")
    return found


def run_code(file: Path, config: Mapping[str, Any] | None = None) -> Any:
    """Run a file of code and return the model that it sets.

    Raises
    ------
    InvalidParameterError
        If it sets none.
    NbtrackError
        If it fails.
    """
    name = f"nbtrack_model_code_{next(_numbers)}"
    spec = spec_from_file_location(name, file, loader=SourceOnlyLoader(name, str(file)))
    if spec is None or spec.loader is None:
        raise InvalidParameterError(f"{str(file)!r} is no Python file.")
    module = module_from_spec(spec)
    ours, settings = _model.set(None), _config.set(config)
    theirs = sys.modules.get("mlflow.models.model")
    before = getattr(theirs, "__mlflow_model__", None)
    sys.modules[name] = module  # classes of the file are looked up in it
    try:
        spec.loader.exec_module(module)
        found = _model.get()
        if found is None:
            # the file was written for MLflow and has called the function of that
            theirs = sys.modules.get("mlflow.models.model")
            found = getattr(theirs, "__mlflow_model__", None)
            found = None if found is before else found
    except NbtrackError:
        raise
    except Exception as error:
        del sys.modules[name]
        raise NbtrackError(
            f"The code of the model fails ({file}): {type(error).__name__}: {error}. "
            "If a package is missing, install those of the model's requirements.txt."
        ) from error
    finally:
        _model.reset(ours)
        _config.reset(settings)
    if found is None:
        raise InvalidParameterError(
            f"{str(file)!r} sets no model. Let it end with nbtrack.models.set_model(model)."
        )
    return found


def _for_mlflow(model: Any) -> Any:
    """Return the model as one of MLflow's class, which is what MLflow takes."""
    theirs: Any = import_module("mlflow.pyfunc").PythonModel
    if isinstance(model, theirs) or not hasattr(model, "predict"):
        return model

    class Adapted(theirs):  # type: ignore[misc]
        _skip_type_hint_validation = True

        def load_context(self, context: Any) -> None:
            known = PythonModelContext(context.artifacts, context.model_config)
            self.loaded = LoadedPythonModel(model, known, hinted=True)

        def predict(
            self, context: Any, model_input: Any, params: dict[str, Any] | None = None
        ) -> Any:
            return self.loaded.predict(model_input, params)

        def predict_stream(
            self, context: Any, model_input: Any, params: dict[str, Any] | None = None
        ) -> Any:
            return self.loaded.predict_stream(model_input, params)

    return Adapted()
