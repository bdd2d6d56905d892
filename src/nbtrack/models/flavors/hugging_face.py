"""The parts of a pipeline of transformers, and predictions that are frames and texts."""

from __future__ import annotations

import json
import re
import string
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.loading import OpenedModel
from nbtrack.models.requirements import framework

COMPONENTS = ("tokenizer", "feature_extractor", "image_processor")
_TASKS = {
    "ForSequenceClassification": "text-classification",
    "ForTokenClassification": "token-classification",
    "ForQuestionAnswering": "question-answering",
    "ForMaskedLM": "fill-mask",
    "ForCausalLM": "text-generation",
    "LMHeadModel": "text-generation",
    "ForImageClassification": "image-classification",
    "ForObjectDetection": "object-detection",
    "ForAudioClassification": "audio-classification",
    "ForCTC": "automatic-speech-recognition",
    "ForSpeechSeq2Seq": "automatic-speech-recognition",
}
_AUTO = {
    "model": "AutoModel",
    "tokenizer": "AutoTokenizer",
    "feature_extractor": "AutoFeatureExtractor",
    "image_processor": "AutoImageProcessor",
    "processor": "AutoProcessor",
}
TEMPLATE = "prompt_template"
_PROMPTED = (
    "feature-extraction",
    "fill-mask",
    "summarization",
    "text2text-generation",
    "text-generation",
)
_TEXTS = ("generated_text", "translation_text", "summary_text", "answer", "token_str", "text")


@dataclass
class PipelineParts:
    """A model and what belongs to it.

    Attributes
    ----------
    model : transformers.PreTrainedModel
    components : dict
        Its tokenizer and the like, by MLflow's names.
    task : str or None
        What a pipeline of it does.
    whole : transformers.Pipeline or None
        The pipeline, where it was one.
    """

    model: Any
    components: dict[str, Any]
    task: str | None
    whole: Any = None

    def pipeline(self) -> Any:
        """Return a pipeline of the parts."""
        transformers = framework("transformers")

        if self.whole is None:
            make: Any = transformers.pipeline
            self.whole = make(self.task, model=self.model, **self.components)
        return self.whole

    @property
    def pipeline_type(self) -> str:
        """The name of the pipeline's class."""
        return type(self.model if self.task is None else self.pipeline()).__name__


def take_apart(given: Any, processor: Any, task: str | None) -> PipelineParts:
    """Return the parts of a pipeline, of a dictionary, or of a model.

    Raises
    ------
    InvalidParameterError
        If it is none of those, or the class of a part is the user's own.
    """
    transformers = framework("transformers")

    whole = given if isinstance(given, transformers.Pipeline) else None
    if whole is not None:
        found = {name: getattr(whole, name, None) for name in COMPONENTS}
        model, task = whole.model, task or whole.task
    elif isinstance(given, Mapping):
        unknown = sorted(set(given) - {"model", *COMPONENTS, "processor"})
        if unknown or "model" not in given:
            raise InvalidParameterError(
                f"A model of transformers is a dictionary with 'model' and any of {COMPONENTS}, "
                f"but this has {sorted(given)}."
            )
        found, model = {name: given.get(name) for name in COMPONENTS}, given["model"]
        processor = processor or given.get("processor")
    else:
        found, model = {}, given
        if isinstance(processor, transformers.PreTrainedTokenizerBase):
            found, processor = {"tokenizer": processor}, None
    if not isinstance(model, transformers.PreTrainedModel):
        raise InvalidParameterError(
            f"{type(model).__name__} is no model of transformers. A pipeline, a PreTrainedModel, "
            "or a dictionary of parts can be saved; other modules with nbtrack.pytorch."
        )
    if not hasattr(transformers, type(model).__name__) and not model.config.to_dict().get(
        "auto_map"
    ):
        raise InvalidParameterError(
            f"{type(model).__name__} is a class of your own, which transformers could not make "
            "again. nbtrack.pytorch.log_model saves it with its source."
        )
    parts = {name: part for name, part in found.items() if part is not None}
    if processor is not None:
        parts["processor"] = processor
    if task is None and parts and processor is None:
        task = next((t for end, t in _TASKS.items() if type(model).__name__.endswith(end)), None)
    return PipelineParts(model, parts, task, whole)


def class_named(
    opened: OpenedModel, name: str, role: str, place: Path, trust: bool | None
) -> tuple[Any, dict[str, Any]]:
    """Return the class of a part and options to load it; code in its folder needs consent."""
    transformers = framework("transformers")

    config = place / "config.json"
    mapped = role == "model" and "auto_map" in json.loads(config.read_text("utf-8"))
    # a class by its name only: what else transformers has is looked up for nobody
    plain = re.fullmatch(r"[A-Z][A-Za-z0-9_]*", name) is not None
    known = getattr(transformers, name, None) if plain else None
    if isinstance(known, type) and not mapped:
        return known, {}
    opened.ask(f"the code of {name} that came with it", trust)
    return getattr(transformers, _AUTO[role]), {"trust_remote_code": True}


def dtype_option(name: str | None) -> dict[str, Any]:
    """Return the option of ``from_pretrained`` for a type such as ``"torch.bfloat16"``."""
    torch = framework("torch")
    transformers = framework("transformers")

    # not by getattr, which imports what PyTorch has not loaded yet
    found = vars(torch).get(str(name).removeprefix("torch."))
    if not isinstance(found, torch.dtype):
        return {}
    new = int(transformers.__version__.partition(".")[0]) >= 5
    return {"dtype" if new else "torch_dtype": found}


class Predictor:
    """A pipeline that takes frames and lists, and gives frames and lists of text.

    Parameters
    ----------
    pipeline : transformers.Pipeline
        The pipeline.
    config : mapping
        Options of every call.
    template : str, optional
        A text with ``{prompt}`` in it, in whose place each text of the input goes.
    """

    def __init__(
        self, pipeline: Any, config: Mapping[str, Any], template: str | None = None
    ) -> None:
        self.pipeline = pipeline
        self.config = dict(config)
        self.template = template
        if template is not None and pipeline.task == "text-generation":
            self.config.setdefault("return_full_text", False)  # as MLflow has it

    def predict(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        """Return what the pipeline finds: a frame of labels and scores, texts, or arrays.

        Parameters
        ----------
        data : str, list, dict or DataFrame
            A frame with one column is a list; one with several has a dictionary in each row.
        params : dict, optional
            Options of this call, over those of the configuration.
        """
        given = _rows(data)
        if self.template is not None:
            given = _filled(self.template, given)
        single = not isinstance(given, list)
        found = self.pipeline([given] if single else given, **{**self.config, **(params or {})})
        return _plain(self.pipeline.task, found)

    def get_raw_model(self) -> Any:
        """Return the pipeline itself."""
        return self.pipeline


def check_template(template: str | None, parts: PipelineParts) -> str | None:
    """Return a template of prompts.

    Raises
    ------
    InvalidParameterError
        If it has another place than ``{prompt}``, or the task takes no prompts.
    """
    if template is None:
        return None
    try:
        names = [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]
    except (ValueError, TypeError):
        names = []
    if names != ["prompt"]:
        raise InvalidParameterError(
            f"prompt_template={template!r} needs one place for the text, {{prompt}}, and no other."
        )
    if parts.task not in _PROMPTED:
        raise InvalidParameterError(
            f"The task {parts.task!r} takes no prompt_template, only {', '.join(_PROMPTED)}."
        )
    return template


def _filled(template: str, given: Any) -> Any:
    if isinstance(given, list):
        return [_filled(template, one) for one in given]
    return template.format(prompt=given) if isinstance(given, str) else given


def _rows(data: Any) -> Any:
    if type(data).__name__ == "DataFrame":
        one = data.shape[1] == 1
        return data.iloc[:, 0].tolist() if one else data.to_dict(orient="records")
    if hasattr(data, "tolist") and getattr(data, "ndim", 0) == 1:
        return data.tolist()
    if isinstance(data, Mapping) and data and all(isinstance(v, list) for v in data.values()):
        return [dict(zip(data, row, strict=True)) for row in zip(*data.values(), strict=True)]
    return data


def _plain(task: str, found: Any) -> Any:
    import numpy as np
    import pandas as pd

    found = found if isinstance(found, list) else [found]
    if task == "feature-extraction":
        return np.asarray(found[0] if len(found) == 1 else [np.asarray(one)[0] for one in found])
    if task == "fill-mask":
        # one text comes back without a list around its words
        words = found if all(isinstance(one, list) for one in found) else [found]
        return [one[0]["token_str"] for one in words]  # the likeliest of each
    firsts = [one[0] if isinstance(one, list) and len(one) == 1 else one for one in found]
    if firsts and all(isinstance(one, dict) for one in firsts):
        if all({"label", "score"} == set(one) for one in firsts):
            return pd.DataFrame(firsts)
        key = next((k for k in _TEXTS if all(isinstance(o.get(k), str) for o in firsts)), None)
        if key is not None:
            return [one[key] for one in firsts]
    return firsts
