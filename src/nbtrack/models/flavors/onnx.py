"""Models of ONNX, run by onnxruntime; large ones keep their weights in a file beside."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.native_files import describe, described, read_elsewhere
from nbtrack.models.flavors.onnx_session import (
    PROVIDERS,
    Predictor,
    Settings,
    check_options,
    open_session,
)
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework

FLAVOR = "onnx"
_FILE, _WEIGHTS = "model.onnx", "model.onnx.data"
_LARGEST = (1 << 31) - 1  # what one message of protobuf holds
# an error is an answer, and is said where the file is read in earnest: only a crash counts here
_READ = """
import onnxruntime
try:
    onnxruntime.InferenceSession(given[0], providers=["CPUExecutionProvider"])
except Exception:
    pass
"""


@spelled_out(SaveOptions)
def save_model(
    onnx_model: Any,
    path: str | os.PathLike[str],
    *,
    onnx_execution_providers: list[Any] | None = None,
    onnx_session_options: dict[str, Any] | None = None,
    save_as_external_data: bool = True,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of ONNX as a folder.

    Parameters
    ----------
    onnx_model : onnx.ModelProto
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    onnx_execution_providers : list, optional
        What onnxruntime computes with, in order of preference: names, or pairs of a name and
        options. By default CUDA where it is there, and the CPU.
    onnx_session_options : dict, optional
        ``intra_op_num_threads``, ``inter_op_num_threads``, ``execution_mode`` ("sequential",
        "parallel"), ``graph_optimization_level`` (0, 1, 2, 99), ``extra_session_config``.
    save_as_external_data : bool, optional
        Keep large weights in a file beside the model; one file holds two gigabytes.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, or an option is none of onnxruntime's.
    UnfaithfulModelError
        If what was written gives other outputs for the input example.

    Examples
    --------
    >>> from onnx import TensorProto, helper
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "absolute", [x], [y])
    >>> _ = nbtrack.onnx.save_model(helper.make_model(graph, ir_version=10), "absolute")
    >>> nbtrack.onnx.load_model("absolute").graph.name
    'absolute'
    """
    parts = _parts(
        onnx_model, onnx_execution_providers, onnx_session_options, save_as_external_data
    )
    return logging.save(path=path, **parts, **options)


@spelled_out(LogOptions)
def log_model(
    onnx_model: Any,
    artifact_path: str | None = None,
    *,
    onnx_execution_providers: list[Any] | None = None,
    onnx_session_options: dict[str, Any] | None = None,
    save_as_external_data: bool = True,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of ONNX; see :func:`save_model`.

    Parameters
    ----------
    onnx_model : onnx.ModelProto
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    onnx_execution_providers, onnx_session_options, save_as_external_data
        As in :func:`save_model`.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> from onnx import TensorProto, helper
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "absolute", [x], [y])
    >>> with nbtrack.start_run():
    ...     info = nbtrack.onnx.log_model(helper.make_model(graph, ir_version=10), name="abs")
    """
    parts = _parts(
        onnx_model, onnx_execution_providers, onnx_session_options, save_as_external_data
    )
    return logging.log(artifact_path=artifact_path, **parts, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    trust: bool | None = None,
) -> Any:
    """Load a model of ONNX.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    trust : bool, optional
        True lets settings be used, of a model that you have not saved yourself, that may name files
        and libraries, and code run that came with it (``code_paths``).

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> from onnx import TensorProto, helper
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Abs", ["x"], ["y"])], "absolute", [x], [y])
    >>> info = nbtrack.onnx.log_model(helper.make_model(graph, ir_version=10), name="abs")
    >>> nbtrack.onnx.load_model(info.model_uri).graph.name
    'absolute'
    """
    return _loaded(open_model(model_uri, dst_path), trust)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the model for ``pyfunc``."""
    return Predictor(_session(as_opened(path), trust))


def _parts(
    onnx_model: Any, providers: Any, options: dict[str, Any] | None, external: bool
) -> dict[str, Any]:
    onnx = framework("onnx")

    proto = getattr(onnx_model, "model_proto", onnx_model)  # what torch.onnx.export returns
    if not isinstance(proto, onnx.ModelProto):
        raise InvalidParameterError(
            f"{type(onnx_model).__name__} is no model of ONNX: pass an onnx.ModelProto "
            "(onnx.load(path)), or what torch.onnx.export returns."
        )
    check_options(options)
    settings = Settings.of(providers, options)

    def write(folder: Path, model: Model) -> None:
        _save(proto, folder, external)
        model.requirements.add_package("onnx", "onnxruntime")
        describe(
            model,
            FLAVOR,
            loader="mlflow.onnx",
            pyfunc={"data": _FILE},
            onnx_version=onnx.__version__,
            data=_FILE,
            providers=[list(p) if isinstance(p, tuple) else p for p in providers or PROVIDERS],
            onnx_session_options=options,
        )

    def predict(data: Any, params: dict[str, Any] | None = None) -> Any:
        if proto.ByteSize() <= _LARGEST:
            return Predictor(open_session(proto.SerializeToString(), settings)).predict(data)
        with tempfile.TemporaryDirectory(prefix="nbtrack-") as place:
            _save(proto, Path(place), True)
            return Predictor(open_session(f"{place}/{_FILE}", settings)).predict(data)

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(open_session(str(folder / _FILE), settings)).predict

    return {"write": write, "predict": predict, "check": check}


def _save(proto: Any, folder: Path, external: bool) -> None:
    onnx = framework("onnx")
    if external:
        copied = onnx.ModelProto()  # the weights are taken out of what is saved
        copied.CopyFrom(proto)
        onnx.save_model(copied, str(folder / _FILE), save_as_external_data=True, location=_WEIGHTS)
    else:
        onnx.save_model(proto, str(folder / _FILE))


def _loaded(opened: OpenedModel, trust: bool | None) -> Any:
    file = _checked(opened, described(opened, FLAVOR, trust), trust)
    with working("load model"):
        return framework("onnx").load(str(file))


def _session(opened: OpenedModel, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    options = known.get("onnx_session_options") or {}
    settings = Settings.of(known.get("providers"), options)
    if settings.may_name_files:
        opened.ask("settings of onnxruntime that may name files and libraries", trust)
    file = _checked(opened, known, trust)
    with working("load model"):
        return open_session(str(file), settings)


def _checked(opened: OpenedModel, known: Mapping[str, Any], trust: bool | None) -> Path:
    """Return the model's file, once it and the files that it names are those that were saved."""
    name = str(known.get("data", _FILE))
    file = opened.file(name)
    check_files(opened, [name])
    weights, operators = _named_by(framework("onnx").load(str(file), load_external_data=False))
    inside = [(Path(name).parent / each).as_posix() for each in sorted(weights)]
    for each in inside:
        if not opened.file(each).is_file() or opened.file(each).is_symlink():
            raise InvalidParameterError(
                f"The model {opened.place.uri!r} names {each!r}, which is no file of it. Get the "
                "model anew, with all of its files."
            )
    check_files(opened, inside)
    if not opened.own:
        if "EPContext" in operators:
            opened.ask("a compiled program that the model names", trust)
        read_elsewhere(_READ, str(file), file=file, library="onnxruntime")
    return file


def _named_by(message: Any) -> tuple[set[str], set[str]]:
    """Return the files that have the weights of a model, and its operators."""
    files: set[str] = set()
    operators: set[str] = set()
    waiting = [message]
    while waiting:
        one = waiting.pop()
        kind = one.DESCRIPTOR.name
        if kind == "TensorProto":
            if one.data_location == one.EXTERNAL:
                files |= {each.value for each in one.external_data if each.key == "location"}
            continue
        if kind == "NodeProto":
            operators.add(one.op_type)
        for _, value in one.ListFields():
            parts = [value] if hasattr(value, "ListFields") else value
            if isinstance(parts, str | bytes | int | float):
                continue
            waiting += [part for part in parts if hasattr(part, "ListFields")]
    return files, operators
