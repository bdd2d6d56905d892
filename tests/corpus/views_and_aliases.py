# NumPy views, aliases and out=

# %%
import numpy as np
import torch
%load_ext nbtrack

# %%
a = np.arange(24, dtype=float).reshape(4, 6)
buffer = np.empty(6)
history = [a]

# %%
column = a[:, 0]
flat = a.ravel()
t = torch.from_numpy(a)

# %%
column *= 2

# %%
np.add(a[0], a[1], out=buffer)

# %%
t[2].mul_(10)

# %%
np.add.at(flat, [0, 0, 5], 1.0)

# %%
np.random.default_rng(0).shuffle(a)

# %%
first = history[0]
first[-1] = -1

# %%
np.random.seed(3)
np.random.shuffle(buffer)

# %%
%%track views
{"trace": float(np.trace(a)), "buffer": float(buffer @ np.arange(6)), "tensor": t.std().item()}
