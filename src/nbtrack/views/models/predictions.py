"""What a model has predicted, small enough to be looked at."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

MAX_ROWS = 20
MAX_COLUMNS = 30
MAX_TEXT = 4000

Cell: TypeAlias = str | float | int | bool | None


class TablePrediction(TypedDict):
    """A prediction that has rows, of which ``total`` is the number; ``note`` says what it was."""

    kind: Literal["table"]
    columns: list[str]
    rows: list[list[Cell]]
    total: int
    note: str
    seconds: NotRequired[float]


class TextPrediction(TypedDict):
    """A prediction that is no table; ``note`` says what it was, such as a shape."""

    kind: Literal["text"]
    text: str
    note: str
    seconds: NotRequired[float]


Prediction: TypeAlias = TablePrediction | TextPrediction


def prediction(value: Any) -> Prediction:
    """Return a prediction as JSON: a table where it has rows, else text.

    How long it took is for whoever has asked the model to add.
    """
    if hasattr(value, "detach"):  # a tensor, which may be on a GPU
        value = value.detach().cpu()
        value = value.float().numpy() if str(value.dtype) == "torch.bfloat16" else value.numpy()
    if hasattr(value, "to_frame") and not hasattr(value, "columns"):
        value = value.to_frame()
    if hasattr(value, "columns") and hasattr(value, "itertuples"):
        names = [str(name) for name in value.columns]
        rows = list(value.head(MAX_ROWS).itertuples(index=False, name=None))
        return _table(names, rows, len(value), "")
    if hasattr(value, "shape") and hasattr(value, "tolist"):
        note = f"{value.dtype} [{', '.join(map(str, value.shape))}]"
        if value.ndim == 1:
            return _table([""], [[v] for v in value[:MAX_ROWS].tolist()], len(value), note)
        if value.ndim == 2:
            names = [str(i) for i in range(value.shape[1])]
            return _table(names, value[:MAX_ROWS].tolist(), len(value), note)
        return _text(value, note)
    if isinstance(value, list) and value and all(isinstance(row, Mapping) for row in value):
        names = list(dict.fromkeys(str(name) for row in value for name in row))
        rows = [[row.get(name) for name in names] for row in value[:MAX_ROWS]]
        return _table(names, rows, len(value), "")
    if isinstance(value, Mapping) and value and all(_is_column(c) for c in value.values()):
        columns = [list(column)[:MAX_ROWS] for column in value.values()]
        length = max(len(column) for column in value.values())
        rows = [
            [c[i] if i < len(c) else None for c in columns] for i in range(min(length, MAX_ROWS))
        ]
        return _table([str(name) for name in value], rows, length, "")
    return _text(value, "")


def _table(names: list[str], rows: list[Any], total: int, note: str) -> TablePrediction:
    cells = [[_cell(cell) for cell in list(row)[:MAX_COLUMNS]] for row in rows]
    more = f"{len(names)} columns, the first {MAX_COLUMNS} shown"
    notes = [note] if note else []
    if len(names) > MAX_COLUMNS:
        notes.append(more)
    return {
        "kind": "table",
        "columns": names[:MAX_COLUMNS],
        "rows": cells,
        "total": total,
        "note": ", ".join(notes),
    }


def _text(value: Any, note: str) -> TextPrediction:
    if isinstance(value, str):
        text = value
    elif isinstance(value, (Mapping, list, tuple)):
        text = json.dumps(value, indent=2, default=str, ensure_ascii=False)
    else:
        text = str(value)
    cut = text if len(text) <= MAX_TEXT else text[:MAX_TEXT] + " …"
    return {"kind": "text", "text": cut, "note": note}


def _is_column(value: Any) -> bool:
    if hasattr(value, "shape"):
        return len(value.shape) == 1
    return isinstance(value, (list, tuple)) and not any(isinstance(v, (list, dict)) for v in value)


def _cell(value: Any) -> Cell:
    value = value.item() if hasattr(value, "item") and getattr(value, "ndim", 0) == 0 else value
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    text = str(value)
    return text if len(text) <= 200 else text[:199] + "…"
