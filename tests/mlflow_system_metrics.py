"""Print what the real MLflow logs of the machine: names and steps by setting.

python tests/mlflow_system_metrics.py > tests/recorded/mlflow_system_metrics.json
"""

from __future__ import annotations

import json
import tempfile
import time
from typing import Any

import mlflow


def steps(run: Any) -> dict[str, list[int]]:
    client = mlflow.MlflowClient()
    keys = sorted(client.get_run(run.info.run_id).data.metrics)
    return {key: [m.step for m in client.get_metric_history(run.info.run_id, key)] for key in keys}


def logged(seconds: float, **options: Any) -> Any:
    with mlflow.start_run(**options) as run:
        time.sleep(seconds)
    return run


if __name__ == "__main__":
    mlflow.set_tracking_uri(f"sqlite:///{tempfile.mkdtemp()}/mlflow.db")
    mlflow.set_system_metrics_sampling_interval(0.3)
    found = {}
    run = logged(2, log_system_metrics=True)
    found["first"] = steps(run)
    logged(1, log_system_metrics=True, run_id=run.info.run_id)
    found["resumed"] = steps(run)
    mlflow.set_system_metrics_samples_before_logging(2)
    mlflow.set_system_metrics_node_id("node_1")
    mlflow.enable_system_metrics_logging()
    found["two samples, node_1"] = steps(logged(2))
    found["off"] = steps(logged(1, log_system_metrics=False))
    mlflow.set_system_metrics_sampling_interval(60)
    found["shorter than the interval"] = steps(logged(0.5))
    for setting, points in found.items():
        every = {key.removeprefix("system/"): numbers for key, numbers in points.items()}
        found[setting] = {"names": sorted(every), "steps": next(iter(every.values()), [])}
        assert all(numbers == found[setting]["steps"] for numbers in every.values())
    print(json.dumps(found, indent=1))
