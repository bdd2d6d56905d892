# Settings by environment variable

# %%
import os

import numpy as np
%load_ext nbtrack

# %%
%env N_ESTIMATORS=12

# %%
os.environ["MAX_DEPTH"] = "2"
os.environ.setdefault("LEARNING_RATE", "0.2")

# %%
def settings():
    return {
        "n_estimators": int(os.environ["N_ESTIMATORS"]),
        "max_depth": int(os.getenv("MAX_DEPTH", "3")),
        "learning_rate": float(os.environ.get("LEARNING_RATE", 0.1)),
    }

# %%
from sklearn.datasets import load_diabetes
from sklearn.ensemble import GradientBoostingRegressor

X, y = load_diabetes(return_X_y=True)
y = (y - y.mean()) / y.std()

# %%
%set_env SUBSAMPLE=0.7

# %%
gbr = GradientBoostingRegressor(**settings(), subsample=float(os.environ["SUBSAMPLE"]), random_state=0)
gbr.fit(X[:350], y[:350])

# %%
del os.environ["LEARNING_RATE"]

# %%
%%track by_environment
later = settings()
{"score": gbr.score(X[350:], y[350:]), "rate": later["learning_rate"], "depth": later["max_depth"]}
