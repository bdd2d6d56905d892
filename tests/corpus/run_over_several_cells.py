# A run that is started in one cell and ended in another

# %%
import nbtrack
import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(2)
X, y = torch.randn(50, 2), torch.randn(50, 1)
net = nn.Linear(2, 1)
sgd = torch.optim.SGD(net.parameters(), lr=0.1)

# %%
run = nbtrack.start_run()
nbtrack.log_param("lr", 0.1)

# %%
for step in range(6):
    loss = nn.functional.mse_loss(net(X), y)
    sgd.zero_grad()
    loss.backward()
    sgd.step()
    nbtrack.log_metric("loss", loss.item(), step=step)

# %%
nbtrack.log_metric("norm", net.weight.norm().item())

# %%
nbtrack.end_run()

# %%
print("done")
