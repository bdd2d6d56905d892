"""The smallest fits of scikit-learn, for the real MLflow and for nbtrack alike."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn import metrics
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier

X = np.random.default_rng(0).normal(size=(40, 3))
TWO = (X[:, 0] + X[:, 1] > 0).astype(int)
THREE = np.arange(40) % 3
Y = X @ [1.0, 2.0, 3.0]


def classifier() -> Any:
    return LogisticRegression(C=0.5).fit(X, TWO)


def three_classes() -> Any:
    return DecisionTreeClassifier(max_depth=3, random_state=0).fit(X, THREE)


def regressor() -> Any:
    return Ridge().fit(X, Y, sample_weight=np.arange(40.0))


def pipeline() -> Any:
    steps = [("scale", StandardScaler()), ("ridge", Ridge())]
    return Pipeline(steps).fit(X, Y)


def search() -> Any:
    return GridSearchCV(Ridge(), {"alpha": [0.1, 1.0, 10.0]}, cv=2).fit(X, Y)


def clusters() -> Any:
    return KMeans(2, n_init=1, random_state=0).fit(X)


def components() -> Any:
    return PCA(2).fit_transform(X)


def scaler() -> Any:
    return StandardScaler().fit_transform(X)


def scores_later() -> Any:
    model = LogisticRegression().fit(X, TWO)
    x_test, y_test = X[:30], TWO[:30]
    x_new = X[30:]
    predicted = model.predict(x_test)
    metrics.accuracy_score(y_test, predicted)
    metrics.accuracy_score(TWO[30:], model.predict(x_new))
    metrics.f1_score(y_test, y_pred=predicted, average="macro")
    metrics.f1_score(y_test, y_test)
    metrics.get_scorer("roc_auc")(model, x_test, y_test)
    return model.score(x_test, y_test)


TRAININGS: dict[str, list[Any]] = {
    "sklearn": [
        classifier,
        three_classes,
        regressor,
        pipeline,
        search,
        clusters,
        components,
        scaler,
        scores_later,
    ]
}
