"""The tensors of ``predict``'s input, compared with the signature."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from nbtrack.errors import InvalidParameterError
from nbtrack.models.schema import Schema, TensorSpec
from nbtrack.models.value_types import as_array, is_sparse, is_tensor


def enforce_tensors(data: Any, schema: Schema) -> Any:
    """Return the tensors that a model takes: one, or a dictionary of them.

    Lists become arrays of the right type; a frame gives its columns, or its values where
    there is one tensor. Arrays, tensors of torch and sparse matrices are handed on as they are.

    Raises
    ------
    InvalidParameterError
        If a tensor is missing, or has another type or shape.
    """
    if schema.has_input_names():
        return _by_name(data, schema)
    spec: TensorSpec = schema.inputs[0]
    if _is_frame(data):
        if data.shape[1] == 1 and len(spec.shape) != 2:
            data = _stacked(data.iloc[:, 0], spec)
        else:
            data = data.to_numpy()
            if data.dtype.kind != spec.type.kind or data.dtype.itemsize != spec.type.itemsize:
                data = _cast(data, spec)
    return _checked(data, spec)


def _by_name(data: Any, schema: Schema) -> dict[str, Any]:
    specs = schema.input_dict()
    if len(specs) == 1 and not _is_frame(data) and not isinstance(data, Mapping):
        return {name: _checked(data, spec) for name, spec in specs.items()}
    if isinstance(data, tuple) and len(data) == len(specs):
        data = dict(zip(specs, data, strict=True))
    if not isinstance(data, Mapping) and not _is_frame(data):
        raise InvalidParameterError(
            f"The model takes a dictionary of arrays ({', '.join(map(repr, specs))}), but got "
            f"{type(data).__name__}."
        )
    missing = [name for name in specs if name not in data]
    if missing:
        raise InvalidParameterError(
            f"Model is missing inputs {missing}. It got {', '.join(map(repr, data)) or 'none'}; "
            f"the model takes {', '.join(map(repr, schema))}."
        )
    if _is_frame(data):
        return {name: _checked(_stacked(data[name], s), s) for name, s in specs.items()}
    return {name: _checked(data[name], spec) for name, spec in specs.items()}


def _checked(value: Any, spec: TensorSpec) -> Any:
    what = "the input" if spec.name is None else f"the input {spec.name!r}"
    if not is_tensor(value) and not is_sparse(value) and not isinstance(value, np.ndarray):
        value = _as_array(value, spec, what)
    array = as_array(value) if not is_tensor(value) else None
    shape = tuple(value.shape)
    if spec.type.kind == "O" and spec.shape == (-1,):
        return value
    if len(shape) != len(spec.shape) or any(
        wanted not in (-1, size) for wanted, size in zip(spec.shape, shape, strict=True)
    ):
        raise InvalidParameterError(
            f"Shape of input {shape} does not match expected shape {spec.shape} (-1: any size). "
            + _shape_advice(shape, spec.shape, what)
        )
    name = str(value.dtype).removeprefix("torch.") if array is None else array.dtype.name
    kind = spec.type.kind
    same = (
        array.dtype.kind == kind if array is not None and kind in "US" else name == spec.type.name
    )
    if not same and not (name == "bfloat16" and kind == "f"):
        raise InvalidParameterError(
            f"dtype of input {name} does not match expected dtype {spec.type} (of {what}). "
            f"Change it: x.{'to(torch.' if array is None else 'astype('}"
            f"{spec.type.name if array is None else repr(spec.type.name)})."
        )
    return value


def _as_array(value: Any, spec: TensorSpec, what: str) -> np.ndarray[Any, Any]:
    converted = as_array(value)
    if converted is not None:
        return converted
    try:
        given = np.asarray(value)
    except ValueError as error:
        raise InvalidParameterError(
            f"What was given as {what} is no array ({error}). All rows need the same length."
        ) from None
    return _cast(given, spec)


def _cast(given: np.ndarray[Any, Any], spec: TensorSpec) -> np.ndarray[Any, Any]:
    """Cast what has no type of its own yet: lists, and the common type of a frame's columns."""
    try:
        found = given.astype(spec.type)
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"The values are {given.dtype} and the model takes {spec.type}: {error}."
        ) from None
    if spec.type.kind in "iu" and given.dtype.kind == "f" and not np.array_equal(found, given):
        raise InvalidParameterError(
            f"The values have fractions and the model takes {spec.type}. Round them first."
        )
    return found


def _stacked(column: Any, spec: TensorSpec) -> np.ndarray[Any, Any]:
    """Return a column, of which each cell may hold a row of the tensor, as one array."""
    if column.dtype.kind != "O" or spec.type.kind in "USO":
        return _cast(column.to_numpy(), spec)
    rows = np.array(column.tolist())
    inner = spec.shape[1:]
    if rows.ndim == 2 and len(inner) > 1 and -1 not in inner:
        rows = rows.reshape((-1, *inner))  # rows of the oldest models are flat lists
    return _cast(rows, spec)


def _shape_advice(shape: tuple[int, ...], wanted: tuple[int, ...], what: str) -> str:
    if len(shape) + 1 == len(wanted) and all(
        w in (-1, s) for w, s in zip(wanted[1:], shape, strict=True)
    ):
        return f"One example needs a first dimension too: x[None] for {what}."
    return f"Bring {what} to this shape."


def _is_frame(data: Any) -> bool:
    return type(data).__name__ == "DataFrame" and hasattr(data, "iloc")
