# The training cell was executed three times, the tracked one twice
# order: 1 2 3 4 4 5 4 5

# %%
import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(6)
X = torch.randn(100, 3)
y = torch.sin(X).sum(1, keepdim=True)
epochs_done = 0

# %%
model = nn.Sequential(nn.Linear(3, 10), nn.Tanh(), nn.Linear(10, 1))
opt = torch.optim.Adam(model.parameters(), lr=0.03)
losses = []

# %%
for _ in range(10):
    opt.zero_grad()
    loss = nn.functional.mse_loss(model(X), y)
    loss.backward()
    opt.step()
    losses.append(loss.item())
    epochs_done += 1

# %%
%%track so_far
with torch.no_grad():
    mse = nn.functional.mse_loss(model(X), y).item()
{"mse": mse, "epochs": epochs_done, "first": losses[0]}
