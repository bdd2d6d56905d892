# Cells that ran in another order than they stand
# order: 1 2 3 6 4 5 7 3 8
# warns: ran out of order

# %%
import numpy as np
%load_ext nbtrack

# %%
rng = np.random.default_rng(10)
data = rng.normal(5, 2, size=200)

# %%
data = data - data.min()

# %%
threshold = np.quantile(data, quantile)
kept = data[data < threshold]

# %%
summary = {"n": len(kept)}

# %%
quantile = 0.8

# %%
summary["mean"] = kept.mean()

# %%
%%track order
center = float(kept.mean() - data.mean())
{"center": center, "n": summary["n"], "mean": float(summary["mean"])}
