# A character LSTM that makes up names

# %%
import random
import string

import torch
from torch import nn

# %%
random.seed(0)
torch.manual_seed(0)
%load_ext nbtrack

# %%
names = "anna otto elena marco nina oscar lara hugo mila felix nora emil ella theo ida".split()
chars = ["."] + sorted(set("".join(names)))
stoi = {c: i for i, c in enumerate(chars)}

# %%
class CharLSTM(nn.Module):
    def __init__(self, n, hidden=24):
        super().__init__()
        self.emb = nn.Embedding(n, 8)
        self.lstm = nn.LSTM(8, hidden, batch_first=True)
        self.out = nn.Linear(hidden, n)

    def forward(self, x, state=None):
        h, state = self.lstm(self.emb(x), state)
        return self.out(h), state


lstm = CharLSTM(len(chars))
optimizer = torch.optim.RMSprop(lstm.parameters(), lr=5e-3)

# %%
def random_training_example():
    name = random.choice(names)
    ids = [stoi[c] for c in f".{name}."]
    return torch.tensor([ids[:-1]]), torch.tensor([ids[1:]])


def train(x, y):
    optimizer.zero_grad()
    logits, _ = lstm(x)
    loss = nn.functional.cross_entropy(logits[0], y[0])
    loss.backward()
    optimizer.step()
    return loss.item()

# %%
all_losses = []
total_loss = 0
for it in range(1, 101):
    total_loss += train(*random_training_example())
    if it % 20 == 0:
        all_losses.append(total_loss / 20)
        total_loss = 0

# %%
all_losses[-1]

# %%
def nll(name):
    ids = torch.tensor([[stoi[c] for c in f".{name}."]])
    with torch.no_grad():
        logits, _ = lstm(ids[:, :-1])
    return nn.functional.cross_entropy(logits[0], ids[0, 1:]).item()

# %%
%%track char_lstm
import nbtrack
for step, value in enumerate(all_losses):
    nbtrack.log_metric("train_loss", value, step=step)
nbtrack.log_metric("nll_anna", nll("anna"))
