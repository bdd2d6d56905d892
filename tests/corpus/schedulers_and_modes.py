# Schedulers, train() and eval(), batch normalisation

# %%
import torch
from torch import nn
from torch.optim.lr_scheduler import ReduceLROnPlateau, StepLR
%load_ext nbtrack

# %%
torch.manual_seed(14)
X, y = torch.randn(64, 6) * 3 + 1, torch.randint(2, (64,))

# %%
net = nn.Sequential(nn.Linear(6, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Dropout(0.5), nn.Linear(16, 2))
opt = torch.optim.SGD(net.parameters(), lr=0.1)
scheduler = StepLR(opt, step_size=2, gamma=0.5)
plateau = ReduceLROnPlateau(opt, patience=0)

# %%
for _ in range(4):
    opt.zero_grad()
    nn.functional.cross_entropy(net(X), y).backward()
    opt.step()
    scheduler.step()

# %%
plateau.step(1.0)
plateau.step(2.0)

# %%
# a forward pass in training mode moves the running statistics
warm = net(X * 2)

# %%
net.eval()

# %%
opt.param_groups[0]["lr"], scheduler.get_last_lr()

# %%
%%track modes
with torch.no_grad():
    loss = nn.functional.cross_entropy(net(X), y).item()
{"loss": loss, "lr": opt.param_groups[0]["lr"]}
