"""Fits of scikit-learn, logged without a log call; beside what MLflow logs of the same."""

# ruff: noqa: N803, NPY002  as scikit-learn has it
from __future__ import annotations

import copy
import inspect
import json
import pickle
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn import (
    base,
    cluster,
    ensemble,
    linear_model,
    model_selection,
    multiclass,
    naive_bayes,
    neighbors,
    neural_network,
    pipeline,
    preprocessing,
    svm,
)
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, TransformerMixin
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV, cross_val_score

import estimator_trainings
import nbtrack
from estimator_trainings import THREE, TWO, X, Y
from mlflow_autologging import RECORDED, runs_below, seen
from nbtrack.autologging.estimators.answers import Answers, unchanged_generators
from nbtrack.autologging.estimators.classes import is_trained
from nbtrack.errors import InvalidParameterError, NbtrackWarning

MODELS = {"model", "best_estimator"}
MORE = {  # what estimators know anyway, and MLflow leaves in them
    "classifier": {"training_n_iter"},
    "clusters": {"training_inertia", "training_n_iter"},
    "components": {"training_explained_variance_ratio"},
    # MLflow knows no part of what was predicted, such as the column for the positive class
    "scores_later": {"training_n_iter", "roc_auc_score_x_test"},
}


@pytest.fixture
def on(workdir: Path) -> Iterator[None]:
    nbtrack.sklearn.autolog(log_models=False)
    yield
    nbtrack.sklearn.autolog(disable=True)


def runs() -> list[Any]:
    return nbtrack.search_runs(output_format="list", order_by=["attributes.start_time ASC"])


def names() -> list[str]:
    return sorted(run.data.tags["estimator_name"] for run in runs())


def same_names(params: dict[str, str]) -> dict[str, str]:
    """Leave out what the scikit-learn of the record calls otherwise, where it is an older one."""
    if "multi_class" not in LogisticRegression().get_params():
        return params
    changed = {"l1_ratio", "multi_class", "penalty", "transform_input"}
    return {name: value for name, value in params.items() if name.split("__")[-1] not in changed}


@pytest.mark.parametrize("train", estimator_trainings.TRAININGS["sklearn"])
def test_what_mlflow_logs_is_logged(workdir: Path, train: Any) -> None:
    name = train.__name__
    recorded = json.loads((RECORDED / "sklearn.json").read_text())
    theirs = recorded[name]
    nbtrack.sklearn.autolog(log_models=name in ("regressor", "search"))
    with nbtrack.start_run() as run:
        train()
    client = nbtrack.MlflowClient()
    ours = seen(client, run.info.run_id)
    assert same_names(ours["params"]) == same_names(theirs["params"])
    assert ours["tags"] == theirs["tags"]
    assert set(ours["metrics"]) - set(theirs["metrics"]) == MORE.get(name, set())
    for key, points in theirs["metrics"].items():
        assert ours["metrics"][key] == [[0, pytest.approx(points[0][1], rel=1e-4)]], key
    assert set(ours["artifacts"]) - MODELS == set(theirs["artifacts"])
    assert sorted(what for _, what in ours["datasets"]) == [w for _, w in theirs["datasets"]]
    assert "dataset" not in [called for called, _ in ours["datasets"]]  # but what the user says
    if name in ("regressor", "search"):
        assert ours["models"] == theirs["models"]
    below = recorded.get(f"{name}: below", [])
    for our, their in zip(runs_below(client, run.info.run_id), below, strict=True):
        assert {key: our[key] for key in ("params", "tags")} == {
            key: their[key] for key in ("params", "tags")
        }
        assert set(our["metrics"]) == set(their["metrics"])


def test_the_model_is_data_unless_a_pickle_is_asked_for(workdir: Path) -> None:
    frame = pd.DataFrame(X, columns=list("abc"))
    nbtrack.sklearn.autolog(log_input_examples=True, registered_model_name="ridge")
    Ridge().fit(frame, Y)
    nbtrack.sklearn.autolog(serialization_format="cloudpickle", log_model_signatures=False)
    Ridge().fit(frame, Y)
    safe, pickled = (
        nbtrack.models.get_model_info(f"models:/{run.outputs.model_outputs[0].model_id}")
        for run in runs()
    )
    assert safe.flavors["sklearn"]["serialization_format"] == "skops"
    assert safe.signature is not None
    assert [each.name for each in safe.signature.inputs] == ["a", "b", "c"]
    assert safe.saved_input_example_info is not None
    assert nbtrack.MlflowClient().get_model_version("ridge", "1").run_id == runs()[0].info.run_id
    assert pickled.flavors["sklearn"]["serialization_format"] == "cloudpickle"
    assert pickled.signature is None
    assert nbtrack.sklearn.load_model(safe.model_uri).predict(frame).shape == (40,)


ESTIMATORS = [
    ensemble.RandomForestClassifier(4, random_state=0),
    ensemble.GradientBoostingRegressor(n_estimators=3, random_state=np.random.RandomState(3)),
    ensemble.HistGradientBoostingRegressor(max_iter=3),
    ensemble.StackingRegressor([("a", Ridge()), ("b", LinearRegression())], cv=2),
    ensemble.VotingClassifier([("a", naive_bayes.GaussianNB())]),
    ensemble.IsolationForest(n_estimators=3),
    multiclass.OneVsRestClassifier(svm.LinearSVC()),
    neural_network.MLPRegressor(hidden_layer_sizes=3, max_iter=400, tol=1.0),
    cluster.KMeans(2, n_init=1),
    cluster.DBSCAN(),
    linear_model.SGDClassifier(loss="modified_huber"),
    preprocessing.StandardScaler(),
    pipeline.make_pipeline(preprocessing.QuantileTransformer(n_quantiles=10), svm.SVR()),
    model_selection.RandomizedSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, n_iter=1, cv=2),
]


def fitted(estimator: Any) -> tuple[bytes, Any]:
    y = THREE if base.is_classifier(estimator) else Y
    np.random.seed(0)
    model = base.clone(estimator).fit(X, y)
    if hasattr(model, "cv_results_"):  # has times
        model.cv_results_ = model.refit_time_ = None
    return pickle.dumps(model), np.random.random()


def test_what_is_fitted_is_the_same_bit_for_bit(workdir: Path) -> None:
    without = [fitted(estimator) for estimator in ESTIMATORS]
    nbtrack.sklearn.autolog(log_models=False)
    assert [fitted(estimator) for estimator in ESTIMATORS] == without
    assert {run.info.status for run in runs()} == {"FINISHED"}
    assert len(names()) == len(ESTIMATORS)  # none for the scaler, one more for the candidate


def test_random_numbers_are_drawn_once() -> None:
    model = ensemble.RandomForestRegressor(random_state=np.random.RandomState(0))
    own = model.random_state
    for alone in (True, False):
        np.random.seed(0)
        with unchanged_generators(pipeline.make_pipeline(model), alone=alone):
            first = np.random.random(), own.random()
        again = np.random.random(), own.random()
        assert again[1] == first[1]
        assert (again[0] == first[0]) is alone  # another thread would draw the same ones twice


def test_classes_are_as_before_when_it_is_switched_off(workdir: Path) -> None:
    owners = {each for estimator in ESTIMATORS for each in type(estimator).__mro__}
    owners |= {GridSearchCV, BaseEstimator}
    before = {owner: dict(vars(owner)) for owner in owners}
    functions = dict(vars(sklearn.metrics))
    name = cross_val_score
    nbtrack.autolog()
    assert Ridge.score is not before[RegressorMixin]["score"]
    assert cross_val_score is not name
    nbtrack.autolog(disable=True)
    assert {owner: dict(vars(owner)) for owner in owners} == before
    assert dict(vars(sklearn.metrics)) == functions
    assert cross_val_score is name


def test_scikit_learn_sees_its_own_signatures(on: None) -> None:
    assert list(inspect.signature(Ridge.fit).parameters) == ["self", "X", "y", "sample_weight"]
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2)
    assert not hasattr(GridSearchCV(svm.LinearSVC(), {}), "predict_proba")
    with sklearn.config_context(enable_metadata_routing=True):
        inner = Ridge().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
        search.set_params(estimator=inner)

        class Own(Ridge):
            def fit(self, X: Any, y: Any, sample_weight: Any = None, more: Any = None) -> Any:
                return super().fit(X, y, sample_weight)

        assert hasattr(Own, "set_fit_request")
        assert "more" in inspect.signature(Own.set_fit_request).parameters
        search.fit(X, Y, sample_weight=np.arange(40.0))
    assert len(runs()) == 3
    for same in (pickle.loads(pickle.dumps(search)), copy.deepcopy(search), base.clone(search)):
        assert same.get_params(deep=False).keys() == search.get_params(deep=False).keys()
    assert not [name for name in vars(search) if "nbtrack" in name or "mlflow" in name]


def test_estimators_of_the_users_own_are_logged_whenever_they_are_defined(on: None) -> None:
    class Median(RegressorMixin, BaseEstimator):
        def __init__(self, shift: float = 0.0) -> None:
            self.shift = shift

        def fit(self, X: Any, y: Any) -> Any:
            self.median_ = np.median(y)
            return self

        def predict(self, X: Any) -> Any:
            return np.full(len(X), self.median_ + self.shift)

    class Residuals(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            self.model_ = LinearRegression().fit(X[:, :1], y)
            return self

        def transform(self, X: Any) -> Any:
            return X[:, 1:] - self.model_.predict(X[:, :1])[:, None]

    assert Residuals().fit_transform(X, Y).shape == (40, 2)
    assert runs() == []  # data is prepared, and what is fitted for that is no training
    pipeline.make_pipeline(Residuals(), Median(1.0)).fit(X, Y)
    (run,) = runs()
    assert run.data.params["median__shift"] == "1.0"
    assert "training_r2_score" in run.data.metrics


def test_what_prepares_data_has_no_run(on: None) -> None:
    from sklearn.experimental import enable_iterative_imputer  # noqa: F401
    from sklearn.feature_selection import SelectFromModel
    from sklearn.impute import IterativeImputer

    IterativeImputer(max_iter=1).fit(X)
    SelectFromModel(Ridge()).fit(X, Y)
    pipeline.make_pipeline(preprocessing.StandardScaler(), "passthrough").fit(X)
    assert runs() == []
    pipeline.make_pipeline(SelectFromModel(Ridge()), LinearRegression()).fit(X, Y)
    assert names() == ["Pipeline"]


def test_estimators_with_an_integration_of_their_own_are_left_to_it() -> None:
    other = type("XGBRegressor", (RegressorMixin, BaseEstimator), {"__module__": "xgboost.sklearn"})
    assert not is_trained(other())
    assert not is_trained(type("Mine", (other,), {})())
    assert is_trained(pipeline.make_pipeline(preprocessing.StandardScaler(), Ridge()))


class Averaged(RegressorMixin, BaseEstimator):
    """An estimator of the user's that fits others in threads."""

    def fit(self, X: Any, y: Any) -> Any:
        tasks = (joblib.delayed(Ridge(alpha).fit)(X, y) for alpha in (1.0, 2.0, 3.0))
        self.models_ = joblib.Parallel(2, backend="threading")(tasks)
        return self

    def predict(self, X: Any) -> Any:
        return np.mean([model.predict(X) for model in self.models_], axis=0)


def test_fits_inside_of_a_fit_are_not_logged_in_threads_either(on: None) -> None:
    with joblib.parallel_config("threading"):
        ensemble.BaggingRegressor(Ridge(), n_estimators=4, n_jobs=2).fit(X, Y)
        GridSearchCV(Ridge(), {"alpha": [1.0, 2.0]}, cv=2, n_jobs=2).fit(X, Y)
        cross_val_score(Ridge(), X, Y, cv=2, n_jobs=2)
    Averaged().fit(X, Y)
    assert names() == sorted(
        ["BaggingRegressor", "GridSearchCV", "Ridge", "Ridge", "Ridge", "Averaged"]
    )


def test_fits_that_the_user_starts_at_the_same_time_are_all_logged(on: None) -> None:
    """MLflow takes them for one inside of another: two of three runs are empty."""
    models = [Ridge(alpha) for alpha in (1.0, 2.0, 3.0)]
    threads = [threading.Thread(target=model.fit, args=(X, Y)) for model in models]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    joblib.Parallel(2, backend="threading")(joblib.delayed(model.fit)(X, Y) for model in models)
    assert sorted(run.data.params["alpha"] for run in runs()) == sorted(["1.0", "2.0", "3.0"] * 2)
    assert all("training_score" in run.data.metrics for run in runs())


held_before = model_selection.cross_val_score


class Elsewhere:
    """Has the function where no name of it can be found."""

    validate = (model_selection.cross_validate, model_selection.cross_val_predict)


def test_a_cross_validation_is_one_run(on: None) -> None:
    """In MLflow it is one per fold, or none, as the imports are ordered."""
    scores = held_before(Ridge(), X, Y, cv=4)
    (run,) = runs()
    assert run.data.params["alpha"] == "1.0"
    assert run.data.params["cv"] == "4"
    assert run.data.metrics["mean_test_score"] == pytest.approx(scores.mean())
    points = nbtrack.MlflowClient().get_metric_history(run.info.run_id, "split_test_score")
    assert [point.value for point in points] == pytest.approx(list(scores))
    for function in Elsewhere.validate:
        function(Ridge(), X, Y, cv=2)
    assert len(runs()) == 1


def test_the_fit_after_a_cross_validation_belongs_to_it(on: None) -> None:
    with nbtrack.start_run() as run:
        cross_val_score(Ridge(3.0), X, Y, cv=2)
        Ridge(3.0).fit(X, Y)
        Ridge(4.0).fit(X, Y)
    first, second = runs()
    assert {"mean_test_score", "training_score"} <= set(first.data.metrics)
    assert second.data.params["alpha"] == "4.0"
    assert second.data.tags["mlflow.parentRunId"] == run.info.run_id


@pytest.mark.parametrize(("most", "expected"), [(0, []), (2, ["3.0", "2.0"]), (None, None)])
def test_the_best_candidates_of_a_search_have_a_run(
    workdir: Path, most: int | None, expected: list[str] | None
) -> None:
    nbtrack.sklearn.autolog(log_models=False, max_tuning_runs=most, extra_tags={"team": "a"})
    scoring = {"r2": "r2", "error": lambda model, X, y: model.alpha}
    search = GridSearchCV(Ridge(), {"alpha": [1.0, 2.0, 3.0]}, scoring=scoring, refit="error", cv=2)
    search.fit(X, Y)
    below = [run for run in runs() if "mlflow.parentRunId" in run.data.tags]
    found = {run.data.metrics["rank_test_error"]: run.data.params["alpha"] for run in below}
    assert [found[rank] for rank in sorted(found)] == (
        ["3.0", "2.0", "1.0"] if expected is None else expected
    )
    assert all(run.data.tags["team"] == "a" and run.info.end_time for run in below)


def test_what_cannot_be_done_is_refused_at_once() -> None:
    with pytest.raises(InvalidParameterError, match="non-negative, instead got -1"):
        nbtrack.sklearn.autolog(max_tuning_runs=-1)
    with pytest.raises(InvalidParameterError, match="'json' is none of 'skops', 'source'"):
        nbtrack.sklearn.autolog(serialization_format="json")


def test_a_fit_that_fails_has_its_params(on: None) -> None:
    with pytest.raises(ValueError, match="inconsistent"):
        Ridge(7.0).fit(X, Y[:3])
    (run,) = runs()
    assert run.info.status == "FAILED"
    assert run.data.params["alpha"] == "7.0"


def test_data_that_is_changed_by_the_fit_is_scored_as_it_was(on: None) -> None:
    class AddsColumn(TransformerMixin, BaseEstimator):
        def fit(self, X: Any, y: Any = None) -> Any:
            return self

        def transform(self, X: Any) -> Any:
            X["sum"] = X.pop("a") + X.pop("b")
            return X

    frame = pd.DataFrame(X, columns=list("abc"))
    pipeline.make_pipeline(AddsColumn(), Ridge()).fit(frame, Y)
    assert list(frame.columns) == ["c", "sum"]  # as without us: once
    shifted = X + 100.0
    expected = LinearRegression().fit(shifted, Y).score(shifted, Y)
    LinearRegression(copy_X=False).fit(shifted.copy(), Y)
    scores = [run.data.metrics["training_score"] for run in runs()]
    assert scores[-1] == pytest.approx(expected)
    assert len(scores) == 3


class Counting(ensemble.RandomForestClassifier):
    asked = 0

    def predict_proba(self, X: Any) -> Any:
        type(self).asked += 1
        return super().predict_proba(X)


def test_large_sparse_data_has_the_digest_of_its_values(workdir: Path) -> None:
    sparse = pytest.importorskip("scipy.sparse")
    from nbtrack.autologging.estimators.data import described

    x = sparse.csr_matrix(([1.0, 2.0], ([0, 2], [5, 7])), shape=(20, 1_000_000))
    other = x.copy()
    other.data[0] = 3.0
    digests = [described(each, [0, 1] * 10, "X").digest for each in (x, x.tocsc(), other)]
    assert digests[0] == digests[1] != digests[2]
    assert described(x).digest != digests[0]


def test_a_forest_predicts_its_training_data_once(on: None) -> None:
    """MLflow asks six times, for scores and for each figure."""
    Counting(3).fit(X, TWO)
    assert Counting.asked == 1
    assert "training_log_loss" in runs()[0].data.metrics


def test_predictions_that_take_too_long_are_left_out(
    on: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Answers, "seconds", lambda self: 99.0)
    with pytest.warns(NbtrackWarning, match=r"KNeighborsClassifier are left out.* about 99 s"):
        neighbors.KNeighborsClassifier(1).fit(X, TWO)
    (run,) = runs()
    assert run.data.metrics == {}
    assert run.data.params["n_neighbors"] == "1"


class Broken(ClassifierMixin, BaseEstimator):
    def fit(self, X: Any, y: Any) -> Any:
        self.classes_ = np.unique(y)
        return self

    def predict(self, X: Any) -> Any:
        raise RuntimeError("no answer")


def test_scores_that_fail_are_said_and_the_fit_is_done(on: None) -> None:
    with pytest.warns(NbtrackWarning) as said:
        assert Broken().fit(X, TWO).classes_.tolist() == [0, 1]
    assert all("no answer" in str(each.message) for each in said)
    assert runs()[0].info.status == "FINISHED"


def test_labels_are_of_any_kind(on: None) -> None:
    words = pd.Series(np.where(TWO, "yes", "no"), dtype="category")
    frame = pd.DataFrame(X, columns=list("abc"))
    nbtrack.sklearn.autolog(log_models=False, pos_label="no")
    model = LogisticRegression().fit(frame, words)
    nbtrack.sklearn.autolog(log_models=False)
    neighbors.KNeighborsClassifier().fit(X, np.column_stack([TWO, 1 - TWO]))
    Ridge().fit(frame, pd.DataFrame({"one": Y, "two": Y}))
    first, many, two = (run.data.metrics for run in runs())
    right = model.predict(frame) == "no"
    precision = np.mean(words[right] == "no")
    assert first["training_precision_score"] == pytest.approx(precision)
    assert "training_f1_score" in many
    assert "training_r2_score" in two
