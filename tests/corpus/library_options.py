# Options of libraries

# %%
import decimal
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
%load_ext nbtrack

# %%
plt.rcParams["figure.figsize"] = (5, 3)
plt.rcParams.update({"axes.titlesize": 20})

# %%
pd.set_option("display.max_rows", 4)
pd.options.display.precision = 2

# %%
np.set_printoptions(precision=2, suppress=True)

# %%
torch.set_default_dtype(torch.float64)

# %%
import sklearn

sklearn.set_config(transform_output="pandas")

# %%
decimal.getcontext().prec = 6
warnings.filterwarnings("ignore", category=RuntimeWarning)

# %%
from sklearn.preprocessing import StandardScaler

values = pd.DataFrame({"a": [1.0, 2.0, 4.5], "b": [3.0, 3.5, 9.0]})
scaled = StandardScaler().fit_transform(values)

# %%
fig, ax = plt.subplots()
ax.plot(scaled["a"])

# %%
%%track options
text = len(repr(pd.DataFrame({"x": np.arange(50) / 7})))
{
    "width": float(fig.get_size_inches()[0]),
    "text": text,
    "array": len(str(np.array([1 / 3]))),
    "bytes": torch.ones(1).element_size(),
    "column": float(scaled["b"].iloc[2]),
    "decimal": float(decimal.Decimal(1) / 3),
}
