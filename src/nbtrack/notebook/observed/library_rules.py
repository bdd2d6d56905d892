"""How to look at objects of libraries that keep their state outside of Python.

A library is never imported for this: its types are known by their names.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from typing import Any

from nbtrack.notebook.observed.builtin_rules import Rule
from nbtrack.notebook.observed.kinds import MRO, Layout, address
from nbtrack.notebook.observed.marks import Mark, Memory, contents, is_simple, memory_of
from nbtrack.notebook.observed.stdlib_rules import BESIDES, STDLIB
from nbtrack.tracking.random_reach import attributes_of

_MOST_NODES = 1000
_GLOBAL_HOOKS = re.compile(r"_global_\w*hooks$")
_READ_ONLY = 0x100  # PyBUF_READ

# Packages whose objects have nothing that a result depends on, but for those in ``DATA``.
QUIET = frozenset({
    "IPython", "ipykernel", "comm", "zmq", "tornado", "asyncio", "logging", "nbtrack", "warnings",
    "importlib", "_thread", "threading", "typing", "pathlib", "enum", "uuid", "zoneinfo", "inspect",
    "_abc", "abc", "sys", "jupyter_client", "matplotlib_inline", "re", "tqdm",
})  # fmt: skip
# Classes whose objects never change; those that inherit from them may have attributes.
INERT = frozenset({
    "enum.Enum", "pathlib.PurePath", "fractions.Fraction", "builtins.NoneType", "numpy.generic",
    "numpy.ufunc", "numpy._ArrayFunctionDispatcher", "torch.dtype", "torch.device",
    "torch.layout", "torch.memory_format", "torch.Size", "pandas.Timestamp", "pandas.Timedelta",
    "pandas._libs.tslibs.timestamps.Timestamp",
    "pandas._libs.tslibs.timedeltas.Timedelta", "pandas.api.extensions.ExtensionDtype",
    "pandas.core.dtypes.base.ExtensionDtype", "jaxlib._jax.ArrayImpl", "datetime.tzinfo",
    "datetime.date", "jaxlib.xla_extension.ArrayImpl",
    "numpy._core._internal._ctypes", "ctypes._FuncPtr", "_ctypes.CFuncPtr", "torch._ops.OpOverload",
    "torch._ops.OpOverloadPacket", "_collections._tuplegetter",
    "collections._tuplegetter", "torch.finfo", "torch.iinfo",
    "polars.expr.expr.Expr",
    "polars.lazyframe.frame.LazyFrame", "polars.datatypes.classes.DataType",
})  # fmt: skip
# Modules whose functions work on something that they keep, such as a database in memory.
STATEFUL = frozenset({"duckdb"})
_ARROW = ("Array", "Table", "Scalar", "Type", "Schema", "Field", "Batch", "Buffer")
_ARRAYS_IN = ("_ndarray", "_data", "_mask", "_codes", "_pa_array", "_sparse_values", "_left",
              "_right", "_sparse_index", "_dtype")  # fmt: skip


def is_inert_library(layout: Layout) -> bool:
    """Return whether the objects of a class of C or Cython never change once they are made."""
    if layout.root == "pyarrow":
        return any(name.endswith(_ARROW) for name in layout.bases)
    return layout.root in ("sklearn", "scipy") and not layout.own


class _Plain:
    """An array of a class that inherits from NumPy's, without its class."""

    def __init__(self, value: Any) -> None:
        np: Any = sys.modules["numpy"]
        self.__array_interface__ = np.ndarray.__dict__["__array_interface__"].__get__(value)


def _array(value: Any, seen: Mark) -> None:
    np: Any = sys.modules["numpy"]
    if type(value) is not np.ndarray:
        if any(base.__name__ == "memmap" for base in MRO.__get__(type(value))):
            seen.opaque = True  # to read it all is to read the whole file
            return
        if np.ndarray.__dict__["dtype"].__get__(value).hasobject:
            seen.opaque = True
            return
        plain = np.asarray(_Plain(value))
    else:
        plain = value
    kind = plain.dtype
    seen.content = (plain.shape, plain.strides, str(kind.str), plain.flags.writeable)
    if kind.hasobject:
        if kind.char != "O":
            seen.opaque = True
        else:
            seen.hold(plain.ravel("K").tolist())
        return
    if not plain.flags.forc:
        base = plain.base
        if plain.nbytes <= 1 << 22:
            plain = plain.copy()
            low, high = np.lib.array_utils.byte_bounds(value) if _has_bounds(np) else (0, 0)
            seen.memory = memory_of("cpu", 0, memoryview(plain.ravel("K").view("u1")))
            seen.memory.read()
            seen.memory.begin, seen.memory.end = low, high
            return
        if type(base) is np.ndarray and base.flags.forc and not base.dtype.hasobject:
            plain = base
        else:
            seen.opaque = True
            return
    begin = plain.__array_interface__["data"][0]
    flat = plain.reshape(-1, order="A") if plain.ndim != 1 else plain
    seen.memory = memory_of("cpu", begin, memoryview(flat.view("u1")))


def _record(value: Any, seen: Mark) -> None:
    """Look at a row of a structured array: most are views of it."""
    np: Any = sys.modules["numpy"]
    seen.hold([np.void.base.__get__(value)])
    seen.content = (seen.content, hash(np.void.tobytes(value)))


def _dtype(value: Any, seen: Mark) -> None:
    seen.content = value.names


def _has_bounds(np: Any) -> bool:
    return hasattr(np.lib, "array_utils")


def _generator(value: Any, seen: Mark) -> None:
    """Look at a generator of random numbers of NumPy."""
    bits = getattr(value, "bit_generator", None)
    if bits is None:
        bits = getattr(value, "_bit_generator", value)
    spawned = getattr(getattr(bits, "seed_seq", None), "n_children_spawned", None)
    seen.content = (_plain(bits.state), spawned)


def _plain(value: Any) -> Any:
    if type(value) is dict:
        return {key: _plain(item) for key, item in value.items()}
    return value if is_simple(value) else value.tobytes()


def _frame(value: Any, seen: Mark) -> None:
    """Look at a frame or a series of pandas: its blocks, and their labels."""
    manager = object.__getattribute__(value, "_mgr")
    shown: list[Any] = []
    for axis in manager.axes:
        shown += [address(axis), _labels(axis)]
    for block in manager.blocks:
        shown += [address(block.values), block.mgr_locs.as_array.tobytes()]
        seen.inside.append(block.values)
    own = object.__getattribute__(value, "__dict__")
    seen.hold([own.get("_attrs")])
    flags = attributes_of(own.get("_flags")).get("_allows_duplicate_labels")
    seen.content = (seen.content, shown, str(own.get("_name")), flags)


def _index(value: Any, seen: Mark) -> None:
    seen.content = _labels(value)


def _labels(axis: Any) -> str:
    """Return the names of an index: the only thing of it that changes."""
    own = attributes_of(axis)
    return f"{own.get('_name')} {own.get('_names')}"


def _column(value: Any, seen: Mark) -> None:
    """Look at an array of pandas' own."""
    root = type(value).__module__.partition(".")[0]
    if root != "pandas":
        seen.opaque = True
        return
    seen.hold([getattr(value, name, None) for name in _ARRAYS_IN])


def _tensor(value: Any, seen: Mark) -> None:
    torch: Any = sys.modules["torch"]
    kind = type(value)
    if kind is torch.Tensor or kind is torch.nn.Parameter:
        _plain_tensor(value, seen, torch)
    else:
        with torch._C.DisableTorchFunctionSubclass():
            _plain_tensor(value, seen, torch)
            seen.opaque |= _dispatches(kind, torch)


def _plain_tensor(value: Any, seen: Mark, torch: Any) -> None:
    try:
        version = value._version
    except RuntimeError:  # those made for inference have none
        version = None
    grad = value.grad if value.is_leaf else None
    if grad is not None:
        seen.inside.append(grad)
    about = (version, value.shape, value.requires_grad, address(value.dtype), address(grad))
    seen.content = about
    if value.layout is not torch.strided:
        seen.opaque = True
        return
    begin = value.data_ptr()
    seen.content = (*about, value.stride(), begin)
    if not value.is_cpu:
        storage = value.untyped_storage()
        begin = storage.data_ptr()
        seen.opaque = True  # to read it is to wait for what the device does
        seen.memory = Memory(str(value.device), begin, begin + storage.nbytes(), optional=True)
        return
    size = value.nbytes
    if not value.is_contiguous():
        storage = value.untyped_storage()
        begin, size = storage.data_ptr(), storage.nbytes()
    if begin and size:
        seen.memory = memory_of("cpu", begin, _raw(begin, size), optional=True)


@cache
def hooks_of_all_modules() -> list[Any]:
    """Return what PyTorch calls with each module that is called."""
    torch: Any = sys.modules["torch.nn.modules.module"]
    return [each for name, each in vars(torch).items() if _GLOBAL_HOOKS.match(name)]


def _network(_value: Any, seen: Mark) -> None:
    """Look at what is called with each module, besides its own hooks."""
    seen.inside += [each for each in hooks_of_all_modules() if each]


def is_tensor(kind: type) -> bool:
    """Return whether a class is PyTorch's of tensors, or inherits from it."""
    torch: Any = sys.modules.get("torch")
    return any(base is torch.Tensor for base in MRO.__get__(kind)) if torch is not None else False


def behind_gradients(value: Any) -> list[Any]:
    """Return what the gradients of a tensor go to: the leaves of its graph, and hooks."""
    torch: Any = sys.modules["torch"]
    with torch._C.DisableTorchFunctionSubclass():
        found = [value._backward_hooks] if value._backward_hooks else []
        known: set[Any] = set()
        waiting = [value.grad_fn]
    while waiting and len(known) < _MOST_NODES:
        node = waiting.pop()
        if node is None or node in known:
            continue
        known.add(node)
        leaf = getattr(node, "variable", None)
        found += [] if leaf is None else [leaf]
        waiting += [each for each, _ in node.next_functions]
    return found


@cache
def _memory_reader() -> Any:
    import ctypes

    read = ctypes.pythonapi["PyMemoryView_FromMemory"]  # an entry of its own, for these types
    read.restype, read.argtypes = (
        ctypes.py_object,
        (ctypes.c_void_p, ctypes.c_ssize_t, ctypes.c_int),
    )
    return read


def _raw(begin: int, size: int) -> Any:
    return _memory_reader()(begin, size, _READ_ONLY)


def _dispatches(kind: type, torch: Any) -> bool:
    """Return whether a class of tensors brings its own meaning of what is done with them."""
    found = getattr(kind, "__torch_dispatch__", None)
    return found is not None and found is not getattr(torch.Tensor, "__torch_dispatch__", None)


def _torch_generator(value: Any, seen: Mark) -> None:
    if value.device.type == "cpu":
        seen.content = hash(value.get_state().numpy().tobytes())
    else:
        seen.opaque = True


def _future(value: Any, seen: Mark) -> None:
    """Look at what came of a call that was given to a pool: that it is done is no change."""
    held = attributes_of(value)
    found = [held.get("_result"), held.get("_exception")]
    seen.inside += [each for each in found if not is_simple(each)]


def _progress(value: Any, seen: Mark) -> None:
    held = attributes_of(value)
    seen.hold([held.get(name) for name in ("iterable", "n", "total", "postfix")])


def _unseen(_value: Any, seen: Mark) -> None:
    seen.opaque = True


def _traits(value: Any, seen: Mark) -> None:
    """Look at what a widget shows: somebody may have moved it."""
    seen.opaque = True
    held = attributes_of(value).get("_trait_values")
    if type(held) is dict:
        public = [name for name in list(held) if type(name) is str and name[:1] != "_"]
        seen.content = [(name, _shown(held.get(name))) for name in public]


def _shown(value: Any) -> Any:
    items = list(value) if type(value) is tuple else [value]
    return contents(items)[0] if type(value) is tuple or is_simple(value) else None


LIBRARIES: dict[str, Rule] = {
    **STDLIB,
    "numpy.ndarray": _array,
    "numpy.void": _record,
    "numpy.dtype": _dtype,
    "numpy.random._generator.Generator": _generator,
    "numpy.random.mtrand.RandomState": _generator,
    "numpy.random.bit_generator.BitGenerator": _generator,
    "pandas.Index": _index,
    "pandas.core.indexes.base.Index": _index,
    "pandas.DataFrame": _frame,
    "pandas.Series": _frame,
    "pandas.core.generic.NDFrame": _frame,
    "pandas.core.frame.DataFrame": _frame,
    "pandas.core.series.Series": _frame,
    "pandas.api.extensions.ExtensionArray": _column,
    "pandas.core.arrays.base.ExtensionArray": _column,
    "torch.Tensor": _tensor,
    "torch._C.Generator": _torch_generator,
    "torch.nn.modules.module.Module": _network,
    "concurrent.futures._base.Future": _future,
    "concurrent.futures._base.Executor": _unseen,  # its threads wait for work at any time
    "matplotlib.artist.Artist": _unseen,
    "matplotlib.figure.FigureBase": _unseen,
    "traitlets.traitlets.HasTraits": _traits,
    "tqdm.std.tqdm": _progress,
}
# what these have as attributes is looked at by their rule, or is nobody's business
ALONE = frozenset(
    name
    for name, rule in LIBRARIES.items()
    if rule not in (_array, _network, _tensor) and name not in BESIDES
)
