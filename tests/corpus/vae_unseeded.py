# A variational autoencoder; nobody has set a seed

# %%
import torch
from torch import nn
import torch.nn.functional as F
from sklearn.datasets import load_digits

%load_ext nbtrack

# %%
X = torch.tensor(load_digits().data[:500], dtype=torch.float32) / 16

# %%
class VAE(nn.Module):
    def __init__(self, z=2):
        super().__init__()
        self.enc = nn.Linear(64, 32)
        self.mu, self.logvar = nn.Linear(32, z), nn.Linear(32, z)
        self.dec = nn.Sequential(nn.Linear(z, 32), nn.ReLU(), nn.Linear(32, 64), nn.Sigmoid())

    def reparameterize(self, mu, logvar):
        return mu + torch.randn_like(mu) * torch.exp(0.5 * logvar)

    def forward(self, x):
        h = F.relu(self.enc(x))
        mu, logvar = self.mu(h), self.logvar(h)
        return self.dec(self.reparameterize(mu, logvar)), mu, logvar


vae = VAE()

# %%
def loss_function(recon_x, x, mu, logvar):
    BCE = F.binary_cross_entropy(recon_x, x, reduction="sum")
    KLD = -0.5 * torch.sum(1 + logvar - mu.pow(2) - logvar.exp())
    return (BCE + KLD) / len(x)

# %%
optimizer = torch.optim.Adam(vae.parameters(), lr=3e-3)
train_loss = []
for epoch in range(4):
    perm = torch.randperm(len(X))
    for i in range(0, len(X), 100):
        batch = X[perm[i : i + 100]]
        loss = loss_function(*vae(batch)[:1], batch, *vae(batch)[1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    train_loss.append(loss.item())

# %%
%%track elbo
vae.eval()
with torch.no_grad():
    elbo = loss_function(vae(X)[0], X, *vae(X)[1:]).item()
elbo
