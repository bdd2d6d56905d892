# Cross validation with out-of-fold predictions and an ensemble

# %%
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.model_selection import KFold
%load_ext nbtrack

# %%
SEED = 42
N_SPLITS = 3
X, y = load_diabetes(return_X_y=True)
X, X_holdout, y, y_holdout = X[:350], X[350:], y[:350], y[350:]

# %%
oof = np.zeros(len(X))
holdout = np.zeros(len(X_holdout))
models = []

# %%
kf = KFold(n_splits=N_SPLITS, shuffle=True, random_state=SEED)

# %%
for fold, (tr, va) in enumerate(kf.split(X, y)):
    model = ExtraTreesRegressor(n_estimators=8, random_state=SEED + fold)
    model.fit(X[tr], y[tr])
    oof[va] = model.predict(X[va])
    holdout += model.predict(X_holdout) / N_SPLITS
    models.append(model)

# %%
np.clip(oof, 50, 250, out=oof);

# %%
importances = np.mean([m.feature_importances_ for m in models], axis=0)
order = np.argsort(importances)[::-1]

# %%
%%track ensemble
{
    "oof": float(np.sqrt(np.mean((oof - y) ** 2))), "holdout": float(np.sqrt(np.mean((holdout - y_holdout) ** 2))),
    "top": int(order[0]), "models": len(models),
}
