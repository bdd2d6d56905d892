"""Studies of Optuna are runs, and their trials runs below them."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import nbtrack
from nbtrack.autologging.training import muted

optuna = pytest.importorskip("optuna")


@pytest.fixture(autouse=True)
def _quiet(workdir: Path) -> Iterator[None]:
    optuna.logging.set_verbosity(optuna.logging.CRITICAL)
    nbtrack.optuna.autolog()
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


def study(**options: Any) -> Any:
    return optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0), **options)


def runs() -> list[Any]:
    return nbtrack.search_runs(output_format="list", order_by=["attributes.start_time ASC"])


def trials() -> list[Any]:
    found = [run for run in runs() if "mlflow.parentRunId" in run.data.tags]
    return sorted(found, key=lambda run: int(run.data.tags["number"]))


def points(run: Any, key: str) -> list[tuple[int, float]]:
    found = nbtrack.MlflowClient().get_metric_history(run.info.run_id, key)
    return [(each.step, each.value) for each in found]


def plain(trial: Any) -> float:
    return float(trial.suggest_float("x", 1e-3, 1, log=True))


def objective(trial: Any) -> float:
    x = trial.suggest_float("x", 1e-3, 1, log=True)
    kind = trial.suggest_categorical("kind", ["a", None])
    trial.set_user_attr("note", f"kind {kind}")
    nbtrack.log_metric("seen", x)
    return x * trial.suggest_int("n", 1, 3)


def test_a_study_is_a_run_with_its_trials_below() -> None:
    own = study(direction="maximize", study_name="own")
    own.optimize(objective, n_trials=3)
    parent, *_ = runs()
    assert parent.info.status == "FINISHED"
    assert (
        parent.data.params.items()
        >= {
            "direction": "maximize",
            "sampler": "RandomSampler",
            "study_name": "own",
            "n_trials": "3",
            "best_trial": str(own.best_trial.number),
            "best_x": str(own.best_params["x"]),
        }.items()
    )
    assert points(parent, "value") == [(each.number, each.value) for each in own.trials]
    assert parent.data.metrics["best_value"] == own.best_value
    for run, trial in zip(trials(), own.trials, strict=True):
        assert run.info.run_name == f"trial {trial.number}"
        assert run.data.params == {name: str(value) for name, value in trial.params.items()}
        assert run.data.metrics == {"seen": trial.params["x"], "value": trial.value}
        assert run.data.tags["note"] == trial.user_attrs["note"]
        assert run.data.tags["x_distribution"].startswith("FloatDistribution(high=1.0, log=True")
        assert run.data.tags["state"] == "COMPLETE"
        assert run.info.status == "FINISHED"


def test_the_study_is_the_same_with_and_without() -> None:
    with_runs, without = study(), study()
    with_runs.optimize(objective, n_trials=3)
    nbtrack.autolog(disable=True)
    without.optimize(lambda trial: objective(trial), n_trials=3)
    assert [each.params for each in with_runs.trials] == [each.params for each in without.trials]
    assert with_runs.trials[0].system_attrs == without.trials[0].system_attrs == {}
    nbtrack.end_run()


@pytest.mark.filterwarnings("ignore:The reported value is ignored")
def test_what_goes_on_in_a_trial_is_seen_while_it_goes_on() -> None:
    def reports(trial: Any) -> float:
        trial.suggest_int("n", 2, 2)
        assert nbtrack.active_run().data.params == {"n": "2"}
        for step in range(3):
            trial.report(step / 10, step)
            assert nbtrack.active_run().data.metrics["intermediate_value"] == step / 10
            trial.report(9, step)  # Optuna keeps the first
        return 1.0

    study().optimize(reports, n_trials=1)
    assert points(trials()[0], "intermediate_value") == [(0, 0.0), (1, 0.1), (2, 0.2)]


def test_trials_end_as_they_went() -> None:
    def ends(trial: Any) -> float:
        trial.suggest_int("n", 0, 9)
        if trial.number == 0:
            trial.report(5.0, 3)
            raise optuna.TrialPruned
        if trial.number == 1:
            raise ValueError("too deep")
        return float("nan") if trial.number == 2 else 1.0

    study().optimize(ends, n_trials=4, catch=(ValueError,))
    pruned, failed, nan, complete = trials()
    assert [run.data.tags["state"] for run in trials()] == ["PRUNED", "FAIL", "FAIL", "COMPLETE"]
    status = [run.info.status for run in trials()]
    assert status == ["KILLED", "FAILED", "FAILED", "FINISHED"]
    assert pruned.data.metrics == {"intermediate_value": 5.0}  # which is no value to compare
    assert "too deep" in nbtrack.artifacts.load_text(f"runs:/{failed.info.run_id}/traceback.txt")
    assert all("n" in run.data.params for run in trials())
    assert complete.data.metrics == {"value": 1.0}
    assert nan.data.metrics == {}
    assert runs()[0].data.params["best_trial"] == "3"


@pytest.mark.parametrize(
    ("error", "status"), [(KeyboardInterrupt, "KILLED"), (RuntimeError, "FAILED")]
)
def test_a_study_that_is_interrupted_has_what_was_found(error: Any, status: str) -> None:
    def interrupted(trial: Any) -> float:
        if trial.number == 2:
            raise error
        return float(trial.number)

    with pytest.raises(error):
        study().optimize(interrupted, n_trials=9)
    parent, *_ = runs()
    assert parent.info.status == status
    assert parent.data.params["best_trial"] == "0"
    assert [run.info.status for run in trials()] == ["FINISHED", "FINISHED", status]
    assert nbtrack.active_run() is None


def test_trials_at_the_same_time_have_a_run_each() -> None:
    both = threading.Barrier(2, timeout=30)

    def meets(trial: Any) -> float:
        both.wait()
        x = trial.suggest_float("x", 0, 1)
        nbtrack.log_metric("own", trial.number)
        both.wait()
        return x

    with nbtrack.start_run() as run:
        own = study()
        own.optimize(meets, n_trials=4, n_jobs=2)
        assert not run.ended
    assert len(runs()) == 5
    for found, trial in zip(trials(), own.trials, strict=True):
        assert found.data.tags["mlflow.parentRunId"] == run.info.run_id
        assert found.data.metrics == {"own": trial.number, "value": trial.value}
    assert len(points(run, "best_value")) == 4


@pytest.mark.filterwarnings("ignore:.*set_metric_names is experimental")
def test_several_objectives() -> None:
    own = study(directions=["minimize", "maximize"])
    own.set_metric_names(["loss", "accuracy"])
    own.optimize(lambda trial: (trial.suggest_float("x", 0, 1), trial.number / 2), n_trials=2)
    parent, *_ = runs()
    assert parent.data.params["directions"] == "['minimize', 'maximize']"
    assert trials()[1].data.metrics == {"loss": own.trials[1].values[0], "accuracy": 0.5}
    found = json.loads(nbtrack.artifacts.load_text(f"runs:/{parent.info.run_id}/best_trials.json"))
    assert [each["number"] for each in found] == [each.number for each in own.best_trials]


def test_what_the_objective_trains_is_logged_to_the_run_of_its_trial() -> None:
    import xgboost

    import tree_trainings

    features, target = tree_trainings.data()
    matrix = xgboost.DMatrix(features, label=target)
    nbtrack.autolog(log_models=False, log_datasets=False)

    def trains(trial: Any) -> float:
        params = {"eta": trial.suggest_float("eta", 0.1, 1), "objective": "binary:logistic"}
        found: dict[str, Any] = {}
        evals = {"evals": [(matrix, "train")], "evals_result": found, "verbose_eval": False}
        xgboost.train(params, matrix, 2, **evals)
        return float(found["train"]["logloss"][-1])

    study().optimize(trains, n_trials=2)
    assert len(runs()) == 3
    for run in trials():
        assert run.data.params["num_boost_round"] == "2"
        assert run.data.metrics["train-logloss"] == run.data.metrics["value"]


def test_trials_that_are_asked_for_are_left_alone_and_so_is_a_muted_study() -> None:
    own = study()
    trial = own.ask()
    own.tell(trial, plain(trial))
    with muted():
        own.optimize(plain, n_trials=1)
    assert runs() == []


def test_a_callback_logs_trials_below_the_open_run_without_autologging() -> None:
    nbtrack.autolog(disable=True)
    callback = nbtrack.optuna.NbtrackCallback("loss", tag_study_user_attrs=True)
    own = study()
    own.set_user_attr("team", "trees")
    with nbtrack.start_run() as parent:
        own.optimize(plain, n_trials=2, callbacks=[callback])
        own.optimize(callback.track(objective), n_trials=2, n_jobs=2, callbacks=[callback])
    assert len(runs()) == 5
    assert [run.data.metrics["loss"] for run in trials()] == [each.value for each in own.trials]
    assert [run.info.status for run in trials()] == ["FINISHED"] * 4
    assert trials()[3].data.metrics["seen"] == own.trials[3].params["x"]
    assert trials()[0].data.tags["team"] == "trees"
    started = int(own.trials[0].datetime_start.timestamp() * 1000)
    assert trials()[0].info.start_time == started
    found = nbtrack.get_run(parent.info.run_id).data
    assert found.metrics["best_value"] == own.best_value
    assert found.tags["best_x"] == str(own.best_params["x"])


def test_a_callback_has_no_need_of_a_run_and_is_not_doubled_by_autologging() -> None:
    callback = nbtrack.optuna.NbtrackCallback()
    study().optimize(callback.track(objective), n_trials=2, callbacks=[callback])
    assert [run.data.tags["number"] for run in runs()] == ["0", "1"]
    assert trials() == []
    assert {*runs()[0].data.metrics} == {"seen", "value"}


def test_a_second_call_of_a_study_in_a_run_has_a_run_of_its_own() -> None:
    own = study(study_name="twice")
    with nbtrack.start_run() as run:
        for _ in range(2):
            own.optimize(plain, n_trials=1)
    first, second = (each for each in runs() if "study_name" in each.data.params)
    assert first.info.run_id == run.info.run_id
    assert second.data.tags["mlflow.parentRunId"] == run.info.run_id
    assert second.info.run_name == "twice"
