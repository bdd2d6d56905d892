"""PyTorch models: weights as safetensors, the module's structure and source, its program.

A model's folder has in ``data/``: ``model.safetensors`` (weights, by the names of the state
dict), ``object.json`` and ``source/`` (what the module is made of), and, with an input
example, ``model.pt2`` (``torch.export``), which MLflow reads.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from types import ModuleType
from typing import TYPE_CHECKING, Any, Literal

import torch

from nbtrack.errors import warn
from nbtrack.models import loading, logging
from nbtrack.models.flavors.torch import reading, structure
from nbtrack.models.flavors.torch.predictor import Predictor
from nbtrack.models.flavors.torch.saving import (
    DATA,
    FLAVOR,
    FOR_MLFLOW,
    Saved,
    format_of,
    predictor,
    prepare,
)
from nbtrack.models.folder import check_files
from nbtrack.models.input_example import Example
from nbtrack.models.signature import infer_signature
from nbtrack.models.user_files import use_code
from nbtrack.variables import DEFAULT_PREDICTION_DEVICE

if TYPE_CHECKING:
    from nbtrack.models.info import ModelInfo
    from nbtrack.models.model import Model
    from nbtrack.models.signature import ModelSignature

Words = Literal["safetensors", "pickle"]
MLflowWords = Literal["pt2", "pickle"]
Given = str | os.PathLike[str] | Iterable[str] | None


def save_model(
    pytorch_model: torch.nn.Module,
    path: str | os.PathLike[str],
    conda_env: Any = None,
    mlflow_model: Model | None = None,
    code_paths: Iterable[str | os.PathLike[str]] | None = None,
    pickle_module: ModuleType | None = None,
    signature: ModelSignature | Literal[False] | None = None,
    input_example: Any = None,
    extra_files: Iterable[str | os.PathLike[str]] | None = None,
    pip_requirements: Given = None,
    extra_pip_requirements: Given = None,
    metadata: dict[str, Any] | None = None,
    export_model: bool | None = None,
    serialization_format: MLflowWords | None = None,
    *,
    serialization: Words | None = None,
    **kwargs: Any,
) -> None:
    """Save a PyTorch model to a local folder, which must be new or empty.

    Parameters
    ----------
    pytorch_model : torch.nn.Module or torch.export.ExportedProgram
        Wrappers (``torch.compile``, ``DataParallel``, ``DistributedDataParallel``) are taken
        off: the model that is loaded is the plain one. A ``ScriptModule`` is kept as
        TorchScript, which holds code of TorchScript, and no Python. What no source makes again
        (graphs of ``torch.fx``, quantized modules) is kept as its exported program, for which it
        needs ``input_example``, or as TorchScript.
    path : str or path
        The folder.
    signature : ModelSignature or False, optional
        By default inferred from ``input_example``.
    input_example : optional
        A tensor, an array, a DataFrame, or a tuple or dictionary of tensors or arrays. With it
        the model's exported program is kept too, for batches of any size.
    code_paths, extra_files, conda_env, pip_requirements, extra_pip_requirements, metadata
        As for every flavor.
    mlflow_model : Model, optional
        What to write into the file MLmodel besides.
    export_model : bool, optional
        True to fail where no program can be exported, False to keep none.
    serialization : {"safetensors", "pickle"}, optional
        Nothing is pickled unless this says so; what is loaded from a pickle runs its code.
    serialization_format : {"pt2", "pickle"}, optional
        MLflow's word for the same; ``"pt2"`` is ``export_model=True``.
    pickle_module, **kwargs
        For ``torch.save``, where the model is pickled.

    Raises
    ------
    InvalidParameterError
        If a part of the model cannot be saved: the message names it and what helps.

    Examples
    --------
    >>> import torch
    >>> _ = nbtrack.pytorch.save_model(torch.nn.Linear(2, 1), "linear")
    >>> nbtrack.pytorch.load_model("linear")
    Linear(in_features=2, out_features=1, bias=True)
    """
    saved, options = _prepared(
        pytorch_model, input_example, signature, export_model, serialization,
        serialization_format, pickle_module, kwargs, wait=True,
    )  # fmt: skip
    logging.save(
        saved.write,
        path,
        progress=False,
        mlflow_model=mlflow_model,
        conda_env=conda_env,
        code_paths=code_paths,
        extra_files=extra_files,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        metadata=metadata,
        **options,
    )


def log_model(
    pytorch_model: torch.nn.Module,
    artifact_path: str | None = None,
    conda_env: Any = None,
    code_paths: Iterable[str | os.PathLike[str]] | None = None,
    pickle_module: ModuleType | None = None,
    registered_model_name: str | None = None,
    signature: ModelSignature | Literal[False] | None = None,
    input_example: Any = None,
    await_registration_for: int | None = 300,
    extra_files: Iterable[str | os.PathLike[str]] | None = None,
    pip_requirements: Given = None,
    extra_pip_requirements: Given = None,
    metadata: dict[str, Any] | None = None,
    name: str | None = None,
    params: Mapping[str, Any] | None = None,
    tags: Mapping[str, Any] | None = None,
    model_type: str | None = None,
    step: int = 0,
    model_id: str | None = None,
    export_model: bool | None = None,
    serialization_format: MLflowWords | None = None,
    *,
    serialization: Words | None = None,
    run_id: str | None = None,
    wait: bool = True,
    **kwargs: Any,
) -> ModelInfo:
    """Log a PyTorch model as a logged model of the active run.

    Parameters
    ----------
    pytorch_model : torch.nn.Module
        What ``save_model`` takes.
    name, artifact_path : str, optional
        The model's name, by either word.
    registered_model_name : str, optional
        Register it under this name too.
    await_registration_for : int, optional
        Not used: nothing has to be waited for.
    params, tags, model_type, step, model_id
        What to keep with it, and the run's step that it belongs to.
    run_id : str, optional
        The run that it is logged to, if that is not the active one.
    wait : bool
        False to have the weights copied at once (from a GPU into pinned memory, in the order
        of its work: later steps do not change the copy) and written while training goes on.
        ``ModelInfo.wait()`` waits for it, and so does the end of the run.
    **kwargs
        See ``save_model``, which takes the other parameters too.

    Returns
    -------
    ModelInfo
        Its ``model_uri`` is what ``load_model`` takes.

    Raises
    ------
    InvalidParameterError
        If a part of the model cannot be saved: the message names it and what helps.

    Examples
    --------
    >>> import torch
    >>> net = torch.nn.Sequential(torch.nn.Linear(2, 8), torch.nn.ReLU(), torch.nn.Linear(8, 1))
    >>> with nbtrack.start_run():
    ...     info = nbtrack.pytorch.log_model(net, name="net", input_example=torch.zeros(1, 2))
    >>> info.model_uri
    'models:/m-...'
    """
    saved, options = _prepared(
        pytorch_model, input_example, signature, export_model, serialization,
        serialization_format, pickle_module, kwargs, wait=wait,
    )  # fmt: skip
    return logging.log(
        saved.write,
        name,
        progress=False,
        artifact_path=artifact_path,
        registered_model_name=registered_model_name,
        await_registration_for=await_registration_for,
        params=params,
        tags=tags,
        model_type=model_type,
        step=step,
        model_id=model_id,
        run_id=run_id,
        wait=wait,
        conda_env=conda_env,
        code_paths=code_paths,
        extra_files=extra_files,
        pip_requirements=pip_requirements,
        extra_pip_requirements=extra_pip_requirements,
        metadata=metadata,
        **options,
    )


@loading.reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    device: torch.device | str | int | None = None,
    trust: bool | None = None,
    **kwargs: Any,
) -> torch.nn.Module:
    """Load a PyTorch model as a module of its original class.

    Parameters
    ----------
    model_uri : str or path
        ``models:/<name>/<version>``, ``models:/<model id>``, ``runs:/<run>/<name>``, a folder.
    dst_path : str or path, optional
        A folder to copy the files to.
    device : torch.device, str or int, optional
        By default the one that the model was on, if there is one here, else the best there is.
        The weights are loaded straight to it.
    trust : bool, optional
        Whether source that came with the model, a pickle or an exported program may run that
        you have not saved yourself. ``load_state_dict`` gives the weights alone, without running
        anything.
    **kwargs
        Options of ``torch.load`` (``pickle_module``, ``map_location``), for a pickle.

    Raises
    ------
    UntrustedError
        If code would run without consent.
    NotFoundError
        If there is no such model.
    NbtrackError
        If a file was changed since it was saved, or is damaged.

    Examples
    --------
    >>> import torch
    >>> info = nbtrack.pytorch.log_model(torch.nn.Linear(2, 1), name="linear")
    >>> nbtrack.pytorch.load_model(info.model_uri, device="cpu")
    Linear(in_features=2, out_features=1, bias=True)
    """
    map_location = kwargs.pop("map_location", None)
    if device is None and isinstance(map_location, str | torch.device):
        device = map_location
    opened = loading.open_model(model_uri, dst_path)
    if opened.flavor(FLAVOR).get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(opened.flavor(FLAVOR)["code"]))
    return _read(opened, device, trust, kwargs)


@loading.reads_model
def _load_pyfunc(
    path: str | loading.OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Return what ``pyfunc`` asks for predictions; called by ``nbtrack.pyfunc`` and by MLflow's.

    The configuration ``{"device": "cuda"}``, or else ``MLFLOW_DEFAULT_PREDICTION_DEVICE``,
    names the device.
    """
    opened = loading.as_opened(path)
    device = (model_config or {}).get("device")
    if device == FOR_MLFLOW:
        device = None
    device = device or DEFAULT_PREDICTION_DEVICE.get()
    model = _read(opened, device, trust, {})
    model.eval()  # whose own train() may return something else, or nothing
    return Predictor(model)


def _read(
    opened: loading.OpenedModel, device: Any, trust: bool | None, options: dict[str, Any]
) -> torch.nn.Module:
    facts = opened.flavor(FLAVOR)
    folder = str(facts.get("model_data", DATA))
    # the weights are compared while they are loaded, so that they are read once
    weights = {f"{folder}/{name}" for name in (structure.WEIGHTS, structure.EXTRA)}
    check_files(opened, [folder], later=weights)
    recorded = opened.recorded
    inside = None
    if recorded is not None:
        known = {name for name in recorded if name.startswith(f"{folder}/")}
        inside = {name.removeprefix(f"{folder}/"): recorded[name] for name in known}
    return reading.read(
        opened.file(folder),
        facts,
        device=device,
        own=trust is None and opened.own,
        trust=trust,
        hashes=inside,
        **options,
    )


def _signature(example: Any, predict: Any) -> ModelSignature | Literal[False]:
    try:
        kept = Example.of(example)
        data = example[0] if kept.params is not None else example
        return infer_signature(kept.data, predict(data, kept.params), kept.params)
    except Exception as error:  # noqa: BLE001  the model is worth saving even so
        warn(
            f"The model is saved without a signature, since it fails on the input example: "
            f"{type(error).__name__}: {error}. Pass signature=infer_signature(x, y)."
        )
        return False


def _prepared(
    model: torch.nn.Module,
    example: Any,
    signature: ModelSignature | Literal[False] | None,
    export_model: bool | None,
    serialization: str | None,
    serialization_format: str | None,
    pickle_module: ModuleType | None,
    options: Mapping[str, Any],
    *,
    wait: bool,
) -> tuple[Saved, dict[str, Any]]:
    """Return what is to be written, and what ``logging.save`` needs to know besides."""
    kind = format_of(serialization, serialization_format)
    if options and kind != "pickle":
        raise TypeError(
            f"Unknown options: {', '.join(options)}. Options of torch.save are only for "
            "serialization='pickle'."
        )
    export = True if serialization_format == "pt2" else export_model
    saved = prepare(
        model, example, export=export, kind=kind, pickle_module=pickle_module, options=options,
        wait=wait,
    )  # fmt: skip
    predict = predictor(model)
    if not wait and signature is None and example is not None:
        # the model goes on changing while it is written: its outputs are looked at now
        signature = _signature(example, predict)
    return saved, {"signature": signature, "input_example": example, "predict": predict}
