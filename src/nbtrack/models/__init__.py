"""Models: what a run has trained, kept so that it comes back.

The names are those of ``mlflow.models``; each is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nbtrack.models.edits import get_model_info, set_signature, update_model_requirements
    from nbtrack.models.info import ModelInfo
    from nbtrack.models.input_example import ModelInputExample
    from nbtrack.models.model import Model
    from nbtrack.models.model_code import ModelConfig, set_model
    from nbtrack.models.prediction import predict
    from nbtrack.models.serving import serve
    from nbtrack.models.serving_input import (
        convert_input_example_to_serving_input,
        validate_serving_input,
    )
    from nbtrack.models.signature import ModelSignature, infer_signature

__all__ = [
    "Model",
    "ModelConfig",
    "ModelInfo",
    "ModelInputExample",
    "ModelSignature",
    "convert_input_example_to_serving_input",
    "get_model_info",
    "infer_signature",
    "predict",
    "serve",
    "set_model",
    "set_signature",
    "update_model_requirements",
    "validate_serving_input",
]

_PLACES = {
    "edits": ("get_model_info", "set_signature", "update_model_requirements"),
    "info": ("ModelInfo",),
    "input_example": ("ModelInputExample",),
    "model": ("Model",),
    "model_code": ("ModelConfig", "set_model"),
    "prediction": ("predict",),
    "serving": ("serve",),
    "serving_input": ("convert_input_example_to_serving_input", "validate_serving_input"),
    "signature": ("ModelSignature", "infer_signature"),
}
_HOMES = {name: module for module, names in _PLACES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"nbtrack.models has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(f"nbtrack.models.{_HOMES[name]}"), name)
    return value


def __dir__() -> list[str]:
    return __all__
