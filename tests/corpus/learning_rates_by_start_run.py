# Learning rates compared with start_run in a loop

# %%
import numpy as np
import nbtrack
%load_ext nbtrack

# %%
rng = np.random.default_rng(12)
X = rng.normal(size=(80, 3))
y = X @ np.array([1.0, -1.0, 2.0]) + rng.normal(scale=0.1, size=80)

# %%
best = {"mse": np.inf}

# %%
def fit(lr, steps=15):
    w = np.zeros(3)
    for step in range(steps):
        w -= lr * 2 * X.T @ (X @ w - y) / len(y)
        nbtrack.log_metric("mse", float(np.mean((X @ w - y) ** 2)), step=step)
    return w

# %%
for lr in [0.01, 0.1, 0.3]:
    with nbtrack.start_run(run_name=f"lr {lr}"):
        nbtrack.log_param("lr", lr)
        w = fit(lr)
        mse = float(np.mean((X @ w - y) ** 2))
        if mse < best["mse"]:
            best.update(mse=mse, lr=lr, w=w)

# %%
X = X * 2
y *= 2

# %%
with nbtrack.start_run(run_name="final"):
    w = fit(best["lr"] / 4, steps=5)
    nbtrack.log_metric("distance", float(np.linalg.norm(w - best["w"])))
