"""The type hints of ``predict`` say what a model takes and gives."""

from __future__ import annotations

import datetime as dt
import types
import typing
from collections.abc import Callable, Iterable
from typing import Any, Union, get_args, get_origin, get_type_hints

from nbtrack.callables import parameters_of
from nbtrack.errors import InvalidParameterError, warn
from nbtrack.models.column_types import check_value
from nbtrack.models.datatypes import AnyType, Array, DataType, Kind, Map, Object, Property
from nbtrack.models.schema import ColSpec, Schema
from nbtrack.models.signature import ModelSignature

_PLAIN: dict[Any, DataType] = {
    bool: DataType.boolean,
    int: DataType.long,
    float: DataType.double,
    str: DataType.string,
    bytes: DataType.binary,
    dt.datetime: DataType.datetime,
    dt.date: DataType.datetime,
}


def input_hint(predict: Callable[..., Any]) -> Any:
    """Return the type hint of the model's input, None without one that gives a signature.

    Such a hint is a list: ``list[str]``, ``list[dict[str, float]]``, ``list[MyPydanticModel]``.
    """
    hints = _hints(predict)
    names = [name for name in parameters_of(predict) if name not in _LEFT_OUT]
    hint = hints.get(names[0]) if names else None
    return hint if _item(hint) is not None and _kind_or_none(_item(hint)) else None


_LEFT_OUT = {"self", "context", "params"}


def signature_of_hints(predict: Callable[..., Any]) -> ModelSignature | None:
    """Return the signature that the type hints of ``predict`` give, None if they give none."""
    hint = input_hint(predict)
    if hint is None:
        return None
    returned = _item(_hints(predict).get("return"))
    kind = _kind_or_none(returned) if returned is not None else None
    found = ModelSignature(
        Schema([ColSpec(_kind(_item(hint)))]), Schema([ColSpec(kind or AnyType())])
    )
    found._is_signature_from_type_hint = True
    return found


def with_hints(given: ModelSignature | None, hints: ModelSignature) -> ModelSignature:
    """Return a signature that was passed, with the inputs that the type hints give.

    What ``predict`` is given follows its type hints; outputs and parameters are those passed.
    """
    if given is None:
        return hints
    if given.inputs is not None and given.inputs != hints.inputs:
        warn(
            "The inputs of the signature are not those of the type hint of predict, which count: "
            f"{hints.inputs!r}. Pass a signature without inputs, or leave out the type hint."
        )
    found = ModelSignature(hints.inputs, given.outputs or hints.outputs, given.params)
    found._is_signature_from_type_hint = True
    return found


def fit_hint(data: Any, hint: Any) -> Any:
    """Return model input as its type hint says it: a list; pydantic models are made.

    Raises
    ------
    InvalidParameterError
        If an item is of another type.
    """
    item = _item(hint)
    if type(data).__name__ == "DataFrame":
        data = data.iloc[:, 0].tolist() if _is_list(data, item) else data.to_dict("records")
    elif hasattr(data, "tolist"):
        data = data.tolist()
    if not isinstance(data, list | tuple):
        raise InvalidParameterError(
            f"The model takes a list ({_shown(hint)}), but got {type(data).__name__}. "
            "Give a list, even for one example: [x]."
        )
    if _is_pydantic(item):
        return [_made(item, one, number) for number, one in enumerate(data)]
    kind = _kind(item)
    required = not _is_optional(item)
    for number, one in enumerate(data):
        check_value(one, kind, f"item {number} of the input", required)
    return list(data)


def _is_list(frame: Any, item: Any) -> bool:
    """Return whether a frame is a list of its only column's values, not of its rows."""
    if frame.shape[1] != 1:
        return False
    if not isinstance(_kind(item), Map | Object):
        return True
    kinds = (dict, item) if _is_pydantic(item) else (dict,)
    return all(isinstance(one, kinds) for one in frame.iloc[:, 0])


def _made(item: Any, given: Any, number: int) -> Any:
    if isinstance(given, item):
        return given
    try:
        return item.model_validate(given)
    except ValueError as error:  # pydantic's own error is one
        raise InvalidParameterError(
            f"Item {number} of the input is no {item.__name__}: {error}"
        ) from None


def _hints(predict: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(predict)
    except Exception:  # noqa: BLE001 - hints may be texts that name nothing
        return {}


def _item(hint: Any) -> Any:
    """Return the type of the items of a list's hint; None for another hint."""
    if get_origin(hint) not in (list, Iterable):
        return None
    return (get_args(hint) or (Any,))[0]


def _kind_or_none(hint: Any) -> Kind | None:
    try:
        return _kind(hint)
    except InvalidParameterError:
        return None


def _kind(hint: Any) -> Kind:
    origin, parts = get_origin(hint), get_args(hint)
    if hint is Any:
        return AnyType()
    if hint in _PLAIN:
        return _PLAIN[hint]
    if origin is typing.Annotated:
        return _kind(parts[0])
    if origin is list:
        return Array(_kind(parts[0]))
    if origin is dict and parts[0] is str:
        return Map(_kind(parts[1]))
    if origin in (Union, types.UnionType):
        some = [part for part in parts if part is not type(None)]
        return _kind(some[0]) if len(some) == 1 else AnyType()
    if origin is typing.Literal and len({type(part) for part in parts}) == 1:
        return _kind(type(parts[0]))
    if _is_pydantic(hint):
        fields = hint.model_fields
        return Object(
            [Property(n, _kind(f.annotation), f.is_required()) for n, f in fields.items()]
        )
    raise InvalidParameterError(f"The type hint {hint!r} gives no signature.")


def _is_pydantic(hint: Any) -> bool:
    return isinstance(hint, type) and hasattr(hint, "model_fields")


def _is_optional(hint: Any) -> bool:
    return get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)


def _shown(hint: Any) -> str:
    return str(hint).replace("typing.", "")
