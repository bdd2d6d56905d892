# The quickstart of PyTorch, on digits

# %%
import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

# %%
digits = load_digits()
images = torch.tensor(digits.images, dtype=torch.float32) / 16
labels = torch.tensor(digits.target)
training_data = TensorDataset(images[:600], labels[:600])
test_data = TensorDataset(images[600:900], labels[600:900])

# %%
batch_size = 64
train_dataloader = DataLoader(training_data, batch_size=batch_size, shuffle=True)
test_dataloader = DataLoader(test_data, batch_size=batch_size)
for X, y in test_dataloader:
    print(f"Shape of X [N, H, W]: {X.shape}")
    print(f"Shape of y: {y.shape} {y.dtype}")
    break

# %%
%load_ext nbtrack
torch.manual_seed(1)

# %%
class NeuralNetwork(nn.Module):
    def __init__(self):
        super().__init__()
        self.flatten = nn.Flatten()
        self.linear_relu_stack = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))

    def forward(self, x):
        return self.linear_relu_stack(self.flatten(x))


model = NeuralNetwork()
print(model)

# %%
loss_fn = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)

# %%
def train(dataloader, model, loss_fn, optimizer):
    model.train()
    for X, y in dataloader:
        loss = loss_fn(model(X), y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()


def test(dataloader, model, loss_fn):
    model.eval()
    test_loss, correct = 0, 0
    with torch.no_grad():
        for X, y in dataloader:
            pred = model(X)
            test_loss += loss_fn(pred, y).item()
            correct += (pred.argmax(1) == y).float().sum().item()
    return test_loss / len(dataloader), correct / len(dataloader.dataset)

# %%
epochs = 3
for t in range(epochs):
    train(train_dataloader, model, loss_fn, optimizer)
    print(t, test(test_dataloader, model, loss_fn))
print("Done!")

# %%
%%track quickstart
test_loss, accuracy = test(test_dataloader, model, loss_fn)
print(f"Accuracy: {100 * accuracy:>0.1f}%, Avg loss: {test_loss:>8f}")
{"test_loss": test_loss, "accuracy": accuracy}
