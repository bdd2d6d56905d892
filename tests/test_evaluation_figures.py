"""Figures and scores of classifiers and regressors."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from nbtrack.errors import InvalidParameterError
from nbtrack.models.evaluation import figures, scores

TRUE = np.array(["cat", "dog", "dog", "cat", "dog", "cat"])
PROB = np.array([[0.8, 0.2], [0.4, 0.6], [0.6, 0.4], [0.7, 0.3], [0.1, 0.9], [0.45, 0.55]])
LABELS = ["cat", "dog"]
PRED = np.array(LABELS)[PROB.argmax(axis=1)]


def test_binary_scores_follow_the_positive_label():
    dog = scores.binary_scores(TRUE, PRED, PROB, labels=LABELS)
    cat = scores.binary_scores(TRUE, PRED, PROB, labels=LABELS, pos_label="cat")
    assert (dog["true_positives"], dog["false_positives"], dog["false_negatives"]) == (2, 1, 1)
    assert dog["recall_score"] == pytest.approx(2 / 3)
    assert cat["true_positives"] == dog["true_negatives"]
    assert dog["roc_auc"] == pytest.approx(cat["roc_auc"]) == pytest.approx(8 / 9)
    assert dog["log_loss"] == cat["log_loss"]
    # one column is the probability of the second class
    assert scores.binary_scores(TRUE, PRED, PROB[:, 1], labels=LABELS) == dog


def test_a_class_that_is_missing_leaves_out_what_is_not_defined():
    only = scores.binary_scores(["cat"] * 3, PRED[:3], PROB[:3], labels=LABELS)
    assert "roc_auc" not in only
    assert only["log_loss"] == pytest.approx(-np.log([0.8, 0.4, 0.6]).mean())
    prob = np.column_stack([PROB * 0.9, np.full(6, 0.1)])
    three = scores.multiclass_scores(TRUE, PRED, prob, labels=[*LABELS, "fox"])
    assert three["roc_auc"] == pytest.approx(8 / 9)
    table = scores.per_class_scores(TRUE, PRED, prob, labels=[*LABELS, "fox"])
    assert np.isnan(table["roc_auc"][2])
    assert list(table["true_positives"]) == [2, 2, 0]


def test_probabilities_of_single_precision_are_no_mistake():
    prob = np.random.default_rng(0).dirichlet(np.ones(7), 50).astype("float32")
    y = np.arange(50) % 7
    found = scores.multiclass_scores(y, prob.argmax(axis=1), prob, labels=range(7))
    assert found["log_loss"] == pytest.approx(-np.log(prob[np.arange(50), y]).mean(), rel=1e-5)


def test_weights_of_examples_count():
    y, predicted, weights = [1.0, 2.0, 3.0], [1.0, 2.0, 5.0], [1, 1, 2]
    found = scores.regression_scores(y, predicted, weights)
    repeated = scores.regression_scores([*y, 3.0], [*predicted, 5.0])
    assert found.pop("example_count") == repeated.pop("example_count") - 1
    assert found == pytest.approx(repeated)


def test_labels_that_do_not_fit_are_named():
    with pytest.raises(InvalidParameterError, match="'fox'"):
        scores.probability_scores(["fox"], [[0.5, 0.5]], LABELS)
    with pytest.raises(InvalidParameterError, match="'label_list'"):
        scores.probability_scores(TRUE, PROB, ["cat", "dog", "fox"])
    with pytest.raises(InvalidParameterError, match="'pos_label' 'fox'"):
        figures.roc_curve(TRUE, PROB, LABELS, pos_label="fox")


def test_a_confusion_matrix_says_shares_and_counts():
    figure = figures.confusion_matrix(TRUE, PRED, LABELS)
    texts = [each.get_text() for each in figure.axes[0].texts]
    assert texts == ["0.67\n(2)", "0.33\n(1)", "0.33\n(1)", "0.67\n(2)"]
    counts = figures.confusion_matrix(TRUE, PRED, LABELS, normalize=False)
    assert [each.get_text() for each in counts.axes[0].texts] == ["2", "1", "1", "2"]


@pytest.mark.parametrize("make", ["roc_curve", "precision_recall_curve", "calibration_curve"])
def test_more_than_two_classes_have_a_curve_each(make):
    y = np.arange(60) % 3
    prob = np.random.default_rng(0).dirichlet(np.ones(4), 60)  # of the fourth there is no example
    axes = getattr(figures, make)(y, prob, range(4)).axes[0]
    named = [each.get_text() for each in axes.get_legend().get_texts()]
    assert [text[0] for text in named if text[0].isdigit()] == list(
        "0123" if make == "calibration_curve" else "012"
    )
    assert figures.png(axes.figure).startswith(b"\x89PNG")


def test_curves_are_those_of_scikit_learn():
    from sklearn.calibration import calibration_curve

    rng = np.random.default_rng(0)
    y, prob = rng.integers(0, 2, 300), rng.random(300)
    line = figures.calibration_curve(y, prob, n_bins=7).axes[0].lines[0]
    right, mean = calibration_curve(y, prob, n_bins=7)
    np.testing.assert_allclose(line.get_xdata(), mean)
    np.testing.assert_allclose(line.get_ydata(), right)
    lift = figures.lift_curve(y, prob, pos_label=1).axes[0]
    assert lift.lines[1].get_ydata()[-1] == pytest.approx(1.0)
    assert "(positive)" in lift.get_legend().get_texts()[1].get_text()


def test_figures_leave_pyplot_and_its_settings_alone(monkeypatch):
    import matplotlib as mpl

    monkeypatch.delitem(sys.modules, "matplotlib.pyplot", raising=False)
    monkeypatch.delattr(mpl, "pyplot", raising=False)
    # asking for the backend by the usual way would import pyplot
    before = {key: dict.__getitem__(mpl.rcParams, key) for key in mpl.rcParams}
    for make in (figures.roc_curve, figures.lift_curve, figures.calibration_curve):
        figures.png(make([0, 1, 1, 0], [0.1, 0.9, 0.4, 0.5]))
    figures.png(figures.confusion_matrix([0, 1], [1, 1]))
    assert {key: dict.__getitem__(mpl.rcParams, key) for key in mpl.rcParams} == before
    assert "matplotlib.pyplot" not in sys.modules
