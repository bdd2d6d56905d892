# A learner with callbacks, in the manner of fast.ai

# %%
from functools import partial

import torch
from torch import nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset

# %%
torch.manual_seed(42)
centers = torch.randn(3, 8) * 2
labels = torch.randint(3, (300,))
feats = centers[labels] + torch.randn(300, 8)

# %%
class DataLoaders:
    def __init__(self, train, valid):
        self.train, self.valid = train, valid


dls = DataLoaders(
    DataLoader(TensorDataset(feats[:240], labels[:240]), 32, shuffle=True),
    DataLoader(TensorDataset(feats[240:], labels[240:]), 60),
)

# %%
class Callback:
    order = 0


class Recorder(Callback):
    def after_batch(self, learn):
        learn.history.append(learn.loss.item())


class OneCycle(Callback):
    def __init__(self, max_lr):
        self.max_lr = max_lr

    def before_fit(self, learn):
        steps = learn.n_epochs * len(learn.dls.train)
        self.sched = torch.optim.lr_scheduler.OneCycleLR(learn.opt, self.max_lr, total_steps=steps)

    def after_batch(self, learn):
        self.sched.step()


class Learner:
    def __init__(self, dls, model, loss_func, opt_func=torch.optim.AdamW, cbs=()):
        self.dls, self.model, self.loss_func, self.opt_func = dls, model, loss_func, opt_func
        self.cbs, self.history = list(cbs), []

    def __call__(self, name):
        for cb in self.cbs:
            getattr(cb, name, lambda learn: None)(self)

    def fit(self, n_epochs, lr=1e-3, cbs=()):
        self.cbs += cbs
        self.n_epochs, self.opt = n_epochs, self.opt_func(self.model.parameters(), lr=lr)
        self("before_fit")
        for _ in range(n_epochs):
            for xb, yb in self.dls.train:
                self.loss = self.loss_func(self.model(xb), yb)
                self.loss.backward()
                self.opt.step()
                self("after_batch")
                self.opt.zero_grad()

    def fit_one_cycle(self, n, max_lr):
        self.fit(n, max_lr, [OneCycle(max_lr)])

    def validate(self):
        with torch.no_grad():
            losses = [self.loss_func(self.model(xb), yb) for xb, yb in self.dls.valid]
        return torch.stack(losses).mean().item()

# %%
net = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 3))
learn = Learner(dls, net, F.cross_entropy, opt_func=partial(torch.optim.AdamW, weight_decay=0.1))

# %%
learn.cbs.append(Recorder())

# %%
learn.fit_one_cycle(2, 1e-2)

# %%
%load_ext nbtrack

# %%
%%track one_cycle
valid_loss = learn.validate()
smoothed = sum(learn.history[-5:]) / 5
{"valid_loss": valid_loss, "smoothed": smoothed}

# %%
learn.fit_one_cycle(1, 3e-3)

# %%
%%track one_cycle_more
learn.validate()
