"""Files of data to be scored, read piece by piece."""

from __future__ import annotations

import json
from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from nbtrack.errors import InvalidParameterError, NbtrackError, NotFoundError
from nbtrack.models.scoring.expected import Expected, bad_input
from nbtrack.models.scoring.payloads import Payload, csv_options, finished_csv, from_json
from nbtrack.models.scoring.rows import count_rows, kind_of
from nbtrack.models.scoring.shapes import FIELDS, RECORDS

KINDS = {
    ".csv": "csv",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}


@dataclass(frozen=True)
class Source:
    """What is read.

    Attributes
    ----------
    pieces : iterator of Payload
    total : int
        How much there is, in ``unit``; 0 if nobody knows.
    unit : str
        ``"B"`` or ``"rows"``.
    position : callable
        How much of it was read.
    """

    pieces: Iterator[Payload]
    total: int
    unit: str
    position: Callable[[], int]


def kind_of_file(path: Path, content_type: str) -> str:
    """Return how a file is read: what its name says, else the content type.

    Raises
    ------
    InvalidParameterError
        If the content type is none that is read.
    """
    if content_type not in ("json", "csv", "jsonl", "parquet"):
        raise InvalidParameterError(
            f"content_type is {content_type!r}; give 'json', 'jsonl', 'csv' or 'parquet'."
        )
    return KINDS.get(path.suffix.lower(), content_type) if content_type == "json" else content_type


@contextmanager
def open_source(
    path: Path, kind: str, expected: Expected, chunk_size: int | None
) -> Iterator[Source]:
    """Open a file to be scored.

    Parameters
    ----------
    path : Path
    kind : {"csv", "json", "jsonl", "parquet"}
    expected : Expected
    chunk_size : int or None
        Rows of a piece; None: all at once.

    Raises
    ------
    NotFoundError
        If there is no such file.
    NbtrackError
        ``BAD_REQUEST`` where it cannot be read, while it is read.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise NotFoundError(f"{path} cannot be read: {error}") from None
    with file:
        if kind == "parquet":
            yield _parquet(file, chunk_size)
        else:
            read = {"csv": _csv, "jsonl": _lines, "json": _document}[kind]
            # pandas ends its reader before the file is closed, also where nobody asks for the rest
            with closing(read(file, expected, chunk_size)) as pieces:
                yield Source(pieces, path.stat().st_size, "B", file.tell)


def read_document(text: str | bytes, expected: Expected) -> Payload:
    """Return what a JSON document asks for; a list of records stands for ``dataframe_records``."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_input(f"It is no JSON: {error}") from None
    if isinstance(found, list) and found and all(isinstance(item, dict) for item in found):
        found = {RECORDS: found}
    return from_json(found, expected)


def _document(
    file: BinaryIO, expected: Expected, chunk_size: int | None
) -> Generator[Payload, None, None]:
    payload = read_document(file.read(), expected)
    data = payload.data
    if chunk_size is None or payload.bare or kind_of(data) is None:
        yield payload
        return
    for start in range(0, count_rows(data), chunk_size):
        part = slice(start, start + chunk_size)
        if isinstance(data, dict):
            cut: Any = {name: values[part] for name, values in data.items()}
        else:
            cut = data.iloc[part].reset_index(drop=True) if hasattr(data, "iloc") else data[part]
        yield Payload(cut, payload.params)


def _csv(
    file: BinaryIO, expected: Expected, chunk_size: int | None
) -> Generator[Payload, None, None]:
    import pandas as pd

    options = csv_options(expected)
    try:
        if chunk_size is None:
            yield Payload(finished_csv(pd.read_csv(file, **options), expected))
            return
        with pd.read_csv(file, chunksize=chunk_size, **options) as reader:
            for frame in reader:
                whole = finished_csv(frame.reset_index(drop=True), expected)
                yield Payload(whole)
    except NbtrackError:
        raise
    except Exception as error:  # noqa: BLE001  pandas fails in many ways, all the file's
        raise bad_input(
            f"The file cannot be read as CSV with a header row and the columns of the model's "
            f"signature: {error}"
        ) from None


def _lines(
    file: BinaryIO, expected: Expected, chunk_size: int | None
) -> Generator[Payload, None, None]:
    """Read JSON lines: records, requests, or values, as the first line has them."""
    number = 0
    while lines := list(islice(file, chunk_size)):
        found = []
        for line in lines:
            number += 1
            if not line.strip():
                continue
            try:
                found.append(json.loads(line))
            except (ValueError, RecursionError) as error:
                raise bad_input(f"Line {number} is no JSON: {error}") from None
        for request in _requests(found):
            yield from_json(request, expected)


def _requests(found: list[Any]) -> Iterator[dict[str, Any]]:
    if not found:
        return
    first = found[0]
    if isinstance(first, dict) and not any(name in first for name in FIELDS):
        yield {RECORDS: found}
    elif isinstance(first, dict):
        yield from found
    else:
        yield {"inputs": found}


def _parquet(file: BinaryIO, chunk_size: int | None) -> Source:
    try:
        import pyarrow.parquet as pq
    except ImportError:
        raise NbtrackError(
            "Reading Parquet needs pyarrow: pip install 'nbtrack[serve]'.", "NOT_IMPLEMENTED"
        ) from None
    try:
        opened = pq.ParquetFile(file)
    except Exception as error:  # noqa: BLE001  pyarrow fails in many ways, all the file's
        raise bad_input(f"The file cannot be read as Parquet: {error}") from None
    rows = int(opened.metadata.num_rows)
    seen = [0]

    def pieces() -> Iterator[Payload]:
        batches = opened.iter_batches(batch_size=chunk_size or max(rows, 1))
        while True:
            try:
                batch = next(batches, None)
            except Exception as error:  # noqa: BLE001  as above
                raise bad_input(f"The file cannot be read as Parquet: {error}") from None
            if batch is None:
                return
            seen[0] += batch.num_rows
            yield Payload(batch.to_pandas())

    return Source(pieces(), rows, "rows", lambda: seen[0])
