# Settings in a dataclass and in class attributes, changed on the way

# %%
from dataclasses import dataclass, field, replace
from types import SimpleNamespace

import numpy as np
%load_ext nbtrack

# %%
class CFG:
    seed = 5
    lr = 0.1
    debug = False


@dataclass
class Config:
    hidden: int = 8
    steps: int = 10
    tags: list = field(default_factory=list)


cfg = Config()

# %%
CFG.debug = True
CFG.lr = 0.03

# %%
if CFG.debug:
    cfg.steps = 6
cfg.tags.append("debug")

# %%
for name, value in {"hidden": 5, "momentum": 0.9}.items():
    setattr(cfg, name, value)

# %%
args = SimpleNamespace(**vars(cfg))
args.decay = 0.01
vars(args).update(scale=0.5)

# %%
class Model:
    def __init__(self):
        self.w = np.random.RandomState(CFG.seed).randn(args.hidden) * args.scale

    def train(self):
        velocity = np.zeros_like(self.w)
        for _ in range(cfg.steps):
            velocity = cfg.momentum * velocity - CFG.lr * (2 * self.w + args.decay)
            self.w = self.w + velocity

# %%
model = Model()
model.train()

# %%
%%track config
wide = replace(cfg, hidden=64)
{"norm": float(np.linalg.norm(model.w)), "tags": len(wide.tags), "steps": wide.steps}
