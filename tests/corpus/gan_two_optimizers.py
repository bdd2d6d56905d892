# A GAN for a normal distribution

# %%
import torch
import torch.nn as nn
import numpy as np
%load_ext nbtrack

# %%
manualSeed = 999
torch.manual_seed(manualSeed)

# %%
nz, ngf, ndf = 4, 16, 16
batch_size = 64
lr = 0.002
beta1 = 0.5

# %%
def weights_init(m):
    if isinstance(m, nn.Linear):
        nn.init.normal_(m.weight.data, 0.0, 0.2)
        nn.init.constant_(m.bias.data, 0)

# %%
netG = nn.Sequential(nn.Linear(nz, ngf), nn.ReLU(True), nn.Linear(ngf, 1))
netG.apply(weights_init)

# %%
netD = nn.Sequential(nn.Linear(1, ndf), nn.LeakyReLU(0.2, inplace=True), nn.Linear(ndf, 1), nn.Sigmoid())
netD.apply(weights_init)

# %%
criterion = nn.BCELoss()
fixed_noise = torch.randn(256, nz)
real_label, fake_label = 1.0, 0.0
optimizerD = torch.optim.Adam(netD.parameters(), lr=lr, betas=(beta1, 0.999))
optimizerG = torch.optim.Adam(netG.parameters(), lr=lr, betas=(beta1, 0.999))

# %%
G_losses = []
D_losses = []
for i in range(60):
    netD.zero_grad()
    real = 3 + 0.5 * torch.randn(batch_size, 1)
    label = torch.full((batch_size,), real_label)
    errD_real = criterion(netD(real).view(-1), label)
    errD_real.backward()
    fake = netG(torch.randn(batch_size, nz))
    label.fill_(fake_label)
    errD_fake = criterion(netD(fake.detach()).view(-1), label)
    errD_fake.backward()
    optimizerD.step()
    netG.zero_grad()
    label.fill_(real_label)
    errG = criterion(netD(fake).view(-1), label)
    errG.backward()
    optimizerG.step()
    G_losses.append(errG.item())
    D_losses.append((errD_real + errD_fake).item())

# %%
%%track samples
with torch.no_grad():
    sample = netG(fixed_noise)
mean, std = sample.mean().item(), sample.std().item()
{"mean": mean, "std": std, "critic": netD(sample).mean().item()}
