# A benchmark that logs how long it took

# %%
import time

import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.metrics import log_loss
import nbtrack
%load_ext nbtrack

# %%
X, y = load_digits(return_X_y=True)
np.random.seed(0)
idx = np.random.permutation(len(X))[:600]
X, y = X[idx] / 16, y[idx]

# %%
start = time.time()
mlp = MLPClassifier(hidden_layer_sizes=(16,), max_iter=8)
for _ in range(6):
    mlp.partial_fit(X[:400], y[:400], classes=np.arange(10))
fit_seconds = time.time() - start

# %%
mlp.loss_

# %%
results = {"fit_seconds": fit_seconds}
results["final_loss"] = mlp.loss_

# %%
%%track benchmark
results["log_loss"] = log_loss(y[400:], mlp.predict_proba(X[400:]))
nbtrack.log_metrics(results)
