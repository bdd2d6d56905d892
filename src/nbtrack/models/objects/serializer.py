"""Serializing objects to JSON values, arrays and source."""

from __future__ import annotations

import base64
import copyreg
import inspect
import math
import sys
from dataclasses import dataclass
from types import MethodType, ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.objects import references, statements
from nbtrack.models.objects.arrays import Arrays, objects_in, refused
from nbtrack.models.objects.code_objects import attributes_used
from nbtrack.models.objects.form import MAX_DEPTH, VERSION
from nbtrack.models.objects.selection import WRAPPERS, Changes
from nbtrack.models.objects.source_files import SourceFile
from nbtrack.models.objects.sources import Sources
from nbtrack.models.objects.torch_modules import plain_module


@dataclass(frozen=True)
class SerializedObject:
    """An object as data.

    Attributes
    ----------
    tree : dict
        Plain JSON values: what the object is made of, and which source files it needs.
    weights : dict of str to torch.Tensor
        The parameters and persistent buffers of the module that was serialized, under the names
        of its ``state_dict``; not copied.
    extra : dict of str to torch.Tensor or numpy.ndarray
        Every other array; the names begin with ``@``.
    sources : dict of str to str
        The text of each source file, by its relative path.
    notes : list of str
        What had to be left out, for the user to read.
    modules : list of str
        The installed top-level modules that deserializing imports.
    """

    tree: dict[str, Any]
    weights: dict[str, Any]
    extra: dict[str, Any]
    sources: dict[str, str]
    notes: list[str]
    modules: list[str]


class Serializer:
    """Serializes objects; ``sources`` collects what they need of the user's own.

    Parameters
    ----------
    changes : dict, optional
        What classes and functions have that their source does not give them, by their ids.
    """

    def __init__(self, changes: Changes | None = None) -> None:
        self._changes = changes
        self._is_probe = False
        self._memo: dict[int, dict[str, Any]] = {}
        self._kept: list[Any] = []
        self._next = 0
        self.arrays = Arrays()
        self._notes: list[str] = []
        self._depth = 0
        self._modules: set[str] = set()
        self.files: dict[str, SourceFile] = {}
        self.sources = Sources(self._apart, self._note, changes)

    def serialize(self, value: Any) -> SerializedObject:
        """Serialize one object; a serializer is used once."""
        root = self.node(value, "")
        files = self.files = self.sources.finish()
        tree = {
            "nbtrack_objects": VERSION,
            "python": ".".join(map(str, sys.version_info[:3])),
            "root": root,
            "files": {name: _file_record(file) for name, file in files.items()},
        }
        texts = {file.path: file.text for file in files.values()}
        modules = self._modules | {m for text in texts.values() for m in _imported(text, files)}
        return SerializedObject(
            tree, self.arrays.weights, self.arrays.extra, texts, self._notes, sorted(modules)
        )

    def _note(self, text: str) -> None:
        if text not in self._notes:
            self._notes.append(text)

    def _apart(self, value: Any, where: str) -> Any:
        """Serialize a value that shares nothing with the rest: it is deserialized on its own."""
        memo, self._memo = self._memo, {}
        try:
            with self.arrays.apart():
                return self.node(value, where)
        finally:
            self._memo = memo

    # -- one value -----------------------------------------------------------------------

    def node(self, value: Any, where: str) -> Any:
        """Return the serialized form of a value; ``where`` is its path from the root."""
        if value is None or value is True or value is False or type(value) in (int, str):
            return value
        if type(value) is float:
            return value if math.isfinite(value) else {"~": "float", "value": repr(value)}
        value = plain_module(value)
        known = self._memo.get(id(value))
        if known is not None:
            if "id" not in known:
                self._next += 1
                known["id"] = self._next
            return {"~": "ref", "id": known["id"]}
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise refused(value, where, "it is nested too deeply")
        try:
            found: dict[str, Any] = {}
            self._memo[id(value)] = found
            self._kept.append(value)  # an id is only good as long as its object lives
            try:
                self._fill(found, value, where)
            except BaseException:
                self._memo.pop(id(value), None)
                raise
            return found
        finally:
            self._depth -= 1

    def _fill(self, node: dict[str, Any], value: Any, where: str) -> None:
        kind = type(value)
        if kind in (list, tuple, set, frozenset):
            items = value if kind in (list, tuple) else sorted(value, key=repr)
            node["~"] = kind.__name__
            node["items"] = [self.node(v, f"{where}[{i}]") for i, v in enumerate(items)]
        elif kind is dict:
            node["~"] = "dict"
            node["items"] = self._pairs(value, where)
        elif kind in (bytes, bytearray):
            node.update({"~": kind.__name__, "value": base64.b64encode(value).decode("ascii")})
        elif kind is complex:
            node.update({"~": "complex", "value": repr(value)})
        elif isinstance(value, ModuleType):
            self._fill_module_reference(node, value, where)
        elif isinstance(value, MethodType):
            self._fill_method(node, value, where)
        elif kind in WRAPPERS:
            maker = {"~": "global", "module": "builtins", "name": kind.__name__}
            parts = [getattr(value, name) for name in WRAPPERS[kind]]
            node.update({"~": "call", "function": maker})
            node["arguments"] = [self.node(part, where) for part in parts]
        elif (objects := objects_in(value)) is not None:
            node.update({"~": "objects", "shape": list(value.shape)})
            node["items"] = [self.node(v, f"{where}[{i}]") for i, v in enumerate(objects)]
        elif not self.arrays.fill(node, value, where):
            self._fill_other(node, value, where)

    def _pairs(self, value: dict[Any, Any], where: str) -> list[list[Any]]:
        return [
            [self.node(k, f"{where} key"), self.node(v, f"{where}[{k!r}]" if where else str(k))]
            for k, v in value.items()
        ]

    def _fill_module_reference(self, node: dict[str, Any], value: ModuleType, where: str) -> None:
        name = references.module_of(value)
        if name is None or name == "__main__":
            raise refused(value, where, "it cannot be imported by its name")
        if references.is_own(name) and references.is_file(name):
            node.update({"~": "own", "file": self.sources.add_module(value), "name": ""})
            return
        self._modules.add(name.partition(".")[0])
        node.update({"~": "module", "module": name})

    def _fill_method(self, node: dict[str, Any], value: MethodType, where: str) -> None:
        owner, name = value.__self__, value.__name__
        kind = owner if isinstance(owner, type) else type(owner)
        found = inspect.getattr_static(kind, name, None)
        shadowed = name in getattr(owner, "__dict__", {}) and not isinstance(owner, type)
        if getattr(found, "__func__", found) is value.__func__ and not shadowed:
            node.update({"~": "method", "name": name})
            node["self"] = self.node(owner, f"{where}.__self__")
            return
        # a function that was bound to an object, not found in its class under this name
        maker = {"~": "global", "module": "types", "name": "MethodType"}
        node.update({"~": "call", "function": maker})
        parts = (value.__func__, owner)
        node["arguments"] = [self.node(part, f"{where}.__func__") for part in parts]

    def _fill_other(self, node: dict[str, Any], value: Any, where: str) -> None:
        installed = references.reference(value) if _may_be_named(value) else None
        if installed is not None:
            self._modules.add(installed[0].partition(".")[0])
            node.update({"~": "global", "module": installed[0], "name": installed[1]})
        elif statements.is_definition(value) and references.is_own(value.__module__):
            self._fill_definition(node, value, where)
        else:
            self._fill_instance(node, value, where)

    def _fill_definition(self, node: dict[str, Any], value: Any, where: str) -> None:
        value = statements.unwrapped_source(value) or value
        if not statements.is_nested(value):
            file, name = self.sources.add(value)
            node.update({"~": "own", "file": file, "name": name})
            return
        file, name, variables = self.sources.add_factory(value)
        node.update({"~": "made", "file": file, "name": name})
        node["variables"] = {
            key: self.node(item, f"{where} ({key})")
            for key, item in sorted(variables.items())
            if item is not value
        }

    # -- instances ------------------------------------------------------------------------

    def _fill_instance(self, node: dict[str, Any], value: Any, where: str) -> None:
        if isinstance(value, type):
            raise refused(value, where, f"the class {value.__name__} has no source and no module")
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(value, torch.nn.Module):
            from nbtrack.models.objects.torch_modules import state_of, why_not

            reason = why_not(value)
            if reason:
                raise refused(value, where, reason)
            cls, state = state_of(value, self._note, self._why_not)
            self.arrays.name_tensors(value, where)
            node["~"] = "parametrized" if cls is not type(value) else "object"
            node["class"] = self.node(cls, f"type of {where or 'the model'}")
            node["state"] = self._state(state, where, cls)
            return
        try:
            reduced = value.__reduce_ex__(4)
        except Exception as error:  # whatever an object's own method raises
            raise refused(value, where, str(error)) from error
        if isinstance(reduced, str):
            module = str(getattr(value, "__module__", ""))
            self._modules.add(module.partition(".")[0])
            node.update({"~": "global", "module": module, "name": reduced})
            return
        function, arguments, state, items, pairs = (*reduced, None, None, None)[:5]
        if function is copyreg.__newobj__:  # type: ignore[attr-defined]
            node["~"] = "object"
            node["class"] = self.node(arguments[0], f"type of {where}")
            arguments = arguments[1:]
        else:
            node["~"] = "call"
            node["function"] = self.node(function, f"maker of {where}")
        if arguments:
            node["arguments"] = [
                self.node(v, f"{where} ({type(value).__name__} argument {i + 1})")
                for i, v in enumerate(arguments)
            ]
        if state is not None:
            node["state"] = self._state(state, where)
        if items is not None:
            node["items"] = [self.node(v, f"{where}[{i}]") for i, v in enumerate(items)]
        if pairs is not None:
            node["pairs"] = [
                [self.node(k, f"{where} key"), self.node(v, f"{where}[{k!r}]")] for k, v in pairs
            ]

    def _why_not(self, value: Any) -> str | None:
        """Return why a value cannot be saved, or None."""
        if self._is_probe:
            return None  # a hook of what a hook holds; it is looked at when that is saved
        probe = Serializer(self._changes)
        probe._is_probe = True
        try:
            probe.node(value, "")
        except InvalidParameterError as error:
            return error.message
        return None

    def _state(self, state: Any, where: str, cls: type | None = None) -> Any:
        """Serialize a state; a module of the class ``cls`` can be without some attributes."""
        if type(state) is not dict:
            return self.node(state, where)
        found: dict[str, Any] = {"~": "dict", "items": []}
        for key, item in state.items():
            place = f"{where}.{key}" if where else str(key)
            groups = ("_parameters", "_buffers", "_modules")
            if cls is not None and key in groups and isinstance(item, dict):
                inner = {n: f"{where}.{n}" if where else n for n in item}
                pairs = [[name, self.node(v, inner[name])] for name, v in item.items()]
                found["items"].append([key, {"~": "dict", "items": pairs}])
                continue
            before, arrays = len(self._kept), self.arrays.mark()
            try:
                found["items"].append([self.node(key, where), self.node(item, place)])
            except InvalidParameterError as error:
                if cls is None:
                    raise
                if hasattr(cls, str(key)) or str(key) in attributes_used(cls, "forward"):
                    raise InvalidParameterError(
                        f"{error.message} The model needs it when it is called. Make it inside of "
                        "forward(), or leave it out."
                    ) from error
                for left_out in self._kept[before:]:
                    self._memo.pop(id(left_out), None)
                self.arrays.forget(arrays)
                self._note(
                    f"The attribute {place!r} ({type(item).__name__}) is not saved: "
                    f"{error.message} The loaded model is without it."
                )
        return found


def _may_be_named(value: Any) -> bool:
    return isinstance(value, type) or callable(value)


def _file_record(file: SourceFile) -> dict[str, Any]:
    return {
        "path": file.path,
        "origin": file.origin,
        "package": file.package,
        "whole": file.whole,
        "values": file.values,
    }


def _imported(text: str, files: dict[str, SourceFile]) -> set[str]:
    import ast

    found: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            found.add(node.module.partition(".")[0])
    own = {name.partition(".")[0] for name in files}
    return found - own - {"__future__"}
