# The learning rate was changed in place, and the cell executed again
# order: 1 2 3 4 5 6 5
# warns: hidden state, cell edited since

# %%
import numpy as np
%load_ext nbtrack

# %%
rng = np.random.RandomState(3)
X = rng.randn(60, 4)
y = X.dot([1.0, 2.0, -1.0, 0.5]) + 0.1 * rng.randn(60)

# %%
w = np.zeros(4)

# %%
lr = 0.5
for _ in range(5):
    w -= lr * 2 * X.T @ (X @ w - y) / len(y)

# %%
%%track descent
error = float(np.mean((X @ w - y) ** 2))
error

# %% [edit of 4]
lr = 0.05
for _ in range(20):
    w -= lr * 2 * X.T @ (X @ w - y) / len(y)
