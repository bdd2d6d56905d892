# Text classification with a counted vocabulary

# %%
from collections import Counter, OrderedDict
import random

import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence
%load_ext nbtrack

# %%
random.seed(11)
subjects, verbs, places = ["cat", "dog", "bird", "fish"], ["sits", "runs", "sings", "swims"], ["home", "sea", "park"]
corpus = []
for _ in range(120):
    s, v = random.choice(subjects), random.choice(verbs)
    corpus.append((f"the {s} {v} at {random.choice(places)}", int(subjects.index(s) == verbs.index(v))))

# %%
counter = Counter()
for text, _ in corpus:
    counter.update(text.split())
counter.most_common(3)

# %%
itos = ["<pad>", "<unk>"]
itos.extend(w for w, n in sorted(counter.items(), key=lambda item: (-item[1], item[0])))
stoi = OrderedDict((w, i) for i, w in enumerate(itos))

# %%
text_pipeline = lambda text: torch.tensor([stoi.get(w, 1) for w in text.split()])

# %%
random.shuffle(corpus)

# %%
tokens = pad_sequence([text_pipeline(t) for t, _ in corpus], batch_first=True)
targets = torch.tensor([float(label) for _, label in corpus])
train_x, valid_x, train_y, valid_y = tokens[:90], tokens[90:], targets[:90], targets[90:]

# %%
torch.manual_seed(5)
emb = nn.Embedding(len(itos), 8, padding_idx=0)
rnn = nn.GRU(8, 12, batch_first=True)
out = nn.Linear(12, 1)
modules = nn.ModuleList([emb, rnn, out])

# %%
def logits(batch):
    _, hidden = rnn(emb(batch))
    return out(hidden[-1]).squeeze(1)

# %%
adam = torch.optim.Adam(modules.parameters(), lr=0.03)
for epoch in range(10):
    adam.zero_grad()
    loss = nn.functional.binary_cross_entropy_with_logits(logits(train_x), train_y)
    loss.backward()
    nn.utils.clip_grad_norm_(modules.parameters(), 1.0)
    adam.step()

# %%
%%track gru
with torch.no_grad():
    valid_loss = nn.functional.binary_cross_entropy_with_logits(logits(valid_x), valid_y).item()
valid_loss
