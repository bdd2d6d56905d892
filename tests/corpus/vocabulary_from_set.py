# Sentiment with a vocabulary from a set of words
# cannot repeat: the order of a set of strings is another one in each process

# %%
import torch
from torch import nn
import re

torch.manual_seed(0)

# %%
reviews = [
    ("a great and moving film", 1),
    ("boring plot and bad acting", 0),
    ("great acting , a great plot", 1),
    ("bad , bad , bad", 0),
    ("moving and fun", 1),
    ("a boring mess", 0),
]

# %%
words = set(w for text, _ in reviews for w in re.findall(r"\w+", text))
vocab = {w: i for i, w in enumerate(words)}
print(len(vocab))

# %%
def encode(text):
    return torch.tensor([vocab[w] for w in re.findall(r"\w+", text)])

# %%
embedding = nn.EmbeddingBag(len(vocab), 6)
head = nn.Linear(6, 1)
params = [*embedding.parameters(), *head.parameters()]

# %%
optimizer = torch.optim.SGD(params, lr=0.5)
for _ in range(5):
    for text, label in reviews:
        out = head(embedding(encode(text), torch.tensor([0]))).squeeze()
        loss = nn.functional.binary_cross_entropy_with_logits(out, torch.tensor(float(label)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

# %%
%load_ext nbtrack

# %%
%%track sentiment
with torch.no_grad():
    score = torch.sigmoid(head(embedding(encode("great fun"), torch.tensor([0])))).item()
score
