"""What a cell changed is seen, and what it only looked at is not taken for changed."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell

from nbtrack.notebook import cells as notebook_cells
from nbtrack.notebook.observation import Observation
from nbtrack.notebook.observed import observers, walk, watcher
from nbtrack.notebook.observed.code_names import CodeNames
from nbtrack.notebook.observed.rules import Looks
from nbtrack.notebook.observed.world import World

Observe = Any


@pytest.fixture
def observe(workdir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observe]:
    """Run cells in a shell; get what was seen of the last one."""
    monkeypatch.setattr(watcher, "BUDGET", 5.0)  # a machine may be busy
    modules, hook = dict(sys.modules), sys.displayhook
    monkeypatch.syspath_prepend(str(workdir))
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    monkeypatch.setattr(notebook_cells, "watchers_of", observers)
    shell = InteractiveShell()
    cells = notebook_cells.Cells(shell)

    def run(*sources: str, fails: bool = False) -> Observation:
        for source in sources[:-1]:
            shell.run_cell(source, store_history=True).raise_error()
        result = shell.run_cell(sources[-1], store_history=True)
        assert result.success is not fails
        seen = cells.executed()[0].seen
        assert seen is not None
        # nothing runs between them, and what cells do is seen
        assert (seen.between, seen.world_between) == (set(), set())
        return seen

    yield run
    cells.close()
    shell.history_manager.end_session()
    sys.displayhook = hook
    for name in sys.modules.keys() - modules.keys():
        if name == "helper_of_mine":
            del sys.modules[name]


TORCH = """\
import torch
from torch import nn
torch.manual_seed(0)
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Linear(8, 2))
opt = torch.optim.{}
X = torch.randn(16, 4)
net(X).sum().backward()
other = 1"""
ADAM = TORCH.format("Adam(net.parameters())")
FUSED = TORCH.format("Adam(net.parameters(), fused=True)")
NUMPY = "import numpy as np\na = np.zeros(90)\nview = a[10:20]\nbig = np.zeros(2_000_000)\nc = [a]"
FRAME = """\
import pandas as pd
df = pd.DataFrame({'a': [1, 2], 'b': ['x', 'y'], 'o': [None, [1]]})
raw = df"""
CLASS = """\
class Count:
    total = 0
    def __init__(self):
        self.seen = []
    def hit(self):
        Count.total += 1
one, two = Count(), Count()"""
CLOSURE = """\
def make():
    kept = []
    def call(x):
        kept.append(x)
        return len(kept)
    return call
call = make()"""
# what stood before, the cell, the names whose objects it has changed
CHANGES = [
    ("x = list(range(99))\ny = x\nz = (x,)", "import random\nrandom.shuffle(x)", "x y z"),
    ("d = {'a': [1]}\ne = d['a']", "e.append(2)", "d e"),
    ("x = [1.0]", "x[0] += 1\nx[0] += 1", "x"),
    ("x = list(range(5000))\ny = [x]", "x[-1] = 0", "x y"),
    ("x = [[i] for i in range(5000)]", "x[77].append(1)", "x"),
    ("x = {1, 2}", "x.add(3)", "x"),
    ("loop = []\nloop.append(loop)", "loop.append(1)", "loop"),
    (CLASS, "one.hit()", "Count one two"),
    (CLASS, "one.seen.append(1)", "one"),
    (CLOSURE, "call(1)", "call"),
    ("xs = []\nrun = [lambda v: xs.append(v)]", "run[0](1)", "xs"),
    ("xs = []\nadd = xs.append", "add(1)", "add xs"),
    ("from functools import partial\nxs = []\np = partial(xs.append, 1)", "p()", "p xs"),
    (
        "from functools import lru_cache\n@lru_cache\ndef f(n): return [n]\nr = f(1)",
        "r.append(1)",
        "f r",
    ),
    ("g = (i for i in range(9))", "next(g)", "g"),
    ("it = iter([1, 2])", "next(it)", "it"),
    ("z = zip([1, 2], [3, 4])", "next(z)", "z"),
    ("import itertools\nn = itertools.count()", "next(n)", "n"),
    ("from collections import deque\nq = deque([1], maxlen=1)", "q.append(2)", "q"),
    ("b = bytearray(b'ab')", "b[0] = 1", "b"),
    ("import io\nf = io.StringIO()", "f.write('x')", "f"),
    ("import random\nr = random.Random(0)", "r.random()", "r"),
    ("class S:\n    __slots__ = ('v',)\ns = S()\ns.v = []", "s.v.append(1)", "s"),
    ("class L(list):\n    def __iter__(self): raise TypeError\nx = L([1])", "x.append(2)", "x"),
    (NUMPY, "view[0] = 1", "a c view"),
    (NUMPY, "big[1_234_567] = 1", "big"),
    (NUMPY, "np.add(a, 1, out=a)", "a c view"),
    (NUMPY, "c[0][:] = 3", "a c view"),
    ("import numpy as np\nr = np.random.default_rng(0)", "r.normal()", "r"),
    ("import numpy as np\no = np.array([1, [2]], dtype=object)", "o[1].append(1)", "o"),
    ("import numpy as np\nm = np.ma.masked_array([1, 2], [0, 1])", "m.mask[0] = True", "m"),
    (FRAME, "df['c'] = 1", "df raw"),
    (FRAME, "df.loc[0, 'b'] = 'q'", "df raw"),
    (FRAME, "df.iloc[0, 0] = 9", "df raw"),
    (FRAME, "df.attrs['unit'] = 'm'", "df raw"),
    (FRAME, "df.index.name = 'i'", "df raw"),
    (FRAME, "df['o'][1].append(2)", "df raw"),
    (FRAME, "raw.columns = ['p', 'q', 'r']\ndf = df.copy()", "raw"),
    (ADAM, "opt.step()", "net opt"),
    (FUSED, "opt.step()", "net opt"),
    (ADAM, "with torch.no_grad(): out = net(X)", "net"),
    (ADAM, "net.eval()", "net"),
    (ADAM, "X.numpy()[0, 0] = 5", "X"),
    (ADAM, "net[0].weight.data[0, 0] = 5", "net opt"),
    (ADAM, "net[0].weight.data = torch.zeros(8, 4)", "net opt"),
    (ADAM, "nn.utils.vector_to_parameters(torch.zeros(74), net.parameters())", "net opt"),
    (ADAM + "\nnet.eval()", "h = net[0].register_forward_hook(print)", "net"),
]
# what changes nothing
LOOKS = [
    ("x = [1, [2]]", "len(x), x[0], str(x)"),
    ("x = {'a': 1.5}", "for k in x:\n    print(k)"),
    (CLASS, "one.seen, Count.total"),
    (CLOSURE, "print(call)"),
    ("g = (i for i in range(9))\nit = iter([1, 2])", "g, it"),
    (NUMPY, "a.sum(), big.mean(), c[0].shape, np.dot(a, a)"),
    (FRAME, "df.describe(), df.head(), df.groupby('a').size(), df.values, df.a + 1"),
    (ADAM, "print(net, X.shape)\nn = sum(p.numel() for p in net.parameters())"),
    (ADAM + "\nnet.eval()", "with torch.no_grad(): out = net(X)"),
    ("from pathlib import Path\np = Path('a') / 'b'", "p.name, hash(p), str(p)"),
]


@pytest.mark.parametrize(("before", "cell", "changed"), CHANGES)
def test_what_a_cell_changes_in_place_is_seen_for_all_its_names(
    observe: Observe, before: str, cell: str, changed: str
) -> None:
    pytest.importorskip("torch") if "torch" in before else None
    seen = observe(before, cell)
    assert seen.changed == set(changed.split())
    assert seen.complete


@pytest.mark.parametrize(("before", "cell"), LOOKS)
def test_what_a_cell_looks_at_is_proven_unchanged(observe: Observe, before: str, cell: str) -> None:
    pytest.importorskip("torch") if "torch" in before else None
    seen = observe(before, cell)
    assert (seen.changed, seen.unproven, seen.world, seen.complete) == (set(), set(), set(), True)


def test_what_no_cell_has_named_since_is_known_by_what_holds_it(observe: Observe) -> None:
    observe("inner, hooks = [1], {}\nholder = {'k': [inner, hooks]}\nother = [0]")
    assert observe("1 + 1").changed == set()
    assert observe("inner.append(2)").changed == {"inner", "holder"}
    assert observe("hooks['f'] = 1").changed == {"hooks", "holder"}
    observe("holder['k'].pop(0)")
    assert observe("inner.append(3)").changed == {"inner"}
    assert observe("other[0] = False").changed == {"other"}  # which equals 0
    observe("del other\nlater = [inner]")
    assert observe("inner.clear()").changed == {"inner", "later"}


def test_writes_past_a_version_are_seen_in_functions_too(observe: Observe) -> None:
    pytest.importorskip("torch")
    observe("import torch\nw = torch.zeros(300_000)\ndef poke(x): x.data[123_457] = 1")
    assert observe("poke(w)").changed == {"w"}


def test_names_that_are_new_gone_or_another_object(observe: Observe) -> None:
    seen = observe("a, b, c = 1, [2], 3", "a += 1\nb = [2]\nd = c\ndel c\na")
    assert seen.bound == {"a", "b", "d", "_", "Out", "_oh", "_2"}
    assert seen.deleted == {"c"}
    assert not seen.changed
    assert observe("globals()['e'] = 1").bound == {"e"}
    assert observe("def f():\n    global a\n    a = 9\nf()").bound == {"f", "a"}


def test_what_functions_use_is_read_with_the_cell_that_reaches_them(observe: Observe) -> None:
    observe("cfg, other, k = {}, 1, 2", "def inner(): return cfg\nclass Net:\n"
            "    def run(self): return inner()\nnet = Net()\ntable = {'f': lambda: k}")  # fmt: skip
    assert observe("net.run()").reads >= {"net", "inner", "cfg"}
    assert "other" not in observe("net.run()").reads
    assert observe("table['f']()").reads == {"table", "k"}
    assert "cfg" not in observe("def later(): return cfg").reads
    assert "cfg" in observe("df = 'SELECT * FROM cfg'").reads


def test_a_failed_cell_has_changed_what_it_changed(observe: Observe) -> None:
    assert observe("x = []", "x.append(1)\n1 / 0", fails=True).changed == {"x"}


def test_what_nobody_can_see_into_is_unproven(observe: Observe) -> None:
    seen = observe(
        "import itertools, zlib\nc = itertools.repeat(1, 5)\nz = zlib.crc32", "next(c); z"
    )
    assert (seen.changed, seen.unproven) == (set(), {"c"})
    seen = observe("import matplotlib.figure as f\nfig = f.Figure()", "fig.suptitle('x')")
    assert (seen.changed, seen.unproven, seen.complete) == (set(), {"fig"}, True)


def test_a_module_of_ones_own_keeps_state_and_libraries_are_left_alone(
    observe: Observe, workdir: Path
) -> None:
    (workdir / "helper_of_mine.py").write_text("KEPT = []\ndef keep():\n    KEPT.append(1)\n")
    seen = observe("import helper_of_mine as h, json\nfrom helper_of_mine import keep", "keep()")
    assert seen.changed == {"h", "keep"}
    assert observe("json.foo = 1\ndel json.foo\nh.keep").changed == set()


CANARY = """\
ran = []
class Meta(type):
    def __hash__(cls): ran.append('hash of a class')
    def __eq__(cls, other): ran.append('equal classes')
    def __getattribute__(cls, name): ran.append(name); return type.__getattribute__(cls, name)
class Bad(metaclass=Meta):
    def __getattribute__(self, name): ran.append(name); raise ValueError
    def __eq__(self, other): ran.append('equal')
    def __hash__(self): ran.append('hash')
    def __len__(self): ran.append('len')
    def __iter__(self): ran.append('iter')
    def __repr__(self): ran.append('repr')
    def __bool__(self): ran.append('bool')
    @property
    def __dict__(self): ran.append('dict')
    @property
    def value(self): ran.append('value')
class Odd(list):
    __len__ = __iter__ = __eq__ = __getitem__ = lambda *a: ran.append('list')
class Keys(dict):
    items = keys = __iter__ = values = __len__ = lambda *a: ran.append('dict')
bad, odd, keys = Bad(), Odd([1]), Keys(a=1)
held = [bad, {'k': bad}, (odd, keys)]
ran.clear()"""


def test_no_code_of_the_user_runs_for_it(observe: Observe) -> None:
    observe(CANARY, "held; bad; odd; keys; list.append(held, 1)")
    seen = observe("list.append(odd, 2); dict.update(keys, b=2)\nassert not ran, ran")
    assert {"odd", "keys", "held"} <= seen.changed


def test_a_lazy_module_stays_lazy(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = importlib.util.find_spec("colorsys")
    assert spec is not None
    assert spec.loader is not None
    spec.loader = importlib.util.LazyLoader(spec.loader)
    module = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "colorsys", module)
    spec.loader.exec_module(module)
    variables = {"m": module, "held": [module]}
    looked = walk.Walk(variables, Looks(variables))
    looked.start(variables)
    looked.go(1)
    World().keep_modules(variables, CodeNames(frozenset(variables), frozenset({"setattr"})))
    assert type(module).__name__ == "_LazyModule"


def test_deep_and_broken_objects_do_no_harm(observe: Observe) -> None:
    deep = "deep = []\nfor _ in range(30_000): deep = [deep]\n"
    deep += "class B:\n    __slots__ = ('x',)\nb = B()"
    seen = observe(deep, "deep; b")
    assert not seen.changed
    assert observe("b.x = 1").changed == {"b"}


def test_without_time_nothing_is_claimed(observe: Observe, monkeypatch: pytest.MonkeyPatch) -> None:
    observe("x = [[i] for i in range(3000)]\ny = {}\nz = 5")
    monkeypatch.setattr(watcher, "BUDGET", 1e-4)
    monkeypatch.setattr(walk, "_PER_ITEM", 1.0)
    seen = observe("len(x), y, z")
    assert seen.unproven == {"x"}
    assert seen.complete  # what is small was seen, and the functions are there
    monkeypatch.setattr(watcher, "BUDGET", -1.0)
    observe("many = [[i] for i in range(1000)]")
    assert not observe("len(many)").complete


def test_what_was_replaced_is_not_kept_alive(observe: Observe) -> None:
    make = "import weakref\nclass Big: pass\nx = [Big()]\ngone = weakref.ref(x[0])"
    observe(make, "x; x = None\nassert gone() is None")
    observe("x = [Big()]\ngone = weakref.ref(x[0])", "len(x)", "x = None\nassert gone() is None")
