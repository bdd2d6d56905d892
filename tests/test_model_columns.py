"""Columns with gaps and with categories, and type hints, from the example to the server."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nbtrack
from nbtrack.errors import InvalidParameterError
from nbtrack.models import infer_signature
from nbtrack.models.model import Model
from nbtrack.models.scoring.expected import Expected
from nbtrack.models.scoring.payloads import read_payload
from nbtrack.pyfunc import PyFuncModel

pytestmark = pytest.mark.usefixtures("workdir")
LABELS = [0, 0, 1, 1, 0, 1]
COLORS = pd.DataFrame({"c": pd.Categorical(list("abacba")), "n": [1.0, 2, 3, 4, 5, 6]})
TEXTS = COLORS.astype({"c": str})


def ask(model: PyFuncModel, body: Any) -> Any:
    """Return the predictions for a request, as a server of the model has them."""
    payload = read_payload(json.dumps(body).encode(), "application/json", Expected.of(model))
    return model.predict(payload.data, payload.params)


def rows(model_input: pd.DataFrame) -> list[Any]:
    cells = model_input.iloc[:, 0]
    return [None if gap else cell for gap, cell in zip(cells.isna(), cells, strict=True)]


def saved(example: pd.DataFrame) -> PyFuncModel:
    nbtrack.pyfunc.save_model("m", python_model=rows, input_example=example)
    return nbtrack.pyfunc.load_model("m")


@pytest.mark.parametrize(
    "given",
    [
        pd.array([True, None, False], dtype="boolean"),
        [True, None, False],
        pd.Series([True, None, False], dtype="object"),
    ],
)
def test_booleans_with_gaps(given: Any) -> None:
    model = saved(pd.DataFrame({"x": pd.array([True, None], dtype="boolean")}))
    assert model.predict(pd.DataFrame({"x": given})) == [True, None, False]
    assert model.predict(pd.DataFrame({"x": [None, None]})) == [None, None]


OPTIONAL = {
    "long": (pd.array([1, None], dtype="Int64"), [7, None]),
    "double": ([0.5, None], [1.5, None]),
    "boolean": (pd.array([True, None], dtype="boolean"), [False, None]),
    "text": (["a", None], ["b", None]),
}
REQUESTS = {
    "split": lambda v: {"dataframe_split": {"columns": ["x"], "data": [[one] for one in v]}},
    "records": lambda v: {"dataframe_records": [{"x": one} for one in v]},
    "inputs, columns": lambda v: {"inputs": {"x": v}},
    "inputs, rows": lambda v: {"inputs": [{"x": one} for one in v]},
    "instances": lambda v: {"instances": [{"x": one} for one in v]},
}


@pytest.mark.parametrize("kind", OPTIONAL)
@pytest.mark.parametrize("request_kind", REQUESTS)
def test_null_in_an_optional_column_is_served(kind: str, request_kind: str) -> None:
    example, values = OPTIONAL[kind]
    model = saved(pd.DataFrame({"x": example}))
    assert ask(model, REQUESTS[request_kind](values)) == values


def as_requests() -> list[Any]:
    records = TEXTS.to_dict(orient="records")
    split = TEXTS.to_dict(orient="split")
    return [{"dataframe_split": split}, {"dataframe_records": records}, {"inputs": records}]


def test_xgboost_predicts_from_categories() -> None:
    xgboost = pytest.importorskip("xgboost")
    made = xgboost.XGBClassifier(n_estimators=3, enable_categorical=True, nthread=1)
    nbtrack.xgboost.save_model(made.fit(COLORS, LABELS), "m", input_example=COLORS)
    model, wanted = nbtrack.pyfunc.load_model("m"), made.predict(COLORS).tolist()
    for given in (COLORS, TEXTS, COLORS[["n", "c"]]):
        assert model.predict(given).tolist() == wanted
    assert model.predict(COLORS[3:4]).tolist() == wanted[3:4]
    assert model.predict(TEXTS[3:4]).tolist() == wanted[3:4]
    assert [ask(model, body).tolist() for body in as_requests()] == [wanted] * 3
    assert nbtrack.xgboost.load_model("m").predict(COLORS).tolist() == wanted


def test_a_booster_predicts_from_categories() -> None:
    xgboost = pytest.importorskip("xgboost")
    data = xgboost.DMatrix(COLORS, LABELS, enable_categorical=True)
    booster = xgboost.train({"nthread": 1}, data, 3)
    nbtrack.xgboost.save_model(booster, "m", signature=infer_signature(COLORS, LABELS))
    model = nbtrack.pyfunc.load_model("m")
    assert model.predict(TEXTS).tolist() == booster.predict(data).tolist()


def test_an_estimator_predicts_from_categories() -> None:
    ensemble = pytest.importorskip("sklearn.ensemble")
    made = ensemble.HistGradientBoostingClassifier(max_iter=3, categorical_features="from_dtype")
    nbtrack.sklearn.save_model(made.fit(COLORS, LABELS), "m", input_example=COLORS)
    model, wanted = nbtrack.pyfunc.load_model("m"), made.predict(COLORS).tolist()
    assert model.predict(TEXTS).tolist() == wanted
    assert [ask(model, body).tolist() for body in as_requests()] == [wanted] * 3


def kinds(model_input: pd.DataFrame) -> list[str]:
    return [str(dtype) for dtype in model_input.dtypes]


def test_a_value_that_is_no_category_is_named() -> None:
    sizes = pd.DataFrame({"s": pd.Categorical([2, 1, 2], ordered=True)})
    nbtrack.pyfunc.save_model("m", python_model=kinds, input_example=sizes)
    model = nbtrack.pyfunc.load_model("m")
    assert Model.load("m").nbtrack["categories"] == {"s": {"values": [1, 2], "ordered": True}}
    assert model.predict(pd.DataFrame({"s": [2, 1]})) == ["category"]
    with pytest.raises(InvalidParameterError, match=r"Column 's' has 3, which is none .*: 1, 2"):
        model.predict(pd.DataFrame({"s": [2, 3]}))


def texts(model_input: list[str]) -> list[str]:
    return [f"{type(model_input).__name__} {text}" for text in model_input]


def dictionaries(model_input: list[dict[str, int]]) -> list[str]:
    return [json.dumps(item) for item in model_input]


@pytest.mark.parametrize("signature", [None, infer_signature(["a"], ["b"])])
def test_a_hint_of_texts_counts_with_a_signature(signature: Any) -> None:
    nbtrack.pyfunc.save_model("m", python_model=texts, signature=signature)
    model = nbtrack.pyfunc.load_model("m")
    for given in (["a"], pd.DataFrame({"x": ["a"]}), pd.Series(["a"])):
        assert model.predict(given) == ["list a"]
    assert ask(model, {"inputs": ["a"]}) == ["list a"]


@pytest.mark.filterwarnings("ignore:The inputs of the signature")
@pytest.mark.parametrize("signature", [None, infer_signature([{"a": 1}], ["b"])])
def test_a_hint_of_dictionaries_counts_with_a_signature(signature: Any) -> None:
    nbtrack.pyfunc.save_model("m", python_model=dictionaries, signature=signature)
    model = nbtrack.pyfunc.load_model("m")
    for given in ([{"a": 1}], pd.DataFrame({"a": [1]}), pd.DataFrame({"x": [{"a": 1}]})):
        assert model.predict(given) == ['{"a": 1}']
    assert ask(model, {"inputs": [{"a": 1}]}) == ['{"a": 1}']


def test_a_signature_that_says_otherwise_than_the_hint_is_named() -> None:
    signature = infer_signature(pd.DataFrame({"x": [1.0]}), ["b"], params={"t": 2})
    with pytest.warns(UserWarning, match="those of the type hint of predict, which count"):
        nbtrack.pyfunc.save_model("m", python_model=texts, signature=signature)
    kept = Model.load(Path("m"))
    assert kept.is_signature_from_type_hint
    assert kept.get_params_schema() == signature.params
    nbtrack.pyfunc.save_model("n", python_model=texts, signature=False)
    assert Model.load("n").signature is None
