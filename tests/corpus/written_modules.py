# %%writefile, import, %run and reload

# %%
%load_ext nbtrack
import importlib
import sys

sys.path.insert(0, ".")

# %%
%%writefile features.py
GAIN = 2.0


def make(xs):
    return [GAIN * x + 1 for x in xs]

# %%
%%writefile prepare.py
raw = [0.5, 1.5, 4.0]
offset = len(raw)

# %%
%run prepare.py

# %%
import features

first = features.make(raw)

# %%
%%writefile features.py
GAIN = 5.0  # a longer line, so that the file has another size


def make(xs):
    return [GAIN * x + 1 for x in xs]

# %%
importlib.reload(features)

# %%
features.GAIN += 1

# %%
%%track modules
second = features.make(raw)
{"first": sum(first), "second": sum(second) + offset}
