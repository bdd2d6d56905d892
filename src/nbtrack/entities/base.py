"""What every entity is: a frozen object that compares by value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from types import SimpleNamespace
from typing import Any, Generic, TypeVar, dataclass_transform

from nbtrack.entities import shown

T = TypeVar("T")


def named(names: dict[int, str], number: int, what: str) -> str:
    """Return the name of a number, or raise ValueError."""
    if number not in names:
        raise ValueError(f"There is no {what} {number!r}: {', '.join(map(str, names))} are known.")
    return names[number]


def numbered(names: dict[int, str], name: str, what: str) -> int:
    """Return the number of a name, or raise ValueError."""
    for number, known in names.items():
        if known == name:
            return number
    raise ValueError(f"There is no {what} {name!r}: {', '.join(names.values())} are known.")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def entity(cls: type[T]) -> type[T]:
    """Make a frozen dataclass whose comparison and text are those of ``Entity``."""
    return dataclass(frozen=True, eq=False, repr=False)(cls)


class Entity:
    """Base of the entities: they compare by value and turn into dicts."""

    def __eq__(self, other: object) -> bool:
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash((type(self), tuple(map(str, vars(self).values()))))

    def __repr__(self) -> str:
        return shown.line(self)

    def _repr_html_(self) -> str:
        return shown.table(self)

    def to_dictionary(self) -> dict[str, Any]:
        """Return the entity as a dictionary of plain values."""
        found: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return found

    def to_proto(self) -> SimpleNamespace:
        """Return the fields as attributes, as MLflow's message has them.

        For code that reads ``run.info.to_proto().status``: it is no message of protobuf.
        """
        fields = ((name, getattr(value, "to_proto", None), value) for name, value in self)
        return SimpleNamespace(**{name: make() if make else value for name, make, value in fields})

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        return iter(self.__dict__.items())


class PagedList(list[T], Generic[T]):
    """A list of search results and the token of the next page, if there is one.

    Parameters
    ----------
    items : iterable
        The results of this page.
    token : str, optional
        What asks for the next page.

    Examples
    --------
    >>> page = nbtrack.Client().search_experiments(max_results=1)
    >>> page.token is None, [each.name for each in page.to_list()]
    (True, ['Default'])
    """

    def __init__(self, items: Iterable[T] = (), token: str | None = None) -> None:
        super().__init__(items)
        self.token = token

    def __repr__(self) -> str:
        return shown.list_line(self)

    def _repr_html_(self) -> str:
        return shown.list_table(self, more=bool(self.token))

    def to_list(self) -> list[T]:
        """Return a plain list."""
        return list(self)
