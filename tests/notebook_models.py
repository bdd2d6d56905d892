"""A notebook that logs models of many kinds, and a process that loads them without it."""

from __future__ import annotations

SETUP = """
import torch, sys, os, math
from torch import nn
torch.set_num_threads(1)
torch.manual_seed(0)
import nbtrack, nbtrack.pytorch
from torch.nn.utils import parametrizations, parametrize
SCALE = 2.5
"""

CLASSES = '''
def squash(x):
    return torch.tanh(x) * SCALE / math.pi

class Block(nn.Module):
    def __init__(self, size, act=squash):
        super().__init__()
        self.linear = nn.Linear(size, size)
        self.act = act

    def forward(self, x):
        return x + self.act(self.linear(x))

class Net(nn.Module):
    """Nested, with a function as an attribute, and arguments."""
    def __init__(self, size, depth=2, *, p=0.1):
        super().__init__()
        self.size = size
        self.blocks = nn.ModuleList(Block(size) for _ in range(depth))
        self.heads = nn.ModuleDict({"a": nn.Linear(size, 2), "b": nn.Linear(size, 2)})
        self.gains = nn.ParameterList([nn.Parameter(torch.ones(size)) for _ in range(2)])
        self.drop = nn.Dropout(p)
        self.register_buffer("shift", torch.full((size,), 0.5), persistent=False)

    def forward(self, x):
        for block in self.blocks:
            x = block(x)
        x = self.drop(x) * self.gains[0] * self.gains[1] + self.shift
        return self.heads["a"](x) + self.heads["b"](x)

class Branching(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 2)

    def forward(self, x):
        return self.linear(x) if x.sum() > 0 else -self.linear(x)

class Tied(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(4, 4, bias=False)
        self.last = nn.Linear(4, 4, bias=False)
        self.last.weight = self.first.weight

    def forward(self, x):
        return self.last(torch.relu(self.first(x)))

class Mean(nn.Module):
    """Buffers only."""
    def __init__(self):
        super().__init__()
        self.register_buffer("mean", torch.zeros(4))
        self.register_buffer("count", torch.tensor(0))

    def forward(self, x):
        return x - self.mean

class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)
'''

MODELS = """
def symmetric():
    net = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 2))
    parametrize.register_parametrization(net[0], "weight", Symmetric())
    return net

def hooked():
    net = nn.Sequential(nn.Linear(4, 2))
    net.register_forward_hook(lambda module, inputs, output: None)
    return net

def frozen_part():
    net = Net(4).train()
    net.blocks[0].linear.weight.requires_grad_(False)
    net.blocks[1].eval()
    return net

def mean():
    net = Mean()
    net.mean += torch.arange(4.0)
    return net

MODELS = {
    "net": (lambda: Net(4, 3, p=0.2), None),
    "sequential": (lambda: nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2)), None),
    "frozen": (frozen_part, None),
    "branching": (Branching, None),
    "tied": (Tied, None),
    "mean": (mean, None),
    "bf16": (lambda: Net(4).bfloat16(), torch.bfloat16),
    "half": (lambda: nn.Linear(4, 2).half(), torch.float16),
    "channels": (lambda: nn.Sequential(nn.Unflatten(1, (4, 1, 1)), nn.Conv2d(4, 3, 1))
                 .to(memory_format=torch.channels_last), None),
    "weight_norm": (lambda: nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 2))), None),
    "spectral": (lambda: parametrizations.spectral_norm(nn.Linear(4, 2)), None),
    "orthogonal": (lambda: parametrizations.orthogonal(nn.Linear(4, 4)), None),
    "symmetric": (symmetric, None),
    "hooked": (hooked, None),
    "compiled": (lambda: torch.compile(Net(4), backend="eager"), None),
    "parallel": (lambda: nn.DataParallel(Net(4)), None),
    "scripted": (lambda: torch.jit.script(nn.Sequential(nn.Linear(4, 2), nn.ReLU())), None),
    "pickled": (lambda: Net(4), None),
}
"""

LOG = """
import json, warnings
expected, uris, kinds = {}, {}, {}
warnings.simplefilter("ignore")
with nbtrack.start_run() as run:
    for name, (make, dtype) in MODELS.items():
        model = make()
        mode = model.training
        x = torch.linspace(-1, 1, 12).reshape(3, 4).to(dtype or torch.float32)
        options = {"serialization": "pickle"} if name == "pickled" else {}
        if name in ("net", "branching", "sequential"):
            options["input_example"] = x[:1]
        info = nbtrack.pytorch.log_model(model, name=name, **options)
        assert model.training == mode
        uris[name] = info.model_uri
        model.eval()
        expected[name] = model(x).detach()
torch.save(expected, "expected.pt")
json.dump({"uris": uris, "run_id": run.info.run_id}, open("logged.json", "w"))
"""

LOAD = """
import json, sys, torch, warnings
torch.set_num_threads(1)
import nbtrack, nbtrack.pytorch
logged = json.load(open("logged.json"))
expected = torch.load("expected.pt")
found = {}
for name, uri in logged["uris"].items():
    model = nbtrack.pytorch.load_model(uri)
    modes = [module.training for module in model.modules()]
    grads = {key: p.requires_grad for key, p in model.named_parameters()}
    x = torch.linspace(-1, 1, 12).reshape(3, 4).to(expected[name].dtype)
    model.eval()
    equal = torch.equal(model(x), expected[name])
    model.train()
    trainable = any(grads.values())
    if trainable:
        model(x).float().sum().backward()
    found[name] = {
        "class": type(model).__name__,
        "module": type(model).__module__,
        "equal": equal,
        "modes": modes,
        "grads": grads,
        "trained": not trainable or any(p.grad is not None for p in model.parameters()),
        "contiguous": [list(p.stride()) for p in model.parameters()],
        "tied": len(list(model.parameters())) < len(model.state_dict()),
    }
print(json.dumps(found))
"""
