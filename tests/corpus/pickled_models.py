# Models by joblib and pickle

# %%
import pickle

import joblib
from sklearn.datasets import load_wine
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
from sklearn.preprocessing import StandardScaler
%load_ext nbtrack

# %%
X, y = load_wine(return_X_y=True)
scaler = StandardScaler()
Xs = scaler.fit_transform(X)

# %%
joblib.dump(scaler, "scaler.joblib")

# %%
sgd = SGDClassifier(loss="log_loss", random_state=0, max_iter=20, tol=None)
sgd.fit(Xs[::2], y[::2])
with open("sgd.pkl", "wb") as f:
    pickle.dump({"model": sgd, "features": X.shape[1]}, f)

# %%
sgd.partial_fit(Xs[1::2], y[1::2])

# %%
with open("sgd.pkl", "rb") as f:
    bundle = pickle.load(f)

# %%
restored = joblib.load("scaler.joblib")

# %%
%%track pickles
old = log_loss(y, bundle["model"].predict_proba(restored.transform(X)))
new = log_loss(y, sgd.predict_proba(Xs))
{"old": old, "new": new}
