# Word vectors by skip-gram with negative sampling, NumPy alone

# %%
import numpy as np
%load_ext nbtrack

# %%
text = """we are about to study the idea of a computational process
computational processes are abstract beings that inhabit computers
as they evolve processes manipulate other abstract things called data
the evolution of a process is directed by a pattern of rules called a program""".split()
vocab = sorted(set(text))
word_to_ix = {w: i for i, w in enumerate(vocab)}

# %%
np.random.seed(1)
dim = 10
W_in = np.random.randn(len(vocab), dim) * 0.1
W_out = np.zeros((len(vocab), dim))

# %%
pairs = []
for i, w in enumerate(text):
    for j in (i - 2, i - 1, i + 1, i + 2):
        if 0 <= j < len(text):
            pairs.append((word_to_ix[w], word_to_ix[text[j]]))
np.random.shuffle(pairs)

# %%
counts = np.array([text.count(w) for w in vocab], dtype=float)
noise = counts**0.75
noise /= noise.sum()

# %%
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def step(center, context, lr=0.1, k=3):
    negatives = np.random.choice(len(vocab), size=k, p=noise)
    loss = 0.0
    grad_center = np.zeros(dim)
    for target, label in [(context, 1.0), *((n, 0.0) for n in negatives)]:
        score = sigmoid(W_in[center] @ W_out[target])
        loss -= np.log(score if label else 1 - score)
        delta = lr * (label - score)
        grad_center += delta * W_out[target]
        W_out[target] += delta * W_in[center]
    W_in[center] += grad_center
    return loss

# %%
for epoch in range(3):
    total = sum(step(c, o) for c, o in pairs)
    print(epoch, total)

# %%
%%track similarity
a, b = W_in[word_to_ix["process"]], W_in[word_to_ix["computational"]]
cosine = float(a @ b / np.linalg.norm(a) / np.linalg.norm(b))
{"cosine": cosine, "norm": float(np.linalg.norm(W_out))}
