"""The signature of a model: what it takes, what it gives, which parameters."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrack._names import look_elsewhere
from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.column_types import categories_of
from nbtrack.models.datatypes import AnyType, Array, DataType, Kind
from nbtrack.models.schema import ColSpec, ParamSchema, ParamSpec, Schema, TensorSpec
from nbtrack.models.value_types import (
    BY_NUMPY,
    as_array,
    common_type,
    infer_value,
    is_missing,
    param_type,
)

SAMPLED_CELLS = 10_000


def infer_schema(data: Any) -> Schema:
    """Return the schema of model input or output.

    Arrays, tensors of torch, sparse matrices and dictionaries of those give tensors, of which
    the first dimension may have any size; everything else gives columns.

    Raises
    ------
    InvalidParameterError
        If the data, or a column of it, has no type that a schema can say.
    """
    tensor = as_array(data)
    if tensor is not None:
        return Schema([_tensor(tensor)])
    if _is_frame(data):
        return Schema([_column(data[name], name) for name in data.columns])
    if _is_series(data):
        return Schema([_column(data, data.name)])
    if isinstance(data, Mapping):
        return _of_dictionary(data)
    if isinstance(data, tuple) and data and all(as_array(item) is not None for item in data):
        # several outputs of a model, or several arguments of its forward
        named = {f"input_{i}": item for i, item in enumerate(data)}
        return _of_dictionary(named) if len(data) > 1 else infer_schema(data[0])
    if isinstance(data, list | tuple):
        return _of_list(list(data))
    return Schema([ColSpec(infer_value(data))])


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Return the types of parameters, with the given values as their defaults.

    Raises
    ------
    InvalidParameterError
        If a value is no number, text, date, list of such, or dictionary.
    """
    specs = []
    for name, value in params.items():
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.tolist()
        if isinstance(value, list | tuple):
            specs.append(ParamSpec(name, _items(name, value), list(value), (-1,)))
        else:
            specs.append(ParamSpec(name, param_type(name, value), value))
    return ParamSchema(specs)


def _is_frame(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.DataFrame)


def _is_series(data: Any) -> bool:
    pandas = sys.modules.get("pandas")
    return pandas is not None and isinstance(data, pandas.Series)


def _tensor(array: np.ndarray[Any, Any], name: str | None = None) -> TensorSpec:
    if array.dtype.kind == "O":
        raise InvalidParameterError(
            f"An array of objects{'' if name is None else f' ({name!r})'} has no type that a "
            "signature can say. Give it one: array.astype('float32'), or use a DataFrame."
        )
    shape = (-1, *array.shape[1:]) if array.ndim else ()
    kind = {"U": "str", "S": "bytes"}.get(array.dtype.kind, array.dtype)
    return TensorSpec(np.dtype(kind), shape, name)


def _column(values: Any, name: Any) -> ColSpec:
    text = str(values.dtype).lower()
    text = text.removesuffix("[pyarrow]").replace("double", "float64")
    required = not bool(values.isna().any())
    kind: Kind
    if text in BY_NUMPY or text == "boolean":
        kind = BY_NUMPY.get(text, DataType.boolean)
    elif text.startswith(("datetime64", "timestamp", "date32")):
        kind = DataType.datetime
    elif text in ("str", "string", "large_string") or text.startswith("string["):
        kind = DataType.string
    elif text in ("object", "category"):
        cells = values.dropna()
        kind = common_type(
            infer_value(cells.iloc[i]) for i in range(min(len(cells), SAMPLED_CELLS))
        )
    else:
        raise InvalidParameterError(
            f"Column {name!r} is of the type {values.dtype}, which a signature cannot say. "
            "Change it with df.astype(...), or leave the column out."
        )
    return ColSpec(kind, name, required)


def _of_dictionary(data: Mapping[Any, Any]) -> Schema:
    if any(not isinstance(key, str) for key in data):
        raise InvalidParameterError(f"The keys must be texts, not {list(data)!r}.")
    arrays = {name: as_array(value) for name, value in data.items()}
    tensors = [_tensor(array, name) for name, array in arrays.items() if array is not None]
    if data and len(tensors) == len(data):
        return Schema(tensors)
    kinds = {name: infer_value(value) for name, value in data.items()}
    return Schema([ColSpec(k, n, required=not is_missing(data[n])) for n, k in kinds.items()])


def _of_list(data: list[Any]) -> Schema:
    if not data:
        return Schema([ColSpec(DataType.string)])
    if not all(isinstance(item, Mapping) for item in data):
        return Schema([ColSpec(common_type(infer_value(item) for item in data))])
    names = list(dict.fromkeys(name for item in data for name in item))
    return Schema(
        [
            ColSpec(
                common_type(infer_value(item[name]) for item in data if name in item),
                name,
                required=all(not is_missing(item.get(name)) for item in data),
            )
            for name in names
        ]
    )


def _items(name: str, value: list[Any] | tuple[Any, ...]) -> Kind:
    kinds = {param_type(name, one) for one in value}
    if len(kinds) != 1 or any(isinstance(kind, Array) for kind in kinds):
        raise InvalidParameterError(
            f"Parameter {name!r} is {value!r}. A list needs items, all of one type."
        )
    return kinds.pop()


look_elsewhere(__name__)


class ModelSignature:
    """What a model takes and what it gives.

    Parameters
    ----------
    inputs, outputs : Schema, optional
        What goes in and what comes out.
    params : ParamSchema, optional
        The parameters of ``predict`` and their defaults.

    Examples
    --------
    >>> from nbtrack.models import ModelSignature, infer_signature
    >>> signature = infer_signature([1.0, 2.0], params={"temperature": 0.7})
    >>> ModelSignature.from_dict(signature.to_dict()) == signature
    True
    """

    def __init__(
        self,
        inputs: Schema | None = None,
        outputs: Schema | None = None,
        params: ParamSchema | None = None,
    ) -> None:
        for name, given in (("inputs", inputs), ("outputs", outputs)):
            if given is not None and not isinstance(given, Schema):
                raise InvalidParameterError(
                    f"{name}={given!r} is no Schema. infer_signature(x, y) makes a signature "
                    "from data."
                )
        if params is not None and not isinstance(params, ParamSchema):
            raise InvalidParameterError(f"params={params!r} is no ParamSchema; see ParamSpec.")
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self._is_signature_from_type_hint = False
        self._categories: dict[str, Any] = {}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, ModelSignature) and (self.inputs, self.outputs, self.params) == (
            other.inputs,
            other.outputs,
            other.params,
        )

    def __hash__(self) -> int:
        return hash(json.dumps(self.to_dict()))

    def __repr__(self) -> str:
        return (
            f"inputs: \n  {self.inputs!r}\noutputs: \n  {self.outputs!r}\n"
            f"params: \n  {self.params!r}\n"
        )

    def to_dict(self) -> dict[str, str | None]:
        """Return the form that the MLmodel file has: each part is JSON text or None."""
        parts = {"inputs": self.inputs, "outputs": self.outputs, "params": self.params}
        return {name: part.to_json() if part is not None else None for name, part in parts.items()}

    @classmethod
    def from_dict(cls, signature_dict: Mapping[str, Any]) -> ModelSignature:
        """Read what ``to_dict`` gives.

        Parameters
        ----------
        signature_dict : mapping of str to str
            JSON texts of ``inputs``, ``outputs`` and ``params``.
        """

        def part(name: str, kind: Any) -> Any:
            text = signature_dict.get(name)
            return kind.from_json(text) if text else None

        return cls(part("inputs", Schema), part("outputs", Schema), part("params", ParamSchema))


def infer_signature(
    model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None
) -> ModelSignature:
    """Return the signature of a model that takes and gives data like these.

    Parameters
    ----------
    model_input, model_output : optional
        A DataFrame, Series, array, tensor of torch, sparse matrix, a dictionary of arrays, a
        list, a dictionary or a value. Arrays and tensors give tensor specs, whose first
        dimension may have any size.
    params : dict, optional
        Parameters of ``predict`` with their defaults.

    Notes
    -----
    Data whose type a schema cannot say gives a schema that checks nothing, with a warning.

    Examples
    --------
    >>> import pandas as pd
    >>> from nbtrack.models import infer_signature
    >>> infer_signature(pd.DataFrame({"x": [1.0], "label": ["a"]}), [0.5])
    inputs:
      ['x': double (required), 'label': string (required)]
    outputs:
      [double (required)]
    params:
      None
    """
    found: dict[str, Schema | None] = {"model_input": None, "model_output": None}
    for name, data in (("model_input", model_input), ("model_output", model_output)):
        if data is None:
            continue
        try:
            found[name] = infer_schema(data)
        except InvalidParameterError as error:
            warn(f"The signature says nothing about {name}: {error}")
            found[name] = Schema([ColSpec(AnyType())])
    signature = ModelSignature(
        found["model_input"], found["model_output"], infer_params(params) if params else None
    )
    signature._categories = categories_of(model_input)
    return signature
