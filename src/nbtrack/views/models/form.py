"""The form to try a model: fields made from its signature and its input example."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Literal, TypedDict

from nbtrack.errors import InvalidParameterError
from nbtrack.views.json_types import ColumnSpec

MAX_FIELDS = 60
MAX_TEXT = 4000
_NUMBERS = {"integer": int, "long": int, "float": float, "double": float}
_TYPES = {
    "integer": "int32",
    "long": "int64",
    "float": "float32",
    "double": "float64",
    "boolean": "bool",
    "string": "object",
    "datetime": "datetime64[ns]",
}
_TRUTH = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}


class ParamField(TypedDict):
    """A param of a model in its form."""

    name: str
    type: str
    value: str


class FormField(TypedDict):
    """A column of a model in its form."""

    name: str
    type: str
    required: bool
    value: str


class ColumnsForm(TypedDict):
    """A form with a field for each column."""

    kind: Literal["columns"]
    fields: list[FormField]
    params: list[ParamField]


class JsonForm(TypedDict):
    """A form with one text of JSON."""

    kind: Literal["json"]
    inputs: list[ColumnSpec]
    text: str
    params: list[ParamField]


ModelForm = ColumnsForm | JsonForm
"""The form to try a model."""


def form_of(facts: Mapping[str, Any], example: Mapping[str, Any]) -> ModelForm | None:
    """Return the form of a model, as JSON; None where the model cannot predict.

    Parameters
    ----------
    facts : mapping
        As `nbtrack.views.models.files.file_facts` returns it.
    example : mapping
        The input example as a scoring server takes it; empty without one.
    """
    if not facts["predicts"]:
        return None
    signature = facts["signature"] or {"inputs": [], "params": []}
    inputs = signature["inputs"]
    params: list[ParamField] = [
        {"name": each["name"], "type": each["type"], "value": _text(each["default"])}
        for each in signature["params"]
    ]
    columns = bool(inputs) and not _is_tensor(inputs[0]) and inputs[0]["name"] is not None
    if columns and len(inputs) <= MAX_FIELDS:
        row = _first_row(example)
        fields: list[FormField] = [
            {
                "name": each["name"],
                "type": each["type"],
                "required": each["required"],
                "value": _text(row.get(each["name"])),
            }
            for each in inputs
        ]
        return {"kind": "columns", "fields": fields, "params": params}
    return {
        "kind": "json",
        "inputs": inputs,
        "text": _example_text(example, inputs),
        "params": params,
    }


def input_of(form: ModelForm, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return what goes into ``predict``: the data, and the params.

    Parameters
    ----------
    form : ColumnsForm or JsonForm
        As `form_of` returns it.
    given : mapping
        ``fields`` (texts by column) or ``text`` (JSON), and ``params`` (texts by name).

    Raises
    ------
    InvalidParameterError
        If a text is not what its column or param needs.
    """
    params = {}
    texts = _mapping(given.get("params"))
    for each in form["params"]:
        text = str(texts.get(each["name"], each["value"]))
        if text != each["value"]:  # what nobody has changed keeps its default
            listed = each["type"].endswith(" list")
            params[each["name"]] = (
                _json(text, each["name"]) if listed else _value(text, each["type"], each["name"])
            )
    if form["kind"] == "columns":
        return _frame(form["fields"], _mapping(given.get("fields"))), params
    return _from_json(str(given.get("text", "")), form["inputs"]), params


def _frame(fields: list[FormField], texts: Mapping[str, Any]) -> Any:
    import pandas as pd

    columns = {}
    for field in fields:
        name, kind = field["name"], field["type"]
        text = str(texts.get(name, ""))
        if text.strip() == "" and kind != "string":
            if field["required"]:
                raise InvalidParameterError(f"{name} is empty; it needs a value of type {kind}.")
            continue
        value = _value(text, kind, name)
        columns[name] = pd.Series([value], dtype=_TYPES.get(kind, "object"))
    return pd.DataFrame(columns)


def _value(text: str, kind: str, name: str) -> Any:
    text = text.strip() if kind != "string" else text
    try:
        if kind in _NUMBERS:
            return _NUMBERS[kind](text.replace("−", "-"))
        if kind == "boolean":
            return _TRUTH[text.lower()]
        if kind == "datetime":
            import pandas as pd

            return pd.Timestamp(text)
    except (ValueError, KeyError, OverflowError):
        raise InvalidParameterError(
            f"{name} is {text!r}; it needs a value of type {kind}."
        ) from None
    if kind == "string":
        return text
    return text.encode() if kind == "binary" else _json(text, name)


def _from_json(text: str, inputs: list[ColumnSpec]) -> Any:
    found = _json(text, "The input")
    if not inputs or not _is_tensor(inputs[0]):
        import pandas as pd

        rows = found if isinstance(found, list) else [found]
        named = bool(inputs) and inputs[0]["name"] is not None
        return pd.DataFrame(rows) if named and all(isinstance(r, dict) for r in rows) else found
    if inputs[0]["name"] is None:
        return _array(found, inputs[0])
    if not isinstance(found, dict):
        names = ", ".join(str(each["name"]) for each in inputs)
        raise InvalidParameterError(f"The input needs an object with {names}.")
    return {
        each["name"]: _array(found[each["name"]], each) for each in inputs if each["name"] in found
    }


def _array(value: Any, spec: Mapping[str, Any]) -> Any:
    import numpy as np

    dtype = spec["type"].partition(" ")[0]
    try:
        return np.asarray(value, dtype=None if dtype in ("str", "bytes", "object") else dtype)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(f"The input is no array of {spec['type']}: {error}") from None


def _json(text: str, name: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidParameterError(f"{name} is no JSON: {error}") from None


def _is_tensor(spec: Mapping[str, Any]) -> bool:
    return str(spec["type"]).endswith("]")


def _first_row(example: Mapping[str, Any]) -> dict[str, Any]:
    split = _mapping(example.get("dataframe_split"))
    columns, data = split.get("columns"), split.get("data")
    if isinstance(columns, list) and isinstance(data, list) and data:
        return dict(zip(map(str, columns), data[0], strict=False))
    records = example.get("dataframe_records")
    if isinstance(records, list) and records and isinstance(records[0], dict):
        return records[0]
    inputs = example.get("inputs")
    if isinstance(inputs, dict):
        return {k: v[0] if isinstance(v, list) and v else v for k, v in inputs.items()}
    return {}


def _example_text(example: Mapping[str, Any], inputs: list[ColumnSpec]) -> str:
    """Return the example, shortened to its first rows until it can be read."""
    known = [example[key] for key in ("inputs", "instances") if key in example]
    found = known[0] if known else (_first_row(example) or None)
    if found is None:
        return _zeros(inputs)
    while len(json.dumps(found)) > MAX_TEXT and isinstance(found, list) and len(found) > 1:
        found = found[: len(found) // 2]
    if inputs and _is_tensor(inputs[0]):
        found = _rounded(found)
    text = json.dumps(found)
    return text if len(text) <= 20 * MAX_TEXT else ""


def _rounded(value: Any) -> Any:
    """Return numbers as short as one would type them."""
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    if isinstance(value, dict):
        return {key: _rounded(item) for key, item in value.items()}
    return float(f"{value:.6g}") if isinstance(value, float) else value


def _zeros(inputs: list[ColumnSpec]) -> str:
    """Return one row of zeros for a small tensor; nothing for what is large or unknown."""
    if len(inputs) != 1 or not _is_tensor(inputs[0]):
        return ""
    sizes = inputs[0]["type"].partition("[")[2].rstrip("]").split(", ")
    shape = [1 if size == "any" else int(size) for size in sizes if size]
    value: Any = 0
    for size in reversed(shape):
        value = [value] * size
    text = json.dumps(value)
    return text if len(text) <= MAX_TEXT else ""


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
