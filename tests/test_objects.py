"""Objects as data: serialized in a notebook, restored where none of it exists."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections import Counter, OrderedDict, deque
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models.objects import code_in, deserialize, serialize

CELLS = '''
import math, collections, threading
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from dataclasses import dataclass
from enum import Enum
from functools import partial
import layers
from layers.blocks import Gate
torch.set_num_threads(1); torch.manual_seed(0)
# %%
SCALE = 0.5
TABLE = np.linspace(0, 1, 4, dtype=np.float32)
Point = collections.namedtuple("Point", "x y")
class Mode(Enum):
    WARM = 1
    COLD = 2
@dataclass
class Config:
    width: int = 8
    mode: Mode = Mode.COLD
config = Config(width=6)
def helper(x):
    return x * SCALE
def swish(x):
    return x * torch.sigmoid(helper(x))
soft = lambda x: F.softplus(x)
lock = threading.Lock()
def times(n):
    def inner(x):
        return x * n
    return inner
# %%
%precision 4
class Base(nn.Module):
    factor = SCALE * 2
class Twice(nn.Module):
    def forward(self, x):
        return 2 * x
class Net(Base):
    """The model that the tests save."""
    def __init__(self, width: int = config.width, *, at: Point = Point(1, 2.5)):
        super().__init__()
        self.first = nn.Linear(4, width)
        self.gate = Gate(width)
        self.last = nn.utils.parametrizations.weight_norm(nn.Linear(width, 4))
        torch.nn.utils.parametrize.register_parametrization(self.last, "bias", Twice())
        self.tied = nn.Linear(4, width, bias=False)
        self.tied.weight = self.first.weight
        self.register_buffer("shift", torch.tensor(TABLE))
        self.register_buffer("hidden", torch.full((4,), 2.0), persistent=False)
        self.act = [soft, F.gelu, torch.tanh, lambda x: x + width, times(3)]
        self.leaky = partial(F.leaky_relu, negative_slope=0.3)
        self.at, self.mode, self.config = at, config.mode, config
        self.lock = lock
    def forward(self, x):
        if x.sum() > 0:
            x = self.leaky(x)
        h = swish(self.first(x)) + self.tied(x) + self.gate(self.first(x))
        for act in self.act:
            h = act(h)
        return self.last(h) * self.factor + self.shift * self.hidden + math.pi * self.at.y
    def log(self):
        with lock:
            return get_ipython
class Plain(nn.Sequential):
    pass
class Recursive(nn.Module):
    def __init__(self, depth=2):
        super(Recursive, self).__init__()
        self.inner = Recursive(depth - 1) if depth else nn.Linear(4, 4)
        self.parents = [self]
    def forward(self, x):
        return self.inner(x)
def local_class(scale):
    class Local(nn.Module):
        def forward(self, x):
            return x * scale
    return Local()
net = Net()
net.first.weight.requires_grad_(False)
net.eval()
'''
SAVE = """
import json, sys
from IPython.core.interactiveshell import InteractiveShell
shell = InteractiveShell.instance()
for cell in open("cells.py").read().split("# %%"):
    shell.run_cell(cell).raise_error()
import torch
from nbtrack.models.objects import deserialize, serialize
space = shell.user_ns
models = {
    "net": space["net"],
    "plain": space["Plain"](torch.nn.Linear(4, 3), torch.nn.ReLU()),
    "recursive": space["Recursive"](),
    "local": space["local_class"](3.5),
    "half": torch.nn.Sequential(torch.nn.Linear(4, 4), torch.nn.ReLU()).bfloat16(),
}
x = torch.randn(5, 4)
kept = {"x": x}
for name, model in models.items():
    serialized = serialize(model)
    y = model(x.bfloat16() if name == "half" else x)
    kept[name] = {
        "tree": json.dumps(serialized.tree), "sources": serialized.sources,
        "y": y.detach(),
        "arrays": {
            k: torch.as_tensor(v) for k, v in (serialized.weights | serialized.extra).items()
        },
        "notes": serialized.notes, "weights": list(serialized.weights),
        "state": list(model.state_dict()),
    }
live = deserialize(json.loads(kept["plain"]["tree"]), kept["plain"]["arrays"],
                   kept["plain"]["sources"], trusted=True)
kept["live"] = type(live) is space["Plain"]
torch.save(kept, "kept.pt")
"""
LOAD = """
import json, copy, torch
from nbtrack.models.objects import deserialize, serialize
torch.set_num_threads(1)
kept = torch.load("kept.pt")
facts = {"live": kept.pop("live")}
x = kept.pop("x")
for name, saved in kept.items():
    tree = json.loads(saved["tree"])
    model = deserialize(tree, saved["arrays"], saved["sources"], trusted=True)
    given = x.bfloat16() if name == "half" else x
    again = serialize(model)
    twice = deserialize(json.loads(json.dumps(again.tree)), again.weights | again.extra,
                        again.sources, trusted=True)
    facts[name] = {
        "equal": torch.equal(model(given), saved["y"]),
        "again": torch.equal(twice(given), saved["y"]),
        "copied": torch.equal(copy.deepcopy(model)(given), saved["y"]),
        "class": type(model).__name__, "module": type(model).__module__, "notes": saved["notes"],
        "training": model.training, "sources": list(saved["sources"]),
        "missing": sorted(set(saved["state"]) - set(saved["weights"])),
        "frozen": [n for n, p in model.named_parameters() if not p.requires_grad],
    }
    if name == "net":
        facts["tied"] = model.tied.weight is model.first.weight
        facts["text"] = saved["sources"]["notebook.py"]
        facts["doc"], facts["lock"] = type(model).__doc__, hasattr(model, "lock")
        model.train()
        optimizer = torch.optim.SGD(model.parameters(), 0.01)
        before = model.last.parametrizations.weight.original1.clone()
        model(x).square().mean().backward()
        optimizer.step()
        facts["trained"] = not torch.equal(before, model.last.parametrizations.weight.original1)
    if name == "recursive":
        facts["cycle"] = model.parents[0] is model
print(json.dumps(facts))
"""


@pytest.fixture(scope="module")
def facts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    pytest.importorskip("torch")
    folder = tmp_path_factory.mktemp("objects")
    (folder / "cells.py").write_text(CELLS)
    package = folder / "lib" / "layers"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("from . import blocks\n")
    (package / "sizes.py").write_text("GAIN = 1.5\n")
    (package / "blocks.py").write_text(
        "import torch\nfrom layers import sizes\nfrom .sizes import GAIN\n\n\n"
        "class Gate(torch.nn.Module):\n"
        "    def __init__(self, n):\n        super().__init__()\n"
        "        self.lin = torch.nn.Linear(n, n)\n\n"
        "    def forward(self, x):\n        return self.lin(x) * GAIN * sizes.GAIN\n"
    )
    source = Path(__file__).parents[1] / "src"
    _run(SAVE, folder, f"{source}:{folder / 'lib'}")
    return dict(json.loads(_run(LOAD, folder, str(source))))


def _run(program: str, folder: Path, path: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={"PYTHONPATH": path, "PATH": "", "HOME": str(folder), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.mark.parametrize("name", ["net", "plain", "recursive", "local", "half"])
def test_a_model_of_notebook_cells_gives_the_same_outputs_elsewhere(
    facts: dict[str, Any], name: str
) -> None:
    assert facts[name]["equal"]
    assert facts[name]["copied"]


@pytest.mark.parametrize("name", ["net", "plain", "recursive", "local", "half"])
def test_a_loaded_model_can_be_saved_again(facts: dict[str, Any], name: str) -> None:
    assert facts[name]["again"]


def test_the_class_is_the_saved_one(facts: dict[str, Any]) -> None:
    assert facts["net"]["class"] == "Net"
    assert facts["net"]["module"].startswith("nbtrack_model_")
    assert facts["doc"] == "The model that the tests save."
    assert facts["half"]["module"] == "torch.nn.modules.container"


def test_modules_beside_the_notebook_come_along(facts: dict[str, Any]) -> None:
    assert sorted(facts["net"]["sources"]) == [
        "layers/__init__.py", "layers/blocks.py", "layers/sizes.py", "notebook.py",
    ]  # fmt: skip


def test_the_saved_source_reads_like_the_cells(facts: dict[str, Any]) -> None:
    text = facts["text"]
    assert "SCALE = 0.5\n" in text
    assert "from layers.blocks import Gate\n" in text
    assert "import torch.nn.functional as F\n" in text
    assert text.index("class Mode(Enum)") < text.index("class Net(Base)")
    assert "TABLE = saved_value('TABLE')" in text
    assert "precision" not in text


def test_weights_have_the_names_of_the_state_dict(facts: dict[str, Any]) -> None:
    assert facts["net"]["missing"] == ["tied.weight"]  # it is first.weight
    assert facts["tied"] is True


def test_a_loaded_model_can_be_trained(facts: dict[str, Any]) -> None:
    assert facts["trained"]
    assert facts["net"]["training"] is False
    assert facts["net"]["frozen"] == ["first.weight"]


def test_what_cannot_be_saved_is_named_and_left_out(facts: dict[str, Any]) -> None:
    notes = " ".join(facts["net"]["notes"])
    assert "'lock' (lock)" in notes
    assert "Net uses" in notes or "a function uses" in notes
    assert facts["lock"] is False
    assert facts["plain"]["notes"] == []


def test_where_the_class_is_unchanged_it_is_used(facts: dict[str, Any]) -> None:
    assert facts["live"]


def test_a_module_that_holds_itself_comes_back(facts: dict[str, Any]) -> None:
    assert facts["cycle"]


PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.tuples(inner, inner)
        | st.dictionaries(st.text(max_size=5) | st.integers(), inner, max_size=4)
        | st.frozensets(st.integers(), max_size=4)
        | st.sets(st.text(max_size=3), max_size=4)
    ),
    max_leaves=12,
)


def restored(value: Any, *, trusted: bool = False) -> Any:
    serialized = serialize(value)
    tree = json.loads(json.dumps(serialized.tree, allow_nan=False))
    return deserialize(
        tree, {**serialized.weights, **serialized.extra}, serialized.sources, trusted=trusted
    )


@given(PLAIN)
def test_plain_values_come_back_as_they_were(value: Any) -> None:
    found = restored(value)
    assert found == value
    assert repr(found) == repr(value) or isinstance(value, set | frozenset | dict | list | tuple)


@pytest.mark.parametrize(
    "value",
    [
        OrderedDict(a=1),
        Counter("abca"),
        deque([1, 2], maxlen=3),
        datetime(2026, 1, 2, 3, tzinfo=UTC),
        math.inf,
        slice(1, None, 2),
        range(3),
        math.sqrt,
        np.float32(1.5),
        np.dtype("float16"),
        bytearray(b"ab"),
    ],
)
def test_values_of_the_standard_library_and_numpy_come_back(value: Any) -> None:
    found = restored(value, trusted=True)
    assert type(found) is type(value)
    assert found == value


@pytest.mark.parametrize(
    "array",
    [
        np.arange(6).reshape(2, 3),
        np.array(["a", "bcd"]),
        np.array([1 + 2j]),
        np.array([{"a": 1}, None], dtype=object),
        np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8")]),
        np.array("2026-01-02", dtype="datetime64[D]"),
        np.zeros((0, 3)),
        np.arange(6)[::2],
        np.array([1.5], dtype=">f8"),
    ],
)
def test_arrays_of_every_kind_come_back(array: Any) -> None:
    found = restored(array)
    assert found.dtype == array.dtype
    np.testing.assert_array_equal(found, array)


def test_shared_objects_stay_shared() -> None:
    inner: list[Any] = [1]
    inner.append(inner)
    found = restored({"a": inner, "b": inner})
    assert found["a"] is found["b"]
    assert found["a"][1] is found["a"]


def test_nothing_unknown_runs_without_trust() -> None:
    serialized = serialize({"call": subprocess.run})
    assert code_in(serialized.tree) == ["subprocess.run"]
    with pytest.raises(UntrustedError, match=r"subprocess\.run.*trust=True"):
        deserialize(serialized.tree, {}, {})


def test_what_is_no_data_is_refused_by_its_path() -> None:
    with pytest.raises(InvalidParameterError, match=r"outer\[1\].*generator"):
        serialize({"outer": [1, (i for i in range(2))]})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda nn, torch: nn.LazyLinear(2), "call the model once"),
        (lambda nn, torch: nn.Sequential(torch.jit.script(nn.Linear(2, 2))), r"^0 .*TorchScript"),
        (lambda nn, torch: torch.fx.symbolic_trace(nn.Linear(2, 2)), "no source"),
        (lambda nn, torch: nn.Linear(2, 2, device="meta"), "meta tensor"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*torch.jit.*")
def test_modules_that_are_no_data_are_refused_with_advice(make: Any, message: str) -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(InvalidParameterError, match=message):
        serialize(make(torch.nn, torch))


def test_a_compiled_part_is_saved_as_what_was_compiled() -> None:
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.compile(torch.nn.Linear(2, 2)))
    found = restored(model)
    assert type(found[1]) is torch.nn.Linear
    assert torch.equal(found[1].weight, model[1].weight)
