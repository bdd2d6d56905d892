"""The same evaluations with MLflow and with nbtrack.

``python tests/mlflow_evaluation.py > tests/recorded/mlflow_evaluation.json`` writes what MLflow
answers; ``test_evaluation_mlflow.py`` compares.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression, LogisticRegression

RECORDED = Path(__file__).parent / "recorded" / "mlflow_evaluation.json"
NAMES = np.array(["cat", "dog", "fox"])


def frame(rows: int = 60, classes: int = 2, seed: int = 0) -> pd.DataFrame:
    """Return two features, classes, their names, a number, and wrong guesses of each."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, 2))
    y = (x[:, 0] + rng.normal(scale=0.7, size=rows) > 0).astype(int)
    y = y + (x[:, 1] > 0.5) if classes == 3 else y
    guess = np.where(rng.random(rows) < 0.25, (y + 1) % classes, y)
    number = 3 * x[:, 0] - x[:, 1] + rng.normal(scale=0.3, size=rows) + 5
    return pd.DataFrame(
        {
            "a": x[:, 0],
            "b": x[:, 1],
            "y": y,
            "name": NAMES[y],
            "number": number,
            "guess": guess,
            "guessed_name": NAMES[guess],
            "guessed_number": number + rng.normal(scale=0.5, size=rows),
        }
    )


def fitted(data: pd.DataFrame, target: str) -> Any:
    kind = LinearRegression if target == "number" else LogisticRegression
    return kind().fit(data[["a", "b"]], data[target])


def within_one(predictions: Any, targets: Any) -> float:
    return float(((predictions - targets).abs() <= 1).mean())


def evaluations(api: Any) -> dict[str, Callable[[], Any]]:
    """Return evaluations by name; each returns a result of the API."""
    two, three = frame(), frame(classes=3)
    models = {}
    for name, data, target in (
        ("binary", two, "y"),
        ("words", two, "name"),
        ("three", three, "y"),
        ("number", two, "number"),
    ):
        with api.start_run():
            info = api.sklearn.log_model(fitted(data, target), name="model")
        models[name] = info.model_uri
    weights = np.linspace(0.5, 2, 60).tolist()

    def asked(data: pd.DataFrame, kind: str, target: str, model: Any = None, **more: Any) -> Any:
        config = {"log_model_explainability": False, **more.pop("config", {})}
        kept = ["a", "b", target, *([more["predictions"]] if "predictions" in more else [])]
        how = {"targets": target, "model_type": kind, "evaluator_config": config}
        if target != "number" and kind == "extra":
            how["model_type"] = None
        return api.models.evaluate(model, data[kept], **how, **more)

    few = three[three["y"] < 2]
    numbers = {"kind": "regressor", "target": "number"}
    scored = api.models.make_metric(
        eval_fn=lambda predictions, targets: api.metrics.MetricValue(
            scores=(predictions == targets).astype(float).tolist()
        ),
        greater_is_better=True,
        name="hit",
    )
    close = api.models.make_metric(eval_fn=within_one, greater_is_better=True)
    old = api.models.make_metric(
        eval_fn=lambda eval_df, builtin: eval_df["prediction"].sum() / builtin["example_count"],
        greater_is_better=True,
        name="old",
    )

    def classifier(data: pd.DataFrame, target: str, **more: Any) -> Any:
        return asked(data, "classifier", target, **more)

    return {
        "binary model": lambda: classifier(two, "y", model=models["binary"]),
        "binary weights": lambda: classifier(
            two, "y", model=models["binary"], config={"sample_weights": weights}
        ),
        "binary pos_label": lambda: classifier(
            two, "y", model=models["binary"], config={"pos_label": 0}
        ),
        "binary words": lambda: classifier(two, "name", model=models["words"]),
        "binary function": lambda: classifier(two, "y", model=lambda x: (x["a"] > 0).astype(int)),
        "binary predictions": lambda: classifier(two, "y", predictions="guess"),
        "binary words predictions": lambda: classifier(two, "name", predictions="guessed_name"),
        "three model": lambda: classifier(three, "y", model=models["three"]),
        "three weights": lambda: classifier(
            three, "y", model=models["three"], config={"sample_weights": weights}
        ),
        "three macro": lambda: classifier(
            three, "y", model=models["three"], config={"average": "macro"}
        ),
        "three predictions": lambda: classifier(three, "name", predictions="guessed_name"),
        "three label_list": lambda: classifier(
            few, "y", predictions="guess", config={"label_list": [0, 1, 2]}
        ),
        "three missing class": lambda: classifier(few, "y", model=models["three"]),
        "regressor model": lambda: asked(two, **numbers, model=models["number"]),
        "regressor weights": lambda: asked(
            two, **numbers, model=models["number"], config={"sample_weights": weights}
        ),
        "regressor predictions": lambda: asked(two, **numbers, predictions="guessed_number"),
        "regressor array": lambda: api.models.evaluate(
            lambda x: x["feature_1"] * 3 + 5,
            two[["a", "b"]].to_numpy(),
            targets=two["number"].to_numpy(),
            model_type="regressor",
            evaluator_config={"log_model_explainability": False},
        ),
        "prefix": lambda: classifier(
            three,
            "y",
            model=models["three"],
            extra_metrics=[scored],
            config={"metric_prefix": "val_"},
        ),
        "scores of rows": lambda: classifier(
            two, "y", predictions="guess", extra_metrics=[scored, old]
        ),
        "extra alone": lambda: asked(
            two, "extra", "y", predictions="guess", extra_metrics=[close, api.metrics.mae()]
        ),
        "no targets": lambda: api.models.evaluate(
            data=two, predictions="guess", model_type="classifier"
        ),
        "no such column": lambda: api.models.evaluate(
            data=two, targets="z", predictions="guess", model_type="classifier"
        ),
        "one label": lambda: classifier(two[two["y"] == 0], "y", model=lambda x: [0] * len(x)),
        "bad pos_label": lambda: classifier(
            two, "y", predictions="guess", config={"label_list": [0, 1], "pos_label": 2}
        ),
    }


def answers(api: Any) -> dict[str, Any]:
    """Return what each evaluation answers: metrics, artifacts, files and columns, or an error."""
    found = {}
    for name, evaluate in evaluations(api).items():
        try:
            with api.start_run() as run:
                result = evaluate()
        except Exception as error:
            found[name] = {"error": type(error).__name__}
            continue
        run_id = run.info.run_id
        known = {
            "metrics": {key: float(value) for key, value in sorted(result.metrics.items())},
            "artifacts": sorted(result.artifacts),
            "files": sorted(each.path for each in api.MlflowClient().list_artifacts(run_id)),
        }
        if "per_class_metrics" in result.artifacts:
            table = result.artifacts["per_class_metrics"].content
            known["per_class"] = json.loads(table.to_json(orient="split", index=False))
        if result.tables:
            table = result.tables["eval_results_table"]
            known["table"] = [list(table.columns), len(table)]
        found[name] = known
    return found


def main() -> None:
    warnings.simplefilter("ignore")
    shown, sys.stdout = sys.stdout, sys.stderr
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        import mlflow
        import mlflow.sklearn

        mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
        found = answers(mlflow)
    sys.stdout = shown
    print(json.dumps({"mlflow": mlflow.__version__, "answers": found}, indent=1))


if __name__ == "__main__":
    main()
