# warm_start and partial_fit, over several cells

# %%
import numpy as np
from sklearn.cluster import MiniBatchKMeans
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import SGDClassifier
from sklearn.metrics import log_loss
%load_ext nbtrack

# %%
X, y = load_digits(return_X_y=True)
X = X / 16
X_train, y_train, X_test, y_test = X[:500], y[:500], X[500:700], y[500:700]

# %%
rf = RandomForestClassifier(n_estimators=5, warm_start=True, random_state=0)
rf.fit(X_train, y_train)

# %%
rf.n_estimators += 5
grown = rf.fit(X_train, y_train)

# %%
sgd = SGDClassifier(loss="log_loss", random_state=2)
classes = np.unique(y)

# %%
for start in range(0, 500, 100):
    sgd.partial_fit(X_train[start : start + 100], y_train[start : start + 100], classes=classes)

# %%
km = MiniBatchKMeans(10, random_state=0, n_init=1)
[km.partial_fit(batch) for batch in np.array_split(X_train, 5)]

# %%
sgd.coef_ *= 0.5

# %%
%%track warm
{
    "forest": log_loss(y_test, np.clip(grown.predict_proba(X_test), 1e-3, 1)),
    "sgd": log_loss(y_test, sgd.predict_proba(X_test)),
    "inertia": float(-km.score(X_test)),
}
