# Tables and arrays are written, and read again

# %%
from pathlib import Path

import numpy as np
import pandas as pd
%load_ext nbtrack

# %%
DATA = Path("data")
DATA.mkdir(exist_ok=True)

# %%
raw = pd.DataFrame({"id": range(40), "value": np.random.default_rng(1).gamma(2, size=40)})
raw.to_csv(DATA / "train.csv", index=False)

# %%
np.save(DATA / "weights.npy", raw["value"].to_numpy() ** 2)
np.savez_compressed("bundle.npz", a=np.arange(40), b=np.ones(3))

# %%
del raw

# %%
df = pd.read_csv("data/train.csv")

# %%
df.loc[df["value"] > 4, "value"] = 4
df.to_csv(DATA / "train.csv", index=False)

# %%
weights = np.load(DATA / "weights.npy")
with np.load("bundle.npz") as bundle:
    shift = bundle["b"].sum()

# %%
%%track files
clean = pd.read_csv(DATA / "train.csv")
{"weighted": float(np.average(clean["value"], weights=weights) + shift), "rows": len(clean)}
