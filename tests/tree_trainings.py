"""The smallest trainings of libraries for trees, for the real MLflow and for nbtrack alike."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def data() -> tuple[pd.DataFrame, pd.Series[Any]]:
    numbers = np.random.default_rng(0).normal(size=(60, 3))
    features = pd.DataFrame(numbers, columns=list("abc"))
    return features, (features.a + features.b > 0).astype(int)


def xgboost_train(**options: Any) -> Any:
    import xgboost

    features, target = data()
    matrix = xgboost.DMatrix(features, label=target)
    params = {"objective": "binary:logistic", "eval_metric": ["auc", "logloss"], "max_depth": 2}
    evals = [(matrix, "train")]
    return xgboost.train(params, matrix, 4, evals=evals, verbose_eval=False, **options)


def xgboost_fit(**options: Any) -> Any:
    import xgboost

    features, target = data()
    model = xgboost.XGBClassifier(n_estimators=4, early_stopping_rounds=2, **options)
    return model.fit(features, target, eval_set=[(features, target)], verbose=False)


def lightgbm_train(**options: Any) -> Any:
    import lightgbm

    features, target = data()
    params = {"objective": "binary", "verbose": -1, "num_threads": 1, "num_leaves": 3}
    train_set = lightgbm.Dataset(features, label=target)
    names = {"valid_sets": [train_set], "valid_names": ["train"]}
    return lightgbm.train(params, train_set, 4, **names, **options)


def lightgbm_fit(**options: Any) -> Any:
    import lightgbm

    features, target = data()
    model = lightgbm.LGBMClassifier(n_estimators=4, num_leaves=3, verbose=-1, n_jobs=1)
    held_out = {"eval_X": features.copy(), "eval_y": target}
    stop = lightgbm.early_stopping(2, verbose=False)
    return model.fit(features, target, **held_out, callbacks=[stop], **options)


def catboost_fit(**options: Any) -> Any:
    import catboost

    features, target = data()
    quiet = {"verbose": False, "allow_writing_files": False, "thread_count": 1}
    model = catboost.CatBoostClassifier(iterations=4, depth=2, random_seed=0, **quiet)
    return model.fit(features, target, eval_set=(features, target), **options)


def statsmodels_fit(**options: Any) -> Any:
    import statsmodels.api

    features, target = data()
    return statsmodels.api.OLS(target, features).fit(**options)


TRAININGS: dict[str, list[Any]] = {
    "xgboost": [xgboost_train, xgboost_fit],
    "lightgbm": [lightgbm_train, lightgbm_fit],
    "statsmodels": [statsmodels_fit],
}
