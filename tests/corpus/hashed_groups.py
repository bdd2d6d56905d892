# Experiments that draw from the operating system
# cannot repeat: os.urandom and the clock have no state that could be kept

# %%
import hashlib
import os
import time

import numpy as np
%load_ext nbtrack

# %%
salt = os.urandom(8)

# %%
def bucket(user):
    return int(hashlib.sha256(salt + str(user).encode()).hexdigest(), 16) % 2

# %%
groups = np.array([bucket(u) for u in range(200)])

# %%
outcome = np.random.RandomState(0).normal(size=200) + 0.1 * groups

# %%
%%track ab_test
{"lift": float(outcome[groups == 1].mean() - outcome[groups == 0].mean()), "n": int(groups.sum())}
