"""Serializing objects so that what would be loaded is what is in memory."""

from __future__ import annotations

import itertools
import sys
from types import ModuleType
from typing import Any

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.objects.deserializer import Deserializer
from nbtrack.models.objects.differences import Comparison, Difference
from nbtrack.models.objects.form import Form
from nbtrack.models.objects.references import SYNTHETIC
from nbtrack.models.objects.serializer import SerializedObject, Serializer

_ROUNDS = 6
_SHOWN = 3
# what source raises that lacks something; anything else may be a name that is registered twice
_LACKING = (NameError, AttributeError, ImportError, SyntaxError, RecursionError, TypeError)
_numbers = itertools.count(1)


def serialize(value: Any) -> SerializedObject:
    """Take an object apart, and see that the parts make the same object again.

    They are put together as where they will be loaded, with the source that would be saved, and
    compared with the object. What a class or function was given after its source had run is
    added to the source.

    Raises
    ------
    InvalidParameterError
        If a part of it cannot be saved, or would not come back as it is: the message names it by
        its path.
    """
    return serialize_and_rebuild(value)[0]


def serialize_and_rebuild(value: Any) -> tuple[SerializedObject, Any]:
    """Do what ``serialize`` does, and return what would be loaded besides.

    Its tensors are those of the object itself. None where nothing had to be put together: there
    is no source of the user's own, and it is no module.
    """
    changes: dict[int, dict[str, Any]] = {}
    kept: list[Difference] = []
    found: list[Difference] = []
    for _ in range(_ROUNDS):
        serializer = Serializer(changes)
        try:
            serialized = serializer.serialize(value)
        except InvalidParameterError:
            if kept:
                break
            raise
        found, made = _differences(value, serialized, serializer)
        if not found:
            return serialized, made
        kept += found  # an id is only good as long as its object lives
        if not _add(found, changes):
            break
    raise _refused(found)


def _add(found: list[Difference], changes: dict[int, dict[str, Any]]) -> bool:
    """Note what is to be set after the definitions; return False where that cannot help."""
    known = {(owner, target) for owner, given in changes.items() for target in given}
    for one in found:
        if one.owner is None or (id(one.owner), one.target) in known:
            return False
        changes.setdefault(id(one.owner), {})[one.target] = one.value
    return True


def _differences(
    value: Any, serialized: SerializedObject, serializer: Serializer
) -> tuple[list[Difference], Any]:
    if not serialized.sources and not _is_module(value):
        return [], None
    form = Form.of(serialized.tree)
    files = serializer.files.values()
    live = {
        file.name: module
        for file in files
        if file.whole and (module := _module(file.origin)) is not None
    }
    arrays = {**serialized.weights, **serialized.extra}
    texts = {file.path: file.written for file in files}
    name = f"{SYNTHETIC}check_{next(_numbers)}"
    deserializer = Deserializer(form, arrays, texts, f"<{name}>", live, name)
    try:
        made = deserializer.deserialize()
        return Comparison().differences(value, made), made
    except Exception as error:
        cause: BaseException = error
        while isinstance(cause, NbtrackError) and cause.__cause__ is not None:
            cause = cause.__cause__
        if not isinstance(cause, (*_LACKING, NbtrackError)):
            return [], None  # it may be that this process has it already, and another one does not
        raise InvalidParameterError(
            f"This {type(value).__name__} cannot be saved: what would be saved cannot be put "
            f"together again: {type(cause).__name__}: {cause}. Define what is missing in a cell "
            "of the notebook or in a .py file, and make the object anew."
        ) from error
    finally:
        deserializer.forget()


def _module(name: str) -> ModuleType | None:
    return sys.modules.get(name)


def _is_module(value: Any) -> bool:
    torch = sys.modules.get("torch")
    return torch is not None and isinstance(value, torch.nn.Module)


def _refused(found: list[Difference]) -> InvalidParameterError:
    parts = [f"{one.path} {one.reason}" for one in found if one.owner is None] or [
        f"{one.path} {one.reason}" for one in found
    ]
    more = f" (and {len(parts) - _SHOWN} more)" if len(parts) > _SHOWN else ""
    return InvalidParameterError(
        f"This would be loaded as something else than it is: {'; '.join(parts[:_SHOWN])}{more}. "
        "Run the definition again as it is meant and make the object anew, with its weights "
        "(load_state_dict)."
    )
