"""The first rows of a Parquet file, read in a process of its own; started by ``parquet_rows``.

A few kilobytes of Parquet can unfold to gigabytes. This process has little memory and time, opens
no file itself: it requests each part of the file from its parent with a line of JSON on standard
output, and gets the bytes on standard input; its last line is the result. It imports nothing of
nbtrack, so that it starts quickly.
"""

from __future__ import annotations

import io
import json
import math
import os
import sys
from typing import Any, BinaryIO

TOO_LARGE = "(too large to be shown)"


class PipedFile(io.RawIOBase):
    """A file that the parent process reads, requested and sent through pipes."""

    def __init__(self, responses: BinaryIO, requests: BinaryIO, size: int) -> None:
        self._responses = responses
        self._requests = requests
        self._size = size
        self._place = 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def seekable(self) -> bool:
        """Return True."""
        return True

    def tell(self) -> int:
        """Return the place that is read next."""
        return self._place

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self._place = offset + (0, self._place, self._size)[whence]
        return self._place

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes."""
        left = max(0, self._size - self._place)
        wanted = left if size is None or size < 0 else min(size, left)
        if not wanted:
            return b""
        self._requests.write(json.dumps({"read": [self._place, wanted]}).encode() + b"\n")
        self._requests.flush()
        data = self._responses.read(wanted)
        self._place += len(data)
        return data

    def readall(self) -> bytes:
        """Return all that is left."""
        return self.read()


def limit(memory: int, seconds: int) -> None:
    """Let this process have no more memory and time, and write no files, where that can be said."""
    try:
        import resource
    except ImportError:  # Windows: who has started this process ends it after a while
        return
    for name, most in (
        ("RLIMIT_AS", memory),
        ("RLIMIT_CPU", seconds),
        ("RLIMIT_FSIZE", 0),
        ("RLIMIT_CORE", 0),
    ):
        try:
            hard = resource.getrlimit(getattr(resource, name))[1]
            most = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(getattr(resource, name), (most, hard))
        except (AttributeError, ValueError, OSError):  # a system that does not have this one
            continue


def cell(value: Any, longest: int) -> Any:
    """Return a value as JSON has it, a long one cut."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False, default=str)
    if isinstance(value, str | bytes):
        value = value[: longest + 1]
    return str(value)[: longest + 1]


def column(opened: Any, name: str, rows: int, longest: int) -> list[Any]:
    """Return the first cells of a column."""
    batch = next(opened.iter_batches(rows, columns=[name], use_threads=False), None)
    if batch is None:
        return []
    values = batch.column(0)
    if hasattr(values, "dictionary"):
        known: dict[int, Any] = {}
        for place in values.indices.to_pylist():
            if place is not None and place not in known:
                known[place] = cell(values.dictionary[place].as_py(), longest)
        return [None if place is None else known[place] for place in values.indices.to_pylist()]
    return [cell(short(values[place], longest), longest) for place in range(len(values))]


def short(scalar: Any, longest: int) -> Any:
    """Return a value for Python; of a list that is longer than what is shown, the beginning."""
    inside = getattr(scalar, "values", None)
    if inside is not None and not callable(inside) and len(inside) > longest:
        return inside[:longest].to_pylist()
    return scalar.as_py()


def preview(file: PipedFile, rows: int, columns: int, longest: int) -> dict[str, Any]:
    """Return the names of the first columns, their first rows, and how much there is."""
    import pyarrow as pa
    import pyarrow.parquet as parquet

    known = parquet.ParquetFile(file, buffer_size=1 << 16, pre_buffer=False)
    schema, total = known.schema_arrow, known.metadata.num_rows
    kinds = (pa.types.is_string, pa.types.is_binary, pa.types.is_large_string,
             pa.types.is_large_binary)  # fmt: skip
    texts = [field.name for field in schema if any(kind(field.type) for kind in kinds)]
    # texts that are stored once stay so, however often they are named
    opened = parquet.ParquetFile(
        file, read_dictionary=texts, buffer_size=1 << 16, pre_buffer=False, metadata=known.metadata
    )
    names = schema.names[:columns]
    cells: list[list[Any]] = []
    for name in names:
        try:
            cells.append(column(opened, name, rows, longest))
        except MemoryError:  # pyarrow's own is one
            cells.append([TOO_LARGE])
    most = max(map(len, cells), default=0)
    filled = [each + each[-1:] * (most - len(each)) for each in cells]
    return {
        "columns": names,
        "rows": [list(row) for row in zip(*filled, strict=True)],
        "truncated": total > most or len(schema.names) > len(names),
    }


def main() -> None:
    """Write the preview, or what is wrong with the file."""
    size, rows, columns, longest, memory, seconds = map(int, sys.argv[1:])
    requests = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a library prints is no response
    limit(memory, seconds)
    try:
        found = preview(PipedFile(sys.stdin.buffer, requests, size), rows, columns, longest)
    except ImportError:
        found = {"missing": True}
    except MemoryError:
        found = {"memory": True}
    except Exception as error:  # noqa: BLE001  another package's words about a broken file
        found = {"error": str(error)[:500]}
    requests.write(json.dumps(found, default=str).encode() + b"\n")
    requests.flush()


if __name__ == "__main__":
    main()
