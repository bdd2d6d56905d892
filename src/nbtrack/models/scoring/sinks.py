"""Files that predictions are written to, piece by piece; each is there whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol

from nbtrack.errors import InvalidParameterError, NbtrackError
from nbtrack.models.scoring.payloads import Payload
from nbtrack.models.scoring.responses import plain, response_text
from nbtrack.models.scoring.sources import KINDS

if TYPE_CHECKING:
    import pandas as pd


class Sink(Protocol):
    """Takes predictions."""

    def add(self, payload: Payload, predictions: Any) -> None:
        """Write the predictions of a piece."""

    def end(self) -> None:
        """Write what comes last."""


class JsonSink:
    """One document, ``{"predictions": [...]}``, as `mlflow models predict` writes it."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._first: str | None = None
        self._open = False

    def add(self, payload: Payload, predictions: Any) -> None:
        """Write the predictions of a piece."""
        text = response_text(predictions, bare=True)
        if self._first is None:
            self._first = text if payload.bare else f'{{"predictions": {text}}}'
            if payload.bare or text[0] != "[":
                self._file.write(self._first)
            else:
                self._open = True
                self._file.write(f'{{"predictions": {text[:-1]}')
        elif not self._open or text[0] != "[":
            raise NbtrackError(
                "The model does not return one prediction for each row, so its predictions for "
                "several pieces are no one document. Use chunk_size=None, or write .jsonl."
            )
        elif text != "[]":
            self._file.write(f", {text[1:-1]}")

    def end(self) -> None:
        """Close the list."""
        if self._first is None:
            self._file.write('{"predictions": []}')
        elif self._open:
            self._file.write("]}")


class LinesSink:
    """One prediction a line."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def add(self, payload: Payload, predictions: Any) -> None:
        """Write the predictions of a piece."""
        found = json.loads(response_text(predictions, bare=True))
        for item in found if isinstance(found, list) and not payload.bare else [found]:
            self._file.write(json.dumps(item, allow_nan=False) + "\n")

    def end(self) -> None:
        """There is nothing to write."""


class CsvSink:
    """A table with a header."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._header = True

    def add(self, payload: Payload, predictions: Any) -> None:
        """Write the predictions of a piece."""
        as_table(predictions).to_csv(self._file, header=self._header, index=False)
        self._header = False

    def end(self) -> None:
        """There is nothing to write."""


class ParquetSink:
    """A table with the types of its first piece."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writer: Any = None

    def add(self, payload: Payload, predictions: Any) -> None:
        """Write the predictions of a piece."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        table = pa.Table.from_pandas(as_table(predictions), preserve_index=False)
        if self._writer is None:
            self._writer = pq.ParquetWriter(self._path, table.schema)
        elif table.schema != self._writer.schema:
            try:
                table = table.cast(self._writer.schema)
            except (pa.ArrowInvalid, ValueError) as error:
                raise NbtrackError(
                    f"A later piece has predictions of other types than the first one: {error}. "
                    "Use chunk_size=None, or write .jsonl.",
                    "BAD_REQUEST",
                ) from None
        self._writer.write_table(table)

    def end(self) -> None:
        """Write the footer."""
        if self._writer is None:
            self.add(Payload(None), [])
        self._writer.close()

    def drop(self) -> None:
        """Close the file that is not wanted any more."""
        if self._writer is not None:
            self._writer.close()


_TEXTS: dict[str, Callable[[IO[str]], Sink]] = {
    "csv": CsvSink,
    "json": JsonSink,
    "jsonl": LinesSink,
}


def as_table(predictions: Any) -> pd.DataFrame:
    """Return predictions as a data frame: ``prediction``, or ``prediction_0``, ... for vectors."""
    import numpy as np
    import pandas as pd

    if isinstance(predictions, pd.DataFrame):
        return predictions
    if isinstance(predictions, pd.Series):
        return predictions.to_frame("prediction" if predictions.name is None else predictions.name)
    if hasattr(predictions, "detach"):
        predictions = plain(predictions)
    if isinstance(predictions, dict):
        return pd.DataFrame({name: list(values) for name, values in predictions.items()})
    if isinstance(predictions, list) and predictions and isinstance(predictions[0], dict):
        return pd.DataFrame(predictions)
    with suppress(ValueError):
        found = np.asarray(predictions)
        if found.ndim == 2 and found.dtype.kind in "iufb":
            return pd.DataFrame(found, columns=[f"prediction_{i}" for i in range(found.shape[1])])
        if found.ndim == 1:
            return pd.DataFrame({"prediction": predictions})
    rows = predictions if isinstance(predictions, list) else plain(predictions)
    if not isinstance(rows, list):
        rows = [rows]
    return pd.DataFrame({"prediction": [json.dumps(plain(row)) for row in rows]})


@contextmanager
def open_sink(path: Path) -> Iterator[Sink]:
    """Open a file for predictions: ``.json``, ``.jsonl``, ``.csv`` or ``.parquet``, by its name.

    It appears under its name when all is written; after an error nothing is left of it.

    Raises
    ------
    InvalidParameterError
        If its folder cannot be written.
    """
    kind = KINDS.get(path.suffix.lower(), "json")
    partial = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        file = partial.open("w", encoding="utf-8", newline="")
    except OSError as error:
        raise InvalidParameterError(f"{path} cannot be written: {error}") from None
    try:
        with file:
            sink = ParquetSink(partial) if kind == "parquet" else _TEXTS[kind](file)
            try:
                yield sink
                sink.end()
            except BaseException:
                if isinstance(sink, ParquetSink):
                    sink.drop()
                raise
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
