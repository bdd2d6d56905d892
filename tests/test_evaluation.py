"""``nbtrack.evaluate``: what it takes, what it logs, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import nbtrack
from mlflow_evaluation import fitted, frame
from nbtrack.errors import InvalidParameterError, NbtrackError, NbtrackWarning, NotFoundError
from nbtrack.models import make_metric
from nbtrack.models.evaluation import figures

pytestmark = pytest.mark.usefixtures("workdir")

OFF = {"log_model_explainability": False}


@pytest.fixture(autouse=True)
def quick_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Draw the figures, but do not make pictures of them: the files are what counts here."""
    monkeypatch.setattr(figures, "png", lambda figure: b"\x89PNG of " + repr(figure).encode())


def classify(rows: pd.DataFrame, **more):
    config = {**OFF, **more.pop("config", {})}
    kept = rows[["a", "b", "y", "guess"]] if "predictions" in more else rows[["a", "b", "y"]]
    how = {"data": kept, "targets": "y", "model_type": "classifier", **more}
    return nbtrack.evaluate(evaluator_config=config, **how)


def positive(x):
    return (x["a"] > 0).astype(int)


def test_a_logged_model_has_its_metrics_once_in_the_run_and_on_itself():
    data = frame()
    info = nbtrack.sklearn.log_model(fitted(data, "y"), name="model")
    with nbtrack.start_run() as run:
        result = classify(data, model=info.model_uri)
    client = nbtrack.MlflowClient()
    history = client.get_metric_history(run.info.run_id, "roc_auc")
    assert [each.value for each in history] == [result.metrics["roc_auc"]]
    model = nbtrack.get_logged_model(info.model_id)
    assert {each.key for each in model.metrics} == set(result.metrics)
    assert {each.dataset_name for each in model.metrics} == {"dataset"}
    found = client.get_run(run.info.run_id)
    assert [each.model_id for each in found.inputs.model_inputs] == [info.model_id]
    assert [each.dataset.name for each in found.inputs.dataset_inputs] == ["dataset"]
    entry = json.loads(found.data.tags["mlflow.datasets"])[0]
    assert entry["model"] == info.model_uuid
    assert result.run_id == run.info.run_id


def test_a_model_of_another_store_has_its_metrics_in_the_run_alone(workdir):
    data = frame()
    info = nbtrack.sklearn.log_model(fitted(data, "y"), name="model")
    folder = nbtrack.artifacts.download_artifacts(info.model_uri, dst_path=str(workdir / "copy"))
    nbtrack.set_tracking_uri(workdir / "other.duckdb")
    found = nbtrack.get_run(classify(data, model=folder).run_id)
    assert found.data.metrics["example_count"] == 60
    assert found.inputs.model_inputs == []
    with pytest.raises(NotFoundError, match="not found"):
        classify(data, predictions="guess", model_id="m-" + "0" * 32)
    with pytest.raises(InvalidParameterError, match="contradicts the model_id"):
        classify(data, model=folder, model_id="m-" + "0" * 32)


def test_without_a_run_one_is_opened_and_ended():
    result = classify(frame(), predictions="guess")
    assert nbtrack.active_run() is None
    assert nbtrack.get_run(result.run_id).info.status == "FINISHED"
    with pytest.raises(ZeroDivisionError):
        classify(frame(), model=lambda x: 1 // 0)
    failed = nbtrack.search_runs(filter_string="status = 'FAILED'", output_format="list")
    assert len(failed) == 1


def test_data_may_come_in_many_forms():
    data = frame()[["a", "b", "y"]]
    pl = pytest.importorskip("polars")
    forms = [
        {},
        {"data": pl.DataFrame({name: data[name].to_numpy() for name in data})},
        {"data": nbtrack.data.from_pandas(data, targets="y"), "targets": None},
        {"data": data.astype({"y": "Int64", "a": "Float64"})},
    ]
    found = [classify(frame(), model=positive, **form).metrics for form in forms]
    x, y = data[["a", "b"]].to_numpy(), data["y"].to_numpy()
    for form in ({"data": x, "targets": y}, {"data": x.tolist(), "targets": y.tolist()}):
        named = {**form, "feature_names": ["a", "b"]}
        assert classify(frame(), model=positive, **named).metrics == found[0]
        more = {**form, "model": lambda x: (x["feature_1"] > 0).astype(int)}
        assert classify(frame(), **more).metrics == found[0]
    assert all(each == found[0] for each in found)


def test_a_model_gets_its_features_as_it_was_trained():
    data = frame()
    x = data[["a", "b"]].to_numpy()
    for_arrays = nbtrack.sklearn.log_model(fitted(data, "y").fit(x, data["y"]), name="arrays")
    for_frames = nbtrack.sklearn.log_model(fitted(data, "y"), name="frames")
    asked = [(for_arrays, {}), (for_frames, {"data": x, "targets": data["y"].to_numpy()})]
    # scikit-learn warns of names that it does not expect; a warning is an error here
    one, two = [classify(data, model=info, **form).metrics for info, form in asked]
    assert one["score"] == pytest.approx(two["score"])


def test_columns_of_probabilities_are_as_good_as_labels():
    def softmax(x):
        odds = np.exp(np.column_stack([np.zeros(len(x)), x["a"] * 2]))
        return odds / odds.sum(axis=1, keepdims=True)

    found = classify(frame(), model=softmax).metrics
    assert found["accuracy_score"] == classify(frame(), model=positive).metrics["accuracy_score"]
    assert 0.5 < found["roc_auc"] < 1
    with pytest.raises(InvalidParameterError, match="neither labels nor probabilities"):
        classify(frame(), model=lambda x: x.to_numpy())


def test_a_class_that_the_data_lacks_is_no_obstacle():
    three = frame(classes=3)
    info = nbtrack.sklearn.log_model(fitted(three, "y"), name="model")
    result = classify(three[three["y"] < 2], model=info.model_uri)
    table = result.artifacts["per_class_metrics"].content
    assert list(table["positive_class"]) == [0, 1, 2]
    assert table["roc_auc"].isna().tolist() == [False, False, True]
    assert 0.5 < result.metrics["roc_auc"] <= 1


def test_a_prefix_is_before_metrics_and_all_files():
    def sizes(eval_df, builtin_metrics, artifacts_dir):
        return {"sizes": eval_df["target"].value_counts().to_frame()}

    three = frame(classes=3)
    with nbtrack.start_run() as run:
        config = {"metric_prefix": "val_"}
        result = classify(three, predictions="guess", config=config, custom_artifacts=[sizes])
    files = [each.path for each in nbtrack.artifacts.list_artifacts(run_id=run.info.run_id)]
    names = ["confusion_matrix.png", "per_class_metrics.csv", "sizes.csv"]
    assert files == [f"val_{name}" for name in names]
    assert sorted(result.artifacts) == [name.partition(".")[0] for name in names]
    assert all(name.startswith("val_") for name in result.metrics)
    assert nbtrack.get_run(run.info.run_id).inputs.dataset_inputs[0].tags[0].value == "val_"


def test_metrics_get_what_their_parameters_name():
    def cost(targets, price, b, accuracy_score, hit, offset=0.5):
        assert len(b) == len(targets) == 60
        assert accuracy_score.aggregate_results["accuracy_score"] == pytest.approx(percent(hit))
        return price * len(targets) + offset

    def hit(predictions, targets):
        return 100 * float((predictions == targets).mean())

    def percent(value):
        return value.aggregate_results["hit"] / 100

    # cost stands before what it is computed of
    metrics = [make_metric(eval_fn=f, greater_is_better=False) for f in (cost, hit)]
    found = classify(frame(), predictions="guess", extra_metrics=metrics, config={"price": 2})
    assert found.metrics["cost"] == 120.5
    assert found.metrics["hit"] == pytest.approx(100 * found.metrics["accuracy_score"])
    renamed = {"col_mapping": {"price": "a", "hit": 3}}
    other = make_metric(
        eval_fn=lambda targets, price, hit: float(price.sum()) + hit,
        greater_is_better=True,
        name="sum",
    )
    more = classify(frame(), predictions="guess", extra_metrics=[other], config=renamed)
    assert more.metrics["sum"] == pytest.approx(frame()["a"].sum() + 3)


def test_a_metric_that_cannot_be_computed_is_named():
    def unknown(predictions, weather):
        return 1.0

    def fails(predictions, targets):
        raise ValueError("no luck")

    def words(predictions, targets):
        return "good"

    for function, said in (
        (unknown, "'unknown' needs weather"),
        (fails, "'fails' failed: ValueErr"),
        (words, "'words' returned str"),
    ):
        metric = make_metric(eval_fn=function, greater_is_better=True)
        with pytest.raises(NbtrackError, match=said):
            classify(frame(), predictions="guess", extra_metrics=[metric])
    with pytest.raises(InvalidParameterError, match="no metric: make_metric"):
        classify(frame(), predictions="guess", extra_metrics=[words])
    with pytest.raises(InvalidParameterError, match="`name` must be specified"):
        make_metric(eval_fn=lambda predictions: 1, greater_is_better=True)


def test_ready_metrics_follow_labels_and_weights():
    data = frame(classes=3)
    weights = np.linspace(1, 2, len(data))
    ready = [nbtrack.metrics.f1_score(), nbtrack.metrics.recall_score()]
    config = {"sample_weights": weights}
    plain = classify(data, predictions="guess", config=config).metrics
    assert classify(data, predictions="guess", config=config, extra_metrics=ready).metrics == plain


def test_scores_of_rows_become_one_table():
    def distance(predictions, targets):
        scores = (predictions - targets).abs().tolist()
        return nbtrack.metrics.MetricValue(scores, [f"off by {each}" for each in scores])

    metric = make_metric(eval_fn=distance, greater_is_better=False, version="v1")
    data = frame()[["a", "y", "guess"]].set_index("a", drop=False)
    with nbtrack.start_run():
        for _ in range(2):  # the second takes the place of the first
            result = nbtrack.evaluate(
                data=data, targets="y", predictions="guess", extra_metrics=[metric]
            )
    table = result.tables["eval_results_table"]
    assert list(table) == ["a", "y", "guess", "distance/v1/score", "distance/v1/justification"]
    assert len(table) == len(data)
    assert (table["distance/v1/score"] == (table["y"] - table["guess"]).abs()).all()
    assert result.metrics["distance/v1/mean"] == table["distance/v1/score"].mean()
    assert nbtrack.load_table("eval_results_table.json", [result.run_id]).equals(table)


def test_custom_artifacts_are_kept_by_what_they_are():
    def made(eval_df, builtin_metrics, artifacts_dir):
        from matplotlib.figure import Figure

        notes = Path(artifacts_dir, "notes.txt")
        notes.write_text("fine")
        figure = Figure()
        figure.add_subplot().plot([0, 1])
        return {
            "frame": eval_df.head(2),
            "array": np.arange(3),
            "figure": figure,
            "json": json.dumps({"a": [1]}),
            "value": {"n": np.int64(3), "of": builtin_metrics["example_count"]},
            "notes": str(notes),
        }

    found = classify(frame(), predictions="guess", custom_artifacts=[made]).artifacts
    assert len(found["frame"].content) == 2
    assert found["array"].content.tolist() == [0, 1, 2]
    assert found["figure"].content.size == (640, 480)
    assert found["json"].content == {"a": [1]}
    assert found["value"].content == {"n": 3, "of": 60}
    assert found["notes"].content == "fine"
    for value, said in ((object(), "nothing is kept as a pickle"), ("no file", "neither a path")):
        made = [lambda *_, value=value: {"x": value}]
        with pytest.raises(InvalidParameterError, match=said):
            classify(frame(), predictions="guess", custom_artifacts=made)


def test_a_result_is_saved_and_loaded(workdir):
    three = frame(classes=3)
    result = classify(three, predictions="guess")
    result.save(workdir / "kept")
    found = nbtrack.models.EvaluationResult.load(workdir / "kept")
    assert found.metrics == result.metrics
    assert found.artifacts["per_class_metrics"].content.equals(
        result.artifacts["per_class_metrics"].content
    )
    known = json.loads((workdir / "kept" / "artifacts_metadata.json").read_text())
    name = known["confusion_matrix"]["class_name"]
    assert name == "mlflow.models.evaluation.artifacts.ImageEvaluationArtifact"
    with pytest.raises(NotFoundError, match="no result of an evaluation"):
        nbtrack.models.EvaluationResult.load(workdir)


def test_a_result_is_shown_without_its_names_becoming_html():
    result = nbtrack.models.EvaluationResult({"<b>": 0.123456789, "count": 1200}, {}, "r<1")
    shown = result._repr_html_()
    assert "&lt;b&gt;" in shown
    assert "<b>" not in shown
    assert "r&lt;1" in shown
    assert "0.12346" in shown
    assert "1,200" in shown


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"targets": "z"},
            r"no column 'z', which targets names. Its columns are \['a', 'b', 'y'\]",
        ),
        ({"model": lambda x: [np.nan, *[0] * 59]}, "1 of 60 predictions are missing .* row 0"),
        ({"model": lambda x: [0, 1]}, "2 predictions for 60 examples"),
        (
            {"model": lambda x: ["cat"] * 60},
            "targets are numbers, such as 1, .* text, such as 'cat'",
        ),
        ({"model": lambda x: x["a"]}, "probabilities or scores"),
        ({"model": positive, "config": {"label_list": [1, 2]}}, r"targets .* not name: \[0\]"),
        (
            {"model": positive, "config": {"sample_weights": [1, 2]}},
            "each of the 60 examples; got 2",
        ),
        ({"model": object()}, "object cannot be evaluated"),
        ({"model": positive, "model_type": "text"}, "language models and traces"),
        ({"model": positive, "model_type": "clasifier"}, "neither 'classifier' nor 'regressor'"),
        ({"model": "endpoints:/chat"}, "deployment of Databricks"),
        ({"model": positive, "evaluators": "mine"}, "There is no evaluator 'mine'"),
        ({"model": positive, "feature_names": ["a", "a"]}, "unique feature names"),
        (
            {"data": [[1.0], [2.0]], "targets": [1]},
            "same length with labels array: there are 2 and 1",
        ),
        ({"model_type": "regressor", "model": lambda x: ["a"] * 60}, "are numbers; got 'a'"),
        (
            {"model_type": "regressor", "model": lambda x: [np.inf] * 60},
            "regressor cannot be scored: Input .* infinity",
        ),
        ({"model": positive, "data": frame()[["a", "y"]].head(0)}, "no rows"),
        ({}, "Either a model or set of predictions"),
    ],
)
def test_what_cannot_be_evaluated_is_said(changed, said):
    with pytest.raises(InvalidParameterError, match=said):
        classify(frame(), **changed)


def test_arguments_of_old_are_answered_with_the_new_way():
    for name, instead in (
        ("baseline_model", "validate_evaluation_results"),
        ("custom_metrics", "extra_metrics="),
    ):
        with pytest.raises(TypeError, match=instead):
            nbtrack.evaluate(data=frame(), **{name: None})
    with pytest.raises(TypeError, match="unexpected keyword argument"):
        nbtrack.evaluate(data=frame(), modeltype="classifier")


def test_a_figure_that_fails_stops_nothing(monkeypatch):
    monkeypatch.setattr(figures, "confusion_matrix", lambda *_, **__: 1 / 0)
    with pytest.warns(NbtrackWarning, match="'confusion_matrix' was not made: ZeroDivisionError"):
        result = classify(frame(), predictions="guess")
    assert result.metrics["example_count"] == 60
    assert result.artifacts == {}


def test_autologging_does_not_log_what_an_evaluation_computes():
    from nbtrack.autologging.training import is_muted

    said = []
    classify(frame(), model=lambda x: said.append(is_muted()) or positive(x))
    assert said == [True]
    assert not is_muted()


class Counting(nbtrack.models.evaluation.ModelEvaluator):
    """An evaluator as a package may bring it."""

    @classmethod
    def can_evaluate(cls, *, model_type, evaluator_config, **kwargs):
        return model_type == "classifier"

    def evaluate(self, *, dataset, run_id, evaluator_config, model=None, **kwargs):
        count = int(model(dataset.features_data).sum()) * evaluator_config.get("times", 1)
        return nbtrack.models.EvaluationResult({"positives": count}, {}, run_id)


def test_packages_bring_evaluators(monkeypatch):
    from importlib.metadata import EntryPoint

    from nbtrack.models.evaluation import evaluators

    brought = EntryPoint("counting", f"{__name__}:Counting", evaluators.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: Counting)
    monkeypatch.setattr(evaluators, "_brought", lambda: {"counting": brought})
    assert nbtrack.models.list_evaluators() == ["default", "counting"]
    how = {"targets": "y", "model_type": "classifier"}
    data = frame()[["a", "y"]]
    both = nbtrack.evaluate(positive, data, **how, evaluator_config=OFF).metrics
    assert both["positives"] == both["true_positives"] + both["false_positives"]
    config = {"counting": {"times": 3}, "default": OFF}
    alone = nbtrack.evaluate(
        positive, data, **how, evaluators=["counting"], evaluator_config=config
    )
    assert alone.metrics == {"positives": 3 * both["positives"]}
    with pytest.raises(InvalidParameterError, match="evaluator name list"):
        nbtrack.evaluate(
            positive, data, **how, evaluators=["counting"], evaluator_config={"times": 2}
        )
