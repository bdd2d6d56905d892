"""Models of Sentence Transformers, with their weights as safetensors."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Unpack

from nbtrack.errors import InvalidParameterError
from nbtrack.models import logging
from nbtrack.models.flavors import native_files
from nbtrack.models.flavors.native_files import describe, described
from nbtrack.models.folder import check_files
from nbtrack.models.info import ModelInfo
from nbtrack.models.loading import OpenedModel, as_opened, open_model, reads_model
from nbtrack.models.model import Model
from nbtrack.models.options import LogOptions, SaveOptions, spelled_out, without_effect
from nbtrack.models.progress import working
from nbtrack.models.requirements import framework
from nbtrack.models.schema import ColSpec, Schema, TensorSpec
from nbtrack.models.signature import ModelSignature
from nbtrack.variables import DEFAULT_PREDICTION_DEVICE

FLAVOR = "sentence_transformers"
_FOLDER = "model.sentence_transformer"
_CONFIG = "inference_config"
_LIBRARY = "sentence_transformers."
# the modules that are made of numbers alone; others read what they are told
_MODULES = re.compile(
    r"sentence_transformers\.(models|base\.modules|sentence_transformer\.modules)\.([a-z_]+\.)?"
    r"(CNN|Dense|Dropout|LayerNorm|LSTM|Normalize|Pooling|StaticEmbedding|Transformer|"
    r"WeightedLayerPooling)"
)
_ACTIVATIONS = re.compile(r"torch\.nn\.modules\.(activation|linear)\.[A-Z][A-Za-z0-9]*")
_PICKLES = {".bin", ".ckpt", ".h5", ".joblib", ".pickle", ".pkl", ".pt", ".pt2", ".pth"}
_TEXTS = {"tokenizer.json", "vocab.json"}
_OPTIONS = (
    "model_args",
    "model_kwargs",
    "tokenizer_args",
    "processor_kwargs",
    "config_args",
    "config_kwargs",
)


@spelled_out(SaveOptions)
def save_model(
    model: Any,
    path: str | os.PathLike[str],
    task: str | None = None,
    inference_config: dict[str, Any] | None = None,
    **options: Unpack[SaveOptions],
) -> Model:
    """Save a model of Sentence Transformers as a folder.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        The model.
    path : str or path
        A folder that does not exist yet, or is empty.
    task : str, optional
        MLflow's; it has no effect.
    inference_config : dict, optional
        Options of every call of ``encode``, where ``pyfunc`` predicts.
    **options
        As for every flavor: signature, input_example, pip_requirements, ...

    Raises
    ------
    InvalidParameterError
        If it is no such model, or has parts of your own.

    Examples
    --------
    >>> from sentence_transformers import SentenceTransformer  # doctest: +SKIP
    >>> model = SentenceTransformer("all-MiniLM-L6-v2")  # doctest: +SKIP
    >>> _ = nbtrack.sentence_transformers.save_model(model, "embed")  # doctest: +SKIP
    """
    without_effect(task=task)
    return logging.save(path=path, **_parts(model, inference_config, options), **options)


@spelled_out(LogOptions)
def log_model(
    model: Any,
    artifact_path: str | None = None,
    task: str | None = None,
    inference_config: dict[str, Any] | None = None,
    *,
    prompts: Any = None,
    **options: Unpack[LogOptions],
) -> ModelInfo:
    """Log a model of Sentence Transformers; see :func:`save_model`.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        The model.
    artifact_path : str, optional
        The model's name; better said as ``name=``.
    inference_config
        As in :func:`save_model`. Its settings become params of the run.
    task, prompts : optional
        MLflow's; they have no effect.
    **options
        As for every flavor: name, registered_model_name, signature, input_example, params, ...

    Examples
    --------
    >>> from sentence_transformers import SentenceTransformer  # doctest: +SKIP
    >>> with nbtrack.start_run():  # doctest: +SKIP
    ...     model = SentenceTransformer("all-MiniLM-L6-v2")
    ...     info = nbtrack.sentence_transformers.log_model(model, name="embed")
    """
    without_effect(task=task, prompts=prompts)
    parts = _parts(model, inference_config, options)
    return logging.log(artifact_path=artifact_path, config=inference_config, **parts, **options)


@reads_model
def load_model(
    model_uri: str | os.PathLike[str],
    dst_path: str | os.PathLike[str] | None = None,
    *,
    device: Any = None,
    trust: bool | None = None,
) -> Any:
    """Load a model of Sentence Transformers.

    Parameters
    ----------
    model_uri : str or path
        The model.
    dst_path : str or path, optional
        The folder to copy it to.
    device : str or torch.device, optional
        Where the model goes; by default a GPU, where there is one.
    trust : bool, optional
        True lets code run that the files of somebody else's model name, and pickled weights be
        read.

    Raises
    ------
    UntrustedError
        If the model would run code that nobody has consented to.

    Examples
    --------
    >>> embed = nbtrack.sentence_transformers.load_model("models:/embed/1")  # doctest: +SKIP
    >>> embed.encode(["It works."]).shape  # doctest: +SKIP
    (1, 384)
    """
    return _loaded(open_model(model_uri, dst_path), device, trust)


@reads_model
def _load_pyfunc(
    path: str | OpenedModel,
    model_config: Mapping[str, Any] | None = None,
    trust: bool | None = None,
) -> Predictor:
    """Load the model for ``pyfunc``; ``model_config`` may name its ``device``."""
    config = dict(model_config or {})
    device = config.pop("device", DEFAULT_PREDICTION_DEVICE.get())
    config.pop("task", None)  # MLflow's, which says how answers are wrapped
    return Predictor(_loaded(as_opened(path), device, trust), config)


class Predictor(native_files.Predictor):
    """A model that gives the embeddings of texts.

    Parameters
    ----------
    model : sentence_transformers.SentenceTransformer
        The model.
    config : mapping, optional
        Options of every call of ``encode``.
    """

    def __init__(self, model: Any, config: Mapping[str, Any] | None = None) -> None:
        super().__init__(model)
        self.config = dict(config or {})

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return an array with a row for each text.

        Parameters
        ----------
        data : str, list of str, or DataFrame with one column
        params : dict, optional
            Options of ``encode``, over those of the configuration.
        """
        texts = data.iloc[:, 0] if getattr(data, "ndim", 0) == 2 else data
        texts = texts.tolist() if hasattr(texts, "tolist") else texts
        options = {"show_progress_bar": False, **self.config, **(params or {})}
        return self.model.encode(texts, **options)


def _parts(model: Any, config: dict[str, Any] | None, options: Any) -> dict[str, Any]:
    library = framework("sentence_transformers", "sentence-transformers")

    if not isinstance(model, library.SentenceTransformer):
        raise InvalidParameterError(f"{type(model).__name__} is no SentenceTransformer.")
    for part in model:
        if not type(part).__module__.startswith(_LIBRARY):
            raise InvalidParameterError(
                f"{type(part).__name__} is a class of your own, which Sentence Transformers could "
                "not make again. nbtrack.pytorch.log_model saves it with its source."
            )
    if options.get("signature") is None and options.get("input_example") is None:
        options["signature"] = _default_signature(model)
    transformer = next((part.auto_model for part in model if hasattr(part, "auto_model")), None)

    def write(folder: Path, known: Model) -> None:
        model.save(str(folder / _FOLDER), create_model_card=False)
        if config:
            (folder / _CONFIG).write_text(json.dumps(config), "utf-8")
        known.requirements.add_package("sentence-transformers", "transformers", "torch")
        names = {}
        if transformer is not None:
            names = {
                "source_model_name": str(transformer.name_or_path),
                "pipeline_model_type": type(transformer).__name__,
            }
        describe(
            known,
            FLAVOR,
            loader="mlflow.sentence_transformers",
            pyfunc={"data": _FOLDER, **({"config": config} if config else {})},
            sentence_transformers_version=library.__version__,
            data=_FOLDER,
            **names,
        )
        known.nbtrack["device"] = str(model.device)

    def check(folder: Path) -> Callable[..., Any]:
        return Predictor(_read(folder / _FOLDER, model.device, False), config).predict

    return {"write": write, "predict": Predictor(model, config).predict, "check": check}


def _default_signature(model: Any) -> ModelSignature:
    import numpy as np

    size = getattr(model, "get_embedding_dimension", None) or model.get_sentence_embedding_dimension
    embeddings = TensorSpec(np.dtype("float32"), (-1, size() or -1))
    return ModelSignature(Schema([ColSpec("string")]), Schema([embeddings]))


def _loaded(opened: OpenedModel, device: Any, trust: bool | None) -> Any:
    known = described(opened, FLAVOR, trust)
    name = str(known.get("data", _FOLDER))
    check_files(opened, [name])
    folder = opened.file(name)
    remote = False
    if not opened.own:
        for what in _run_by(folder):
            opened.ask(what, trust)
            remote = True
    with working("load model"):
        return _read(folder, device, remote)


def _read(folder: Path, device: Any, remote: bool) -> Any:
    library = framework("sentence_transformers", "sentence-transformers")
    return library.SentenceTransformer(
        str(folder), device=device, trust_remote_code=remote, local_files_only=True
    )


def _run_by(folder: Path) -> Iterator[str]:
    """Yield what loading a model runs that does more than to put the library's parts together."""
    for part in json.loads((folder / "modules.json").read_text("utf-8")):
        kind, place = str(part["type"]), (folder / str(part["path"])).resolve()
        if not _MODULES.fullmatch(kind):
            yield f"the class {kind}"
        if not place.is_relative_to(folder.resolve()):
            yield f"what lies in {place}"
    for file in sorted(folder.rglob("*")):
        if file.suffix in _PICKLES:
            yield f"a pickle ({file.name})"
        elif file.name == "adapter_config.json":
            yield "another model, which its adapter names"
        elif file.suffix == ".json" and file.name not in _TEXTS:
            yield from _named_by(json.loads(file.read_text("utf-8")))


def _named_by(part: Any) -> Iterator[str]:
    if isinstance(part, list):
        for item in part:
            yield from _named_by(item)
    if not isinstance(part, Mapping):
        return
    for key, value in part.items():
        yield from _named_by(value)
        if key == "auto_map" and value:
            yield "the code that its config.json names"
        elif key == "activation_function" and not _ACTIVATIONS.fullmatch(str(value)):
            yield f"the function {value}"
        elif key in _OPTIONS and value and set(value) - {"dtype", "torch_dtype"}:
            yield f"classes with the options {value}"
        elif key in ("attn_implementation", "_attn_implementation") and "/" in str(value):
            yield f"the program {value}"
