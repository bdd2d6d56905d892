"""Collects the points of a run one by one, and artifacts that are generated when they are read."""

from __future__ import annotations

import hashlib
import io
import json
import math
from array import array
from collections.abc import Callable, Iterator, Mapping
from typing import Any, BinaryIO

import numpy as np

from nbtrack.entities import FileInfo
from nbtrack.interop.source import PointBatch
from nbtrack.store import Points


class PointBuffer:
    """The points of one run."""

    def __init__(self) -> None:
        self._columns: dict[str, tuple[array[int], array[int], array[float]]] = {}
        self.first: int | None = None
        self.last: int | None = None

    def add(self, key: str, step: int, time: int, value: float) -> None:
        """Add a point; ``time`` in milliseconds since the epoch."""
        columns = self._columns.get(key)
        if columns is None:
            columns = self._columns[key] = (array("q"), array("q"), array("d"))
        columns[0].append(step)
        columns[1].append(time)
        columns[2].append(value)
        self.first = time if self.first is None else min(self.first, time)
        self.last = time if self.last is None else max(self.last, time)

    def __contains__(self, key: str) -> bool:
        return key in self._columns

    def batch(self, run_id: str) -> PointBatch:
        """Return everything as points of a run."""
        lengths = [len(steps) for steps, _, _ in self._columns.values()]
        columns = [
            np.concatenate([np.frombuffer(c[i], kind) for c in self._columns.values()])
            if lengths
            else np.zeros(0, kind)
            for i, kind in enumerate((np.int64, np.int64, np.float64))
        ]
        series = np.repeat(np.arange(len(lengths)), lengths)
        names = [(run_id, key) for key in self._columns]
        return PointBatch(names, Points(series, *columns))


class GeneratedFiles:
    """Artifacts that are made when they are asked for."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[int | None, Callable[[], bytes]]] = {}

    def __len__(self) -> int:
        return len(self._made)

    def add(self, path: str, content: bytes) -> None:
        """Add a file whose content is known."""
        self._made[path] = (len(content), lambda: content)

    def add_later(self, path: str, size: int, read: Callable[[], bytes]) -> None:
        """Add a file whose content is read when it is asked for."""
        self._made[path] = (size, read)

    def walk(self) -> Iterator[FileInfo]:
        """Yield every file."""
        for path, (size, _) in sorted(self._made.items()):
            yield FileInfo(path, False, size)

    def open(self, path: str) -> BinaryIO:
        """Open a file for reading bytes."""
        return io.BytesIO(self._made[path][1]())


def made_id(*parts: str) -> str:
    """Return the run id of something that has none: always the same for the same parts."""
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def flat(config: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return a nested configuration as params: ``{"model": {"depth": 3}}`` is ``model.depth``."""
    found: dict[str, str] = {}
    for key, value in config.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping) and value:
            found.update(flat(value, f"{name}."))
        elif isinstance(value, str):
            found[name] = value
        elif isinstance(value, list | dict):
            found[name] = json.dumps(value, ensure_ascii=False)
        else:
            found[name] = str(value)
    return found


def numbers(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float]]:
    """Yield what can be a metric of a nested mapping; booleans are 0 and 1."""
    for key, value in values.items():
        name = f"{prefix}{key}"
        if isinstance(value, Mapping):
            if "_type" not in value:
                yield from numbers(value, f"{name}.")
        elif isinstance(value, int | float):
            try:
                yield name, float(value)
            except OverflowError:
                yield name, math.inf if value > 0 else -math.inf
        elif value in ("NaN", "Infinity", "-Infinity"):
            yield name, float(value)
