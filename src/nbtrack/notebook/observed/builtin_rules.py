"""How to look at objects of Python's own types, and of classes that inherit from them.

Methods are those of the built-in type and never those of a class that inherits from it.
"""

from __future__ import annotations

import array
import datetime as dt
import decimal
import functools
import gc
import io
import itertools
import operator
import random
import re
import types
import weakref
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from typing import Any

import xxhash

from nbtrack.notebook.observed.marks import Mark

Rule = Callable[[Any, Mark], None]


def _list(value: Any, seen: Mark) -> None:
    seen.hold(list.copy(value))


def _tuple(value: Any, seen: Mark) -> None:
    seen.hold(list(tuple.__iter__(value)))


def _deque(value: Any, seen: Mark) -> None:
    seen.hold(list(deque.__iter__(value)))


def _dict(value: Any, seen: Mark) -> None:
    if dict.__len__(value):
        seen.hold(list(dict.keys(value)))
        seen.hold(list(dict.values(value)))
    else:
        seen.content = ()


def _ordered(value: Any, seen: Mark) -> None:
    if dict.__len__(value):
        seen.hold(list(OrderedDict.keys(value)))
        seen.hold(list(dict.values(value)))
    seen.hold(list(_ATTRIBUTES.__get__(value).values()))


def _defaultdict(value: Any, seen: Mark) -> None:
    _dict(value, seen)
    seen.hold([value.default_factory])


def _set(value: Any, seen: Mark) -> None:
    seen.hold(list(set.__iter__(value)))


def _frozenset(value: Any, seen: Mark) -> None:
    seen.hold(list(frozenset.__iter__(value)))


def _held(value: Any, seen: Mark) -> None:
    """Look at what an object of C refers to, beside its type: since Python 3.13 more do."""
    seen.hold([each for each in gc.get_referents(value) if each is not type(value)])


def _iterator(value: Any, seen: Mark) -> None:
    _held(value, seen)
    try:
        seen.content = (seen.content, operator.length_hint(value))
    except (TypeError, RuntimeError):
        seen.content = (seen.content, None)


def _enumerate(value: Any, seen: Mark) -> None:
    _held(value, seen)
    seen.content = (seen.content, value.__reduce__()[1][1])


def _itertools(value: Any, seen: Mark) -> None:
    _held(value, seen)
    seen.opaque = True


def _count(value: Any, seen: Mark) -> None:
    _held(value, seen)
    if seen.inside:
        seen.opaque = True
    else:
        seen.content = (seen.content, repr(value))


def _frame_of(attribute: str) -> Rule:
    def look(value: Any, seen: Mark) -> None:
        frame = getattr(value, attribute)  # first, since it belongs to what is held from then on
        _held(value, seen)
        seen.content = (seen.content, None if frame is None else frame.f_lasti)

    return look


def _cache(value: Any, seen: Mark) -> None:
    _held(value, seen)
    seen.content = (seen.content, value.cache_info().currsize)


def _method(value: Any, seen: Mark) -> None:
    seen.hold([value.__self__, value.__func__])


def _weak(value: Any, seen: Mark) -> None:
    seen.hold([weakref.ref.__call__(value)])


def _native_function(value: Any, seen: Mark) -> None:
    """Look at what ``items.append`` is a method of."""
    owner = value.__self__
    if owner is None or (isinstance(type(owner), type) and type(owner) is types.ModuleType):
        seen.ignored = True
    else:
        seen.hold([owner])


def _buffer(value: Any, seen: Mark) -> None:
    with memoryview(value) as view:
        if not view.contiguous:
            seen.opaque = True
            return
        digest = xxhash.xxh3_64_intdigest(view.cast("B")) if view.nbytes else 0
        seen.content = (view.nbytes, view.format, digest)


def _view(value: Any, seen: Mark) -> None:
    _buffer(value, seen)
    seen.hold([value.obj])


def _bytes_io(value: Any, seen: Mark) -> None:
    if value.closed:
        seen.content = None
    else:
        seen.content = (value.tell(), hash(value.getvalue()))


def _exception(value: Any, seen: Mark) -> None:
    seen.hold([BaseException.__dict__["args"].__get__(value)])


def _random(value: Any, seen: Mark) -> None:
    native: Any = random.Random.__base__
    seen.content = hash(native.getstate(value))


def _nothing(_value: Any, _seen: Mark) -> None:
    """Look at a number or a text with attributes."""


_ITERATORS: tuple[type, ...] = (
    type(iter([])), type(iter(())), type(iter(range(0))), type(iter(set())), type(iter({})),
    type(iter({}.values())), type(iter({}.items())), type(iter("")), type(iter(b"")),
    type(reversed([])), type(reversed({})), type(iter(range(1 << 70))), type(iter(deque())),
    type({}.keys()), type({}.values()), type({}.items()), type(iter("é")),
)  # fmt: skip
_HOLDERS = (
    zip, map, filter, property, staticmethod, classmethod, types.CellType, types.MappingProxyType,
    functools.partial, slice, functools.partialmethod, reversed,
)  # fmt: skip
_ATTRIBUTES: Any = vars(OrderedDict)["__dict__"]
_EMPTY: Any = functools.lru_cache(lambda: None)
EXACT: dict[type, Rule] = {
    list: _list,
    tuple: _tuple,
    dict: _dict,
    set: _set,
    frozenset: _frozenset,
    deque: _deque,
    OrderedDict: _ordered,
    defaultdict: _defaultdict,
    enumerate: _enumerate,
    types.GeneratorType: _frame_of("gi_frame"),
    types.CoroutineType: _frame_of("cr_frame"),
    types.AsyncGeneratorType: _frame_of("ag_frame"),
    types.MethodType: _method,
    weakref.ref: _weak,
    types.BuiltinFunctionType: _native_function,
    types.MethodWrapperType: _native_function,
    type(_EMPTY): _cache,
    array.array: _buffer,
    bytearray: _buffer,
    memoryview: _view,
    io.BytesIO: _bytes_io,
    io.StringIO: _bytes_io,
    itertools.count: _count,
    **dict.fromkeys(_ITERATORS, _iterator),
    **dict.fromkeys(_HOLDERS, _held),
    **{
        kind: _itertools
        for kind in vars(itertools).values()
        if isinstance(kind, type) and kind is not itertools.count
    },
}
# bases by their names: classes that inherit from them have more state of their own
BASES: dict[str, Rule] = {
    "builtins.list": _list,
    "builtins.tuple": _tuple,
    "builtins.dict": _dict,
    "builtins.set": _set,
    "builtins.frozenset": _frozenset,
    "collections.deque": _deque,
    "weakref.ReferenceType": _weak,
    "builtins.BaseException": _exception,
    "_random.Random": _random,
    "functools.partial": _held,
    "builtins.int": _nothing,
    "builtins.float": _nothing,
    "builtins.complex": _nothing,
    "builtins.str": _nothing,
    "builtins.bytes": _nothing,
    "builtins.property": _held,
    "builtins.staticmethod": _held,
    "builtins.classmethod": _held,
}
IGNORED: tuple[type, ...] = (
    int, float, bool, complex, str, bytes, type(None), type(...), type(NotImplemented), range,
    object, types.FrameType, types.CodeType, types.MemberDescriptorType, types.GetSetDescriptorType,
    types.MethodDescriptorType, types.WrapperDescriptorType, types.ClassMethodDescriptorType,
    types.GenericAlias, types.UnionType, re.Pattern, re.Match, dt.date, dt.datetime,
    dt.time, dt.timedelta, dt.timezone, decimal.Decimal,
    operator.itemgetter, operator.attrgetter, operator.methodcaller,
)  # fmt: skip
