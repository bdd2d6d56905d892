"""Artifacts of an evaluation: files whose content is read when it is asked for."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from typing import Any

from nbtrack.errors import InvalidParameterError
from nbtrack.store.artifacts import folder_and_path
from nbtrack.tracking.artifacts import plain

Read = Callable[[], bytes]


class EvaluationArtifact:
    """A file that an evaluation has logged.

    Parameters
    ----------
    uri : str
        Where it is.
    content : object, optional
        What it holds, where that is at hand; by default it is read from the URI when it is
        first asked for.
    read : callable, optional
        Returns the bytes of the file; by default they are read from the URI.

    Examples
    --------
    >>> import pandas as pd
    >>> data = pd.DataFrame({"right": [0, 1, 1, 0], "said": [0, 1, 0, 0]})
    >>> quiet = {"log_model_explainability": False}
    >>> result = nbtrack.evaluate(
    ...     data=data,
    ...     targets="right",
    ...     predictions="said",
    ...     model_type="classifier",
    ...     evaluator_config=quiet,
    ... )
    >>> result.artifacts["confusion_matrix"].uri
    '...confusion_matrix.png'
    """

    def __init__(self, uri: str, content: Any = None, read: Read | None = None) -> None:
        self._uri = uri
        self._content = content
        self._read = read or self._read_uri

    @property
    def uri(self) -> str:
        """Where it is."""
        return self._uri

    @property
    def content(self) -> Any:
        """What the file holds: a picture, a frame, an array, a value, or text."""
        if self._content is None:
            self._content = self._parse(self._read())
        return self._content

    @property
    def file_name(self) -> str:
        """The last part of its URI."""
        return PurePosixPath(self._uri.partition("?")[0]).name

    def __repr__(self) -> str:
        return f"{type(self).__name__}(uri={self._uri!r})"

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return what the bytes of a file of this kind hold."""
        return data

    def _save(self, path: str | os.PathLike[str]) -> None:
        Path(path).write_bytes(self._read())

    def _load(self, path: str | os.PathLike[str] | None = None) -> Any:
        self._content = self._parse(self._read() if path is None else Path(path).read_bytes())
        return self._content

    def _read_uri(self) -> bytes:
        if self._uri.startswith("runs:"):
            from nbtrack.tracking import context
            from nbtrack.tracking.model_locations import split_run_uri
            from nbtrack.tracking.run_artifacts import artifacts_of

            run_id, inner = split_run_uri(self._uri)
            return artifacts_of(context.store_of(run_id), run_id).read_bytes(inner)
        folder, path = folder_and_path(self._uri)
        return folder.read_bytes(path or "")


class ImageEvaluationArtifact(EvaluationArtifact):
    """A picture, as an image of Pillow."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the picture."""
        import PIL.Image

        picture = PIL.Image.open(io.BytesIO(data))
        picture.load()
        return picture


class CsvEvaluationArtifact(EvaluationArtifact):
    """A table, as a DataFrame of pandas."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the table."""
        import pandas as pd

        return pd.read_csv(io.BytesIO(data))


class ParquetEvaluationArtifact(EvaluationArtifact):
    """A table in Parquet, as a DataFrame of pandas."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the table."""
        import pandas as pd

        return pd.read_parquet(io.BytesIO(data))


class NumpyEvaluationArtifact(EvaluationArtifact):
    """An array of NumPy."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the array."""
        import numpy as np

        return np.load(io.BytesIO(data), allow_pickle=False)


class JsonEvaluationArtifact(EvaluationArtifact):
    """A value that JSON can say."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the value."""
        return json.loads(data)


class TextEvaluationArtifact(EvaluationArtifact):
    """Text."""

    @staticmethod
    def _parse(data: bytes) -> Any:
        """Return the text."""
        return data.decode("utf-8")


KINDS: dict[str, type[EvaluationArtifact]] = {
    ".png": ImageEvaluationArtifact,
    ".jpg": ImageEvaluationArtifact,
    ".jpeg": ImageEvaluationArtifact,
    ".json": JsonEvaluationArtifact,
    ".npy": NumpyEvaluationArtifact,
    ".csv": CsvEvaluationArtifact,
    ".parquet": ParquetEvaluationArtifact,
    ".txt": TextEvaluationArtifact,
}


def encoded(name: str, value: Any) -> tuple[str, bytes]:
    """Return the extension and the bytes of the file that shall hold a value.

    Parameters
    ----------
    name : str
        What the artifact is called.
    value : object
        A path to a file, the text of a JSON document, a DataFrame, an array, a figure of
        matplotlib, or what JSON can say.

    Raises
    ------
    InvalidParameterError
        If it is none of these, or a file of another kind.
    """
    import numpy as np
    import pandas as pd

    if isinstance(value, os.PathLike) or (isinstance(value, str) and _is_path(value)):
        return _of_file(name, Path(value))
    if isinstance(value, str):
        try:
            json.loads(value)
        except json.JSONDecodeError:
            raise InvalidParameterError(
                f"The custom artifact {name!r} is the text {value[:80]!r}, which is neither a path "
                "to a file nor JSON. Write it to a file in artifacts_dir and return its path."
            ) from None
        return ".json", value.encode()
    if isinstance(value, pd.DataFrame):
        return ".csv", value.to_csv(index=False).encode()
    if isinstance(value, np.ndarray):
        buffer = io.BytesIO()
        np.save(buffer, value, allow_pickle=False)
        return ".npy", buffer.getvalue()
    if any(each.__module__ == "matplotlib.figure" for each in type(value).__mro__):
        buffer = io.BytesIO()
        value.savefig(buffer, format="png")
        return ".png", buffer.getvalue()
    if _is_plain(value):
        return ".json", json.dumps(plain(value)).encode()
    raise InvalidParameterError(
        f"The custom artifact {name!r} is of {type(value).__name__}. Return a path to a file, a "
        "figure of matplotlib, a DataFrame, an array, or what JSON can say; nothing is kept as a "
        "pickle."
    )


def _is_path(text: str) -> bool:
    try:
        return Path(text).exists()
    except (OSError, ValueError):  # too long for a name, or with a NUL
        return False


def _of_file(name: str, path: Path) -> tuple[str, bytes]:
    if not path.is_file():
        raise InvalidParameterError(
            f"The custom artifact {name!r} is {str(path)!r}, which is no file that exists."
        )
    suffix = path.suffix.lower()
    if suffix not in KINDS:
        raise InvalidParameterError(
            f"The custom artifact {name!r} is the file {path.name!r}; the extension of one is "
            f"{', '.join(KINDS)}."
        )
    return suffix, path.read_bytes()


def _is_plain(value: Any) -> bool:
    """Return whether JSON can say a value, arrays and numbers of NumPy as lists and numbers."""
    import numpy as np

    if isinstance(value, dict):
        return all(_is_plain(each) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple)):
        return all(_is_plain(each) for each in value)
    return value is None or isinstance(value, (str, int, float, bool, np.generic, np.ndarray))
