"""Logged models with real folders, written without any framework."""

from __future__ import annotations

import json
from typing import Any

import yaml

from nbtrack.entities import LoggedModel
from nbtrack.tracking import context, logged_models

COLUMNS = [
    {"type": "double", "name": "length", "required": True},
    {"type": "long", "name": "count", "required": False},
    {"type": "string", "name": "kind", "required": True},
]
TENSOR = [{"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
EXAMPLE = {"dataframe_split": {"columns": ["length", "kind"], "data": [[1.5, "a"], [2, "b"]]}}
PARAMS = [{"name": "scale", "type": "double", "default": 1.0, "shape": None}]


def mlmodel(**more: Any) -> dict[str, Any]:
    """Return the keys of an MLmodel file."""
    return {
        "flavors": {"pytorch": {}, "python_function": {"loader_module": "mlflow.pytorch"}},
        "signature": {
            "inputs": json.dumps(COLUMNS),
            "outputs": json.dumps(TENSOR),
            "params": json.dumps(PARAMS),
        },
        "nbtrack": {"device": "cuda:0"},
        "saved_input_example_info": {"serving_input_path": "serving_input_example.json"},
        **more,
    }


def log_folder(name: str = "net", run_id: str | None = None, **more: Any) -> LoggedModel:
    """Log a model that is a folder with an MLmodel file and an input example."""
    pending = logged_models.start(context.store(), name, run_id=run_id)
    (pending.place / "data").mkdir()
    (pending.place / "MLmodel").write_text(yaml.safe_dump(mlmodel(**more)), "utf-8")
    (pending.place / "serving_input_example.json").write_text(json.dumps(EXAMPLE), "utf-8")
    (pending.place / "requirements.txt").write_text("torch==2.4\n", "utf-8")
    (pending.place / "data" / "weights.bin").write_bytes(b"x" * 5000)
    return pending.finish()
