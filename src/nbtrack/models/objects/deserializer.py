"""Deserializing with consent: whatever the description names is imported, called and run."""

from __future__ import annotations

import base64
import hashlib
import itertools
import json
import math
import sys
from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError, UntrustedError
from nbtrack.models.objects import references
from nbtrack.models.objects.form import KINDS, Form, damaged
from nbtrack.models.objects.synthetic import SavedModules

_numbers = itertools.count(1)


class Deserializer:
    """Makes an object of a tree, and calls, imports and runs all that this needs.

    Parameters
    ----------
    form : Form
        The tree.
    arrays : mapping of str to torch.Tensor or numpy.ndarray
    sources : dict of str to str
        The texts of the source files.
    place : str
        Their folder, named in tracebacks.
    live : dict of str to module
        What stands for the files that this process has already.
    name : str, optional
        The package of the modules that are made; by default models with the same source share one.
    """

    def __init__(
        self,
        form: Form,
        arrays: Mapping[str, Any],
        sources: dict[str, str],
        place: str,
        live: dict[str, ModuleType],
        name: str | None = None,
    ) -> None:
        self._form = form
        self._arrays = arrays
        self._live = live
        self._known: dict[int, Any] = {}
        self._makers: dict[str, Callable[[dict[str, Any]], Any]] = {
            kind: getattr(self, f"_{kind}") for kind in KINDS
        }
        files = {name: record for name, record in form.files.items() if name not in live}
        name = name or _name_of(files, sources)
        self._modules = SavedModules(name, files, sources, place, self._value)
        if files:
            self._modules.install()

    def deserialize(self) -> Any:
        """Return the object."""
        return self.value(self._form.root)

    def forget(self) -> None:
        """Take the modules that were made of the source out of the process."""
        self._modules.forget()

    def _value(self, file: str, name: str) -> Any:
        """Return a value that a source file has asked for; it shares nothing with the rest."""
        known, self._known = self._known, {}
        try:
            return self.value(self._form.files[file]["values"][name])
        finally:
            self._known = known

    def value(self, node: Any) -> Any:
        """Return what a node describes."""
        if not isinstance(node, dict):
            return node
        made = self._makers[node["~"]](node)
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
        try:
            return self._known[node["id"]]
        except KeyError:
            raise damaged(f"it refers to the value {node['id']}, which comes later") from None

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
        return self._found(references.resolve, node)

    def _found(self, resolve: Callable[[str, str], Any], node: dict[str, Any]) -> Any:
        try:
            return resolve(node["module"], node["name"])
        except (ImportError, AttributeError) as error:
            raise _not_here(f"{node['module']}.{node['name']}", error) from error

    def _module(self, node: dict[str, Any]) -> Any:
        import importlib

        try:
            return importlib.import_module(node["module"])
        except ImportError as error:
            raise _not_here(f"The module {node['module']}", error) from error

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
                f"{type(error).__name__}: {error} ({self._form.files[file]['path']}, saved "
                f"under Python {self._form.python}). Install the packages of its "
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
        # that of NumPy's own files, which knows what padding looks like in a description
        dtype = np.lib.format.descr_to_dtype(_dtype(node["dtype"]))
        if array.dtype != dtype:
            array = np.frombuffer(array.tobytes(), dtype=dtype)
        return array.reshape(node["shape"]).copy("F" if node.get("fortran") else "C")

    def _objects(self, node: dict[str, Any]) -> Any:
        import numpy as np

        if math.prod(node["shape"]) != len(node["items"]):
            raise damaged("an array of objects has not as many of them as its shape says")
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
            self._give(made, self.value(node["state"]))
            torch = sys.modules.get("torch")
            if torch is not None and isinstance(made, torch.nn.Module):
                from nbtrack.models.objects.torch_modules import number_hooks

                number_hooks(made)
        if "items" in node:
            made.extend(self.value(item) for item in node["items"])
        for key, item in node.get("pairs", ()):
            made[self.value(key)] = self.value(item)
        return made

    def _give(self, made: Any, state: Any) -> None:
        try:
            _set_state(made, state)
        except Exception as error:  # what the object's own method raises
            raise InvalidParameterError(
                f"A {type(made).__qualname__} cannot be given its saved state here: "
                f"{type(error).__name__}: {error}. Install the packages of its "
                "requirements.txt."
            ) from error


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


def _dtype(described: Any) -> Any:
    """Return a type of NumPy as it was before JSON made lists of its tuples."""
    if not isinstance(described, list):
        return described
    return [
        tuple(tuple(part) if isinstance(part, list) and n != 1 else _dtype(part)
              for n, part in enumerate(one))
        for one in described
    ]  # fmt: skip


def _not_here(what: str, error: Exception) -> InvalidParameterError:
    return InvalidParameterError(
        f"{what}, which this model needs, is not here: {error}. "
        "Install the packages of its requirements.txt."
    )


def _name_of(files: dict[str, Any], sources: dict[str, str]) -> str:
    """Return the package of the saved source: models with the same source share it."""
    content = json.dumps([files, {r["path"]: sources[r["path"]] for r in files.values()}])
    digest = hashlib.sha256(content.encode()).hexdigest()[:12]
    name = f"{references.SYNTHETIC}{digest}"
    if any(record["values"] for record in files.values()) and name in sys.modules:
        return f"{name}_{next(_numbers)}"
    return name
