# Early stopping that remembers, and the best weights

# %%
import copy

import numpy as np
import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(13)
x = torch.randn(120, 5)
y = x @ torch.randn(5, 1) + 0.5 * torch.randn(120, 1)
train_x, valid_x, train_y, valid_y = x[:80], x[80:], y[:80], y[80:]

# %%
class EarlyStopping:
    def __init__(self, patience=3):
        self.patience, self.counter = patience, 0
        self.best_loss = np.inf
        self.best_state = None

    def __call__(self, loss, model):
        if loss < self.best_loss - 1e-4:
            self.best_loss, self.counter = loss, 0
            self.best_state = copy.deepcopy(model.state_dict())
        else:
            self.counter += 1
        return self.counter >= self.patience

# %%
model = nn.Linear(5, 1)
optimizer = torch.optim.SGD(model.parameters(), lr=0.4)
stopper = EarlyStopping()

# %%
history = {"train": [], "valid": []}
for epoch in range(40):
    optimizer.zero_grad()
    loss = nn.functional.mse_loss(model(train_x), train_y)
    loss.backward()
    optimizer.step()
    with torch.no_grad():
        valid = nn.functional.mse_loss(model(valid_x), valid_y).item()
    history["train"].append(loss.item())
    history["valid"].append(valid)
    if stopper(valid, model):
        break

# %%
model.load_state_dict(stopper.best_state)

# %%
%%track best
with torch.no_grad():
    best = nn.functional.mse_loss(model(valid_x), valid_y).item()
{"best": best, "epochs": len(history["valid"]), "remembered": stopper.best_loss}
