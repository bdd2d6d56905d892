"""Scores that are computed after a fit, logged to the run of the estimator."""

from __future__ import annotations

import gc
import inspect
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn import metrics
from sklearn.inspection import permutation_importance
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import nbtrack
from estimator_trainings import TWO, X, Y
from nbtrack.autologging.estimators import fitted
from nbtrack.errors import NbtrackWarning
from nbtrack.models.evaluation.scores import regression_scores
from programs import needs


@pytest.fixture
def on(workdir: Path) -> Iterator[None]:
    nbtrack.sklearn.autolog(log_models=False)
    yield
    nbtrack.sklearn.autolog(disable=True)


def later() -> dict[str, float]:
    """Return the metrics of the run that are not of the training."""
    run = nbtrack.last_active_run()
    assert run is not None
    found = nbtrack.get_run(run.info.run_id).data.metrics
    return {key: value for key, value in found.items() if not key.startswith("training_")}


def test_names_say_metric_count_and_data(on: None) -> None:
    model = Ridge().fit(X, Y)
    x_test, y_test = pd.DataFrame(X[:20]), Y[:20]
    predicted = model.predict(x_test.to_numpy())
    r2_score(y_test, predicted)  # this name was imported before
    r2_score(y_test, y_pred=predicted)
    x_new = X[20:]
    score = model.score(x_new, Y[20:])
    metrics.max_error(Y[20:], model.predict(x_new))
    metrics.max_error(Y[20:], model.predict(X[20:]))
    found = later()
    assert sorted(found) == [
        "Ridge_score_x_new",
        "max_error-2_unknown_dataset-2",
        "max_error_x_new",
        "r2_score-2_unknown_dataset",
        "r2_score_unknown_dataset",
    ]
    assert found["Ridge_score_x_new"] == score
    run = nbtrack.last_active_run()
    info = nbtrack.artifacts.load_dict(f"runs:/{run.info.run_id}/metric_info.json")
    assert info["r2_score-2_unknown_dataset"] == "r2_score(y_true=y_test, y_pred=predicted)"
    assert info["Ridge_score_x_new"] == "Ridge.score(X=x_new, y=Y[20:])"
    data = nbtrack.get_run(run.info.run_id).inputs.dataset_inputs
    assert {(each.dataset.name, each.tags[0].value) for each in data} >= {
        ("X", "train"),
        ("x_new", "eval"),
    }


def judged(model: Any, examples: Any, labels: Any) -> float:
    return accuracy_score(labels, model.predict(examples))


def test_data_has_the_name_that_it_has_outside_of_functions(on: None) -> None:
    model = LogisticRegression().fit(X, TWO)
    x_test = X[:20]
    judged(model, x_test, TWO[:20])
    judged(model, X[20:], TWO[20:])
    assert sorted(later()) == ["accuracy_score-2_examples", "accuracy_score_x_test"]


def test_a_part_of_the_predictions_is_known(on: None) -> None:
    """MLflow knows predictions as a whole only: no area under a curve, then."""
    model = LogisticRegression().fit(X, TWO)
    x_test = X[:30]
    metrics.roc_auc_score(TWO[:30], model.predict_proba(x_test)[:, 1])
    name = [*inspect.signature(metrics.brier_score_loss).parameters][1]  # it was y_prob once
    metrics.brier_score_loss(TWO[:30], **{name: model.predict_proba(x_test)[:, 1]})
    metrics.roc_auc_score(TWO[:30], model.decision_function(x_test))
    assert sorted(later()) == [
        "brier_score_loss_x_test",
        "roc_auc_score-2_x_test",
        "roc_auc_score_x_test",
    ]


def test_what_is_no_score_of_a_known_estimator_is_not_logged(on: None) -> None:
    unknown = Ridge()
    nbtrack.sklearn.autolog(disable=True)
    unknown.fit(X, Y)
    nbtrack.sklearn.autolog(log_models=False)
    model = Ridge().fit(X, Y)
    r2_score(Y, unknown.predict(X))
    unknown.score(X, Y)
    r2_score(Y, Y)
    r2_score(Y, model.predict(X).copy())
    permutation_importance(model, X, Y, n_repeats=2, scoring="r2")
    permutation_importance(model, X, Y, n_repeats=2)
    regression_scores(Y, model.predict(X))  # as nbtrack.evaluate does
    space = {"__name__": "nbtrack.views.comparison.forest", "Ridge": Ridge, "X": X, "Y": Y}
    exec("Ridge().fit(X, Y)", space)
    assert len(nbtrack.search_runs(output_format="list")) == 1
    assert later() == {}


def test_a_metric_that_computes_others_is_one(on: None) -> None:
    model = LogisticRegression().fit(X, TWO)
    x_test = X[:20]
    metrics.balanced_accuracy_score(TWO[:20], model.predict(x_test))
    metrics.get_scorer("neg_log_loss")(model, x_test, TWO[:20])
    metrics.make_scorer(metrics.fbeta_score, beta=2)(model, x_test, TWO[:20])
    found = later()
    assert sorted(found) == [
        "balanced_accuracy_score_x_test",
        "fbeta_score_x_test",
        "log_loss_x_test",
    ]
    assert found["log_loss_x_test"] > 0


def test_the_best_estimator_of_a_search_is_known(on: None) -> None:
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2).fit(X, Y)
    x_test = X[:20]
    search.score(x_test, Y[:20])
    search.best_estimator_.score(x_test, Y[:20])
    assert sorted(later()) == [
        "GridSearchCV_score_x_test",
        "Ridge_score_x_test",
        "best_cv_score",
    ]


def test_nothing_is_kept_alive(on: None) -> None:
    fitted._predicted.clear()
    variables = locals()
    model = Ridge().fit(X, Y)
    for _ in range(3):
        x_test = X[:20].copy()
        r2_score(Y[:20], model.predict(x_test))
    assert "model" not in variables  # a frame that is asked for its variables changes them
    before = len(fitted._fitted)
    del model, x_test
    gc.collect()
    assert len(fitted._predicted) == 0
    assert len(fitted._fitted) == before - 1


def test_functions_and_scorers_pickle(on: None) -> None:
    for each in (accuracy_score, metrics.f1_score, metrics.get_scorer("accuracy")):
        assert repr(pickle.loads(pickle.dumps(each))) == repr(each)
    scorer = metrics.make_scorer(metrics.mean_squared_error, greater_is_better=False)
    search = GridSearchCV(Ridge(), {"alpha": [1.0]}, scoring=scorer, cv=2).fit(X, Y)
    assert pickle.loads(pickle.dumps(search)).score(X, Y) == search.score(X, Y)
    assert metrics.f1_score.__name__ == "f1_score"


def test_it_can_be_left_out_and_is_never_too_much(workdir: Path) -> None:
    nbtrack.sklearn.autolog(log_models=False, log_post_training_metrics=False)
    model = Ridge().fit(X, Y)
    model.score(X, Y)
    assert later() == {}
    nbtrack.sklearn.autolog(log_models=False)
    predicted = model.predict(X)
    for _ in range(50):
        r2_score(Y, predicted)
    with pytest.warns(NbtrackWarning, match="r2_score was computed 50 times"):
        r2_score(Y, predicted)
    r2_score(Y, predicted)  # a second warning would be an error here
    assert len(later()) == 50


def test_scores_are_those_of_the_logged_model(workdir: Path) -> None:
    nbtrack.sklearn.autolog()
    model = Ridge().fit(X, Y)
    x_test = X[:20]
    r2_score(Y[:20], model.predict(x_test))
    (logged,) = nbtrack.search_logged_models(output_format="list")
    found = {metric.key: metric for metric in logged.metrics}
    assert found["r2_score_x_test"].dataset_name == "x_test"
    assert np.isclose(found["training_score"].value, model.score(X, Y))


@needs("xgboost")
def test_boosted_trees_have_their_own_run_and_scores_later(workdir: Path) -> None:
    import xgboost

    nbtrack.autolog(log_models=False)
    model = xgboost.XGBClassifier(n_estimators=2).fit(X, TWO)
    x_test = X[:20]
    accuracy_score(TWO[:20], model.predict(x_test))
    found = nbtrack.get_run(nbtrack.last_active_run().info.run_id).data
    assert found.tags["mlflow.autologging"] == "xgboost"
    assert "accuracy_score_x_test" in found.metrics
    make_pipeline(StandardScaler(), xgboost.XGBClassifier(n_estimators=2)).fit(X, TWO)
    found = nbtrack.get_run(nbtrack.last_active_run().info.run_id).data
    assert found.tags["mlflow.autologging"] == "sklearn"
    assert found.metrics["training_accuracy_score"] == found.metrics["training_score"]
    assert len(nbtrack.search_runs(output_format="list")) == 2


def test_epochs_of_skorch_are_curves(on: None) -> None:
    skorch = pytest.importorskip("skorch")
    torch = pytest.importorskip("torch")

    class Net(torch.nn.Module):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.inner = torch.nn.Linear(3, 2)

        def forward(self, x: Any) -> Any:
            return torch.softmax(self.inner(x), 1)

    net = skorch.NeuralNetClassifier(Net, max_epochs=3, verbose=0, train_split=None)
    net.fit(X.astype("float32"), TWO.astype("int64"))
    run = nbtrack.last_active_run()
    assert run is not None
    points = nbtrack.MlflowClient().get_metric_history(run.info.run_id, "train_loss")
    assert [point.step for point in points] == [0, 1, 2]
    assert "training_accuracy_score" in nbtrack.get_run(run.info.run_id).data.metrics
