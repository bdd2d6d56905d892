"""An environment variable: its names, its type, its default."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from nbtrack.errors import InvalidParameterError

T = TypeVar("T")
Kind = Literal["text", "flag", "number", "whole number"]

_FALSE = {"", "0", "false", "no", "off"}
_FOR_WORKERS = "nbtrack environment"


def env(*names: str) -> str | None:
    """Return the first of these environment variables that is set and not empty."""
    return next((value for name in names if (value := os.environ.get(name))), None)


def set_for_children(name: str, value: str | None) -> None:
    """Set an environment variable, or remove it, for this process and those that it starts.

    Workers of a fork server, which multiprocessing uses since Python 3.14, have the environment
    that this process had when it started its first one: they are told in what each is given.

    Parameters
    ----------
    name : str
    value : str or None
        None removes it.
    """
    _set(name, value)
    processes = sys.modules.get("multiprocessing.process")
    if processes is not None:
        given = processes.current_process()._config
        known = given.setdefault(_FOR_WORKERS, _ForWorkers())
        if not isinstance(known, _ForWorkers):  # this is a worker itself
            known = given[_FOR_WORKERS] = _ForWorkers(known)
        known.names.add(name)


class _ForWorkers:
    """Names of variables; a worker is given a dictionary of what they are set to when it starts."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.names = {*names}

    def __reduce__(self) -> tuple[type, tuple[dict[str, str | None]]]:
        return dict, ({name: os.environ.get(name) for name in sorted(self.names)},)


def _set(name: str, value: str | None) -> None:
    if value is None:
        os.environ.pop(name, None)
    else:
        os.environ[name] = value


def _follow_parent() -> None:
    """Take the variables of the process that has asked a fork server for this one."""
    processes = sys.modules.get("multiprocessing.process")
    parent = None if processes is None else processes.parent_process()
    if processes is None or parent is None or parent.pid == os.getppid():
        return  # it is none, or has the environment of its parent
    for name, value in processes.current_process()._config.get(_FOR_WORKERS, {}).items():
        _set(name, value)


@dataclass(frozen=True)
class Variable(Generic[T]):
    """An environment variable, under one or several names.

    Attributes
    ----------
    names : tuple of str
        The first that is set counts.
    says : str
        What it is for, in one sentence.
    default : object
        What ``get`` returns where it is not set.
    kind : {"text", "flag", "number", "whole number"}
    unit : str
        Of a number: ``"seconds"``, ``"bytes per second"``.
    otherwise : str
        What holds where it is not set, if ``default`` does not tell.
    topic : Topic
    """

    names: tuple[str, ...]
    says: str
    default: T
    kind: Kind
    parse: Callable[[str], T]
    topic: Topic
    unit: str = ""
    otherwise: str = ""

    @property
    def name(self) -> str:
        """The name that messages use."""
        return self.names[0]

    @property
    def mlflow(self) -> str:
        """MLflow's name of it, "" if MLflow has no such variable."""
        return next((name for name in self.names if name.startswith("MLFLOW_")), "")

    def found(self) -> str | None:
        """Return the name under which it is set, None if it is not."""
        return next((name for name in self.names if os.environ.get(name)), None)

    def text(self) -> str | None:
        """Return what it is set to, as it stands there; None if it is not set."""
        return env(*self.names)

    def get(self) -> T:
        """Return its value, or the default.

        Raises
        ------
        InvalidParameterError
            If it should be a number and is none.
        """
        text = self.text()
        if text is None:
            return self.default
        try:
            return self.parse(text)
        except ValueError:
            unit = f" of {self.unit}" if self.unit else ""
            raise InvalidParameterError(
                f"The environment variable {self.found()} is {text!r}; give a {self.kind}{unit}, "
                "or unset it."
            ) from None

    def set(self, value: object) -> None:
        """Set it for this process and those that it starts."""
        set_for_children(self.name, str(value))

    def unset(self) -> None:
        """Remove it, under all its names."""
        for name in self.names:
            set_for_children(name, None)


@dataclass(frozen=True)
class Topic:
    """Makes the variables that stand together in the documentation.

    Attributes
    ----------
    title : str
    internal : bool
        Whether only processes that nbtrack starts are given them.
    """

    title: str
    internal: bool = False

    def text(self, *names: str, says: str, otherwise: str = "") -> Variable[str | None]:
        """Return a variable that is a text."""
        return Variable(names, says, None, "text", str, otherwise=otherwise, topic=self)

    def flag(self, *names: str, says: str, default: bool) -> Variable[bool]:
        """Return a variable that is false by 0, false, no or off, and true by all else."""
        return Variable(names, says, default, "flag", _is_true, topic=self)

    def number(self, *names: str, says: str, default: float, unit: str) -> Variable[float]:
        """Return a variable that is a number."""
        return Variable(names, says, default, "number", float, unit=unit, topic=self)

    def whole(self, *names: str, says: str, default: int, unit: str = "") -> Variable[int]:
        """Return a variable that is a whole number."""
        return Variable(names, says, default, "whole number", int, unit=unit, topic=self)


def _is_true(text: str) -> bool:
    return text.strip().lower() not in _FALSE


_follow_parent()
