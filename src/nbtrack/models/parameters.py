"""The parameters of ``predict``: their types, and the values that are passed."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.datatypes import AnyType, Array, DataType, Kind, Object

if TYPE_CHECKING:
    from nbtrack.models.schema import ParamSchema, ParamSpec

_WIDER = {
    # what is taken for what, as MLflow takes it
    DataType.long: {DataType.integer},
    DataType.integer: {DataType.long},
    DataType.float: {DataType.integer, DataType.long, DataType.double},
    DataType.double: {DataType.integer, DataType.long, DataType.float},
}


def infer_params(params: Mapping[str, Any]) -> ParamSchema:
    """Return the types of parameters, with the given values as their defaults.

    Raises
    ------
    InvalidParameterError
        If a value is no number, text, date, list of such, or dictionary.
    """
    from nbtrack.models.schema import ParamSchema, ParamSpec

    specs = []
    for name, value in params.items():
        if isinstance(value, np.ndarray) and value.ndim == 1:
            value = value.tolist()
        if isinstance(value, list | tuple):
            specs.append(ParamSpec(name, _items(name, value), list(value), (-1,)))
        else:
            specs.append(ParamSpec(name, _kind(name, value), value))
    return ParamSchema(specs)


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
        named = spec.name in given
        values[spec.name] = param_value(spec, given.pop(spec.name)) if named else spec.default
    if given:
        known = ", ".join(repr(spec.name) for spec in schema)
        warn(f"Unknown parameters {', '.join(map(repr, given))} left out; the model takes {known}.")
    return values


def param_value(spec: ParamSpec, value: Any) -> Any:
    """Return a value as the type of its parameter.

    Raises
    ------
    InvalidParameterError
        If it has another one.
    """
    if value is None:
        return None
    if spec.shape is None:
        return _single(spec, value)
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if not isinstance(value, list | tuple):
        raise _wrong(spec, value, f"a list of {spec.dtype!r}")
    return [_single(spec, one) for one in value]


def _single(spec: ParamSpec, value: Any) -> Any:
    kind = spec.dtype
    if isinstance(kind, AnyType):
        return value
    if isinstance(kind, Object):
        if not isinstance(value, Mapping):
            raise _wrong(spec, value, "a dictionary")
        missing = [p.name for p in kind.properties if p.required and p.name not in value]
        if missing:
            raise _wrong(spec, value, f"a dictionary with {', '.join(map(repr, missing))}")
        return dict(value)
    if not isinstance(kind, DataType):
        return value
    if kind is DataType.datetime:
        return _date(spec, value)
    found = _kind(spec.name, value)
    if found is not kind and found not in _WIDER.get(kind, ()):
        raise _wrong(spec, value, repr(kind))
    return kind.to_python()(value)


def _date(spec: ParamSpec, value: Any) -> np.datetime64:
    try:
        return np.datetime64(value)
    except (ValueError, TypeError):
        raise _wrong(spec, value, "a date") from None


def _kind(name: str, value: Any) -> Kind:
    from nbtrack.models.inference import infer_value

    if isinstance(value, Mapping):
        return infer_value(dict(value))
    if isinstance(value, dt.date | np.datetime64):
        return DataType.datetime
    found = None if value is None else infer_value(value)
    if not isinstance(found, DataType):
        raise InvalidParameterError(
            f"Parameter {name!r} is {value!r}. A parameter is a number, a text, a date, a boolean, "
            "a list of such, or a dictionary."
        )
    return found


def _items(name: str, value: list[Any] | tuple[Any, ...]) -> Kind:
    kinds = {_kind(name, one) for one in value}
    if len(kinds) != 1 or any(isinstance(kind, Array) for kind in kinds):
        raise InvalidParameterError(
            f"Parameter {name!r} is {value!r}. A list needs items, all of one type."
        )
    return kinds.pop()


def _wrong(spec: ParamSpec, value: Any, wanted: str) -> InvalidParameterError:
    return InvalidParameterError(
        f"Parameter {spec.name!r} is {value!r} ({type(value).__name__}), "
        f"but the model takes {wanted}."
    )
