# A simulation whose generator nobody has seeded

# %%
import numpy as np
%load_ext nbtrack

# %%
class Walkers:
    def __init__(self, n):
        self.rng = np.random.default_rng()
        self.position = np.zeros(n)

    def advance(self, steps):
        for _ in range(steps):
            self.position += self.rng.choice([-1, 1], size=len(self.position))

# %%
walkers = Walkers(50)

# %%
walkers.advance(100)

# %%
drift = walkers.position.mean()
drift

# %%
%%track diffusion
walkers.advance(100)
spread = float(np.mean(walkers.position**2))
{"spread": spread, "mean": float(walkers.position.mean())}
