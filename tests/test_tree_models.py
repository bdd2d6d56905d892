"""Models of scikit-learn and of XGBoost."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, MissingDependencyError, UntrustedError

pytest.importorskip("skops")
pytest.importorskip("sklearn")
xgboost = pytest.importorskip("xgboost")

from sklearn.ensemble import RandomForestClassifier  # noqa: E402
from sklearn.linear_model import LogisticRegression  # noqa: E402
from sklearn.model_selection import GridSearchCV  # noqa: E402
from sklearn.pipeline import make_pipeline  # noqa: E402
from sklearn.preprocessing import FunctionTransformer, StandardScaler  # noqa: E402

pytestmark = pytest.mark.usefixtures("workdir")
FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0], "b": [3, 1, 2, 0]})
LABELS = [0, 0, 1, 1]


@pytest.fixture(scope="module")
def fitted() -> LogisticRegression:
    return LogisticRegression().fit(FRAME, LABELS)


def double(values: object) -> object:
    return values


def test_a_model_of_scikit_learn_comes_back(fitted: LogisticRegression) -> None:
    with nbtrack.start_run():
        info = nbtrack.sklearn.log_model(
            fitted, name="clf", input_example=FRAME, registered_model_name="clf"
        )
    loaded = nbtrack.sklearn.load_model("models:/clf/1")
    assert np.array_equal(loaded.coef_, fitted.coef_)
    assert info.registered_model_version == 1
    model = nbtrack.pyfunc.load_model(info.model_uri)
    assert model.predict(FRAME).tolist() == fitted.predict(FRAME).tolist()
    assert (
        "scikit-learn==" in Path(nbtrack.pyfunc.get_model_dependencies(info.model_uri)).read_text()
    )


def test_pyfunc_predicts_with_the_method_that_was_asked_for(fitted: LogisticRegression) -> None:
    nbtrack.sklearn.save_model(fitted, "m", pyfunc_predict_fn="predict_proba")
    found = nbtrack.pyfunc.load_model("m").predict(FRAME)
    assert np.allclose(found, fitted.predict_proba(FRAME))


def test_skops_that_was_asked_for_names_what_it_does_not_keep() -> None:
    model = make_pipeline(StandardScaler(), FunctionTransformer(double), LogisticRegression())
    model.fit(FRAME, LABELS)
    with pytest.raises(InvalidParameterError, match=r"double.*Leave serialization_format out"):
        nbtrack.sklearn.save_model(model, "m", serialization_format="skops")
    assert not Path("m").exists()
    nbtrack.sklearn.save_model(model, "m")
    assert nbtrack.sklearn.load_model("m").predict(FRAME).tolist() == model.predict(FRAME).tolist()


def test_warnings_of_other_modules_do_not_change_the_format(
    fitted: LogisticRegression, monkeypatch: pytest.MonkeyPatch
) -> None:
    def look(model: LogisticRegression) -> dict[str, Any]:
        warnings.warn("this goes in a later version", FutureWarning, stacklevel=1)
        return vars(model)

    monkeypatch.setattr(LogisticRegression, "__getstate__", look)
    nbtrack.sklearn.save_model(fitted, "m", serialization_format="skops")
    assert Path("m", "model.skops").is_file()


def test_types_of_the_user_are_trusted_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_pipeline(FunctionTransformer(double), LogisticRegression()).fit(FRAME, LABELS)
    name = f"{__name__}.double"
    nbtrack.sklearn.save_model(model, "m", skops_trusted_types=[name])
    assert nbtrack.sklearn.load_model("m").predict(FRAME).tolist() == model.predict(FRAME).tolist()
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match="double"):
        nbtrack.sklearn.load_model("m")


def test_a_pickle_asks_for_consent(
    fitted: LogisticRegression, monkeypatch: pytest.MonkeyPatch
) -> None:
    nbtrack.sklearn.save_model(fitted, "m", serialization_format="pickle")
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match="a pickle"):
        nbtrack.pyfunc.load_model("m")
    loaded = nbtrack.pyfunc.load_model("m", trust=True)
    assert loaded.get_raw_model().classes_.tolist() == [0, 1]


def test_a_forest_is_saved_unasked_and_a_stranger_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    search = GridSearchCV(RandomForestClassifier(n_estimators=2), {"max_depth": [1, 2]}, cv=2)
    search.fit(FRAME, LABELS)
    nbtrack.sklearn.save_model(search, "m")
    assert nbtrack.sklearn.load_model("m").predict(FRAME).tolist() == search.predict(FRAME).tolist()
    assert "sklearn.tree._tree.Tree" in Path("m", "MLmodel").read_text()  # MLflow asks there
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match=r"_tree\.Tree"):
        nbtrack.sklearn.load_model("m")


@pytest.mark.parametrize("model_format", ["ubj", "json"])
def test_a_classifier_of_xgboost_comes_back(model_format: str) -> None:
    model = xgboost.XGBClassifier(n_estimators=2, nthread=1).fit(FRAME, LABELS)
    with nbtrack.start_run():
        info = nbtrack.xgboost.log_model(
            model, name="xgb", input_example=FRAME, model_format=model_format
        )
    loaded = nbtrack.xgboost.load_model(info.model_uri)
    assert isinstance(loaded, xgboost.XGBClassifier)
    assert np.allclose(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
    predicted = nbtrack.pyfunc.load_model(info.model_uri).predict(FRAME)
    assert predicted.tolist() == model.predict(FRAME).tolist()


def test_a_booster_predicts_from_a_frame() -> None:
    data = xgboost.DMatrix(FRAME, LABELS)
    booster = xgboost.train({"objective": "binary:logistic", "nthread": 1}, data, 2)
    nbtrack.xgboost.save_model(booster, "m")
    assert isinstance(nbtrack.xgboost.load_model("m"), xgboost.Booster)
    found = nbtrack.pyfunc.load_model("m").predict(FRAME)
    assert np.allclose(found, booster.predict(data))


def test_a_model_of_another_flavor_is_told_apart(fitted: LogisticRegression) -> None:
    nbtrack.sklearn.save_model(fitted, "m")
    with pytest.raises(InvalidParameterError, match=r"saved as .*Use load_model of .*sklearn"):
        nbtrack.xgboost.load_model("m")
    with pytest.raises(InvalidParameterError, match="no model of XGBoost"):
        nbtrack.xgboost.save_model(fitted, "n")


@pytest.mark.parametrize("package", ["xgboost", "keras", "transformers"])
def test_a_framework_that_is_missing_is_named(
    package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(MissingDependencyError, match=f"pip install {package}"):
        getattr(nbtrack, package).save_model(object(), "m")
    assert not Path("m").exists()
