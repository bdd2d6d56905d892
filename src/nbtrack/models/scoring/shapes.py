"""The fields of a scoring request in JSON, and what each becomes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from nbtrack.models.scoring.coercion import coerce_frame, coerce_values
from nbtrack.models.scoring.expected import Expected, Field, bad_input

if TYPE_CHECKING:
    import pandas as pd

SPLIT = "dataframe_split"
RECORDS = "dataframe_records"
INSTANCES = "instances"
INPUTS = "inputs"
FIELDS = (SPLIT, RECORDS, INSTANCES, INPUTS)


def from_field(name: str, value: Any, expected: Expected) -> Any:
    """Return the data of one field of a request.

    Parameters
    ----------
    name : {"dataframe_split", "dataframe_records", "instances", "inputs"}
    value : object
        As JSON has it.
    expected : Expected

    Raises
    ------
    NbtrackError
        ``BAD_REQUEST`` with what is wrong.
    """
    if name == SPLIT:
        numbers = _numbers(value, expected)
        return coerce_frame(_from_split(value), expected) if numbers is None else numbers
    if name == RECORDS:
        return coerce_frame(_from_records(value), expected)
    if name == INSTANCES and isinstance(value, list) and value and isinstance(value[0], dict):
        return _from_rows(value, expected)
    found = _from_inputs(value, expected)
    if name == INSTANCES and isinstance(found, dict):
        _check_lengths(found, expected)
    return found


def _numbers(value: Any, expected: Expected) -> pd.DataFrame | None:
    """Return a table of doubles at once, as most are; None where it is something else."""
    if not isinstance(value, dict) or set(value) != {"columns", "data"} or not value["data"]:
        return None
    named, columns = expected.by_name, value["columns"]
    try:
        if any(named[column].kind != "double" for column in columns):
            return None
        import numpy as np
        import pandas as pd

        found = np.array(value["data"], dtype="float64")
        if found.ndim != 2 or found.shape[1] != len(columns):
            return None
        return pd.DataFrame(found, columns=_index(tuple(columns)))
    except (KeyError, TypeError, ValueError, OverflowError):
        return None  # the long way says what is wrong


@lru_cache(maxsize=64)
def _index(columns: tuple[str, ...]) -> pd.Index[Any]:
    import pandas as pd

    return pd.Index(columns)


def _from_split(value: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(value, dict):
        raise bad_input(f"{SPLIT} must be a dictionary, not {_called(value)}.")
    extra = set(value) - {"columns", "data", "index"}
    if "data" not in value or extra:
        raise bad_input(
            f"{SPLIT} must have 'data' and may have 'columns' and 'index'; it has {sorted(value)}."
        )
    if not isinstance(value["data"], list):
        raise bad_input(f"'data' of {SPLIT} must be a list of rows, not {_called(value['data'])}.")
    try:
        return pd.DataFrame(
            data=value["data"], columns=value.get("columns"), index=value.get("index")
        )
    except Exception as error:  # noqa: BLE001  pandas fails in many ways, all the sender's
        raise bad_input(f"{SPLIT} is no data frame: {error}") from None


def _from_records(value: Any) -> pd.DataFrame:
    import pandas as pd

    if not isinstance(value, list):
        raise bad_input(f"{RECORDS} must be a list of records, not {_called(value)}.")
    if wrong := [record for record in value if not isinstance(record, dict)]:
        raise bad_input(f"{RECORDS} must hold dictionaries only; one is {_called(wrong[0])}.")
    try:
        return pd.DataFrame(value)
    except Exception as error:  # noqa: BLE001  as above
        raise bad_input(f"{RECORDS} is no data frame: {error}") from None


def _from_rows(rows: list[Any], expected: Expected) -> dict[str, Any]:
    """Turn rows of named tensors into one array for each name."""
    named = expected.by_name
    if wrong := [row for row in rows if not isinstance(row, dict)]:
        raise bad_input(f"{INSTANCES} mixes dictionaries and others; one is {_called(wrong[0])}.")
    columns = dict.fromkeys(name for row in rows for name in row)
    found: dict[str, Any] = {}
    for name in columns:
        field = named.get(name)
        optional = field is not None and not field.required
        if not optional and (lacking := [i for i, row in enumerate(rows) if name not in row]):
            raise bad_input(f"{INSTANCES} has {name!r} in some rows but not in row {lacking[0]}.")
        values = [row.get(name) for row in rows]
        if field is not None and field.kind in ("object", "map", "any"):
            found[name] = values
        else:
            found[name] = coerce_values(values, field)
    return found


def _from_inputs(value: Any, expected: Expected) -> Any:
    named, fields = expected.by_name, expected.fields
    rows = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    if len(named) == 1 and isinstance(value, list) and not rows:
        value = {next(iter(named)): value}
    if isinstance(value, Mapping):
        if fields and not named:
            raise bad_input(
                "The inputs of this model have no names: it takes one array or value, not a "
                "dictionary."
            )
        return {str(name): coerce_values(item, named.get(name)) for name, item in value.items()}
    if rows:
        if wrong := [item for item in value if not isinstance(item, dict)]:
            raise bad_input(f"{INPUTS} mixes dictionaries and others; one is {_called(wrong[0])}.")
        return [{n: coerce_values(v, named.get(n)) for n, v in item.items()} for item in value]
    if value == [] and not fields:
        return value  # of nothing, a list says as little as an array would
    return coerce_values(value, fields[0] if fields else None)


def _check_lengths(found: Mapping[str, Any], expected: Expected) -> None:
    named: dict[str, Field] = expected.by_name
    lengths = {
        name: len(values)
        for name, values in found.items()
        if getattr(values, "ndim", 0) > 0
        and (name not in named or (named[name].required and named[name].kind != "array"))
    }
    if len(set(lengths.values())) > 1:
        raise bad_input(f"The inputs of {INSTANCES} must be equally long; they have {lengths}.")


def _called(value: Any) -> str:
    names = {dict: "a dictionary", list: "a list", str: "a text", type(None): "null"}
    return names.get(type(value), f"a {type(value).__name__}")
