"""An environment variable: its names, its type, its default."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from nbtrack.errors import InvalidParameterError

T = TypeVar("T")
Kind = Literal["text", "flag", "number", "whole number"]

_FALSE = {"", "0", "false", "no", "off"}


def env(*names: str) -> str | None:
    """Return the first of these environment variables that is set and not empty."""
    return next((value for name in names if (value := os.environ.get(name))), None)


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
        os.environ[self.name] = str(value)

    def unset(self) -> None:
        """Remove it, under all its names."""
        for name in self.names:
            os.environ.pop(name, None)


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
