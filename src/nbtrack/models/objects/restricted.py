"""Deserializing without consent: allowed names only, whoever has written the description.

Nothing is looked up by a name but what stands in ``allowed_names``, word for word. Nothing is
called but ``constructors``, the known classes without arguments, and how these take their
state. No attribute is read, and none is set but those that hold data.
"""

from __future__ import annotations

import sys
from collections import OrderedDict, deque
from collections.abc import Mapping
from functools import partial
from typing import Any, NoReturn

from nbtrack.models.objects import allowlist
from nbtrack.models.objects.constructors import CONSTRUCTORS, RefusedError, dtype_text
from nbtrack.models.objects.deserializer import Deserializer
from nbtrack.models.objects.form import Form, damaged
from nbtrack.models.objects.safety import name_of, untrusted

_KEY_PARTS = 10_000  # of a tuple that is a key: one that holds another twice, and so on, is endless


class RestrictedDeserializer(Deserializer):
    """Makes an object of a tree in which ``safety`` has found nothing unknown.

    Parameters
    ----------
    form : Form
    arrays : mapping of str to torch.Tensor or numpy.ndarray
    place : str
        What is read, for messages.
    """

    def __init__(self, form: Form, arrays: Mapping[str, Any], place: str) -> None:
        super().__init__(form, arrays, {}, place, {})
        self._place = place
        self._shared = form.shared
        self._layers: list[Any] = []

    def deserialize(self) -> Any:
        """Return the object."""
        made = super().deserialize()
        if self._layers:
            from nbtrack.models.objects.torch_states import check_tree

            check_tree(self._layers)
        return made

    # -- plain values -----------------------------------------------------------------------

    def _set(self, node: dict[str, Any]) -> set[Any]:
        made: set[Any] = self._register(node, set())
        made.update(_key(self.value(item)) for item in node["items"])
        return made

    def _frozenset(self, node: dict[str, Any]) -> frozenset[Any]:
        return frozenset(_key(self.value(item)) for item in node["items"])

    def _dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = self._register(node, {})
        for key, item in node["items"]:
            made[key if type(key) is str else _key(self.value(key))] = self.value(item)
        return made

    def _global(self, node: dict[str, Any]) -> Any:
        return self._found(allowlist.resolve, node)

    def _refuse(self, node: dict[str, Any]) -> NoReturn:
        raise untrusted([f"what a node {node['~']!r} stands for"], self._place)

    _own = _made = _method = _module = _refuse

    # -- arrays -----------------------------------------------------------------------------

    def _ndarray(self, node: dict[str, Any]) -> Any:
        _check_dtype(node["dtype"])
        return super()._ndarray(node)

    def _scalar(self, node: dict[str, Any]) -> Any:
        _check_dtype(node["dtype"])
        return super()._scalar(node)

    # -- objects ----------------------------------------------------------------------------

    def _call(self, node: dict[str, Any]) -> Any:
        name = name_of(node["function"], self._shared)
        self.value(node["function"])  # others may refer to it
        if name is None or name not in CONSTRUCTORS:
            self._refuse(node)
        try:
            made = CONSTRUCTORS[name](*[self.value(item) for item in node.get("arguments", ())])
            if "id" in node:
                self._register(node, made)
                return self._register(node, self._completed(node, made))
            return self._completed(node, made)
        except RefusedError:
            what = f"{'.'.join(name)} with what it is given here"
            raise untrusted([what], self._place) from None

    def _completed(self, node: dict[str, Any], made: Any) -> Any:
        if node.get("state") is not None:
            made = _with_state(made, self.value(node["state"]))
        if "items" in node:
            if type(made) is not deque:
                raise RefusedError
            made.extend(self.value(item) for item in node["items"])
        if "pairs" in node:
            if not isinstance(made, dict):
                raise RefusedError
            for key, item in node["pairs"]:
                made[_key(self.value(key))] = self.value(item)
        return made

    def _object(self, node: dict[str, Any]) -> Any:
        name = name_of(node["class"], self._shared)
        cls = self.value(node["class"])
        if name is None or not allowlist.is_class(*name):
            self._refuse(node)
        made = self._register(node, cls.__new__(cls))
        state = self.value(node.get("state"))
        if state is not None:
            if type(state) is not dict:
                raise damaged(f"the state of a {cls.__name__} is no dictionary")
            self._check(made, state)
            self._give(made, state)
        elif _is_layer(cls):
            raise damaged(f"a {cls.__name__} has no state")
        return made

    def _parametrized(self, node: dict[str, Any]) -> Any:
        from nbtrack.models.objects.torch_modules import parametrize
        from nbtrack.models.objects.torch_states import check_parametrized

        made = self._object(node)
        check_parametrized(made)
        parametrize(made)
        return made

    def _check(self, made: Any, state: dict[Any, Any]) -> None:
        cls = type(made)
        for name in state:
            if not allowlist.is_data(cls, name):
                raise untrusted([f"what replaces {cls.__name__}.{str(name)[:80]}"], self._place)
        if not _is_layer(cls):
            return
        from nbtrack.models.objects.torch_states import check_module

        self._layers.append(made)
        try:
            check_module(cls, state)
        except RefusedError:
            raise untrusted([f"the hooks of a {cls.__name__}"], self._place) from None


def _is_layer(cls: type) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and issubclass(cls, torch.nn.Module)


def _with_state(made: Any, state: Any) -> Any:
    """Return what a constructor has made with its state, as ``copy`` and ``pickle`` give it."""
    if type(made) is partial:
        return _partial(made, state)
    if type(made) in (OrderedDict, deque) and type(state) is dict:
        if all(allowlist.is_data(type(made), name) for name in state):
            made.__dict__.update(state)
            return made
        raise RefusedError
    return _dtype(made, state)


def _partial(made: Any, state: Any) -> Any:
    if type(state) is not tuple or len(state) != 4:
        raise RefusedError
    function, arguments, named, attributes = state
    plain = type(arguments) is tuple and type(named) is dict and callable(function)
    if not plain or any(type(name) is not str for name in named):
        raise RefusedError
    if attributes is not None and type(attributes) is not dict:
        raise RefusedError
    if not all(allowlist.is_data(partial, name) for name in attributes or ()):
        raise RefusedError
    made.__setstate__(state)
    return made


def _dtype(made: Any, state: Any) -> Any:
    """Return a type of NumPy that has this state, if it is a plain one."""
    import numpy as np

    if not isinstance(made, np.dtype) or type(state) is not tuple or len(state) < 8:
        raise RefusedError
    unit = ""
    if made.kind in "mM" and len(state) == 9:
        name, count = state[8][1][:2]
        unit = f"[{int(count)}{name.decode('ascii')}]"
    plain = "" if made.kind in "SUV" else f"{made.itemsize}"
    text = f"{state[1]}{made.kind}{plain or made.str[2:]}{unit}"
    found = np.dtype(dtype_text(text))
    reduced: tuple[Any, ...] = found.__reduce__()  # type: ignore[assignment]
    if reduced[2] != state:
        raise RefusedError
    return found


def _key(value: Any) -> Any:
    """Return a key, or a member of a set, if it does not take for ever to hash it."""
    waiting, left = [value], _KEY_PARTS
    while waiting:
        part = waiting.pop()
        if type(part) in (tuple, frozenset):
            left -= len(part) + 1
            if left < 0:
                raise damaged("a key has too many parts")
            waiting.extend(part)
    return value


def _check_dtype(described: Any) -> None:
    """Check that a type of NumPy has no objects in it."""
    try:
        if not isinstance(described, list):
            dtype_text(described)
            return
        for field in described:
            if not isinstance(field, list) or not 2 <= len(field) <= 3:
                raise RefusedError
            _check_dtype(field[1])
    except RefusedError:
        raise damaged(f"{str(described)[:80]!r} is no type of plain numbers or text") from None
