# Gradient descent from scratch, with updates of dictionaries and sets

# %%
import heapq
from collections import Counter, defaultdict, deque

import numpy as np
%load_ext nbtrack

# %%
config = {"lr": 0.1, "steps": 30, "l2": 0.0}
config.update(l2=0.01)

# %%
config |= {"batch": 16}
config["schedule"] = {"warmup": 5}

# %%
config["schedule"]["warmup"] += 2

# %%
rng = np.random.default_rng(0)
X = np.c_[np.ones(100), rng.normal(size=(100, 2))]
y = X @ [0.5, 1.0, -2.0] + rng.normal(0, 0.2, 100)
params = {"w": np.zeros(3)}
recent = deque(maxlen=4)
worst = []
seen = defaultdict(int)

# %%
for i in range(config["steps"]):
    batch = rng.integers(0, 100, config["batch"])
    lr = config["lr"] * min(1, (i + 1) / config["schedule"]["warmup"])
    residual = X[batch] @ params["w"] - y[batch]
    params["w"] -= lr * (X[batch].T @ residual / len(batch) + config["l2"] * params["w"])
    recent.append(float(np.mean(residual**2)))
    heapq.heappush(worst, -float(np.max(np.abs(residual))))
    for b in batch:
        seen[int(b)] += 1

# %%
top = heapq.heappop(worst)

# %%
counts = Counter(seen.values())
counts.subtract({1: 3})

# %%
%%track scratch
{
    "mse": float(np.mean((X @ params["w"] - y) ** 2)), "recent": sum(recent), "worst": -worst[0],
    "top": -top, "counts": counts[1],
}
