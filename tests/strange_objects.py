"""Descriptions of objects as a stranger might write them, and a look at what reading them does."""

from __future__ import annotations

import json
import random
import sys
import threading
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.utils import parametrizations, prune

from nbtrack.models.objects import serialize

HARMLESS = {
    "builtins.id", "object.__getattr__", "object.__setattr__", "object.__delattr__",
    "sys._getframe",
}  # fmt: skip
_watching: dict[int, list[str]] = {}


def _hook(event: str, arguments: tuple[Any, ...]) -> None:
    if _watching and event not in HARMLESS:
        seen = _watching.get(threading.get_ident())
        if seen is not None:
            seen.append(f"{event}{arguments!r:.200}")


sys.addaudithook(_hook)  # there is no way to take it away: it looks only while somebody watches


@contextmanager
def watched() -> Iterator[list[str]]:
    """Give the list of what this thread imports, opens, runs or connects to in the block."""
    seen: list[str] = []
    _watching[threading.get_ident()] = seen
    try:
        yield seen
    finally:
        del _watching[threading.get_ident()]


# -- what is known ------------------------------------------------------------------------------


def known_objects() -> dict[str, Any]:
    """Return objects of known layers, and plain values, as people save them."""
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, activation=nn.functional.gelu)
    pruned = prune.l1_unstructured(nn.Linear(4, 4), "weight", 0.5)
    prune.random_unstructured(pruned, "weight", 0.5)
    model = nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2), nn.Dropout(0.1))
    adam = _optimizer(torch.optim.AdamW, model, betas=(0.9, 0.99))
    adam.state.update(
        {p: {"step": torch.ones(()), "exp_avg": p.detach()} for p in model[0].parameters()}
    )
    schedule = object.__new__(torch.optim.lr_scheduler.MultiStepLR)
    sgd = _optimizer(torch.optim.SGD, model, initial_lr=0.1)
    vars(schedule).update(optimizer=sgd, milestones=Counter([1, 2]), base_lrs=[0.1], last_epoch=0)
    shared = [1]
    by_name: defaultdict[str, Any] = defaultdict(list, a=[1])
    return {
        "linear": nn.Linear(4, 3),
        "sequence": model,
        "transformer": layer,
        "recurrent": nn.LSTM(4, 3, num_layers=2, bidirectional=True),
        "gates": nn.ModuleDict({"a": nn.GRU(4, 3), "b": nn.Embedding(5, 2), "c": nn.PReLU()}),
        "weights": nn.ParameterList([nn.Parameter(torch.ones(2)), nn.Parameter(torch.zeros(1))]),
        "pruned": pruned,
        "spectral": nn.utils.spectral_norm(nn.Conv2d(1, 2, 3)),
        "normed": nn.Sequential(parametrizations.weight_norm(nn.Linear(4, 4)), nn.Softmax(1)),
        "orthogonal": parametrizations.orthogonal(nn.Linear(4, 4)),
        "spectral_too": parametrizations.spectral_norm(nn.Conv1d(2, 2, 3)),
        "optimizer": adam,
        "schedule": schedule,
        "states": [model.state_dict(), adam.defaults, torch.get_rng_state()],
        "types": [torch.float16, torch.device("cpu"), torch.Size([1, 2]), np.dtype("<M8[ns]")],
        "plain": {
            "a": [shared, shared, {1, "x"}, (1, frozenset({2})), b"ab", bytearray(b"c"), 1 + 2j],
            "b": [OrderedDict(x=1), Counter("aab"), deque([1], 2), by_name, slice(1), range(3)],
            "c": [datetime(2026, 1, 2, tzinfo=UTC), Decimal("1.5"), Fraction(1, 3), float("inf")],
            "d": [partial(nn.functional.leaky_relu, negative_slope=0.1), partial(nn.LayerNorm, 4)],
        },
        "arrays": [
            np.arange(6).reshape(2, 3), np.array([{"a": 1}, None], dtype=object), np.float32(2),
            np.array([(1, 2.5)], dtype=[("n", "i4"), ("x", "f8", (2,))]), np.array(["a", "bc"]),
            np.dtype("U5"), np.dtype(">i2"), np.dtype(bool),
        ],
    }  # fmt: skip


def _optimizer(kind: Any, model: nn.Module, **more: Any) -> Any:
    """Return an optimizer; its constructor would load the whole compiler of PyTorch."""
    made = kind.__new__(kind)
    group = {"params": list(model.parameters()), "lr": 0.1, "weight_decay": 0.0, **more}
    defaults = {"lr": 0.1, "differentiable": False}
    made.__setstate__({"defaults": defaults, "state": defaultdict(dict), "param_groups": [group]})
    return made


def described(value: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description of an object as it stands in a file, and its arrays."""
    serialized = serialize(value)
    tree: dict[str, Any] = json.loads(json.dumps(serialized.tree))
    return tree, {**serialized.weights, **serialized.extra}


# -- what a stranger writes ---------------------------------------------------------------------


def tree_of(root: Any, files: Any = None) -> dict[str, Any]:
    return {"nbtrack_objects": 1, "python": "3.11.0", "root": root, "files": files or {}}


def named(full: str) -> dict[str, Any]:
    module, _, name = full.rpartition(".")
    return {"~": "global", "module": module, "name": name}


def call(function: Any, *arguments: Any, **more: Any) -> dict[str, Any]:
    return {"~": "call", "function": function, "arguments": list(arguments), **more}


def method(value: Any, name: str) -> dict[str, Any]:
    return {"~": "method", "self": value, "name": name}


def pairs(**items: Any) -> dict[str, Any]:
    return {"~": "dict", "items": [[key, item] for key, item in items.items()]}


def items(kind: str, *parts: Any) -> dict[str, Any]:
    return {"~": kind, "items": list(parts)}


def module(full: str = "torch.nn.Identity", **state: Any) -> dict[str, Any]:
    groups = {name: pairs() for name in ("_parameters", "_buffers", "_modules")}
    return {"~": "object", "class": named(full), "state": pairs(**{**groups, **state})}


def part(function: Any, *arguments: Any) -> dict[str, Any]:
    """Return what makes ``functools.partial``."""
    state = items("tuple", function, items("tuple", *arguments), pairs(), None)
    return call(named("functools.partial"), function, state=state)


def _file(text_path: str = "notebook.py", **more: Any) -> dict[str, Any]:
    record = {"path": text_path, "origin": "__main__", "package": False, "whole": False}
    return {"notebook": {**record, "values": {}, **more}}


_RELU = named("torch.nn.functional.relu")
_GLOBALS = method(_RELU, "__globals__")
_IMPORT = call(method(_GLOBALS, "__getitem__"), "importlib")
_OS = call(method(_IMPORT, "import_module"), "os")
_SHELL = call(method(_OS, "system"), "touch was_here")
_DEEP: Any = 1
for _ in range(3000):
    _DEEP = items("list", _DEEP)
_TWICE: list[Any] = [{"~": "tuple", "items": [1, 1], "id": 1}]
for _number in range(2, 60):
    _ref = {"~": "ref", "id": _number - 1}
    _TWICE.append({"~": "tuple", "items": [_ref, _ref], "id": _number})
_LAYERS: list[Any] = [{**module(), "id": 1}]
for _number in range(2, 60):
    _ref = {"~": "ref", "id": _number - 1}
    _both = {**module("torch.nn.Sequential", _modules=pairs(a=_ref, b=_ref)), "id": _number}
    _LAYERS.append(_both)
_SELF = {"~": "ref", "id": 1}
_NAMES = (
    "os.system", "builtins.eval", "builtins.exec", "builtins.getattr", "builtins.open",
    "builtins.__import__", "builtins.map", "builtins.type", "builtins.print", "builtins.vars",
    "importlib.import_module", "subprocess.Popen", "runpy.run_path", "pickle.loads",
    "operator.attrgetter", "operator.methodcaller", "functools.reduce", "functools.cache",
    "torch.load", "torch.save", "torch.hub.load", "torch.compile", "torch.ops.load_library",
    "torch.from_file", "torch.jit.load", "torch.nn.functional.importlib", "torch._dynamo.config",
    "torch.nn.functional.boolean_dispatch", "torch.nn.functional.handle_torch_function",
    "torch.nn.functional.warnings", "torch.nn.functional.__getattr__", "torch.nn.F", "torch.nn.Foo",
    "torch.nn.modules.module._IncompatibleKeys", "torch.nn.modules.module.OrderedDict",
    "torch.nn.modules.module.Any", "torch.nn.Parameter", "torch.nn.DataParallel",
    "torch.nn.utils.rnn.PackedSequence", "torch.nn.modules.lazy.LazyModuleMixin",
    "torch.optim.swa_utils.get_ema_avg_fn", "torch.ao.nn.quantized.Linear", "torch.nn.LazyLinear",
    "torchvision.models.resnet18", "torchvision.models.get_model",
    "torchvision.models.ResNet18_Weights", "torchvision.models._api.WeightsEnum",
    "torchvision.models.resnet.partial", "torchvision.ops.misc.torch", "torchvision.io.read_file",
    "datetime.sys", "collections._sys", "collections.UserDict", "decimal.sys", "math.__loader__",
    "numpy.load", "numpy.fromfile", "numpy.memmap", "numpy.ndarray", "pathlib.Path",
    "pathlib.PosixPath", "uuid.os", "uuid.getnode", "copyreg._reconstructor", "nbtrack.sql",
    "antigravity.fly", "this.s", "not_there.at_all", ".", "torch..nn.Linear", "torch.nn.", "..",
)  # fmt: skip
ATTACKS: dict[str, Any] = {
    "a shell through the globals of a function": tree_of(_SHELL),
    "the same in a state": tree_of(module(x=_SHELL)),
    "the same as a key": tree_of({"~": "dict", "items": [[_SHELL, 1]]}),
    "the same in an array": tree_of({"~": "objects", "shape": [1], "items": [_SHELL]}),
    "the same in a file that nobody has": tree_of(1, _file(values={"x": _SHELL})),
    **{f"the name {name}": tree_of(named(name)) for name in _NAMES},
    **{f"a call of {name}": tree_of(call(named(name), "touch was_here")) for name in _NAMES},
    **{f"an object of {name}": tree_of(module(name)) for name in _NAMES},
    **{f"a partial of {name}": tree_of(part(named(name), "x")) for name in _NAMES},
    "a dotted name": tree_of({**_RELU, "name": "relu.__globals__"}),
    "a dotted class": tree_of({"~": "global", "module": "torch", "name": "nn.Linear"}),
    "a module": tree_of({"~": "module", "module": "antigravity"}),
    "a module that is there": tree_of({"~": "module", "module": "torch"}),
    "its function": tree_of(method({"~": "module", "module": "torch"}, "load")),
    "a method of a layer": tree_of(call(method(module(), "register_forward_hook"), _RELU)),
    "a call of a function": tree_of(call(_RELU, 1)),
    "a call of a class": tree_of(call(named("torch.nn.Linear"), 10**9, 10**9)),
    "a call of a partial": tree_of(call(part(_RELU), 1)),
    "a call of a layer": tree_of(call(module(), 1)),
    "a call of a number": tree_of(call(7)),
    "an object of a partial": tree_of({"~": "object", "class": part(_RELU)}),
    "an object of a function": tree_of({"~": "object", "class": _RELU}),
    "an object of a plain type": tree_of({**module("builtins.str"), "arguments": ["x"]}),
    "an own class of this process": tree_of(
        {"~": "own", "file": "notebook", "name": "os.system"}, _file()
    ),
    "an own class of no file": tree_of({"~": "own", "file": "os", "name": "system"}),
    "a factory": tree_of({"~": "made", "file": "os", "name": "system", "variables": {}}),
    "a memory bomb of bytes": tree_of(call(named("builtins.bytes"), 10**12)),
    "a memory bomb of text": tree_of(call(named("builtins.str"), 10**12)),
    "a memory bomb of a list": tree_of(call(named("builtins.list"), call(named("builtins.range")))),
    "a memory bomb of objects": tree_of({"~": "objects", "shape": [10**9, 9], "items": []}),
    "a number without end": tree_of(call(named("fractions.Fraction"), "1e999999999")),
    "a factory of a dictionary": tree_of(call(named("collections.defaultdict"), part(_RELU))),
    "a type of objects": tree_of(call(named("numpy.dtype"), "O8", False, True)),
    "a type with a state of its own": tree_of(
        call(named("numpy.dtype"), "V8", False, True,
             state=items("tuple", 3, "|", None, items("tuple", "a"),
                         pairs(a=items("tuple", named("numpy.dtype"), 99)), 8, 1, 16))
    ),
    "a scalar of objects": tree_of({"~": "scalar", "dtype": "|O8", "value": "AAAAAAAAAAA="}),
    "numbers of objects": tree_of({"~": "ndarray", "name": "a", "dtype": "O", "shape": [1]}),
    "fields of objects": tree_of(
        {"~": "ndarray", "name": "a", "dtype": [["n", "O"]], "shape": [1]}),
    "another forward": tree_of(module(forward=part(_RELU))),
    "another call": tree_of(module(_compiled_call_impl=_RELU)),
    "another class": tree_of(module(__class__=named("torch.nn.Linear"))),
    "another way to copy": tree_of(module(__deepcopy__=_RELU)),
    "another state_dict": tree_of(module(state_dict=_RELU)),
    "a hook of another kind": tree_of(module(_forward_hooks={"~": "dict", "items": [[1, _RELU]]})),
    "hooks that are none": tree_of(module(_forward_pre_hooks=7)),
    "a step of another kind": tree_of(module("torch.optim.SGD", step=_RELU)),
    "layers that are none": tree_of(module("torch.nn.Sequential", _modules=pairs(a="x"))),
    "layers in no dictionary": tree_of(module("torch.nn.Sequential", _modules=[])),
    "weights that are none": tree_of(module("torch.nn.Linear", _parameters=pairs(weight=1))),
    "a layer without a state": tree_of({"~": "object", "class": named("torch.nn.Linear")}),
    "a state that is none": tree_of({**module(), "state": items("tuple", pairs(), pairs())}),
    "a parametrized function": tree_of({**module(), "~": "parametrized"}),
    "a parametrized forward": tree_of({
        **module("torch.nn.Linear", _modules=pairs(parametrizations=module(
            "torch.nn.ModuleDict", _modules=pairs(forward=module(
                "torch.nn.utils.parametrize.ParametrizationList"))))), "~": "parametrized"}),
    "weights by the names of attributes": tree_of(
        module("torch.nn.LSTM", _all_weights=[["__class__"]], _flat_weights_names=["__dict__"])),
    "layers without number": tree_of(module("torch.nn.LSTM", num_layers=10**12)),
    "a layer in itself": tree_of({**module(_modules=pairs(a=_SELF)), "id": 1}),
    "layers that double": tree_of(items("list", *_LAYERS)),
    "a key that doubles": tree_of(
        items("list", *_TWICE, {"~": "dict", "items": [[{"~": "ref", "id": 59}, 1]]})),
    "a member that doubles": tree_of(items("list", *_TWICE, items("set", {"~": "ref", "id": 59}))),
    "a depth without end": tree_of(_DEEP),
    "a reference to nothing": tree_of({"~": "ref", "id": 5}),
    "a reference to what comes later": tree_of(items("list", {"~": "ref", "id": 5}, {
        **items("list"), "id": 5})),
    "a value twice": tree_of(items("list", {**_RELU, "id": 1}, {**items("list"), "id": 1})),
    "a class by a reference to a list": tree_of(items("list", {**items("list"), "id": 1}, {
        "~": "object", "class": {"~": "ref", "id": 1}})),
    **{f"a node of the kind {kind!r}": tree_of({"~": kind, "items": [], "value": "1", "id": 1})
       for kind in ("value", "register", "deserialize", "give", "_call", "init__", "found", "", 3,
                    None, [], {}, "refuse", "completed", "check", "layers", "known", "makers",
                    "form")},
    "a root that is none": {"nbtrack_objects": 1, "files": {}},
    "no files": {"nbtrack_objects": 1, "root": 1},
    "files in a list": {"nbtrack_objects": 1, "root": 1, "files": []},
    "a file that is none": tree_of(1, {"notebook": 1}),
    "another form": {"nbtrack_objects": 2, "root": 1, "files": {}},
    "no tree": None,
    "a list for a tree": [],
    "an array that is missing": tree_of({"~": "tensor", "name": "nothing"}),
    "an attribute of a dictionary": tree_of(
        call(named("collections.OrderedDict"), state=pairs(keys=_RELU))),
    "members of a dictionary": tree_of(call(named("collections.OrderedDict"), items=[1])),
    "pairs of a range": tree_of(call(named("builtins.range"), 1, pairs=[[1, 2]])),
    "a device that is none": tree_of(call(named("torch.device"), "os.system")),
    "a date that is none": tree_of(call(named("datetime.datetime"), 10**12)),
    "base64 that is none": tree_of({"~": "bytes", "value": "\u00e9"}),
}  # fmt: skip


class Mutations:
    """Descriptions that are nearly right, made of right ones and of what a stranger writes.

    Parameters
    ----------
    seed : int
        The same seed makes the same descriptions.
    """

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        known = [described(value) for value in known_objects().values()]
        self._known = [(json.dumps(tree), arrays) for tree, arrays in known]
        self._right = _texts_of(tree for tree, _ in known)
        self._strange = _texts_of(tree for tree in ATTACKS.values() if isinstance(tree, dict))
        self._kinds = sorted({json.loads(text)["~"] for text in self._right})
        self._texts = [
            *_NAMES, "forward", "__class__", "__globals__", "_parameters", "_modules", "_buffers",
            "_forward_hooks", "_compiled_call_impl", "__setstate__", "state", "defaults", "O",
            "<f8", "torch", "torch.nn", "builtins", "os", "system", "Linear", "relu", "", "\0",
        ]  # fmt: skip

    def next(self) -> tuple[Any, dict[str, Any]]:
        """Return another description, and the arrays that go with it."""
        text, arrays = self._random.choice(self._known)
        tree = json.loads(text)
        places = list(_places(tree))
        nodes = [(w, k) for w, k in places if isinstance(w[k], dict) and "~" in w[k]]
        for _ in range(self._random.choice((1, 1, 1, 2, 4))):
            if self._random.random() < 0.6:
                where, key = self._random.choice(nodes)
                where[key] = json.loads(self._random.choice(self._right))
            else:
                self._change(*self._random.choice(places))
        return tree, arrays

    def _change(self, where: Any, key: Any) -> None:
        chosen = self._random.random()
        if key not in where if isinstance(where, dict) else key >= len(where):
            return  # a change before has taken it away
        old = where[key]
        if chosen < 0.2:
            where[key] = json.loads(self._random.choice(self._strange))
        elif chosen < 0.5 and isinstance(old, str):
            where[key] = self._random.choice([*self._texts, *self._kinds])
        elif chosen < 0.65:
            where[key] = self._random.choice(
                [None, True, -1, 0, 7, 10**12, 1e308, "x", [], {}, [[]], {"~": "ref", "id": 1}]
            )
        elif chosen < 0.75:
            where[key] = method(old, self._random.choice(self._texts))
        elif chosen < 0.8:
            where[key] = call(old, json.loads(self._random.choice(self._right)))
        elif chosen < 0.9 and isinstance(where, dict):
            del where[key]
        elif isinstance(old, list):
            node = json.loads(self._random.choice(self._right))
            pair = isinstance(old[0], list) if old else self._random.random() < 0.5
            name = self._random.choice(self._texts)
            old.insert(self._random.randint(0, len(old)), [name, node] if pair else node)
        else:
            where[key] = part(old, 1)


def _texts_of(trees: Iterable[dict[str, Any]]) -> list[str]:
    roots = [tree["root"] for tree in trees if "root" in tree and tree["root"] is not _DEEP]
    texts = {json.dumps(node) for root in roots for node in _nodes(root)}
    return sorted(text for text in texts if len(text) < 3000)


def _nodes(root: Any) -> Iterator[Any]:
    waiting = [root]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            if "~" in found:
                yield found
            waiting += found.values()
        elif isinstance(found, list):
            waiting += found


def _places(tree: Any) -> Iterator[tuple[Any, Any]]:
    waiting = [tree]
    while waiting:
        found = waiting.pop()
        keys = found if isinstance(found, dict) else range(len(found))
        for key in list(keys):
            yield found, key
            if isinstance(found[key], dict | list):
                waiting.append(found[key])
