# Shuffled lists, sampled frames, a split: nobody has set a seed

# %%
import random

import numpy as np
import pandas as pd
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import train_test_split

# %%
files = [f"img_{i:03d}.png" for i in range(50)]
df = pd.DataFrame({"x": np.linspace(0, 1, 50), "y": np.linspace(0, 1, 50) ** 2})

# %%
%load_ext nbtrack

# %%
random.shuffle(files)

# %%
half = df.sample(frac=0.5)

# %%
perm = np.random.permutation(50)
df["noise"] = np.random.randn(50)

# %%
train, test = train_test_split(df, test_size=0.3)

# %%
reg = LinearRegression().fit(train[["x", "noise"]], train["y"])

# %%
%%track unseeded
{
    "r2": reg.score(test[["x", "noise"]], test["y"]), "half": float(half["y"].mean()),
    "file": int(files[0][4:7]), "perm": int(perm[0]), "extra": random.random(),
}
