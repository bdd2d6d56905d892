# Checkpoints: torch.save, safetensors, back again

# %%
import torch
from safetensors.torch import load_file, save_file
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(30)
X = torch.randn(60, 4)
y = X.pow(2).sum(1, keepdim=True)

# %%
def make():
    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1))


model = make()
opt = torch.optim.Adam(model.parameters(), lr=0.02)

# %%
def epoch():
    opt.zero_grad()
    loss = nn.functional.mse_loss(model(X), y)
    loss.backward()
    opt.step()
    return loss.item()

# %%
for i in range(5):
    epoch()
torch.save({"model": model.state_dict(), "opt": opt.state_dict(), "epoch": i}, "checkpoint.pt")

# %%
for i in range(20):
    last = epoch()
save_file(model.state_dict(), "final.safetensors")

# %%
checkpoint = torch.load("checkpoint.pt")
early = make()
early.load_state_dict(checkpoint["model"])

# %%
late = make()
late.load_state_dict(load_file("final.safetensors"))

# %%
%%track checkpoints
with torch.no_grad():
    at_five = nn.functional.mse_loss(early(X), y).item()
    at_end = nn.functional.mse_loss(late(X), y).item()
{"at_five": at_five, "at_end": at_end, "epoch": checkpoint["epoch"]}
