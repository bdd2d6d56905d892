"""Traits of tables that take what people write."""

from __future__ import annotations

from typing import Any

import traitlets as t

from nbtrack.errors import InvalidParameterError


class Names(t.List[str]):
    """A list of names; one name stands for itself."""

    def __init__(self, **options: Any) -> None:
        super().__init__(t.Unicode(), **options)

    def validate(self, obj: Any, value: Any) -> Any:
        """Return a list of texts, or say what is wrong."""
        names = [value] if isinstance(value, str) else value
        if not isinstance(names, (list, tuple)) or not all(isinstance(n, str) for n in names):
            raise InvalidParameterError(
                f"{self.name} is {value!r}; give names of columns, such as ['params.lr']."
            )
        return super().validate(obj, list(names))


class SortKeys(t.List[Any]):
    """An order: ``"metrics.loss"``, ``"metrics.loss DESC"``, or ``[name, ascending]`` in a list."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Return a list of ``[name, ascending]``, or say what is wrong."""
        keys = [value] if isinstance(value, str) or _is_key(value) else value
        if not isinstance(keys, (list, tuple)):
            raise self._wrong(value)
        return super().validate(obj, [self._key(key) for key in keys])

    def _key(self, key: Any) -> list[Any]:
        if isinstance(key, str):
            name, _, way = key.strip().rpartition(" ")
            if name and way.upper() in ("ASC", "DESC"):
                return [name, way.upper() == "ASC"]
            return [key.strip(), True]
        if _is_key(key):
            return [key[0], key[1]]
        raise self._wrong(key)

    def _wrong(self, value: Any) -> InvalidParameterError:
        return InvalidParameterError(
            f"{self.name} is {value!r}; give columns such as 'metrics.loss DESC', "
            "or ['metrics.loss', False] for a falling order."
        )


def _is_key(value: Any) -> bool:
    return (
        isinstance(value, (list, tuple))
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], bool)
    )
