# Gradient accumulation, with parts of a step in separate cells

# %%
import torch
import torch.nn as nn
%load_ext nbtrack

torch.manual_seed(8)
net = nn.Linear(10, 1)
data = [(torch.randn(16, 10), torch.randn(16, 1)) for _ in range(8)]

# %%
accumulation_steps = 4
optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
optimizer.zero_grad()

# %%
for i, (xb, yb) in enumerate(data):
    loss = nn.functional.mse_loss(net(xb), yb) / accumulation_steps
    loss.backward()
    if (i + 1) % accumulation_steps == 0:
        optimizer.step()
        optimizer.zero_grad()

# %%
# two batches more, and their gradients stay
for xb, yb in data[:2]:
    (nn.functional.mse_loss(net(xb), yb) / accumulation_steps).backward()

# %%
norm = torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)

# %%
_ = optimizer.step()

# %%
for group in optimizer.param_groups:
    group["lr"] *= 0.1

# %%
%%track accumulated
net(data[0][0]).sum().backward()
optimizer.step()
final = sum(nn.functional.mse_loss(net(xb), yb).item() for xb, yb in data)
{"final": final, "norm": norm.item()}
