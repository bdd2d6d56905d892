# A dataset that augments, read by two workers

# %%
import random

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset
%load_ext nbtrack

# %%
def seed_everything(seed):
    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


seed_everything(1234)

# %%
class Noisy(Dataset):
    def __init__(self, x, y):
        self.x, self.y = x, y

    def __len__(self):
        return len(self.x)

    def __getitem__(self, i):
        x = self.x[i] + 0.1 * torch.randn(5)
        if random.random() < 0.5:
            x = x.flip(0)
        return x, self.y[i]

# %%
x = torch.randn(64, 5)
y = x.sum(1, keepdim=True)
# since Python 3.14 workers are no forks, and would not find a class of the notebook
workers = {"num_workers": 2, "multiprocessing_context": "fork"}
loader = DataLoader(Noisy(x, y), batch_size=16, shuffle=True, **workers)

# %%
linear = torch.nn.Linear(5, 1)
sgd = torch.optim.SGD(linear.parameters(), lr=0.05)

# %%
for xb, yb in loader:
    sgd.zero_grad()
    torch.nn.functional.mse_loss(linear(xb), yb).backward()
    sgd.step()

# %%
%%track workers
for xb, yb in loader:
    sgd.zero_grad()
    loss = torch.nn.functional.mse_loss(linear(xb), yb)
    loss.backward()
    sgd.step()
with torch.no_grad():
    mse = torch.nn.functional.mse_loss(linear(x), y).item()
mse
