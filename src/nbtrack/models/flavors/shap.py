"""Explainers of SHAP: as their source and values, or as the pickle that MLflow has."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models import logging
from nbtrack.models.flavors import native_files, sklearn
from nbtrack.models.flavors.native_files import describe, described
from nbtrack.models.folder import check_files
from nbtrack.models.frozen_files import read_frozen, taken_apart, write_frozen
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "shap"
SOURCE = "source"
_FILES = {SOURCE: "explainer", "pickle": "explainer.shap"}
_UNDERLYING = "underlying_model"
Format = Literal["source", "pickle"] | None


@spelled_out(SaveOptions)
def save_explainer(
    explainer: Any,
    path: str | os.PathLike[str],
    serialize_model_using_mlflow: bool = True,
    *,
    serialization_format: Format = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save an explainer of SHAP, with the model that it explains, as a folder.

    Parameters
    ----------
    explainer : shap.Explainer
        The explainer.
    path : str or path
        A folder that does not exist yet, or is empty.
    serialize_model_using_mlflow : bool, optional
        MLflow's; not used: the model is kept as the explainer is.
    serialization_format : {"source", "pickle"}, optional
        ``"source"``, the default, keeps values, and the source of what is your own, and no
        pickle. ``"pickle"`` is what MLflow reads, and only loads with consent.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no explainer, or a part of it cannot be kept.
    UnfaithfulModelError
        If what was written explains the input example otherwise.

    Examples
    --------
    >>> import numpy as np
    >>> import shap
    >>> from sklearn.linear_model import LinearRegression
    >>> data = np.array([[0.0], [1.0]])
    >>> explainer = shap.LinearExplainer(LinearRegression().fit(data, [0.0, 2.0]), data)
    >>> _ = nbtrack.shap.save_explainer(explainer, "explainer")
    >>> type(nbtrack.shap.load_explainer("explainer")).__name__
    'LinearExplainer'
    """
    return logging.save(path=path, **_parts(explainer, serialization_format), **options)


save_model = save_explainer


@spelled_out(LogOptions)
def log_explainer(
    explainer: Any,
    artifact_path: str | None = None,
    serialize_model_using_mlflow: bool = True,
    *,
    serialization_format: Format = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log an explainer of SHAP; see :func:`save_explainer`.

    Parameters
    ----------
    explainer : shap.Explainer
        The explainer.
    artifact_path : str, optional
        The name that it is logged by; better said as ``name=``.
    serialize_model_using_mlflow, serialization_format
        As in :func:`save_explainer`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> import numpy as np
    >>> import shap
    >>> from sklearn.linear_model import LinearRegression
    >>> data = np.array([[0.0], [1.0]])
    >>> explainer = shap.LinearExplainer(LinearRegression().fit(data, [0.0, 2.0]), data)
    >>> with nbtrack.start_run():
    ...     info = nbtrack.shap.log_explainer(explainer, name="explainer")
    """
    parts = _parts(explainer, serialization_format)
    return logging.log(artifact_path=artifact_path, **parts, **options)


@reads_model
def load_explainer(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load an explainer of SHAP.

    Parameters
    ----------
    model_uri : str or path
        The explainer.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets an explainer be loaded that you have not saved yourself.

    Raises
    ------
    UntrustedError
        If it would run code that nobody has consented to.

    Examples
    --------
    >>> import numpy as np
    >>> import shap
    >>> from sklearn.linear_model import LinearRegression
    >>> data = np.array([[0.0], [1.0]])
    >>> explainer = shap.LinearExplainer(LinearRegression().fit(data, [0.0, 2.0]), data)
    >>> info = nbtrack.shap.log_explainer(explainer, name="explainer")
    >>> type(nbtrack.shap.load_explainer(info.model_uri)).__name__
    'LinearExplainer'
    """
    return _loaded(open_model(model_uri, dst_path), trust)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the explainer for ``pyfunc``."""
    return Predictor(_loaded(as_opened(path), trust))


class Predictor(native_files.Predictor):
    """An explainer whose predictions are the SHAP values of each feature."""

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return the SHAP values; ``params`` are those of the explainer's own call."""
        given = data.to_numpy() if hasattr(data, "to_numpy") else data
        return self.model(given, **(params or {})).values


def _parts(explainer: Any, wanted: str | None) -> dict[str, Any]:
    shap = framework("shap")

    if not isinstance(explainer, shap.Explainer):
        raise InvalidParameterError(f"{type(explainer).__name__} is no explainer of SHAP.")
    if wanted not in (None, *_FILES):
        raise InvalidParameterError(
            f"serialization_format={wanted!r} is none of {', '.join(map(repr, _FILES))}."
        )
    kind = wanted or SOURCE
    kept = None
    if kind == SOURCE:
        kept, _ = taken_apart(explainer, "serialization_format='pickle'")

    def write(folder: Path, model: Model) -> None:
        name = _FILES[kind]
        model.requirements.add_package("shap")
        if kept is None:
            model.requirements.add_object(explainer)
            with (folder / name).open("wb") as target:
                explainer.save(target)
        else:
            write_frozen(kept, folder / name)
            model.requirements.add_module(*kept.modules)
            model.requirements.add_package("nbtrack")
            for text in kept.notes:
                warn(text)
        describe(
            model,
            FLAVOR,
            loader="mlflow.shap" if kept is None else "nbtrack.shap",
            pyfunc={"model_path": name, "underlying_model_flavor": "unknown"},
            shap_version=shap.__version__,
            serialized_explainer=name,
            underlying_model_flavor="unknown",  # it is in the same file
            serialization_format=kind,
        )

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(read_frozen(folder / _FILES[SOURCE], trusted=True)).predict

    predict = Predictor(explainer).predict
    return {"write": write, "predict": predict, "check": None if kept is None else check}


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known.get("serialized_explainer", _FILES["pickle"]))
    file = opened.file(name)
    if known.get("serialization_format", "pickle") == SOURCE:
        check_files(opened, [name])
        opened.ask("the source that came with it", trust)
        with working("load model"):
            return read_frozen(file, trusted=True)
    opened.ask("a pickle", trust)
    shap = framework("shap")
    inner = _underlying(opened, known.get("underlying_model_flavor"))
    more = {} if inner is None else {"model_loader": lambda source: inner}
    # it prints the name of each part
    with file.open("rb") as source, working("load model"), redirect_stdout(StringIO()):
        return shap.Explainer.load(source, **more)


def _underlying(opened: OpenedModel, flavor: str | None) -> Any:
    """Return the model that an explainer of MLflow keeps beside itself; None without one."""
    folder = opened.path / _UNDERLYING
    if flavor == "sklearn":
        return sklearn.load_model(folder, trust=True).predict
    if flavor == "pytorch":
        return framework("nbtrack.models.flavors.pytorch", "torch").load_model(folder, trust=True)
    return None
