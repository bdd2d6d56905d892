"""Putting objects together again."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import os
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models.objects import references
from nbtrack.models.objects.freezing import VERSION
from nbtrack.models.objects.live import live_modules
from nbtrack.models.objects.safety import code_in
from nbtrack.models.objects.synthetic import SavedModules

_numbers = itertools.count(1)


def thaw(
    tree: dict[str, Any],
    arrays: Mapping[str, Any],
    sources: Mapping[str, str],
    *,
    trusted: bool = False,
    place: str | os.PathLike[str] = "<model>",
) -> Any:
    """Make an object anew from what ``freeze`` has returned.

    Where this process has the very classes the object was made of, with the same source,
    they are used; else they are made of the saved source, in modules of their own.

    Parameters
    ----------
    tree : dict
    arrays : mapping of str to torch.Tensor or numpy.ndarray
        ``weights`` and ``extra`` together. Tensors are used as they are, on their device.
    sources : mapping of str to str
    trusted : bool
        Whether the source may run, and functions that are not known to be harmless.
    place : path
        The folder of the sources, named in tracebacks.

    Raises
    ------
    UntrustedError
        If code would run and ``trusted`` is False.
    InvalidParameterError
        If something that the object needs is not there: an array, a package, a function.
    """
    if tree.get("nbtrack_objects") != VERSION:
        raise InvalidParameterError(
            f"This object was saved in the form {tree.get('nbtrack_objects')!r}; this version of "
            f"nbtrack reads form {VERSION}. Install the version of nbtrack that saved it."
        )
    live = live_modules(tree, sources, arrays)
    if not trusted:
        found = [name for name in code_in(tree) if name not in live.paths]
        if found:
            raise UntrustedError(
                f"Loading this would run code: {', '.join(found[:8])}"
                f"{', ...' if len(found) > 8 else ''}. If you trust where it comes from, read it "
                f"in {os.fspath(place)} and pass trust=True."
            )
    return _Thawer(tree, arrays, dict(sources), os.fspath(place), live.modules).thaw()


class _Thawer:
    def __init__(
        self,
        tree: dict[str, Any],
        arrays: Mapping[str, Any],
        sources: dict[str, str],
        place: str,
        live: dict[str, ModuleType],
    ) -> None:
        self._tree = tree
        self._arrays = arrays
        self._live = live
        self._known: dict[int, Any] = {}
        self._parameters: dict[str, Any] = {}
        files = {name: record for name, record in tree["files"].items() if name not in live}
        self._modules = SavedModules(_name_of(files, sources), files, sources, place, self._value)
        if files:
            self._modules.install()

    def thaw(self) -> Any:
        return self.value(self._tree["root"])

    def _value(self, file: str, name: str) -> Any:
        """Return a value that a source file has asked for; it shares nothing with the rest."""
        known, self._known = self._known, {}
        try:
            return self.value(self._tree["files"][file]["values"][name])
        finally:
            self._known = known

    def value(self, node: Any) -> Any:
        if not isinstance(node, dict):
            return node
        made = getattr(self, f"_{node['~']}")(node)
        if "id" in node:
            self._known[node["id"]] = made
        return made

    def _register(self, node: dict[str, Any], made: Any) -> Any:
        """Make an object known before its parts are made: they may refer to it."""
        if "id" in node:
            self._known[node["id"]] = made
        return made

    # -- plain values -----------------------------------------------------------------------

    def _ref(self, node: dict[str, Any]) -> Any:
        return self._known[node["id"]]

    def _float(self, node: dict[str, Any]) -> float:
        return float(node["value"])

    def _complex(self, node: dict[str, Any]) -> complex:
        return complex(node["value"])

    def _bytes(self, node: dict[str, Any]) -> bytes:
        return base64.b64decode(node["value"])

    def _bytearray(self, node: dict[str, Any]) -> bytearray:
        return bytearray(base64.b64decode(node["value"]))

    def _list(self, node: dict[str, Any]) -> list[Any]:
        made: list[Any] = self._register(node, [])
        made.extend(self.value(item) for item in node["items"])
        return made

    def _tuple(self, node: dict[str, Any]) -> tuple[Any, ...]:
        return tuple(self.value(item) for item in node["items"])

    def _set(self, node: dict[str, Any]) -> set[Any]:
        made: set[Any] = self._register(node, set())
        made.update(self.value(item) for item in node["items"])
        return made

    def _frozenset(self, node: dict[str, Any]) -> frozenset[Any]:
        return frozenset(self.value(item) for item in node["items"])

    def _dict(self, node: dict[str, Any]) -> dict[Any, Any]:
        made: dict[Any, Any] = self._register(node, {})
        for key, item in node["items"]:
            made[self.value(key)] = self.value(item)
        return made

    # -- names ------------------------------------------------------------------------------

    def _global(self, node: dict[str, Any]) -> Any:
        try:
            return references.resolve(node["module"], node["name"])
        except (ImportError, AttributeError) as error:
            raise InvalidParameterError(
                f"{node['module']}.{node['name']}, which this model needs, is not here: {error}. "
                "Install the packages of its requirements.txt."
            ) from error

    def _module(self, node: dict[str, Any]) -> Any:
        import importlib

        try:
            return importlib.import_module(node["module"])
        except ImportError as error:
            raise InvalidParameterError(
                f"The module {node['module']}, which this model needs, is not here: {error}. "
                "Install the packages of its requirements.txt."
            ) from error

    def _own(self, node: dict[str, Any]) -> Any:
        found: Any = self._source(node["file"])
        for part in node["name"].split(".") if node["name"] else ():
            found = getattr(found, part)
        return found

    def _made(self, node: dict[str, Any]) -> Any:
        maker = getattr(self._source(node["file"]), node["name"])
        return maker(**{key: self.value(item) for key, item in node["variables"].items()})

    def _method(self, node: dict[str, Any]) -> Any:
        return getattr(self.value(node["self"]), node["name"])

    def _source(self, file: str) -> ModuleType:
        if file in self._live:
            return self._live[file]
        try:
            return self._modules.module(file)
        except UntrustedError:
            raise
        except Exception as error:
            raise InvalidParameterError(
                f"The source that this model was saved with does not run here: "
                f"{type(error).__name__}: {error} ({self._tree['files'][file]['path']}, saved "
                f"under Python {self._tree.get('python', '?')}). Install the packages of its "
                "requirements.txt, or load its exported program."
            ) from error

    # -- arrays -----------------------------------------------------------------------------

    def _array(self, name: str) -> Any:
        try:
            return self._arrays[name]
        except KeyError:
            raise InvalidParameterError(
                f"The array {name!r} of this model is missing: its files are not complete."
            ) from None

    def _ndarray(self, node: dict[str, Any]) -> Any:
        import numpy as np

        stored = self._array(node["name"])
        array = stored.detach().cpu().numpy() if hasattr(stored, "detach") else np.asarray(stored)
        kind = node["dtype"]
        dtype = np.dtype([tuple(f) for f in kind] if isinstance(kind, list) else kind)
        if array.dtype != dtype:
            array = np.frombuffer(array.tobytes(), dtype=dtype)
        return array.reshape(node["shape"]).copy()

    def _objects(self, node: dict[str, Any]) -> Any:
        import numpy as np

        made = np.empty(node["shape"], dtype=object)
        self._register(node, made)
        for index, item in enumerate(node["items"]):
            made.flat[index] = self.value(item)
        return made

    def _scalar(self, node: dict[str, Any]) -> Any:
        import numpy as np

        return np.frombuffer(base64.b64decode(node["value"]), dtype=node["dtype"])[0]

    def _tensor(self, node: dict[str, Any]) -> Any:
        import torch

        stored = self._array(node["name"])
        tensor = stored if isinstance(stored, torch.Tensor) else torch.from_numpy(stored)
        wanted = bool(node.get("requires_grad", False))
        if node.get("kind") == "parameter":
            return torch.nn.Parameter(tensor, requires_grad=wanted)
        return tensor.detach().requires_grad_() if wanted else tensor

    # -- objects ----------------------------------------------------------------------------

    def _call(self, node: dict[str, Any]) -> Any:
        function = self.value(node["function"])
        made = function(*(self.value(item) for item in node.get("arguments", ())))
        return self._filled(node, self._register(node, made))

    def _object(self, node: dict[str, Any]) -> Any:
        cls = self.value(node["class"])
        arguments = [self.value(item) for item in node.get("arguments", ())]
        return self._filled(node, self._register(node, cls.__new__(cls, *arguments)))

    def _parametrized(self, node: dict[str, Any]) -> Any:
        from nbtrack.models.objects.torch_modules import parametrize

        made = self._object(node)
        parametrize(made)
        return made

    def _filled(self, node: dict[str, Any], made: Any) -> Any:
        if "state" in node:
            state = self.value(node["state"])
            try:
                _set_state(made, state)
            except Exception as error:  # what the object's own method raises
                raise InvalidParameterError(
                    f"A {type(made).__qualname__} cannot be given its saved state here: "
                    f"{type(error).__name__}: {error}. Install the packages of its "
                    "requirements.txt."
                ) from error
        if "items" in node:
            made.extend(self.value(item) for item in node["items"])
        for key, item in node.get("pairs", ()):
            made[self.value(key)] = self.value(item)
        return made


def _set_state(made: Any, state: Any) -> None:
    """Give an object its state, as ``copy`` and ``pickle`` do."""
    if hasattr(made, "__setstate__"):
        made.__setstate__(state)
        return
    slots = None
    if isinstance(state, tuple) and len(state) == 2:
        state, slots = state
    if state:
        made.__dict__.update(state)
    for name, item in (slots or {}).items():
        setattr(made, name, item)


def _name_of(files: dict[str, Any], sources: dict[str, str]) -> str:
    """Return the package of the saved source: models with the same source share it."""
    content = json.dumps([files, {r["path"]: sources[r["path"]] for r in files.values()}])
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    name = f"{references.SYNTHETIC}{digest}"
    if any(record["values"] for record in files.values()) and name in sys.modules:
        return f"{name}_{next(_numbers)}"
    return name
