"""What is given to ``predict`` is compared with the signature, and cast where nothing is lost."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.column_types import enforce_column, fits_type
from nbtrack.models.datatypes import AnyType, Array, Map, Object
from nbtrack.models.schema import ColSpec, ParamSchema, Schema
from nbtrack.models.tensor_types import enforce_tensors
from nbtrack.models.value_types import as_array, param_value

if TYPE_CHECKING:
    import pandas as pd


def enforce_input(data: Any, schema: Schema) -> Any:
    """Return model input as the signature says it: a frame, an array, a dictionary of arrays.

    Columns are brought into the order of the schema and others are left out; values are cast
    where nothing is lost. Integer columns that arrive as floats, which is what pandas does to
    integers with missing values, are taken: as integers where nothing is missing, else as they
    are.

    Parameters
    ----------
    data : DataFrame, Series, array, tensor, dict, list or value
        What was given.
    schema : Schema
        The inputs of the signature.

    Raises
    ------
    InvalidParameterError
        If a column or tensor is missing, or is of another type or shape; it is named.
    """
    if schema.is_tensor_spec():
        return enforce_tensors(data, schema)
    if len(schema) == 1 and isinstance(schema.inputs[0].type, AnyType):
        return data
    if not len(schema):
        return data
    frame = _frame(data, schema)
    if _fits(frame, schema):
        return _untouched(frame)
    named = _named(frame, schema) if schema.has_input_names() else _counted(frame, schema)
    return frame.__class__({column: enforce_column(frame[column], s) for column, s in named})


def check_params(
    params: Mapping[str, Any] | None, schema: ParamSchema | None
) -> dict[str, Any] | None:
    """Return the parameters for ``predict``: the given ones over the defaults.

    Parameters
    ----------
    params : mapping, optional
        The given ones. Those that the model does not know are left out with a warning.
    schema : ParamSchema, optional
        What the model takes; None gives None.

    Raises
    ------
    InvalidParameterError
        If a value has another type than the parameter.
    """
    given = dict(params or {})
    if schema is None:
        if given:
            warn(
                f"The model takes no parameters: {', '.join(map(repr, given))} left out. "
                "Save it with a signature that has them: infer_signature(x, y, params={...})."
            )
        return None
    values = {}
    for spec in schema:
        if spec.name in given:
            value = given.pop(spec.name)
            values[spec.name] = param_value(spec.name, spec.dtype, spec.shape, value)
        else:
            values[spec.name] = spec.default
    if given:
        known = ", ".join(repr(spec.name) for spec in schema)
        warn(f"Unknown parameters {', '.join(map(repr, given))} left out; the model takes {known}.")
    return values


def _fits(frame: pd.DataFrame, schema: Schema) -> bool:
    """Return whether a frame has the columns of a schema, in its order and of its types."""
    if len(frame.columns) != len(schema):
        return False
    if schema.has_input_names() and frame.columns.tolist() != schema.input_names():
        return False
    return all(map(fits_type, frame.dtypes.tolist(), schema.input_types()))


def _untouched(frame: pd.DataFrame) -> pd.DataFrame:
    """Return a frame that a model may change without changing the user's."""
    import pandas as pd

    # from pandas 3 on a copy shares its values until one of the two is changed
    return frame.copy(deep=int(pd.__version__.partition(".")[0]) < 3)


def _frame(data: Any, schema: Schema) -> pd.DataFrame:
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return data
    if isinstance(data, pd.Series):
        return data.to_frame()
    if type(data).__module__.startswith("polars") and hasattr(data, "to_pandas"):
        found: pd.DataFrame = data.to_pandas()
        return found
    array = as_array(data)
    if array is not None:
        if array.ndim > 2:
            raise InvalidParameterError(
                f"The model takes columns ({_listed(schema)}), but got an array of the shape "
                f"{array.shape}. Give a DataFrame, or an array with a row for each example."
            )
        frame = pd.DataFrame(np.atleast_1d(array))
        if schema.has_input_names() and len(frame.columns) == len(schema):
            frame.columns = pd.Index(schema.input_names())
        return frame
    try:
        if isinstance(data, Mapping):
            return pd.DataFrame([data] if _is_one_row(data, schema) else dict(data))
        return pd.DataFrame(data if isinstance(data, list | tuple) else [data])
    except (ValueError, TypeError) as error:
        raise InvalidParameterError(
            f"The model takes columns ({_listed(schema)}), and what was given "
            f"({type(data).__name__}) cannot be made a DataFrame: {error}. "
            "Give a DataFrame, or a list of dictionaries."
        ) from None


def _is_one_row(data: Mapping[str, Any], schema: Schema) -> bool:
    nested = any(isinstance(kind, Array | Object | Map) for kind in schema.input_types())
    single = (isinstance(v, str | bytes) or np.isscalar(v) or v is None for v in data.values())
    return nested or all(single)


def _named(frame: pd.DataFrame, schema: Schema) -> list[tuple[Any, ColSpec]]:
    by_text = {str(column): column for column in frame.columns}
    known = {str(name) for name in schema.input_names()}
    missing = [name for name in schema.required_input_names() if str(name) not in by_text]
    extra = [name for name in by_text if name not in known]
    if missing:
        raise InvalidParameterError(
            f"Model is missing inputs {missing}. {_got(by_text, extra)} "
            f"The model takes {_listed(schema)}."
        )
    if extra:
        warn(f"Columns that the model does not take are left out: {', '.join(map(repr, extra))}.")
    return [(by_text[str(spec.name)], spec) for spec in schema if str(spec.name) in by_text]


def _counted(frame: pd.DataFrame, schema: Schema) -> list[tuple[Any, ColSpec]]:
    if len(frame.columns) < len(schema):
        raise InvalidParameterError(
            f"Model inference is missing inputs. The model signature declares {len(schema)} "
            f"inputs but the provided value only has {len(frame.columns)} inputs. "
            f"The model takes {_listed(schema)}."
        )
    return list(zip(frame.columns, schema, strict=False))


def _got(found: Mapping[str, Any], extra: list[str]) -> str:
    if not found:
        return "There are no columns in the data."
    others = f" Note that there were extra inputs: {extra}." if extra else ""
    return f"It got {', '.join(map(repr, found))}.{others}"


def _listed(schema: Schema) -> str:
    specs = [f"{s.name!r}: {s.type!r}" if s.name else repr(s.type) for s in schema]
    return ", ".join(specs[:12]) + (", ..." if len(specs) > 12 else "")
