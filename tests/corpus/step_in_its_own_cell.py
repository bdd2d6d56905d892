# What one step of an optimizer does, cell by cell

# %%
import torch
%load_ext nbtrack
torch.manual_seed(3)

# %%
w = torch.randn(4, requires_grad=True)
b = torch.zeros(1, requires_grad=True)
X = torch.randn(50, 4)
target = X @ torch.tensor([1.0, -2.0, 0.5, 3.0]) + 0.7

# %%
opt = torch.optim.SGD([w, b], lr=0.1, momentum=0.9)

# %%
loss = ((X @ w + b - target) ** 2).mean()
print(loss)

# %%
loss.backward()
w.grad

# %%
opt.step()

# %%
opt.zero_grad()
w.grad is None

# %%
%%track after_one_step
new_loss = ((X @ w + b - target) ** 2).mean().item()
new_loss
