"""The example of a model's input that is kept in its folder."""

from __future__ import annotations

import base64
import datetime as dt
import decimal
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.models.datatypes import DataType
from nbtrack.models.manifest import file_of
from nbtrack.models.value_types import as_array, is_sparse, is_tensor

if TYPE_CHECKING:
    from nbtrack.models.schema import Schema
    from nbtrack.models.signature import ModelSignature

EXAMPLE = "input_example.json"
SERVING = "serving_input_example.json"
_CHAT = "messages"
ModelInputExample = Any
"""A DataFrame, array, tensor, sparse matrix, dictionary, list or value."""


@dataclass(frozen=True)
class Example:
    """An example of a model's input.

    Attributes
    ----------
    data : object
        What goes in: tensors of torch are arrays by now, a Series is a frame.
    params : dict or None
        Parameters of ``predict``.
    """

    data: Any
    params: dict[str, Any] | None = None

    @classmethod
    def of(cls, given: Any) -> Example:
        """Return the example that the user has passed.

        A tuple of data and a dictionary is an example with parameters. A tuple of arrays, the
        arguments of a module's forward, is kept as the arrays ``input_0``, ``input_1``, ...
        """
        params = None
        if isinstance(given, tuple) and len(given) == 2 and isinstance(given[1], dict):
            given, params = given
        if isinstance(given, tuple) and given and all(as_array(i) is not None for i in given):
            named = {f"input_{i}": item for i, item in enumerate(given)}
            given = named if len(named) > 1 else given[0]
        return cls(_on_host(given), params)

    def save(self, folder: Path) -> dict[str, Any]:
        """Write the two files and return what the MLmodel file says about them.

        Raises
        ------
        InvalidParameterError
            If JSON cannot say what the example is.
        """
        kind, data = self._plain()
        params = {} if self.params is None else {"params": _json(self.params)}
        _write(folder / EXAMPLE, {"inputs": data, **params} if params else data)
        _write(folder / SERVING, {**self._serving(kind["type"], data), **params})
        noted = {"params": "true"} if params else {}
        return {"artifact_path": EXAMPLE, "serving_input_path": SERVING, **kind, **noted}

    def _plain(self) -> tuple[dict[str, Any], Any]:
        data = self.data
        if _is_frame(data):
            numbered = list(data.columns) == list(range(len(data.columns)))
            rows = [[_json(v) for v in row] for row in data.itertuples(index=False, name=None)]
            columns = {} if numbered else {"columns": [str(name) for name in data.columns]}
            orient = "values" if numbered else "split"
            return {"type": "dataframe", "pandas_orient": orient}, {**columns, "data": rows}
        if is_sparse(data):
            # only these two have the arrays that the file keeps; csr is what the others become
            kept = data if data.format in ("csr", "csc") else data.tocsr()
            parts = {name: getattr(kept, name).tolist() for name in ("data", "indices", "indptr")}
            return {"type": f"sparse_matrix_{kept.format}"}, {**parts, "shape": list(kept.shape)}
        if isinstance(data, np.ndarray) or _is_arrays(data):
            return {"type": "ndarray"}, _json(data)
        return {"type": "json_object"}, _json(data)

    def _serving(self, kind: str, data: Any) -> dict[str, Any]:
        if kind == "dataframe":
            return {"dataframe_split": data}
        if kind.startswith("sparse_matrix"):
            return {"inputs": _json(self.data.toarray())}
        if isinstance(data, dict) and _CHAT in data:
            return data
        return {"inputs": data}


def read_example(
    folder: Path, info: Mapping[str, Any] | None, signature: ModelSignature | None
) -> Example | None:
    """Return the example in a model's folder; None where there is none.

    Parameters
    ----------
    folder : Path
        The model's folder.
    info : mapping or None
        What its MLmodel file says about the example.
    signature : ModelSignature or None
        Gives the arrays and columns their types back.

    Raises
    ------
    NotFoundError
        If the file is gone.
    InvalidParameterError
        If it is damaged.
    """
    if not info:
        return None
    try:
        return _read(folder, info, signature)
    except NbtrackError:
        raise
    except Exception as error:
        raise InvalidParameterError(
            f"The input example of the model in {folder} cannot be read: {type(error).__name__}: "
            f"{error}. Get the model anew."
        ) from error


def _read(folder: Path, info: Mapping[str, Any], signature: ModelSignature | None) -> Example:
    file = file_of(folder, info["artifact_path"])
    if not file.is_file():
        raise NotFoundError(f"The input example of the model is gone: there is no {str(file)!r}.")
    data = json.loads(file.read_text("utf-8"))
    kind = str(info["type"])
    params = None
    if info.get("params"):
        data, params = data["inputs"], data["params"]
    schema = None if signature is None else signature.inputs
    if kind == "dataframe":
        return Example(_frame(data, schema), params)
    if kind.startswith("sparse_matrix"):
        return Example(_sparse(kind, data), params)
    return Example(_arrays(data, schema) if kind == "ndarray" else data, params)


def _on_host(given: Any) -> Any:
    if is_tensor(given):
        return as_array(given)
    if is_sparse(given):  # one kind of which is a dictionary, too
        return given
    if isinstance(given, Mapping):
        return {key: as_array(value) if is_tensor(value) else value for key, value in given.items()}
    if type(given).__name__ == "Series" and hasattr(given, "to_frame"):
        return given.to_frame()
    return given


def _is_frame(data: Any) -> bool:
    return type(data).__name__ == "DataFrame" and hasattr(data, "itertuples")


def _is_arrays(data: Any) -> bool:
    return isinstance(data, Mapping) and all(isinstance(v, np.ndarray) for v in data.values())


def _json(value: Any) -> Any:
    """Return a value as JSON has it; what is missing, NaN too, becomes null."""
    if isinstance(value, np.ndarray | np.generic):
        return _json((value.astype(str) if value.dtype.kind == "M" else value).tolist())
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(bytes(value)).decode("ascii")
    if isinstance(value, float | decimal.Decimal):
        return None if math.isnan(value) else float(value)
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return None
    if isinstance(value, dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, str | int):
        return value
    if is_tensor(value):
        return _json(as_array(value))
    raise InvalidParameterError(
        f"The input example has {value!r} ({type(value).__name__}) in it, which JSON cannot keep. "
        "Use a DataFrame, an array, a tensor, a sparse matrix, or numbers, texts, dates, bytes, "
        "and lists and dictionaries of those."
    )


def _write(file: Path, content: Any) -> None:
    file.write_text(json.dumps(content, ensure_ascii=False) + "\n", "utf-8")


def _frame(data: Any, schema: Schema | None) -> Any:
    import pandas as pd

    if isinstance(data, list):  # orient="records" of old models
        frame = pd.DataFrame.from_records(data)
    else:
        frame = pd.DataFrame(data["data"], columns=data.get("columns"), index=data.get("index"))
    if schema is None or schema.is_tensor_spec() or len(schema) != len(frame.columns):
        return frame
    for name, kind in zip(list(frame.columns), schema.input_types(), strict=True):
        if kind is DataType.datetime:
            frame[name] = pd.to_datetime(frame[name])
        elif kind is DataType.binary:
            frame[name] = [None if v is None else base64.b64decode(v) for v in frame[name]]
        elif isinstance(kind, DataType) and kind.to_numpy().kind in "ifb":
            frame[name] = _typed(frame[name], kind)
    return frame


def _typed(column: Any, kind: DataType) -> Any:
    missing = bool(column.isna().any())
    if not missing or kind.to_numpy().kind == "f":
        return column.astype(kind.to_numpy())
    return column.astype(
        {"b": "boolean", "i": kind.to_numpy().name.replace("i", "I")}[kind.to_numpy().kind]
    )


def _sparse(kind: str, data: Mapping[str, Any]) -> Any:
    from scipy import sparse

    make = sparse.csc_matrix if kind.endswith("csc") else sparse.csr_matrix
    return make((data["data"], data["indices"], data["indptr"]), shape=tuple(data["shape"]))


def _arrays(data: Any, schema: Schema | None) -> Any:
    if isinstance(data, dict):
        return {name: _array(value, schema, name) for name, value in data.items()}
    return _array(data, schema, None)


def _array(value: Any, schema: Schema | None, name: str | None) -> np.ndarray[Any, Any]:
    if schema is not None and schema.is_tensor_spec():
        spec = next((spec for spec in schema if spec.name == name), None)
        if spec is not None:
            if spec.type.kind == "f":
                return np.array(value, dtype=object).astype(spec.type)  # null is NaN
            return np.array(value, dtype=spec.type)
    return np.array(value)
