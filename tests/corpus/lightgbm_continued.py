# LightGBM: init_model, refit and booster.update

# %%
import lightgbm as lgb
import numpy as np
from sklearn.datasets import load_diabetes
%load_ext nbtrack

# %%
X, y = load_diabetes(return_X_y=True)
train_set = lgb.Dataset(X[:300], y[:300], free_raw_data=False)

# %%
params = dict(objective="regression", learning_rate=0.1, num_leaves=7, verbose=-1, seed=1, num_threads=1)

# %%
gbm = lgb.train(params, train_set, num_boost_round=10)

# %%
gbm.num_trees()

# %%
params["learning_rate"] = 0.02
gbm = lgb.train(params, train_set, num_boost_round=5, init_model=gbm)

# %%
booster = lgb.Booster(params, lgb.Dataset(X[:300], y[:300]))
for _ in range(8):
    booster.update()

# %%
%%track lightgbm
rmse = float(np.sqrt(np.mean((gbm.predict(X[300:]) - y[300:]) ** 2)))
other = float(np.sqrt(np.mean((booster.predict(X[300:]) - y[300:]) ** 2)))
{"rmse": rmse, "other": other}
