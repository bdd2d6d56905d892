"""One file of captured source."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

VALUE = "saved_value"
"""The function by which a file asks for a value that is no literal."""


@dataclass
class SourceFile:
    """One file of captured source.

    Attributes
    ----------
    name : str
        The dotted name under which it is imported again, such as ``notebook``.
    origin : str
        The module that it was taken from.
    package : bool
    whole : bool
        Whether it is a module's file as it is, not a choice of statements.
    text : str
    values : dict
        Serialized values of names that the text asks for by ``saved_value("name")``.
    """

    name: str
    origin: str
    package: bool = False
    whole: bool = False
    text: str = ""
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """The relative path of the file."""
        folder = self.name.replace(".", "/")
        return f"{folder}/__init__.py" if self.package else f"{folder}.py"
