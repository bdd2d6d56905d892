# Registries, metaclasses, hooks of all modules and patched modules

# %%
import copy
import gc
import importlib
import math
import operator
import os
import random
import re
import shutil
import signal
import string
import sys
import tempfile
from collections import abc, deque
from functools import reduce

import numpy as np
import pandas as pd
import torch
%load_ext nbtrack

# %%
class Registry:
    _items = {}

    @classmethod
    def register(cls, name):
        def wrap(f):
            cls._items[name] = f
            return f
        return wrap

# %%
@Registry.register("double")
def _(x):
    return 2 * x

# %%
class Base:
    subclasses = []
    def __init_subclass__(cls, **kw):
        super().__init_subclass__(**kw)
        Base.subclasses.append(cls)

# %%
class A(Base):
    weight = 3

# %%
class B(Base):
    weight = 4

# %%
class Meta(type):
    count = 0
    def __call__(cls, *a):
        Meta.count += 1
        return super().__call__(*a)

class Counted(metaclass=Meta):
    pass

# %%
for _ in range(5):
    Counted()

# %%
hook_calls = []
net = torch.nn.Linear(2, 2)
torch.nn.init.ones_(net.weight)

# %%
handle = torch.nn.modules.module.register_module_forward_hook(lambda m, i, o: hook_calls.append(1))

# %%
net(torch.ones(1, 2))
net(torch.ones(1, 2))

# %%
handle.remove()

# %%
torch.set_grad_enabled(False)

# %%
scratch = tempfile.mkdtemp()
with open(os.path.join(scratch, "x.txt"), "w") as f:
    f.write("17")

# %%
os.environ["MODE"] = "fast"

# %%
def outer():
    state = {"n": 0}
    def inc():
        state["n"] += 1
        return state["n"]
    return inc

inc = outer()

# %%
inc(); inc()

# %%
frame = pd.DataFrame({"a": [3, 1, 2]})
column = frame["a"]

# %%
frame.loc[0, "a"] = 50

# %%
np.random.default_rng
sys.modules["my_settings"] = type(sys)("my_settings")
sys.modules["my_settings"].rate = 0.125

# %%
math.tau = 3.0

# %%
gen = (i * i for i in range(10))

# %%
next(gen); next(gen)

# %%
grid = [[0] * 3] * 3

# %%
grid[0][1] = 7

# %%
%%track more
import my_settings

{
    "registered": len(Registry._items),
    "subclasses": sum(c.weight for c in Base.subclasses),
    "count": Meta.count,
    "hooks": len(hook_calls),
    "grad": float(torch.is_grad_enabled()),
    "file": int(open(os.path.join(scratch, "x.txt")).read()),
    "mode": float(os.environ.get("MODE") == "fast"),
    "inc": inc(),
    "frame": int(frame["a"].sum()),
    "rate": my_settings.rate,
    "tau": math.tau,
    "gen": next(gen),
    "grid": sum(map(sum, grid)),
}
