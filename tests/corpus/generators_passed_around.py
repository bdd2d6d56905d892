# Random generators as arguments

# %%
import numpy as np
import torch
%load_ext nbtrack

# %%
rng = np.random.default_rng(2024)
g = torch.Generator().manual_seed(5)

# %%
def make_blobs(rng, n):
    centers = rng.uniform(-5, 5, size=(3, 2))
    which = rng.integers(3, size=n)
    return centers[which] + rng.normal(size=(n, 2)), which


X, y = make_blobs(rng, 150)

# %%
rng.shuffle(X[:10])
order = rng.permutation(len(X))

# %%
loader = torch.utils.data.DataLoader(
    list(zip(torch.tensor(X[order]).float(), torch.tensor(y[order]))), batch_size=30, shuffle=True, generator=g
)

# %%
weights = torch.randn(2, 3, generator=g) * 0.1
weights.requires_grad_()
for xb, yb in loader:
    loss = torch.nn.functional.cross_entropy(xb @ weights, yb)
    loss.backward()
    with torch.no_grad():
        weights -= 0.1 * weights.grad
        weights.grad = None

# %%
noise = rng.standard_normal(3)

# %%
%%track generators
bootstrap = rng.choice(len(X), size=len(X))
score = torch.nn.functional.cross_entropy(torch.tensor(X[bootstrap]).float() @ weights, torch.tensor(y[bootstrap]))
for xb, yb in loader:
    last = xb.mean()
{"score": score.item(), "last": last.item()}
