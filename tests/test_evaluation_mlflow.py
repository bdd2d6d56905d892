"""Evaluations give what MLflow's give: the record is of ``mlflow_evaluation.py``."""

from __future__ import annotations

import json

import pytest

import nbtrack
from mlflow_evaluation import NAMES, RECORDED, answers, frame
from nbtrack.errors import InvalidParameterError
from nbtrack.models import MetricThreshold
from nbtrack.models.evaluation import figures
from nbtrack.models.evaluation.validation import (
    MetricThresholdClassException,
    ModelValidationFailedException,
)

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workdir")]


def test_metrics_and_artifacts_are_those_of_mlflow(monkeypatch):
    monkeypatch.setattr(figures, "png", lambda figure: b"\x89PNG")
    theirs = json.loads(RECORDED.read_text("utf-8"))["answers"]
    ours = answers(nbtrack)
    assert list(ours) == list(theirs)
    # there a class that the data lacks is an error, and a missing column a KeyError
    assert theirs.pop("three missing class") == {"error": "ValueError"}
    assert set(ours.pop("three missing class")["metrics"]) == set(theirs["three model"]["metrics"])
    # there a weighted sum is divided by the number of examples
    for found in (theirs, ours):
        mean = found["regressor weights"]["metrics"].pop("mean_on_target")
        assert (mean > 6) == (found is theirs)
    # there the CSV has no prefix, and aggregations have two
    prefixed, mine = theirs["prefix"], ours["prefix"]
    prefixed["files"] = sorted(f"val_{name.removeprefix('val_')}" for name in prefixed["files"])
    prefixed["metrics"] = {
        name.replace("/val_", "/"): value for name, value in prefixed["metrics"].items()
    }
    assert list(mine["metrics"]) == sorted(prefixed["metrics"])
    for name, found in theirs.items():
        mine = ours[name]
        assert ("error" in mine) == ("error" in found), name
        if "error" in found:
            continue
        assert mine["metrics"] == pytest.approx(found["metrics"]), name
        for what in ("artifacts", "files", "table"):
            assert mine.get(what) == found.get(what), (name, what)
        if "per_class" in found:
            assert mine["per_class"]["columns"] == found["per_class"]["columns"]
            pairs = zip(mine["per_class"]["data"], found["per_class"]["data"], strict=True)
            assert all(one[1:] == pytest.approx(two[1:]) and one[0] == two[0] for one, two in pairs)


def result(**metrics: float) -> nbtrack.models.EvaluationResult:
    return nbtrack.models.EvaluationResult(metrics, {})


def test_thresholds_hold_or_are_named():
    good = MetricThreshold(0.8, 0.05, 0.05, greater_is_better=True)
    low = MetricThreshold(threshold=1.0, greater_is_better=False)
    before = result(accuracy=0.8, loss=2.0)
    validate = nbtrack.validate_evaluation_results
    assert validate({"accuracy": good, "loss": low}, result(accuracy=0.9, loss=0.5), before) is None
    with pytest.raises(ModelValidationFailedException) as failed:
        validate({"accuracy": good, "loss": low, "f1": low}, result(accuracy=0.79, loss=3), before)
    said = str(failed.value)
    for each in ("threshold check failed", "absolute change check", "relative change check"):
        assert (
            f"Metric accuracy {'value ' if 'threshold check' in each else 'minimum '}{each}" in said
        )
    assert "candidate model loss = 3, loss threshold = 1.0" in said
    assert "metric f1 was missing" in said
    with pytest.raises(ModelValidationFailedException, match=r"missing from the .* baseline"):
        validate({"accuracy": good}, result(accuracy=0.9))
    with pytest.raises(InvalidParameterError, match="maps strings to MetricThreshold"):
        validate({"accuracy": 0.8}, result(accuracy=0.9))


def test_a_relative_change_of_a_negative_baseline_points_the_right_way():
    better = {"r2": MetricThreshold(min_relative_change=0.5, greater_is_better=True)}
    nbtrack.validate_evaluation_results(better, result(r2=-0.5), result(r2=-1.0))
    with pytest.raises(ModelValidationFailedException):
        nbtrack.validate_evaluation_results(better, result(r2=-1.5), result(r2=-1.0))
    with pytest.raises(ModelValidationFailedException):
        nbtrack.validate_evaluation_results(better, result(r2=float("nan")), result(r2=-1.0))


@pytest.mark.parametrize(
    "wrong",
    [
        {"greater_is_better": True},
        {"threshold": 1},
        {"threshold": "1", "greater_is_better": True},
        {"min_absolute_change": -1, "greater_is_better": True},
        {"min_relative_change": 2.0, "greater_is_better": True},
        {"threshold": 1, "greater_is_better": 1},
    ],
)
def test_a_threshold_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(MetricThresholdClassException, match="Could not instantiate"):
        MetricThreshold(**wrong)


def test_mlflows_paths_lead_here():
    from nbtrack.data.evaluation_dataset import EvaluationDataset
    from nbtrack.metrics.base import MetricValue

    from nbtrack.models.evaluation import base, validation

    assert base.evaluate is nbtrack.evaluate is nbtrack.models.evaluate
    assert validation.MetricThreshold is MetricThreshold
    assert nbtrack.metrics.MetricValue is MetricValue
    assert nbtrack.models.list_evaluators() == ["default"]
    data = EvaluationDataset(frame()[["a", "y"]], targets="y", path="data.csv")
    assert (data.has_targets, data.feature_names, data.targets_name) == (True, ["a"], "y")
    assert len(NAMES) == 3
