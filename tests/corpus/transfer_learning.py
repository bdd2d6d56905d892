# Transfer: frozen layers, a new head, groups of params

# %%
import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(23)
backbone = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU())
class Net(nn.Module):
    def __init__(self, backbone):
        super().__init__()
        self.backbone, self.fc = backbone, nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(self.backbone(x))


model = Net(backbone)

# %%
for param in model.parameters():
    param.requires_grad = False

# %%
num_ftrs = model.fc.in_features
model.fc = nn.Linear(num_ftrs, 2)

# %%
for p in backbone[2].parameters():
    p.requires_grad_(True)

# %%
with torch.no_grad():
    backbone[0].weight.data *= 0.5

# %%
optimizer = torch.optim.SGD([{"params": model.fc.parameters()}], lr=0.1)
optimizer.add_param_group({"params": backbone[2].parameters(), "lr": 0.01})

# %%
X, y = torch.randn(50, 8), torch.randint(2, (50,))
def train_model(model, steps):
    for _ in range(steps):
        loss = nn.functional.cross_entropy(model(X), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model


model_ft = train_model(model, 5)

# %%
%%track transfer
trainable = sum(p.numel() for p in model.parameters() if p.requires_grad)
with torch.no_grad():
    loss = nn.functional.cross_entropy(model_ft(X), y).item()
{"loss": loss, "trainable": trainable}
