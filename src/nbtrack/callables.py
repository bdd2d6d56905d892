"""What the header of a function says, also where its annotations name what is not there.

Since Python 3.14 an annotation is evaluated when somebody asks for it. One that names what only
type checkers import, under ``if TYPE_CHECKING:``, then raises ``NameError`` for all who look at
the function, whatever they wanted to know.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Mapping
from typing import Any


def signature_of(function: Callable[..., Any]) -> inspect.Signature:
    """Return the signature of a function; an annotation that names nothing is a reference.

    Parameters
    ----------
    function : callable

    Raises
    ------
    TypeError, ValueError
        If it has none, as some that are built in.
    """
    if sys.version_info >= (3, 14):
        from annotationlib import Format

        return inspect.signature(function, annotation_format=Format.FORWARDREF)
    return inspect.signature(function)


def parameters_of(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    """Return the parameters of a function by name, in their order.

    Parameters
    ----------
    function : callable

    Raises
    ------
    TypeError, ValueError
        If it has no signature, as some that are built in.
    """
    return signature_of(function).parameters


def annotations_of(value: Any) -> Mapping[str, Any]:
    """Return the annotations of a function or class; one that names nothing is a reference.

    Parameters
    ----------
    value : object
        What has no annotations gives none.
    """
    plain = inspect.unwrap(value)
    if sys.version_info >= (3, 14):
        from annotationlib import Format, get_annotations

        try:
            return get_annotations(plain, format=Format.FORWARDREF)
        except TypeError:  # has none
            return {}
    found: Mapping[str, Any] = getattr(plain, "__annotations__", None) or {}
    return found
