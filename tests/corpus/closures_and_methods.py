# Counters in closures, methods that read globals, class attributes

# %%
import numpy as np
%load_ext nbtrack

# %%
def make_counter(start):
    count = start

    def tick(by=1):
        nonlocal count
        count += by
        return count

    return tick


tick = make_counter(10)

# %%
tick()
tick(5)

# %%
class Agent:
    registry = []
    temperature = 1.0

    def __init__(self, name):
        self.name = name
        Agent.registry.append(name)

    def act(self, logits):
        p = np.exp((logits + BIAS) / self.temperature)
        return float((p / p.sum())[0])

# %%
BIAS = np.zeros(3)
one, two = Agent("one"), Agent("two")

# %%
callbacks = {"after": [lambda: tick(100)]}

# %%
for f in callbacks["after"]:
    f()

# %%
Agent.temperature = 0.5
BIAS[0] = 0.7

# %%
def act_greedily(self, logits):
    return float(np.argmax(logits + BIAS))


Agent.act_greedily = act_greedily

# %%
%%track agents
logits = np.array([0.1, 0.5, 0.2])
{"p": one.act(logits), "greedy": two.act_greedily(logits), "agents": len(Agent.registry), "count": tick()}
