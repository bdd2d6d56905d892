# A helper that was deleted after it had run
# warns: cell deleted since

# %%
import numpy as np
import pandas as pd
%load_ext nbtrack

# %%
df = pd.DataFrame({"price": [3.0, 5.0, 8.0, 13.0, 200.0], "size": [1, 2, 3, 4, 5]})

# %% [deleted]
def clip_outliers(frame, column, upper=0.8):
    frame[column] = frame[column].clip(upper=frame[column].quantile(upper))

# %% [deleted]
df["price"] *= 1.19

# %%
clip_outliers(df, "price")
df

# %%
slope, intercept = np.polyfit(df["size"], df["price"], 1)

# %%
%%track slope
{"slope": float(slope), "intercept": float(intercept)}
