"""Models that are kept in their library's own format: LightGBM and others."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import nbtrack
import small_models
from docstring_examples import failures_of, modules_of
from model_folders import stranger
from nbtrack.errors import (
    InvalidParameterError,
    MissingDependencyError,
    NbtrackError,
    UntrustedError,
)
from nbtrack.models.loading import UnreadableModelError
from nbtrack.store.artifacts import ArtifactFolder
from nbtrack.views.models.files import file_facts, loading_line, read_mlmodel
from small_models import (
    DAYS,
    FRAME,
    ROWS,
    boosted_trees,
    forecast,
    network_of_onnx,
    ordered_trees,
    regression,
)

LIBRARIES = ["catboost", "lightgbm", "onnx", "prophet", "spacy", "statsmodels"]
pytestmark = pytest.mark.usefixtures("workdir")


@pytest.mark.parametrize("package", LIBRARIES)
def test_a_library_that_is_missing_is_named(package: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(f"{package}.")]:
        monkeypatch.delitem(sys.modules, name)  # of an earlier test
    monkeypatch.setitem(sys.modules, package, None)
    flavor = getattr(nbtrack, package)
    with pytest.raises(MissingDependencyError, match=f"pip install {package}"):
        flavor.save_model(object(), "m")
    assert not Path("m").exists()
    assert flavor.get_default_pip_requirements()[0].partition("==")[0] == package


@pytest.mark.parametrize("package", LIBRARIES)
def test_an_object_that_is_no_model_of_a_library_is_refused(package: str) -> None:
    pytest.importorskip(package)
    with pytest.raises(InvalidParameterError, match="is no"):
        getattr(nbtrack, package).save_model(small_models.ROWS, "m")
    assert not Path("m").exists()


@pytest.mark.parametrize(
    ("package", "make", "example"),
    [
        ("lightgbm", boosted_trees, FRAME),
        ("catboost", ordered_trees, FRAME),
        ("statsmodels", regression, FRAME),
        ("onnx", network_of_onnx, ROWS),
    ],
)
def test_models_are_served_and_shown_with_their_flavor(
    package: str, make: Any, example: Any
) -> None:
    pytest.importorskip(package)
    getattr(nbtrack, package).save_model(make(), "m", input_example=example)
    sent = nbtrack.models.Model.load("m").get_serving_input("m")
    wanted = nbtrack.pyfunc.load_model("m").predict(example)
    answered = nbtrack.models.validate_serving_input("m", sent)
    for one, other in zip(*map(values_of, (answered, wanted)), strict=True):
        assert np.allclose(one, other)
    facts = file_facts(read_mlmodel(ArtifactFolder(str(Path("m").absolute()))))
    assert (facts["flavors"], facts["predicts"]) == ([package], True)
    assert loading_line("m", facts["flavors"]) == f"model = nbtrack.{package}.load_model('m')"


def values_of(answer: Any) -> list[Any]:
    return list(answer.values()) if isinstance(answer, dict) else [answer]


# -- LightGBM ---------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["Booster", "LGBMClassifier"])
def test_a_model_of_lightgbm_comes_back(kind: str) -> None:
    pytest.importorskip("lightgbm")
    model = boosted_trees(kind)
    info = nbtrack.lightgbm.log_model(model, name="m", input_example=FRAME)
    assert info.verified == "outputs"
    loaded = nbtrack.lightgbm.load_model(info.model_uri)
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.predict(FRAME), model.predict(FRAME))
    found = nbtrack.pyfunc.load_model(info.model_uri)
    assert np.array_equal(found.predict(FRAME), model.predict(FRAME))
    assert type(found.get_raw_model()) is type(model)
    needed = Path(nbtrack.pyfunc.get_model_dependencies(info.model_uri)).read_text()
    assert "lightgbm==" in needed


def test_an_objective_of_the_notebook_is_kept_as_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    lightgbm = pytest.importorskip("lightgbm")

    def squared(labels: Any, found: Any) -> Any:
        return found - labels, np.ones_like(labels)

    model = lightgbm.LGBMRegressor(n_estimators=1, n_jobs=1, verbose=-1, objective=squared)
    model.fit(FRAME.iloc[[0, 1, 2, 3] * 10], [0.0, 1.0, 2.0, 3.0] * 10)
    nbtrack.lightgbm.save_model(model, "m")
    assert np.array_equal(nbtrack.lightgbm.load_model("m").predict(FRAME), model.predict(FRAME))
    stranger(monkeypatch)
    with pytest.raises(UntrustedError, match="the source"):
        nbtrack.pyfunc.load_model("m")


def test_estimators_and_pickles_of_a_stranger_ask_and_texts_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("lightgbm")
    model = boosted_trees()
    nbtrack.lightgbm.save_model(model, "skops")
    nbtrack.lightgbm.save_model(model, "pickle", serialization_format="pickle")
    nbtrack.lightgbm.save_model(boosted_trees("Booster"), "text")
    stranger(monkeypatch)
    for name, what in [("skops", r"lightgbm\.basic\.Booster"), ("pickle", "a pickle")]:
        with pytest.raises(UntrustedError, match=what):
            nbtrack.pyfunc.load_model(name)
        assert nbtrack.pyfunc.load_model(name, trust=True).predict(FRAME).shape == (4,)
    assert nbtrack.pyfunc.load_model("text").predict(FRAME).shape == (4,)


def test_trees_that_are_no_trees_are_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """LightGBM would follow them: out of its memory, or without an end."""
    pytest.importorskip("lightgbm")
    nbtrack.lightgbm.save_model(boosted_trees("Booster"), "m")
    stranger(monkeypatch)
    file = Path("m/model.lgb")
    text = file.read_text()
    assert nbtrack.lightgbm.load_model("m").num_trees() == 2
    for wrong in (
        text.replace("left_child=-1", "left_child= 0"),
        text.replace("right_child=-2", "right_child=-3"),
        text.replace("split_feature=0", "split_feature=7"),
        text.replace("max_feature_idx=1", "max_feature_idx=-1"),
        text.replace("tree_sizes=3", "tree_sizes=9"),
        text.replace("num_class=1", "num_class=2"),
        text[:400],
        "",
    ):
        file.write_text(wrong)
        with pytest.raises(UnreadableModelError, match=r"damaged|crash"):
            nbtrack.lightgbm.load_model("m")


def test_a_text_that_makes_lightgbm_end_its_process_is_not_loaded(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("lightgbm")
    nbtrack.lightgbm.save_model(boosted_trees("Booster"), "m")
    stranger(monkeypatch)
    file = Path("m/model.lgb")
    file.write_text(file.read_text().replace("leaf_value=-", "leaf_value=x"))
    with pytest.raises(UnreadableModelError, match="makes LightGBM crash"):
        nbtrack.pyfunc.load_model("m")


# -- CatBoost ---------------------------------------------------------------------------


@pytest.mark.parametrize("format", ["cbm", "json"])
def test_a_model_of_catboost_comes_back(format: Any) -> None:
    pytest.importorskip("catboost")
    model = ordered_trees()
    info = nbtrack.catboost.log_model(model, name="m", input_example=FRAME, format=format)
    assert info.verified == "outputs"
    loaded = nbtrack.catboost.load_model(info.model_uri)
    assert type(loaded) is type(model)
    assert np.array_equal(loaded.predict_proba(FRAME), model.predict_proba(FRAME))
    found = nbtrack.pyfunc.load_model(info.model_uri).predict(FRAME)
    assert np.array_equal(found, model.predict(FRAME))


def test_what_catboost_does_not_read_again_is_refused() -> None:
    catboost = pytest.importorskip("catboost")
    with pytest.raises(InvalidParameterError, match="has not been trained"):
        nbtrack.catboost.save_model(catboost.CatBoost(), "m")
    save: Any = nbtrack.catboost.save_model
    with pytest.raises(InvalidParameterError, match="format='onnx'"):
        save(ordered_trees(), "m", format="onnx")


def test_a_file_that_makes_catboost_crash_does_not_take_the_process_along(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("catboost")
    nbtrack.catboost.save_model(ordered_trees(), "m")
    stranger(monkeypatch)
    file = Path("m/model.cb")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(UnreadableModelError):
        nbtrack.catboost.load_model("m")
    text = Path("m/MLmodel").read_text()
    Path("m/MLmodel").write_text(text.replace("CatBoostClassifier", "os.system"))
    with pytest.raises(InvalidParameterError, match=r"is a os\.system"):
        nbtrack.catboost.load_model("m")


# -- statsmodels ------------------------------------------------------------------------


def test_results_of_statsmodels_come_back_without_a_pickle(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("statsmodels")
    results = regression()
    info = nbtrack.statsmodels.log_model(results, name="m", input_example=FRAME)
    assert info.verified == "outputs"
    loaded = nbtrack.statsmodels.load_model(info.model_uri)
    assert type(loaded) is type(results)
    assert np.allclose(loaded.conf_int(), results.conf_int())
    assert np.allclose(nbtrack.pyfunc.load_model(info.model_uri).predict(FRAME), results.predict())
    nbtrack.statsmodels.save_model(results, "pickle", serialization_format="pickle")
    nbtrack.statsmodels.save_model(results, "source", remove_data=True, input_example=FRAME)
    assert results.model.data.orig_exog is not None
    stranger(monkeypatch)
    for name, what in [("pickle", "a pickle"), ("source", "the source")]:
        with pytest.raises(UntrustedError, match=what):
            nbtrack.pyfunc.load_model(name)
        assert nbtrack.pyfunc.load_model(name, trust=True).predict(FRAME).shape == (4,)


def test_a_time_series_predicts_from_its_first_and_last_step() -> None:
    pytest.importorskip("statsmodels")
    from statsmodels.tsa.statespace.sarimax import SARIMAX

    results = SARIMAX(np.sin(np.arange(40.0)), order=(1, 0, 0)).fit(disp=0)
    wanted = results.predict(start=40, end=42)
    span = FRAME.iloc[:1].assign(start=40, end=42)[["start", "end"]]
    nbtrack.statsmodels.save_model(results, "m", input_example=span)
    model = nbtrack.pyfunc.load_model("m")
    assert np.allclose(model.predict(span), wanted)
    with pytest.raises(InvalidParameterError, match="one row with the columns"):
        model.predict(np.zeros((2, 2)))


def test_a_formula_that_names_a_function_of_the_notebook_is_refused() -> None:
    pytest.importorskip("statsmodels")
    from statsmodels.formula.api import ols

    def twice(values: Any) -> Any:
        return values * 2

    assert twice(1) == 2
    data = FRAME.assign(y=[0.0, 1.0, 3.0, 3.5])
    nbtrack.statsmodels.save_model(ols("y ~ np.exp(a)", data).fit(), "m")
    assert nbtrack.pyfunc.load_model("m").predict(FRAME).shape == (4,)
    with pytest.raises(InvalidParameterError, match=r"(?s)twice\(a\).*into a column"):
        nbtrack.statsmodels.save_model(ols("y ~ twice(a)", data).fit(), "n")
    assert not Path("n").exists()


# -- Prophet ----------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # pandas, about Prophet
def test_a_model_of_prophet_comes_back_as_its_json(monkeypatch: pytest.MonkeyPatch) -> None:
    prophet = pytest.importorskip("prophet")
    with pytest.raises(InvalidParameterError, match="has not been trained"):
        nbtrack.prophet.save_model(prophet.Prophet(), "m")
    model = forecast()
    info = nbtrack.prophet.log_model(model, name="m", input_example=DAYS)
    assert info.verified == "outputs"
    loaded = nbtrack.prophet.load_model(info.model_uri)
    wanted = model.predict(DAYS)["yhat"]
    assert np.allclose(loaded.predict(DAYS)["yhat"], wanted)
    nbtrack.prophet.save_model(model, "m")
    stranger(monkeypatch)
    assert np.allclose(nbtrack.pyfunc.load_model("m").predict(DAYS)["yhat"], wanted)
    file = Path("m/model.pr")
    text = json.loads(file.read_text())
    endless = text.replace('"uncertainty_samples": 2', '"uncertainty_samples": 1000000000')
    for wrong in ("[]", text[:200], endless):
        file.write_text(json.dumps(wrong))
        with pytest.raises(NbtrackError):
            nbtrack.prophet.load_model("m")


# -- ONNX -------------------------------------------------------------------------------


def test_a_model_of_onnx_comes_back() -> None:
    pytest.importorskip("onnx")
    model = network_of_onnx()
    wanted = ROWS @ np.arange(8.0, dtype="float32").reshape(4, 2)
    info = nbtrack.onnx.log_model(
        model, name="m", input_example=ROWS, onnx_session_options={"intra_op_num_threads": 1}
    )
    assert info.verified == "outputs"
    assert nbtrack.onnx.load_model(info.model_uri) == model
    loaded = nbtrack.pyfunc.load_model(info.model_uri)
    assert np.allclose(loaded.predict(ROWS)["y"], wanted)
    frame = pd.DataFrame(ROWS.astype("float64"))
    nbtrack.onnx.save_model(network_of_onnx(1), "one", input_example=frame)
    found = nbtrack.pyfunc.load_model("one").predict(frame)
    assert np.allclose(found["y"], ROWS @ np.arange(4.0))
    assert loaded.get_raw_model().get_session_options().intra_op_num_threads == 1


def test_inputs_of_onnx_are_named_and_of_their_type() -> None:
    onnx = pytest.importorskip("onnx")
    inputs = [
        onnx.helper.make_tensor_value_info("a", onnx.TensorProto.FLOAT, ["rows", 1]),
        onnx.helper.make_tensor_value_info("b", onnx.TensorProto.FLOAT, ["rows", 1]),
    ]
    output = onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, ["rows", 1])
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node("Add", ["a", "b"], ["y"])], "sum", inputs, [output]
    )
    opsets = [onnx.helper.make_opsetid("", 17)]
    model = onnx.helper.make_model(graph, opset_imports=opsets, ir_version=9)
    nbtrack.onnx.save_model(model, "m", input_example=FRAME)
    loaded = nbtrack.pyfunc.load_model("m")
    assert loaded.predict(FRAME)["y"].tolist() == [3.0, 2.0, 4.0, 3.0]
    nbtrack.onnx.save_model(model, "unsigned")
    with pytest.raises(InvalidParameterError, match="takes 2 inputs, 'a', 'b'"):
        nbtrack.pyfunc.load_model("unsigned").predict(FRAME.to_numpy())


@pytest.mark.parametrize(
    "options", [{"threads": 1}, {"execution_mode": "fast"}, {"intra_op_num_threads": -1}, 5]
)
def test_options_that_onnxruntime_does_not_have_are_refused(options: Any) -> None:
    pytest.importorskip("onnx")
    with pytest.raises(InvalidParameterError, match="onnx_session_options"):
        nbtrack.onnx.save_model(network_of_onnx(), "m", onnx_session_options=options)


def test_weights_of_onnx_lie_beside_the_model_and_nowhere_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pytest.importorskip("onnx")
    model = network_of_onnx(300)
    nbtrack.onnx.save_model(model, "m", input_example=ROWS)
    assert Path("m/model.onnx.data").stat().st_size >= 4800
    assert model == network_of_onnx(300)
    (loaded,) = nbtrack.onnx.load_model("m").graph.initializer
    assert loaded.raw_data == model.graph.initializer[0].raw_data
    nbtrack.onnx.save_model(model, "whole", save_as_external_data=False)
    assert not Path("whole/model.onnx.data").exists()
    stranger(monkeypatch)
    assert nbtrack.pyfunc.load_model("m").predict(ROWS)["y"].shape == (3, 300)
    file = Path("m/model.onnx")
    content = file.read_bytes()
    Path("secret.data.onnx").write_bytes(bytes(4800))
    for elsewhere in (b"../secret.dataxx"[:15], b"/etc/passwd1234"):
        file.write_bytes(content.replace(b"model.onnx.data", elsewhere))
        with pytest.raises(InvalidParameterError, match=r"no file of"):
            nbtrack.onnx.load_model("m")
    file.write_bytes(content)
    Path("m/model.onnx.data").unlink()
    Path("m/model.onnx.data").symlink_to(Path("secret.data.onnx").absolute())
    with pytest.raises(InvalidParameterError, match=r"no file of"):
        nbtrack.pyfunc.load_model("m")


def test_settings_of_a_stranger_that_may_name_files_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnx")
    library = ("CPUExecutionProvider", {"library": "evil.so"})
    nbtrack.onnx.save_model(network_of_onnx(), "a", onnx_execution_providers=[library])
    config = {"extra_session_config": {"ep.context_file_path": "x"}}
    nbtrack.onnx.save_model(network_of_onnx(), "b", onnx_session_options=config)
    stranger(monkeypatch)
    for name in "ab":
        with pytest.raises(UntrustedError, match="settings of onnxruntime"):
            nbtrack.pyfunc.load_model(name)
    Path("a/model.onnx").write_bytes(b"no protobuf")
    with pytest.raises(UnreadableModelError):
        nbtrack.onnx.load_model("a")


# -- SHAP -------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore")  # of Numba's and SHAP's, about other packages
def test_an_explainer_of_shap_comes_back_with_its_model(monkeypatch: pytest.MonkeyPatch) -> None:
    shap = pytest.importorskip("shap")
    from sklearn.linear_model import LinearRegression

    model = LinearRegression().fit(FRAME.to_numpy(), [0.0, 1.0, 3.0, 3.5])
    explainer = shap.LinearExplainer(model, FRAME.to_numpy())
    wanted = explainer(FRAME.to_numpy()).values
    info = nbtrack.shap.log_explainer(explainer, name="m", input_example=FRAME)
    assert info.verified == "outputs"
    loaded = nbtrack.shap.load_explainer(info.model_uri)
    assert np.allclose(loaded(FRAME.to_numpy()).values, wanted)
    assert np.allclose(nbtrack.pyfunc.load_model(info.model_uri).predict(FRAME), wanted)
    nbtrack.shap.save_explainer(explainer, "pickle", serialization_format="pickle")
    nbtrack.shap.save_model(explainer, "source")
    stranger(monkeypatch)
    for name, what in [("pickle", "a pickle"), ("source", "the source")]:
        with pytest.raises(UntrustedError, match=what):
            nbtrack.pyfunc.load_model(name)
        assert np.allclose(nbtrack.pyfunc.load_model(name, trust=True).predict(FRAME), wanted)
    with pytest.raises(InvalidParameterError, match="is no explainer"):
        nbtrack.shap.save_explainer(model, "n")


@pytest.mark.filterwarnings("ignore")  # of these libraries
@pytest.mark.parametrize("module", modules_of(__file__))
def test_examples_in_docstrings_do_what_they_show(module: str) -> None:
    assert not (told := failures_of(module)), told
