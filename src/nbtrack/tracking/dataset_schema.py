"""The columns and types of data, as MLflow writes them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd

_BY_NUMPY = {
    "bool": "boolean",
    "int8": "integer",
    "int16": "integer",
    "int32": "integer",
    "uint8": "integer",
    "uint16": "integer",
    "int64": "long",
    "uint32": "long",
    "float16": "float",
    "float32": "float",
    "float64": "double",
}
SAMPLED_CELLS = 1000


def frame_schema(frame: pd.DataFrame) -> dict[str, Any] | None:
    """Return ``{"mlflow_colspec": [...]}`` of a frame, None if a column fits no type."""
    columns = []
    for name, values in frame.items():
        kind = column_type(values)
        if kind is None:
            return None
        columns.append({**kind, "name": str(name), "required": not bool(values.hasnans)})
    return {"mlflow_colspec": columns}


def column_type(values: pd.Series[Any]) -> dict[str, Any] | None:
    """Return the type of a column: ``{"type": "double"}`` and the like."""
    dtype = values.dtype
    text = str(dtype).lower()
    if text in _BY_NUMPY or text == "boolean":
        return {"type": _BY_NUMPY.get(text, "boolean")}
    if text.startswith("datetime64"):
        return {"type": "datetime"}
    if text in ("str", "string", "category") or text.startswith("string["):
        return {"type": "string"}
    if text != "object":
        return None
    cells = values.dropna()
    return _cells_type([cells.iloc[i] for i in range(min(len(cells), SAMPLED_CELLS))])


def _cells_type(cells: list[Any]) -> dict[str, Any] | None:
    found: list[dict[str, Any]] = []
    for cell in cells:
        kind = _cell_type(cell)
        if kind is None:
            return None
        if kind not in found:
            found.append(kind)
    if not found:
        return {"type": "string"}
    return found[0] if len(found) == 1 else None


def _cell_type(cell: Any) -> dict[str, Any] | None:
    if isinstance(cell, list | tuple) or type(cell).__name__ == "ndarray":
        items = _cells_type(list(cell))
        return None if items is None else {"type": "array", "items": items}
    if isinstance(cell, dict):
        properties = {str(key): _cell_type(value) for key, value in cell.items()}
        if None in properties.values():
            return None
        return {
            "type": "object",
            "properties": {k: {**(v or {}), "required": True} for k, v in properties.items()},
        }
    kinds = ((bool, "boolean"), (int, "long"), (float, "double"), (str, "string"))
    for known, name in (*kinds, (bytes, "binary"), (bytearray, "binary")):
        if isinstance(cell, known):
            return {"type": name}
    name = _BY_NUMPY.get(str(getattr(cell, "dtype", "")), "")
    if not name and hasattr(cell, "isoformat"):
        name = "datetime"
    return {"type": name} if name else None


def tensor_schema(
    features: np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]],
    targets: np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]] | None,
) -> dict[str, Any]:
    """Return ``{"mlflow_tensorspec": {"features": ..., "targets": ...}}``, texts of JSON within."""
    return {
        "mlflow_tensorspec": {
            "features": json.dumps(_tensors(features)),
            "targets": None if targets is None else json.dumps(_tensors(targets)),
        }
    }


def _tensors(
    arrays: np.ndarray[Any, Any] | dict[str, np.ndarray[Any, Any]],
) -> list[dict[str, Any]]:
    if isinstance(arrays, dict):
        return [{**_tensor(array), "name": name} for name, array in arrays.items()]
    return [_tensor(arrays)]


def _tensor(array: np.ndarray[Any, Any]) -> dict[str, Any]:
    # the first dimension counts the examples, of which there may be any number
    shape = [-1, *array.shape[1:]] if array.ndim else []
    kind = "str" if array.dtype.kind in "US" else array.dtype.name
    return {"type": "tensor", "tensor-spec": {"dtype": kind, "shape": shape}}
