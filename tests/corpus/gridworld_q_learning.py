# Q-learning in a small world

# %%
import random
from collections import defaultdict, deque

import numpy as np
%load_ext nbtrack

# %%
random.seed(3)
np.random.seed(3)

# %%
class GridWorld:
    def __init__(self, n=4):
        self.n = n
        self.episodes = 0
        self.reset()

    def reset(self):
        self.state = (0, 0)
        self.episodes += 1
        return self.state

    def step(self, action):
        dx, dy = [(0, 1), (1, 0), (0, -1), (-1, 0)][action]
        x = min(max(self.state[0] + dx, 0), self.n - 1)
        y = min(max(self.state[1] + dy, 0), self.n - 1)
        self.state = (x, y)
        done = self.state == (self.n - 1, self.n - 1)
        return self.state, (1.0 if done else -0.05), done


env = GridWorld()
Q = defaultdict(lambda: np.zeros(4))
memory = deque(maxlen=50)

# %%
epsilon, alpha, gamma = 1.0, 0.5, 0.95

# %%
def run_episode():
    state, total = env.reset(), 0.0
    for _ in range(60):
        action = random.randrange(4) if random.random() < epsilon else int(np.argmax(Q[state]))
        nxt, reward, done = env.step(action)
        memory.append((state, action, reward))
        Q[state][action] += alpha * (reward + gamma * (0 if done else Q[nxt].max()) - Q[state][action])
        state, total = nxt, total + reward
        if done:
            break
    return total

# %%
rewards = []
for episode in range(30):
    rewards.append(run_episode())
    epsilon = max(0.05, epsilon * 0.9)

# %%
epsilon = 0.0

# %%
%%track greedy
total = run_episode()
{"total": total, "value": float(Q[(0, 0)].max()), "episodes": env.episodes, "mean": float(np.mean(rewards))}
