"""XGBoost and LightGBM log what they train by themselves, and train as they do without it."""

from __future__ import annotations

import json
import pickle
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import nbtrack
import tree_trainings
from mlflow_autologging import RECORDED, seen
from nbtrack.errors import NbtrackWarning
from nbtrack.tracking import run as tracked
from programs import needs

pytestmark = [
    needs("catboost", "lightgbm", "xgboost"),
    pytest.mark.filterwarnings("ignore:.*X does not have valid feature names"),
]
RECORDED_TRAININGS = [
    tree_trainings.xgboost_train,
    tree_trainings.xgboost_fit,
    tree_trainings.lightgbm_train,
    tree_trainings.lightgbm_fit,
]
TRAININGS = [*RECORDED_TRAININGS, tree_trainings.catboost_fit]  # MLflow logs nothing of CatBoost
BEST = {"best_iteration", "best_score", "stopped_iteration"}
# what only shows how the library was called, or which default it has not been told
JUNK = {"custom_metric", "keep_training_booster", "maximize", "verbose_eval"}


def library_of(train: Callable[..., Any]) -> str:
    return train.__name__.partition("_")[0]


def runs() -> list[Any]:
    return nbtrack.search_runs(output_format="list", order_by=["attributes.start_time ASC"])


def logged(train: Callable[..., Any], **options: Any) -> Any:
    getattr(nbtrack, library_of(train)).autolog(log_models=False)
    train(**options)
    return runs()[-1]


def points(run: Any, key: str) -> list[tuple[int, float]]:
    found = nbtrack.MlflowClient().get_metric_history(run.info.run_id, key)
    return [(each.step, each.value) for each in found]


@pytest.mark.parametrize("train", RECORDED_TRAININGS)
def test_it_logs_what_mlflow_logs(workdir: Path, train: Any) -> None:
    library = library_of(train)
    recorded = json.loads((RECORDED / f"{library}.json").read_text())[train.__name__]
    keeps = train.__name__.endswith("train")  # to save an estimator, skops imports all of sklearn
    getattr(nbtrack, library).autolog(log_models=keeps)
    with nbtrack.start_run() as run:
        train()
    ours = seen(nbtrack.MlflowClient(), run.info.run_id)
    assert recorded["models"] == 1
    assert ours["models"] == int(keeps)
    assert set(ours["artifacts"]) - {"model"} == set(recorded["artifacts"])
    assert ours["datasets"][0] == recorded["datasets"][0] == ["dataset", "train"]
    assert len(ours["datasets"]) == 2  # MLflow misses that of LightGBM's estimators
    curves = {key: found for key, found in recorded["metrics"].items() if key not in BEST}
    for key, found in curves.items():
        assert ours["metrics"][key] == found[:4]  # MLflow repeats the best round after the last
    assert set(ours["metrics"]) - set(curves) in (set(), BEST)
    assert {key: ours["metrics"][key][0][1] for key in BEST & set(recorded["metrics"])} == {
        key: recorded["metrics"][key][0][1] for key in BEST & set(recorded["metrics"])
    }


@pytest.mark.parametrize("train", RECORDED_TRAININGS)
def test_params_are_those_of_mlflow_that_say_something(workdir: Path, train: Any) -> None:
    library = library_of(train)
    recorded = json.loads((RECORDED / f"{library}.json").read_text())[train.__name__]["params"]
    said = {key: value for key, value in recorded.items() if value != "None" and key not in JUNK}
    if train is tree_trainings.lightgbm_fit:
        said.pop("num_threads")  # the estimator's own name is n_jobs
    ours = logged(train).data.params
    assert said.items() <= ours.items()
    assert not {key for key, value in ours.items() if value in ("None", "nan")}
    if train.__name__.endswith("fit"):
        assert ours["n_estimators"] == ours["num_boost_round"] == "4"


@pytest.mark.parametrize("train", TRAININGS)
def test_what_is_trained_is_the_same_with_and_without(workdir: Path, train: Any) -> None:
    before = train()
    getattr(nbtrack, library_of(train)).autolog(log_models=False)
    after = train()
    assert content(after) == content(before)
    if hasattr(before, "get_params"):
        assert str(after.get_params()) == str(before.get_params())
        assert vars(after).keys() == vars(before).keys()
    assert b"nbtrack" not in pickle.dumps(after)


def content(model: Any) -> Any:
    booster = model.get_booster() if hasattr(model, "get_booster") else model
    if hasattr(booster, "get_leaf_values"):
        return booster.get_leaf_values().tolist(), json.loads(booster.get_metadata()["params"])
    if hasattr(booster, "save_raw"):
        return booster.save_raw(), booster.attributes()
    return getattr(booster, "booster_", booster).model_to_string()


@pytest.mark.parametrize("train", RECORDED_TRAININGS)
def test_the_curves_grow_while_it_trains(
    workdir: Path, train: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """MLflow writes them when it is done."""
    told = []
    record = type(nbtrack.start_run().writer).log_metrics
    nbtrack.end_run()

    def told_of(writer: Any, metrics: Any, step: Any = None, *args: Any) -> None:
        told.append(step)
        record(writer, metrics, step, *args)
        if step == 1:
            raise KeyboardInterrupt

    monkeypatch.setattr(tracked.RunWriter, "log_metrics", told_of)
    with pytest.raises(KeyboardInterrupt):
        logged(train)
    assert told == [0, 1]
    assert runs()[-1].info.status == "KILLED"


def test_early_stopping_of_xgboost_adds_no_point_of_its_own(workdir: Path) -> None:
    run = logged(tree_trainings.xgboost_train, early_stopping_rounds=2)
    assert [step for step, _ in points(run, "train-logloss")] == [0, 1, 2, 3]
    assert points(run, "stopped_iteration") == [(3, 3.0)]
    assert points(run, "best_iteration") == [(3, 3.0)]
    assert points(run, "best_score") == [points(run, "train-logloss")[3]]


def test_callbacks_of_the_users_stay_and_stop_no_round_of_ours(workdir: Path) -> None:
    from xgboost.callback import EarlyStopping, TrainingCallback

    class Stop(TrainingCallback):
        def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
            return epoch == 1

    callbacks = [EarlyStopping(rounds=2), Stop()]
    run = logged(tree_trainings.xgboost_train, callbacks=callbacks)
    assert len(callbacks) == 2
    assert [step for step, _ in points(run, "train-logloss")] == [0, 1]
    assert run.data.metrics["best_iteration"] == 1.0


def test_callbacks_of_lightgbm_stay_and_stop_no_round_of_ours(workdir: Path) -> None:
    import lightgbm

    def stop(env: Any) -> None:
        if env.iteration == 1:
            raise lightgbm.callback.EarlyStopException(0, env.evaluation_result_list)

    callbacks = [stop]
    run = logged(tree_trainings.lightgbm_train, callbacks=callbacks)
    assert callbacks == [stop]
    assert stop.__dict__ == {"order": -1}  # which LightGBM itself sets
    assert [step for step, _ in points(run, "train-binary_logloss")] == [0, 1]
    assert run.data.metrics["stopped_iteration"] == 2.0


def test_cross_validation_has_a_curve_of_mean_and_deviation(workdir: Path) -> None:
    """MLflow logs nothing of it."""
    import lightgbm
    import xgboost

    features, target = tree_trainings.data()
    nbtrack.autolog(log_models=False)
    matrix = xgboost.DMatrix(features, label=target)
    found = xgboost.cv({"objective": "binary:logistic"}, matrix, 3, nfold=2, seed=1)
    params = {"objective": "binary", "verbose": -1, "num_threads": 1}
    kept = lightgbm.cv(params, lightgbm.Dataset(features, label=target), 3, nfold=2)
    first, second = runs()
    assert points(first, "test-logloss-std") == list(enumerate(found["test-logloss-std"]))
    assert first.data.params["nfold"] == "2"
    expected = list(enumerate(kept["valid binary_logloss-mean"]))
    assert points(second, "valid-binary_logloss-mean") == expected
    assert points(second, "valid-binary_logloss-stdv")[0][1] == kept["valid binary_logloss-stdv"][0]


def test_the_model_comes_back_with_its_signature_and_its_last_metrics(workdir: Path) -> None:
    nbtrack.xgboost.autolog(
        log_input_examples=True,
        importance_types=["gain", "cover"],
        model_format="json",
        registered_model_name="trees",
    )
    booster = tree_trainings.xgboost_train()
    (model,) = nbtrack.search_logged_models(output_format="list")
    info = nbtrack.models.get_model_info(model.model_uri)
    assert info.signature.inputs.input_names() == ["a", "b", "c"]
    assert info.flavors["xgboost"]["data"] == "model.json"
    (run,) = runs()
    assert {each.key: each.value for each in model.metrics} == run.data.metrics
    loaded = nbtrack.pyfunc.load_model("models:/trees/1")
    features, _ = tree_trainings.data()
    expected = booster.inplace_predict(features)
    assert loaded.predict(features) == pytest.approx(expected)
    assert nbtrack.models.Model.load(model.model_uri).load_input_example().shape == (5, 3)
    names = [each.path for each in nbtrack.MlflowClient().list_artifacts(run.info.run_id)]
    assert "feature_importance_cover.png" in names
    assert "feature_importance_weight.json" not in names


def test_a_function_that_was_imported_by_name_is_logged_and_two_fits_have_a_run_each(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import xgboost

    script = sys.modules["__main__"]
    monkeypatch.setattr(script, "own_train", xgboost.train, raising=False)
    nbtrack.autolog(log_models=False)
    features, target = tree_trainings.data()
    matrix = xgboost.DMatrix(features, label=target)
    with nbtrack.start_run():
        for depth in (1, 2):
            script.own_train({"max_depth": depth}, matrix, 1)
    assert [run.data.params["max_depth"] for run in runs()] == ["1", "2"]
    assert runs()[1].data.tags["mlflow.parentRunId"] == runs()[0].info.run_id


def test_fits_in_threads_keep_their_curves_apart(workdir: Path) -> None:
    import lightgbm

    nbtrack.autolog(log_models=False, log_datasets=False)
    features, target = tree_trainings.data()

    def fit(rounds: int) -> None:
        model = lightgbm.LGBMClassifier(n_estimators=rounds, verbose=-1, n_jobs=1)
        model.fit(features, target, eval_X=features, eval_y=target)

    threads = [threading.Thread(target=fit, args=(rounds,)) for rounds in (2, 3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    found = {
        run.data.params["n_estimators"]: len(points(run, "valid_0-binary_logloss"))
        for run in runs()
    }
    assert found == {"2": 2, "3": 3}


def test_a_matrix_is_described_by_what_is_known_of_it(workdir: Path) -> None:
    import numpy as np
    import pandas as pd
    import xgboost

    frame = pd.DataFrame({"n": range(8), "kind": pd.Categorical(list("xy") * 4)})
    nbtrack.xgboost.autolog()
    for data in (frame, frame.iloc[::-1], np.eye(8)):
        matrix = xgboost.QuantileDMatrix(data, label=[0, 1] * 4, enable_categorical=True)
        xgboost.train({"objective": "binary:logistic"}, matrix, 1)
    first, _, third = (run.inputs.dataset_inputs[0].dataset for run in runs())
    columns = {each["name"]: each["type"] for each in json.loads(first.schema)["mlflow_colspec"]}
    assert columns == {"n": "long", "kind": "string"}
    assert json.loads(third.profile) == {"num_rows": 8, "num_elements": 64}
    assert len(nbtrack.search_logged_models(output_format="list")) == 3  # without signature


def test_a_call_that_is_wrong_has_the_error_of_the_library_and_no_run(workdir: Path) -> None:
    import xgboost

    nbtrack.autolog()
    with pytest.raises(TypeError, match="unexpected keyword argument 'rounds'"):
        xgboost.train({}, None, rounds=3)
    assert runs() == []


def test_an_error_of_ours_costs_the_training_nothing(
    workdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("nbtrack.autologging.importance.drawn", lambda *_: 1 / 0)
    with pytest.warns(NbtrackWarning, match="importance of features.*division by zero"):
        run = logged(tree_trainings.xgboost_fit)
    assert run.info.status == "FINISHED"
    assert len(points(run, "validation_0-logloss")) == 4


@pytest.mark.filterwarnings("ignore:`XGBRFClassifier` is deprecated")
def test_what_an_estimator_chooses_for_the_classes_is_what_is_logged(workdir: Path) -> None:
    import lightgbm
    import xgboost

    nbtrack.autolog(log_models=False, log_datasets=False)
    features, _ = tree_trainings.data()
    target = [0, 1, 2] * 20
    xgboost.XGBRFClassifier(n_estimators=2, max_depth=1).fit(features, target)
    lightgbm.LGBMClassifier(n_estimators=1, verbose=-1, n_jobs=1).fit(features, target)
    first, second = (run.data.params for run in runs())
    assert (first["objective"], first["n_estimators"]) == ("multi:softprob", "2")
    assert first["num_boost_round"] == "1"  # of a forest that is grown at once
    assert (second["objective"], second["num_class"]) == ("multiclass", "3")


def test_catboost_logs_its_rounds_and_what_it_chooses(workdir: Path) -> None:
    import catboost

    class Stop:
        def after_iteration(self, info: Any) -> bool:
            shown = nbtrack.active_run().data.metrics["learn-Logloss"]
            assert shown == info.metrics["learn"]["Logloss"][-1]  # it is there at once
            return info.iteration < 3

    callbacks = [Stop()]
    run = logged(tree_trainings.catboost_fit, callbacks=callbacks)
    assert len(callbacks) == 1
    assert [step for step, _ in points(run, "validation-Logloss")] == [0, 1, 2]
    assert run.data.params["depth"] == "2"
    assert float(run.data.params["learning_rate"]) > 0
    assert run.data.metrics["best_iteration"] == run.data.metrics["stopped_iteration"] == 2
    assert run.data.metrics["best_score"] == run.data.metrics["validation-Logloss"]
    assert [each.tags[0].value for each in run.inputs.dataset_inputs] == ["train", "eval"]
    files = [each.path for each in nbtrack.MlflowClient().list_artifacts(run.info.run_id)]
    assert files == [
        f"feature_importance_prediction_values_change.{end}" for end in ("json", "png")
    ]
    pool = catboost.Pool(*tree_trainings.data())
    quiet = {"logging_level": "Silent", "allow_writing_files": False}
    params = {"iterations": 2, "loss_function": "Logloss", **quiet}
    found = catboost.cv(pool, params, fold_count=2)
    expected = list(enumerate(found["test-Logloss-std"]))
    assert points(runs()[-1], "test-Logloss-std") == expected


def test_a_model_of_catboost_comes_back(workdir: Path) -> None:
    nbtrack.catboost.autolog(log_input_examples=True)
    model = tree_trainings.catboost_fit()
    (kept,) = nbtrack.search_logged_models(output_format="list")
    assert {each.key for each in kept.metrics} >= {"validation-Logloss", "best_score"}
    features, _ = tree_trainings.data()
    loaded = nbtrack.catboost.load_model(kept.model_uri)
    assert (loaded.predict_proba(features) == model.predict_proba(features)).all()


@pytest.mark.parametrize("kind", ["RandomState", "default_rng"])
def test_random_numbers_are_drawn_as_without_it(workdir: Path, kind: str) -> None:
    """``get_params`` of XGBoost draws from the generator that an estimator is given."""
    import numpy as np
    import xgboost

    features, target = tree_trainings.data()

    def fitted() -> list[bytearray]:
        numbers = getattr(np.random, kind)(3)
        model = xgboost.XGBRegressor(n_estimators=2, subsample=0.5, random_state=numbers)
        fits = (model.fit(features, target) for _ in range(2))
        return [each.get_booster().save_raw() for each in fits]

    before = fitted()
    nbtrack.xgboost.autolog()
    assert fitted() == before
