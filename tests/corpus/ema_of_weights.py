# An exponential moving average of the weights

# %%
import copy

import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(21)
X = torch.randn(200, 6)
y = (X[:, :3].sum(1) > 0).long()

# %%
model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Linear(12, 2))

# %%
ema_model = copy.deepcopy(model)
for p in ema_model.parameters():
    p.requires_grad_(False)

# %%
def update_ema(ema, source, decay=0.9):
    for target, param in zip(ema.parameters(), source.parameters()):
        target.data.mul_(decay).add_(param.data, alpha=1 - decay)

# %%
opt = torch.optim.AdamW(model.parameters(), lr=0.01)
criterion = nn.CrossEntropyLoss()

# %%
for step in range(25):
    idx = torch.randint(0, 200, (32,))
    loss = criterion(model(X[idx]), y[idx])
    opt.zero_grad()
    loss.backward()
    opt.step()
    update_ema(ema_model, model)

# %%
# the statistics of batch norm are those of one pass over the data
ema_model.train()
with torch.no_grad():
    ema_model(X)
ema_model.eval();

# %%
%%track ema
with torch.no_grad():
    ema_loss = criterion(ema_model(X), y).item()
ema_loss
