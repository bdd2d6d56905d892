"""Which of some known names was probably meant by one that is not known.

Capitals, and the marks between words, do not count: ``Val-Loss`` is ``val_loss``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import wraps
from types import FunctionType
from typing import Any, TypeVar, cast

from nbtrack.errors import short_traceback

F = TypeVar("F", bound=Callable[..., Any])
C = TypeVar("C", bound=type)

_MOST = 5000  # names that are looked at
_ALIKE = 0.6


def closest(name: str, known: Iterable[str], alike: float = _ALIKE) -> str | None:
    """Return the known name that is most like another, or None.

    Parameters
    ----------
    name : str
    known : iterable of str
        What there is; the first of several that are equally alike is taken.
    alike : float
        From 0 to 1: how much they must have in common.
    """
    import difflib  # only a mistake needs it
    from itertools import islice

    by_plain: dict[str, str] = {}
    for each in islice(known, _MOST):
        by_plain.setdefault(_plain(each), each)
    wanted = _plain(name)
    if wanted in by_plain:
        return by_plain[wanted]
    found = difflib.get_close_matches(wanted, by_plain, 1, alike)
    if found:
        return by_plain[found[0]]
    # name is a part of experiment_name, however long that is
    longer = [each for each in by_plain.values() if name.casefold() in _words(each)]
    return longer[0] if len(longer) == 1 else None


def did_you_mean(
    name: str,
    known: Iterable[str],
    otherwise: str = "",
    shown: Callable[[str], str] = repr,
) -> str:
    """Return a sentence that names the known name that was probably meant.

    Parameters
    ----------
    name : str
    known : iterable of str
    otherwise : str
        What is said where no known name is like it.
    shown : callable
        How the known name is written.
    """
    found = closest(name, known)
    return otherwise if found is None else f"Did you mean {shown(found)}?"


def _plain(name: str) -> str:
    kept = "".join(c for c in name.casefold() if c.isalnum())
    return kept or name


class MissingNameError(AttributeError):
    """A name that a module does not have; which one was meant is found out when it is shown.

    Libraries ask modules for names that they do not have, and drop the error.

    Parameters
    ----------
    message : str
    name : str
    known : callable
        Returns the names that there are.
    """

    def __init__(self, message: str, name: str, known: Callable[[], Iterable[str]]) -> None:
        # with a name and no object, Python adds no suggestion of its own
        super().__init__(message, name=name, obj=None)
        self._name = name
        self._known = known

    def __str__(self) -> str:
        message = str(self.args[0])
        hint = did_you_mean(self._name, self._known())
        return f"{message}. {hint}" if hint else message

    def __reduce__(self) -> tuple[Any, ...]:
        return AttributeError, (str(self),)

    def _render_traceback_(self) -> list[str]:
        return short_traceback(self)


class UnknownKeywordError(TypeError):
    """A call with a keyword that the function does not take; the message has the nearest."""

    def __reduce__(self) -> tuple[Any, ...]:
        return TypeError, (str(self),)

    def _render_traceback_(self) -> list[str]:
        return short_traceback(self)


# users are shown the classes that they know
for _class, _shown in ((MissingNameError, "AttributeError"), (UnknownKeywordError, "TypeError")):
    _class.__name__ = _class.__qualname__ = _shown
    _class.__module__ = "builtins"


def suggests_keywords(function: F) -> F:
    """Let calls with a keyword that a function does not take say which one was meant.

    Python compares the letters alone, and only from 3.13 on: ``name`` for ``run_name`` is no
    typing mistake. A call that goes well costs nothing but one more call.

    Parameters
    ----------
    function : callable
        A public function.
    """

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        try:
            return function(*args, **kwargs)
        except TypeError as error:
            trace = error.__traceback__
            if trace is not None and trace.tb_next is not None:  # it comes from inside
                raise
            text = _of_keyword(function, kwargs)
            if text is None:
                raise
            message = text
        raise UnknownKeywordError(message)

    return cast(F, call)


def suggests_keywords_of_methods(class_: C) -> C:
    """Let calls of a class's public methods, also inherited ones, say which keyword was meant.

    Parameters
    ----------
    class_ : type
    """
    for base in class_.__mro__[:-1]:
        for name, method in list(vars(base).items()):
            own = name in vars(class_) and base is not class_
            if isinstance(method, FunctionType) and not name.startswith("_") and not own:
                setattr(class_, name, suggests_keywords(method))
    return class_


def _of_keyword(function: Callable[..., Any], given: Iterable[str]) -> str | None:
    import inspect

    known = [name for name in inspect.signature(function).parameters if name != "self"]
    unknown = next((name for name in given if name not in known), None)
    if unknown is None:
        return None
    hint = did_you_mean(unknown, known, f"It takes {', '.join(known)}.")
    return f"{function.__name__}() got an unexpected keyword argument {unknown!r}. {hint}"


def _words(name: str) -> list[str]:
    return re.findall(r"[^\W_]+", name.casefold())
