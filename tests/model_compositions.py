"""Models composed of parts, as cells; and the two processes that save and load them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from programs import start

BASE = """
import torch, functools
from functools import partial
from types import MethodType
from torch import nn
import torch.nn.functional as F
from torch.nn.utils import parametrize, prune
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm
torch.manual_seed(0)
K = 2.0
TABLE = torch.linspace(0.5, 1.5, 4)
def helper(x):
    return x * K + 0.1
def times(k):
    def decorate(f):
        @functools.wraps(f)
        def inner(self, x):
            return f(self, x) * k
        return inner
    return decorate
def act_of(k):
    def act(x):
        return torch.tanh(x) * k
    return act
class Symmetric(nn.Module):
    def forward(self, x):
        return x.triu() + x.triu(1).transpose(-1, -2)
def symmetric(layer):
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer
def pruned(layer):
    return prune.l1_unstructured(layer, "weight", 0.3)
"""
LAYERS = (
    "nn.Linear(4, 4)",
    "nn.LayerNorm(4)",
    "nn.ELU()",
    "nn.Dropout(0.5)",
    "nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 4))",
    "nn.BatchNorm1d(4)",
    "weight_norm(nn.Linear(4, 4))",
    "spectral_norm(nn.Linear(4, 4))",
    "orthogonal(nn.Linear(4, 4))",
    "symmetric(nn.Linear(4, 4))",
    "pruned(nn.Linear(4, 4))",
)
# what stands in a class, and what forward() returns
BODIES = (
    ("FACTOR = 1.5", "h * self.FACTOR"),
    ("FACTOR = K * 3", "h * self.FACTOR"),
    ("FACTOR = TABLE", "h * self.FACTOR"),
    ("TABLE = {'gain': 0.7}", "h * self.TABLE['gain']"),
    ("@property\ndef gain(self):\n    return 0.9", "h * self.gain"),
    ("@staticmethod\ndef act(x):\n    return torch.sin(x)", "self.act(h)"),
    ("@classmethod\ndef act(cls, x):\n    return torch.cos(x)", "self.act(h)"),
    ("act = staticmethod(act_of(0.8))", "self.act(h)"),
    ("def more(self, x, k=K):\n    return x - k", "self.more(h)"),
    ("@times(K)\ndef more(self, x):\n    return x + 1", "self.more(h)"),
    ("", "helper(h)"),
    ("", "h * TABLE"),
    ("", "self.act(h)"),
)
ACTS = (
    "torch.tanh", "F.gelu", "helper", "act_of(1.2)", "lambda x: x * 0.3 + K",
    "partial(F.leaky_relu, negative_slope=0.3)", "nn.Softplus()",
)  # fmt: skip
CLASS = """class {name}({base}):
{body}
    def __init__(self, act=None):
        super().__init__()
        self.inner = {inner}
        if act is not None:
            self.act = act
        self.register_buffer("shift", torch.full((4,), 0.2), persistent={persistent})
    def forward(self, x):
        h = {call}
        return {result} + self.shift
"""
INNERS = (
    ("{layer}", "self.inner(x)"),
    ("nn.ModuleList([{layer}, {layer}])", "self.inner[1](self.inner[0](x))"),
    ("nn.ModuleDict({{'a': {layer}, 'b': {layer}}})", "self.inner['a'](x) + self.inner['b'](x)"),
)
# cells that run after the model was made: of a class, of a layer, of everything
OF_CLASS = (
    "{name}.forward = lambda self, x: helper(x) * 0.5",
    "def f_{name}(self, x):\n    return helper(x) + self.shift\n{name}.forward = f_{name}",
    "{name}.FACTOR = 4.0",
    "{name}.FACTOR = TABLE * 2",
    "{name}.TABLE = {{'gain': 3.0}}",
    "{name}.act = staticmethod(lambda x: x * 9)",
    "{name}.more = lambda self, x: x * 11",
    "{name}.gain = property(lambda self: 5.0)",
    "old_{name} = {name}.forward\n{name}.forward = lambda self, x: old_{name}(self, x) + 1",
    "{name}.forward = times(3.0)({name}.forward)",
    (
        "class Mixed_{name}:\n    def forward(self, x):\n        return x + 7\n"
        "{name}.forward = Mixed_{name}.forward"
    ),
)
OF_LAYER = (
    "{layer}.forward = MethodType(lambda self, x: x * 1.1 + K, {layer})",
    "def g(self, x):\n    return helper(x)\n{layer}.forward = g.__get__({layer})",
    "{layer}.forward = partial(torch.mul, other=0.4)",
    "{layer}.register_forward_hook(lambda m, i, o: o * 2)",
    "{layer}.register_forward_pre_hook(lambda m, i: (i[0] + 1,))",
    "{layer}.register_forward_hook(lambda m, a, k, o: o + K, with_kwargs=True)",
    "def hook(m, i, o):\n    o.mul_(1.5)\n{layer}.register_forward_hook(hook)",
    (
        "def keep(k):\n    def hook(m, i, o):\n        return o - k\n    return hook\n"
        "{layer}.register_forward_hook(keep(0.7))"
    ),
    (
        "class Shift:\n    def __init__(self, k):\n        self.k = k\n"
        "    def __call__(self, m, i, o):\n        return o + self.k\n"
        "{layer}.register_forward_hook(Shift(0.6))"
    ),
)
OF_ALL = (
    "K = 99.0",
    "TABLE = TABLE * 2",
    "def helper(x):\n    return x - 5",
    "helper = lambda x: x * 6",
    "def times(k):\n    return lambda f: f",
    "def act_of(k):\n    return torch.exp",
    "Symmetric.forward = lambda self, x: x.tril() + x.tril(-1).transpose(-1, -2)",
    "for p in model.parameters():\n    p.requires_grad_(False)",
    "model.double()\nx = x.double()",
)
REFUSABLE = (
    "kept = nn.Linear.forward\nnn.Linear.forward = lambda self, x: kept(self, x) + 1",
    "kept = F.relu\nF.relu = lambda x, inplace=False: x * 3",
    "kept = nn.Module.__call__\nnn.Module.__call__ = lambda self, *a, **k: kept(self, *a, **k) + 1",
)
UNDO = (
    "nn.Linear.forward = kept",
    "F.relu = kept",
    "nn.Module.__call__ = kept",
)
TIES = (
    "model.append(model[0])",
    (
        "for layer in model:\n    if type(layer) is nn.Linear:\n        last = nn.Linear(4, 4)\n"
        "        last.weight = layer.weight\n        model.append(last)\n        break"
    ),
)


@st.composite
def compositions(draw: Any) -> dict[str, Any]:
    """Draw the cells of a model; ``sure`` says that it must be saved."""
    cells, classes, parts = [], [], []
    for number in range(draw(st.integers(0, 3))):
        name = f"Net{number}"
        classes.append(name)
        cells += _class(draw, name, classes[:-1])
        act = draw(st.sampled_from(ACTS))
        parts.append(f"{name}(act={act})" if draw(st.booleans()) else f"{name}(torch.tanh)")
    parts += draw(st.lists(st.sampled_from(LAYERS), min_size=1, max_size=3))
    cells.append(f"model = nn.Sequential({', '.join(draw(st.permutations(parts)))})")
    if draw(st.integers(0, 3)) == 0:
        cells.append(draw(st.sampled_from(TIES)))
    for _ in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from(["class", "layer", "all"] if classes else ["layer", "all"]))
        if kind == "class":
            name = draw(st.sampled_from(classes))
            cells.append(draw(st.sampled_from(OF_CLASS)).format(name=name))
        elif kind == "layer":
            layer = f"model[{draw(st.integers(0, len(parts) - 1))}]"
            cells.append(draw(st.sampled_from(OF_LAYER)).format(layer=layer))
        else:
            cells.append(draw(st.sampled_from(OF_ALL)))
    undo = ""
    if draw(st.integers(0, 9)) == 0:
        number = draw(st.integers(0, len(REFUSABLE) - 1))
        cells.append(REFUSABLE[number])
        undo = UNDO[number]
    return {"cells": [BASE, *cells], "undo": undo, "sure": not undo}


def _class(draw: Any, name: str, earlier: list[str]) -> list[str]:
    body, result = draw(st.sampled_from(BODIES))
    inner, call = draw(st.sampled_from(INNERS))
    lines = "".join(f"    {line}\n" for line in (body or "pass").splitlines())
    text = CLASS.format(
        name=name,
        base="nn.Module",
        body=lines,
        inner=inner.format(layer=draw(st.sampled_from(LAYERS))),
        call=call,
        result=result,
        persistent=draw(st.booleans()),
    )
    kind = draw(st.sampled_from(["plain", "plain", "function", "again", "derived"]))
    if kind == "function":
        inside = "".join(f"    {line}\n" for line in text.splitlines())
        return [f"def make_{name}(k):\n{inside}    return {name}", f"{name} = make_{name}(3)"]
    again = (
        f"class {name}({name}):\n    def forward(self, x):\n        return super().forward(x) - K"
    )
    if kind == "again":
        return [text, again]
    if kind == "derived" and earlier:
        return [text.replace("(nn.Module)", f"({draw(st.sampled_from(earlier))})")]
    return [text]


SAVE = """
import json, sys, traceback, warnings
import torch
from IPython.core.interactiveshell import InteractiveShell
import nbtrack.pytorch
from nbtrack.errors import InvalidParameterError
torch.set_num_threads(1)
warnings.simplefilter("ignore")
shell = InteractiveShell.instance()
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    place, case = json.loads(line)
    shell.reset(new_session=False)
    said = "no model"  # such as a weight that is computed, and cannot be tied
    try:
        shell.user_ns["x"] = torch.linspace(-1, 1, 12).reshape(3, 4)
        for cell in case["cells"]:
            shell.run_cell(cell, silent=True).raise_error()
        model, x = shell.user_ns["model"].eval(), shell.user_ns["x"]
        y = model(x).detach().clone()
        torch.save((x, y), place + ".pt")
        said = "not saved"
        nbtrack.pytorch.save_model(model, place)
        said = "saved"
    except InvalidParameterError as error:
        said = "refused: " + error.message
    except Exception:
        said = said if said == "no model" else traceback.format_exc()
    finally:
        if "kept" in shell.user_ns:
            shell.run_cell(case["undo"], silent=True).raise_error()
    print(json.dumps(said), file=out, flush=True)
"""
LOAD = """
import json, shutil, sys, traceback, warnings
import torch
import nbtrack.pytorch
torch.set_num_threads(1)
warnings.simplefilter("ignore")
out, sys.stdout = sys.stdout, sys.stderr
for line in sys.stdin:
    place = json.loads(line)
    try:
        x, y = torch.load(place + ".pt")
        found = nbtrack.pytorch.load_model(place, trust=True).eval()(x)
        said = "same" if torch.equal(found, y) else f"wrong by {(found - y).abs().max()}"
        shutil.rmtree(place)
    except Exception:
        said = traceback.format_exc()
    print(json.dumps(said), file=out, flush=True)
"""


class Processes:
    """One process that saves, and one that loads, for any number of models."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._count = 0
        log = {"PYTHONWARNINGS": "ignore"}
        self._save, self._load = (start(code, cwd=folder, **log) for code in (SAVE, LOAD))

    def outcome(self, case: dict[str, Any]) -> tuple[str, str | None]:
        """Return what saving says, and what comes of the saved model elsewhere."""
        self._count += 1
        place = str(self._folder / f"model{self._count}")
        said = _ask(self._save, [place, case])
        return said, _ask(self._load, place) if said == "saved" else None

    def close(self) -> None:
        for process in (self._save, self._load):
            process.communicate(timeout=60)


def _ask(process: subprocess.Popen[str], question: Any) -> str:
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(question) + "\n")
    process.stdin.flush()
    answer = process.stdout.readline()
    assert answer, process.stderr.read() if process.stderr else ""
    return str(json.loads(answer))
