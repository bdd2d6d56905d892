# Lightning: trainer.fit(model, loader)

# %%
import logging
import warnings

import lightning as L
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
warnings.filterwarnings("ignore")

# %%
%load_ext nbtrack

# %%
L.seed_everything(10, verbose=False)

# %%
class LitAutoEncoder(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(10, 3), nn.ReLU(), nn.Linear(3, 10))

    def training_step(self, batch, batch_idx):
        return nn.functional.mse_loss(self.net(batch[0]), batch[0])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.01)

# %%
data = torch.randn(96, 10)
loader = DataLoader(TensorDataset(data), batch_size=16, shuffle=True)

# %%
autoencoder = LitAutoEncoder()

# %%
trainer = L.Trainer(
    max_epochs=2, logger=False, enable_checkpointing=False, enable_progress_bar=False,
    enable_model_summary=False, accelerator="cpu",
)

# %%
trainer.fit(autoencoder, loader)

# %%
%%track reconstruction
with torch.no_grad():
    mse = nn.functional.mse_loss(autoencoder.net(data), data).item()
{"mse": mse, "steps": trainer.global_step}
