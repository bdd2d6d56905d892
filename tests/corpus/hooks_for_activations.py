# Forward hooks that collect activations

# %%
import torch
from torch import nn
%load_ext nbtrack

# %%
torch.manual_seed(19)
cnn = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Conv2d(4, 8, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3))
images = torch.randn(12, 1, 10, 10)

# %%
activations = {}


def get_activation(name):
    def hook(module, inputs, output):
        activations[name] = output.detach()

    return hook

# %%
handle = cnn[2].register_forward_hook(get_activation("conv2"))

# %%
cnn[0].register_forward_pre_hook(lambda module, inputs: (inputs[0].clamp(-1, 1),))

# %%
logits = cnn(images)

# %%
handle.remove()

# %%
gradients = []
cnn[5].weight.register_hook(lambda grad: gradients.append(grad.norm().item()))

# %%
logits.sum().backward()

# %%
%%track activations
again = cnn(images)
{"conv2": activations["conv2"].mean().item(), "grad": gradients[0], "out": again.abs().mean().item()}
