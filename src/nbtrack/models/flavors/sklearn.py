"""Models of scikit-learn: skops files, which hold no code, or their source and values."""

from __future__ import annotations

import os
import pickle
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError, UntrustedError, warn
from nbtrack.models import logging
from nbtrack.models.folder import check_files
from nbtrack.models.frozen_files import read_frozen, taken_apart, write_frozen
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.objects.references import is_own
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework
from nbtrack.models.user_files import use_code
from nbtrack.untrusted_files import check_archive

FLAVOR = "sklearn"
SERIALIZATION_FORMAT_PICKLE = "pickle"
SERIALIZATION_FORMAT_CLOUDPICKLE = "cloudpickle"
SERIALIZATION_FORMAT_SKOPS = "skops"
SOURCE = "source"
Format = Literal["skops", "source", "cloudpickle", "pickle"] | None
FILES = {
    "skops": "model.skops",
    SOURCE: "estimator",
    "cloudpickle": "model.pkl",
    "pickle": "model.pkl",
}


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
    serialization_format : {"skops", "source", "cloudpickle", "pickle"}, optional
        ``"skops"`` is data and holds no code. ``"source"`` keeps classes and functions of your
        own as their source, beside the values. By default the first, and the second where the
        model has such parts. ``"cloudpickle"`` and ``"pickle"`` only load with consent.
    pyfunc_predict_fn : str, optional
        The method that ``nbtrack.pyfunc`` predicts with, such as ``"predict_proba"``.
    skops_trusted_types : list of str, optional
        Types of your own that skops is to keep by their names, because they can be imported
        where the model is loaded.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If a part of the model cannot be kept: it is named by its path, with the way out.

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> _ = nbtrack.sklearn.save_model(model, "doubling")
    >>> nbtrack.sklearn.load_model("doubling").predict([[3.0]])
    array([6.])
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

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> with nbtrack.start_run():
    ...     info = nbtrack.sklearn.log_model(model, name="doubling", input_example=[[1.0]])
    >>> info.signature.outputs.input_types()
    [dtype('float64')]
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

    Examples
    --------
    >>> from sklearn.linear_model import LinearRegression
    >>> model = LinearRegression().fit([[0.0], [1.0]], [0.0, 2.0])
    >>> info = nbtrack.sklearn.log_model(model, name="doubling", registered_model_name="double")
    >>> nbtrack.sklearn.load_model("models:/double/1").coef_
    array([2.])
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


def check_format(serialization_format: str | None) -> None:
    """Raise InvalidParameterError unless models can be saved in a format; None is ours."""
    if serialization_format is not None and serialization_format not in FILES:
        raise InvalidParameterError(
            f"serialization_format={serialization_format!r} is none of "
            f"{', '.join(map(repr, FILES))}."
        )


def _writer(
    sk_model: Any, serialization_format: str | None, predict_fn: str, trusted: list[str] | None
) -> logging.Write:
    check_format(serialization_format)

    def write(folder: Path, model: Model) -> None:
        sklearn = framework("sklearn", "scikit-learn")

        model.requirements.add_package("scikit-learn")
        model.requirements.add_object(sk_model)
        kind, unsafe = dump(sk_model, folder, serialization_format, trusted or [], model)
        known = {
            "pickled_model": FILES[kind],
            "sklearn_version": sklearn.__version__,
            "serialization_format": kind,
            "code": model.code_folder,
            "skops_trusted_types": unsafe or trusted,
        }
        more = {"extra_files": model.extra_files} if model.extra_files else {}
        if hasattr(sk_model, predict_fn):
            loader = "nbtrack.sklearn" if kind == SOURCE else "mlflow.sklearn"
            model.add_pyfunc(loader, model_path=FILES[kind], predict_fn=predict_fn)
        model.add_flavor(FLAVOR, **known, **more)

    return write


def dump(
    sk_model: Any, folder: Path, kind: str | None, trusted: list[str], model: Model
) -> tuple[str, list[str]]:
    """Write an estimator; return the format and the types in it that skops does not know.

    Parameters
    ----------
    sk_model : estimator
    folder : Path
        The model's.
    kind : str or None
        The format that was asked for.
    trusted : list of str
        Types of the user's own that skops is to keep by their names.
    model : Model
        Its requirements are added to.

    Raises
    ------
    InvalidParameterError
        If a part of it cannot be kept in this format.
    """
    if kind in ("pickle", "cloudpickle"):
        if kind == "cloudpickle":
            model.requirements.add_package(kind)
        with (folder / FILES[kind]).open("wb") as target:
            dump = pickle.dump if kind == "pickle" else framework("cloudpickle").dump
            dump(sk_model, target)
        return kind, []
    if kind != SOURCE:
        unsafe, reason = _dump_skops(sk_model, folder / FILES["skops"], trusted)
        if reason is None:
            model.requirements.add_package("skops")
            return "skops", unsafe
        if kind is not None:
            raise InvalidParameterError(
                f"{reason} Leave serialization_format out, which keeps the source of what is yours."
            )
    serialized, _ = taken_apart(sk_model, "serialization_format='cloudpickle'")
    write_frozen(serialized, folder / FILES[SOURCE])
    model.requirements.add_module(*serialized.modules)
    model.requirements.add_package("nbtrack")
    for text in serialized.notes:
        warn(text)
    return SOURCE, []


def _dump_skops(sk_model: Any, file: Path, trusted: list[str]) -> tuple[list[str], str | None]:
    """Write the model as skops; return the types that it does not know, and why it cannot."""
    io = framework("skops.io")
    reason = None
    unsafe: list[str] = []
    try:
        with warnings.catch_warnings():  # it looks into all modules, and some warn of that
            warnings.simplefilter("ignore", FutureWarning)
            io.dump(sk_model, file)
        unsafe = sorted(io.get_untrusted_types(file=file))
    except Exception as error:  # noqa: BLE001  whatever the methods of its parts raise
        reason = f"skops cannot keep this {type(sk_model).__name__}: {error}."
    # types of installed packages are kept by name; loading those that skops does not know from
    # somebody else's folder asks for consent
    unknown = [name for name in unsafe if _is_of_user(name, trusted)]
    if unknown:
        reason = f"skops cannot keep what is defined here: {', '.join(unknown)}."
    if reason is not None:
        file.unlink(missing_ok=True)
    return unsafe, reason


def _is_of_user(name: str, trusted: list[str]) -> bool:
    """Return whether a type is of the user's own, and not there where the model is loaded."""
    parts = name.split(".")
    if name in trusted and parts[0] != "__main__":
        return False
    return any(is_own(".".join(parts[:end])) for end in range(1, len(parts))) or "<" in name


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    known = opened.model.flavors.get(FLAVOR) or opened.flavor("python_function")
    name = str(known.get("pickled_model") or known.get("model_path"))
    kind = known.get("serialization_format") or _kind_of(name)
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    return read(opened, name, kind, trust)


def read(opened: OpenedModel, name: str, kind: str, trust: bool | None) -> Any:
    """Return an estimator that ``dump`` has written.

    Parameters
    ----------
    opened : OpenedModel
    name : str
        The file or folder that it is in.
    kind : str
        Its format.
    trust : bool, optional
        What the user says.

    Raises
    ------
    UntrustedError
        If it would run code that nobody has consented to.
    """
    file = opened.file(name)
    if kind == SOURCE:
        check_files(opened, [name])
        opened.ask("the source that came with it", trust)
        with working("load model"):
            return read_frozen(file, trusted=True)
    if kind == "skops":
        check_files(opened, [name])
        return _from_skops(opened, file, trust)
    opened.ask("a pickle", trust)
    load = pickle.load if kind == "pickle" else framework("cloudpickle").load
    with file.open("rb") as source, working("load model"):
        return load(source)


def _from_skops(opened: OpenedModel, file: Path, trust: bool | None) -> Any:
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
