# Iterators and generators that are used up over several cells

# %%
import itertools

import numpy as np
import torch
from torch.utils.data import DataLoader, TensorDataset
%load_ext nbtrack

# %%
torch.manual_seed(4)
dataset = TensorDataset(torch.arange(40.0))
loader = DataLoader(dataset, batch_size=8, shuffle=True)
batches = iter(loader)

# %%
first = next(batches)[0]

# %%
def schedule(lr):
    while True:
        yield lr
        lr *= 0.7


lrs = schedule(1.0)
cycle = itertools.cycle(["a", "b", "c"])
ids = itertools.count(100)

# %%
warmup = [next(lrs) for _ in range(3)]

# %%
next(cycle), next(cycle)

# %%
pairs = zip(range(10), "abcdefghij")
taken = list(itertools.islice(pairs, 4))
next(ids)

# %%
second = next(batches)[0]

# %%
lines = iter(["x=1", "x=2", "x=3"])
for line in lines:
    if line == "x=2":
        break

# %%
%%track iterators
third = next(batches)[0]
{
    "third": third.mean().item(), "lr": next(lrs), "letter": "abc".index(next(cycle)),
    "pair": next(pairs)[0], "id": next(ids), "line": int(next(lines)[-1]),
}
