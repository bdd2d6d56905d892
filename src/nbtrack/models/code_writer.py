"""Writes a Python model of a notebook as a file of code (models from code)."""

from __future__ import annotations

import ast
import pprint
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.models.frozen_files import write_frozen
from nbtrack.models.model import Model
from nbtrack.models.objects import SerializedObject
from nbtrack.models.requirements import framework

CODE_FILE = "model.py"
LOADER = "mlflow.pyfunc.model"
PICKLE = "python_model.pkl"
STATE = "python_model"
_PLAIN_CODE = """

# Written by nbtrack: nbtrack and MLflow ask this file for the model.
try:
    from nbtrack.models import set_model
except ImportError:
    from mlflow.models import set_model
{made}
"""
_STATE_CODE = '''"""Written by nbtrack: the source and the values of the model are in {state}/."""

from pathlib import Path

from nbtrack.models import set_model
from nbtrack.models.frozen_files import read_frozen

set_model(read_frozen(Path(__file__).parent / "{state}", trusted=True))
'''


def write_code(serialized: SerializedObject, value: Any, folder: Path) -> bool:
    """Write a file of code that makes the model, and what it needs beside it.

    A function, or an object whose state is plain values, becomes the source itself, which
    needs nothing but what it imports; anything else is put together by nbtrack.

    Parameters
    ----------
    serialized : SerializedObject
        The model, taken apart.
    value : object
        The model.
    folder : Path
        Where to write.

    Returns
    -------
    bool
        Whether running the file needs nbtrack.
    """
    made = _made(serialized, value)
    if made is None:
        write_frozen(serialized, folder / STATE)
        (folder / CODE_FILE).write_text(_STATE_CODE.format(state=STATE), "utf-8")
        return True
    (source,) = serialized.sources.values()
    text = with_mlflow_fallback(source) + _PLAIN_CODE.format(made=made)
    (folder / CODE_FILE).write_text(text, "utf-8")
    return False


def write_pickle(model: Any, folder: Path, known: Model, more: dict[str, Any]) -> None:
    """Write a model as a pickle, which keeps anything and is asked about when it is loaded."""
    cloudpickle = framework("cloudpickle")
    with (folder / PICKLE).open("wb") as file:
        cloudpickle.dump(model, file)
    known.requirements.add_package("cloudpickle")
    known.requirements.add_object(model)
    version = cloudpickle.__version__
    known.add_pyfunc(LOADER, python_model=PICKLE, cloudpickle_version=version, **more)


def read_pickle(file: Path, flavor: Mapping[str, Any]) -> Any:
    """Return the model of a pickle.

    Raises
    ------
    InvalidParameterError
        If it is compressed as only MLflow reads it.
    """
    if flavor.get("python_model_compression"):
        raise InvalidParameterError(
            f"{file.name} is compressed ({flavor['python_model_compression']}), which only MLflow "
            "itself reads. Save the model without compression."
        )
    with file.open("rb") as source:
        return framework("cloudpickle").load(source)


def with_mlflow_fallback(source: str) -> str:
    """Let what the source imports from nbtrack come from MLflow, whose names those are.

    So MLflow loads the model where nbtrack is not installed.

    Parameters
    ----------
    source : str
        The source of a model.
    """
    lines = source.splitlines(keepends=True)
    body = ast.parse(source).body
    shared = Counter(line for node in body for line in {node.lineno, node.end_lineno})
    for node in reversed(body):
        theirs = _of_mlflow(node)
        first, last = node.lineno - 1, node.end_lineno or node.lineno
        if theirs is None or shared[node.lineno] > 1 or shared[last] > 1:
            continue
        ours = [f"    {line}" for line in ast.unparse(node).splitlines()]
        both = ["try:", *ours, "except ImportError:", *(f"    {line}" for line in theirs)]
        lines[first:last] = [f"{line}\n" for line in both]
    return "".join(lines)


def _of_mlflow(node: ast.stmt) -> list[str] | None:
    """Return the statements that import the same from MLflow; None for other imports."""
    if isinstance(node, ast.ImportFrom):
        top, _, below = (node.module or "").partition(".")
        if top != "nbtrack" or node.level:
            return None
        renamed = ast.ImportFrom(".".join(filter(None, ["mlflow", below])), node.names, 0)
        return [ast.unparse(renamed)]
    if not isinstance(node, ast.Import):
        return None
    if not any(alias.name.partition(".")[0] == "nbtrack" for alias in node.names):
        return None
    found = []
    for alias in node.names:
        top, _, below = alias.name.partition(".")
        name = ".".join(filter(None, ["mlflow" if top == "nbtrack" else top, below]))
        if alias.asname or top != "nbtrack":
            found.append(f"import {name} as {alias.asname}" if alias.asname else f"import {name}")
        else:
            found += [f"import {name}"] * bool(below) + ["import mlflow as nbtrack"]
    return found


def _made(serialized: SerializedObject, value: Any) -> str | None:
    """Return the statements that make the model below its source; None where that is not all."""
    files = serialized.tree["files"]
    root = serialized.tree["root"]
    if len(files) != 1 or serialized.weights or serialized.extra or not isinstance(root, dict):
        return None
    (record,) = files.values()
    if record["values"] or record["package"] or record["whole"]:
        return None
    if root["~"] == "own" and root["name"]:
        return f"set_model({root['name']})"
    if root["~"] == "made" and not root["variables"]:
        return f"set_model({root['name']}())"
    kind = root.get("class")
    odd = {"arguments", "items", "pairs"} & set(root) or hasattr(type(value), "__setstate__")
    if root["~"] != "object" or odd or not isinstance(kind, dict) or kind["~"] != "own":
        return None
    state = root.get("state")
    if state is None:
        return f"set_model({kind['name']}.__new__({kind['name']}))"
    if not _is_plain(state):
        return None
    text = pprint.pformat(_plain(state), width=88, sort_dicts=False)
    name = kind["name"]
    return f"model = {name}.__new__({name})\nmodel.__dict__.update(\n{text}\n)\nset_model(model)"


def _is_plain(node: Any) -> bool:
    if not isinstance(node, dict):
        return True
    if "id" in node:  # two places share it
        return False
    if node["~"] in ("list", "tuple"):
        return all(_is_plain(item) for item in node["items"])
    if node["~"] == "dict":
        return all(_is_plain(part) for pair in node["items"] for part in pair)
    return False


def _plain(node: Any) -> Any:
    if not isinstance(node, dict):
        return node
    if node["~"] == "dict":
        return {_plain(key): _plain(item) for key, item in node["items"]}
    found = [_plain(item) for item in node["items"]]
    return tuple(found) if node["~"] == "tuple" else found
