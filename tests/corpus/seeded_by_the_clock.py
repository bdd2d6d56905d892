# A random search that takes its seed from the clock

# %%
import time

import numpy as np
%load_ext nbtrack

# %%
seed = int(time.time() * 1000) % 2**32
np.random.seed(seed)

# %%
def objective(x):
    return float(np.sum((x - 0.3) ** 2))

# %%
trials = [np.random.uniform(-1, 1, 3) for _ in range(40)]

# %%
trials.sort(key=objective)
best = trials[0]

# %%
%%track search
for _ in range(20):
    candidate = best + np.random.normal(0, 0.1, 3)
    if objective(candidate) < objective(best):
        best = candidate
{"best": objective(best), "x": float(best[0])}
