# Forecasting with sliding windows and an LSTM

# %%
import numpy as np
import torch
from torch import nn
%load_ext nbtrack

# %%
np.random.seed(2)
t = np.arange(300)
series = np.sin(t / 8) + 0.3 * np.sin(t / 3) + np.random.normal(0, 0.05, len(t))

# %%
mean, std = series[:200].mean(), series[:200].std()
series -= mean
series /= std

# %%
def create_sequences(data, seq_length):
    xs, ys = [], []
    for i in range(len(data) - seq_length):
        xs.append(data[i : i + seq_length])
        ys.append(data[i + seq_length])
    return np.array(xs), np.array(ys)

# %%
seq_length = 12
X, y = create_sequences(series, seq_length)
X = torch.from_numpy(X).float().unsqueeze(-1)
y = torch.from_numpy(y).float()
trainX, testX, trainY, testY = X[:190], X[190:], y[:190], y[190:]

# %%
torch.manual_seed(2)
lstm = nn.LSTM(1, 10, batch_first=True)
fc = nn.Linear(10, 1)
optimizer = torch.optim.Adam([*lstm.parameters(), *fc.parameters()], lr=0.02)

# %%
def predict(x):
    out, (hn, cn) = lstm(x)
    return fc(hn[-1]).squeeze(-1)


for epoch in range(8):
    loss = ((predict(trainX) - trainY) ** 2).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

# %%
%%track forecast
with torch.no_grad():
    forecast = predict(testX).numpy() * std + mean
truth = testY.numpy() * std + mean
rmse = float(np.sqrt(np.mean((forecast - truth) ** 2)))
rmse
