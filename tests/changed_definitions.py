"""Cells that change classes, functions and modules after their definition, and what comes of it.

Each case is a list of cells that end with ``model``; ``BASE`` comes before them.
"""

from __future__ import annotations

from dataclasses import dataclass, field

BASE = """
import torch, functools, threading
from torch import nn
import torch.nn.functional as F
from types import MethodType
torch.manual_seed(0)
"""
NET = """
class Net(nn.Module):
    SCALE = 2.0
    TABLE = {"gain": 1.0}
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 3)
    def forward(self, x):
        return self.lin(x) * self.SCALE * self.TABLE["gain"]
"""
MODEL = "model = Net()"
MODULE = """
import torch
from torch import nn
GAIN = 2.0
TABLE = torch.ones(3)
def act(x):
    return torch.tanh(x)
class Net(nn.Module):
    SCALE = 2.0
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 3)
    def forward(self, x):
        return act(self.lin(x)) * self.SCALE * GAIN * TABLE
"""
CELLS_WITH = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 3)
{body}
"""


def net(body: str) -> str:
    lines = "".join(f"    {line}\n" for line in body.splitlines())
    return CELLS_WITH.format(body=lines)


def forward(expression: str) -> str:
    return net(f"def forward(self, x):\n    return {expression}")


@dataclass
class Case:
    """Cells, modules beside the notebook, and the text of the refusal; without one it is saved."""

    cells: list[str]
    refused: str | None = None
    undo: str = ""
    modules: dict[str, str] = field(default_factory=dict)


def module_case(name: str, change: str, refused: str | None = None) -> Case:
    """A class of a module, and a change that uses its name as ``M``."""
    cells = [f"import {name} as M\nmodel = M.Net()", change]
    return Case(cells, refused, modules={name: MODULE})


EDIT = "import pathlib; file = pathlib.Path(M.__file__); text = file.read_text()\n"
REGISTRY = """
class Base(nn.Module):
    registry = {}
    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        Base.registry[cls.__name__] = cls
class Head(Base):
    def __init__(self):
        super().__init__()
        self.lin = nn.Linear(4, 3)
    def forward(self, x):
        return self.lin(x)
class Net(Base):
    def __init__(self):
        super().__init__()
        self.head = Base.registry["Head"]()
    def forward(self, x):
        return self.head(x) + len(self.registry)
model = Net()
"""
CONFIGURED = """
from dataclasses import dataclass
from enum import Enum
class Mode(Enum):
    A = 1
    B = 2
@dataclass
class Config:
    width: float = 2.0
    mode: Mode = Mode.B
"""
DECORATOR = """
def add_forward(cls):
    def forward(self, x):
        return self.lin(x) * {times}
    cls.forward = forward
    return cls
"""

CASES: dict[str, Case] = {
    # the class is changed
    "method": Case([NET, MODEL, "def f(self, x):\n    return self.lin(x) - 5", "Net.forward = f"]),
    "lambda": Case([NET, MODEL, "Net.forward = lambda self, x: self.lin(x) - 7"]),
    "constant": Case([NET, MODEL, "Net.SCALE = 9.0"]),
    "tensor": Case([NET, MODEL, "Net.SCALE = torch.tensor([1.0, 2.0, 3.0])"]),
    "dictionary": Case([NET, MODEL, "Net.TABLE['gain'] = 3.0"]),
    "deleted": Case(
        [
            "class B(nn.Module):\n    K = 1.0",
            CELLS_WITH.format(body="").replace(
                "(nn.Module):",
                "(B):\n    K = 2.0\n    def forward(self, x):\n        return self.lin(x) * self.K",
            ),
            MODEL,
            "del Net.K",
        ]
    ),
    "property": Case(
        [
            net(
                "@property\ndef gain(self):\n    return 2.0\n"
                "def forward(self, x):\n    return self.lin(x) * self.gain"
            ),
            MODEL,
            "Net.gain = property(lambda self: 11.0)",
        ]
    ),
    "staticmethod": Case(
        [
            net(
                "@staticmethod\ndef act(x):\n    return x + 1\n"
                "def forward(self, x):\n    return self.act(self.lin(x))"
            ),
            MODEL,
            "def g(x):\n    return x * 50",
            "Net.act = staticmethod(g)",
        ]
    ),
    "classmethod": Case(
        [
            net(
                "@classmethod\ndef act(cls, x):\n    return x + 1\n"
                "def forward(self, x):\n    return self.act(self.lin(x))"
            ),
            MODEL,
            "Net.act = classmethod(lambda cls, x: x * 50)",
        ]
    ),
    "base": Case(
        [
            "class B(nn.Module):\n    def act(self, x):\n        return x + 1",
            forward("self.act(self.lin(x))").replace("(nn.Module)", "(B)"),
            MODEL,
            "B.act = lambda self, x: x + 100",
        ]
    ),
    "base redefined": Case(
        [
            "class B(nn.Module):\n    def act(self, x):\n        return x + 1",
            forward("self.act(self.lin(x))").replace("(nn.Module)", "(B)"),
            MODEL,
            "class B(nn.Module):\n    def act(self, x):\n        return x + 100",
        ]
    ),
    "decorator": Case([DECORATOR.format(times=3), "@add_forward" + net("pass"), MODEL]),
    "decorator redefined": Case(
        [DECORATOR.format(times=3), "@add_forward" + net("pass"), MODEL, DECORATOR.format(times=4)]
    ),
    "decorator later": Case(
        [
            NET,
            (
                "def more(cls):\n    old = cls.forward\n"
                "    def forward(self, x):\n        return old(self, x) + 1\n"
                "    cls.forward = forward"
            ),
            "more(Net)",
            MODEL,
        ]
    ),
    "subclass later": Case(
        [
            NET,
            (
                "def sub(cls):\n    class Sub(cls):\n"
                "        def forward(self, x):\n"
                "            return super().forward(x) + 10\n    return Sub"
            ),
            "Net = sub(Net)",
            MODEL,
        ]
    ),
    "method of another class": Case(
        [
            NET,
            "class Other(nn.Module):\n    def forward(self, x):\n        return self.lin(x) + 77",
            "Net.forward = Other.forward",
            MODEL,
        ]
    ),
    "code": Case(
        [
            NET,
            "def f(self, x):\n    return self.lin(x) - 5",
            "Net.forward.__code__ = f.__code__",
            MODEL,
        ],
        refused=r"Net\.forward is not what",
    ),
    "nested class": Case(
        [
            (
                "def make():\n    class Net(nn.Module):\n        K = 1.0\n"
                "        def __init__(self):\n            super().__init__()\n"
                "            self.lin = nn.Linear(4, 3)\n"
                "        def forward(self, x):\n            return self.lin(x) * self.K\n"
                "    return Net"
            ),
            "Net = make()",
            MODEL,
            "Net.K = 13.0\nNet.forward = lambda self, x: self.lin(x) * self.K + 1",
        ]
    ),
    "no methods": Case(
        [
            "class Net(nn.Sequential):\n    K = 3.0",
            "model = Net(nn.Linear(4, 3))",
            "Net.K = 5.0\nNet.forward = lambda self, x: self[0](x) * self.K",
        ]
    ),
    "registry": Case([REGISTRY]),
    "object": Case(
        [
            CONFIGURED
            + net(
                "config = Config(3.0)\nmode = Mode.B\ndef forward(self, x):\n"
                "    return self.lin(x) * self.config.width * self.mode.value"
            ),
            MODEL,
            "Net.config.width = 8.0",
        ]
    ),
    "class of itself": Case(
        [
            NET,
            ("class Net(Net):\n    def forward(self, x):\n        return super().forward(x) + 1"),
            MODEL,
        ]
    ),
    "class of itself, twice": Case(
        [
            NET,
            ("class Net(Net):\n    def forward(self, x):\n        return super().forward(x) + 1"),
            ("class Net(Net):\n    def forward(self, x):\n        return super().forward(x) * 2"),
            MODEL,
        ]
    ),
    # what it was made of is bound anew
    "default": Case(
        [
            "K = 2.0",
            net("def forward(self, x, k=K):\n    return self.lin(x) * k"),
            MODEL,
            "K = 99.0",
        ]
    ),
    "default of a function": Case(
        [
            "K = 2.0",
            "def act(x, k=K):\n    return x * k",
            forward("act(self.lin(x))"),
            MODEL,
            "K = 99.0",
        ]
    ),
    "expression": Case(
        [
            "K = 2.0",
            net("G = K * 2\ndef forward(self, x):\n    return self.lin(x) * self.G"),
            MODEL,
            "K = 99.0",
        ]
    ),
    "argument of a decorator": Case(
        [
            (
                "K = 2.0\ndef times(k):\n    def decorate(f):\n        def inner(self, x):\n"
                "            return f(self, x) * k\n        return inner\n    return decorate"
            ),
            net("@times(K)\ndef forward(self, x):\n    return self.lin(x)"),
            MODEL,
            "K = 99.0",
        ]
    ),
    "function redefined": Case(
        [
            "def act(x):\n    return x + 1",
            forward("act(self.lin(x))"),
            MODEL,
            "def act(x):\n    return x * 30",
        ]
    ),
    "function wrapped": Case(
        [
            "def act(x):\n    return x + 1",
            forward("act(self.lin(x))"),
            MODEL,
            (
                "def plus(f):\n    @functools.wraps(f)\n    def inner(*a):\n"
                "        return f(*a) + 1000\n    return inner"
            ),
            "act = plus(act)",
        ]
    ),
    "function of itself": Case(
        [
            "def act(x):\n    return x + 1\nold = act",
            "def act(x):\n    return old(x) * 7",
            forward("act(self.lin(x))"),
            MODEL,
        ]
    ),
    "attribute of a function": Case(
        ["def act(x):\n    return x * act.k", "act.k = 5.0", forward("act(self.lin(x))"), MODEL]
    ),
    "names of two modules": Case(
        [
            "SCALE = 3.0",
            net("act = None\ndef forward(self, x):\n    return self.act(self.lin(x)) * SCALE"),
            MODEL,
            "import two_names\nmodel.act = two_names.make()",
        ],
        modules={
            "two_names": "SCALE = 50.0\ndef make():\n    def act(x):\n"
            "        return x * SCALE\n    return act\n"
        },
    ),
    # modules beside the notebook
    "module edited": module_case(
        "mod_a", EDIT + "file.write_text(text.replace('tanh', 'sigmoid'))", r"mod_a\.act"
    ),
    "module edited elsewhere": module_case(
        "mod_b", EDIT + "file.write_text('# new\\n' + text + 'def other(x):\\n    return x\\n')"
    ),
    "module's constant": module_case("mod_c", "M.GAIN = 7.0", r"mod_c\.GAIN"),
    "module's tensor": module_case(
        "mod_d", "M.TABLE = torch.tensor([1., 2., 3.])", r"mod_d\.TABLE"
    ),
    "module's function": module_case("mod_e", "M.act = lambda x: x * 2", r"mod_e\.act"),
    "module's method": module_case(
        "mod_f", "M.Net.forward = lambda self, x: self.lin(x)", r"mod_f\.Net\.forward"
    ),
    "module's method wrapped": module_case(
        "mod_h",
        "def times(f):\n    @functools.wraps(f)\n    def inner(self, x):\n"
        "        return f(self, x) * 3\n    return inner\nM.Net.forward = times(M.Net.forward)",
        r"mod_h\.Net\.forward",
    ),
    "module's method changed by the module": Case(
        ["import mod_i as M\nM.change()\nmodel = M.Net()"],
        r"mod_i\.Net\.forward",
        modules={
            "mod_i": MODULE + "def change():\n    old = Net.forward\n"
            "    Net.forward = lambda self, x: old(self, x) + 1\n"
        },
    ),
    "module's cache": Case(
        ["import mod_k as M\nmodel = M.Cached()\nmodel(torch.ones(1, 4))"],
        modules={
            "mod_k": MODULE
            + "CACHE = {}\nclass Cached(Net):\n    seen = []\n    def forward(self, x):\n"
            "        CACHE[len(x)] = x\n        self.seen.append(len(x))\n"
            "        return super().forward(x)\n"
        },
    ),
    "module's decorators": Case(
        ["import mod_j as M\nmodel = M.Decorated()"],
        modules={
            "mod_j": MODULE + "import functools\nfrom dataclasses import dataclass\n"
            "def times(f):\n    @functools.wraps(f)\n    def inner(self, x):\n"
            "        return f(self, x) * 3\n    return inner\n"
            "@dataclass\nclass Config:\n    width: int = 3\n"
            "class Decorated(Net):\n    config = Config(4)\n    act = staticmethod(lambda x: x)\n"
            "    @property\n    def gain(self):\n        return 2.0\n"
            "    @times\n    @torch.no_grad()\n    def forward(self, x):\n"
            "        return self.act(super().forward(x)) * self.gain * self.config.width\n"
        },
    ),
    "module's class": module_case("mod_g", "M.Net.SCALE = 5.0", r"mod_g\.Net\.SCALE"),
    # libraries
    "library's method": Case(
        [
            "model = nn.Sequential(nn.Linear(4, 3))",
            "kept = nn.Linear.forward",
            "nn.Linear.forward = lambda self, x: x[:, :3] * 3",
        ],
        r"Linear\.forward was replaced",
        "nn.Linear.forward = kept",
    ),
    "library's function": Case(
        [
            "model = nn.Sequential(nn.Linear(4, 3), nn.ReLU())",
            "kept = F.relu",
            "F.relu = lambda x, inplace=False: x * 3",
        ],
        r"functional\.relu was replaced",
        "F.relu = kept",
    ),
    "library's base": Case(
        [
            "model = nn.Sequential(nn.Linear(4, 3))",
            "kept = nn.Module.__call__",
            "nn.Module.__call__ = lambda self, *a: kept(self, *a) + 1",
        ],
        r"Module\.__call__ was replaced",
        "nn.Module.__call__ = kept",
    ),
    "library's function that is not used": Case(
        [NET, MODEL, "kept = torch.load", "torch.load = lambda *a, **k: kept(*a, **k)"],
        undo="torch.load = kept",
    ),
    "hook of all modules": Case(
        [
            NET,
            MODEL,
            "from torch.nn.modules import module as modules",
            "handle = modules.register_module_forward_hook(lambda m, i, o: o * 2)",
        ],
        r"hook for all modules",
        "handle.remove()",
    ),
    # the object is changed
    "bound": Case(
        [
            NET,
            MODEL,
            "def forward(self, x):\n    return self.lin(x) - 3",
            "model.forward = MethodType(forward, model)",
        ]
    ),
    "bound under another name": Case(
        [
            NET,
            MODEL,
            "def g(self, x):\n    return self.lin(x) - 3",
            "model.forward = g.__get__(model)",
        ]
    ),
    "layer of a library": Case(
        [
            "model = nn.Sequential(nn.Linear(4, 3))",
            "model[0].forward = MethodType(lambda self, x: F.linear(x, self.weight) + 8, model[0])",
        ]
    ),
    "forward that calls the old one": Case(
        [NET, MODEL, "old = model.forward", "model.forward = lambda x: old(x) + 4"]
    ),
    "lock in use": Case(
        [
            net(
                "lock = None\ndef forward(self, x):\n    with self.lock:\n"
                "        return self.lin(x)"
            ),
            MODEL,
            "model.lock = threading.Lock()",
        ],
        r"needs it when it is called",
    ),
    # hooks
    "hook": Case([NET, MODEL, "handle = model.register_forward_hook(lambda m, i, o: o * 2)"]),
    "hook before": Case(
        [
            NET,
            MODEL,
            "def before(m, args):\n    return (args[0] + 1,)",
            "handle = model.register_forward_pre_hook(before)",
        ]
    ),
    "hook that keeps values": Case(
        [
            NET,
            MODEL,
            "def make(k):\n    def hook(m, i, o):\n        return o + k\n    return hook",
            "handle = model.lin.register_forward_hook(make(3.0))",
        ]
    ),
    "hook with keywords": Case(
        [
            NET,
            MODEL,
            "a = model.register_forward_hook(lambda m, a, k, o: o * 5, with_kwargs=True)",
            "def before(m, args, options):\n    return (args[0] * 2,), options",
            "b = model.register_forward_pre_hook(before, with_kwargs=True)",
        ]
    ),
    "hook in place": Case(
        [
            NET,
            MODEL,
            "def hook(m, i, o):\n    o.mul_(3)",
            "handle = model.register_forward_hook(hook)",
        ]
    ),
    "hook of an object": Case(
        [
            NET,
            MODEL,
            (
                "class Shift:\n    def __init__(self, k):\n        self.k = k\n"
                "    def hook(self, m, i, o):\n        return o + self.k"
            ),
            "handle = model.register_forward_hook(Shift(6.0).hook)",
        ]
    ),
    "hook that cannot be saved": Case(
        [
            NET,
            MODEL,
            (
                "class Locked:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
                "    def __call__(self, m, i, o):\n        return o * 2"
            ),
            "handle = model.register_forward_hook(Locked())",
        ],
        r"forward_hooks of Net cannot be saved",
    ),
    "hook that watches": Case(
        [
            NET,
            MODEL,
            (
                "class Watch:\n    def __init__(self):\n        self.lock = threading.Lock()\n"
                "    def __call__(self, m, i, o):\n        o.sum()"
            ),
            "handle = model.register_forward_hook(Watch())",
        ]
    ),
}
