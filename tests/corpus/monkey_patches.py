# Library classes and modules that are patched

# %%
import statistics

import numpy as np
import pandas as pd
import torch
from torch import nn
%load_ext nbtrack

# %%
def zscore(self):
    return (self - self.mean()) / self.std()


pd.Series.zscore = zscore

# %%
@pd.api.extensions.register_dataframe_accessor("geo")
class Geo:
    def __init__(self, frame):
        self._frame = frame

    @property
    def center(self):
        return float(self._frame["lat"].mean())

# %%
def reset_parameters(self):
    with torch.no_grad():
        self.weight.fill_(0.25)
        self.bias.zero_()


nn.Linear.reset_parameters = reset_parameters

# %%
original_mean = statistics.mean
statistics.mean = lambda values: original_mean(values) + 0.5

# %%
np.my_constant = 4.5

# %%
frame = pd.DataFrame({"lat": [48.1, 52.5, 50.9]})
layer = nn.Linear(3, 1)

# %%
%%track patched
{
    "zscore": float(frame["lat"].zscore().max()),
    "center": frame.geo.center,
    "layer": layer(torch.ones(3)).item(),
    "mean": statistics.mean([1.0, 2.0]),
    "constant": np.my_constant,
}
