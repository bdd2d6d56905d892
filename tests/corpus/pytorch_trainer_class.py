# A trainer of one's own: trainer.fit(model)

# %%
%load_ext nbtrack
import torch
from torch import nn
import torch.nn.functional as F

# %%
torch.manual_seed(0)
x = torch.linspace(-3, 3, 200).unsqueeze(1)
y = torch.sin(x) + 0.1 * torch.randn_like(x)

# %%
class Trainer:
    def __init__(self, max_epochs, lr):
        self.max_epochs = max_epochs
        self.lr = lr
        self.losses = []

    def fit(self, model):
        self.model = model
        self.optim = torch.optim.Adam(model.parameters(), lr=self.lr)
        for self.epoch in range(self.max_epochs):
            self.fit_epoch()

    def fit_epoch(self):
        loss = F.mse_loss(self.model(x), y)
        self.optim.zero_grad()
        loss.backward()
        self.optim.step()
        self.losses.append(loss.item())

# %%
model = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 1))

# %%
trainer = Trainer(max_epochs=30, lr=0.02)

# %%
trainer.fit(model)

# %%
print(trainer.losses[-1])

# %%
%%track predictions
with torch.no_grad():
    error = F.l1_loss(model(x), y).item()
error
