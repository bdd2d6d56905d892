"""Record what the real MLflow logs by itself, one file for each library.

python tests/mlflow_autologging.py [library ...]
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import estimator_trainings
import net_trainings
import tree_trainings

RECORDED = Path(__file__).resolve().parent / "recorded" / "autologging"
TRAININGS: dict[str, list[Any]] = {
    **estimator_trainings.TRAININGS,
    **net_trainings.TRAININGS,
    **tree_trainings.TRAININGS,
}


def seen(client: Any, run_id: str) -> dict[str, Any]:
    """Return what a run has; ``client`` may be MLflow's or nbtrack's."""
    run = client.get_run(run_id)
    points = {key: client.get_metric_history(run_id, key) for key in sorted(run.data.metrics)}
    return {
        "params": dict(sorted(run.data.params.items())),
        "metrics": {
            key: [[m.step, float(f"{m.value:.6g}")] for m in sorted(found, key=lambda m: m.step)]
            for key, found in points.items()
        },
        "tags": {
            key: value
            for key, value in sorted(run.data.tags.items())
            if key == "mlflow.autologging" or not key.startswith(("mlflow.", "nbtrack."))
        },
        "artifacts": sorted(each.path for each in client.list_artifacts(run_id)),
        "datasets": sorted(
            [each.dataset.name, each.tags[0].value] for each in run.inputs.dataset_inputs
        ),
        "models": len(run.outputs.model_outputs) if run.outputs else 0,
    }


def runs_below(client: Any, run_id: str) -> list[dict[str, Any]]:
    """Return what the runs below a run have, by their params."""
    runs = client.search_runs(["0"], f"tags.mlflow.parentRunId = '{run_id}'")
    return sorted((seen(client, run.info.run_id) for run in runs), key=lambda x: str(x["params"]))


def record(library: str) -> None:
    import mlflow

    logging.getLogger("mlflow").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    os.chdir(tempfile.mkdtemp())  # MLflow puts mlruns/ where it is
    mlflow.set_tracking_uri("sqlite:///mlflow.db")
    importlib.import_module(f"mlflow.{library}").autolog()
    found = {}
    for train in TRAININGS[library]:
        with mlflow.start_run() as run:
            train()
        found[train.__name__] = seen(mlflow.MlflowClient(), run.info.run_id)
        if below := runs_below(mlflow.MlflowClient(), run.info.run_id):
            found[f"{train.__name__}: below"] = below
    text = json.dumps(found, indent=1, sort_keys=True)
    (RECORDED / f"{library}.json").write_text(text + "\n")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        record(sys.argv[1])
    else:  # each in its own process: one library's hooks are no other's
        for each in sys.argv[1:] or TRAININGS:
            subprocess.run([sys.executable, __file__, each], check=True)
