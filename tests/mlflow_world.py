"""What a user of MLflow has: written by the real mlflow, and read by it. Runs on its own."""

from __future__ import annotations

import contextlib
import json
import math
import os
import sys
import warnings
from pathlib import Path
from typing import Any

MODEL = "flavors: {}\nmodel_id: %s\n"


def make(uri: str) -> None:
    """Log runs of every kind to a tracking URI."""
    import mlflow
    from mlflow.entities import (
        Dataset,
        DatasetInput,
        InputTag,
        LoggedModelInput,
        LoggedModelOutput,
        LoggedModelStatus,
        Metric,
    )

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    first = mlflow.set_experiment("first").experiment_id
    mlflow.set_experiment_tag("team", "red")
    dataset = Dataset("table", "abc123", "code", '{"tags": {}}', "{}", '{"num_rows": 2}')
    with mlflow.start_run(run_name="parent", description="a note") as parent:
        mlflow.log_params({"lr": 0.1, "model/depth": "3"})
        client.log_inputs(
            parent.info.run_id, [DatasetInput(dataset, [InputTag("mlflow.data.context", "train")])]
        )
        points = [
            Metric("loss", 1 / (step + 1), 1_760_000_000_000 + step, step) for step in range(50)
        ]
        odd = [math.nan, math.inf, -math.inf, 0.0]
        points += [Metric("odd", value, 1_760_000_000_000, step) for step, value in enumerate(odd)]
        client.log_batch(parent.info.run_id, points)
        mlflow.log_text("hello", "notes/a.txt")
        with mlflow.start_run(run_name="child", nested=True):
            mlflow.log_metric("deep/acc", 0.5, step=7)
            mlflow.set_tag("colour", "blue")
    model = client.create_logged_model(first, "net", parent.info.run_id, {"t": "1"}, {"p": "2"})
    local = Path("model")
    local.mkdir(exist_ok=True)
    (local / "MLmodel").write_text(MODEL % model.model_id)
    client.log_model_artifacts(model.model_id, str(local))
    client.finalize_logged_model(model.model_id, LoggedModelStatus.READY)
    client.log_outputs(parent.info.run_id, [LoggedModelOutput(model.model_id, 3)])
    with mlflow.start_run(run_name="reader") as reader:
        client.log_inputs(reader.info.run_id, models=[LoggedModelInput(model.model_id)])
        client.log_metric(
            reader.info.run_id, "f1", 0.9, step=2, model_id=model.model_id,
            dataset_name="table", dataset_digest="abc123",
        )  # fmt: skip
    client.create_registered_model("Net", {"a": "b"}, "the net")
    for _ in range(3):
        client.create_model_version(
            "Net", f"models:/{model.model_id}", parent.info.run_id, model_id=model.model_id
        )
    client.delete_model_version("Net", "3")
    client.set_registered_model_alias("Net", "champion", "2")
    with contextlib.suppress(Exception):  # MLflow warns that stages are old
        client.transition_model_version_stage("Net", "1", "Staging")
    with mlflow.start_run(run_name="gone") as gone:
        mlflow.log_metric("x", 1)
    mlflow.delete_run(gone.info.run_id)
    trash = mlflow.create_experiment("trash")
    with mlflow.start_run(experiment_id=trash):
        mlflow.log_param("q", 1)
    mlflow.delete_experiment(trash)
    client.create_run(first, run_name="still going")


def seen(uri: str) -> dict[str, Any]:
    """Return everything that MLflow reads at a tracking URI, without what is made anew."""
    import mlflow

    mlflow.set_tracking_uri(uri)
    client = mlflow.MlflowClient()
    experiments = client.search_experiments(view_type=3)
    runs = client.search_runs([e.experiment_id for e in experiments], run_view_type=3)
    return {
        "experiments": sorted(
            (e.name, e.lifecycle_stage, e.creation_time, _ours(e.tags)) for e in experiments
        ),
        "runs": {run.info.run_id: _run(client, run) for run in runs},
        "models": {
            model.model_id: _model(client, model)
            for model in client.search_logged_models([e.experiment_id for e in experiments])
        },
        "registered": {model.name: _registered(client, model) for model in _all_models(client)},
    }


def _run(client: Any, run: Any) -> dict[str, Any]:
    info, data = run.info, run.data
    found = client.get_run(info.run_id)
    return {
        "info": (info.run_name, info.status, info.start_time, info.end_time, info.lifecycle_stage),
        "params": data.params,
        "tags": _ours(data.tags),
        "latest": {key: str(value) for key, value in data.metrics.items()},
        "history": {
            key: sorted(
                (m.step, m.timestamp, str(m.value))
                for m in client.get_metric_history(info.run_id, key)
            )
            for key in data.metrics
        },
        "inputs": [
            (i.dataset.name, i.dataset.digest, i.dataset.profile, {t.key: t.value for t in i.tags})
            for i in found.inputs.dataset_inputs
        ],
        "models": [
            [m.model_id for m in found.inputs.model_inputs],
            [(m.model_id, m.step) for m in found.outputs.model_outputs],
        ],
        "files": _files(client, info.run_id) if info.lifecycle_stage == "active" else [],
    }


def _files(client: Any, run_id: str, path: str | None = None) -> list[Any]:
    found: list[Any] = []
    for file in client.list_artifacts(run_id, path):
        if file.is_dir:
            found += _files(client, run_id, file.path)
        else:
            found.append((file.path, file.file_size))
    return found


def _model(client: Any, model: Any) -> dict[str, Any]:
    return {
        "info": (model.name, str(model.status), model.source_run_id, model.creation_timestamp),
        "params": model.params,
        "tags": _ours(model.tags),
        "metrics": [
            (m.key, m.value, m.step, m.run_id, m.dataset_name) for m in model.metrics or []
        ],
        "files": [f.path for f in client.list_logged_model_artifacts(model.model_id)],
    }


def _all_models(client: Any) -> list[Any]:
    return list(client.search_registered_models())


def _registered(client: Any, model: Any) -> dict[str, Any]:
    versions = client.search_model_versions(f"name = '{model.name}'")
    return {
        "info": (model.description, model.tags, {k: str(v) for k, v in model.aliases.items()}),
        "versions": sorted(
            (int(v.version), v.current_stage, v.run_id, v.status, v.creation_timestamp)
            for v in versions
        ),
        "next": _next(client, versions[0]),
    }


def _next(client: Any, known: Any) -> int:
    model_id = known.source.removeprefix("models:/")
    made = client.create_model_version(known.name, known.source, model_id=model_id)
    return int(made.version)


def _ours(tags: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if key != "mlflow.modelVersions"}


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    os.environ["MLFLOW_ALLOW_FILE_STORE"] = "true"
    for order in sys.argv[1:]:
        verb, _, place = order.partition("=")
        if verb == "make":
            make(place)
        else:
            print(json.dumps(seen(place)))
