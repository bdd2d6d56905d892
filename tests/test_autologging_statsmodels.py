"""What ``fit`` of a model of statsmodels gives is logged, and the fits within are not."""

from __future__ import annotations

import json
import pickle
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
import tree_trainings
from mlflow_autologging import RECORDED, seen
from programs import needs

pytestmark = needs("statsmodels")


@pytest.fixture
def api(workdir: Path) -> Any:
    import statsmodels.api

    nbtrack.statsmodels.autolog(log_models=False)
    return statsmodels.api


def runs() -> list[Any]:
    return nbtrack.search_runs(output_format="list", order_by=["attributes.start_time ASC"])


def summary() -> str:
    uri = f"runs:/{runs()[-1].info.run_id}/model_summary.txt"
    return nbtrack.artifacts.load_text(uri)


def test_it_logs_what_mlflow_logs(workdir: Path) -> None:
    recorded = json.loads((RECORDED / "statsmodels.json").read_text())["statsmodels_fit"]
    nbtrack.statsmodels.autolog()
    with nbtrack.start_run() as run:
        tree_trainings.statsmodels_fit()
    ours = seen(nbtrack.MlflowClient(), run.info.run_id)
    assert recorded["metrics"].items() <= ours["metrics"].items()
    assert set(ours["metrics"]) - set(recorded["metrics"]) == {"nobs"}
    assert ours["artifacts"] == ["model", *recorded["artifacts"]]
    # the rest of MLflow's says nothing: None twice, and <class 'inspect._empty'>
    assert ours["params"] == {"cov_type": "nonrobust", "method": "pinv"}
    assert ours["datasets"] == [["dataset", "train"]]  # MLflow has none
    assert ours["models"] == 1


def test_results_are_the_same_and_come_back_with_their_signature(workdir: Path) -> None:
    before = tree_trainings.statsmodels_fit()
    nbtrack.statsmodels.autolog()
    after = tree_trainings.statsmodels_fit()
    assert after.params.equals(before.params)
    assert b"nbtrack" not in pickle.dumps(after)
    (model,) = nbtrack.search_logged_models(output_format="list")
    features, _ = tree_trainings.data()
    loaded = nbtrack.pyfunc.load_model(model.model_uri)
    assert loaded.metadata.get_input_schema().input_names() == ["a", "b", "c"]
    assert loaded.predict(features).equals(before.predict(features))


def test_a_discrete_model(api: Any) -> None:
    features, target = tree_trainings.data()
    noisy = target.where(np.arange(60) % 4 > 0, 1 - target)
    api.Logit(noisy, features).fit(method="bfgs", disp=0)
    (run,) = runs()
    assert run.data.params == {"maxiter": "35", "method": "bfgs"}
    assert 0 < run.data.metrics["prsquared"] < 1
    assert "Logit Regression Results" in summary()


def test_a_generalized_linear_model_from_a_formula(workdir: Path) -> None:
    """Its BIC warns of how it is defined, which MLflow lets through."""
    import statsmodels.api
    import statsmodels.formula.api as formulas

    features, target = tree_trainings.data()
    frame = features.assign(y=target, unused="text", **{"two words": features.c})
    nbtrack.statsmodels.autolog()
    family = statsmodels.api.families.Poisson()
    formulas.glm('y ~ a + np.abs(b) + Q("two words")', frame, family=family).fit()
    (run,) = runs()
    assert run.data.params["family"] == "Poisson"
    assert run.data.params["formula"].startswith("y ~ a + np.abs(b)")
    assert run.data.tags["estimator_name"] == "GLM"
    (model,) = nbtrack.search_logged_models(output_format="list")
    signature = nbtrack.models.get_model_info(model.model_uri).signature
    assert signature.inputs.input_names() == ["a", "b", "two words"]
    (data,) = run.inputs.dataset_inputs
    assert [each["name"] for each in json.loads(data.dataset.schema)["mlflow_colspec"]] == [
        *"abcy",
        "unused",
        "two words",
    ]


def test_a_time_series_with_all_the_fits_within(api: Any) -> None:
    series = pd.Series(np.random.default_rng(0).normal(size=30).cumsum(), name="level")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of convergence, after two steps
        api.tsa.ARIMA(series, order=(1, 0, 0)).fit(method_kwargs={"maxiter": 2})
    (run,) = runs()
    assert run.data.params["order"] == "(1, 0, 0)"
    assert run.data.metrics["nobs"] == 30
    assert "SARIMAX Results" in summary()
    (data,) = run.inputs.dataset_inputs
    assert json.loads(data.dataset.profile) == {"num_rows": 30, "num_elements": 30}


def test_a_test_that_fits_models_for_itself_has_no_runs(api: Any) -> None:
    """MLflow makes a run of each regression in it."""
    from statsmodels.stats.outliers_influence import variance_inflation_factor

    assert variance_inflation_factor(tree_trainings.data()[0], 0) > 1
    assert runs() == []


def test_classes_that_are_imported_later_are_wrapped_and_all_is_taken_back(api: Any) -> None:
    from statsmodels.base.model import Model

    class Late(Model):  # type: ignore[misc]
        __module__ = "statsmodels.late"

        def fit(self) -> str:
            return "fitted"

    class Own(Model):  # type: ignore[misc]
        def fit(self) -> str:
            return "fitted"

    assert Late([1.0, 2.0]).fit() == Own([1.0, 2.0]).fit() == "fitted"
    assert [run.data.tags["estimator_name"] for run in runs()] == ["Late"]
    nbtrack.autolog(disable=True)
    assert "__init_subclass__" not in vars(Model)
    assert not hasattr(Late.fit, "__wrapped__")
    assert not hasattr(api.OLS.fit, "__wrapped__")
