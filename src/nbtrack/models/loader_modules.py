"""The module that loads a model for ``pyfunc``: a flavor, or what the model names."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from nbtrack._names import installed_flavor
from nbtrack.errors import MissingDependencyError
from nbtrack.models.environment import REQUIREMENTS
from nbtrack.models.flavor import Flavor
from nbtrack.models.folder import check_files
from nbtrack.models.loading import OpenedModel

OWN = (
    "catboost",
    "keras",
    "lightgbm",
    "onnx",
    "prophet",
    "pytorch",
    "sentence_transformers",
    "shap",
    "sklearn",
    "spacy",
    "statsmodels",
    "tensorflow",
    "transformers",
    "xgboost",
)


def load_by_module(
    opened: OpenedModel, flavor: Mapping[str, Any], config: Any, trust: bool | None
) -> Any:
    """Return what predicts, loaded by the module that the MLmodel file names.

    Parameters
    ----------
    opened : OpenedModel
    flavor : mapping
        What ``python_function`` says.
    config : dict or None
        The settings of the model.
    trust : bool, optional
        What the user says.

    Raises
    ------
    UntrustedError
        If the module is no flavor of nbtrack, and nobody has consented.
    MissingDependencyError
        If it is not here.
    """
    name = str(flavor["loader_module"])
    root, _, own = name.rpartition(".")
    if root in ("mlflow", "nbtrack") and own in OWN:
        module = _flavor(opened, own)
        return module._load_pyfunc(opened, config, trust)
    if root == "nbtrack" and (flavor_of_others := installed_flavor(own)) is not None:
        return _load_by(flavor_of_others, opened, flavor, config, trust)
    opened.ask(f"the module {name}", trust)
    try:
        module = import_module(name)
    except ImportError as error:
        raise MissingDependencyError(
            f"The model is loaded by the module {name}, which is not here: {error}. Install the "
            "packages of its requirements.txt, or save it with code_paths=[...]."
        ) from None
    return _load_by(module, opened, flavor, config, trust)


def _load_by(
    loader: Any, opened: OpenedModel, flavor: Mapping[str, Any], config: Any, trust: bool | None
) -> Any:
    if isinstance(loader, Flavor):
        return loader._load_pyfunc(opened, config, trust)
    check_files(opened)
    data = opened.file(flavor["data"]) if flavor.get("data") else opened.path
    return loader._load_pyfunc(str(data), *([] if config is None else [config]))


def _flavor(opened: OpenedModel, name: str) -> Any:
    try:
        return import_module(f"nbtrack.models.flavors.{name}")
    except ImportError as error:  # the files of PyTorch's flavor import it at once
        raise MissingDependencyError(
            f"The model {opened.place.uri!r} needs the package {error.name}, which is not here: "
            f"pip install -r {opened.path / REQUIREMENTS}."
        ) from error
