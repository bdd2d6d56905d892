"""Why a model predicts what it does: figures and values of SHAP."""

from __future__ import annotations

import io
from importlib.util import find_spec

import numpy as np
import pytest

import nbtrack
from mlflow_evaluation import fitted, frame
from nbtrack.errors import InvalidParameterError, NbtrackWarning
from nbtrack.models.evaluation import explanation, explanation_figures, figures

pytestmark = [
    pytest.mark.skipif(find_spec("shap") is None, reason="shap is not installed"),
    pytest.mark.usefixtures("workdir"),
]

NAMES = ["shap_beeswarm_plot", "shap_feature_importance_plot", "shap_summary_plot"]


def explained(**config):
    data = frame()[["a", "b", "y"]]
    info = nbtrack.sklearn.log_model(fitted(frame(), "y"), name="model")
    how = {"targets": "y", "model_type": "classifier", "evaluator_config": config}
    return nbtrack.evaluate(info, data, **how)


def test_a_model_is_explained_unless_it_is_not_wanted(monkeypatch):
    drawn = []
    monkeypatch.setattr(figures, "png", lambda figure: drawn.append(figure) or b"\x89PNG")
    found = explained(metric_prefix="val_")
    assert [name for name in found.artifacts if name.startswith("shap")] == [
        NAMES[0],
        NAMES[2],
        NAMES[1],
    ]
    assert found.artifacts[NAMES[0]].file_name == f"val_{NAMES[0]}.png"
    names = [each.get_text() for each in drawn[-1].axes[0].get_yticklabels()]
    assert names == ["a", "b"]  # a says more of y
    assert not [n for n in explained(log_model_explainability=False).artifacts if "shap" in n]


def test_what_cannot_be_explained_stops_nothing(monkeypatch):
    monkeypatch.setattr(figures, "png", lambda figure: b"\x89PNG")
    monkeypatch.setattr(explanation, "_explainer", lambda *_, **__: 1 / 0)
    with pytest.warns(NbtrackWarning, match="not explained: ZeroDivisionError"):
        assert explained().metrics["example_count"] == 60
    with pytest.raises(ZeroDivisionError):
        explained(ignore_exceptions=False)
    with pytest.raises(InvalidParameterError, match="algorithm magic is unsupported"):
        explained(explainability_algorithm="magic")


def test_the_values_of_a_function_are_logged():
    x = frame()[["a", "b"]].head(8)
    with nbtrack.start_run() as run:
        uri = nbtrack.shap.log_explanation(lambda x: 3 * x[:, 0], x)
    assert uri == f"{run.info.artifact_uri}/model_explanations_shap"
    files = nbtrack.artifacts.list_artifacts(
        run_id=run.info.run_id, artifact_path=explanation._FOLDER
    )
    names = [each.path.rpartition("/")[2] for each in files]
    assert names == ["base_values.npy", "shap_values.npy", "summary_bar_plot.png"]
    base, values = (
        np.load(nbtrack.artifacts.download_artifacts(f"{uri}/{name}")) for name in names[:2]
    )
    np.testing.assert_allclose(base + values.sum(axis=1), 3 * x["a"], atol=1e-6)
    assert abs(values[:, 1]).max() < 1e-9


def test_many_features_and_classes_fit_in_a_figure():
    rng = np.random.default_rng(0)
    values, features = rng.normal(size=(30, 25, 3)), rng.normal(size=(30, 25))
    names = [f"a feature with quite a long name, number {i}" for i in range(25)]
    bars = explanation_figures.importance(values, names, classes=["x", "y", "z"]).axes[0]
    assert bars.get_yticklabels()[-1].get_text() == "sum of 15 others"
    assert [each.get_text() for each in bars.get_legend().get_texts()] == ["x", "y", "z"]
    swarm = explanation_figures.beeswarm(values[:, :, 0], features, names)
    assert len(swarm.axes[0].collections) == 10
    with io.BytesIO(figures.png(swarm)) as file:
        assert file.read(4) == b"\x89PNG"
