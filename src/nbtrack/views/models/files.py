"""What the folder of a model says about it, read without loading the model."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.untrusted_files import read_yaml
from nbtrack.views.code import read_text
from nbtrack.views.json_types import ColumnSpec, FileFacts, Signature

MLMODEL = "MLmodel"
PYFUNC = "python_function"
REQUIREMENTS = "requirements.txt"
MAX_EXAMPLE = 200_000
MAX_MLMODEL = 8_000_000  # thousands of columns, or metadata that somebody has put there
#: Flavors with a module of their own; others are loaded as functions.
DOORS = (
    "pytorch",
    "sklearn",
    "transformers",
    "keras",
    "tensorflow",
    "xgboost",
    "lightgbm",
    "catboost",
    "prophet",
    "statsmodels",
    "onnx",
    "spacy",
    "sentence_transformers",
)


def read_mlmodel(folder: ArtifactFolder) -> dict[str, Any]:
    """Return the keys of a model's MLmodel file; empty where there is none that can be read."""
    try:
        found = read_yaml(read_text(folder, MLMODEL, MAX_MLMODEL) or "", MLMODEL)
    except InvalidParameterError:
        return {}
    return found if isinstance(found, dict) else {}


def file_facts(mlmodel: Mapping[str, Any]) -> FileFacts:
    """Return what an MLmodel file says about its model, as JSON for whoever shows it."""
    flavors = _mapping(mlmodel.get("flavors"))
    own = [str(name) for name in flavors if name != PYFUNC]
    ours = _mapping(mlmodel.get("nbtrack"))
    first = _mapping(flavors.get(own[0])) if own else {}
    device = ours.get("device") or first.get("device")
    gpu = ours.get("gpu") or first.get("gpu")
    parameters = first.get("parameters")
    size = mlmodel.get("model_size_bytes")
    return {
        "flavors": own or (["pyfunc"] if PYFUNC in flavors else []),
        "predicts": PYFUNC in flavors,
        "signature": signature_facts(mlmodel.get("signature")),
        "size": size if isinstance(size, int) else None,
        "device": f"{device} ({_gpu_name(gpu)})" if device and _gpu_name(gpu) else device,
        "precision": _precision(
            first.get("precision") or first.get("dtypes") or ours.get("precision")
        ),
        "parameters": parameters if isinstance(parameters, int) else None,
        "created_ms": _created_ms(mlmodel.get("utc_time_created")),
        "python": _mapping(flavors.get(PYFUNC)).get("python_version"),
    }


def signature_facts(signature: Any) -> Signature | None:
    """Return a signature as rows of name, type and what else there is to say.

    Parameters
    ----------
    signature : mapping or None
        As the MLmodel file has it: JSON text of ``inputs``, ``outputs`` and ``params``.
    """
    given = _mapping(signature)
    found = {part: _parsed(given.get(part)) for part in ("inputs", "outputs", "params")}
    if not any(found.values()):
        return None
    return {
        "inputs": [_spec(each) for each in found["inputs"]],
        "outputs": [_spec(each) for each in found["outputs"]],
        "params": [
            {
                "name": str(each.get("name", "")),
                "type": _type(each) + (" list" if each.get("shape") else ""),
                "default": each.get("default"),
            }
            for each in found["params"]
        ],
    }


def serving_example(folder: ArtifactFolder, mlmodel: Mapping[str, Any]) -> dict[str, Any]:
    """Return the input example of a model as a scoring server takes it; empty without one."""
    info = _mapping(mlmodel.get("saved_input_example_info"))
    path = info.get("serving_input_path")
    text = read_text(folder, path, MAX_EXAMPLE) if isinstance(path, str) else None
    try:
        found = json.loads(text or "{}")
    except (ValueError, RecursionError):  # longer than what was read, too
        return {}
    return found if isinstance(found, dict) else {}


def requirements(folder: ArtifactFolder) -> list[str]:
    """Return the packages that a model needs."""
    text = read_text(folder, REQUIREMENTS, 20_000) or ""
    return [line.strip() for line in text.splitlines() if line.strip() and line[0] != "#"]


def loading_line(uri: str, flavors: list[str]) -> str:
    """Return the line of Python that loads a model."""
    door = next((name for name in flavors if name in DOORS), "pyfunc")
    return f"model = nbtrack.{door}.load_model({uri!r})"


def _spec(spec: Mapping[str, Any]) -> ColumnSpec:
    name = spec.get("name")
    required = spec.get("required", not spec.get("optional", False))
    return {
        "name": None if name is None else str(name),
        "type": _type(spec),
        "required": bool(required),
    }


def _type(spec: Mapping[str, Any]) -> str:
    kind = spec.get("type", spec.get("dtype", ""))
    if kind == "tensor":
        tensor = _mapping(spec.get("tensor-spec"))
        sizes = ["any" if size == -1 else str(size) for size in tensor.get("shape") or ()]
        return f"{tensor.get('dtype', '')} [{', '.join(sizes)}]"
    if kind == "array":
        return f"list of {_type(_mapping(spec.get('items')))}"
    if kind == "map":
        return f"map of {_type(_mapping(spec.get('values')))}"
    if kind == "object":
        names = _mapping(spec.get("properties"))
        return "object {" + ", ".join(f"{n}: {_type(_mapping(t))}" for n, t in names.items()) + "}"
    return str(kind)


def _parsed(text: Any) -> list[Mapping[str, Any]]:
    try:
        found = json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, Mapping)] if isinstance(found, list) else []


def _precision(value: Any) -> str | None:
    if isinstance(value, (Mapping, list)):  # a mapping says how many values have each type
        value = ", ".join(str(each) for each in value)
    return str(value).replace("torch.", "") if value else None


def _gpu_name(gpu: Any) -> str:
    return str(gpu.get("name") or "") if isinstance(gpu, Mapping) else str(gpu or "")


def _created_ms(text: Any) -> int | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return int(moment.timestamp() * 1000)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
