# Results that have no name: _, Out and In

# %%
import numpy as np
%load_ext nbtrack

# %%
np.random.RandomState(9).randn(50)

# %%
sample = _

# %%
sample.std()

# %%
spread = _
sample.max()

# %%
2 * Out[4] + _5

# %%
print("nothing to see")

# %%
combined = _

# %%
source_length = len(In[2])

# %%
%%track unnamed
{"combined": float(combined), "spread": float(spread), "length": source_length, "first": float(Out[2][0])}
