"""Models that are kept as data and source: what was learned, without what chance has put there."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from nbtrack.reruns.curves import is_of_clock

OBJECT = "object.json"
ARRAYS = "arrays.npz"
_ADDRESS = re.compile(r"_\w+_id")  # of an object: scikit-learn's _stop_words_id


def counts(key: object) -> bool:
    """Return whether an attribute may be compared: times and addresses may not.

    Parameters
    ----------
    key : object
        Its name, or the key of a dictionary.
    """
    return not (isinstance(key, str) and (is_of_clock(key) or _ADDRESS.fullmatch(key)))


def read_object(data: bytes) -> dict[str, Any]:
    """Return the tree of an object, and the names of its arrays.

    Parameters
    ----------
    data : bytes
        Its ``object.json``.
    """
    header = json.loads(data)
    tree, left_out = _compared(header["tree"])
    tree.pop("python", None)  # the environment is compared itself
    names = [name for name in header["arrays"] if name not in left_out]
    return {**header, "tree": tree, "arrays": names}


def read_arrays(header: bytes, archive: bytes) -> dict[str, Any]:
    """Return the arrays of an object by the names of its attributes.

    Parameters
    ----------
    header : bytes
        Its ``object.json``, which has the names.
    archive : bytes
    """
    import numpy as np

    known = json.loads(header)
    _, left_out = _compared(known["tree"])
    with np.load(io.BytesIO(archive), allow_pickle=False) as file:
        return {
            name: file[f"a{number}"]
            for number, name in enumerate(known["arrays"])
            if name not in left_out
        }


def _compared(tree: Any) -> tuple[Any, set[str]]:
    """Return a tree without what may not be compared, and the names of the arrays in that."""
    shared = {node["id"]: node for node in _nodes(tree) if "id" in node and node["~"] != "ref"}
    left_out: set[str] = set()
    kept = _pruned(tree, shared, left_out)
    return kept, left_out - _arrays(kept)


def _pruned(node: Any, shared: Mapping[Any, Any], left_out: set[str]) -> Any:
    if isinstance(node, list):
        return [_pruned(each, shared, left_out) for each in node]
    if not isinstance(node, dict):
        return node
    if _is_generator(node, shared):  # without a seed it is that of the process
        left_out |= _arrays(node)
        return None
    if node.get("~") == "dict":
        items = [each for each in node["items"] if counts(each[0])]
        for key, value in node["items"]:
            if not counts(key):
                left_out |= _arrays(value)
        node = {**node, "items": items}
    return {key: _pruned(each, shared, left_out) for key, each in node.items()}


def _is_generator(node: Mapping[str, Any], shared: Mapping[Any, Any]) -> bool:
    if node.get("~") != "call":
        return False
    made_by = node["function"]
    made_by = shared.get(made_by.get("id"), made_by)
    return str(made_by.get("module", "")).startswith("numpy.random")


def _arrays(node: Any) -> set[str]:
    return {each["name"] for each in _nodes(node) if each["~"] in ("ndarray", "tensor")}


def _nodes(node: Any) -> Iterator[dict[str, Any]]:
    """Yield what stands for a value: it says of what kind."""
    if isinstance(node, dict) and "~" in node:
        yield node
    for each in node.values() if isinstance(node, dict) else node if isinstance(node, list) else ():
        yield from _nodes(each)
