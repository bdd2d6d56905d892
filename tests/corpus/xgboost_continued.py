# XGBoost: a booster that goes on training

# %%
import numpy as np
import xgboost as xgb
from sklearn.datasets import load_breast_cancer
%load_ext nbtrack

# %%
X, y = load_breast_cancer(return_X_y=True)
rng = np.random.default_rng(0)
order = rng.permutation(len(X))
X, y = X[order], y[order]

# %%
dtrain = xgb.DMatrix(X[:400], label=y[:400])
dvalid = xgb.DMatrix(X[400:], label=y[400:])

# %%
params = {"objective": "binary:logistic", "max_depth": 2, "eta": 0.1, "seed": 0, "nthread": 1}
params["eval_metric"] = "logloss"

# %%
bst = xgb.train(params, dtrain, num_boost_round=5)

# %%
print(bst.eval(dvalid))

# %%
dtrain.set_weight(np.where(y[:400] == 1, 1.0, 2.0))

# %%
for i in range(5, 10):
    bst.update(dtrain, i)

# %%
bst.set_param({"eta": 0.5})
bst = xgb.train({**params, "eta": 0.5}, dtrain, num_boost_round=3, xgb_model=bst)

# %%
%%track booster
p = bst.predict(dvalid)
logloss = float(-np.mean(np.log(np.where(y[400:] == 1, p, 1 - p))))
{"logloss": logloss, "rounds": bst.num_boosted_rounds()}
