"""Estimators with parts that a notebook defines come back in a process without it."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError, UntrustedError
from programs import run

pytest.importorskip("skops")
pytest.importorskip("sklearn")

from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "b": [3.0, 1.0, 2.0, 0.0, 5.0, 1.0]})
LABELS = [0, 0, 1, 1, 0, 1]

NOTEBOOK = """
import functools, json
import numpy as np, pandas as pd
import nbtrack
from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

FRAME = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "b": [3.0, 1.0, 2.0, 0.0, 5.0, 1.0]})
LABELS = [0, 0, 1, 1, 0, 1]
FACTOR = 3

def helper(x):
    return np.log1p(np.abs(x)) * FACTOR

def double(values):
    return helper(values) * 2

def by(factor):
    def multiplied(values):
        return values * factor
    return multiplied

class Clip(TransformerMixin, BaseEstimator):
    def __init__(self, low=0.5):
        self.low = low
    def fit(self, X, y=None):
        self.mean_ = np.asarray(X).mean(0)
        return self
    def transform(self, X):
        return np.clip(np.asarray(X) - self.mean_, -self.low, None) + helper(1)

class Vote(ClassifierMixin, BaseEstimator):
    def fit(self, X, y):
        self.classes_ = np.unique(y)
        return self
    def predict(self, X):
        return (np.asarray(X)[:, 0] > FACTOR).astype(int)

def score(y, predicted):
    return float((y == predicted).mean()) * FACTOR

last = LogisticRegression
MODELS = {
    "function": make_pipeline(StandardScaler(), FunctionTransformer(double), last()),
    "lambda": make_pipeline(FunctionTransformer(lambda x: x * FACTOR), last()),
    "closure": make_pipeline(FunctionTransformer(by(7)), last()),
    "transformer": make_pipeline(Clip(0.1), last()),
    "estimator": make_pipeline(StandardScaler(), Vote()),
    "columns": make_pipeline(
        ColumnTransformer([("f", FunctionTransformer(double), ["a"])], remainder="passthrough"),
        last(),
    ),
    "union": make_pipeline(FeatureUnion([("a", Clip()), ("b", "passthrough")]), Vote()),
    "scorer": GridSearchCV(
        make_pipeline(Clip(), last()), {"clip__low": [0.1, 0.2]}, scoring=make_scorer(score), cv=2
    ),
    "partial": make_pipeline(FunctionTransformer(functools.partial(np.multiply, 2)), last()),
    "partial of a function": make_pipeline(
        FunctionTransformer(functools.partial(by(2))), last()
    ),
    "forest": make_pipeline(Clip(), RandomForestClassifier(3, random_state=0)),
}
wanted = {}
for name, model in MODELS.items():
    nbtrack.sklearn.save_model(model.fit(FRAME, LABELS), name, input_example=FRAME)
    wanted[name] = model.predict(FRAME).tolist()
json.dump(wanted, open("wanted.json", "w"))
"""
ANOTHER = """
import json, sys
import nbtrack
import pandas as pd
frame = pd.DataFrame({"a": [0.0, 1.0, 2.0, 3.0, 4.0, 5.0], "b": [3.0, 1.0, 2.0, 0.0, 5.0, 1.0]})
found = {}
for name in json.load(open("wanted.json")):
    model = nbtrack.sklearn.load_model(name)
    behind = nbtrack.pyfunc.load_model(name)
    found[name] = [model.predict(frame).tolist(), behind.predict(frame).tolist()]
json.dump(found, open("found.json", "w"))
"""
KINDS = [
    "function", "lambda", "closure", "transformer", "estimator", "columns", "union", "scorer",
    "partial", "partial of a function", "forest",
]  # fmt: skip


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, list[int]], ...]:
    """What the models predict where they were made, and in another process."""
    folder = tmp_path_factory.mktemp("estimators")
    (folder / "notebook.py").write_text(NOTEBOOK)
    state = str(folder / "state")
    run("import runpy; runpy.run_path('notebook.py', run_name='__main__')", cwd=folder,
        XDG_STATE_HOME=state)  # fmt: skip
    run(ANOTHER, cwd=folder, XDG_STATE_HOME=state)
    return tuple(json.loads((folder / f"{n}.json").read_text()) for n in ("wanted", "found"))


@pytest.mark.parametrize("kind", KINDS)
def test_what_a_notebook_defines_comes_along(
    kind: str, loaded: tuple[dict[str, list[int]], ...]
) -> None:
    wanted, found = loaded
    assert found[kind] == [wanted[kind], wanted[kind]]


class Keeper(TransformerMixin, BaseEstimator):
    """A transformer that keeps something besides."""

    def __init__(self, kept: object = None) -> None:
        self.kept = kept

    def fit(self, X: object, y: object = None) -> Keeper:  # noqa: N803  scikit-learn's names
        return self

    def transform(self, X: object) -> object:  # noqa: N803
        return X


class Refuses:
    """What cloudpickle keeps, and data cannot."""

    def __reduce_ex__(self, protocol: object) -> str | tuple[object, ...]:
        import inspect

        if any("cloudpickle" in frame.filename for frame in inspect.stack()):
            return Refuses, ()
        raise TypeError("no data")


@pytest.mark.usefixtures("workdir")
def test_an_error_names_the_path_and_a_way_out_that_works() -> None:
    model = make_pipeline(Keeper(Refuses()), LogisticRegression()).fit(FRAME, LABELS)
    with pytest.raises(
        InvalidParameterError,
        match=r"steps\[0\]\[1\]\.kept .*no data.*serialization_format='cloudpickle'",
    ):
        nbtrack.sklearn.save_model(model, "m")
    assert not Path("m").exists()
    nbtrack.sklearn.save_model(model, "m", serialization_format="cloudpickle")
    assert nbtrack.sklearn.load_model("m").predict(FRAME).tolist() == model.predict(FRAME).tolist()


@pytest.mark.usefixtures("workdir")
def test_what_no_format_keeps_is_named_with_what_to_do() -> None:
    keeper = Keeper(number for number in [1])
    model = make_pipeline(keeper, LogisticRegression()).fit(FRAME, LABELS)
    with pytest.raises(InvalidParameterError, match=r"kept .*generator.*Remove it before"):
        nbtrack.sklearn.save_model(model, "m")
    keeper.kept = None
    nbtrack.sklearn.save_model(model, "m")
    assert nbtrack.sklearn.load_model("m").predict(FRAME).tolist() == model.predict(FRAME).tolist()


@pytest.mark.usefixtures("workdir")
def test_standard_types_in_estimators_are_saved_unasked() -> None:
    frame = pd.DataFrame({"c": pd.Categorical(list("abacba")), "n": FRAME["b"]})
    model = HistGradientBoostingClassifier(max_iter=2, categorical_features="from_dtype")
    nbtrack.sklearn.save_model(model.fit(frame, LABELS), "m")  # it has a functools.partial
    assert nbtrack.sklearn.load_model("m").predict(frame).tolist() == model.predict(frame).tolist()


@pytest.mark.usefixtures("workdir")
def test_source_of_an_estimator_asks_for_consent(monkeypatch: pytest.MonkeyPatch) -> None:
    model = make_pipeline(Keeper(), LogisticRegression()).fit(FRAME, LABELS)
    nbtrack.sklearn.save_model(model, "m")
    monkeypatch.setenv("XDG_STATE_HOME", "another user")
    with pytest.raises(UntrustedError, match="source"):
        nbtrack.pyfunc.load_model("m")
    assert type(nbtrack.sklearn.load_model("m", trust=True)).__name__ == "Pipeline"
