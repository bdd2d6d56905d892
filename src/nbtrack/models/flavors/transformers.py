"""Models of Hugging Face transformers: pipelines, and models with their tokenizers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors.hugging_face import (
    COMPONENTS,
    TEMPLATE,
    PipelineParts,
    Predictor,
    check_template,
    class_named,
    dtype_option,
    take_apart,
)
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out, without_effect
from nbtrack.models.requirements import framework
from nbtrack.models.user_files import use_code
from nbtrack.variables import DEFAULT_PREDICTION_DEVICE

FLAVOR = "transformers"
MODEL = "model"
FOLDER = "components"


@spelled_out(SaveOptions)
def save_model(
    transformers_model: Any,
    path: str | os.PathLike[str],
    processor: Any = None,
    task: str | None = None,
    *,
    model_card: Any = None,
    model_config: dict[str, Any] | None = None,
    save_pretrained: bool = True,
    torch_dtype: Any = None,
    prompt_template: str | None = None,
    base_model_path: str | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a pipeline, or a model with its tokenizer, as a folder.

    Parameters
    ----------
    transformers_model : transformers.Pipeline, PreTrainedModel or dict
        A dictionary has ``model`` and ``tokenizer``, ``feature_extractor`` or
        ``image_processor``.
    path : str or path
        A folder that does not exist yet, or is empty.
    processor : optional
        A processor, or the tokenizer of a plain model.
    task : str, optional
        The pipeline's task, such as ``"text-classification"``; by default found in the class.
    model_card : str or object with ``text``, optional
        Kept as ``model_card.md``.
    model_config : dict, optional
        Options of every call of the pipeline.
    save_pretrained : bool, optional
        MLflow's; only True: the weights are always saved with the model.
    torch_dtype : torch.dtype or str, optional
        The type that the weights have when the model is loaded; by default that of the model.
    prompt_template : str, optional
        A text with ``{prompt}`` in it, in whose place ``pyfunc`` puts each text of the input.
    base_model_path : str, optional
        MLflow's; it has no effect: the weights of the base model are saved too.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If a part is missing, or is no part of transformers.

    Examples
    --------
    >>> from transformers import pipeline  # doctest: +SKIP
    >>> classify = pipeline("sentiment-analysis")  # doctest: +SKIP
    >>> _ = nbtrack.transformers.save_model(classify, "sentiment")  # doctest: +SKIP
    """
    _check_weights(save_pretrained)
    without_effect(base_model_path=base_model_path)
    parts = take_apart(transformers_model, processor, task)
    template = check_template(prompt_template, parts)
    write = _writer(parts, model_card, model_config, torch_dtype, template)
    predict = _predict(parts, model_config, template)
    return logging.save(write, path, predict=predict, **options)


@spelled_out(LogOptions)
def log_model(
    transformers_model: Any,
    artifact_path: str | None = None,
    processor: Any = None,
    task: str | None = None,
    *,
    model_card: Any = None,
    model_config: dict[str, Any] | None = None,
    save_pretrained: bool = True,
    torch_dtype: Any = None,
    prompt_template: str | None = None,
    base_model_path: str | None = None,
    prompts: Any = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a pipeline, or a model with its tokenizer; see :func:`save_model`.

    Parameters
    ----------
    transformers_model : transformers.Pipeline, PreTrainedModel or dict
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    processor, task, model_card, model_config, save_pretrained, torch_dtype, prompt_template
        As in :func:`save_model`. The settings of ``model_config`` become params of the run.
    base_model_path, prompts : optional
        MLflow's; they have no effect.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> from transformers import pipeline  # doctest: +SKIP
    >>> classify = pipeline("sentiment-analysis")  # doctest: +SKIP
    >>> with nbtrack.start_run():  # doctest: +SKIP
    ...     info = nbtrack.transformers.log_model(classify, name="sentiment")
    """
    _check_weights(save_pretrained)
    without_effect(base_model_path=base_model_path, prompts=prompts)
    parts = take_apart(transformers_model, processor, task)
    template = check_template(prompt_template, parts)
    write = _writer(parts, model_card, model_config, torch_dtype, template)
    predict = _predict(parts, model_config, template)
    return logging.log(
        write, artifact_path=artifact_path, predict=predict, config=model_config, **options
    )


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    return_type: Literal["pipeline", "components"] = "pipeline",
    device: Any = None,
    *,
    trust: bool | None = None,
    **kwargs: Any,
) -> Any:
    """Load a pipeline, or its parts.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    return_type : {"pipeline", "components"}, optional
        A pipeline, or a dictionary with ``model``, ``tokenizer``, ...
    device : int, str or torch.device, optional
        Where the model goes.
    trust : bool, optional
        True lets code run that came with a model from elsewhere, and pickled weights be read.
    **kwargs
        Options of the pipeline, or of the model where its parts are asked for.

    Raises
    ------
    InvalidParameterError
        If it has no task and a pipeline is asked for.

    Examples
    --------
    >>> classify = nbtrack.transformers.load_model("models:/sentiment/1")  # doctest: +SKIP
    >>> classify("It works.")  # doctest: +SKIP
    [{'label': 'POSITIVE', 'score': 0.9998}]
    """
    if return_type not in ("pipeline", "components"):
        raise InvalidParameterError(f"return_type={return_type!r}: 'pipeline' or 'components'.")
    opened = open_model(model_uri, dst_path)
    if return_type == "pipeline":
        return _pipeline(opened, device, trust, kwargs)
    parts = _parts(opened, trust, kwargs)
    if device is not None:
        parts["model"].to(device)
    return parts


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the pipeline for ``pyfunc``; ``model_config`` may name its ``device``."""
    config = dict(model_config or {})
    device = config.pop("device", DEFAULT_PREDICTION_DEVICE.get())
    opened = as_opened(path)
    template = (opened.model.metadata or {}).get(TEMPLATE)
    return Predictor(_pipeline(opened, device, trust, {}), config, template)


def _writer(
    parts: PipelineParts,
    model_card: Any,
    model_config: dict[str, Any] | None,
    torch_dtype: Any,
    template: str | None,
) -> logging.Write:
    def write(folder: Path, model: Model) -> None:
        transformers = framework("transformers")

        parts.model.save_pretrained(folder / MODEL)
        for name, part in parts.components.items():
            part.save_pretrained(folder / FOLDER / name)
        if model_card is not None:
            text = getattr(model_card, "text", None) or str(model_card)
            (folder / "model_card.md").write_text(text, "utf-8")
        kinds = {f"{name}_type": type(part).__name__ for name, part in parts.components.items()}
        known = {
            "transformers_version": transformers.__version__,
            "code": model.code_folder,
            "task": parts.task,
            "instance_type": parts.pipeline_type,
            "framework": "pt",
            "torch_dtype": str(torch_dtype or parts.model.dtype),
            "pipeline_model_type": type(parts.model).__name__,
            "source_model_name": parts.model.name_or_path,
            "model_binary": MODEL,
            "components": [name for name in parts.components if name in COMPONENTS],
            **kinds,
        }
        if model.extra_files:
            known["extra_files"] = model.extra_files
        model.nbtrack["device"] = str(parts.model.device)
        model.requirements.add_package("transformers", "torch", "safetensors")
        for part in parts.components.values():
            if hasattr(part, "backend_tokenizer"):
                model.requirements.add_package("tokenizers")
        if parts.task is not None:
            more = {} if model_config is None else {"config": model_config}
            model.add_pyfunc("mlflow.transformers", **more)
        if template is not None:  # where MLflow looks for it
            model.metadata = {**(model.metadata or {}), TEMPLATE: template}
        model.add_flavor(FLAVOR, **known)

    return write


def _check_weights(save_pretrained: bool) -> None:
    if not save_pretrained:
        raise InvalidParameterError(
            "save_pretrained=False would save the name of a place on the network instead of the "
            "weights, and what lies there may change or go. nbtrack saves the weights: leave the "
            "option out. Equal files are stored once; to keep a name alone, use nbtrack.log_param."
        )


def _predict(
    parts: PipelineParts, config: dict[str, Any] | None, template: str | None
) -> logging.Predict | None:
    if parts.task is None:
        return None

    def predict(data: Any, params: dict[str, Any] | None = None) -> Any:
        return Predictor(parts.pipeline(), config or {}, template).predict(data, params)

    return predict


def _pipeline(opened: OpenedModel, device: Any, trust: bool | None, options: Any) -> Any:
    transformers = framework("transformers")

    task = opened.flavor(FLAVOR).get("task")
    if task is None or opened.flavor(FLAVOR).get("processor_type"):
        raise InvalidParameterError(
            f"{opened.place.uri!r} has no task, so it is no pipeline. Load its parts with "
            "return_type='components'."
        )
    placed = {} if device is None else {"device": device}
    return transformers.pipeline(task=task, **_parts(opened, trust, {}), **placed, **options)


def _parts(opened: OpenedModel, trust: bool | None, options: Mapping[str, Any]) -> dict[str, Any]:
    known = opened.flavor(FLAVOR)
    if known.get("code"):
        opened.ask("the code that came with it", trust)
        use_code(opened.file(known["code"]))
    if "model_binary" not in known and not (opened.path / "pipeline").is_dir():
        raise InvalidParameterError(
            f"{opened.place.uri!r} does not hold its weights but names a place of them "
            f"({known.get('source_model_name')!r}). nbtrack loads nothing from the network: get "
            "the model from there and log it with its weights."
        )
    folder = str(known.get("model_binary", "pipeline"))
    check_files(opened, [folder, FOLDER])
    place = opened.file(folder)
    if not any(place.glob("*.safetensors")):
        opened.ask("a pickle", trust)
    given = {**dtype_option(known.get("torch_dtype")), **options}
    kind, remote = class_named(opened, str(known["pipeline_model_type"]), MODEL, place, trust)
    parts = {"model": kind.from_pretrained(place, **remote, **given)}
    names = [*known.get("components", []), *(["processor"] if "processor_type" in known else [])]
    for name in names:
        inside = opened.file(f"{FOLDER}/{name}")
        kind, remote = class_named(opened, str(known[f"{name}_type"]), name, inside, trust)
        parts[name] = kind.from_pretrained(inside, **remote)
    return parts
