# A cell that had changed the data before it failed

# %%
import pandas as pd
from sklearn.datasets import load_wine
from sklearn.linear_model import Ridge
%load_ext nbtrack

# %%
frame = load_wine(as_frame=True).frame
cleaned = []

# %% [fails]
frame["alcohol"] = frame["alcohol"] / frame["alcohol"].max()
cleaned.append("alcohol")
frame["alcool"] = frame["alcool"] / frame["alcool"].max()

# %%
cleaned.append("ash")
frame["ash"] /= frame["ash"].max()

# %% [fails]
print(frame["not there"])

# %%
ridge = Ridge(alpha=0.1)
ridge.fit(frame[cleaned], frame["target"])

# %%
%%track ridge
r2 = ridge.score(frame[cleaned], frame["target"])
{"r2": r2, "columns": len(cleaned), "coef": float(ridge.coef_[0])}
