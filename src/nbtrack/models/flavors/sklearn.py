"""Models of scikit-learn: skops files, which hold no code."""

from __future__ import annotations

import os
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models import logging
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework
from nbtrack.models.user_files import use_code
from nbtrack.untrusted_files import check_archive

FLAVOR = "sklearn"
SERIALIZATION_FORMAT_PICKLE = "pickle"
SERIALIZATION_FORMAT_CLOUDPICKLE = "cloudpickle"
SERIALIZATION_FORMAT_SKOPS = "skops"
Format = Literal["skops", "cloudpickle", "pickle"] | None
# their own types, such as the trees of a forest, are saved unasked; loading those that skops does
# not know from somebody else's folder needs consent
_ESTIMATORS = ("sklearn", "numpy", "scipy", "xgboost", "lightgbm", "catboost")
_FILES = {"skops": "model.skops", "cloudpickle": "model.pkl", "pickle": "model.pkl"}


@spelled_out(SaveOptions)
def save_model(
    sk_model: Any,
    path: str | os.PathLike[str],
    *,
    serialization_format: Format = None,
    pyfunc_predict_fn: str = "predict",
    skops_trusted_types: list[str] | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of scikit-learn as a folder.

    Parameters
    ----------
    sk_model : estimator or pipeline
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    serialization_format : {"skops", "cloudpickle", "pickle"}, optional
        ``"skops"``, the default, is data and holds no code. The others only load with consent.
    pyfunc_predict_fn : str, optional
        The method that ``nbtrack.pyfunc`` predicts with, such as ``"predict_proba"``.
    skops_trusted_types : list of str, optional
        Types of your own that may be in the model; the error names those that are missing.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If skops cannot keep a part of the model: it is named, with the ways out.
    """
    write = _writer(sk_model, serialization_format, pyfunc_predict_fn, skops_trusted_types)
    predict = getattr(sk_model, pyfunc_predict_fn, None)
    return logging.save(write, path, predict=predict, **options)


@spelled_out(LogOptions)
def log_model(
    sk_model: Any,
    artifact_path: str | None = None,
    *,
    serialization_format: Format = None,
    pyfunc_predict_fn: str = "predict",
    skops_trusted_types: list[str] | None = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of scikit-learn; see :func:`save_model`.

    Parameters
    ----------
    sk_model : estimator or pipeline
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    serialization_format, pyfunc_predict_fn, skops_trusted_types
        As in :func:`save_model`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...
    """
    write = _writer(sk_model, serialization_format, pyfunc_predict_fn, skops_trusted_types)
    predict = getattr(sk_model, pyfunc_predict_fn, None)
    return logging.log(write, artifact_path=artifact_path, predict=predict, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of scikit-learn.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets a pickle run code that you have not saved yourself, and types that skops does
        not know be made.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.
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
    """A model of scikit-learn whose methods take parameters only where it does.

    Parameters
    ----------
    sk_model : estimator
        The model.
    """

    def __init__(self, sk_model: Any) -> None:
        self.sk_model = sk_model

    def __getattr__(self, name: str) -> Any:
        method = getattr(self.__dict__["sk_model"], name)

        def call(data: Any, params: dict[str, Any] | None = None) -> Any:
            return method(data, **(params or {}))

        return call if callable(method) else method

    def get_raw_model(self) -> Any:
        """Return the model itself."""
        return self.sk_model


def _writer(
    sk_model: Any, serialization_format: str | None, predict_fn: str, trusted: list[str] | None
) -> logging.Write:
    kind = serialization_format or SERIALIZATION_FORMAT_SKOPS
    if kind not in _FILES:
        raise InvalidParameterError(
            f"serialization_format={kind!r} is none of {', '.join(map(repr, _FILES))}."
        )

    def write(folder: Path, model: Model) -> None:
        sklearn = framework("sklearn", "scikit-learn")

        file = folder / _FILES[kind]
        unsafe = _dump(sk_model, file, kind, trusted)
        model.requirements.add_package("scikit-learn")
        if kind != "pickle":
            model.requirements.add_package(kind)
        model.requirements.add_object(sk_model)
        known = {
            "pickled_model": file.name,
            "sklearn_version": sklearn.__version__,
            "serialization_format": kind,
            "code": model.code_folder,
            "skops_trusted_types": unsafe or trusted,
        }
        more = {"extra_files": model.extra_files} if model.extra_files else {}
        if hasattr(sk_model, predict_fn):
            model.add_pyfunc("mlflow.sklearn", model_path=file.name, predict_fn=predict_fn)
        model.add_flavor(FLAVOR, **known, **more)

    return write


def _dump(sk_model: Any, file: Path, kind: str, trusted: list[str] | None) -> list[str]:
    """Write the model, and return the types in it that skops does not take for safe."""
    if kind == "skops":
        io = framework("skops.io")
        try:
            io.dump(sk_model, file)
            unsafe = sorted(io.get_untrusted_types(file=file))
        except Exception as error:
            raise InvalidParameterError(
                f"skops cannot keep this {type(sk_model).__name__}: {error}. {_ways_out()}"
            ) from error
        known = [name for name in unsafe if name.partition(".")[0] in _ESTIMATORS]
        unknown = sorted({*unsafe} - {*known, *(trusted or ())})
        if unknown:
            raise InvalidParameterError(
                f"The model has parts that are not scikit-learn's own: {', '.join(unknown)}. "
                f"If they are yours, pass skops_trusted_types={unknown!r}; they must be importable "
                f"where the model is loaded. {_ways_out()}"
            )
        return unsafe
    with file.open("wb") as target:
        dump = pickle.dump if kind == "pickle" else framework("cloudpickle").dump
        dump(sk_model, target)
    return []


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = opened.model.flavors.get(FLAVOR) or opened.flavor("python_function")
    name = str(known.get("pickled_model") or known.get("model_path"))
    kind = known.get("serialization_format") or _kind_of(name)
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    file = opened.file(name)
    if kind == "skops":
        check_files(opened, [name])
        return _from_skops(opened, file, known.get("skops_trusted_types") or [], trust)
    opened.ask("a pickle", trust)
    load = pickle.load if kind == "pickle" else framework("cloudpickle").load
    with file.open("rb") as source, working("load model"):
        return load(source)


def _from_skops(opened: OpenedModel, file: Path, named: list[str], trust: bool | None) -> Any:
    io = framework("skops.io")
    check_archive(file)
    unknown = io.get_untrusted_types(file=file)
    if unknown:
        # the list in the folder says nothing: whoever wrote the folder has written it
        opened.ask(f"the types {', '.join(unknown)}", trust)
    try:
        with working("load model"):
            return io.load(file, trusted=unknown)
    except (TypeError, AttributeError, ImportError) as error:
        raise UntrustedError(
            f"skops cannot load {file}: {error}. A class of your own must be importable: define it "
            "first, or save the model with code_paths=[...]."
        ) from error


def _kind_of(name: str) -> str:
    return "skops" if name.endswith(".skops") else "cloudpickle"


def _ways_out() -> str:
    return (
        "Or pass serialization_format='cloudpickle', which keeps anything, and asks for consent "
        "where it is loaded."
    )
