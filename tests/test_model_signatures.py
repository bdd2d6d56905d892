"""What a model takes: found in examples, and compared with what ``predict`` is given."""

from __future__ import annotations

import datetime as dt
from typing import Any

import numpy as np
import pandas as pd
import pytest

from nbtrack.errors import InvalidParameterError
from nbtrack.models import infer_signature
from nbtrack.models.enforcement import check_params, enforce_input
from nbtrack.models.schema import ColSpec, Schema, TensorSpec

COLUMNS = Schema(
    [ColSpec("double", "x"), ColSpec("long", "n"), ColSpec("string", "s", required=False)]
)
GOOD = pd.DataFrame({"x": [0.5, 1.0], "n": [1, 2], "s": ["a", "b"]})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (pd.DataFrame({"a": [1], "b": [0.5]}), "['a': long (required), 'b': double (required)]"),
        (pd.DataFrame({"t": [True]}), "['t': boolean (required)]"),
        (pd.DataFrame({"a": [1.0, None]}), "['a': double (optional)]"),
        (pd.DataFrame({"d": pd.to_datetime(["2020"])}), "['d': datetime (required)]"),
        (pd.DataFrame({"l": [[1, 2], [3]]}), "['l': Array(long) (required)]"),
        (pd.Series([1, 2], name="y"), "['y': long (required)]"),
        (np.zeros((5, 3), "float32"), "[Tensor('float32', (-1, 3))]"),
        ({"a": np.zeros(2), "b": np.zeros((2, 4), "int8")},
         "['a': Tensor('float64', (-1,)), 'b': Tensor('int8', (-1, 4))]"),
        (["a", "b"], "[string (required)]"),
        ({"q": "text", "k": 3}, "['q': string (required), 'k': long (required)]"),
    ],
)  # fmt: skip
def test_an_example_says_what_a_model_takes(given: Any, expected: str) -> None:
    assert str(infer_signature(given).inputs) == expected


def test_a_tensor_of_torch_says_what_a_model_takes() -> None:
    torch = pytest.importorskip("torch")
    found = infer_signature(torch.zeros(2, 3, dtype=torch.float16), params={"n": 3, "names": ["a"]})
    assert str(found.inputs) == "[Tensor('float16', (-1, 3))]"
    assert str(found.params) == (
        "['n': long (default: 3), 'names': string (default: ['a']) (shape: (-1,))]"
    )


def test_a_frame_that_fits_goes_in_as_it_is() -> None:
    found = enforce_input(GOOD, COLUMNS)
    pd.testing.assert_frame_equal(found, GOOD)
    found["x"] = 0.0  # a model that changes its input does not change the user's
    found.iloc[0, 1] = 9
    assert GOOD["x"].tolist() == [0.5, 1.0]
    assert GOOD["n"].tolist() == [1, 2]


def test_columns_are_put_in_order_and_others_left_out() -> None:
    given = GOOD[["s", "n", "x"]].assign(more=1)
    with pytest.warns(UserWarning, match="does not take are left out: 'more'"):
        found = enforce_input(given, COLUMNS)
    pd.testing.assert_frame_equal(found, GOOD)


def test_an_optional_column_may_be_missing() -> None:
    assert list(enforce_input(GOOD[["x", "n"]], COLUMNS)) == ["x", "n"]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (GOOD[["x"]], r"missing inputs \['n'\].* It got 'x'.*takes 'x': double, 'n': long"),
        (GOOD.rename(columns={"n": "m"}), r"missing inputs \['n'\].*extra inputs: \['m'\]"),
        (GOOD.assign(n=["1", "2"]), "column n. Can not safely convert .*str.* to int64"),
        (GOOD.assign(x=["1", "2"]), r"column x. .*df\['x'\].astype\('float64'\)"),
        (GOOD.assign(n=[1.5, 2.0]), "column n. .*It has fractions"),
        (GOOD.assign(s=[1, 2]), r"column s. .*df\['s'\].astype\(str\)"),
        (GOOD.assign(n=[True, False]), "column n. Can not safely convert bool to int64"),
        (np.zeros((2, 2, 2)), r"takes columns .* array of the shape \(2, 2, 2\)"),
        (3, r"missing inputs \['x', 'n'\]"),
    ],
)
def test_what_does_not_fit_is_named(given: Any, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        enforce_input(given, COLUMNS)


def test_values_are_cast_where_nothing_is_lost() -> None:
    given = pd.DataFrame({"x": [1, 2], "n": np.array([1, 2], "int8"), "s": ["a", None]})
    found = enforce_input(given.astype({"n": "float64"}), COLUMNS)
    assert [str(kind) for kind in found.dtypes][:2] == ["float64", "int64"]
    assert found["x"].tolist() == [1.0, 2.0]


def test_integers_with_gaps_are_taken() -> None:
    given = pd.DataFrame({"x": [1.0, 2.0], "n": [1, None], "s": ["a", "b"]})
    assert enforce_input(given, COLUMNS)["n"].isna().tolist() == [False, True]


def test_dictionaries_and_lists_become_columns() -> None:
    rows = [{"x": 0.5, "n": 1, "s": "a"}, {"x": 1.0, "n": 2, "s": "b"}]
    pd.testing.assert_frame_equal(enforce_input(rows, COLUMNS), GOOD)
    assert len(enforce_input(rows[0], COLUMNS)) == 1


def test_dates_are_taken_and_texts_are_not() -> None:
    schema = Schema([ColSpec("datetime", "d")])
    found = enforce_input(pd.DataFrame({"d": [dt.date(2020, 1, 2)]}), schema)
    assert found["d"][0] == pd.Timestamp("2020-01-02")
    with pytest.raises(InvalidParameterError, match=r"pd.to_datetime\(df\['d'\]\)"):
        enforce_input(pd.DataFrame({"d": ["2020-01-02"]}), schema)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.zeros(3, "float32"), r"Shape of input \(3,\) .*x\[None\]"),
        (np.zeros((2, 4), "float32"), r"Shape of input \(2, 4\) does not match .*\(-1, 3\)"),
        (np.zeros((2, 3)), r"dtype of input float64 .*float32.*x.astype\('float32'\)"),
        ([[1.0, 2.0, 3.0], [1.0]], "All rows need the same length"),
    ],
)
def test_a_tensor_that_does_not_fit_is_named(given: Any, message: str) -> None:
    with pytest.raises(InvalidParameterError, match=message):
        enforce_input(given, Schema([TensorSpec("float32", (-1, 3))]))


def test_tensors_by_name_are_compared_one_by_one() -> None:
    schema = Schema([TensorSpec("float32", (-1, 3), "a"), TensorSpec("int64", (-1,), "b")])
    good = {"a": np.zeros((2, 3), "float32"), "b": np.zeros(2, "int64")}
    assert enforce_input(good, schema).keys() == good.keys()
    with pytest.raises(InvalidParameterError, match=r"missing inputs \['b'\]. It got 'a'"):
        enforce_input({"a": good["a"]}, schema)
    with pytest.raises(InvalidParameterError, match=r"dtype int64 \(of the input 'b'\)"):
        enforce_input({**good, "b": np.zeros(2)}, schema)


def test_parameters_are_cast_completed_and_compared() -> None:
    schema = infer_signature([1], params={"t": 0.5, "n": 3, "names": ["a"]}).params
    assert check_params({"t": 1}, schema) == {"t": 1.0, "n": 3, "names": ["a"]}
    with pytest.warns(UserWarning, match="Unknown parameters 'k' left out; the model takes 't'"):
        check_params({"k": 1}, schema)
    with pytest.raises(InvalidParameterError, match=r"'n' is 'x' \(str\), but .* long"):
        check_params({"n": "x"}, schema)
    with pytest.raises(InvalidParameterError, match=r"'names' is 'a' .* a list of string"):
        check_params({"names": "a"}, schema)


def test_a_signature_survives_its_json_form() -> None:
    given = infer_signature(GOOD, np.zeros((2, 3)), {"t": 0.5, "when": dt.date(2020, 1, 2)})
    found = type(given).from_dict(given.to_dict())
    assert found == given
    assert found.inputs == infer_signature(GOOD).inputs


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pd.DataFrame({"a": [1, "x"]}), "several types (long and string)"),
        (pd.DataFrame({"c": [1j]}), "Column 'c' is of the type complex128"),
    ],
)
def test_what_no_signature_says_is_told(
    frame: Any, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert str(infer_signature(frame).inputs) == "[Any (required)]"
    assert message in capsys.readouterr().err
